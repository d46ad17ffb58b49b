/* core/calendar.c - see calendar.h. */
#include "core/calendar.h"

struct calendar calendar_open(struct now now, int64_t offset_ms)
{
    return (struct calendar){.at = {now.wall.ms - offset_ms}, .offset_ms = offset_ms, .look = now};
}

bool calendar_look(struct calendar *calendar, struct now now)
{
    int64_t passed_ms = mono_since(calendar->look.mono, now.mono).us / 1000;
    int64_t step_ms = now.wall.ms - calendar->look.wall.ms - passed_ms;
    bool stepped = step_ms > CALENDAR_STEP_MS || step_ms < -CALENDAR_STEP_MS;
    if (stepped)
        calendar->offset_ms += step_ms;
    int64_t ms = now.wall.ms - calendar->offset_ms;
    if (ms > calendar->at.ms)
        calendar->at.ms = ms;
    calendar->look = now;
    return stepped;
}

struct mono calendar_mono(const struct calendar *calendar, struct wall at)
{
    if (at.ms == WALL_NEVER.ms)
        return MONO_NEVER;
    return mono_add(calendar->look.mono, span_ms(at.ms - calendar->at.ms));
}

struct wall calendar_date(const struct calendar *calendar, struct wall at)
{
    return at.ms == 0 || at.ms == WALL_NEVER.ms ? at : (struct wall){at.ms + calendar->offset_ms};
}
