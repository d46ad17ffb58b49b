/* store/sqlite/open_work.c - the small tables of open work, and the events that end it. */
#include "store/sqlite/rows.h"
#include "store/sqlite/writer.h"

static void bind_key(sqlite3_stmt *stmt, struct delivery_key key)
{
    bind_i64(stmt, 1, key.notification);
    bind_i64(stmt, 2, key.ordinal);
}

static void bind_expires(sqlite3_stmt *stmt, int at, struct wall expires)
{
    if (expires.ms)
        bind_i64(stmt, at, expires.ms);
    else
        bind_null(stmt, at);
}

void hand_add(struct writer *writer, const struct open_row *row)
{
    sqlite3_stmt *stmt = db_use(&writer->db, HAND_ADD);
    bind_key(stmt, row->key);
    bind_i64(stmt, 3, row->place);
    bind_i64(stmt, 4, row->attempts);
    bind_i64(stmt, 5, row->seq);
    bind_expires(stmt, 6, row->expires);
    db_run(&writer->db, stmt);
}

bool hand_get(struct writer *writer, struct delivery_key key, struct open_row *ret)
{
    sqlite3_stmt *stmt = db_use(&writer->db, HAND_GET);
    bind_key(stmt, key);
    if (!db_row(&writer->db, stmt))
        return false;
    *ret = (struct open_row){
        .key = key,
        .place = column_i64(stmt, 0),
        .attempts = (uint32_t)column_i64(stmt, 1),
        .seq = (uint32_t)column_i64(stmt, 2),
        .expires = {column_i64(stmt, 3)},
    };
    db_reset(stmt);
    return true;
}

void hand_remove(struct writer *writer, struct delivery_key key)
{
    sqlite3_stmt *stmt = db_use(&writer->db, HAND_REMOVE);
    bind_key(stmt, key);
    db_run(&writer->db, stmt);
}

static void bind_pending(sqlite3_stmt *stmt, const struct open_row *row)
{
    bind_i64(stmt, 1, row->place);
    bind_i64(stmt, 2, row->due.ms);
    bind_i64(stmt, 3, row->key.notification);
    bind_i64(stmt, 4, row->key.ordinal);
}

void pending_add(struct writer *writer, const struct open_row *row, bool moved)
{
    sqlite3_stmt *stmt = db_use(&writer->db, PENDING_ADD);
    bind_pending(stmt, row);
    bind_i64(stmt, 5, row->attempts);
    bind_i64(stmt, 6, row->seq);
    bind_expires(stmt, 7, row->expires);
    bind_i64(stmt, 8, moved);
    db_run(&writer->db, stmt);
    depth_add(writer, row->place, 1);
    if (!moved)
        return;
    stmt = db_use(&writer->db, MOVED_PUT);
    bind_key(stmt, row->key);
    bind_i64(stmt, 3, row->due.ms);
    db_run(&writer->db, stmt);
}

void pending_remove(struct writer *writer, const struct open_row *row, bool moved)
{
    sqlite3_stmt *stmt = db_use(&writer->db, PENDING_REMOVE);
    bind_pending(stmt, row);
    if (db_run(&writer->db, stmt) == 0)
        db_refuse(&writer->db, SQLITE_CORRUPT, "a row of the calendar is not where it was");
    depth_add(writer, row->place, -1);
    if (!moved)
        return;
    stmt = db_use(&writer->db, MOVED_REMOVE);
    bind_key(stmt, row->key);
    db_run(&writer->db, stmt);
}

static void bind_after(sqlite3_stmt *stmt, int at, struct wall moment, struct wall after)
{
    if (moment.ms)
        bind_i64(stmt, at, moment.ms - after.ms);
    else
        bind_null(stmt, at);
}

/* Everything but the sequence number, which is the statement's business. */
void bind_event(sqlite3_stmt *stmt, const struct event *event)
{
    bind_key(stmt, event->key);
    bind_i64(stmt, 4, (int64_t)event->state | (int64_t)event->attempt << 4);
    bind_i64(stmt, 5, event->at.ms - id_time(event->key.notification).ms);
    bind_after(stmt, 6, event->began_at, event->at);
    bind_after(stmt, 7, event->due, event->at);
    bind_str(stmt, 8, event->provider);
    bind_str(stmt, 9, event->code);
    bind_str(stmt, 10, event->reason);
    bind_str(stmt, 11, event->detail);
    bind_str(stmt, 12, event->message_id);
    bind_str(stmt, 13, event->route);
}

void event_add(struct writer *writer, const struct event *event)
{
    sqlite3_stmt *stmt = db_use(&writer->db, EVENT_ADD);
    bind_event(stmt, event);
    bind_i64(stmt, 3, event->seq);
    db_run(&writer->db, stmt);
}

void dead_remove(struct writer *writer, struct delivery_key key)
{
    sqlite3_stmt *stmt = db_use(&writer->db, DEAD_REMOVE);
    bind_key(stmt, key);
    db_run(&writer->db, stmt);
}

void note_over(struct writer *writer, int64_t notification)
{
    if (notification > writer->swept)
        return;
    sqlite3_stmt *stmt = db_use(&writer->db, OVER_PUT);
    bind_i64(stmt, 1, notification);
    db_run(&writer->db, stmt);
}
