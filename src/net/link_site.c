/* net/link_site.c - one site's queue and connections; see link_pool.h for the rules. */
#include "net/link_site.h"
#include "model/limits.h"
#include <stdlib.h>

enum { PAUSE_DOUBLINGS_MAX = 16, TEXTS_BYTES_MAX = 2 * 1024 * 1024 };

struct connection {
    struct list place; /* in its site's connections */
    struct site *site;
    struct link *link;
    bool up;
};

static struct connection *connection_at(struct list *place)
{
    return list_of(place, struct connection, place);
}

/* The context that verifies this site, if it is one of TLS. */
static enum err open_tls(struct site *site, const struct tls_context **ret, struct why *why)
{
    struct link_pool *pool = site->pool;
    bool mail = site->kind == &smtp_link_kind;
    *ret = NULL;
    if (!origin_parse(site->origin_text, &site->origin))
        return why_set(why, ERR_INPUT, "it is no origin");
    enum scheme scheme = site->origin.scheme;
    if (mail != (scheme == SCHEME_SMTP || scheme == SCHEME_SMTPS))
        return why_set(why, ERR_INPUT, "it is not for this wire");
    if (scheme == SCHEME_HTTP)
        return origin_is_loopback(&site->origin)
                   ? OK
                   : why_set(why, ERR_DENIED, "HTTP/2 without TLS is for loopback only");
    if (scheme == SCHEME_SMTP && site->login.starttls == STARTTLS_OFF)
        return OK;
    struct tls_context **context = site->ca.at ? &site->tls : &pool->system_tls;
    enum err err = *context ? OK : tls_client_open(site->ca, context, why);
    *ret = *context;
    return err;
}

/* Exchanges that wait. */

static struct outgoing *take_waiting(struct site *site)
{
    struct list *first = list_take_first(&site->waiting);
    if (!first)
        return NULL;
    site->waiting_count--;
    return list_of(first, struct outgoing, link);
}

static void fail_one(struct outgoing *outgoing, struct now now, const struct link_fault *fault)
{
    if (!fault->status) {
        outgoing_fail(outgoing, EXCHANGE_UNSENT, now, "%s", fault->why.text);
        return;
    }
    outgoing->reply.status = fault->status;
    outgoing->reply.body = arena_copy(outgoing->call->arena, str_of(fault->why.text));
    outgoing_answer(outgoing, now);
}

static void fail_waiting(struct site *site, const struct link_fault *fault)
{
    struct now now = clock_now(&site->pool->clock);
    struct outgoing *outgoing;
    /* Only these: what `done` submits waits for the next connection. */
    for (uint32_t count = site->waiting_count; count && (outgoing = take_waiting(site)); count--)
        fail_one(outgoing, now, fault);
}

static void fail_late(struct site *site, struct now now)
{
    struct list late;
    list_init(&late);
    site->waiting_due = MONO_NEVER;
    for (struct list *at = site->waiting.next, *next; at != &site->waiting; at = next) {
        next = at->next;
        struct mono deadline = list_of(at, struct outgoing, link)->call->deadline;
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
        outgoing_fail(list_of(at, struct outgoing, link), EXCHANGE_UNSENT, now,
                      "no connection to %.*s in time", STR_ARG(site->origin_text));
    }
}

/* Connections. */

static unsigned up_count(const struct site *site)
{
    unsigned count = 0;
    list_each (at, &site->connections)
        count +=
            connection_at(at)->up && connection_at(at)->link->ops->is_up(connection_at(at)->link);
    return count;
}

static uint32_t free_room(const struct site *site)
{
    uint32_t room = 0;
    list_each (at, &site->connections)
        room += connection_at(at)->link->ops->room(connection_at(at)->link);
    return room;
}

/* Jitter over the upper half, so that a pause is never nothing. */
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
    link_pool_wake_at(site->pool, site->retry_at);
}

/* Nothing came of a connection: whoever waits is told, unless another one serves. */
static void note_failure(struct site *site, const struct link_fault *fault)
{
    pause_dialling(site, clock_now(&site->pool->clock));
    if (up_count(site))
        return;
    struct link_fault told = *fault;
    if (!told.status)
        (void)why_set(&told.why, ERR_IO, "%.*s: %s", STR_ARG(site->origin_text), fault->why.text);
    fail_waiting(site, &told);
}

