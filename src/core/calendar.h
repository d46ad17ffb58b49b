/* core/calendar.h - the clock by which the store's calendar counts.
 *
 * What is due and what expires is promised as a duration (a retry's delay, a ttl, a hold), but must
 * survive a restart, so it is stored as a date. The calendar's time is wall time less every step
 * that the wall clock has made: when somebody sets the clock, durations do not move. A difference
 * of more than CALENDAR_STEP_MS between two looks, wall against monotonic, is a step; less is
 * followed. It never goes back.
 * What people and providers see (an event's time, an id, a header) is wall time as it is.
 * Pure: the caller brings the time. Threads: the caller's.
 */
#pragma once
#include "base/time.h"

enum { CALENDAR_STEP_MS = 1000 };

struct calendar {
    struct wall at;    /* calendar time at the last look */
    int64_t offset_ms; /* wall less calendar: the steps, summed */
    struct now look;
};

/* `offset_ms` is what the store kept; the wall clock is taken as it is now. */
struct calendar calendar_open(struct now now, int64_t offset_ms);
/* Looks at the clock. True if it has been set since the last look. */
bool calendar_look(struct calendar *calendar, struct now now);
/* When a calendar time comes, counted from the last look. */
struct mono calendar_mono(const struct calendar *calendar, struct wall at);
/* The same by the wall clock as it stands; WALL_NEVER and no time at all stay what they are. */
struct wall calendar_date(const struct calendar *calendar, struct wall at);
