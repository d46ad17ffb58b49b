/* core/pace.h - how many requests a provider may have in flight, and how many a second.
 *
 * The configured `in_flight` and `rate` are ceilings. An answer that says "slower" halves what is
 * allowed of both, at most once a round trip: what was sent before the last cut does not cut again.
 * Answers that took the message add back, in even steps, up to the ceilings; without a configured
 * rate its limit goes once it is well beyond what was sent when it was cut. A Retry-After blocks
 * until then. (Additive increase, multiplicative decrease: Chiu and Jain, 1989.)
 *
 * Pure: `now` is passed in. Threads: the owner's. Errors: none.
 */
#pragma once
#include "base/time.h"

struct pace {
    uint32_t in_flight_max; /* the ceilings */
    uint32_t rate_max;      /* a second; 0: none */
    double window;          /* in flight, as it stands */
    double rate;            /* a second, as it stands; 0: no limit */
    double rate_sent;       /* a second, when the rate was cut */
    struct mono grown_at;   /* when the rate last grew */
    struct mono cut_at;
    struct mono blocked_until;
    struct mono send_at; /* the theoretical next sending (GCRA) */
    int64_t second;      /* what is counted below */
    uint32_t sent, sent_before;
};

void pace_init(struct pace *pace, uint32_t in_flight_max, uint32_t rate_max);
/* Other ceilings: what was not cut follows them, what was cut stays so. */
void pace_limit(struct pace *pace, uint32_t in_flight_max, uint32_t rate_max);
/* How many may be in flight now; at least 1. */
uint32_t pace_in_flight(const struct pace *pace);
/* When the next may be sent; it is now if that is past. */
struct mono pace_allows_at(const struct pace *pace);
/* One is sent. */
void pace_begin(struct pace *pace, struct mono now);
/* One was taken, while so many (it included) were in flight. */
void pace_worked(struct pace *pace, uint32_t in_flight, struct mono now);
/* One that was sent at `began` was answered "slower". */
void pace_throttled(struct pace *pace, struct mono began, uint32_t in_flight,
                    struct span retry_after, struct mono now);
/* Nothing is sent before. */
void pace_block(struct pace *pace, struct mono until);
