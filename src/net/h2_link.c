/* net/h2_link.c - an HTTP/2 session on a conduit, from dialling to its end; see h2_link.h. */
#include "net/h2_link.h"
#include "model/limits.h"
#include "net/h2_client.h"
#include <stdlib.h>

enum { WRITE_BYTES = 60 * 1024 }; /* gathered for one write */

struct h2_link {
    struct link link; /* first */
    struct link_config config;
    struct conduit *conduit;
    struct h2_client *client;
    struct mono usable_by;  /* what is not up by then has failed */
    struct mono idle_since; /* the last time that a stream was open */
    bool up, used, other_protocol;
};

/* The end. */

static void close_link(struct link *self, const char *reason)
{
    struct h2_link *link = (struct h2_link *)self;
    struct why ignored;
    if (link->client) {
        struct str last_words = h2_client_output(link->client);
        if (!conduit_is_full(link->conduit))
            (void)!conduit_write(link->conduit, last_words, &ignored);
        h2_client_close(link->client, clock_now(link->config.clock), reason);
    }
    conduit_close(link->conduit);
    h2_client_free(link->client);
    free(link);
}

static void end(struct h2_link *link, const struct why *why)
{
    struct link_config config = link->config;
    struct link_fault fault = {.why = *why};
    bool served = link->up && (!link->used || h2_client_answered(link->client));
    fault.end = link->other_protocol ? LINK_NOT_H2 : served ? LINK_LOST : LINK_FAILED;
    close_link(&link->link, fault.why.text);
    config.down(config.self, &fault);
}

/* Sending. */

static void begin_waiting(struct h2_link *link, struct now now)
{
    struct outgoing *next;
    while (link->up && h2_client_room(link->client) &&
           (next = link->config.next(link->config.self))) {
        link->used = true;
        h2_client_begin(link->client, list_of(next, struct h2_stream, out), now);
    }
}

static enum err send_output(struct h2_link *link, struct now now, struct why *why)
{
    enum err err = OK;
    while (err == OK && link->client && !conduit_is_full(link->conduit)) {
        begin_waiting(link, now);
        struct str bytes = h2_client_output(link->client);
        if (!bytes.len)
            break;
        err = conduit_write(link->conduit, bytes, why);
        h2_client_output_drop(link->client, bytes.len);
        if (err == OK && conduit_pending(link->conduit) >= WRITE_BYTES)
            err = conduit_send(link->conduit, why);
    }
    return err == OK ? conduit_send(link->conduit, why) : err;
}

static void on_turn(void *self, struct now now)
{
    struct h2_link *link = self;
    struct why why;
    enum err err = send_output(link, now, &why);
    if (err == OK && link->up && h2_client_draining(link->client) &&
        h2_client_open(link->client) == 0)
        err = why_set(&why, ERR_CLOSED, "the connection was drained");
    if (err != OK)
        end(link, &why);
}

static void flush(struct link *self)
{
    struct h2_link *link = (struct h2_link *)self;
    on_turn(link, clock_now(link->config.clock));
}

/* Receiving. */

static enum err on_received(void *self, struct str bytes, struct now now, struct why *why)
{
    struct h2_link *link = self;
    enum err err = h2_client_receive(link->client, bytes, now, why);
    if (err == OK && !link->up && h2_client_settled(link->client)) {
        link->up = true;
        link->idle_since = now.mono;
        link->config.up(link->config.self);
    }
    if (h2_client_open(link->client))
        link->idle_since = now.mono;
    return err;
}

static enum err on_connected(void *self, struct now now, struct why *why)
{
    struct h2_link *link = self;
    bool tls = link->config.tls != NULL;
    if (tls && conduit_alpn(link->conduit) != TLS_ALPN_H2) {
        link->other_protocol = true;
        return why_set(why, ERR_UNSUPPORTED, "it does not speak HTTP/2");
    }
    struct h2_client_config config = {
        .scheme = tls ? STR("https") : STR("http"),
        .authority = link->config.origin->authority,
        .streams_max = H2_STREAMS_MAX,
        .ping_after = span_ms(H2_PING_AFTER_MS),
        .ping_idle = span_s(H2_PING_IDLE_S),
        .ping_timeout = span_ms(H2_PING_TIMEOUT_MS),
    };
    link->client = h2_client_new(&config, now);
    return link->client ? OK : why_set(why, ERR_MEMORY, "no memory for an HTTP/2 session");
}

