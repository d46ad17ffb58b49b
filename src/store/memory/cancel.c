/* store/memory/cancel.c - cancel and redrive: ending what waits, and waking what was given up. */
#include "model/limits.h"
#include "store/memory/disk.h"
#include "store/rules.h"

/* Notes a change of a (lane, app)'s depth; `changes` has room for every one. */
static void note_change(struct pending_change *changes, uint32_t *count, unsigned lane,
                        uint32_t app, int32_t delta, struct wall next_due)
{
    for (uint32_t i = 0; i < *count; i++) {
        if (changes[i].lane != lane || changes[i].app != app)
            continue;
        changes[i].delta += delta;
        changes[i].next_due = wall_min(changes[i].next_due, next_due);
        return;
    }
    changes[(*count)++] =
        (struct pending_change){.lane = lane, .app = app, .delta = delta, .next_due = next_due};
}

/* -- cancel ----------------------------------------------------------------------------------- */

void memory_cancel(struct memory_disk *disk, struct cancel *op, struct arena *arena)
{
    struct notification_row *row = disk_notification(disk, op->notification);
    op->found = row && (op->app == 0 || op->app == row->notification->app);
    op->ended = op->change_count = 0;
    op->more = false;
    if (!op->found)
        return;
    row->cancelled = true;
    op->changes = arena_array(arena, struct pending_change, LANE_COUNT);
    must(op->changes);
    uint32_t count = row->notification->delivery_count;
    for (uint32_t i = op->from; i < count && i - op->from < op->limit; i++) {
        struct delivery_row *delivery = &row->deliveries[i];
        if (!delivery->pending)
            continue;
        note_change(op->changes, &op->change_count, delivery->pending->lane, delivery->pending->app,
                    -1, WALL_NEVER);
        disk_release(disk, delivery);
        struct event event = {.at = op->now, .state = STATE_CANCELLED};
        disk_event(delivery, (struct delivery_key){op->notification, i}, &event);
        op->ended++;
    }
    op->more = op->from < count && count - op->from > op->limit;
}

/* -- redrive ---------------------------------------------------------------------------------- */

static struct dead_facts dead_facts(const struct work_row *dead, const struct delivery_row *row)
{
    return (struct dead_facts){
        .app = dead->app,
        .mode = dead->mode,
        .channel = dead->channel,
        .reason = row->events[row->event_count - 1]->reason,
        .at = dead->due,
    };
}

static bool is_meant(const struct redrive *op, const struct delivery_row *row)
{
    if (!row || !row->dead)
        return false;
    struct dead_facts facts = dead_facts(row->dead, row);
    return dead_matches(&op->filter, &facts);
}

static void redrive_one(struct memory_disk *disk, struct redrive *op, struct delivery_row *row)
{
    struct work_row work = *row->dead;
    const struct notification_row *notification = disk_notification(disk, work.key.notification);
    struct event event = redrive_event(op, work.key, op->redriven_count);
    op->redriven[op->redriven_count++] = work.key;
    if (op->preview)
        return;
    disk_release(disk, row);
    disk_event(row, work.key, &event);
    if (op->delete_only)
        return;
    work.attempts = 0;
    work.due = event.due;
    work.expires_at =
        expiry_afresh(notification->notification, notification->accepted_at, event.due);
    work.seq = row->event_count;
    disk_pend(disk, row, work);
    note_change(op->changes, &op->change_count, work.lane, work.app, 1, event.due);
}

static void redrive_keys(struct memory_disk *disk, struct redrive *op, uint32_t limit)
{
    for (uint32_t i = 0; i < op->key_count; i++) {
        struct delivery_row *row = disk_delivery(disk, op->keys[i]);
        if (op->redriven_count < limit && is_meant(op, row))
            redrive_one(disk, op, row);
        else
            op->skipped[op->skipped_count++] = op->keys[i];
    }
}

static void redrive_found(struct memory_disk *disk, struct redrive *op, uint32_t limit)
{
    struct work_row from = {.key = op->after};
    if (op->after_set)
        from.key.ordinal++; /* that one was looked at */
    size_t at = op->after_set ? table_floor(&disk->dead, &from) : 0;
    for (uint32_t looked = 0; at < disk->dead.count; looked++) {
        const struct work_row *dead = disk->dead.rows[at];
        struct delivery_key key = dead->key;
        struct delivery_row *row = disk_delivery(disk, key);
        bool meant = is_meant(op, row);
        if (looked == REDRIVE_SCAN_MAX || (meant && op->redriven_count == limit)) {
            op->more = true;
            return;
        }
        op->after = key;
        op->after_set = true;
        if (meant)
            redrive_one(disk, op, row); /* takes the row at `at` out, unless it is a preview */
        if (!meant || op->preview)
            at++;
    }
}

void memory_redrive(struct memory_disk *disk, struct redrive *op, struct arena *arena)
{
    uint32_t limit = op->limit && op->limit < REDRIVE_MAX ? op->limit : REDRIVE_MAX;
    op->redriven_count = op->skipped_count = op->change_count = 0;
    op->more = false;
    must(op->key_count <= REDRIVE_MAX);
    op->redriven = arena_array(arena, struct delivery_key, limit);
    op->skipped = arena_array(arena, struct delivery_key, op->key_count + 1);
    op->changes = arena_array(arena, struct pending_change, limit);
    must(op->redriven && op->skipped && op->changes);
    if (op->keys)
        redrive_keys(disk, op, limit);
    else
        redrive_found(disk, op, limit);
}
