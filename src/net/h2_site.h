/* net/h2_site.h - what h2_pool.c and h2_site.c share; nobody else includes it.
 *
 * The pool has the loop's handles and finds the site of a request; a site queues exchanges, hands
 * them to its connections and dials new ones.
 */
#pragma once
#include "base/rng.h"
#include "net/h2_link.h"
#include "net/h2_pool.h"

enum { H2_ROOM_FIRST = 100 }; /* streams; see h2_pool_room */

/* An origin with its roots. */
struct site {
    struct list place; /* in the pool's sites */
    struct h2_pool *pool;
    char *text, *ca; /* owned */
    struct str origin_text, ca_text;
    struct origin origin; /* borrows from text */
    struct tls_context *tls;
    struct list waiting; /* struct h2_stream, the oldest first */
    uint32_t waiting_count;
    struct mono waiting_due; /* no deadline of one that waits is before this */
    struct list connections;
    unsigned connection_count;
    struct connection *dialling;
    unsigned failures;     /* in a row */
    struct mono retry_at;  /* no dialling before */
    struct mono not_h2_to; /* believed to refuse HTTP/2 */
    bool stirred;          /* the idle handle has work here */
};

struct h2_pool {
    uv_loop_t *loop;
    struct clock clock;
    struct rng rng;
    struct h2_fallback fallback;
    struct list sites;
    unsigned site_count;
    struct tls_context *system_tls; /* opened when first needed */
    uv_idle_t idle;
    uv_timer_t timer;
    struct mono timer_at;
    unsigned handles; /* that the loop still knows */
    struct conduit_scratch scratch;
};

/* The pool's. */

/* Ticks every site no later than that. */
void h2_pool_wake_at(struct h2_pool *pool, struct mono at);
/* Serves the site before the loop sleeps. */
void h2_pool_stir(struct site *site);

/* The site's. */

/* NULL without memory. */
struct site *site_new(struct h2_pool *pool, const struct request *request);
/* Ends what is open and waits. */
void site_close(struct site *site);
bool site_is_idle(const struct site *site);
bool site_serves(const struct site *site, const struct request *request);
uint32_t site_room(const struct site *site);
void site_queue(struct site *site, struct h2_stream *stream);
void site_withdraw(struct site *site, struct h2_stream *stream);
/* Begins what can begin; dials if that is not all. */
void site_serve(struct site *site);
void site_tick(struct site *site, struct now now);
unsigned site_connections(const struct site *site); /* that are usable */
