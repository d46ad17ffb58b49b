/* net/link_pool.h - exchanges over pooled connections: HTTP/2, and mail sessions.
 *
 * A site is an origin with its roots and, for mail, its account. It has up to so many connections
 * (link_kind), dialled on demand: one until the first is up. They are kept: HTTP/2 for hours, alive
 * by PING. What the peers' limits do not let begin waits here and can be withdrawn. A connection
 * that cannot be made fails all that waits with a sentence, unless another one is up, and the next
 * is dialled after a jittered pause that doubles up to DIAL_PAUSE_MS_MAX.
 * Threads: the loop's. Exchanges end from the loop, never from submit or withdraw.
 */
#pragma once
#include "net/outgoing.h"
#include "port/clock.h"
#include "port/entropy.h"
#include <uv.h>

struct link_pool;

/* What to do with an exchange whose origin agreed on another protocol than HTTP/2; it was never
 * begun. */
struct link_fallback {
    void (*take)(void *self, struct exchange_call *call);
    void *self;
};

/* ERR_MEMORY. Without a fallback (NULL) such exchanges end UNSENT. */
enum err link_pool_new(uv_loop_t *loop, struct clock clock, const struct entropy *entropy,
                       const struct link_fallback *fallback, struct link_pool **ret,
                       struct why *why) must_use;
/* Ends what is open; frees itself once the loop has closed its handles. */
void link_pool_close(struct link_pool *pool);

/* As the port says, for WIRE_H2 and WIRE_SMTP. Before the first connection it is what one may be
 * expected to have (HTTP/2: 100 streams) or, for mail, as many as sessions are allowed; during a
 * pause after a failed one it is 1, for whom the next is dialled. While connections may be added
 * there is as much beyond what is free. */
unsigned link_pool_room(const struct link_pool *pool, const struct request *request);
/* False: no memory, and the call is untouched. */
bool link_pool_submit(struct link_pool *pool, struct exchange_call *call) must_use;
/* True: it had not begun and is forgotten. */
bool link_pool_withdraw(struct link_pool *pool, struct exchange_call *call);
/* The origin agreed on another protocol lately (H2_FALLBACK_S). */
bool link_pool_is_refused(const struct link_pool *pool, const struct request *request);

/* Connections that are usable now, for metrics and tests. */
unsigned link_pool_connections(const struct link_pool *pool);
