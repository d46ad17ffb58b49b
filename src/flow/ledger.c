/* flow/ledger.c - the ledger's steps: collect, submit one group, act on its completion. */
#include "flow/ledger.h"
#include "flow/ledger_state.h"
#include "runtime/log.h"
#include <stdlib.h>

enum {
    GROUP_ARENA_MAX = 64 * 1024 * 1024,
    ACCEPTS_LEAST = GROUP_OPS_MAX / 4, /* of every group, so that settling cannot shut them out */
    SWEEP_EVERY_MS = 1000,
    SWEEP_BUSY_MS = 5, /* between steps while a sweep has more to do */
    REFUSED_WAIT_MS = 250,
};

struct ledger *ledger_new(const struct ledger_config *config, const struct store_state *state,
                          struct now now)
{
    must(config->courier_count >= 1 && config->courier_count <= NOTICE_LISTENERS_MAX);
    struct ledger *ledger = calloc(1, sizeof *ledger);
    if (!ledger)
        return NULL;
    static const struct log silent = {.fd = -1};
    ledger->config = *config;
    if (!config->log)
        ledger->config.log = &silent;
    ledger->rng = rng_of(config->seed);
    ledger->ids =
        (struct ids){.secret = {state->id_secret[0], state->id_secret[1]}, .last = state->last_id};
    uint64_t key[2] = {rng_next(&ledger->rng), rng_next(&ledger->rng)};
    lanes_init(&ledger->lanes, key);
    if (config->window_bytes_max)
        ledger->lanes.window_bytes = config->window_bytes_max;
    list_init(&ledger->rounds);
    ledger->calendar = calendar_open(now, state->offset_ms);
    ledger->offset_kept_ms = state->offset_ms;
    if (!ledger_roll_open(ledger) || !ledger_notes_open(ledger) ||
        !ledger_steer_open(ledger, state, now)) {
        ledger_free(ledger);
        return NULL;
    }
    ledger->sweep_at = mono_add(now.mono, span_ms(SWEEP_EVERY_MS));
    ledger_census_open(ledger, now);
    ledger->store_full = state->full;
    ledger->unconfirmed = state->unconfirmed;
    ledger->follow_at = state->following ? now.mono : MONO_NEVER;
    for (uint32_t i = 0; i < state->depth_count; i++) {
        const struct lane_depth *depth = &state->depths[i];
        struct shelf *shelf = lanes_shelf(&ledger->lanes, depth->lane, depth->app);
        if (!shelf) {
            ledger_free(ledger);
            return NULL;
        }
        lanes_pending(&ledger->lanes, shelf, (int32_t)depth->depth, depth->next_due,
                      ledger->calendar.at);
    }
    return ledger;
}

static void group_free(struct group *group)
{
    if (!group)
        return;
    arena_done(&group->arena);
    free(group->ops);
    free(group);
}

void ledger_free(struct ledger *ledger)
{
    must(!ledger->group && !ledger->following && list_empty(&ledger->rounds));
    group_free(ledger->spare);
    free(ledger->urgent.at);
    free(ledger->accepts.at);
    ledger_roll_close(ledger);
    lanes_done(&ledger->lanes);
    steering_free(ledger->steering);
    ledger_notes_close(ledger);
    free(ledger);
}

struct ids ledger_ids(const struct ledger *ledger)
{
    return ledger->ids;
}

/* ------------------------------------------------------------------------------- groups ---- */

static struct group *group_take(struct ledger *ledger)
{
    struct group *group = ledger->spare;
    if (group) {
        ledger->spare = NULL;
        return group;
    }
    group = calloc(1, sizeof *group);
    if (!group)
        return NULL;
    group->ops = calloc(GROUP_OPS_MAX, sizeof(struct op *));
    if (!group->ops) {
        free(group);
        return NULL;
    }
    arena_init(&group->arena, GROUP_ARENA_MAX);
    return group;
}

static void group_give(struct ledger *ledger, struct group *group)
{
    arena_reset(&group->arena);
    if (ledger->spare)
        group_free(group);
    else
        ledger->spare = group;
}

static void fill_accepts(struct ledger *ledger, struct now now, struct group *group)
{
    while (group->count < GROUP_OPS_MAX) {
        struct op *op = op_queue_take(&ledger->accepts);
        if (!op)
            return;
        struct work *work = op->owner;
        if (ledger_prepare_accept(ledger, now, work)) {
            group->ops[group->count++] = op;
        } else {
            const struct why why = {"out of memory"};
            ledger_accept_refused(ledger, work, &why);
        }
    }
}

