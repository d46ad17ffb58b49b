/* flow/ledger_jobs.c - from jobs to ops, and from completed ops to answers. */
#include "flow/ledger_state.h"
#include <stdlib.h>

enum {
    CANCEL_STEP = 500,
    RETRY_S = 1,
    RETRY_FULL_S = 5, /* of the disk, or until somebody has confirmed the store */
};

void ledger_answer(struct ledger *ledger, struct job *job)
{
    (void)ledger;
    job->message.type = INTAKE_JOB;
    inbox_post(&job->done, &job->message);
}

void ledger_refuse_job(struct ledger *ledger, struct job *job, enum err err, const char *text)
{
    if (job->type == JOB_ACCEPT && job->accept.bundle) {
        bundle_free(job->accept.bundle);
        job->accept.bundle = NULL;
    }
    job->err = why_set(&job->why, err, "%s", text);
    job->detail = err == ERR_CLOSED ? STR_NONE : ledger_condition(ledger);
    job->retry_after = span_s(job->detail.at ? RETRY_FULL_S : RETRY_S);
    ledger->stats.shed++;
    ledger_answer(ledger, job);
}

struct work *ledger_work(struct ledger *ledger, struct op_queue *queue, struct job *job)
{
    struct work *work = calloc(1, sizeof *work);
    if (!work || !op_queue_reserve(queue, 1)) {
        free(work);
        ledger_refuse_job(ledger, job, ERR_FULL, "out of memory");
        return NULL;
    }
    work->job = job;
    list_init(&work->tickets);
    return work;
}

/* --------------------------------------------------------------------------- other jobs ---- */

static void take_probe(struct ledger *ledger, struct job *job)
{
    struct work *work = ledger_work(ledger, &ledger->urgent, job);
    if (!work)
        return;
    work->probe =
        (struct probe){.op = {.verb = VERB_PROBE, .owner = work}, .idem = job->probe.idem};
    work->probe.idem.now = ledger->calendar.at;
    op_queue_add(&ledger->urgent, &work->probe.op);
}

static void take_cancel(struct ledger *ledger, struct now now, struct job *job)
{
    struct work *work = ledger_work(ledger, &ledger->urgent, job);
    if (!work)
        return;
    work->cancel = (struct cancel){
        .op = {.verb = VERB_CANCEL, .owner = work},
        .notification = job->cancel.notification,
        .app = job->cancel.app,
        .now = now.wall,
        .limit = CANCEL_STEP,
    };
    op_queue_add(&ledger->urgent, &work->cancel.op);
}

/* What the couriers gave back is being settled ahead of this in the queue, and what had returned to
 * the calendar by itself is ended now: the answer that follows counts both. */
void ledger_cancel_again(struct ledger *ledger, struct now now, struct job *job)
{
    job->cancel.heard = true;
    take_cancel(ledger, now, job);
}

static void take_own_op(struct ledger *ledger, struct job *job, struct op *op, enum verb verb)
{
    if (!op_queue_reserve(&ledger->urgent, 1)) {
        ledger_refuse_job(ledger, job, ERR_FULL, "out of memory");
        return;
    }
    *op = (struct op){.verb = verb, .owner = job};
    op_queue_add(&ledger->urgent, op);
}

/* A moment of this life as a date; ms == 0 if it never came. */
static struct wall date_of(struct now now, struct mono at)
{
    return at.us ? wall_add(now.wall, mono_since(now.mono, at)) : (struct wall){0};
}

static void report_lane(struct lane_report *report, const struct ledger *ledger, unsigned number,
                        struct now now)
{
    const struct lane *lane = &ledger->lanes.list[number];
    *report = (struct lane_report){
        .lane = number,
        .unclaimed = ledger_unclaimed(ledger, number),
        .block = {.next_due = WALL_NEVER,
                  .paused = lane->paused,
                  .busy_since = date_of(now, lane->busy_since),
                  .moved_at = date_of(now, lane->moved_at),
                  .stuck_since = date_of(now, lane->stuck_since),
                  .stuck_at = date_of(now, lane->stuck_at)},
    };
}

static void report_shelf(struct lane_report *report, const struct shelf *shelf, struct wall at,
                         struct mono now)
{
    report->depth += shelf->depth;
    report->in_flight += shelf->in_hand;
    report->rate_1m += meter_read(&shelf->meter, now);
    if (shelf->depth && wall_reached(at, shelf->next_due)) {
        struct span age = span_ms(at.ms - shelf->next_due.ms);
        if (age.us > report->oldest.us)
            report->oldest = age;
    }
}

