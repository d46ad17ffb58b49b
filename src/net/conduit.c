/* net/conduit.c - socket, TLS and late writes; see conduit.h. */
#include "net/conduit.h"
#include "base/list.h"
#include "net/dial.h"
#include <stdlib.h>

enum { PLAIN_OUTPUT_MAX = 1024 * 1024 };

/* What the socket did not take at once. Frees itself when written. */
struct late_write {
    uv_write_t request;
    struct conduit *conduit; /* NULL: gone */
    struct buf bytes;
};

struct conduit {
    struct conduit_config config;
    struct dial *dial;
    uv_tcp_t *socket;
    struct tls *tls;
    struct buf plain; /* output without TLS */
    struct late_write *late;
    bool connected; /* and the owner told */
};

static void down(struct conduit *conduit, const struct why *why)
{
    conduit->config.down(conduit->config.self, why);
}

/* Sending. */

static void on_late_write(uv_write_t *request, int status)
{
    struct late_write *late = list_of(request, struct late_write, request);
    struct conduit *conduit = late->conduit;
    buf_done(&late->bytes);
    free(late);
    if (!conduit)
        return;
    conduit->late = NULL;
    struct why why;
    enum err err = status < 0 ? why_set(&why, ERR_IO, "sending: %s", uv_strerror(status))
                              : conduit_send(conduit, &why);
    if (err != OK)
        down(conduit, &why);
    else if (!conduit->late)
        conduit->config.turn(conduit->config.self, clock_now(conduit->config.clock));
}

static enum err send_late(struct conduit *conduit, struct str bytes, struct why *why)
{
    struct late_write *late = calloc(1, sizeof *late);
    if (!late)
        return why_set(why, ERR_MEMORY, "no memory to send");
    buf_init(&late->bytes, bytes.len);
    buf_add(&late->bytes, bytes);
    late->conduit = conduit;
    uv_buf_t piece = uv_buf_init(late->bytes.at, (unsigned)late->bytes.len);
    int failed = late->bytes.failed ? UV_ENOMEM
                                    : uv_write(&late->request, (uv_stream_t *)conduit->socket,
                                               &piece, 1, on_late_write);
    if (failed) {
        buf_done(&late->bytes);
        free(late);
        return why_set(why, ERR_IO, "sending: %s", uv_strerror(failed));
    }
    conduit->late = late;
    return OK;
}

static struct str pending(const struct conduit *conduit)
{
    return conduit->tls ? tls_output(conduit->tls) : buf_str(&conduit->plain);
}

size_t conduit_pending(const struct conduit *conduit)
{
    return pending(conduit).len;
}

enum err conduit_send(struct conduit *conduit, struct why *why)
{
    struct str bytes = pending(conduit);
    if (!bytes.len || conduit->late)
        return OK;
    uv_buf_t piece = uv_buf_init((char *)(uintptr_t)bytes.at, (unsigned)bytes.len);
    int sent = uv_try_write((uv_stream_t *)conduit->socket, &piece, 1);
    if (sent < 0 && sent != UV_EAGAIN)
        return why_set(why, ERR_IO, "sending: %s", uv_strerror(sent));
    size_t taken = sent > 0 ? (size_t)sent : 0;
    enum err err =
        taken == bytes.len ? OK : send_late(conduit, str_slice(bytes, taken, bytes.len), why);
    if (conduit->tls)
        tls_output_drop(conduit->tls, bytes.len);
    else
        buf_drop(&conduit->plain, bytes.len);
    return err;
}

enum err conduit_write(struct conduit *conduit, struct str bytes, struct why *why)
{
    if (conduit->tls)
        return tls_write(conduit->tls, bytes.at, bytes.len, why);
    buf_add(&conduit->plain, bytes);
    return conduit->plain.failed ? why_set(why, ERR_MEMORY, "no memory to send") : OK;
}

bool conduit_is_full(const struct conduit *conduit)
{
    return conduit->late != NULL;
}

/* Receiving. */

static enum err tell_connected(struct conduit *conduit, struct now now, struct why *why)
{
    conduit->connected = true;
    return conduit->config.connected(conduit->config.self, now, why);
}

static enum err receive_tls(struct conduit *conduit, struct str bytes, struct now now,
                            struct why *why)
{
    char *plain = conduit->config.scratch->plain;
    enum err err = tls_feed(conduit->tls, bytes.at, bytes.len);
    if (err != OK)
        return why_set(why, err, "no room for what the peer sends");
    for (size_t len = 1; err == OK && len;) {
        err = tls_read(conduit->tls, plain, CONDUIT_PLAIN_BYTES, &len, why);
        if (err == OK && !conduit->connected && tls_ready(conduit->tls))
            err = tell_connected(conduit, now, why);
        if (err == OK && len)
            err =
                conduit->config.received(conduit->config.self, (struct str){plain, len}, now, why);
    }
    return err;
}

