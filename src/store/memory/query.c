/* store/memory/query.c - reads of notifications, deliveries, events and dead letters. */
#include "model/limits.h"
#include "store/memory/disk.h"
#include "store/rules.h"

struct delivery_view memory_view(const struct notification_row *row, uint32_t ordinal)
{
    const struct delivery_row *delivery = &row->deliveries[ordinal];
    struct standing standing = standing_of(delivery->delivery, row->notification->id);
    for (uint32_t i = 0; i < delivery->event_count; i++)
        standing_add(&standing, delivery->events[i]);
    struct open_work open = {0};
    if (delivery->hand)
        open = (struct open_work){.where = OPEN_HAND, .attempts = delivery->hand->attempts};
    else if (delivery->pending)
        open =
            (struct open_work){OPEN_PENDING, delivery->pending->attempts, delivery->pending->due};
    return view_of(delivery->delivery, row->notification->id, &standing, &open, row->cancelled);
}

static void copy_view(const struct notification_row *row, uint32_t ordinal, struct arena *arena,
                      struct delivery_view *ret)
{
    *ret = memory_view(row, ordinal);
    shape_copy(&delivery_shape, row->deliveries[ordinal].delivery, &ret->delivery, arena);
    ret->reason = arena_copy(arena, ret->reason);
    ret->provider = arena_copy(arena, ret->provider);
    ret->message_id = arena_copy(arena, ret->message_id);
}

static void copy_notification(const struct memory_disk *disk, const struct notification_row *row,
                              struct arena *arena, bool with_counts, struct notification_view *ret)
{
    *ret = (struct notification_view){
        .cancelled = row->cancelled,
        .following = with_counts && !row->cancelled && disk_following(disk, row->notification->id),
    };
    shape_copy(&notification_shape, row->notification, &ret->notification, arena);
    for (uint32_t i = 0; with_counts && i < row->notification->delivery_count; i++)
        ret->counts[memory_view(row, i).state]++;
}

/* The notification if the asker may see it; else NULL with ERR_MISSING. */
static const struct notification_row *visible(const struct memory_disk *disk, struct query *query,
                                              int64_t id)
{
    const struct notification_row *row = disk_notification(disk, id);
    if (row && (query->app == 0 || query->app == row->notification->app) &&
        (query->any_mode || query->mode == row->notification->mode))
        return row;
    query->err = why_set(&query->why, ERR_MISSING, "no such notification");
    return NULL;
}

static void query_notification(const struct memory_disk *disk, struct query *query)
{
    const struct notification_row *row = visible(disk, query, query->id);
    query->notifications = arena_array(&query->arena, struct notification_view, 1);
    if (!row || !query->notifications)
        return;
    copy_notification(disk, row, &query->arena, true, query->notifications);
    query->count = 1;
}

static bool row_matches(const struct query *query, const struct notification_row *row, int64_t user)
{
    if (!notification_matches(query, row->notification))
        return false;
    if (!query->filter.user_id.at && !query->filter.by_state)
        return true;
    for (uint32_t i = 0; i < row->notification->delivery_count; i++) {
        if (query->filter.user_id.at && row->deliveries[i].delivery->user != user)
            continue;
        if (!query->filter.by_state || memory_view(row, i).state == query->filter.state)
            return true;
    }
    return false;
}

static void query_notifications(const struct memory_disk *disk, struct query *query)
{
    int64_t user = 0;
    if (query->filter.user_id.at) {
        const struct user_row *row = disk_user(disk, query->app, query->filter.user_id);
        if (!row)
            return;
        user = row->user->number;
    }
    struct notification beyond = {.id = query->cursor_set ? query->cursor_id : INT64_MAX};
    struct notification_row key = {.notification = &beyond};
    size_t at = table_floor(&disk->notifications, &key);
    uint32_t limit = page_limit(query->limit);
    query->notifications = arena_array(&query->arena, struct notification_view, limit);
    for (uint32_t looked = 0; at > 0 && query->notifications; looked++) {
        const struct notification_row *row = disk->notifications.rows[at - 1];
        if (query->count == limit || looked == PAGE_SCAN_MAX) {
            query->more = true;
            return;
        }
        at--;
        query->next_id = row->notification->id;
        if (row_matches(query, row, user))
            copy_notification(disk, row, &query->arena, true,
                              &query->notifications[query->count++]);
    }
}

