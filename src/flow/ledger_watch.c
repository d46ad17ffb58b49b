/* flow/ledger_watch.c - the watchdog: what stands still, what holds it, and what helps.
 *
 * A lane stands still if the oldest delivery that is due in the store (ledger_census.c) has waited
 * for WATCHDOG_STALL_S, and nothing of the lane was claimed or settled for as long. That is told
 * once, with what holds it; if nothing that is known does, it is a fault of ours and the node is
 * not ready. A large backlog that moves is none. The same goes for a store or a listener that does
 * not answer.
 */
#include "flow/ledger_state.h"
#include "runtime/log.h"
#include <stdio.h>

enum { LOOK_EVERY_MS = 1000 };

/* What keeps a lane from moving, as far as the ledger knows. */
enum held_by { HELD_BY_NOTHING, HELD_BY_PAUSE, HELD_BY_STORE, HELD_BY_PROVIDER };

static const struct {
    const char *word, *remedy;
} holders[] = {
    [HELD_BY_NOTHING] = {"nothing", "restart this node, and report it"},
    [HELD_BY_PAUSE] = {"pause", "bongsu queue resume"},
    [HELD_BY_STORE] = {"store", "see why the store refuses"},
    [HELD_BY_PROVIDER] = {"provider", "bongsu provider: it holds all that it is given"},
};

static bool is_longer(struct mono since, struct mono now, int64_t s)
{
    return mono_since(since, now).us > span_s(s).us;
}

struct span ledger_unclaimed(const struct ledger *ledger, unsigned lane)
{
    struct wall oldest = ledger->watch.lanes[lane].oldest, at = ledger->calendar.at;
    return wall_reached(at, oldest) ? span_ms(at.ms - oldest.ms) : (struct span){0};
}

/* -- lanes ------------------------------------------------------------------------------------ */

static enum held_by holder_of(const struct ledger *ledger, unsigned number)
{
    const struct lane *lane = &ledger->lanes.list[number];
    if (lane->paused)
        return HELD_BY_PAUSE;
    if (ledger->store_refuses)
        return HELD_BY_STORE;
    /* Places that are taken by tickets which couriers have, by the last roll-call. */
    return lane->in_hand && !list_empty(&ledger->roll.out) ? HELD_BY_PROVIDER : HELD_BY_NOTHING;
}

static bool stands_still(const struct ledger *ledger, unsigned number, struct now now)
{
    const struct lane *lane = &ledger->lanes.list[number];
    return ledger_unclaimed(ledger, number).us > span_s(WATCHDOG_STALL_S).us &&
           is_longer(lane->moved_at, now.mono, WATCHDOG_STALL_S) &&
           is_longer(lane->claimed_at, now.mono, WATCHDOG_STALL_S);
}

static void look_at_lane(struct ledger *ledger, unsigned number, struct now now)
{
    struct lane_watch *lane = &ledger->watch.lanes[number];
    bool stands = stands_still(ledger, number, now);
    enum held_by by = stands ? holder_of(ledger, number) : HELD_BY_NOTHING;
    bool alarm = stands && by == HELD_BY_NOTHING;
    if (stands != lane->told || alarm != lane->alarm) {
        struct str kind = kind_name(lane_kind(number));
        struct str priority = priority_name(lane_priority(number));
        if (stands)
            log_write(ledger->config.log, alarm ? LOG_ERROR : LOG_WARN,
                      "what=standing kind=%.*s priority=%.*s app=%u age_s=%lld held_by=%s "
                      "next=\"%s\"",
                      STR_ARG(kind), STR_ARG(priority), lane->app,
                      (long long)(ledger_unclaimed(ledger, number).us / 1000000), holders[by].word,
                      holders[by].remedy);
        else
            log_write(ledger->config.log, LOG_INFO, "what=moving kind=%.*s priority=%.*s",
                      STR_ARG(kind), STR_ARG(priority));
    }
    lane->told = stands;
    lane->alarm = alarm;
}

