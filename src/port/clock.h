/* port/clock.h - the only source of time. Implementations: the system's, and the simulator's. */
#pragma once
#include "base/time.h"

struct clock {
    struct now (*read)(void *self); /* never fails; mono never goes back */
    void *self;
};

static inline struct now clock_now(const struct clock *clock)
{
    return clock->read(clock->self);
}
