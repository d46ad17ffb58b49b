/* net/h2_site.c - one origin's queue and connections; see h2_pool.h for the rules. */
#include "net/h2_site.h"
#include "model/limits.h"
#include <stdlib.h>

enum { PAUSE_DOUBLINGS_MAX = 16 };

struct connection {
    struct list place; /* in its site's connections */
    struct site *site;
    struct h2_link *link;
};

/* The context that verifies this site, if it is one of TLS. */
static enum err open_tls(struct site *site, const struct tls_context **ret, struct why *why)
{
    struct h2_pool *pool = site->pool;
    *ret = NULL;
    if (!origin_parse(site->origin_text, &site->origin))
        return why_set(why, ERR_INPUT, "\"%.*s\" is no origin", STR_ARG(site->origin_text));
    if (site->origin.scheme == SCHEME_HTTP)
        return origin_is_loopback(&site->origin)
                   ? OK
                   : why_set(why, ERR_DENIED, "HTTP/2 without TLS is for loopback only");
    if (site->origin.scheme != SCHEME_HTTPS)
        return why_set(why, ERR_INPUT, "\"%.*s\" is not for HTTP/2", STR_ARG(site->origin_text));
    struct tls_context **context = site->ca_text.at ? &site->tls : &pool->system_tls;
    enum err err = *context ? OK : tls_client_open(site->ca_text, context, why);
    *ret = *context;
    return err;
}

/* Exchanges that wait. */

static struct h2_stream *take_waiting(struct site *site)
{
    struct list *first = list_take_first(&site->waiting);
    if (!first)
        return NULL;
    site->waiting_count--;
    return list_of(first, struct h2_stream, out.link);
}

static void fail_waiting(struct site *site, const struct why *why)
{
    struct now now = clock_now(&site->pool->clock);
    struct h2_stream *stream;
    /* Only these: what `done` submits waits for the next connection. */
    for (uint32_t count = site->waiting_count; count && (stream = take_waiting(site)); count--)
        outgoing_fail(&stream->out, EXCHANGE_UNSENT, now, "%s", why->text);
}

static void fail_late(struct site *site, struct now now)
{
    struct list late;
    list_init(&late);
    site->waiting_due = MONO_NEVER;
    for (struct list *at = site->waiting.next, *next; at != &site->waiting; at = next) {
        next = at->next;
        struct mono deadline = list_of(at, struct h2_stream, out.link)->out.call->deadline;
        if (!mono_reached(now.mono, deadline)) {
            site->waiting_due = mono_min(site->waiting_due, deadline);
            continue;
        }
        list_remove(at);
        list_add_last(&late, at); /* and can still be withdrawn */
    }
    struct list *at;
    while ((at = list_take_first(&late))) {
        site->waiting_count--;
        outgoing_fail(&list_of(at, struct h2_stream, out.link)->out, EXCHANGE_UNSENT, now,
                      "no connection to %s in time", site->text);
    }
}

/* Connections. */

static bool may_dial(const struct site *site)
{
    return !site->dialling && site->connection_count < POOL_CONNECTIONS_MAX;
}

static uint32_t free_streams(const struct site *site, bool *ret_up)
{
    uint32_t room = 0;
    *ret_up = false;
    list_each (at, &site->connections) {
        const struct h2_link *link = list_of(at, struct connection, place)->link;
        *ret_up = *ret_up || h2_link_is_up(link);
        room += h2_link_room(link);
    }
    return room;
}

/* Full jitter over the upper half, so that a pause is never nothing. */
static void pause_dialling(struct site *site, struct now now)
{
    unsigned doublings =
        site->failures < PAUSE_DOUBLINGS_MAX ? site->failures : PAUSE_DOUBLINGS_MAX;
    int64_t ms = (int64_t)DIAL_PAUSE_MS_MIN << doublings;
    if (ms > DIAL_PAUSE_MS_MAX)
        ms = DIAL_PAUSE_MS_MAX;
    site->failures++;
    ms = ms / 2 + (int64_t)rng_below(&site->pool->rng, (uint64_t)(ms / 2 + 1));
    site->retry_at = mono_add(now.mono, span_ms(ms));
    h2_pool_wake_at(site->pool, site->retry_at);
}

/* Nothing came of a connection: whoever waits is told, unless another one serves. */
static void note_failure(struct site *site, const struct why *cause)
{
    struct why why;
    bool up;
    pause_dialling(site, clock_now(&site->pool->clock));
    (void)free_streams(site, &up);
    (void)why_set(&why, ERR_IO, "%s: %s", site->text, cause->text);
    if (!up)
        fail_waiting(site, &why);
}

static void hand_over(struct site *site, const struct why *why)
{
    struct h2_fallback fallback = site->pool->fallback;
    struct h2_stream *stream;
    if (!fallback.take) {
        fail_waiting(site, why);
        return;
    }
    while ((stream = take_waiting(site)))
        fallback.take(fallback.self, stream->out.call);
}

static struct h2_stream *on_next(void *self)
{
    return take_waiting(((struct connection *)self)->site);
}

static void on_up(void *self, struct h2_link *link)
{
    struct connection *connection = self;
    (void)link;
    connection->site->dialling = NULL;
    h2_pool_stir(connection->site);
}

static void on_sooner(void *self, struct h2_link *link)
{
    h2_pool_wake_at(((struct connection *)self)->site->pool, h2_link_deadline(link));
}

static void forget(struct connection *connection)
{
    struct site *site = connection->site;
    if (site->dialling == connection)
        site->dialling = NULL;
    list_remove(&connection->place);
    site->connection_count--;
    free(connection);
}

