/* core/outcome.h - what a verdict does to a delivery. The one place where that is decided.
 *
 * Pure. Fate drives the delivery; the effects on the recipient follow from the verdict's effect.
 * What scope does to windows and breakers is the courier's.
 */
#pragma once
#include "core/retry.h"
#include "model/names.h"

struct outcome_question {
    const struct verdict *verdict;
    enum guarantee guarantee;
    uint32_t attempts;  /* used before this one */
    bool next_provider; /* the rule has another provider for the next attempt */
    bool cancelled;     /* cancelled while it was being sent: its answer stands, no more follows */
    struct wall now, expires;
    const struct retry_policy *policy;
};

struct outcome {
    bool again;       /* back to the calendar at `due`; else it ends in `state` */
    enum state state; /* again: queued */
    struct wall due;
    uint32_t attempts; /* used, this one counted unless the verdict consumed none */
    bool retire;       /* the token, by verdict->invalid_since */
    bool suppress;     /* the address */
};

struct outcome outcome_of(const struct outcome_question *question, struct rng *rng);
