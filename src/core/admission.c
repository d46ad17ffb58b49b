/* core/admission.c - see admission.h. */
#include "core/admission.h"
#include "base/err.h"

enum {
    TARGET_US = 25 * 1000,
    INTERVAL_US = 100 * 1000,
    BASE_US_MAX = 200 * 1000,
    LIMIT_LEAST = 256, /* so that commit groups stay worth their sync */
    /* A further delivery costs the store a third to a quarter of a notification (bench/notes.md).
     */
    DELIVERIES_OF_WORK = 4,
};

void admission_init(struct admission *admission, size_t bytes_max, struct now now)
{
    *admission = (struct admission){
        .bytes_max = bytes_max,
        .limit = LIMIT_LEAST,
        .base = {BASE_US_MAX},
        .least = {INT64_MAX},
        .began = now.mono,
    };
}

bool admission_has_room(const struct admission *admission, bool critical)
{
    size_t bytes = admission->bytes_max + (critical ? admission->bytes_max / 4 : 0);
    return admission->bytes < bytes &&
           (!admission->standing || admission->work < admission->limit ||
            (critical && admission->critical < admission->limit / 4));
}

bool admission_asks(struct admission *admission, bool critical)
{
    bool room = admission_has_room(admission, critical);
    admission->refused += !room;
    return room;
}

uint32_t admission_work(uint32_t deliveries)
{
    return 1 + deliveries / DELIVERIES_OF_WORK;
}

void admission_enter(struct admission *admission, struct entrant entrant)
{
    admission->waiting++;
    admission->work += entrant.work;
    admission->critical += entrant.critical ? entrant.work : 0;
    admission->bytes += entrant.bytes;
}

/* The base follows what is seen without a queue: down at once, up slowly. */
static void learn_base(struct admission *admission)
{
    if (admission->least.us < admission->base.us)
        admission->base = admission->least;
    else if (!admission->standing && admission->base.us < BASE_US_MAX)
        admission->base.us += admission->base.us / 32 + 1;
}

static void end_interval(struct admission *admission, struct now now)
{
    double seconds = (double)mono_since(admission->began, now.mono).us / 1e6;
    double rate = (double)admission->served / seconds;
    admission->rate = admission->rate > 0 ? (admission->rate + rate) / 2 : rate;
    learn_base(admission);
    int64_t patience = TARGET_US + 2 * admission->base.us;
    admission->standing =
        admission->least.us > patience || (admission->standing && admission->refused);
    double limit = admission->rate * (double)patience / 1e6;
    admission->limit = limit < LIMIT_LEAST  ? LIMIT_LEAST
                       : limit > UINT32_MAX ? UINT32_MAX
                                            : (uint64_t)limit;
    admission->least.us = INT64_MAX;
    admission->served = admission->refused = 0;
    admission->began = now.mono;
}

void admission_leave(struct admission *admission, struct now now, struct entrant entrant,
                     struct span waited, bool stored)
{
    uint32_t critical = entrant.critical ? entrant.work : 0;
    must(admission->waiting > 0 && admission->work >= entrant.work &&
         admission->critical >= critical && admission->bytes >= entrant.bytes);
    admission->waiting--;
    admission->work -= entrant.work;
    admission->critical -= critical;
    admission->bytes -= entrant.bytes;
    if (!admission->waiting) { /* nothing stands any more */
        admission->standing = false;
        admission->least.us = 0;
    }
    if (!stored)
        return;
    admission->served += entrant.work;
    if (waited.us < admission->least.us)
        admission->least = waited;
    if (mono_since(admission->began, now.mono).us >= INTERVAL_US)
        end_interval(admission, now);
}