static void hand_over(struct site *site, const struct link_fault *fault)
{
    struct link_fallback fallback = site->pool->fallback;
    struct outgoing *outgoing;
    site->not_h2_to = mono_add(clock_now(&site->pool->clock).mono, span_s(H2_FALLBACK_S));
    if (!fallback.take) {
        fail_waiting(site, fault);
        return;
    }
    while ((outgoing = take_waiting(site)))
        fallback.take(fallback.self, outgoing->call);
}

static struct outgoing *on_next(void *self)
{
    return take_waiting(((struct connection *)self)->site);
}

static void on_up(void *self)
{
    struct connection *connection = self;
    connection->up = true;
    connection->site->dial_count--;
    link_pool_stir(connection->site);
}

static void on_sooner(void *self)
{
    struct connection *connection = self;
    link_pool_wake_at(connection->site->pool, connection->link->ops->deadline(connection->link));
}

static void forget(struct connection *connection)
{
    struct site *site = connection->site;
    site->dial_count -= !connection->up;
    site->connection_count--;
    list_remove(&connection->place);
    free(connection);
}

static void on_down(void *self, const struct link_fault *fault)
{
    struct connection *connection = self;
    struct site *site = connection->site;
    forget(connection);
    switch (fault->end) {
    case LINK_NOT_H2:
        hand_over(site, fault);
        break;
    case LINK_FAILED:
        note_failure(site, fault);
        break;
    case LINK_LOST:
        site->failures = 0;
        break;
    }
    link_pool_stir(site);
}

static enum err start_link(struct connection *connection, struct now now, struct why *why)
{
    struct site *site = connection->site;
    struct link_config config = {.loop = site->pool->loop,
                                 .clock = &site->pool->clock,
                                 .scratch = &site->pool->scratch,
                                 .origin = &site->origin,
                                 .login = &site->login,
                                 .next = on_next,
                                 .up = on_up,
                                 .sooner = on_sooner,
                                 .down = on_down,
                                 .self = connection};
    enum err err = open_tls(site, &config.tls, why);
    return err == OK ? site->kind->start(&config, now, &connection->link, why) : err;
}

static bool dial(struct site *site, struct now now)
{
    struct link_fault fault = {.end = LINK_FAILED};
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection)
        connection->site = site;
    enum err err = connection ? start_link(connection, now, &fault.why)
                              : why_set(&fault.why, ERR_MEMORY, "no memory to connect");
    if (err != OK) {
        free(connection);
        note_failure(site, &fault);
        return false;
    }
    list_add_last(&site->connections, &connection->place);
    site->connection_count++;
    site->dial_count++;
    link_pool_wake_at(site->pool, connection->link->ops->deadline(connection->link));
    return true;
}

/* One until the first is up; never more than those who wait could use. */
static bool should_dial(const struct site *site)
{
    unsigned at_once = site->kind->dials_max && up_count(site) ? site->kind->dials_max : 1;
    return site->dial_count < at_once && site->connection_count < site->kind->connections_max &&
           site->dial_count * site->kind->room_each < site->waiting_count;
}

void site_serve(struct site *site)
{
    struct now now = clock_now(&site->pool->clock);
    for (struct list *at = site->connections.next, *next; at != &site->connections; at = next) {
        next = at->next;
        struct link *link = connection_at(at)->link;
        if (site->waiting_count && link->ops->room(link))
            link->ops->flush(link);
    }
    list_each (at, &site->connections)
        link_pool_wake_at(site->pool,
                          connection_at(at)->link->ops->deadline(connection_at(at)->link));
    if (site->waiting_count && !mono_reached(now.mono, site->retry_at))
        link_pool_wake_at(site->pool, site->retry_at);
    else
        while (should_dial(site) && dial(site, now))
            ;
}

