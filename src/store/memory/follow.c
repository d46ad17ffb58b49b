/* store/memory/follow.c - strategy `first`: channels that reached nobody, and what is added then.
 */
#include "model/limits.h"
#include "store/memory/disk.h"
#include "store/rules.h"
#include <stdlib.h>

/* -- marks ------------------------------------------------------------------------------------ */

static bool ended_unsent(const struct delivery_row *row)
{
    enum state state = row->delivery->state;
    bool unsent = is_unsent(state);
    for (uint32_t i = 0; i < row->event_count; i++) {
        state = row->events[i]->state;
        unsent = unsent && is_unsent(state);
    }
    return unsent && ends_unsent(state);
}

bool disk_follow(struct memory_disk *disk, struct delivery_key key)
{
    const struct notification_row *notification = disk_notification(disk, key.notification);
    const struct delivery *ended = notification->deliveries[key.ordinal].delivery;
    struct follow_row mark = {
        .notification = key.notification,
        .to_index = ended->to_index,
        .channel = kind_channel(ended->kind),
        .ordinal = key.ordinal,
        .open = true,
    };
    for (uint32_t i = 0; i < notification->notification->delivery_count; i++) {
        const struct delivery_row *row = &notification->deliveries[i];
        if (row->delivery->to_index == mark.to_index &&
            kind_channel(row->delivery->kind) == mark.channel && !ended_unsent(row))
            return false;
    }
    if (table_find(&disk->follows, &mark))
        return false;
    struct follow_row *row = memory_take(sizeof *row);
    *row = mark;
    table_add(&disk->follows, row);
    return true;
}

bool disk_following(const struct memory_disk *disk, int64_t notification)
{
    struct follow_row from = {.notification = notification};
    size_t at = table_floor(&disk->follows, &from);
    for (; at < disk->follows.count; at++) {
        const struct follow_row *row = disk->follows.rows[at];
        if (notification != INT64_MIN && row->notification != notification)
            return false;
        if (row->open)
            return true;
    }
    return false;
}

void disk_unfollow(struct memory_disk *disk, int64_t notification)
{
    struct follow_row from = {.notification = notification};
    size_t at = table_floor(&disk->follows, &from);
    while (at < disk->follows.count &&
           ((struct follow_row *)disk->follows.rows[at])->notification == notification)
        free(table_take_at(&disk->follows, at));
}

/* -- follow ----------------------------------------------------------------------------------- */

/* False: it is over. The arena's `failed` says if it did not fit. */
static bool load_followed(const struct memory_disk *disk, const struct follow_row *mark,
                          struct wall now, struct arena *arena, struct followed *ret)
{
    const struct notification_row *row = disk_notification(disk, mark->notification);
    const struct delivery_row *last = &row->deliveries[mark->ordinal];
    const struct user_row *user = disk_user_number(disk, last->delivery->user);
    struct notification *notification = arena_new(arena, struct notification);
    if (row->cancelled || wall_reached(now, row->notification->expires_at) ||
        !disk_app(disk, row->notification->app) || !user)
        return false;
    if (!notification)
        return true;
    shape_copy(&notification_shape, row->notification, notification, arena);
    const struct event *event = last->events[last->event_count - 1];
    *ret = (struct followed){
        .notification = notification,
        .to_index = mark->to_index,
        .channel = mark->channel,
        .user_id = arena_copy(arena, last->delivery->user_id),
        .state = event->state,
        .reason = arena_copy(arena, event->reason),
    };
    memory_recipient(disk, user, arena, true, &ret->recipient);
    memory_category(disk, notification->app, notification->category, arena, &ret->category);
    return true;
}

void memory_follow(struct memory_disk *disk, struct follow *op, struct arena *arena)
{
    uint32_t looked = 0;
    must(op->limit >= 1 && op->limit <= FOLLOW_MAX);
    op->count = 0;
    op->more = true;
    op->list = arena_array(arena, struct followed, op->limit);
    for (size_t i = 0; op->list && i < disk->follows.count; i++) {
        struct follow_row *mark = disk->follows.rows[i];
        if (!mark->open)
            continue;
        if (looked++ == op->limit)
            return;
        bool stands = load_followed(disk, mark, op->now, arena, &op->list[op->count]);
        if (arena->failed)
            return;
        mark->open = stands;
        op->count += stands;
    }
    op->more = !op->list;
}

/* -- extend ----------------------------------------------------------------------------------- */

static void add_row(struct memory_disk *disk, const struct extend *op,
                    const struct notification_row *notification, uint32_t ordinal,
                    struct delivery delivery)
{
    const struct notification *facts = notification->notification;
    struct delivery_row *row = &notification->deliveries[ordinal];
    struct delivery_key key = {facts->id, ordinal};
    bool queued = delivery.state == STATE_QUEUED;
    struct event event = {
        .at = op->now,
        .state = delivery.state,
        .due = queued ? op->due : (struct wall){0},
        .reason = queued ? op->why : delivery.reason,
        .detail = queued ? STR_NONE : op->why,
    };
    must(queued || state_is_final(delivery.state));
    delivery.ordinal = ordinal;
    delivery.to_index = op->to_index;
    delivery.made_at = op->now;
    delivery.state = STATE_QUEUED; /* its first event says what it came to */
    delivery.reason = STR_NONE;
    row->delivery = shape_clone(&delivery_shape, &delivery);
    disk_event(row, key, &event);
    struct work_row work = {
        .key = key,
        .lane = lane_of(delivery.kind, facts->priority),
        .app = facts->app,
        .seq = 1,
        .due = op->due,
        .expires_at = facts->expires_at,
    };
    if (queued)
        disk_pend(disk, row, work);
}

void memory_extend(struct memory_disk *disk, struct extend *op)
{
    struct follow_row key = {
        .notification = op->notification, .to_index = op->to_index, .channel = op->channel};
    struct follow_row *mark = table_find(&disk->follows, &key);
    op->applied = false;
    if (!mark || !mark->open)
        return;
    struct notification_row *row = disk_notification(disk, op->notification);
    mark->open = false;
    if (row->cancelled)
        return;
    uint32_t before = row->notification->delivery_count, count = before + op->count;
    row->deliveries = reallocarray(row->deliveries, count, sizeof *row->deliveries);
    must(row->deliveries);
    memset(row->deliveries + before, 0, op->count * sizeof *row->deliveries);
    for (uint32_t i = 0; i < op->count; i++)
        add_row(disk, op, row, before + i, op->deliveries[i]);
    row->notification->delivery_count = count;
    op->applied = true;
}
