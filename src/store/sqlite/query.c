/* store/sqlite/query.c - reads of one notification: its counts, deliveries and events. */
#include "model/limits.h"
#include "store/rules.h"
#include "store/sqlite/reader.h"
#include "store/sqlite/view.h"

static void missing(struct query *query, const char *what)
{
    query->err = why_set(&query->why, ERR_MISSING, "no such %s", what);
}

/* The notification if the asker may see it; else NULL with ERR_MISSING. */
static const struct stored_notification *visible(struct reader *reader, struct query *query,
                                                 int64_t id)
{
    struct notification_head head;
    struct stored_notification *stored = arena_new(&query->arena, struct stored_notification);
    if (!stored)
        return NULL;
    if (load_head(&reader->db, id, &head) && (query->app == 0 || query->app == head.app) &&
        (query->any_mode || query->mode == head.mode) &&
        load_notification(&reader->db, id, &query->arena, stored))
        return stored;
    missing(query, "notification");
    return NULL;
}

static void query_notification(struct reader *reader, struct query *query)
{
    const struct stored_notification *stored = visible(reader, query, query->id);
    query->notifications = arena_array(&query->arena, struct notification_view, 1);
    if (!stored || !query->notifications)
        return;
    show_notification(reader, stored, query->notifications);
    query->count = 1;
}

static void query_deliveries(struct reader *reader, struct query *query)
{
    const struct stored_notification *stored = visible(reader, query, query->id);
    uint32_t limit = page_limit(query->limit);
    query->deliveries = arena_array(&query->arena, struct delivery_view, limit);
    if (!stored || !query->deliveries)
        return;
    struct notification_head head;
    if (!load_head(&reader->db, query->id, &head))
        return;
    bool cancelled = is_cancelled(&reader->db, query->id);
    uint32_t from = query->cursor_set ? query->cursor_ordinal + 1 : 0, looked = 0;
    query->next_id = query->id;
    for (uint32_t i = from; i < stored->notification.delivery_count; i++) {
        if (query->count == limit || looked++ == PAGE_SCAN_MAX) {
            query->more = true;
            return;
        }
        query->next_ordinal = i;
        if ((!query->by_state || view_state(reader, &head, i, cancelled) == query->state) &&
            show_delivery(reader, stored, i, cancelled, &query->arena,
                          &query->deliveries[query->count]))
            query->count++;
        reader_breathe(reader);
    }
}

static void query_delivery(struct reader *reader, struct query *query)
{
    const struct stored_notification *stored = visible(reader, query, query->key.notification);
    query->notifications = arena_array(&query->arena, struct notification_view, 1);
    query->deliveries = arena_array(&query->arena, struct delivery_view, 1);
    query->events = arena_array(&query->arena, struct event, DELIVERY_EVENTS_MAX);
    if (!stored || query->arena.failed)
        return;
    query->notifications->notification = stored->notification;
    query->notifications->cancelled = is_cancelled(&reader->db, query->key.notification);
    if (!show_delivery(reader, stored, query->key.ordinal, query->notifications->cancelled,
                       &query->arena, query->deliveries)) {
        missing(query, "delivery");
        return;
    }
    query->delivery_count = 1;
    sqlite3_stmt *stmt = list_events(&reader->db, query->key, 0, DELIVERY_EVENTS_MAX);
    while (query->count < DELIVERY_EVENTS_MAX && db_row(&reader->db, stmt))
        read_event(stmt, query->key.notification, &query->arena, &query->events[query->count++]);
    db_reset(stmt);
}

/* The steps of one delivery that the page has room for, from `step` on (port/store.h,
 * QUERY_EVENTS); false once the page is full and there is more. */
