/* core/breaker.c - see breaker.h. */
#include "core/breaker.h"

enum {
    BUCKET_US = 3000000,
    ATTEMPTS_MIN = 20, /* fewer say nothing */
    COOL_FIRST_US = 1000000,
    COOL_MAX_US = 60000000,
    HEALTHY_US = 120000000, /* with its full share: the next cool-down is a first one */
    PROBE_ONE_IN = 100,
    PROBES = 3, /* that work, in a row, close it */
    PROBE_GAP_US = 1000000,
    PROBE_LOST_US = 15000000,      /* a probe without an answer does not stop others for ever */
    PROBE_PATIENCE_US = 120000000, /* so late a probe is one even where there is little traffic */
    SHARE_FIRST = 50,
    STEP_US = 3000000,
    STEP_ATTEMPTS_MIN = 5, /* of a step in which half has failed: it opens */
    ROW_MAX = 5,           /* failures in a row while the share is not full */
};

static void clear(struct breaker *breaker)
{
    for (unsigned i = 0; i < BREAKER_BUCKETS; i++)
        breaker->buckets[i] = (struct breaker_bucket){0};
    breaker->step_attempts = breaker->step_failures = breaker->failed_in_row = 0;
}

/* Far enough from 0 that those before the first have numbers, too. */
static int64_t number_of(struct mono now)
{
    return now.us / BUCKET_US + BREAKER_BUCKETS;
}

void breaker_init(struct breaker *breaker, struct mono now)
{
    *breaker = (struct breaker){.state = BREAKER_CLOSED,
                                .since = now,
                                .share = BREAKER_SHARE_FULL,
                                .full_at = now,
                                .newest = number_of(now)};
}

static struct breaker_bucket *bucket(struct breaker *breaker, int64_t number)
{
    return &breaker->buckets[(uint64_t)number % BREAKER_BUCKETS];
}

/* Forgets what is older than the window. */
static void slide(struct breaker *breaker, struct mono now)
{
    int64_t newest = number_of(now);
    if (newest - breaker->newest > BREAKER_BUCKETS)
        breaker->newest = newest - BREAKER_BUCKETS;
    while (breaker->newest < newest)
        *bucket(breaker, ++breaker->newest) = (struct breaker_bucket){0};
}

/* Of the newest attempts, as many as it takes: in two buckets at least, so that where there is much
 * traffic a moment does not decide, and where there is little the past does not outvote the
 * present. */
static bool mostly_fails(struct breaker *breaker)
{
    uint64_t attempts = 0, failures = 0;
    for (int64_t i = 0; i < BREAKER_BUCKETS; i++) {
        const struct breaker_bucket *at = bucket(breaker, breaker->newest - i);
        attempts += at->attempts;
        failures += at->failures;
        if (i >= 1 && attempts >= ATTEMPTS_MIN)
            break;
    }
    return attempts >= ATTEMPTS_MIN && failures * 2 >= attempts;
}

static void open(struct breaker *breaker, struct mono now, struct rng *rng)
{
    bool healthy = breaker->state == BREAKER_CLOSED && breaker->share == BREAKER_SHARE_FULL &&
                   mono_since(breaker->full_at, now).us >= HEALTHY_US;
    int64_t cool = healthy || !breaker->cool.us ? COOL_FIRST_US : breaker->cool.us * 2;
    breaker->cool.us = cool < COOL_MAX_US ? cool : COOL_MAX_US;
    if (breaker->state == BREAKER_CLOSED)
        breaker->opened = now;
    breaker->state = BREAKER_OPEN;
    breaker->since = now;
    /* From three quarters to five quarters of it. */
    int64_t jitter = (int64_t)rng_below(rng, (uint64_t)breaker->cool.us / 2);
    breaker->probe_at = mono_add(now, (struct span){breaker->cool.us * 3 / 4 + jitter});
    clear(breaker);
}

static void close(struct breaker *breaker, struct mono now)
{
    breaker->state = BREAKER_CLOSED;
    breaker->since = now;
    breaker->share = SHARE_FIRST;
    breaker->step_at = mono_add(now, (struct span){STEP_US});
    clear(breaker);
}

