/* test/peers/smtp_peer.c - see smtp_peer.h. */
#include "smtp_peer.h"
#include "base/err.h"
#include <stdlib.h>

struct session {
    char line[2048];
    size_t len;
    bool in_data, refused;
    size_t tail; /* how much of "\r\n.\r\n" has been seen */
};

struct smtp_script smtp_script_kind(void)
{
    return (struct smtp_script){
        .greeting = "220 peer.example ESMTP\r\n",
        .ehlo = "250-peer.example\r\n250-PIPELINING\r\n250-SIZE 1000000\r\n250 8BITMIME\r\n",
        .starttls = "502 5.5.1 unknown\r\n",
        .auth = "235 2.7.0 welcome\r\n",
        .mail = "250 2.1.0 Ok\r\n",
        .rcpt = "250 2.1.5 Ok\r\n",
        .data = "354 go on\r\n",
        .final = "250 2.0.0 Ok: queued as 4XYZ\r\n",
    };
}

static void say(struct pipe *pipe, const char *reply)
{
    if (reply)
        pipe_send(pipe, str_of(reply));
    else
        pipe_drop(pipe, false);
}

static void on_open(void *self, struct pipe *pipe)
{
    struct smtp_peer *peer = self;
    pipe->session = calloc(1, sizeof(struct session));
    must(pipe->session != NULL);
    pipe->free_session = free;
    if (!pipe->ssl)
        say(pipe, peer->script.greeting);
}

static void on_secured(void *self, struct pipe *pipe)
{
    struct smtp_peer *peer = self;
    if (peer->listener.tls)
        say(pipe, peer->script.greeting);
}

static void note(struct smtp_peer *peer, const char *line)
{
    size_t at = strlen(peer->commands);
    must(at + strlen(line) + 2 < sizeof peer->commands);
    memcpy(peer->commands + at, line, strlen(line));
    memcpy(peer->commands + at + strlen(line), "\n", 2);
}

static void obey(struct smtp_peer *peer, struct pipe *pipe, const char *line)
{
    struct session *session = pipe->session;
    const struct smtp_script *script = &peer->script;
    struct str command = str_of(line);
    note(peer, line);
    if (str_starts(command, STR("EHLO")) || str_starts(command, STR("HELO"))) {
        say(pipe, script->ehlo);
    } else if (str_starts(command, STR("STARTTLS"))) {
        say(pipe, script->starttls);
        if (peer->starttls && script->starttls && script->starttls[0] == '2')
            pipe_start_tls(pipe, peer->starttls);
    } else if (str_starts(command, STR("AUTH"))) {
        say(pipe, script->auth);
    } else if (str_starts(command, STR("MAIL"))) {
        peer->began++;
        session->refused = !script->mail || script->mail[0] != '2';
        say(pipe, script->mail);
    } else if (str_starts(command, STR("RCPT"))) {
        session->refused = session->refused || !script->rcpt || script->rcpt[0] != '2';
        say(pipe, script->rcpt);
    } else if (str_starts(command, STR("DATA")) && session->refused && !script->data_anyway) {
        say(pipe, "554 5.5.1 no valid recipients\r\n");
    } else if (str_starts(command, STR("DATA"))) {
        session->in_data = script->data && script->data[0] == '3';
        session->tail = 2; /* the line end of DATA counts as the one before the dot */
        peer->message_len = 0;
        say(pipe, script->data);
    } else if (str_starts(command, STR("RSET"))) {
        say(pipe, "250 2.0.0 Ok\r\n");
    } else if (str_starts(command, STR("QUIT"))) {
        if (!script->hang_at_quit)
            say(pipe, "221 bye\r\n");
    } else {
        say(pipe, "502 5.5.1 what?\r\n");
    }
}

static void take_data(struct smtp_peer *peer, struct pipe *pipe, char c)
{
    static const char end[] = "\r\n.\r\n";
    struct session *session = pipe->session;
    must(peer->message_len < sizeof peer->message);
    peer->message[peer->message_len++] = c;
    if (c == end[session->tail])
        session->tail++;
    else
        session->tail = c == '\r' ? 1 : 0;
    if (session->tail < sizeof end - 1)
        return;
    session->in_data = false;
    if (peer->script.hang_at_final)
        return;
    if (peer->script.final && peer->script.final[0] == '2')
        peer->mails += !session->refused;
    say(pipe, peer->script.final);
}

static void on_received(void *self, struct pipe *pipe, struct str bytes)
{
    struct smtp_peer *peer = self;
    struct session *session = pipe->session;
    for (size_t i = 0; i < bytes.len && !pipe->closing; i++) {
        if (session->in_data) {
            if (peer->script.drop_in_data)
                pipe_drop(pipe, true);
            else
                take_data(peer, pipe, bytes.at[i]);
            continue;
        }
        must(session->len < sizeof session->line - 1);
        session->line[session->len++] = bytes.at[i];
        if (bytes.at[i] != '\n')
            continue;
        size_t len = session->len;
        while (len && (session->line[len - 1] == '\n' || session->line[len - 1] == '\r'))
            len--;
        session->line[len] = '\0';
        session->len = 0;
        obey(peer, pipe, session->line);
    }
}

void smtp_peer_open(struct smtp_peer *peer, uv_loop_t *loop, SSL_CTX *tls,
                    const struct smtp_script *script)
{
    memset(peer, 0, sizeof *peer);
    peer->script = *script;
    struct pipe_events events = {
        .opened = on_open, .received = on_received, .secured = on_secured, .self = peer};
    listener_open(&peer->listener, loop, tls, &events);
}

void smtp_peer_close(struct smtp_peer *peer)
{
    listener_close(&peer->listener);
}
