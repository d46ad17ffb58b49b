/* core/latency.c - see latency.h. */
#include "core/latency.h"
#include <string.h>

enum { UNIT_US = 256, LINEAR = 8, LINEAR_BITS = 3, MINUTE_US = 60000000 };

/* The first eight are a unit wide; from there each octave has eight. */
static unsigned bucket_of(struct span took)
{
    uint64_t units = took.us > 0 ? (uint64_t)took.us / UNIT_US : 0;
    if (units < LINEAR)
        return (unsigned)units;
    unsigned octave = 63 - (unsigned)__builtin_clzll(units);
    unsigned place = (unsigned)(units >> (octave - LINEAR_BITS)) & (LINEAR - 1);
    unsigned bucket = (octave - LINEAR_BITS + 1) * LINEAR + place;
    return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

/* Where the bucket ends. */
static struct span end_of(unsigned bucket)
{
    if (bucket < LINEAR)
        return (struct span){(int64_t)(bucket + 1) * UNIT_US};
    unsigned shift = bucket / LINEAR - 1;
    int64_t units = (int64_t)(LINEAR + bucket % LINEAR + 1) << shift;
    return (struct span){units * UNIT_US};
}

static uint32_t *minute_of(struct latency *latency, int64_t minute)
{
    return latency->counts[(uint64_t)minute % LATENCY_MINUTES];
}

static void slide(struct latency *latency, struct mono now)
{
    int64_t minute = now.us / MINUTE_US;
    if (minute - latency->minute > LATENCY_MINUTES)
        latency->minute = minute - LATENCY_MINUTES;
    while (latency->minute < minute)
        memset(minute_of(latency, ++latency->minute), 0, sizeof latency->counts[0]);
}

void latency_note(struct latency *latency, struct span took, struct mono now)
{
    slide(latency, now);
    minute_of(latency, latency->minute)[bucket_of(took)]++;
}

struct span latency_quantile(struct latency *latency, uint32_t thousandths, struct mono now)
{
    uint64_t sums[LATENCY_BUCKETS] = {0}, all = 0, below = 0;
    slide(latency, now);
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
        for (unsigned j = 0; j < LATENCY_MINUTES; j++)
            sums[i] += latency->counts[j][i];
        all += sums[i];
    }
    for (unsigned i = 0; all && i < LATENCY_BUCKETS; i++) {
        below += sums[i];
        if (below * 1000 >= all * thousandths)
            return end_of(i);
    }
    return (struct span){0};
}