void site_tick(struct site *site, struct now now)
{
    for (struct list *at = site->connections.next, *next; at != &site->connections; at = next) {
        next = at->next;
        connection_at(at)->link->ops->tick(connection_at(at)->link, now);
    }
    if (mono_reached(now.mono, site->waiting_due))
        fail_late(site, now);
    link_pool_wake_at(site->pool, site->waiting_due);
    link_pool_stir(site);
}

/* The queue. */

uint32_t site_room(const struct site *site)
{
    const struct link_kind *kind = site->kind;
    unsigned up = up_count(site);
    bool paused = !mono_reached(clock_now(&site->pool->clock).mono, site->retry_at);
    uint32_t more = (kind->connections_max - up) * kind->room_each;
    if (more > kind->room_most)
        more = kind->room_most;
    if (paused)
        more = up ? 0 : 1;
    uint32_t room = free_room(site) + more;
    return room > site->waiting_count ? room - site->waiting_count : 0;
}

void site_queue(struct site *site, struct outgoing *outgoing)
{
    struct mono deadline = outgoing->call->deadline;
    outgoing->queue = site;
    list_add_last(&site->waiting, &outgoing->link);
    site->waiting_count++;
    site->waiting_due = mono_min(site->waiting_due, deadline);
    link_pool_wake_at(site->pool, deadline);
    link_pool_stir(site);
}

void site_withdraw(struct site *site, struct outgoing *outgoing)
{
    list_remove(&outgoing->link);
    site->waiting_count--;
    outgoing->call->work = NULL;
}

unsigned site_connections(const struct site *site)
{
    return up_count(site);
}

/* From nothing to nothing. */

static bool same(struct str a, struct str b)
{
    return (a.at == NULL) == (b.at == NULL) && (a.at == b.at || str_eq(a, b));
}

bool site_serves(const struct site *site, const struct request *request)
{
    if (site->kind != link_kind_of(request) || !str_eq(site->origin_text, request->origin) ||
        !same(site->ca, request->ca))
        return false;
    return site->kind != &smtp_link_kind ||
           (site->login.starttls == request->smtp_starttls &&
            same(site->login.hello, request->path) && same(site->login.user, request->smtp_user) &&
            str_eq_secret(site->login.password, request->smtp_password));
}

bool site_is_idle(const struct site *site)
{
    return !site->waiting_count && !site->connection_count;
}

static void free_site(struct site *site)
{
    tls_context_close(site->tls);
    if (site->texts.at)
        wipe(site->texts.at, site->texts.len); /* the password among them */
    buf_done(&site->texts);
    free(site);
}

/* Requires that all of it was reserved: a view must not move. */
static struct str keep(struct site *site, struct str text)
{
    size_t at = site->texts.len;
    buf_add(&site->texts, text);
    return text.at ? (struct str){site->texts.at + at, text.len} : STR_NONE;
}

struct site *site_new(struct link_pool *pool, const struct request *request)
{
    struct site *site = calloc(1, sizeof *site);
    if (!site)
        return NULL;
    *site = (struct site){.pool = pool, .kind = link_kind_of(request), .waiting_due = MONO_NEVER};
    list_init(&site->place);
    list_init(&site->waiting);
    list_init(&site->connections);
    buf_init(&site->texts, TEXTS_BYTES_MAX);
    if (!buf_reserve(&site->texts, request->origin.len + request->ca.len + request->path.len +
                                       request->smtp_user.len + request->smtp_password.len + 1)) {
        free_site(site);
        return NULL;
    }
    site->origin_text = keep(site, request->origin);
    site->ca = keep(site, request->ca);
    if (site->kind == &smtp_link_kind)
        site->login = (struct link_login){.hello = keep(site, request->path),
                                          .user = keep(site, request->smtp_user),
                                          .password = keep(site, request->smtp_password),
                                          .starttls = request->smtp_starttls};
    return site;
}

void site_close(struct site *site)
{
    static const struct link_fault fault = {.end = LINK_LOST, .why = {"the server is stopping"}};
    while (!list_empty(&site->connections)) {
        struct connection *connection = connection_at(site->connections.next);
        connection->link->ops->close(connection->link, fault.why.text);
        forget(connection);
    }
    fail_waiting(site, &fault);
    list_remove(&site->place);
    free_site(site);
}
