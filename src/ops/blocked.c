/* ops/blocked.c - see blocked.h. */
#include "ops/blocked.h"
#include "model/limits.h"

enum {
    SLOW_MS = 10 * 1000,   /* without an answer while something is with a provider */
    STUCK_MS = 3 * 1000,   /* what came back untried within that is still being sent back */
    STALLED_MS = 5 * 1000, /* due and not claimed */
};

struct str blocker_name(enum blocker blocker)
{
    static const struct str names[] = {
#define NAME(name, spelling) STR_INIT(spelling),
        BLOCKERS(NAME)
#undef NAME
    };
    must(blocker < BLOCKER_COUNT);
    return names[blocker];
}

static struct str date(struct arena *arena, struct wall at)
{
    char text[WALL_TEXT_SIZE];
    wall_format(at, text);
    return arena_copy(arena, str_of(text));
}

/* ----------------------------------------------------------------- what the ledger says ---- */

static bool say(struct blocked *ret, enum blocker by, struct wall since, struct wall next_due,
                struct str brief, struct str detail)
{
    *ret = (struct blocked){.by = by,
                            .since = since,
                            .next_due = next_due.ms == WALL_NEVER.ms ? (struct wall){0} : next_due,
                            .brief = brief,
                            .detail = detail.at ? detail : brief};
    return true;
}

static bool is_paused(const struct blocked_question *q, struct arena *arena, struct blocked *ret)
{
    const struct steer *pause =
        steering_find(q->steering, STEER_PAUSE, lane_kind(q->lane->lane), STR_NONE);
    if (!pause)
        return false;
    bool ends = pause->until.ms != WALL_NEVER.ms;
    struct str until = ends ? arena_printf(arena, "until %.*s", STR_ARG(date(arena, pause->until)))
                            : STR("until somebody resumes it");
    return say(ret, BLOCKED_PAUSED, pause->since, pause->until,
               arena_printf(arena, "paused by an operator, %.*s", STR_ARG(until)),
               arena_printf(arena, "paused by %.*s, %.*s%s%.*s", STR_ARG(pause->by), STR_ARG(until),
                            pause->reason.at ? ": " : "", STR_ARG(pause->reason)));
}

static bool is_refused(const struct blocked_question *q, struct arena *arena, struct blocked *ret)
{
    if (q->unconfirmed)
        return say(ret, BLOCKED_EPOCH, (struct wall){0}, WALL_NEVER,
                   STR("the store may be a copy of another: nothing is sent until an operator "
                       "confirms it with bongsu store confirm-epoch"),
                   STR_NONE);
    if (q->refused_since.ms)
        return say(ret, BLOCKED_STORE, q->refused_since, WALL_NEVER,
                   STR("the store refuses writes"),
                   arena_printf(arena, "the store refuses writes: %.*s", STR_ARG(q->refused_why)));
    if (q->draining)
        return say(ret, BLOCKED_DRAINING, (struct wall){0}, WALL_NEVER,
                   STR("this node is shutting down; what waits is sent after the next start"),
                   STR_NONE);
    return false;
}

/* -------------------------------------------------------------- what its providers say ---- */

/* The providers of a kind as they stand now, moves regarded. */
struct ways {
    const struct provider_report *list[PROVIDERS_MAX];
    uint32_t count, open, throttled;
};

static const struct provider_report *named(const struct blocked_question *q, struct str name)
{
    for (uint32_t i = 0; i < q->provider_count; i++)
        if (str_eq(q->providers[i]->name, name))
            return q->providers[i];
    return NULL;
}

static bool is_open(const struct provider_report *provider)
{
    return provider->state != BREAKER_CLOSED;
}

static bool is_throttled(const struct blocked_question *q, const struct provider_report *provider)
{
    return provider->paused_until.ms > q->now.ms;
}

static void add_way(struct ways *ways, const struct blocked_question *q,
                    const struct provider_report *provider)
{
    for (uint32_t i = 0; i < ways->count; i++)
        if (ways->list[i] == provider)
            return;
    if (ways->count == PROVIDERS_MAX)
        return;
    ways->list[ways->count++] = provider;
    if (is_open(provider))
        ways->open++;
    else if (is_throttled(q, provider))
        ways->throttled++;
}

static struct ways ways_of(const struct blocked_question *q, enum kind kind)
{
    struct ways ways = {.count = 0};
    for (uint32_t i = 0; i < q->provider_count; i++) {
        const struct provider_report *provider = q->providers[i];
        const struct steer *move = steering_find(q->steering, STEER_MOVE, kind, provider->name);
        const struct provider_report *to = move ? named(q, move->to) : NULL;
        if (provider->routed & 1u << kind)
            add_way(&ways, q, to ? to : provider);
    }
    return ways;
}

static struct str describe(const struct blocked_question *q, struct arena *arena,
                           const struct provider_report *provider)
{
    bool has_error = provider->last_error[0] != '\0';
    if (is_open(provider))
        return arena_printf(arena, "%.*s is %s since %.*s%s%s", STR_ARG(provider->name),
                            provider->state == BREAKER_OPEN ? "left alone" : "being tried again",
                            STR_ARG(date(arena, provider->since)), has_error ? ", after " : "",
                            provider->last_error);
    if (is_throttled(q, provider))
        return arena_printf(arena, "%.*s takes nothing before %.*s", STR_ARG(provider->name),
                            STR_ARG(date(arena, provider->paused_until)));
    return arena_printf(arena, "%.*s is available", STR_ARG(provider->name));
}

