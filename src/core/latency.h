/* core/latency.h - how long answers took in the last minutes, by quantiles.
 *
 * A log-linear histogram: eight buckets an octave, so a quantile is right to an eighth. The present
 * minute and the two before it count. Pure. Threads: the owner's. Errors: none.
 */
#pragma once
#include "base/time.h"

enum { LATENCY_BUCKETS = 160, LATENCY_MINUTES = 3 };

struct latency {
    int64_t minute; /* the newest */
    uint32_t counts[LATENCY_MINUTES][LATENCY_BUCKETS];
};

void latency_note(struct latency *latency, struct span took, struct mono now);
/* What that many thousandths of the answers did not exceed; 0 without any. */
struct span latency_quantile(struct latency *latency, uint32_t thousandths, struct mono now);