static bool sweep_due(const struct ledger *ledger, struct now now)
{
    return mono_reached(now.mono, ledger->sweep_at) && !ledger->drain && !ledger->unconfirmed;
}

static void fill_sweep(struct ledger *ledger, struct now now, struct group *group)
{
    if (!sweep_due(ledger, now))
        return;
    struct work *work = calloc(1, sizeof *work);
    if (!work) {
        ledger->sweep_at = mono_add(now.mono, span_ms(SWEEP_EVERY_MS));
        return;
    }
    work->sweep = (struct sweep){
        .op = {.verb = VERB_SWEEP, .owner = work},
        .now = ledger->calendar.at,
        .retention = ledger->config.retention,
        .rows_max = SWEEP_ROWS_MAX,
    };
    group->ops[group->count++] = &work->sweep.op;
    ledger->sweep_at = MONO_NEVER; /* set again when it is back */
}

static void submit(struct ledger *ledger, struct now now)
{
    if (ledger->group || !mono_reached(now.mono, ledger->retry_at))
        return;
    bool clock_set = ledger->calendar.offset_ms != ledger->offset_kept_ms;
    if (!ledger->urgent.count && !ledger->accepts.count && !sweep_due(ledger, now) &&
        !ledger_census_due(ledger, now) && !clock_set)
        return;
    struct group *group = group_take(ledger);
    if (!group) {
        ledger->retry_at = mono_add(now.mono, span_ms(REFUSED_WAIT_MS));
        return;
    }
    group->message.type = LEDGER_GROUP;
    group->done = ledger->config.inbox;
    group->count = 0;
    uint32_t urgent_max = ledger->accepts.count < ACCEPTS_LEAST
                              ? GROUP_OPS_MAX - (uint32_t)ledger->accepts.count
                              : GROUP_OPS_MAX - ACCEPTS_LEAST;
    /* A receipt may follow its settle into the next group, but never overtake it. */
    for (struct op *op; group->count < urgent_max && (op = op_queue_take(&ledger->urgent));)
        group->ops[group->count++] = op;
    fill_accepts(ledger, now, group);
    if (group->count < GROUP_OPS_MAX)
        fill_sweep(ledger, now, group);
    if (group->count < GROUP_OPS_MAX)
        ledger_census_fill(ledger, now, group);
    if (!group->count && !clock_set) {
        group_give(ledger, group);
        return;
    }
    group->offset_ms = ledger->calendar.offset_ms;
    ledger->group = group;
    ledger->watch.group_since = now.mono;
    ledger->stats.groups++;
    ledger->stats.group_ops += group->count;
    ledger->config.store->ops->submit(ledger->config.store, group);
}

/* --------------------------------------------------------------------------- completion ---- */

static void sweep_done(struct ledger *ledger, struct now now, struct work *work)
{
    int64_t wait = work->sweep.more ? SWEEP_BUSY_MS : SWEEP_EVERY_MS;
    ledger->sweep_at = mono_add(now.mono, span_ms(wait));
    free(work);
}

/* What was handed out goes first: a change later in the same group must reach the couriers behind
 * the tickets it may concern. */
static void act_on_work(struct ledger *ledger, struct now now, struct op *op)
{
    switch (op->verb) {
    case VERB_ACCEPT:
        ledger_accepted(ledger, op->owner);
        return;
    case VERB_CLAIM:
        ledger_claimed(ledger, now, op->owner);
        return;
    case VERB_MARK:
        ledger_marked(ledger, (struct mark *)op);
        return;
    case VERB_SETTLE:
        ledger_settled(ledger, now, (struct settle *)op);
        return;
    case VERB_FOLLOW:
        ledger_follow_loaded(ledger, now);
        return;
    case VERB_EXTEND:
        ledger_extended(ledger, now, op);
        return;
    case VERB_SWEEP:
        sweep_done(ledger, now, op->owner);
        return;
    case VERB_CENSUS: /* the last of its group: the lanes know all that it saw */
        ledger_census_done(ledger, now, op->owner);
        return;
    case VERB_CONFIRM:
        ledger_confirmed(ledger, now, op->owner);
        return;
    default:
        return;
    }
}

