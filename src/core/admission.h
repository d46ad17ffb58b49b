/* core/admission.h - how much may wait to be stored, so that what is let in is answered soon.
 *
 * Pure. Watches how long accepted work waits, as CoDel does (RFC 8289): a queue that comes and goes
 * is a burst, and harmless; one whose least wait stays over the target for a whole interval stands,
 * and helps nobody. While it stands only so much may wait as is stored within the target at the
 * rate last seen (Little's law); critical work has a quarter of that for itself, whatever else
 * waits, and a quarter of the memory on top. What waits is counted by the work that it is: a
 * notification to a thousand is not one like any other. A stall of the disk is a burst: what came
 * meanwhile is let in up to other limits. Threads: its owner's. Errors: none.
 */
#pragma once
#include "base/time.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct admission {
    uint32_t waiting;  /* let in, and not answered yet */
    uint64_t work;     /* of those */
    uint64_t critical; /* work of the critical ones among them */
    size_t bytes, bytes_max;
    bool standing;
    uint64_t limit;    /* of `work`, while the queue stands */
    double rate;       /* work answered a second */
    struct span base;  /* the least wait when nothing stands before one: what a commit takes */
    struct span least; /* in this interval */
    uint64_t served;   /* work in this interval */
    uint32_t refused;  /* in this interval: while any are, the queue stands */
    struct mono began; /* the interval */
};

void admission_init(struct admission *admission, size_t bytes_max, struct now now);
bool admission_has_room(const struct admission *admission, bool critical);
/* May one more be let in? If not, it is noted: the queue stands as long as somebody is refused. */
bool admission_asks(struct admission *admission, bool critical);
/* What storing so many deliveries at once costs, in notifications to one. */
uint32_t admission_work(uint32_t deliveries);
/* What is let in. */
struct entrant {
    uint32_t work;
    size_t bytes;
    bool critical;
};
void admission_enter(struct admission *admission, struct entrant entrant);
/* It is back after so long a wait; `stored` tells that it went through. */
void admission_leave(struct admission *admission, struct now now, struct entrant entrant,
                     struct span waited, bool stored);