static void report_block(struct lane_block *block, const struct ledger *ledger,
                         const struct shelf *shelf)
{
    const struct calendar *calendar = &ledger->calendar;
    if (!shelf->depth)
        return;
    block->next_due = wall_min(block->next_due, calendar_date(calendar, shelf->next_due));
    block->full |= wall_reached(calendar->at, shelf->next_due) && lanes_full(&ledger->lanes, shelf);
}

static struct str stands_still(const struct ledger *ledger, struct job *job)
{
    const char *sentence = ledger->watch.sentence;
    return *sentence ? arena_copy(&job->arena, str_of(sentence)) : STR_NONE;
}

static void report_queues(struct ledger *ledger, struct now now, struct job *job)
{
    struct lane_report *lanes = arena_array(&job->arena, struct lane_report, LANE_COUNT);
    job->queues.steering = steering_copy_into(ledger->steering, &job->arena);
    if (!lanes || !job->queues.steering) {
        ledger_refuse_job(ledger, job, ERR_FULL, "out of memory");
        return;
    }
    job->queues.lanes = lanes;
    for (unsigned i = 0; i < LANE_COUNT; i++)
        report_lane(&lanes[i], ledger, i, now);
    size_t at = 0;
    for (const struct shelf *shelf; (shelf = map_each(&ledger->lanes.shelves, &at));) {
        if (!job->queues.app || shelf->app == job->queues.app)
            report_shelf(&lanes[shelf->lane], shelf, ledger->calendar.at, now.mono);
        report_block(&lanes[shelf->lane].block, ledger, shelf);
    }
    job->queues.stats = ledger->stats;
    job->queues.draining = ledger->drain != NULL;
    job->queues.unconfirmed = ledger->unconfirmed;
    struct str condition = ledger_condition(ledger);
    job->queues.not_ready = ledger->drain           ? STR("this node is shutting down")
                            : condition.at          ? condition
                            : ledger->store_refuses ? STR("the store refuses writes")
                                                    : stands_still(ledger, job);
    if (ledger->store_refuses) {
        job->queues.refused_since = date_of(now, ledger->refused_since);
        job->queues.refused_why = arena_copy(&job->arena, str_of(ledger->refused_why.text));
    }
    ledger_answer(ledger, job);
}

static struct wall redrive_due(const struct ledger *ledger, struct mono at)
{
    struct span wait = mono_since(ledger->calendar.look.mono, at);
    return wait.us > 0 ? wall_add(ledger->calendar.at, wait) : ledger->calendar.at;
}

void ledger_take_job(struct ledger *ledger, struct now now, struct job *job)
{
    job->err = OK;
    if (ledger_turned_away(ledger, job))
        return;
    switch (job->type) {
    case JOB_ACCEPT:
        ledger_take_accept(ledger, job);
        return;
    case JOB_PROBE:
        take_probe(ledger, job);
        return;
    case JOB_CANCEL:
        take_cancel(ledger, now, job);
        return;
    case JOB_REDRIVE:
        job->redrive.due = redrive_due(ledger, job->due_at);
        take_own_op(ledger, job, &job->redrive.op, VERB_REDRIVE);
        return;
    case JOB_CHANGE:
        if (!ledger_steer_check(ledger, now, job))
            return;
        take_own_op(ledger, job, &job->change.op, VERB_CHANGE);
        return;
    case JOB_QUEUES:
        report_queues(ledger, now, job);
        return;
    case JOB_CONFIRM:
        ledger_take_confirm(ledger, job);
        return;
    }
    never("a job of no type");
}

static void apply_changes(struct ledger *ledger, const struct pending_change *changes,
                          uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct shelf *shelf = lanes_shelf(&ledger->lanes, changes[i].lane, changes[i].app);
        must(shelf);
        lanes_pending(&ledger->lanes, shelf, changes[i].delta, changes[i].next_due,
                      ledger->calendar.at);
    }
}

void ledger_count_changes(struct ledger *ledger, const struct op *op)
{
    if (op->verb == VERB_CANCEL) {
        const struct cancel *cancel = &((const struct work *)op->owner)->cancel;
        apply_changes(ledger, cancel->changes, cancel->change_count);
    } else if (op->verb == VERB_REDRIVE) {
        const struct redrive *redrive = &((const struct job *)op->owner)->redrive;
        apply_changes(ledger, redrive->changes, redrive->change_count);
    }
}