static void act_on_rest(struct ledger *ledger, struct now now, struct op *op)
{
    if (op->verb == VERB_RECEIPT) {
        struct receipt *receipt = (struct receipt *)op;
        if (receipt->applied)
            ledger->stats.ended[receipt->event.state]++;
        ledger_ticket_free(ledger, op->owner);
    } else {
        ledger_job_done(ledger, now, op);
    }
}

/* Done with by act_on_work? Asked before, as acting frees the op. */
static bool is_work(const struct op *op)
{
    return op->verb == VERB_ACCEPT || op->verb == VERB_CLAIM || op->verb == VERB_MARK ||
           op->verb == VERB_SETTLE || op->verb == VERB_FOLLOW || op->verb == VERB_EXTEND ||
           op->verb == VERB_SWEEP || op->verb == VERB_CENSUS || op->verb == VERB_CONFIRM;
}

static void committed(struct ledger *ledger, struct now now, struct group *group)
{
    uint32_t rest = 0;
    ledger->store_refuses = false;
    ledger->offset_kept_ms = group->offset_ms;
    ledger->stats.commit_us += (uint64_t)(group->took.us > 0 ? group->took.us : 0);
    for (uint32_t i = 0; i < group->count; i++) {
        struct op *op = group->ops[i];
        if (is_work(op)) {
            act_on_work(ledger, now, op);
        } else {
            ledger_count_changes(ledger, op);
            group->ops[rest++] = op;
        }
    }
    ledger_flush(ledger);
    for (uint32_t i = 0; i < rest; i++)
        act_on_rest(ledger, now, group->ops[i]);
}

static void refused(struct ledger *ledger, struct now now, struct group *group)
{
    if (!ledger->store_refuses)
        ledger->refused_since = now.mono;
    ledger->store_refuses = true;
    ledger->refused_why = group->why;
    ledger->retry_at = mono_add(now.mono, span_ms(REFUSED_WAIT_MS));
    must(op_queue_reserve(&ledger->urgent, group->count));
    for (uint32_t i = group->count; i-- > 0;) {
        struct op *op = group->ops[i];
        switch (op->verb) {
        case VERB_SETTLE: /* what has been sent has been sent: again until it is durable */
        case VERB_RECEIPT:
        case VERB_EXTEND:
            op_queue_add_first(&ledger->urgent, op);
            break;
        case VERB_ACCEPT:
            ledger_accept_refused(ledger, op->owner, &group->why);
            break;
        case VERB_CLAIM:
            ledger_claim_refused(ledger, op->owner);
            break;
        case VERB_FOLLOW:
            ledger_follow_refused(ledger, now);
            break;
        case VERB_MARK:
            ledger_mark_refused(ledger, (struct mark *)op);
            break;
        case VERB_SWEEP:
            free(op->owner);
            ledger->sweep_at = mono_add(now.mono, span_ms(SWEEP_EVERY_MS));
            break;
        case VERB_CENSUS:
            ledger_census_refused(ledger, now, op->owner);
            break;
        default:
            ledger_job_refused(ledger, op, &group->why);
        }
    }
    ledger_flush(ledger);
    /* Whoever waits behind them hears it now, not after as many more refusals. */
    for (struct op *op; (op = op_queue_take(&ledger->accepts)) != NULL;)
        ledger_accept_refused(ledger, op->owner, &group->why);
}

static void group_done(struct ledger *ledger, struct now now, struct group *group)
{
    must(group == ledger->group);
    ledger->group = NULL;
    ledger->store_full = group->full;
    must(group->fate != GROUP_UNKNOWN); /* an embedded store knows */
    if (group->fate == GROUP_COMMITTED)
        committed(ledger, now, group);
    else
        refused(ledger, now, group);
    group_give(ledger, group);
}

/* -------------------------------------------------------------------------------- actor ---- */

static void take_drain(struct ledger *ledger, struct drain *drain)
{
    must(!ledger->drain);
    ledger->drain = drain;
    const struct round round = {.type = NOTICE_DRAIN};
    ledger_tell(ledger, &round, NULL);
}

/* What is in hand beyond a smaller window comes back by itself. */
static void take_change(struct ledger *ledger, const struct ledger_change *change)
{
    memcpy(ledger->config.retry, change->retry, sizeof ledger->config.retry);
    ledger->config.retention = change->retention;
    ledger->lanes.window_bytes =
        change->window_bytes_max ? change->window_bytes_max : WINDOW_BYTES_MAX;
    change->done(change->self);
}

