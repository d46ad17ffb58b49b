/* net/h2_link.c - a connection's life from dialling to its end; see h2_link.h. */
#include "net/h2_link.h"
#include "model/limits.h"
#include "net/dial.h"
#include <stdlib.h>

enum { WRITE_BYTES = 60 * 1024 }; /* gathered for one write */

/* What the socket did not take at once. Frees itself when written. */
struct late_write {
    uv_write_t request;
    struct h2_link *link; /* NULL: gone */
    struct buf bytes;
};

struct h2_link {
    struct h2_link_config config;
    struct dial *dial;
    uv_tcp_t *socket;
    struct tls *tls;
    struct h2_client *client;
    struct late_write *late; /* while there is one nothing more is begun */
    struct mono dial_deadline;
    struct mono idle_since; /* the last time that a stream was open */
    bool up;
};

/* The end. */

static void free_link(struct h2_link *link)
{
    dial_stop(link->dial);
    if (link->late)
        link->late->link = NULL;
    if (link->socket)
        dial_socket_close(link->socket);
    tls_free(link->tls);
    h2_client_free(link->client);
    free(link);
}

void h2_link_close(struct h2_link *link, const char *reason)
{
    if (link->client)
        h2_client_close(link->client, clock_now(link->config.clock), reason);
    free_link(link);
}

static void end(struct h2_link *link, enum link_end how, const struct why *why)
{
    struct h2_link_config config = link->config;
    if (link->client && h2_client_answered(link->client))
        how = LINK_LOST;
    h2_link_close(link, why->text);
    config.down(config.self, link, how, why);
}

/* Sending. */

static void on_late_write(uv_write_t *request, int status)
{
    struct late_write *late = list_of(request, struct late_write, request);
    struct h2_link *link = late->link;
    buf_done(&late->bytes);
    free(late);
    if (!link)
        return;
    link->late = NULL;
    struct why why;
    if (status < 0) {
        (void)why_set(&why, ERR_IO, "sending: %s", uv_strerror(status));
        end(link, LINK_FAILED, &why);
        return;
    }
    h2_link_flush(link);
}

static enum err send_late(struct h2_link *link, struct str bytes, struct why *why)
{
    struct late_write *late = calloc(1, sizeof *late);
    if (!late)
        return why_set(why, ERR_MEMORY, "no memory to send");
    buf_init(&late->bytes, bytes.len);
    buf_add(&late->bytes, bytes);
    late->link = link;
    uv_buf_t piece = uv_buf_init(late->bytes.at, (unsigned)late->bytes.len);
    int failed = late->bytes.failed ? UV_ENOMEM
                                    : uv_write(&late->request, (uv_stream_t *)link->socket, &piece,
                                               1, on_late_write);
    if (failed) {
        buf_done(&late->bytes);
        free(late);
        return why_set(why, ERR_IO, "sending: %s", uv_strerror(failed));
    }
    link->late = late;
    return OK;
}

/* Gives the socket all of it: at once what it takes, the rest behind. */
static enum err send_bytes(struct h2_link *link, struct str bytes, struct why *why)
{
    uv_buf_t piece = uv_buf_init((char *)(uintptr_t)bytes.at, (unsigned)bytes.len);
    int sent = bytes.len && !link->late ? uv_try_write((uv_stream_t *)link->socket, &piece, 1) : 0;
    if (sent < 0 && sent != UV_EAGAIN)
        return why_set(why, ERR_IO, "sending: %s", uv_strerror(sent));
    size_t taken = sent > 0 ? (size_t)sent : 0;
    return taken == bytes.len ? OK : send_late(link, str_slice(bytes, taken, bytes.len), why);
}

static enum err send_tls(struct h2_link *link, struct why *why)
{
    struct str bytes = tls_output(link->tls);
    enum err err = send_bytes(link, bytes, why);
    tls_output_drop(link->tls, bytes.len);
    return err;
}

/* Moves the session's output to the socket; full records at a time. */
static enum err send_output(struct h2_link *link, struct why *why)
{
    struct str bytes = h2_client_output(link->client);
    enum err err = OK;
    if (!link->tls)
        err = send_bytes(link, bytes, why);
    else if (bytes.len)
        err = tls_write(link->tls, bytes.at, bytes.len, why);
    h2_client_output_drop(link->client, bytes.len);
    if (err == OK && link->tls && tls_output(link->tls).len >= WRITE_BYTES)
        err = send_tls(link, why);
    return err;
}

