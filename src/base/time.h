/* base/time.h - three kinds of time that cannot be mixed.
 *
 * Deadlines and durations are monotonic; dates are wall time. Only the clock's implementation
 * (port/clock.h) reads a clock; everyone else is handed a `struct now`, sampled once per event.
 */
#pragma once
#include "base/str.h"
#include <stdbool.h>
#include <stdint.h>

struct mono {
    int64_t us; /* microseconds since an arbitrary start */
};
struct wall {
    int64_t ms; /* milliseconds since 1970-01-01T00:00:00Z */
};
struct span {
    int64_t us; /* microseconds */
};
struct now {
    struct mono mono;
    struct wall wall;
};

#define MONO_NEVER ((struct mono){INT64_MAX})
#define WALL_NEVER ((struct wall){INT64_MAX})

static inline struct span span_ms(int64_t ms)
{
    return (struct span){ms * 1000};
}
static inline struct span span_s(int64_t s)
{
    return (struct span){s * 1000000};
}
static inline struct mono mono_add(struct mono at, struct span by)
{
    int64_t us;
    return __builtin_add_overflow(at.us, by.us, &us) ? MONO_NEVER : (struct mono){us};
}
static inline struct span mono_since(struct mono from, struct mono to)
{
    return (struct span){to.us - from.us};
}
static inline bool mono_reached(struct mono now, struct mono at)
{
    return now.us >= at.us;
}
static inline struct mono mono_min(struct mono a, struct mono b)
{
    return a.us < b.us ? a : b;
}
static inline struct wall wall_add(struct wall at, struct span by)
{
    int64_t ms;
    return __builtin_add_overflow(at.ms, by.us / 1000, &ms) ? WALL_NEVER : (struct wall){ms};
}
static inline bool wall_reached(struct wall now, struct wall at)
{
    return now.ms >= at.ms;
}
static inline struct wall wall_min(struct wall a, struct wall b)
{
    return a.ms < b.ms ? a : b;
}

/* RFC 3339 in UTC with milliseconds, "2026-12-01T09:00:00.000Z": 24 bytes and a terminator. */
#define WALL_TEXT_SIZE 25
void wall_format(struct wall at, char into[WALL_TEXT_SIZE]);
/* RFC 3339 with any offset and fraction; finer than a millisecond is cut. */
bool wall_parse(struct str text, struct wall *ret);
/* RFC 9110 section 5.6.7, all three forms ("Sun, 06 Nov 1994 08:49:37 GMT" and the old ones). */
bool wall_parse_http(struct str text, struct wall *ret);
/* "Sun, 06 Nov 1994 08:49:37 GMT": 29 bytes and a terminator. */
#define HTTP_DATE_SIZE 30
void wall_format_http(struct wall at, char into[HTTP_DATE_SIZE]);
/* RFC 5322 section 3.3 in UTC: "Sun, 06 Nov 1994 08:49:37 +0000". */
#define MAIL_DATE_SIZE 32
void wall_format_mail(struct wall at, char into[MAIL_DATE_SIZE]);
/* A number and ms|s|m|h|d, as durations are written in the API and the configuration. */
bool span_parse(struct str text, struct span *ret);
