/* store/memory/store.c - the port over the disk: queues, steps, opening and what is told of it. */
#include "store/memory/change.h"
#include "store/rules.h"
#include <stdlib.h>

/* Posted messages are linked by their inbox, so the queues link through their own nodes. */
struct waiting {
    struct waiting *next;
    struct group *group;
    struct query *query;
};

struct queue {
    struct waiting *first, **last;
    uint32_t count;
};

struct memory_store {
    struct store store;
    struct memory_disk *disk;
    struct queue groups, queries;
    bool read_later;
    uint64_t committed, refused, reads;
};

static struct memory_store *store_of(struct store *self)
{
    return (struct memory_store *)(void *)self;
}

static const struct memory_store *const_store_of(const struct store *self)
{
    return (const struct memory_store *)(const void *)self;
}

static void queue_add(struct queue *queue, struct group *group, struct query *query)
{
    struct waiting *waiting = memory_take(sizeof *waiting);
    *waiting = (struct waiting){.group = group, .query = query};
    if (!queue->first)
        queue->last = &queue->first;
    *queue->last = waiting;
    queue->last = &waiting->next;
    queue->count++;
}

static bool queue_take(struct queue *queue, struct waiting *ret)
{
    struct waiting *first = queue->first;
    if (!first)
        return false;
    *ret = *first;
    queue->first = first->next;
    queue->count--;
    free(first);
    return true;
}

static void run_op(struct memory_disk *disk, struct op *op, struct arena *arena)
{
    switch (op->verb) {
    case VERB_ACCEPT:
        memory_accept(disk, (struct accept *)(void *)op);
        return;
    case VERB_PROBE:
        memory_probe(disk, (struct probe *)(void *)op);
        return;
    case VERB_CLAIM:
        memory_claim(disk, (struct claim *)(void *)op, arena);
        return;
    case VERB_MARK:
        memory_mark(disk, (struct mark *)(void *)op);
        return;
    case VERB_SETTLE:
        memory_settle(disk, (struct settle *)(void *)op);
        return;
    case VERB_FOLLOW:
        memory_follow(disk, (struct follow *)(void *)op, arena);
        return;
    case VERB_EXTEND:
        memory_extend(disk, (struct extend *)(void *)op);
        return;
    case VERB_RECEIPT:
        memory_receipt(disk, (struct receipt *)(void *)op);
        return;
    case VERB_CANCEL:
        memory_cancel(disk, (struct cancel *)(void *)op, arena);
        return;
    case VERB_REDRIVE:
        memory_redrive(disk, (struct redrive *)(void *)op, arena);
        return;
    case VERB_CHANGE:
        memory_change(disk, (struct change *)(void *)op, arena);
        return;
    case VERB_SWEEP:
        memory_sweep(disk, (struct sweep *)(void *)op);
        return;
    case VERB_CENSUS:
        memory_census(disk, (struct census *)(void *)op, arena);
        return;
    case VERB_CONFIRM:
        ((struct confirm *)(void *)op)->was = disk->unconfirmed;
        disk->unconfirmed = false;
        return;
    }
    never("a verb");
}

static bool has_room(const struct memory_store *store, const struct group *group)
{
    for (uint32_t i = 0; store->disk->full && i < group->count; i++)
        if (op_grows(group->ops[i]))
            return false;
    return true;
}

bool memory_store_step(struct store *self, enum memory_step step)
{
    struct memory_store *store = store_of(self);
    struct waiting next;
    if (!queue_take(&store->groups, &next))
        return false;
    struct group *group = next.group;
    bool refuse = step == STEP_REFUSE || !has_room(store, group);
    group->fate = refuse ? GROUP_REFUSED : GROUP_COMMITTED;
    group->full = store->disk->full;
    group->took = (struct span){0};
    group->why.text[0] = '\0';
    if (refuse) {
        (void)why_set(&group->why, ERR_FULL, "the memory store was told to refuse");
        store->refused++;
    } else {
        for (uint32_t i = 0; i < group->count; i++)
            run_op(store->disk, group->ops[i], &group->arena);
        store->disk->offset_ms = group->offset_ms;
        store->committed++;
    }
    if (step != STEP_LOSE_ANSWER)
        inbox_post(&group->done, &group->message);
    return true;
}

static void answer(struct memory_store *store, struct query *query)
{
    memory_query(store->disk, query);
    query_date(query, store->disk->offset_ms);
    store->reads++;
    inbox_post(&query->done, &query->message);
}