static void begin_waiting(struct h2_link *link, struct now now)
{
    struct h2_stream *stream;
    while (link->up && h2_client_room(link->client) &&
           (stream = link->config.next(link->config.self)))
        h2_client_begin(link->client, stream, now);
}

/* False: the link has ended. */
static bool flush(struct h2_link *link, struct now now)
{
    struct why why;
    enum err err = OK;
    while (err == OK && !link->late && link->client) {
        begin_waiting(link, now);
        if (h2_client_output(link->client).len == 0)
            break;
        err = send_output(link, &why);
    }
    if (err == OK && link->tls && !link->late)
        err = send_tls(link, &why);
    if (err == OK && link->up && h2_client_draining(link->client) &&
        h2_client_open(link->client) == 0)
        err = why_set(&why, ERR_CLOSED, "the connection was drained");
    if (err == OK)
        return true;
    end(link, LINK_FAILED, &why);
    return false;
}

void h2_link_flush(struct h2_link *link)
{
    (void)flush(link, clock_now(link->config.clock));
}

/* Receiving. */

static enum err receive_plain(struct h2_link *link, struct str bytes, struct now now,
                              struct why *why)
{
    enum err err = h2_client_receive(link->client, bytes, now, why);
    if (err == OK && !link->up && h2_client_settled(link->client)) {
        link->up = true;
        link->idle_since = now.mono;
        link->config.up(link->config.self, link);
    }
    if (h2_client_open(link->client))
        link->idle_since = now.mono;
    return err;
}

static enum err start_session(struct h2_link *link, struct now now, struct why *why)
{
    struct h2_client_config config = {
        .scheme = link->config.tls ? STR("https") : STR("http"),
        .authority = link->config.origin->authority,
        .streams_max = H2_STREAMS_MAX,
        .ping_after = span_ms(H2_PING_AFTER_MS),
        .ping_idle = span_s(H2_PING_IDLE_S),
        .ping_timeout = span_ms(H2_PING_TIMEOUT_MS),
    };
    link->client = h2_client_new(&config, now);
    return link->client ? OK : why_set(why, ERR_MEMORY, "no memory for an HTTP/2 session");
}

/* The handshake is done: is it the protocol we came for? */
static enum err start_on_tls(struct h2_link *link, struct now now, enum link_end *ret_how,
                             struct why *why)
{
    if (tls_alpn(link->tls) == TLS_ALPN_H2)
        return start_session(link, now, why);
    *ret_how = LINK_NOT_H2;
    return why_set(why, ERR_UNSUPPORTED, "%.*s does not speak HTTP/2",
                   STR_ARG(link->config.origin->authority));
}

static enum err receive_tls(struct h2_link *link, struct str bytes, struct now now,
                            enum link_end *ret_how, struct why *why)
{
    enum err err = tls_feed(link->tls, bytes.at, bytes.len);
    if (err != OK)
        return why_set(why, err, "no room for what the peer sends");
    for (size_t len = 1; err == OK && len;) {
        err = tls_read(link->tls, link->config.scratch->plain, LINK_PLAIN_BYTES, &len, why);
        if (err == OK && !link->client && tls_ready(link->tls))
            err = start_on_tls(link, now, ret_how, why);
        if (err == OK && len)
            err = receive_plain(link, (struct str){link->config.scratch->plain, len}, now, why);
    }
    return err;
}

/* Last words (GOAWAY, alerts), as far as the socket takes them at once. */
static void say_goodbye(struct h2_link *link)
{
    struct why ignored;
    if (link->client && !link->late)
        (void)!send_output(link, &ignored);
    if (link->tls && !link->late)
        (void)!send_tls(link, &ignored);
}

static void give_scratch(uv_handle_t *socket, size_t hint, uv_buf_t *ret)
{
    (void)hint;
    struct h2_link *link = socket->data;
    *ret = uv_buf_init(link->config.scratch->read, LINK_READ_BYTES);
}