static void give_scratch(uv_handle_t *socket, size_t hint, uv_buf_t *ret)
{
    (void)hint;
    struct conduit *conduit = socket->data;
    *ret = uv_buf_init(conduit->config.scratch->read, CONDUIT_READ_BYTES);
}

static void on_read(uv_stream_t *socket, ssize_t len, const uv_buf_t *from)
{
    struct conduit *conduit = socket->data;
    struct now now = clock_now(conduit->config.clock);
    struct why why;
    enum err err = OK;
    struct str bytes = {from->base, len > 0 ? (size_t)len : 0};
    if (len == UV_EOF)
        err = why_set(&why, ERR_CLOSED, "the peer closed the connection");
    else if (len < 0)
        err = why_set(&why, ERR_IO, "the connection broke: %s", uv_strerror((int)len));
    else if (len > 0 && conduit->tls)
        err = receive_tls(conduit, bytes, now, &why);
    else if (len > 0)
        err = conduit->config.received(conduit->config.self, bytes, now, &why);
    if (err == OK && conduit->tls) /* TLS itself may have something to say */
        err = conduit_send(conduit, &why);
    if (err == OK)
        conduit->config.turn(conduit->config.self, now);
    else
        down(conduit, &why);
}

/* Starting and ending. */

static enum err open_tls(struct conduit *conduit, const struct tls_context *context,
                         struct why *why)
{
    enum err err = tls_connect(context, conduit->config.origin->host, conduit->config.alpn,
                               &conduit->tls, why);
    return err == OK ? conduit_send(conduit, why) : err;
}

enum err conduit_start_tls(struct conduit *conduit, const struct tls_context *tls, struct why *why)
{
    must(!conduit->tls);
    if (conduit->plain.len || conduit->late)
        return why_set(why, ERR_INPUT, "the peer wants TLS before it has read what came before");
    conduit->connected = false;
    return open_tls(conduit, tls, why);
}

static void on_dialled(void *self, uv_tcp_t *socket)
{
    struct conduit *conduit = self;
    struct now now = clock_now(conduit->config.clock);
    struct why why;
    conduit->dial = NULL;
    conduit->socket = socket;
    socket->data = conduit;
    enum err err = conduit->config.tls ? open_tls(conduit, conduit->config.tls, &why)
                                       : tell_connected(conduit, now, &why);
    int failed = err == OK ? uv_read_start((uv_stream_t *)socket, give_scratch, on_read) : 0;
    if (failed)
        err = why_set(&why, ERR_IO, "reading: %s", uv_strerror(failed));
    if (err == OK)
        conduit->config.turn(conduit->config.self, now);
    else
        down(conduit, &why);
}

static void on_dial_failed(void *self, const struct why *why)
{
    struct conduit *conduit = self;
    conduit->dial = NULL;
    down(conduit, why);
}

static void on_dial_sooner(void *self)
{
    struct conduit *conduit = self;
    conduit->config.sooner(conduit->config.self);
}

enum err conduit_start(const struct conduit_config *config, struct conduit **ret, struct why *why)
{
    struct conduit *conduit = calloc(1, sizeof *conduit);
    if (!conduit)
        return why_set(why, ERR_MEMORY, "no memory for a connection");
    conduit->config = *config;
    buf_init(&conduit->plain, PLAIN_OUTPUT_MAX);
    struct dial_events events = {on_dialled, on_dial_failed, on_dial_sooner, conduit};
    enum err err = dial_start(config->loop, config->clock, config->origin->host,
                              config->origin->port, config->deadline, &events, &conduit->dial, why);
    if (err == OK)
        *ret = conduit;
    else
        free(conduit);
    return err;
}

void conduit_close(struct conduit *conduit)
{
    struct why ignored;
    dial_stop(conduit->dial);
    if (conduit->tls && tls_ready(conduit->tls))
        tls_shutdown(conduit->tls);
    if (conduit->socket) {
        (void)!conduit_send(conduit, &ignored);
        dial_socket_close(conduit->socket);
    }
    if (conduit->late)
        conduit->late->conduit = NULL;
    tls_free(conduit->tls);
    buf_done(&conduit->plain);
    free(conduit);
}

enum tls_alpn conduit_alpn(const struct conduit *conduit)
{
    return conduit->tls ? tls_alpn(conduit->tls) : TLS_ALPN_NONE;
}

struct mono conduit_deadline(const struct conduit *conduit)
{
    return conduit->dial ? dial_deadline(conduit->dial) : MONO_NEVER;
}

void conduit_tick(struct conduit *conduit, struct now now)
{
    if (conduit->dial)
        dial_tick(conduit->dial, now.mono);
}
