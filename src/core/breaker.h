/* core/breaker.h - whether what keeps failing is to be tried now: a provider's credential, or an
 * origin that subscribers chose.
 *
 * Closed, it passes everything. When most of its latest attempts have failed (at least 20 within a
 * minute) it opens and passes nothing for a cool-down, which doubles, with jitter, each time it
 * opens again before it has been healthy for a while. Then single attempts are probes: the first
 * makes it half open, a few in a row that work close it, one that fails opens it. Closed again it
 * has a share that grows in steps from little to all, so that its traffic comes back without a
 * burst; a step in which too much fails narrows the share, or opens it.
 *
 * Only faults of the provider are failures; whoever notes attempts leaves out those that a
 * recipient or a limit decided. What began before the present state says nothing about it.
 *
 * Pure: `now` and chance are passed in. Threads: the owner's. Errors: none.
 */
#pragma once
#include "base/rng.h"
#include "base/time.h"
#include "model/names.h"

/* A breaker's state, as the contract spells it. */
#define BREAKER_STATES(X)                                                                          \
    X(BREAKER_CLOSED, "closed")                                                                    \
    X(BREAKER_OPEN, "open")                                                                        \
    X(BREAKER_HALF_OPEN, "half_open")

enum breaker_state { BREAKER_STATES(NAME_ENUM) BREAKER_STATE_COUNT };

enum { BREAKER_BUCKETS = 20, BREAKER_SHARE_FULL = 1000 };

struct breaker {
    enum breaker_state state;
    struct mono since;    /* of the state */
    struct mono opened;   /* not closed: since when */
    struct span cool;     /* the last cool-down; 0: never opened */
    struct mono probe_at; /* not closed: no probe before */
    uint32_t passed;      /* attempts that went elsewhere since the last probe */
    uint32_t worked;      /* half open: probes in a row */
    uint32_t share;       /* closed: of its traffic, in thousandths */
    struct mono step_at;  /* closed, share not full: the end of this step */
    struct mono full_at;  /* closed, share full: since when */
    uint32_t step_attempts, step_failures, failed_in_row;
    int64_t newest; /* the number of the newest bucket */
    struct breaker_bucket {
        uint32_t attempts, failures;
    } buckets[BREAKER_BUCKETS]; /* by number modulo their count */
};

/* What it lets through now. */
enum breaker_door {
    DOOR_SHUT,
    DOOR_LAST,  /* a probe, but only of what nobody else can take */
    DOOR_PROBE, /* a probe: it is due, and one in a hundred */
    DOOR_OPEN,  /* all, or its share while that grows */
};

void breaker_init(struct breaker *breaker, struct mono now);
enum breaker_door breaker_ask(struct breaker *breaker, struct mono now);
/* The share that it takes now: 0 unless it is closed. */
uint32_t breaker_share(struct breaker *breaker, struct mono now);
/* When it is worth asking again: of one that is closed, now. */
struct mono breaker_next(const struct breaker *breaker, struct mono now);
/* This attempt is the probe that it asked for. */
void breaker_probe(struct breaker *breaker, struct mono now);
/* An attempt that would have been its own goes elsewhere. */
void breaker_pass(struct breaker *breaker);
/* What an attempt that began at `began` came to. True: it has opened on that account. */
bool breaker_note(struct breaker *breaker, struct mono began, bool failed, struct mono now,
                  struct rng *rng);
/* Attempts in the window and how many of them failed. */
struct breaker_bucket breaker_window(struct breaker *breaker, struct mono now);
