/* core/retry.c - see retry.h. */
#include "core/retry.h"
#include "base/err.h"

enum { DELAY_MIN_MS = 1, DOUBLINGS_MAX = 32 };

static int64_t backoff_us(const struct retry_policy *policy, uint32_t attempts)
{
    int64_t delay = policy->delay_first.us;
    for (uint32_t i = 1; i < attempts && i < DOUBLINGS_MAX && delay < policy->delay_max.us; i++)
        delay *= 2;
    return delay < policy->delay_max.us ? delay : policy->delay_max.us;
}

bool retry_next(const struct retry_policy *policy, uint32_t attempts, const struct verdict *verdict,
                struct wall now, struct wall expires, struct rng *rng, struct wall *ret_due)
{
    must(verdict->fate == FATE_AGAIN || verdict->fate == FATE_AMBIGUOUS);
    if (attempts >= policy->attempts_max)
        return false;
    int64_t most = backoff_us(policy, attempts);
    int64_t delay = most > 0 ? (int64_t)rng_below(rng, (uint64_t)most) : 0;
    if (verdict->retry_after.us > 0) /* spread what was told to come back at the same moment */
        delay = verdict->retry_after.us + delay / 4;
    if (delay < DELAY_MIN_MS * 1000)
        delay = DELAY_MIN_MS * 1000;
    *ret_due = wall_min(wall_add(now, (struct span){delay + 999}), expires);
    return true;
}
