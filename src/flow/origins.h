/* flow/origins.h - the origins of endpoints that subscribers chose, as far as they have failed.
 *
 * A push service that fails or asks for patience delays its own endpoints and nothing else. Only
 * origins with a fault or a limit behind them are remembered, ORIGINS_MAX at most: the one that was
 * not used for longest goes first, and one that is well again goes by itself.
 * Threads: the courier's. Memory: about 300 bytes an origin.
 */
#pragma once
#include "base/list.h"
#include "base/map.h"
#include "core/breaker.h"
#include "model/verdict.h"

struct origins {
    struct map map;
    struct list recent; /* the last used last */
    uint32_t count;
};

void origins_init(struct origins *origins, const uint64_t hash_key[2]);
void origins_done(struct origins *origins);

/* "https://host[:port]" of an endpoint; absent if it has none. */
struct str origin_of(struct str endpoint);
/* May an endpoint of this origin be sent to now? If not, *ret_next is when to ask again. Yes may be
 * the probe of it, so it must then be sent to. */
bool origins_admit(struct origins *origins, struct str origin, struct mono now, struct rng *rng,
                   struct mono *ret_next);
/* What an attempt at it came to. */
void origins_note(struct origins *origins, struct str origin, const struct verdict *verdict,
                  struct mono began, struct mono now, struct rng *rng);
/* How many are not sent to now. */
uint32_t origins_blocked(const struct origins *origins, struct mono now);
