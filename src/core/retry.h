/* core/retry.h - when to try a delivery again, and when to give up.
 *
 * Pure: no clock, no I/O, no allocation. The same policy, attempt, verdict, now and rng state
 * always give the same answer; that is what lets the simulator replay a failure from its seed.
 * Exponential backoff with full jitter; a provider's Retry-After is a floor, whatever delay_max
 * says: only the delivery's own expiry comes before it. Threads: any; the caller owns the rng.
 * Errors: none, by design.
 */
#pragma once
#include "base/rng.h"
#include "base/time.h"
#include "model/verdict.h"

struct retry_policy {
    struct span delay_first; /* the first retry waits at most this */
    struct span delay_max;   /* a cap of the backoff */
    uint32_t attempts_max;   /* >= 1, counts the first try */
};

/* True, with *ret_due written, if another attempt is worth making. `attempts` counts those already
 * used up (>= 1, or 0 if the verdict consumed none). Never later than `expires`: a delivery that
 * is due when it expires ends there as expired. Requires a fate of AGAIN or AMBIGUOUS. */
bool retry_next(const struct retry_policy *policy, uint32_t attempts, const struct verdict *verdict,
                struct wall now, struct wall expires, struct rng *rng, struct wall *ret_due);