static void on_down(void *self, struct h2_link *link, enum link_end how, const struct why *why)
{
    struct connection *connection = self;
    struct site *site = connection->site;
    (void)link;
    forget(connection);
    switch (how) {
    case LINK_NOT_H2:
        site->not_h2_to = mono_add(clock_now(&site->pool->clock).mono, span_s(H2_FALLBACK_S));
        hand_over(site, why);
        return;
    case LINK_FAILED:
        note_failure(site, why);
        break;
    case LINK_LOST:
        site->failures = 0;
        break;
    }
    h2_pool_stir(site);
}

static void dial(struct site *site, struct now now)
{
    struct h2_pool *pool = site->pool;
    struct why why;
    const struct tls_context *tls = NULL;
    struct connection *connection = calloc(1, sizeof *connection);
    enum err err =
        connection ? open_tls(site, &tls, &why) : why_set(&why, ERR_MEMORY, "no memory to connect");
    if (err == OK) {
        connection->site = site;
        struct h2_link_config config = {.loop = pool->loop,
                                        .clock = &pool->clock,
                                        .scratch = &pool->scratch,
                                        .origin = &site->origin,
                                        .tls = tls,
                                        .next = on_next,
                                        .up = on_up,
                                        .sooner = on_sooner,
                                        .down = on_down,
                                        .self = connection};
        err = h2_link_start(&config, now, &connection->link, &why);
    }
    if (err != OK) {
        free(connection);
        note_failure(site, &why);
        return;
    }
    list_add_last(&site->connections, &connection->place);
    site->connection_count++;
    site->dialling = connection;
    h2_pool_wake_at(pool, h2_link_deadline(connection->link));
}

void site_serve(struct site *site)
{
    struct now now = clock_now(&site->pool->clock);
    for (struct list *at = site->connections.next, *next; at != &site->connections; at = next) {
        next = at->next;
        struct h2_link *link = list_of(at, struct connection, place)->link;
        if (site->waiting_count && h2_link_room(link))
            h2_link_flush(link);
    }
    list_each (at, &site->connections)
        h2_pool_wake_at(site->pool, h2_link_deadline(list_of(at, struct connection, place)->link));
    if (site->waiting_count && may_dial(site)) {
        if (mono_reached(now.mono, site->retry_at))
            dial(site, now);
        else
            h2_pool_wake_at(site->pool, site->retry_at);
    }
}

void site_tick(struct site *site, struct now now)
{
    for (struct list *at = site->connections.next, *next; at != &site->connections; at = next) {
        next = at->next;
        h2_link_tick(list_of(at, struct connection, place)->link, now);
    }
    if (mono_reached(now.mono, site->waiting_due))
        fail_late(site, now);
    h2_pool_wake_at(site->pool, site->waiting_due);
    h2_pool_stir(site);
}

uint32_t site_room(const struct site *site)
{
    bool up;
    uint32_t room = free_streams(site, &up);
    bool paused = !mono_reached(clock_now(&site->pool->clock).mono, site->retry_at);
    if (!up)
        room = paused ? 1 : H2_ROOM_FIRST;
    else if (!paused && (site->dialling || may_dial(site)))
        room += H2_ROOM_FIRST;
    return room > site->waiting_count ? room - site->waiting_count : 0;
}

void site_queue(struct site *site, struct h2_stream *stream)
{
    struct mono deadline = stream->out.call->deadline;
    stream->owner = site;
    list_add_last(&site->waiting, &stream->out.link);
    site->waiting_count++;
    site->waiting_due = mono_min(site->waiting_due, deadline);
    h2_pool_wake_at(site->pool, deadline);
    h2_pool_stir(site);
}

void site_withdraw(struct site *site, struct h2_stream *stream)
{
    list_remove(&stream->out.link);
    site->waiting_count--;
    stream->out.call->work = NULL;
}

unsigned site_connections(const struct site *site)
{
    unsigned count = 0;
    list_each (at, &site->connections)
        count += h2_link_is_up(list_of(at, struct connection, place)->link);
    return count;
}

/* From nothing to nothing. */

bool site_serves(const struct site *site, const struct request *request)
{
    return str_eq(site->origin_text, request->origin) &&
           (site->ca_text.at == request->ca.at || str_eq(site->ca_text, request->ca));
}

bool site_is_idle(const struct site *site)
{
    return !site->waiting_count && !site->connection_count;
}

static void free_site(struct site *site)
{
    tls_context_close(site->tls);
    free(site->text);
    free(site->ca);
    free(site);
}

static char *copy_text(struct str text, struct str *ret)
{
    char *copy = malloc(text.len + 1);
    if (copy) {
        memcpy(copy, text.at ? text.at : "", text.len);
        copy[text.len] = '\0';
        *ret = (struct str){text.at ? copy : NULL, text.len};
    }
    return copy;
}

struct site *site_new(struct h2_pool *pool, const struct request *request)
{
    struct site *site = calloc(1, sizeof *site);
    if (!site)
        return NULL;
    *site = (struct site){.pool = pool, .waiting_due = MONO_NEVER};
    list_init(&site->place);
    list_init(&site->waiting);
    list_init(&site->connections);
    site->text = copy_text(request->origin, &site->origin_text);
    site->ca = copy_text(request->ca, &site->ca_text);
    if (site->text && site->ca)
        return site;
    free_site(site);
    return NULL;
}

void site_close(struct site *site)
{
    static const struct why why = {"the server is stopping"};
    while (!list_empty(&site->connections)) {
        struct connection *connection = list_of(site->connections.next, struct connection, place);
        h2_link_close(connection->link, why.text);
        forget(connection);
    }
    fail_waiting(site, &why);
    list_remove(&site->place);
    free_site(site);
}
