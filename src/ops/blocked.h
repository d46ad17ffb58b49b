/* ops/blocked.h - why a lane does not move, since when, and when it is next due.
 *
 * Joined from what the ledger says of the lane (flow/job.h), the pauses and moves that stand, and
 * what couriers say of the providers that its kind leads to. Pure. What moves is not blocked, be it
 * slow; the first reason of enum blocker that holds is the one that is told.
 */
#pragma once
#include "base/arena.h"
#include "flow/job.h"
#include "flow/report.h"

#define BLOCKERS(X)                                                                                \
    X(BLOCKED_PAUSED, "paused")             /* an operator said so */                              \
    X(BLOCKED_EPOCH, "epoch")               /* the store may be a copy; nothing is sent */         \
    X(BLOCKED_STORE, "store")               /* it refuses writes */                                \
    X(BLOCKED_DRAINING, "draining")         /* this node is stopping */                            \
    X(BLOCKED_NO_ROUTE, "no_route")         /* no rule leads its kind to a provider */             \
    X(BLOCKED_BREAKER_OPEN, "breaker_open") /* its providers fail, and are left alone */           \
    X(BLOCKED_THROTTLED, "throttled")       /* its providers said to wait */                       \
    X(BLOCKED_SLOW, "slow")                 /* what was sent is not answered */                    \
    X(BLOCKED_NOT_DUE, "not_due")           /* all that waits is due later */                      \
    X(BLOCKED_STALLED, "stalled")           /* nothing known: a fault of this node */

enum blocker { BLOCKERS(NAME_ENUM) BLOCKER_COUNT };

struct str blocker_name(enum blocker blocker);

struct blocked {
    enum blocker by;
    struct str detail;           /* one sentence, with providers and reasons */
    struct str brief;            /* the same without them, for who may not know them */
    struct wall since, next_due; /* ms == 0: not known */
};

/* All that is known at one moment. */
struct blocked_question {
    struct wall now;
    const struct lane_report *lane;
    const struct steering *steering;
    const struct provider_report *const *providers;
    uint32_t provider_count;
    struct wall refused_since; /* the store refuses writes; ms == 0: no */
    struct str refused_why;
    bool draining;
    bool unconfirmed; /* the store's epoch */
};

/* False: it moves, or has nothing to move. Texts live in `arena`. */
bool lane_blocked(const struct blocked_question *question, struct arena *arena,
                  struct blocked *ret);
