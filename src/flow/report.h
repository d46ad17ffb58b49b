/* flow/report.h - how each provider is, as its courier sees it: for GET /v1/providers, /v1/queues
 * and /metrics.
 *
 * An intake posts a `struct report` to the courier, which fills it and posts it back to `done`: one
 * message there and the same one back, answered in the step that takes it.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "core/breaker.h"
#include "model/names.h"
#include "port/inbox.h"

enum { REPORT_TEXT_MAX = 200 };

struct provider_report {
    struct str name, driver; /* the name lives in the arena */
    unsigned kinds;          /* that it serves: bits (1 << kind) */
    unsigned routed;         /* of these, those that a rule leads to it */
    enum breaker_state state;
    struct wall since;        /* of this state; open or half open: since it was last closed */
    struct wall next_probe;   /* open: when it is next tried; ms == 0: not known */
    struct wall paused_until; /* told to slow down (429): nothing is sent before; ms == 0: no */
    double share;             /* 0..1 of its resting weight, while it drifts back */
    uint32_t waiting;         /* at its desk */
    uint32_t in_flight, in_flight_max; /* the limit as it stands now, after throttling */
    double rate_1m, rate_max;          /* attempts a second; rate_max 0: no limit */
    double success_ratio;              /* of the attempts in the breaker's window; 1 without any */
    uint32_t window_attempts;
    struct span p50, p99;             /* of the answers in the last minutes; 0 without any */
    struct wall last_error_at;        /* ms == 0: none since the start */
    char last_error[REPORT_TEXT_MAX]; /* "503 ServiceUnavailable: ..." */
    uint32_t origins_blocked;         /* endpoints that subscribers chose */
};

struct report {
    struct message message;
    struct inbox done;
    void (*finish)(struct report *report);
    void *owner;
    enum err err;        /* ERR_MEMORY: nothing is filled in */
    struct arena *arena; /* the asker's; `list` lives in it */
    struct provider_report *list;
    uint32_t count;
};
