/* core/outcome.c - see outcome.h. */
#include "core/outcome.h"
#include "base/err.h"

static struct outcome ended(enum state state, uint32_t attempts)
{
    return (struct outcome){.state = state, .attempts = attempts, .due = WALL_NEVER};
}

/* Being told to slow down is no attempt: a limit delays, it does not use a message up. */
static bool consumes(const struct verdict *verdict)
{
    return verdict->effect != EFFECT_THROTTLE;
}

/* A fault of the provider, said by itself or known to have sent nothing, goes on at once to the
 * next of the rule. */
static bool fails_over(const struct outcome_question *q)
{
    bool fault = q->verdict->fate == FATE_AGAIN || q->verdict->answered;
    return q->next_provider && fault && q->verdict->scope == SCOPE_PROVIDER && consumes(q->verdict);
}

static struct outcome again(const struct outcome_question *q, struct rng *rng)
{
    uint32_t attempts = q->attempts + (consumes(q->verdict) ? 1 : 0);
    if (q->cancelled)
        return ended(STATE_CANCELLED, attempts);
    struct outcome outcome = {.again = true, .state = STATE_QUEUED, .attempts = attempts};
    if (q->verdict->effect == EFFECT_REFRESH && attempts < q->policy->attempts_max) {
        outcome.due = q->now; /* the credential was stale, not the message */
        return outcome;
    }
    if (fails_over(q) && attempts < q->policy->attempts_max) {
        outcome.due = q->now; /* the delay applies after the last provider of the rule */
        return outcome;
    }
    struct retry_policy policy = *q->policy;
    if (!consumes(q->verdict)) /* nor does a limit end what has none left, by a reload */
        policy.attempts_max = UINT32_MAX;
    if (!retry_next(&policy, attempts, q->verdict, q->now, q->expires, rng, &outcome.due))
        return ended(STATE_DEAD, attempts);
    return outcome;
}

/* Refused for good by a provider that cannot reach it; the next of the rule may. */
static bool goes_elsewhere(const struct outcome_question *q)
{
    return q->verdict->effect == EFFECT_ELSEWHERE && q->next_provider && !q->cancelled &&
           q->attempts + 1 < q->policy->attempts_max;
}

struct outcome outcome_of(const struct outcome_question *q, struct rng *rng)
{
    struct outcome outcome;
    switch (q->verdict->fate) {
    case FATE_DONE:
        return ended(STATE_SENT, q->attempts + 1);
    case FATE_AGAIN:
        return again(q, rng);
    case FATE_AMBIGUOUS:
        return q->guarantee == GUARANTEE_AT_MOST_ONCE ? ended(STATE_UNKNOWN, q->attempts + 1)
                                                      : again(q, rng);
    case FATE_NEVER:
        if (goes_elsewhere(q))
            return (struct outcome){
                .again = true, .state = STATE_QUEUED, .due = q->now, .attempts = q->attempts + 1};
        outcome = ended(STATE_FAILED, q->attempts + 1);
        outcome.retire = q->verdict->effect == EFFECT_RETIRE;
        outcome.suppress = q->verdict->effect == EFFECT_SUPPRESS;
        return outcome;
    }
    never("a fifth fate");
    return ended(STATE_FAILED, q->attempts + 1);
}
