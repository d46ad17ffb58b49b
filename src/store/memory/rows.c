/* store/memory/rows.c - adding and removing rows, so that what points at them stays right. */
#include "store/memory/disk.h"
#include <stdlib.h>

struct device_row *disk_add_device(struct memory_disk *disk, struct user_row *user,
                                   const struct device *device)
{
    struct device_row *row = memory_take(sizeof *row);
    row->app = user->app;
    row->user = user;
    row->device = shape_clone(&device_shape, device);
    table_add(&user->devices, row);
    table_add(&disk->tokens, row);
    return row;
}

void disk_remove_device(struct memory_disk *disk, struct device_row *row)
{
    must(table_take(&row->user->devices, row) == row);
    must(table_take(&disk->tokens, row) == row);
    free(row->device);
    free(row);
}

void disk_remove_user(struct memory_disk *disk, struct user_row *row)
{
    while (row->devices.count)
        disk_remove_device(disk, row->devices.rows[0]);
    must(table_take(&disk->users, row) == row);
    must(table_take(&disk->user_numbers, row) == row);
    table_done(&row->devices);
    free((char *)(uintptr_t)row->preferences.at);
    free(row->user);
    free(row);
}

void disk_suppress(struct memory_disk *disk, uint32_t app, const struct suppression *suppression)
{
    struct suppression_row *row = memory_take(sizeof *row);
    row->app = app;
    row->suppression = shape_clone(&suppression_shape, suppression);
    table_add(&disk->suppressions, row);
}

void disk_event(struct delivery_row *row, struct delivery_key key, const struct event *event)
{
    if (row->event_count == row->event_cap) {
        row->event_cap = row->event_cap ? row->event_cap * 2 : 2;
        row->events = realloc(row->events, row->event_cap * sizeof *row->events);
        must(row->events);
    }
    struct event *stored = shape_clone(&event_shape, event);
    stored->key = key;
    stored->seq = row->event_count;
    row->events[row->event_count++] = stored;
}

static struct work_row *add_work(struct table *table, const struct work_row *work)
{
    struct work_row *row = memory_take(sizeof *row);
    *row = *work;
    table_add(table, row);
    return row;
}

void disk_hand(struct memory_disk *disk, struct delivery_row *row, struct work_row work)
{
    must(!row->hand && !row->pending && !row->dead);
    row->hand = add_work(&disk->hand, &work);
}

void disk_pend(struct memory_disk *disk, struct delivery_row *row, struct work_row work)
{
    must(!row->hand && !row->pending && !row->dead);
    row->pending = add_work(&disk->pending, &work);
}

void disk_bury(struct memory_disk *disk, struct delivery_row *row, struct work_row work)
{
    must(!row->hand && !row->pending && !row->dead);
    row->dead = add_work(&disk->dead, &work);
}

static void drop_work(struct table *table, struct work_row **row)
{
    if (!*row)
        return;
    must(table_take(table, *row) == *row);
    free(*row);
    *row = NULL;
}

void disk_release(struct memory_disk *disk, struct delivery_row *row)
{
    drop_work(&disk->hand, &row->hand);
    drop_work(&disk->pending, &row->pending);
    drop_work(&disk->dead, &row->dead);
}

void disk_remove_notification(struct memory_disk *disk, struct notification_row *row)
{
    must(table_take(&disk->notifications, row) == row);
    disk_unfollow(disk, row->notification->id);
    for (uint32_t i = 0; i < row->notification->delivery_count; i++) {
        struct delivery_row *delivery = &row->deliveries[i];
        disk_release(disk, delivery);
        for (uint32_t k = 0; k < delivery->event_count; k++)
            free(delivery->events[k]);
        free(delivery->events);
        free(delivery->delivery);
    }
    free(row->deliveries);
    free(row->notification);
    free(row);
}
