/* net/link_pool.c - the pool's sites and the loop's handles; see link_pool.h.
 *
 * Work is gathered: submit only queues and wakes the idle handle, which runs before the loop sleeps
 * again, so that one turn of the courier fills whole TLS records.
 */
#include "model/limits.h"
#include "net/link_site.h"
#include <stdlib.h>

static struct site *site_at(struct list *place)
{
    return list_of(place, struct site, place);
}

static struct site *find_site(const struct link_pool *pool, const struct request *request)
{
    list_each (at, &pool->sites)
        if (site_serves(site_at(at), request))
            return site_at(at);
    return NULL;
}

static struct site *add_site(struct link_pool *pool, const struct request *request)
{
    struct site *site = pool->site_count < H2_ORIGINS_MAX ? site_new(pool, request) : NULL;
    if (site) {
        list_add_first(&pool->sites, &site->place);
        pool->site_count++;
    }
    return site;
}

/* Sites that serve nobody give way in time. Only where nobody holds one: at the idle's start. */
static void make_room(struct link_pool *pool)
{
    for (struct list *at = pool->sites.next, *next; at != &pool->sites; at = next) {
        next = at->next;
        if (pool->site_count > H2_ORIGINS_MAX / 2 && site_is_idle(site_at(at))) {
            pool->site_count--;
            site_close(site_at(at));
        }
    }
}

/* Waking. */

static void on_idle(uv_idle_t *idle)
{
    struct link_pool *pool = idle->data;
    (void)uv_idle_stop(idle); /* what happens now may start it again */
    make_room(pool);
    list_each (at, &pool->sites)
        if (site_at(at)->stirred) {
            site_at(at)->stirred = false;
            site_serve(site_at(at));
        }
}

static void on_timer(uv_timer_t *timer)
{
    struct link_pool *pool = timer->data;
    struct now now = clock_now(&pool->clock);
    pool->timer_at = MONO_NEVER;
    list_each (at, &pool->sites)
        site_tick(site_at(at), now);
}

void link_pool_wake_at(struct link_pool *pool, struct mono at)
{
    if (at.us >= pool->timer_at.us)
        return;
    int64_t us = mono_since(clock_now(&pool->clock).mono, at).us;
    pool->timer_at = at;
    (void)uv_timer_start(&pool->timer, on_timer, us > 0 ? (uint64_t)(us + 999) / 1000 : 0, 0);
}

void link_pool_stir(struct site *site)
{
    site->stirred = true;
    (void)uv_idle_start(&site->pool->idle, on_idle);
}

/* The public face. */

enum err link_pool_new(uv_loop_t *loop, struct clock clock, const struct entropy *entropy,
                       const struct link_fallback *fallback, struct link_pool **ret,
                       struct why *why)
{
    struct link_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return why_set(why, ERR_MEMORY, "no memory for a connection pool");
    uint64_t seed;
    entropy_fill(entropy, &seed, sizeof seed);
    pool->loop = loop;
    pool->clock = clock;
    pool->rng = rng_of(seed);
    pool->timer_at = MONO_NEVER;
    pool->handles = 2;
    if (fallback)
        pool->fallback = *fallback;
    list_init(&pool->sites);
    /* Neither can fail: both only enter the handle into the loop's lists. */
    must(uv_idle_init(loop, &pool->idle) == 0 && uv_timer_init(loop, &pool->timer) == 0);
    pool->idle.data = pool->timer.data = pool;
    *ret = pool;
    return OK;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct link_pool *pool = handle->data;
    if (--pool->handles == 0)
        free(pool);
}

void link_pool_close(struct link_pool *pool)
{
    while (!list_empty(&pool->sites))
        site_close(site_at(pool->sites.next));
    tls_context_close(pool->system_tls);
    uv_close((uv_handle_t *)&pool->idle, on_handle_closed);
    uv_close((uv_handle_t *)&pool->timer, on_handle_closed);
}

unsigned link_pool_room(const struct link_pool *pool, const struct request *request)
{
    const struct site *site = find_site(pool, request);
    return site ? site_room(site) : link_kind_of(request)->room_most;
}

bool link_pool_submit(struct link_pool *pool, struct exchange_call *call)
{
    struct site *site = find_site(pool, call->request);
    if (!site)
        site = add_site(pool, call->request);
    struct outgoing *outgoing =
        site ? outgoing_new(call, site->kind->record_size, CARRIER_POOL) : NULL;
    if (outgoing)
        site_queue(site, outgoing);
    return outgoing != NULL;
}

bool link_pool_withdraw(struct link_pool *pool, struct exchange_call *call)
{
    (void)pool;
    struct outgoing *outgoing = call->work;
    if (call->begun)
        return false;
    site_withdraw(outgoing->queue, outgoing);
    return true;
}

bool link_pool_is_refused(const struct link_pool *pool, const struct request *request)
{
    const struct site *site = find_site(pool, request);
    return site && !mono_reached(clock_now(&pool->clock).mono, site->not_h2_to);
}

unsigned link_pool_connections(const struct link_pool *pool)
{
    unsigned count = 0;
    list_each (at, &pool->sites)
        count += site_connections(site_at(at));
    return count;
}