static void query_deliveries(const struct memory_disk *disk, struct query *query)
{
    const struct notification_row *row = visible(disk, query, query->id);
    uint32_t limit = page_limit(query->limit);
    query->deliveries = arena_array(&query->arena, struct delivery_view, limit);
    if (!row || !query->deliveries)
        return;
    query->next_id = query->id;
    uint32_t from = query->cursor_set ? query->cursor_ordinal + 1 : 0;
    for (uint32_t i = from; i < row->notification->delivery_count; i++) {
        if (query->count == limit) {
            query->more = true;
            return;
        }
        query->next_ordinal = i;
        if (!query->by_state || memory_view(row, i).state == query->state)
            copy_view(row, i, &query->arena, &query->deliveries[query->count++]);
    }
}

static void query_delivery(const struct memory_disk *disk, struct query *query)
{
    const struct notification_row *row = visible(disk, query, query->key.notification);
    if (!row)
        return;
    if (query->key.ordinal >= row->notification->delivery_count) {
        query->err = why_set(&query->why, ERR_MISSING, "no such delivery");
        return;
    }
    const struct delivery_row *delivery = &row->deliveries[query->key.ordinal];
    query->notifications = arena_array(&query->arena, struct notification_view, 1);
    query->deliveries = arena_array(&query->arena, struct delivery_view, 1);
    query->events = arena_array(&query->arena, struct event, delivery->event_count);
    if (query->arena.failed)
        return;
    copy_notification(disk, row, &query->arena, false, query->notifications);
    copy_view(row, query->key.ordinal, &query->arena, query->deliveries);
    query->delivery_count = 1;
    for (uint32_t i = 0; i < delivery->event_count; i++)
        shape_copy(&event_shape, delivery->events[i], &query->events[i], &query->arena);
    query->count = delivery->event_count;
}

/* A step of the list that QUERY_EVENTS pages through: 0 is acceptance, n + 1 is event n. */
static void add_step(const struct notification_row *row, uint32_t ordinal, uint32_t step,
                     struct query *query)
{
    uint32_t have = query->delivery_count;
    if (!have || query->deliveries[have - 1].delivery.ordinal != ordinal)
        copy_view(row, ordinal, &query->arena, &query->deliveries[query->delivery_count++]);
    if (step)
        shape_copy(&event_shape, row->deliveries[ordinal].events[step - 1],
                   &query->events[query->count++], &query->arena);
    query->next_ordinal = ordinal;
    query->next_seq = step;
}

static int event_compare(const struct event *a, const struct event *b)
{
    if (a->at.ms != b->at.ms)
        return a->at.ms < b->at.ms ? -1 : 1;
    if (a->key.ordinal != b->key.ordinal)
        return a->key.ordinal < b->key.ordinal ? -1 : 1;
    return a->seq == b->seq ? 0 : a->seq < b->seq ? -1 : 1;
}

/* The first stored event of all deliveries that comes after `after` (NULL: the very first). */
static const struct event *next_event(const struct notification_row *row, const struct event *after)
{
    const struct event *found = NULL;
    for (uint32_t i = 0; i < row->notification->delivery_count; i++)
        for (uint32_t k = 0; k < row->deliveries[i].event_count; k++) {
            const struct event *event = row->deliveries[i].events[k];
            if ((!after || event_compare(event, after) > 0) &&
                (!found || event_compare(event, found) < 0))
                found = event;
        }
    return found;
}