static struct str describe_all(const struct blocked_question *q, struct arena *arena,
                               const struct ways *ways)
{
    struct str text = STR("");
    for (uint32_t i = 0; i < ways->count; i++)
        text = arena_printf(arena, "%.*s%s%.*s", STR_ARG(text), i ? "; " : "",
                            STR_ARG(describe(q, arena, ways->list[i])));
    return text;
}

static struct wall tried_at(const struct provider_report *provider)
{
    struct wall at = is_open(provider) ? provider->next_probe : provider->paused_until;
    return at.ms ? at : WALL_NEVER;
}

/* When the first of those that take nothing is tried again, and since when none does. */
static void moments(const struct blocked_question *q, const struct ways *ways,
                    struct wall *ret_since, struct wall *ret_next)
{
    *ret_since = q->lane->block.stuck_since;
    *ret_next = WALL_NEVER;
    for (uint32_t i = 0; i < ways->count; i++) {
        const struct provider_report *provider = ways->list[i];
        if (!is_open(provider) && !is_throttled(q, provider))
            continue;
        *ret_next = wall_min(*ret_next, tried_at(provider));
        if (is_open(provider) && provider->since.ms > ret_since->ms)
            *ret_since = provider->since;
    }
}

/* Do its providers take nothing, or those that what waits here is routed to? */
static bool is_held(const struct blocked_question *q, const struct ways *ways, struct arena *arena,
                    struct blocked *ret)
{
    struct wall since, next;
    bool all = ways->open + ways->throttled == ways->count;
    bool stuck = q->lane->block.stuck_since.ms && q->now.ms - q->lane->block.stuck_at.ms < STUCK_MS;
    if (!ways->open && !ways->throttled)
        return false;
    if (!all && !stuck)
        return false;
    moments(q, ways, &since, &next);
    if (ways->open)
        return say(ret, BLOCKED_BREAKER_OPEN, since, next,
                   STR("the provider fails, and is tried again from time to time"),
                   describe_all(q, arena, ways));
    return say(ret, BLOCKED_THROTTLED, since, next,
               STR("the provider asked to be sent nothing for a while"),
               describe_all(q, arena, ways));
}

static bool is_slow(const struct blocked_question *q, const struct ways *ways, struct arena *arena,
                    struct blocked *ret)
{
    const struct lane_block *block = &q->lane->block;
    struct wall since =
        block->moved_at.ms > block->busy_since.ms ? block->moved_at : block->busy_since;
    if (!block->busy_since.ms || q->now.ms - since.ms < SLOW_MS)
        return false;
    struct str where = STR("");
    for (uint32_t i = 0; i < ways->count; i++) {
        const struct provider_report *p = ways->list[i];
        if (p->in_flight || p->waiting)
            where = arena_printf(arena, "%.*s; %.*s has %u of %u requests open and %u waiting",
                                 STR_ARG(where), STR_ARG(p->name), p->in_flight, p->in_flight_max,
                                 p->waiting);
    }
    return say(ret, BLOCKED_SLOW, since, WALL_NEVER,
               STR("what has been handed to the provider is not answered"),
               arena_printf(arena, "no attempt has come to anything since %.*s%.*s",
                            STR_ARG(date(arena, since)), STR_ARG(where)));
}

/* ------------------------------------------------------------------------- the calendar ---- */

static bool is_waiting(const struct blocked_question *q, struct arena *arena, struct blocked *ret)
{
    const struct lane_report *lane = q->lane;
    struct wall due = lane->block.next_due;
    if (lane->block.busy_since.ms || due.ms == WALL_NEVER.ms)
        return false;
    if (due.ms > q->now.ms)
        return say(ret, BLOCKED_NOT_DUE, (struct wall){0}, due,
                   arena_printf(arena, "all that waits is due later, the first at %.*s",
                                STR_ARG(date(arena, due))),
                   STR_NONE);
    if (q->now.ms - due.ms < STALLED_MS || q->now.ms - lane->block.moved_at.ms < STALLED_MS ||
        lane->block.full)
        return false;
    return say(ret, BLOCKED_STALLED, due, due,
               STR("it is due, and nothing known holds it back: a fault of this node"), STR_NONE);
}

bool lane_blocked(const struct blocked_question *q, struct arena *arena, struct blocked *ret)
{
    const struct lane_report *lane = q->lane;
    if (is_paused(q, arena, ret))
        return true;
    if (!lane->depth && !lane->in_flight)
        return false;
    if (is_refused(q, arena, ret))
        return true;
    struct ways ways = ways_of(q, lane_kind(lane->lane));
    if (!ways.count)
        return say(ret, BLOCKED_NO_ROUTE, (struct wall){0}, WALL_NEVER,
                   STR("no rule of the configuration leads to a provider of this kind"), STR_NONE);
    return is_held(q, &ways, arena, ret) || is_slow(q, &ways, arena, ret) ||
           is_waiting(q, arena, ret);
}