static bool add_steps(struct reader *reader, struct query *query,
                      const struct stored_notification *stored, bool cancelled, uint32_t ordinal,
                      uint32_t step, uint32_t *room)
{
    struct db *db = &reader->db;
    struct delivery_key key = {query->id, ordinal};
    bool shown = false;
    if (step == 0) {
        if (*room == 0)
            return false;
        shown = show_delivery(reader, stored, ordinal, cancelled, &query->arena,
                              &query->deliveries[query->delivery_count]);
        query->delivery_count += shown;
        query->next_ordinal = ordinal;
        query->next_seq = 0;
        --*room;
    }
    sqlite3_stmt *stmt = list_events(db, key, step ? step - 1 : 0, *room + 1);
    uint32_t first = query->count;
    bool fits = true;
    while (fits && db_row(db, stmt)) {
        fits = *room > 0;
        if (!fits)
            break;
        read_event(stmt, query->id, &query->arena, &query->events[query->count]);
        query->next_ordinal = ordinal;
        query->next_seq = query->events[query->count++].seq + 1;
        --*room;
    }
    db_reset(stmt);
    if (!shown && query->count > first)
        query->delivery_count += show_delivery(reader, stored, ordinal, cancelled, &query->arena,
                                               &query->deliveries[query->delivery_count]);
    return fits;
}

/* After the cursor, or all if it stands at an acceptance. */
static void add_events_by_time(struct reader *reader, struct query *query, uint32_t room)
{
    bool begun = query->cursor_set && query->cursor_id;
    sqlite3_stmt *stmt = db_use(&reader->db, EVENT_LIST_BY_TIME);
    bind_i64(stmt, 1, query->id);
    bind_i64(stmt, 2, begun ? query->cursor_id - id_time(query->id).ms : INT64_MIN);
    bind_i64(stmt, 3, query->cursor_ordinal);
    bind_i64(stmt, 4, (int64_t)query->cursor_seq - 1);
    bind_i64(stmt, 5, (int64_t)room + 1);
    while (db_row(&reader->db, stmt)) {
        query->more = query->count == room;
        if (query->more)
            break;
        struct event *event = &query->events[query->count++];
        read_event(stmt, query->id, &query->arena, event);
        query->next_id = event->at.ms;
        query->next_ordinal = event->key.ordinal;
        query->next_seq = event->seq + 1;
    }
    db_reset(stmt);
}

static void query_events_by_time(struct reader *reader, struct query *query,
                                 const struct stored_notification *stored, uint32_t room)
{
    bool cancelled = is_cancelled(&reader->db, query->id);
    uint32_t ordinal = query->cursor_set ? query->cursor_ordinal + 1 : 0;
    if (query->cursor_set && query->cursor_id)
        ordinal = stored->notification.delivery_count;
    for (; ordinal < stored->notification.delivery_count; ordinal++, room--) {
        query->more = room == 0;
        if (query->more)
            return;
        query->delivery_count += show_delivery(reader, stored, ordinal, cancelled, &query->arena,
                                               &query->deliveries[query->delivery_count]);
        query->next_ordinal = ordinal;
        reader_breathe(reader);
    }
    add_events_by_time(reader, query, room);
}

static void query_events(struct reader *reader, struct query *query)
{
    const struct stored_notification *stored = visible(reader, query, query->id);
    uint32_t room = page_limit(query->limit);
    query->deliveries = arena_array(&query->arena, struct delivery_view, room);
    query->events = arena_array(&query->arena, struct event, room);
    if (!stored || query->arena.failed)
        return;
    query->by_time = events_by_time(query, stored->notification.delivery_count);
    if (query->by_time) {
        query_events_by_time(reader, query, stored, room);
        return;
    }
    bool cancelled = is_cancelled(&reader->db, query->id);
    query->next_id = query->id;
    uint32_t ordinal = query->cursor_set ? query->cursor_ordinal : 0;
    uint32_t step = query->cursor_set ? query->cursor_seq + 1 : 0;
    for (; ordinal < stored->notification.delivery_count; ordinal++, step = 0) {
        if (!add_steps(reader, query, stored, cancelled, ordinal, step, &room)) {
            query->more = true;
            return;
        }
        reader_breathe(reader);
    }
}

void read_query(struct reader *reader, struct query *query)
{
    switch (query->type) {
    case QUERY_NOTIFICATION:
        query_notification(reader, query);
        return;
    case QUERY_DELIVERIES:
        query_deliveries(reader, query);
        return;
    case QUERY_DELIVERY:
        query_delivery(reader, query);
        return;
    case QUERY_EVENTS:
        query_events(reader, query);
        return;
    default:
        must(query->type == QUERY_NOTIFICATION); /* a query of one notification */
    }
}