static void cancel_done(struct ledger *ledger, struct work *work)
{
    struct cancel *cancel = &work->cancel;
    struct job *job = work->job;
    ledger->stats.ended[STATE_CANCELLED] += cancel->ended;
    if (cancel->found && cancel->from == 0 && !job->cancel.heard)
        ledger->cancelled[ledger->cancelled_at++ % CANCELLED_RECENT] = cancel->notification;
    if (cancel->found && cancel->more) {
        cancel->from += cancel->limit;
        must(op_queue_reserve(&ledger->urgent, 1));
        op_queue_add(&ledger->urgent, &cancel->op);
        return;
    }
    job->cancel.found = cancel->found;
    struct round round = {.type = NOTICE_CANCEL, .notification = cancel->notification};
    if (cancel->found && !job->cancel.heard)
        ledger_tell(ledger, &round, job);
    else
        ledger_answer(ledger, job);
    free(work);
}

/* The results are lists in the group's arena, which goes: the asker gets copies. */
static void redrive_done(struct ledger *ledger, struct job *job)
{
    struct redrive *redrive = &job->redrive;
    redrive->changes = NULL;
    redrive->change_count = 0;
    struct delivery_key **lists[] = {&redrive->redriven, &redrive->skipped};
    uint32_t *counts[] = {&redrive->redriven_count, &redrive->skipped_count};
    for (int i = 0; i < 2; i++) {
        struct delivery_key *copy = arena_array(&job->arena, struct delivery_key, *counts[i]);
        if (copy && *counts[i])
            memcpy(copy, *lists[i], *counts[i] * sizeof *copy);
        if (!copy)
            *counts[i] = 0;
        *lists[i] = copy;
    }
    ledger_answer(ledger, job);
}

static void change_done(struct ledger *ledger, struct now now, struct job *job)
{
    struct change *change = &job->change;
    struct round round = {.app = change->app};
    if (change->result != CHANGED_CREATED && change->result != CHANGED_REPLACED) {
        ledger_answer(ledger, job);
        return;
    }
    switch (change->type) {
    case CHANGE_APP_CREATE:
        round.type = NOTICE_APP;
        round.app = change->number;
        break;
    case CHANGE_APP_DELETE:
        round.type = NOTICE_APP;
        break;
    case CHANGE_KEY_CREATE:
    case CHANGE_KEY_REVOKE:
        round.type = NOTICE_KEYS;
        break;
    case CHANGE_USER_PUT:
    case CHANGE_USER_DELETE:
    case CHANGE_DEVICE_PUT:
    case CHANGE_DEVICE_DELETE:
    case CHANGE_PREFERENCES_PUT:
        round.type = NOTICE_USERS;
        memcpy(round.users, change->users, sizeof round.users);
        memcpy(round.user_ids, change->user_ids, sizeof round.user_ids);
        memset(change->user_ids, 0, sizeof change->user_ids); /* they go with the group */
        break;
    case CHANGE_CATEGORY_PUT:
    case CHANGE_CATEGORY_DELETE:
        round.type = NOTICE_CATEGORY;
        round.name = change->name;
        break;
    case CHANGE_TEMPLATE_PUT:
        round.type = NOTICE_TEMPLATE;
        round.name = change->name;
        break;
    case CHANGE_SUPPRESSION_PUT:
    case CHANGE_SUPPRESSION_DELETE:
        round.type = NOTICE_SUPPRESSION;
        round.channel = change->suppression.channel;
        round.address = change->suppression.address;
        break;
    case CHANGE_STEER_PUT:
    case CHANGE_STEER_END:
        ledger_steered(ledger, now, job);
        return;
    }
    ledger_tell(ledger, &round, job);
}

void ledger_job_done(struct ledger *ledger, struct now now, struct op *op)
{
    struct work *work = op->owner;
    struct job *job;
    switch (op->verb) {
    case VERB_PROBE:
        job = work->job;
        job->probe.result = work->probe.result;
        job->probe.id = work->probe.replay_id;
        job->probe.deliveries = work->probe.replay_deliveries;
        ledger_answer(ledger, job);
        free(work);
        return;
    case VERB_CANCEL:
        cancel_done(ledger, work);
        return;
    case VERB_REDRIVE:
        redrive_done(ledger, op->owner);
        return;
    case VERB_CHANGE:
        change_done(ledger, now, op->owner);
        return;
    default:
        never("an op that is no job");
    }
}

void ledger_job_refused(struct ledger *ledger, struct op *op, const struct why *why)
{
    if (op->verb == VERB_REDRIVE || op->verb == VERB_CHANGE) {
        ledger_refuse_job(ledger, op->owner, ERR_IO, why->text);
        return;
    }
    struct work *work = op->owner;
    ledger_refuse_job(ledger, work->job, ERR_IO, why->text);
    free(work);
}