static void on_read(uv_stream_t *socket, ssize_t len, const uv_buf_t *from)
{
    struct h2_link *link = socket->data;
    struct now now = clock_now(link->config.clock);
    enum link_end how = LINK_FAILED;
    struct why why;
    enum err err = OK;
    if (len == UV_EOF)
        err = why_set(&why, ERR_CLOSED, "the peer closed the connection%s",
                      link->up ? "" : " before it was usable");
    else if (len < 0)
        err = why_set(&why, ERR_IO, "the connection broke: %s", uv_strerror((int)len));
    else if (len > 0 && link->tls)
        err = receive_tls(link, (struct str){from->base, (size_t)len}, now, &how, &why);
    else if (len > 0)
        err = receive_plain(link, (struct str){from->base, (size_t)len}, now, &why);
    if (err == OK) {
        (void)flush(link, now);
        return;
    }
    if (len > 0)
        say_goodbye(link);
    end(link, how, &why);
}

/* Starting. */

static void on_connected(void *self, uv_tcp_t *socket)
{
    struct h2_link *link = self;
    struct now now = clock_now(link->config.clock);
    link->dial = NULL;
    link->socket = socket;
    socket->data = link;
    struct why why;
    enum err err = link->config.tls ? tls_connect(link->config.tls, link->config.origin->host,
                                                  TLS_ALPN_H2 | TLS_ALPN_HTTP1, &link->tls, &why)
                                    : start_session(link, now, &why);
    int failed = err == OK ? uv_read_start((uv_stream_t *)socket, give_scratch, on_read) : 0;
    if (failed)
        err = why_set(&why, ERR_IO, "reading: %s", uv_strerror(failed));
    if (err == OK)
        (void)flush(link, now);
    else
        end(link, LINK_FAILED, &why);
}

static void on_dial_failed(void *self, const struct why *why)
{
    struct h2_link *link = self;
    link->dial = NULL;
    end(link, LINK_FAILED, why);
}

static void on_dial_sooner(void *self)
{
    struct h2_link *link = self;
    link->config.sooner(link->config.self, link);
}

enum err h2_link_start(const struct h2_link_config *config, struct now now, struct h2_link **ret,
                       struct why *why)
{
    struct h2_link *link = calloc(1, sizeof *link);
    if (!link)
        return why_set(why, ERR_MEMORY, "no memory for a connection");
    *link = (struct h2_link){.config = *config,
                             .dial_deadline = mono_add(now.mono, span_ms(CONNECT_TIMEOUT_MS)),
                             .idle_since = now.mono};
    struct dial_events events = {on_connected, on_dial_failed, on_dial_sooner, link};
    enum err err = dial_start(config->loop, config->clock, config->origin->host,
                              config->origin->port, link->dial_deadline, &events, &link->dial, why);
    if (err == OK)
        *ret = link;
    else
        free(link);
    return err;
}

/* Time. */

uint32_t h2_link_room(const struct h2_link *link)
{
    return link->up && !link->late ? h2_client_room(link->client) : 0;
}

bool h2_link_is_up(const struct h2_link *link)
{
    return link->up && !h2_client_draining(link->client);
}

static struct mono idle_ends(const struct h2_link *link)
{
    return h2_client_open(link->client) ? MONO_NEVER
                                        : mono_add(link->idle_since, span_s(H2_IDLE_CLOSE_S));
}

struct mono h2_link_deadline(const struct h2_link *link)
{
    if (link->dial)
        return dial_deadline(link->dial);
    if (!link->up)
        return link->dial_deadline;
    return mono_min(h2_client_deadline(link->client), idle_ends(link));
}

void h2_link_tick(struct h2_link *link, struct now now)
{
    struct why why;
    if (link->dial) {
        dial_tick(link->dial, now.mono);
        return;
    }
    if (!link->up && mono_reached(now.mono, link->dial_deadline)) {
        (void)why_set(&why, ERR_TIMEOUT, "%s with %.*s took too long",
                      link->client ? "the HTTP/2 start" : "the TLS handshake",
                      STR_ARG(link->config.origin->authority));
        end(link, LINK_FAILED, &why);
        return;
    }
    if (!link->up)
        return;
    if (h2_client_open(link->client))
        link->idle_since = now.mono;
    if (mono_reached(now.mono, idle_ends(link)))
        h2_client_drain(link->client);
    if (h2_client_tick(link->client, now, &why) == OK)
        (void)flush(link, now);
    else
        end(link, LINK_FAILED, &why);
}
