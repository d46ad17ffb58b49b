/* net/h2_pool.h - HTTP/2 exchanges over pooled connections, for every origin and its roots.
 *
 * Up to POOL_CONNECTIONS_MAX connections an (origin, roots), dialled on demand and one at a time;
 * they stay open for hours, kept alive by PING. What the peers' stream limits do not let begin
 * waits here and can be withdrawn. A connection that cannot be made fails all that waits with a
 * sentence, unless another one is up, and the next is dialled after a jittered pause that doubles.
 * Threads: the loop's. Exchanges end from the loop, never from submit or withdraw.
 */
#pragma once
#include "net/outgoing.h"
#include "port/clock.h"
#include "port/entropy.h"
#include <uv.h>

struct h2_pool;

/* What to do with an exchange whose origin agreed on another protocol than HTTP/2; it was never
 * begun. */
struct h2_fallback {
    void (*take)(void *self, struct exchange_call *call);
    void *self;
};

/* ERR_MEMORY. Without a fallback (NULL) such exchanges end UNSENT. */
enum err h2_pool_new(uv_loop_t *loop, struct clock clock, const struct entropy *entropy,
                     const struct h2_fallback *fallback, struct h2_pool **ret,
                     struct why *why) must_use;
/* Ends what is open; frees itself once the loop has closed its handles. */
void h2_pool_close(struct h2_pool *pool);

/* As the port says. Before the first connection it is 100, the least that a peer should allow
 * (RFC 9113 section 6.5.2); during a pause after a failed one it is 1, for whom the next is
 * dialled. While connections may be added there is room for 100 beyond what is free. */
unsigned h2_pool_room(const struct h2_pool *pool, const struct request *request);
/* False: no memory, and the call is untouched. */
bool h2_pool_submit(struct h2_pool *pool, struct exchange_call *call) must_use;
/* True: it had not begun and is forgotten. */
bool h2_pool_withdraw(struct h2_pool *pool, struct exchange_call *call);
/* The origin agreed on another protocol lately (H2_FALLBACK_S). */
bool h2_pool_is_refused(const struct h2_pool *pool, const struct request *request);

/* Connections that are usable now, for metrics and tests. */
unsigned h2_pool_connections(const struct h2_pool *pool);