bool memory_store_step_read(struct store *self)
{
    struct waiting next;
    if (!queue_take(&store_of(self)->queries, &next))
        return false;
    answer(store_of(self), next.query);
    return true;
}

uint32_t memory_store_pending(const struct store *self)
{
    return const_store_of(self)->groups.count;
}

uint32_t memory_store_reads_pending(const struct store *self)
{
    return const_store_of(self)->queries.count;
}

void memory_store_read_at_once(struct store *self, bool at_once)
{
    store_of(self)->read_later = !at_once;
}

void memory_disk_fill(struct memory_disk *disk, bool full)
{
    disk->full = full;
}

void memory_disk_copied(struct memory_disk *disk)
{
    disk->unconfirmed = true;
}

bool memory_disk_unconfirmed(const struct memory_disk *disk)
{
    return disk->unconfirmed;
}

static void memory_submit(struct store *self, struct group *group)
{
    queue_add(&store_of(self)->groups, group, NULL);
}

static void memory_read(struct store *self, struct query *query)
{
    if (store_of(self)->read_later)
        queue_add(&store_of(self)->queries, NULL, query);
    else
        answer(store_of(self), query);
}

static void memory_measure(struct store *self, struct store_metrics *ret)
{
    const struct memory_store *store = store_of(self);
    *ret = (struct store_metrics){
        .groups = store->committed,
        .groups_refused = store->refused,
        .reads = store->reads,
        .full = store->disk->full,
    };
}

static void memory_look(struct store *self, struct store_look *ret)
{
    const struct memory_disk *disk = store_of(self)->disk;
    *ret = (struct store_look){.full = disk->full, .unconfirmed = disk->unconfirmed};
}

static enum err memory_backup(struct store *self, struct str file, struct why *why)
{
    (void)self;
    (void)file;
    return why_set(why, ERR_UNSUPPORTED, "a store in memory has no backup");
}

void memory_store_crash(struct store *self)
{
    struct waiting forgotten;
    while (queue_take(&store_of(self)->groups, &forgotten) ||
           queue_take(&store_of(self)->queries, &forgotten))
        continue;
    free(store_of(self));
}

static void memory_close(struct store *self)
{
    while (memory_store_step(self, STEP_COMMIT) || memory_store_step_read(self))
        continue;
    memory_store_crash(self);
}

static const struct store_ops memory_ops = {
    .submit = memory_submit,
    .read = memory_read,
    .measure = memory_measure,
    .look = memory_look,
    .backup = memory_backup,
    .close = memory_close,
};

/* -- opening ---------------------------------------------------------------------------------- */

static void bury_crashed(struct memory_disk *disk, struct delivery_row *row, struct work_row work,
                         const struct notification *notification, struct wall now)
{
    struct event event = {
        .at = now, .state = STATE_DEAD, .attempt = work.attempts, .reason = REASON_CRASHED};
    disk_event(row, work.key, &event);
    work.due = now;
    work.mode = notification->mode;
    work.channel = kind_channel(row->delivery->kind);
    work.seq = row->event_count;
    disk_bury(disk, row, work);
    if (notification->strategy == STRATEGY_FIRST)
        (void)disk_follow(disk, work.key);
}

static void put_back(struct memory_disk *disk, struct delivery_row *row, struct work_row work,
                     const struct notification *notification, struct wall now,
                     struct store_state *state)
{
    enum recovery recovery = recovery_of(disk->notes, work.key);
    if (recovery == RECOVER_DEAD) {
        bury_crashed(disk, row, work, notification, now);
        state->crashed++;
        return;
    }
    bool begun = recovery != RECOVER_UNUSED &&
                 (recovery != RECOVER_USED || notification->guarantee != GUARANTEE_AT_MOST_ONCE);
    if (!begun)
        work.attempts--; /* an at-most-once delivery without its mark has not begun */
    work.due = (struct wall){now.ms - disk->offset_ms};
    if (recovery == RECOVER_SUSPECT)
        work.due = wall_add(work.due, span_s((int64_t)++state->suspects * SUSPECT_APART_S));
    if (begun) {
        struct event event = recovery_event(recovery, work.key, work.attempts, now, work.due);
        disk_event(row, work.key, &event);
        work.seq = row->event_count;
    }
    disk_pend(disk, row, work);
    state->recovered++;
}

