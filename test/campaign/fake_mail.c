/* test/campaign/fake_mail.c - a mail submission server without TLS. */
#include "base/err.h"
#include "fake.h"
#include <stdlib.h>
#include <string.h>

struct session {
    struct peer peer;
    char line[2048];
    size_t len;
    bool in_data;
    size_t tail; /* how much of "\r\n.\r\n" has been seen */
    char to[ADDRESS_MAX], message_id[ADDRESS_MAX];
    char message[BODY_MAX];
    size_t message_len;
    struct act act;
};

static void say(struct pipe *pipe, const char *text)
{
    pipe_send(pipe, str_of(text));
}

static void refuse(struct pipe *pipe, const struct act *act)
{
    char text[TEXT_MAX * 2];
    (void)snprintf(text, sizeof text, "%d %s as told\r\n", act->status, act->word);
    say(pipe, text);
}

static void answer(struct later *later)
{
    struct pipe *pipe = later->pipe;
    switch (later->act.what) {
    case WHAT_cut:
    case WHAT_reset:
    case WHAT_cut_body:
        pipe_drop(pipe, later->act.what != WHAT_cut);
        break;
    case WHAT_half:
        say(pipe, "250 2.0");
        pipe_drop(pipe, true);
        break;
    case WHAT_status:
        refuse(pipe, &later->act);
        break;
    default:
        say(pipe, "250 2.0.0 Ok: queued\r\n");
    }
}

/* True if the act is for this stage, and the command was answered by it. */
static bool acts_at(struct session *session, struct pipe *pipe, const char *stage)
{
    if (session->act.what != WHAT_status || strcmp(session->act.at, stage) != 0)
        return false;
    session->act.now = true; /* replies keep the order of the commands */
    fake_take(session->peer.fake, &session->peer, pipe, 0, &session->act, session->to, "-", stage,
              STR_NONE);
    return true;
}

static void recipient(struct session *session, struct pipe *pipe, const char *line)
{
    const char *from = strchr(line, '<'), *to = from ? strchr(from, '>') : NULL;
    (void)snprintf(session->to, sizeof session->to, "%.*s", to ? (int)(to - from - 1) : 0,
                   from ? from + 1 : "");
    session->act = fake_draw(session->peer.fake, session->to);
    session->act.now = session->act.what == WHAT_cut_body;
    if (session->act.what == WHAT_cut_body)
        fake_take(session->peer.fake, &session->peer, pipe, 0, &session->act, session->to, "-",
                  "rcpt", STR_NONE);
    else if (!acts_at(session, pipe, "rcpt"))
        say(pipe, "250 2.1.5 Ok\r\n");
}

static void obey(struct session *session, struct pipe *pipe, const char *line)
{
    struct str command = str_of(line);
    if (str_starts(command, STR("EHLO")) || str_starts(command, STR("HELO")))
        say(pipe, "250-fake.example\r\n250-PIPELINING\r\n250-SIZE 1000000\r\n250 8BITMIME\r\n");
    else if (str_starts(command, STR("MAIL")))
        say(pipe, "250 2.1.0 Ok\r\n");
    else if (str_starts(command, STR("RCPT")))
        recipient(session, pipe, line);
    else if (str_starts(command, STR("RSET")))
        say(pipe, "250 2.0.0 Ok\r\n");
    else if (str_starts(command, STR("QUIT")))
        say(pipe, "221 2.0.0 bye\r\n");
    else if (!str_starts(command, STR("DATA")))
        say(pipe, "502 5.5.1 what?\r\n");
    else if (session->act.what == WHAT_status && !strcmp(session->act.at, "rcpt"))
        say(pipe, "554 5.5.1 no valid recipients\r\n");
    else {
        session->in_data = true;
        session->tail = 2; /* the line end of DATA counts as the one before the dot */
        session->message_len = 0;
        say(pipe, "354 go on\r\n");
    }
}

static void take_data(struct session *session, struct pipe *pipe, char c)
{
    static const char end[] = "\r\n.\r\n";
    if (session->message_len < sizeof session->message)
        session->message[session->message_len++] = c;
    if (c == end[session->tail])
        session->tail++;
    else
        session->tail = c == '\r' ? 1 : 0;
    if (session->tail < sizeof end - 1)
        return;
    session->in_data = false;
    struct str message = {session->message, session->message_len};
    const char *id = memmem(message.at, message.len, "Message-ID: <", 13);
    const char *id_end = id ? memchr(id, '>', (size_t)(message.at + message.len - id)) : NULL;
    (void)snprintf(session->message_id, sizeof session->message_id, "%.*s",
                   id_end ? (int)(id_end - id - 13) : 1, id_end ? id + 13 : "-");
    fake_take(session->peer.fake, &session->peer, pipe, 0, &session->act, session->to, "-",
              session->message_id, message);
}

static void on_received(void *self, struct pipe *pipe, struct str bytes)
{
    (void)self;
    struct session *session = pipe->session;
    for (size_t i = 0; i < bytes.len && !pipe->closing; i++) {
        if (session->in_data) {
            take_data(session, pipe, bytes.at[i]);
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
        obey(session, pipe, session->line);
    }
}

static void on_open(void *self, struct pipe *pipe)
{
    struct fake *fake = self;
    struct session *session = calloc(1, sizeof *session);
    must(session != NULL);
    peer_init(&session->peer, fake);
    pipe->session = session;
    pipe->free_session = free;
    if (fake->stall)
        pipe_freeze(pipe);
    else
        say(pipe, "220 fake.example ESMTP\r\n");
}

static void on_closed(void *self, struct pipe *pipe)
{
    (void)self;
    struct session *session = pipe->session;
    peer_gone(&session->peer);
}

const struct role mail_role = {
    .name = "mail",
    .events = {.opened = on_open, .received = on_received, .closed = on_closed},
    .answer = answer,
};
