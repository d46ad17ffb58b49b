/* store/memory/sweep.c - a bounded step of erasing deleted apps and of retention. */
#include "store/memory/disk.h"
#include "store/rules.h"
#include <stdlib.h>

static uint32_t rows_of(const struct notification_row *row)
{
    uint32_t rows = 1;
    for (uint32_t i = 0; i < row->notification->delivery_count; i++)
        rows += 1 + row->deliveries[i].event_count;
    return rows;
}

/* Open, or with a dead letter still within its time. */
static bool is_kept(const struct memory_disk *disk, const struct notification_row *row,
                    struct wall died)
{
    if (disk_following(disk, row->notification->id))
        return true;
    for (uint32_t i = 0; i < row->notification->delivery_count; i++) {
        const struct delivery_row *delivery = &row->deliveries[i];
        if (delivery->hand || delivery->pending)
            return true;
        if (delivery->dead && delivery->dead->due.ms >= died.ms)
            return true;
    }
    return false;
}

/* Removes notifications that are over (or whose app is gone), oldest first. */
static void sweep_notifications(struct memory_disk *disk, struct sweep *op)
{
    struct wall floor = wall_add(op->now, (struct span){-op->retention.us});
    struct wall died = {floor.ms + disk->offset_ms};
    size_t at = 0;
    while (at < disk->notifications.count) {
        struct notification_row *row = disk->notifications.rows[at];
        bool gone = !disk_app(disk, row->notification->app);
        bool old = row->accepted_at.ms < floor.ms && !is_kept(disk, row, died);
        if (!gone && !old) {
            at++;
            continue;
        }
        if (op->rows >= op->rows_max) {
            op->more = true;
            return;
        }
        op->rows += rows_of(row);
        disk_remove_notification(disk, row);
    }
}

static void sweep_users(struct memory_disk *disk, struct sweep *op)
{
    size_t at = 0;
    while (at < disk->users.count && !op->more) {
        struct user_row *row = disk->users.rows[at];
        if (disk_app(disk, row->app)) {
            at++;
        } else if (op->rows >= op->rows_max) {
            op->more = true;
        } else {
            disk_remove_user(disk, row);
            op->rows++;
        }
    }
}

/* The rows of `table` that belong to a deleted app; each begins with the app's number. */
static void sweep_named(struct memory_disk *disk, struct table *table, struct sweep *op)
{
    size_t at = 0;
    while (at < table->count && !op->more) {
        struct named_row *row = table->rows[at];
        if (disk_app(disk, row->app)) {
            at++;
        } else if (op->rows >= op->rows_max) {
            op->more = true;
        } else {
            free(row->value);
            free(table_take_at(table, at));
            op->rows++;
        }
    }
}

static void sweep_suppressions(struct memory_disk *disk, struct sweep *op)
{
    size_t at = 0;
    while (at < disk->suppressions.count && !op->more) {
        struct suppression_row *row = disk->suppressions.rows[at];
        if (disk_app(disk, row->app)) {
            at++;
        } else if (op->rows >= op->rows_max) {
            op->more = true;
        } else {
            free(row->suppression);
            free(table_take_at(&disk->suppressions, at));
            op->rows++;
        }
    }
}

static void sweep_idems(struct memory_disk *disk, struct sweep *op)
{
    size_t at = 0;
    while (at < disk->idems.count && !op->more) {
        struct idem_row *row = disk->idems.rows[at];
        if (idem_live(row->idem.now, op->now) && disk_app(disk, row->idem.app)) {
            at++;
        } else if (op->rows >= op->rows_max) {
            op->more = true;
        } else {
            free(table_take_at(&disk->idems, at));
            op->rows++;
        }
    }
}

void memory_sweep(struct memory_disk *disk, struct sweep *op)
{
    op->rows = 0;
    op->more = false;
    must(op->rows_max >= 1);
    sweep_notifications(disk, op);
    sweep_users(disk, op);
    sweep_named(disk, &disk->categories, op);
    sweep_named(disk, &disk->templates, op);
    sweep_suppressions(disk, op);
    sweep_idems(disk, op);
}