/* What a previous life had in hand waits again, or is cut off for good. */
static void recover(struct memory_disk *disk, struct wall now, struct store_state *state)
{
    while (disk->hand.count) {
        struct work_row work = *(struct work_row *)disk->hand.rows[0];
        const struct notification_row *notification =
            disk_notification(disk, work.key.notification);
        struct delivery_row *row = disk_delivery(disk, work.key);
        disk_release(disk, row);
        if (work.marked) {
            struct event event = {.at = now,
                                  .state = STATE_UNKNOWN,
                                  .attempt = work.attempts,
                                  .reason = REASON_CUT_OFF};
            disk_event(row, work.key, &event);
            state->cut_off++;
        } else {
            put_back(disk, row, work, notification->notification, now, state);
        }
    }
    disk->notes = NULL;
}

static void list_depths(const struct memory_disk *disk, struct arena *arena,
                        struct store_state *state)
{
    size_t groups = 0;
    if (!disk->pending.count)
        return;
    for (int pass = 0; pass < 2; pass++) {
        const struct work_row *last = NULL;
        for (size_t i = 0; i < disk->pending.count; i++) {
            const struct work_row *work = disk->pending.rows[i];
            bool same = last && last->lane == work->lane && last->app == work->app;
            last = work;
            if (pass == 0)
                groups += !same;
            else if (same)
                state->depths[state->depth_count - 1].depth++;
            else
                state->depths[state->depth_count++] =
                    (struct lane_depth){work->lane, work->app, 1, work->due};
        }
        if (pass == 0)
            state->depths = arena_array(arena, struct lane_depth, groups);
        must(state->depths);
    }
}

void memory_store_open(struct memory_disk *disk, struct arena *arena, struct wall now,
                       struct store_state *ret_state, struct store **ret)
{
    struct memory_store *store = memory_take(sizeof *store);
    store->store.ops = &memory_ops;
    store->disk = disk;
    *ret_state = (struct store_state){
        .id_secret = {disk->id_secret[0], disk->id_secret[1]},
        .last_id = disk->last_id,
        .offset_ms = disk->offset_ms,
        .full = disk->full,
        .unconfirmed = disk->unconfirmed,
    };
    if (disk->unconfirmed)
        (void)why_set(&ret_state->copied, ERR_CONFLICT, "the memory disk was said to be a copy");
    recover(disk, now, ret_state);
    ret_state->following = disk_following(disk, INT64_MIN);
    list_depths(disk, arena, ret_state);
    memory_steers(disk, now, arena, ret_state);
    *ret = &store->store;
}

/* -- what stands on the disk ------------------------------------------------------------------ */

bool memory_disk_user(const struct memory_disk *disk, int64_t number)
{
    return disk_user_number(disk, number) != NULL;
}

bool memory_disk_following(const struct memory_disk *disk)
{
    return disk_following(disk, INT64_MIN);
}

bool memory_disk_notification(const struct memory_disk *disk, size_t index,
                              struct memory_notification *ret)
{
    if (index >= disk->notifications.count)
        return false;
    const struct notification_row *row = disk->notifications.rows[index];
    *ret = (struct memory_notification){row->notification, row->accepted_at, row->cancelled};
    return true;
}

const struct delivery *memory_disk_delivery(const struct memory_disk *disk, struct delivery_key key,
                                            const struct event *const **ret_events,
                                            uint32_t *ret_count)
{
    const struct delivery_row *row = disk_delivery(disk, key);
    if (!row)
        return NULL;
    *ret_events = (const struct event *const *)row->events;
    *ret_count = row->event_count;
    return row->delivery;
}

static bool work_at(const struct table *table, size_t index, struct memory_work *ret)
{
    if (index >= table->count)
        return false;
    const struct work_row *work = table->rows[index];
    *ret = (struct memory_work){
        .key = work->key,
        .lane = work->lane,
        .app = work->app,
        .attempts = work->attempts,
        .seq = work->seq,
        .due = work->due,
        .expires_at = work->expires_at,
        .marked = work->marked,
    };
    return true;
}

bool memory_disk_hand(const struct memory_disk *disk, size_t index, struct memory_work *ret)
{
    return work_at(&disk->hand, index, ret);
}

bool memory_disk_pending(const struct memory_disk *disk, size_t index, struct memory_work *ret)
{
    return work_at(&disk->pending, index, ret);
}

bool memory_disk_dead(const struct memory_disk *disk, size_t index, struct memory_work *ret)
{
    return work_at(&disk->dead, index, ret);
}
