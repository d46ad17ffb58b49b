/* store/sqlite/redrive.c - redrive: dead letters become pending again, or are removed. */
#include "model/limits.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/writer.h"

/* A dead letter's row. */
struct dead_row {
    struct delivery_key key;
    int64_t place;
    struct dead_facts facts;
};

/* The row of DEAD_GET or DEAD_LIST_*: ntf, ord, place, app, mode, channel, at, reason. */
static void read_dead(sqlite3_stmt *stmt, struct dead_row *ret)
{
    *ret = (struct dead_row){
        .key = {column_i64(stmt, 0), (uint32_t)column_i64(stmt, 1)},
        .place = column_i64(stmt, 2),
        .facts = {.app = (uint32_t)column_i64(stmt, 3),
                  .mode = (enum mode)column_i64(stmt, 4),
                  .channel = (enum channel)column_i64(stmt, 5),
                  .reason = column_view(stmt, 7),
                  .at = {column_i64(stmt, 6)}},
    };
}

/* True if the row is meant and its notification stands; `row->facts.reason` ends with the step. */
static bool find_dead(struct writer *writer, const struct redrive *op, struct delivery_key key,
                      struct dead_row *row)
{
    sqlite3_stmt *stmt = db_use(&writer->db, DEAD_GET);
    bind_i64(stmt, 1, key.notification);
    bind_i64(stmt, 2, key.ordinal);
    if (!db_row(&writer->db, stmt))
        return false;
    read_dead(stmt, row);
    bool meant = dead_matches(&op->filter, &row->facts);
    db_reset(stmt);
    return meant;
}

static bool redrive_one(struct writer *writer, struct redrive *op, const struct dead_row *dead)
{
    struct notification_head head;
    int64_t facts;
    if (!load_head(&writer->db, dead->key.notification, &head) ||
        !load_facts(&writer->db, &head, dead->key.ordinal, &facts))
        return false; /* being erased */
    uint32_t place = op->redriven_count;
    op->redriven[op->redriven_count++] = dead->key;
    if (op->preview)
        return true;
    struct standing standing = load_standing(&writer->db, dead->key, facts, NULL);
    struct event event = redrive_event(op, dead->key, place);
    event.seq = standing.next_seq;
    dead_remove(writer, dead->key);
    event_add(writer, &event);
    if (op->delete_only) {
        note_over(writer, head.id);
        return true;
    }
    struct notification notification = {.expires_at = head.expires_at};
    struct open_row row = {
        .key = dead->key,
        .place = dead->place,
        .seq = standing.next_seq + 1,
        .due = event.due,
        .expires = expiry_afresh(&notification, head.accepted_at, event.due),
    };
    pending_add(writer, &row, false);
    note_change(op->changes, &op->change_count, row.place, 1, event.due);
    return true;
}

static void redrive_keys(struct writer *writer, struct redrive *op, uint32_t limit)
{
    for (uint32_t i = 0; i < op->key_count; i++) {
        struct dead_row row;
        if (op->redriven_count == limit || !find_dead(writer, op, op->keys[i], &row) ||
            !redrive_one(writer, op, &row))
            op->skipped[op->skipped_count++] = op->keys[i];
    }
}

/* Looks at a bounded number of dead letters behind `after`, in the order of their keys. */
static uint32_t list_dead(struct writer *writer, struct redrive *op, struct dead_row *rows,
                          uint32_t limit)
{
    bool by_app = op->filter.app != 0;
    sqlite3_stmt *stmt = db_use(&writer->db, by_app ? DEAD_LIST_APP : DEAD_LIST);
    bind_i64(stmt, 1, op->after_set ? op->after.notification : INT64_MIN);
    bind_i64(stmt, 2, op->after_set ? op->after.ordinal : 0);
    bind_i64(stmt, 3, REDRIVE_SCAN_MAX + 1);
    if (by_app)
        bind_i64(stmt, 4, op->filter.app);
    uint32_t count = 0, looked = 0;
    while (db_row(&writer->db, stmt)) {
        struct dead_row row;
        read_dead(stmt, &row);
        bool meant = dead_matches(&op->filter, &row.facts);
        if (looked++ == REDRIVE_SCAN_MAX || (meant && count == limit)) {
            op->more = true;
            db_reset(stmt);
            break;
        }
        op->after = row.key;
        if (meant)
            rows[count++] = row;
    }
    op->after_set |= looked > 0;
    return count;
}

void write_redrive(struct writer *writer, struct redrive *op, struct arena *arena)
{
    uint32_t limit = op->limit && op->limit < REDRIVE_MAX ? op->limit : REDRIVE_MAX;
    op->redriven_count = op->skipped_count = op->change_count = 0;
    op->more = false;
    must(op->key_count <= REDRIVE_MAX);
    op->redriven = arena_array(arena, struct delivery_key, limit);
    op->skipped = arena_array(arena, struct delivery_key, op->key_count + 1);
    op->changes = arena_array(arena, struct pending_change, limit);
    struct dead_row *rows = arena_array(arena, struct dead_row, limit);
    if (arena->failed) {
        db_refuse(&writer->db, SQLITE_NOMEM, "no memory for the answer of a redrive");
        return;
    }
    if (op->keys) {
        redrive_keys(writer, op, limit);
        return;
    }
    uint32_t count = list_dead(writer, op, rows, limit);
    for (uint32_t i = 0; i < count; i++)
        (void)redrive_one(writer, op, &rows[i]);
}