static void query_events_by_time(const struct notification_row *row, struct query *query,
                                 uint32_t limit)
{
    bool begun = query->cursor_set && query->cursor_id;
    struct event from = {.key.ordinal = query->cursor_ordinal,
                         .seq = query->cursor_seq - 1,
                         .at = {query->cursor_id}};
    uint32_t ordinal = query->cursor_set ? query->cursor_ordinal + 1 : 0;
    for (; !begun && ordinal < row->notification->delivery_count; ordinal++) {
        query->more = query->delivery_count == limit;
        if (query->more)
            return;
        copy_view(row, ordinal, &query->arena, &query->deliveries[query->delivery_count++]);
        query->next_ordinal = ordinal;
    }
    const struct event *event = next_event(row, begun ? &from : NULL);
    for (; event; event = next_event(row, event)) {
        query->more = query->delivery_count + query->count == limit;
        if (query->more)
            return;
        shape_copy(&event_shape, event, &query->events[query->count++], &query->arena);
        query->next_id = event->at.ms;
        query->next_ordinal = event->key.ordinal;
        query->next_seq = event->seq + 1;
    }
}

static void query_events(const struct memory_disk *disk, struct query *query)
{
    const struct notification_row *row = visible(disk, query, query->id);
    uint32_t limit = page_limit(query->limit), steps = 0;
    query->deliveries = arena_array(&query->arena, struct delivery_view, limit);
    query->events = arena_array(&query->arena, struct event, limit);
    if (!row || query->arena.failed)
        return;
    query->by_time = events_by_time(query, row->notification->delivery_count);
    if (query->by_time) {
        query_events_by_time(row, query, limit);
        return;
    }
    query->next_id = query->id;
    uint32_t ordinal = query->cursor_set ? query->cursor_ordinal : 0;
    uint32_t step = query->cursor_set ? query->cursor_seq + 1 : 0;
    for (; ordinal < row->notification->delivery_count; ordinal++, step = 0) {
        for (; step <= row->deliveries[ordinal].event_count; step++) {
            if (steps++ == limit) {
                query->more = true;
                return;
            }
            add_step(row, ordinal, step, query);
        }
    }
}

static void query_dead(const struct memory_disk *disk, struct query *query)
{
    struct dead_filter filter = query->dead;
    if (!filter.app)
        filter.app = query->app;
    struct work_row beyond = {.key = {INT64_MAX, UINT32_MAX}};
    if (query->cursor_set)
        beyond.key = (struct delivery_key){query->cursor_id, query->cursor_ordinal};
    uint32_t limit = page_limit(query->limit);
    query->deliveries =
        arena_array(&query->arena, struct delivery_view, query->count_only ? 1 : limit);
    size_t at = table_floor(&disk->dead, &beyond);
    for (uint32_t looked = 0; at > 0 && query->deliveries; looked++) {
        const struct work_row *dead = disk->dead.rows[at - 1];
        if ((!query->count_only && query->count == limit) || looked == PAGE_SCAN_MAX) {
            query->more = true;
            return;
        }
        at--;
        const struct notification_row *row = disk_notification(disk, dead->key.notification);
        const struct delivery_row *delivery = &row->deliveries[dead->key.ordinal];
        struct dead_facts facts = {dead->app, dead->mode, dead->channel,
                                   delivery->events[delivery->event_count - 1]->reason, dead->due};
        query->next_id = dead->key.notification;
        query->next_ordinal = dead->key.ordinal;
        if (dead_matches(&filter, &facts) && query->count_only)
            query->count++;
        else if (dead_matches(&filter, &facts))
            copy_view(row, dead->key.ordinal, &query->arena, &query->deliveries[query->count++]);
    }
}

void memory_query(const struct memory_disk *disk, struct query *query)
{
    query->err = OK;
    query->why.text[0] = '\0';
    query->count = query->delivery_count = 0;
    query->more = false;
    query->next_name = STR_NONE;
    query->next_id = 0;
    query->next_ordinal = query->next_seq = 0;
    switch (query->type) {
    case QUERY_NOTIFICATION:
        query_notification(disk, query);
        break;
    case QUERY_NOTIFICATIONS:
        query_notifications(disk, query);
        break;
    case QUERY_DELIVERIES:
        query_deliveries(disk, query);
        break;
    case QUERY_DELIVERY:
        query_delivery(disk, query);
        break;
    case QUERY_EVENTS:
        query_events(disk, query);
        break;
    case QUERY_DEAD:
        query_dead(disk, query);
        break;
    default:
        memory_query_list(disk, query);
    }
    if (query->arena.failed && query->err == OK)
        query->err = why_set(&query->why, ERR_MEMORY, "the answer does not fit its arena");
}
