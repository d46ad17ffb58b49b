/* flow/ledger_census.c - what the store says that waits, against what the lanes know of it.
 *
 * The lanes are derived: a wake-up that is forgotten, or a depth that is counted wrong, would leave
 * due work unclaimed until the next restart. So all that waits is read over, a bounded page at a
 * time, as the last op of a group: at its completion the lanes have heard of everything that the
 * page has seen, and a difference is a fault. What a shelf does not know is put into it.
 */
#include "flow/ledger_state.h"
#include "runtime/log.h"
#include <stdlib.h>

enum {
    PASS_EVERY_MS = 1000,
    PAGE_EVERY_MS = 100, /* within a pass */
};

bool ledger_census_due(const struct ledger *ledger, struct now now)
{
    return mono_reached(now.mono, ledger->watch.census_at) && !ledger->drain &&
           !ledger->unconfirmed;
}

void ledger_census_fill(struct ledger *ledger, struct now now, struct group *group)
{
    struct watch *watch = &ledger->watch;
    if (!ledger_census_due(ledger, now))
        return;
    struct work *work = calloc(1, sizeof *work);
    if (!work) {
        watch->census_at = mono_add(now.mono, span_ms(PASS_EVERY_MS));
        return;
    }
    if (!watch->from)
        ledger->lanes.pass++;
    work->census = (struct census){
        .op = {.verb = VERB_CENSUS, .owner = work}, .from = watch->from, .limit = CENSUS_PAGE_MAX};
    group->ops[group->count++] = &work->census.op;
    watch->census_at = MONO_NEVER; /* set again when it is back */
}

/* True if the lane knew it otherwise. */
static bool compare(struct ledger *ledger, const struct census_row *row)
{
    struct shelf *shelf = lanes_shelf(&ledger->lanes, row->lane, row->app);
    if (!shelf)
        return false; /* for want of memory: in the next pass */
    struct lane_watch *lane = &ledger->watch.lanes[row->lane];
    if (row->first_due.ms < lane->oldest_next.ms) {
        lane->oldest_next = row->first_due;
        lane->app_next = row->app;
    }
    return lanes_correct(&ledger->lanes, shelf, row->depth, row->first_due, ledger->calendar.at);
}

/* What a lane counts and no page has shown. An app that was deleted does that, too. */
static uint32_t correct_rest(struct ledger *ledger)
{
    struct lanes *lanes = &ledger->lanes;
    uint32_t corrected = 0;
    size_t at = 0;
    for (struct shelf *shelf; (shelf = map_each(&lanes->shelves, &at));)
        if (shelf->depth && shelf->counted != lanes->pass)
            corrected += lanes_correct(lanes, shelf, 0, WALL_NEVER, ledger->calendar.at);
    return corrected;
}

static void end_pass(struct ledger *ledger)
{
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        struct lane_watch *lane = &ledger->watch.lanes[i];
        lane->oldest = lane->oldest_next;
        lane->app = lane->app_next;
        lane->oldest_next = WALL_NEVER;
    }
}

void ledger_census_done(struct ledger *ledger, struct now now, struct work *work)
{
    const struct census *census = &work->census;
    struct watch *watch = &ledger->watch;
    uint32_t unknown = 0, fewer = 0;
    for (uint32_t i = 0; i < census->count; i++)
        unknown += compare(ledger, &census->rows[i]);
    if (!census->more) {
        fewer = correct_rest(ledger);
        end_pass(ledger);
    }
    watch->from = census->more ? census->from : 0;
    watch->census_at = mono_add(now.mono, span_ms(census->more ? PAGE_EVERY_MS : PASS_EVERY_MS));
    ledger->stats.reconciled_shelves += unknown + fewer + census->corrected;
    if (unknown || fewer || census->corrected)
        log_write(ledger->config.log, unknown || census->corrected ? LOG_ERROR : LOG_INFO,
                  "what=reconciled lanes=%u fewer=%u records=%u next=\"what is due is claimed\"",
                  unknown, fewer, census->corrected);
    free(work);
}

void ledger_census_refused(struct ledger *ledger, struct now now, struct work *work)
{
    ledger->watch.census_at = mono_add(now.mono, span_ms(PASS_EVERY_MS));
    free(work);
}

void ledger_census_open(struct ledger *ledger, struct now now)
{
    struct watch *watch = &ledger->watch;
    watch->census_at = mono_add(now.mono, span_ms(PASS_EVERY_MS));
    for (unsigned i = 0; i < LANE_COUNT; i++)
        watch->lanes[i].oldest = watch->lanes[i].oldest_next = WALL_NEVER;
}
