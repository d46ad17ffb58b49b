/* net/link_site.h - what link_pool.c and link_site.c share; nobody else includes it.
 *
 * The pool has the loop's handles and finds the site of a request; a site queues exchanges, hands
 * them to its connections and dials new ones.
 */
#pragma once
#include "base/rng.h"
#include "net/link.h"
#include "net/link_pool.h"

/* Where a request goes, and as whom: requests with the same share their connections. */
struct site {
    struct list place; /* in the pool's sites */
    struct link_pool *pool;
    const struct link_kind *kind;
    struct buf texts; /* holds what the following point at */
    struct str origin_text, ca;
    struct link_login login;
    struct origin origin;
    struct tls_context *tls; /* for these roots */
    struct list waiting;     /* struct outgoing, the oldest first */
    uint32_t waiting_count;
    struct mono waiting_due; /* no deadline of one that waits is before this */
    struct list connections;
    unsigned connection_count, dial_count; /* of them not up yet */
    unsigned failures;                     /* in a row */
    struct mono retry_at;                  /* no dialling before */
    struct mono not_h2_to;                 /* believed to refuse HTTP/2 */
    bool stirred;                          /* the idle handle has work here */
};

struct link_pool {
    uv_loop_t *loop;
    struct clock clock;
    struct rng rng;
    struct link_fallback fallback;
    struct list sites;
    unsigned site_count;
    struct tls_context *system_tls; /* opened when first needed */
    uv_idle_t idle;
    uv_timer_t timer;
    struct mono timer_at;
    unsigned handles; /* that the loop still knows */
    struct conduit_scratch scratch;
};

static inline const struct link_kind *link_kind_of(const struct request *request)
{
    return request->wire == WIRE_SMTP ? &smtp_link_kind : &h2_link_kind;
}

/* The pool's. */

/* Ticks every site no later than that. */
void link_pool_wake_at(struct link_pool *pool, struct mono at);
/* Serves the site before the loop sleeps. */
void link_pool_stir(struct site *site);

/* The site's. */

/* NULL without memory. */
struct site *site_new(struct link_pool *pool, const struct request *request);
/* Ends what is open and waits. */
void site_close(struct site *site);
bool site_is_idle(const struct site *site);
bool site_serves(const struct site *site, const struct request *request);
uint32_t site_room(const struct site *site);
void site_queue(struct site *site, struct outgoing *outgoing);
void site_withdraw(struct site *site, struct outgoing *outgoing);
/* Begins what can begin; dials if that is not all. */
void site_serve(struct site *site);
void site_tick(struct site *site, struct now now);
unsigned site_connections(const struct site *site); /* that are usable */