static void on_down(void *self, const struct why *why)
{
    end(self, why);
}

static void on_sooner(void *self)
{
    struct h2_link *link = self;
    link->config.sooner(link->config.self);
}

/* Time. */

static uint32_t room(const struct link *self)
{
    const struct h2_link *link = (const struct h2_link *)self;
    return link->up && !conduit_is_full(link->conduit) ? h2_client_room(link->client) : 0;
}

static bool is_up(const struct link *self)
{
    const struct h2_link *link = (const struct h2_link *)self;
    return link->up && !h2_client_draining(link->client);
}

static struct mono idle_ends(const struct h2_link *link)
{
    return h2_client_open(link->client) ? MONO_NEVER
                                        : mono_add(link->idle_since, span_s(H2_IDLE_CLOSE_S));
}

static struct mono deadline(const struct link *self)
{
    const struct h2_link *link = (const struct h2_link *)self;
    if (!link->up)
        return mono_min(conduit_deadline(link->conduit), link->usable_by);
    return mono_min(h2_client_deadline(link->client), idle_ends(link));
}

static void tick_up(struct h2_link *link, struct now now)
{
    struct why why;
    if (h2_client_open(link->client))
        link->idle_since = now.mono;
    if (mono_reached(now.mono, idle_ends(link)))
        h2_client_drain(link->client);
    if (h2_client_tick(link->client, now, &why) == OK)
        on_turn(link, now);
    else
        end(link, &why);
}

static void tick(struct link *self, struct now now)
{
    struct h2_link *link = (struct h2_link *)self;
    struct why why;
    if (link->up) {
        tick_up(link, now);
    } else if (conduit_deadline(link->conduit).us != MONO_NEVER.us) {
        conduit_tick(link->conduit, now);
    } else if (mono_reached(now.mono, link->usable_by)) {
        (void)why_set(&why, ERR_TIMEOUT, "%s took too long",
                      link->client ? "the HTTP/2 start" : "the TLS handshake");
        end(link, &why);
    }
}

static const struct link_ops ops = {close_link, room, is_up, flush, tick, deadline};

enum err h2_link_start(const struct link_config *config, struct now now, struct link **ret,
                       struct why *why)
{
    struct h2_link *link = calloc(1, sizeof *link);
    if (!link)
        return why_set(why, ERR_MEMORY, "no memory for a connection");
    *link = (struct h2_link){.link = {&ops},
                             .config = *config,
                             .usable_by = mono_add(now.mono, span_ms(CONNECT_TIMEOUT_MS)),
                             .idle_since = now.mono};
    struct conduit_config conduit = {.loop = config->loop,
                                     .clock = config->clock,
                                     .scratch = config->scratch,
                                     .origin = config->origin,
                                     .tls = config->tls,
                                     .alpn = TLS_ALPN_H2 | TLS_ALPN_HTTP1,
                                     .deadline = link->usable_by,
                                     .connected = on_connected,
                                     .received = on_received,
                                     .turn = on_turn,
                                     .down = on_down,
                                     .sooner = on_sooner,
                                     .self = link};
    enum err err = conduit_start(&conduit, &link->conduit, why);
    if (err == OK)
        *ret = &link->link;
    else
        free(link);
    return err;
}

const struct link_kind h2_link_kind = {.start = h2_link_start,
                                       .record_size = sizeof(struct h2_stream),
                                       .connections_max = POOL_CONNECTIONS_MAX,
                                       .dials_max = 1,
                                       .room_each = 100, /* RFC 9113 section 6.5.2 */
                                       .room_most = 100};