/* -- those who answer ------------------------------------------------------------------------- */

static void look_at_store(struct ledger *ledger, struct now now)
{
    struct watch *watch = &ledger->watch;
    bool stands = ledger->group && is_longer(watch->group_since, now.mono, WATCHDOG_ANSWER_S);
    if (stands && !watch->group_told)
        log_write(ledger->config.log, LOG_ERROR,
                  "what=standing store=silent age_s=%d next=\"look at its disk\"",
                  (int)WATCHDOG_ANSWER_S);
    else if (!stands && watch->group_told)
        log_write(ledger->config.log, LOG_INFO, "what=moving store=answers");
    watch->group_told = stands;
}

/* The first that the oldest round waits for; NULL: none for too long. */
static const struct notice *silent(const struct ledger *ledger, struct now now)
{
    list_each (at, &ledger->rounds) {
        const struct round *round = list_of(at, struct round, link);
        if (!is_longer(round->since, now.mono, WATCHDOG_ANSWER_S))
            return NULL;
        for (uint32_t i = 0; i < NOTICE_LISTENERS_MAX && round->notices[i].round; i++)
            if (!round->notices[i].heard)
                return &round->notices[i];
    }
    return NULL;
}

static void look_at_listeners(struct ledger *ledger, struct now now, const struct notice *notice)
{
    struct watch *watch = &ledger->watch;
    (void)now;
    if (notice && !watch->listener_told)
        log_write(ledger->config.log, LOG_ERROR,
                  "what=standing %s=%u age_s=%d next=\"restart this node, and report it\"",
                  notice->courier ? "courier" : "intake", notice->listener, (int)WATCHDOG_ANSWER_S);
    else if (!notice && watch->listener_told)
        log_write(ledger->config.log, LOG_INFO, "what=moving listeners=answer");
    watch->listener_told = notice != NULL;
}

/* -- the sentence ----------------------------------------------------------------------------- */

static void say(struct ledger *ledger, const struct notice *notice)
{
    struct watch *watch = &ledger->watch;
    char *sentence = watch->sentence;
    size_t size = sizeof watch->sentence;
    *sentence = '\0';
    if (watch->group_told) {
        (void)snprintf(sentence, size, "the store has not answered for %d s", WATCHDOG_ANSWER_S);
        return;
    }
    if (notice) {
        (void)snprintf(sentence, size, "%s %u has not answered for %d s: restart this node",
                       notice->courier ? "courier" : "intake", notice->listener, WATCHDOG_ANSWER_S);
        return;
    }
    for (unsigned i = 0; i < LANE_COUNT && !*sentence; i++)
        if (watch->lanes[i].alarm)
            (void)snprintf(sentence, size,
                           "%.*s deliveries of priority %.*s are due, nothing holds them, and "
                           "nothing moved for %d s: restart this node",
                           STR_ARG(kind_name(lane_kind(i))),
                           STR_ARG(priority_name(lane_priority(i))), WATCHDOG_STALL_S);
}

void ledger_watch_turn(struct ledger *ledger, struct now now)
{
    struct watch *watch = &ledger->watch;
    if (!mono_reached(now.mono, watch->look_at))
        return;
    watch->look_at = mono_add(now.mono, span_ms(LOOK_EVERY_MS));
    for (unsigned i = 0; i < LANE_COUNT && !ledger->drain && !ledger->unconfirmed; i++)
        look_at_lane(ledger, i, now);
    const struct notice *notice = silent(ledger, now);
    look_at_store(ledger, now);
    look_at_listeners(ledger, now, notice);
    say(ledger, notice);
}

/* The sweeps and the census wake the ledger every second; while a group is on its way nothing
 * else does. */
struct mono ledger_watch_at(const struct ledger *ledger)
{
    return ledger->group || !list_empty(&ledger->rounds) ? ledger->watch.look_at : MONO_NEVER;
}