/* The end of a step: more, or less if over a quarter of it has failed. */
static void step(struct breaker *breaker)
{
    bool bad = breaker->step_failures * 4 > breaker->step_attempts;
    uint32_t share = bad ? breaker->share / 2 : breaker->share * 2;
    breaker->share = share < SHARE_FIRST          ? SHARE_FIRST
                     : share > BREAKER_SHARE_FULL ? BREAKER_SHARE_FULL
                                                  : share;
    breaker->full_at = breaker->step_at;
    breaker->step_at = mono_add(breaker->step_at, (struct span){STEP_US});
    breaker->step_attempts = breaker->step_failures = 0;
}

/* What time alone has changed: with nothing attempted, the share is full after a few steps. */
static void tick(struct breaker *breaker, struct mono now)
{
    slide(breaker, now);
    while (breaker->state == BREAKER_CLOSED && breaker->share < BREAKER_SHARE_FULL &&
           mono_reached(now, breaker->step_at))
        step(breaker);
}

enum breaker_door breaker_ask(struct breaker *breaker, struct mono now)
{
    if (breaker->state == BREAKER_CLOSED)
        return DOOR_OPEN;
    if (!mono_reached(now, breaker->probe_at))
        return DOOR_SHUT;
    struct mono patience = mono_add(breaker->probe_at, (struct span){PROBE_PATIENCE_US});
    return breaker->passed >= PROBE_ONE_IN - 1 || mono_reached(now, patience) ? DOOR_PROBE
                                                                              : DOOR_LAST;
}

uint32_t breaker_share(struct breaker *breaker, struct mono now)
{
    if (breaker->state != BREAKER_CLOSED)
        return 0;
    if (breaker->share < BREAKER_SHARE_FULL)
        tick(breaker, now);
    return breaker->share;
}

struct mono breaker_next(const struct breaker *breaker, struct mono now)
{
    if (breaker->state == BREAKER_CLOSED)
        return now;
    /* Half open: a probe is out, and its answer is not far. */
    struct mono soon = mono_add(now, (struct span){PROBE_GAP_US});
    return breaker->state == BREAKER_HALF_OPEN ? mono_min(breaker->probe_at, soon)
                                               : breaker->probe_at;
}

void breaker_probe(struct breaker *breaker, struct mono now)
{
    if (breaker->state == BREAKER_OPEN) {
        breaker->state = BREAKER_HALF_OPEN;
        breaker->since = now;
        breaker->worked = 0;
    }
    breaker->passed = 0;
    breaker->probe_at = mono_add(now, (struct span){PROBE_LOST_US});
}

void breaker_pass(struct breaker *breaker)
{
    if (breaker->passed < PROBE_ONE_IN)
        breaker->passed++;
}

static bool note_probe(struct breaker *breaker, bool failed, struct mono now, struct rng *rng)
{
    if (failed) {
        open(breaker, now, rng);
        return true;
    }
    if (++breaker->worked >= PROBES)
        close(breaker, now);
    else
        breaker->probe_at = mono_add(now, (struct span){PROBE_GAP_US});
    return false;
}

static bool note_closed(struct breaker *breaker, bool failed, struct mono now, struct rng *rng)
{
    struct breaker_bucket *newest = bucket(breaker, breaker->newest);
    bool narrow = breaker->share < BREAKER_SHARE_FULL;
    newest->attempts++;
    newest->failures += failed;
    breaker->failed_in_row = failed ? breaker->failed_in_row + 1 : 0;
    if (narrow) {
        breaker->step_attempts++;
        breaker->step_failures += failed;
    }
    if (!failed)
        return false;
    bool again = narrow && (breaker->failed_in_row >= ROW_MAX ||
                            (breaker->step_attempts >= STEP_ATTEMPTS_MIN &&
                             breaker->step_failures * 2 >= breaker->step_attempts));
    if (!again && !mostly_fails(breaker))
        return false;
    open(breaker, now, rng);
    return true;
}

bool breaker_note(struct breaker *breaker, struct mono began, bool failed, struct mono now,
                  struct rng *rng)
{
    if (began.us < breaker->since.us || breaker->state == BREAKER_OPEN)
        return false;
    tick(breaker, now);
    return breaker->state == BREAKER_CLOSED ? note_closed(breaker, failed, now, rng)
                                            : note_probe(breaker, failed, now, rng);
}

struct breaker_bucket breaker_window(struct breaker *breaker, struct mono now)
{
    struct breaker_bucket all = {0};
    slide(breaker, now);
    for (unsigned i = 0; i < BREAKER_BUCKETS; i++) {
        all.attempts += breaker->buckets[i].attempts;
        all.failures += breaker->buckets[i].failures;
    }
    return all;
}