/* One look at the clock serves a whole step. */
static void look(struct ledger *ledger, struct now now)
{
    int64_t before = ledger->calendar.offset_ms;
    if (calendar_look(&ledger->calendar, now))
        log_write(ledger->config.log, LOG_WARN, "what=clock_set by_ms=%lld offset_ms=%lld",
                  (long long)(ledger->calendar.offset_ms - before),
                  (long long)ledger->calendar.offset_ms);
}

static void step(void *self, struct now now, struct message *message)
{
    struct ledger *ledger = self;
    look(ledger, now);
    switch (message->type) {
    case LEDGER_JOB:
        ledger_take_job(ledger, now, (struct job *)message);
        return;
    case LEDGER_TICKETS:
        ledger_take_tickets(ledger, now, (struct tickets *)message);
        return;
    case LEDGER_ACK:
        ledger_heard(ledger, now, (struct notice *)message);
        return;
    case LEDGER_GROUP:
        group_done(ledger, now, (struct group *)message);
        return;
    case LEDGER_DRAIN:
        take_drain(ledger, (struct drain *)message);
        return;
    case LEDGER_CONFIG:
        take_change(ledger, (struct ledger_change *)message);
        return;
    case LEDGER_PING:
        ((struct ping *)message)->heard(((struct ping *)message)->self);
        return;
    default:
        never("a message for somebody else");
    }
}

static bool at_rest(const struct ledger *ledger)
{
    return !ledger->group && !ledger->urgent.count && !ledger->accepts.count &&
           !ledger->lanes.in_hand && list_empty(&ledger->rounds) &&
           ledger->calendar.offset_ms == ledger->offset_kept_ms;
}

/* A date that an operator gave is meant by the wall clock, as it goes from now on. */
static struct mono wake_for(struct now now, struct wall date)
{
    if (date.ms == WALL_NEVER.ms)
        return MONO_NEVER;
    int64_t ms = date.ms > now.wall.ms ? date.ms - now.wall.ms : 0;
    return mono_add(now.mono, span_ms(ms));
}

/* Nothing is submitted before `retry_at`: to be turned earlier would be to spin. */
static struct mono next_submission(const struct ledger *ledger, struct now now)
{
    struct mono next = MONO_NEVER;
    if (!ledger->drain && !ledger->unconfirmed) {
        next = mono_min(ledger->sweep_at,
                        mono_min(calendar_mono(&ledger->calendar, lanes_next_due(&ledger->lanes)),
                                 wake_for(now, steering_next_end(ledger->steering))));
        next = mono_min(next, mono_min(ledger->follow_at, ledger->watch.census_at));
    }
    return next.us < ledger->retry_at.us ? ledger->retry_at : next;
}

static struct mono next_turn(const struct ledger *ledger, struct now now)
{
    struct mono next = mono_min(ledger_roll_at(ledger), ledger_watch_at(ledger));
    if (ledger->group)
        return next; /* its completion is a message */
    if (ledger->urgent.count || ledger->accepts.count ||
        ledger->calendar.offset_ms != ledger->offset_kept_ms)
        return mono_min(next, ledger->retry_at);
    return mono_min(next, next_submission(ledger, now));
}

static struct mono turn(void *self, struct now now)
{
    struct ledger *ledger = self;
    look(ledger, now);
    if (!ledger->drain && !ledger->unconfirmed) {
        ledger_steer_turn(ledger, now);
        ledger_claim_due(ledger);
        ledger_follow_due(ledger, now);
    }
    ledger_roll_turn(ledger, now);
    ledger_watch_turn(ledger, now);
    submit(ledger, now);
    if (ledger->drain && at_rest(ledger) && ledger->drain->done) {
        void (*done)(void *) = ledger->drain->done;
        ledger->drain->done = NULL;
        done(ledger->drain->self);
    }
    return next_turn(ledger, now);
}

/* While a group is being committed, what comes can only wait for its completion. */
static int waits_for(void *self)
{
    const struct ledger *ledger = self;
    return ledger->group ? LEDGER_GROUP : 0;
}

struct actor ledger_actor(struct ledger *ledger)
{
    return (struct actor){.self = ledger, .step = step, .turn = turn, .waits_for = waits_for};
}
