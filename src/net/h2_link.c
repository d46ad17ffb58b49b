/* net/h2_link.c - an HTTP/2 session on a conduit, from dialling to its end; see h2_link.h. */
#include "net/h2_link.h"
#include "model/limits.h"
#include <stdlib.h>

enum { WRITE_BYTES = 60 * 1024 }; /* gathered for one write */

struct h2_link {
    struct h2_link_config config;
    struct conduit *conduit;
    struct h2_client *client;
    struct mono usable_by;  /* what is not up by then has failed */
    struct mono idle_since; /* the last time that a stream was open */
    bool up, other_protocol;
};

/* The end. */

void h2_link_close(struct h2_link *link, const char *reason)
{
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
    struct h2_link_config config = link->config;
    enum link_end how = link->other_protocol                               ? LINK_NOT_H2
                        : link->client && h2_client_answered(link->client) ? LINK_LOST
                                                                           : LINK_FAILED;
    h2_link_close(link, why->text);
    config.down(config.self, link, how, why);
}

/* Sending. */

static void begin_waiting(struct h2_link *link, struct now now)
{
    struct h2_stream *stream;
    while (link->up && h2_client_room(link->client) &&
           (stream = link->config.next(link->config.self)))
        h2_client_begin(link->client, stream, now);
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

void h2_link_flush(struct h2_link *link)
{
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
        link->config.up(link->config.self, link);
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
    link->config.sooner(link->config.self, link);
}

enum err h2_link_start(const struct h2_link_config *config, struct now now, struct h2_link **ret,
                       struct why *why)
{
    struct h2_link *link = calloc(1, sizeof *link);
    if (!link)
        return why_set(why, ERR_MEMORY, "no memory for a connection");
    *link = (struct h2_link){.config = *config,
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
        *ret = link;
    else
        free(link);
    return err;
}

/* Time. */

uint32_t h2_link_room(const struct h2_link *link)
{
    return link->up && !conduit_is_full(link->conduit) ? h2_client_room(link->client) : 0;
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

void h2_link_tick(struct h2_link *link, struct now now)
{
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
