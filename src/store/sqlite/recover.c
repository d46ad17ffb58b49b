/* store/sqlite/recover.c - what opening does before the first group. */
#include "store/sqlite/recover.h"
#include "store/sqlite/change.h"
#include "store/sqlite/rows.h"

enum { HAND_STEP = 500, SECRET_SIZE = 16 };

/* Reads 16 bytes that the store keeps under this name; the first open makes them. */
static void keep_secret(struct db *db, const char *name, const struct entropy *entropy,
                        uint64_t ret[2])
{
    sqlite3_stmt *stmt = db_use(db, META_GET);
    bind_str(stmt, 1, str_of(name));
    if (db_row(db, stmt)) {
        struct str blob = column_view(stmt, 0);
        if (blob.len == SECRET_SIZE)
            memcpy(ret, blob.at, SECRET_SIZE);
        else
            db_refuse(db, SQLITE_CORRUPT, "a stored secret is not what was written");
        db_reset(stmt);
        return;
    }
    entropy_fill(entropy, ret, SECRET_SIZE);
    stmt = db_use(db, META_PUT);
    bind_str(stmt, 1, str_of(name));
    bind_blob(stmt, 2, ret, SECRET_SIZE);
    db_run(db, stmt);
}

/* -- what was in hand ------------------------------------------------------------------------- */

static void bury_crashed(struct writer *writer, const struct open_row *row,
                         const struct notification_head *head, struct wall now)
{
    const struct settle end = {
        .key = row->key,
        .lane = place_lane(row->place),
        .app = head->app,
        .mode = head->mode,
        .event = {.key = row->key,
                  .seq = row->seq,
                  .at = now,
                  .state = STATE_DEAD,
                  .attempt = row->attempts,
                  .reason = REASON_CRASHED},
    };
    event_add(writer, &end.event);
    note_over(writer, row->key.notification);
    dead_add(writer, &end);
    if (head->strategy == STRATEGY_FIRST)
        (void)follow_mark(writer, row->key);
}

static void put_back(struct writer *writer, struct open_row *row, struct wall now,
                     const struct crash_notes *notes, struct store_state *state)
{
    struct notification_head head;
    hand_remove(writer, row->key);
    if (!load_head(&writer->db, row->key.notification, &head))
        return;
    if (row->marked) {
        struct event event = {
            .key = row->key,
            .seq = row->seq,
            .at = now,
            .state = STATE_UNKNOWN,
            .attempt = row->attempts,
            .reason = REASON_CUT_OFF,
        };
        event_add(writer, &event);
        note_over(writer, row->key.notification);
        state->cut_off++;
        return;
    }
    enum recovery recovery = recovery_of(notes, row->key);
    if (recovery == RECOVER_DEAD) {
        bury_crashed(writer, row, &head, now);
        state->crashed++;
        return;
    }
    bool begun = recovery != RECOVER_UNUSED &&
                 (recovery != RECOVER_USED || head.guarantee != GUARANTEE_AT_MOST_ONCE);
    if (!begun)
        row->attempts--; /* an at-most-once delivery without its mark has not begun */
    row->due = (struct wall){now.ms - writer->offset_ms};
    if (recovery == RECOVER_SUSPECT)
        row->due = wall_add(row->due, span_s((int64_t)++state->suspects * SUSPECT_APART_S));
    if (begun) {
        struct event event = recovery_event(recovery, row->key, row->attempts, now, row->due);
        event.seq = row->seq++;
        event_add(writer, &event);
    }
    pending_add(writer, row, true);
    state->recovered++;
}

static uint32_t list_hand(struct db *db, struct open_row rows[HAND_STEP])
{
    uint32_t count = 0;
    sqlite3_stmt *stmt = db_use(db, HAND_LIST);
    bind_i64(stmt, 1, HAND_STEP);
    while (count < HAND_STEP && db_row(db, stmt))
        rows[count++] = (struct open_row){
            .key = {column_i64(stmt, 0), (uint32_t)column_i64(stmt, 1)},
            .place = column_i64(stmt, 2),
            .attempts = (uint32_t)column_i64(stmt, 3),
            .seq = (uint32_t)column_i64(stmt, 4),
            .expires = {column_i64(stmt, 5)},
            .marked = column_i64(stmt, 6) != 0,
        };
    db_reset(stmt);
    return count;
}

static void empty_hand(struct writer *writer, struct wall now, const struct crash_notes *notes,
                       struct store_state *state)
{
    struct open_row rows[HAND_STEP];
    uint32_t count;
    do {
        db_exec(&writer->db, "BEGIN IMMEDIATE");
        count = list_hand(&writer->db, rows);
        for (uint32_t i = 0; i < count; i++)
            put_back(writer, &rows[i], now, notes, state);
        depth_flush(writer);
        db_exec(&writer->db, "COMMIT");
    } while (count == HAND_STEP && writer->db.code == SQLITE_OK);
}

/* -- what the ledger must know ---------------------------------------------------------------- */

static struct wall first_due(struct db *db, int64_t place)
{
    sqlite3_stmt *stmt = db_use(db, PENDING_FIRST);
    bind_i64(stmt, 1, place);
    struct wall due = {db_row(db, stmt) ? column_i64(stmt, 0) : INT64_MAX};
    db_reset(stmt);
    return due;
}

static enum err list_depths(struct db *db, struct arena *arena, struct store_state *state)
{
    sqlite3_stmt *stmt = db_use(db, DEPTH_COUNT);
    uint32_t count = db_row(db, stmt) ? (uint32_t)column_i64(stmt, 0) : 0;
    db_reset(stmt);
    state->depths = arena_array(arena, struct lane_depth, count);
    if (count && !state->depths)
        return ERR_MEMORY;
    stmt = db_use(db, DEPTH_LIST);
    while (state->depth_count < count && db_row(db, stmt)) {
        int64_t place = column_i64(stmt, 0);
        state->depths[state->depth_count++] = (struct lane_depth){
            .lane = place_lane(place),
            .app = place_app(place),
            .depth = (uint32_t)column_i64(stmt, 1),
            .next_due = first_due(db, place),
        };
    }
    db_reset(stmt);
    return OK;
}

static bool any_open_follow(struct db *db)
{
    sqlite3_stmt *stmt = db_use(db, FOLLOW_OPEN);
    bind_i64(stmt, 1, 1);
    bool found = db_row(db, stmt);
    db_reset(stmt);
    return found;
}

int64_t highest_id(struct db *db)
{
    sqlite3_stmt *stmt = db_use(db, NOTIFICATION_NEWEST);
    int64_t highest = db_row(db, stmt) ? column_i64(stmt, 0) : 0;
    db_reset(stmt);
    int64_t kept = meta_get(db, "last_id", 0);
    return highest > kept ? highest : kept;
}

enum err recover(struct writer *writer, struct wall now, const struct crash_notes *notes,
                 const struct entropy *entropy, struct arena *arena, struct store_state *ret_state)
{
    struct db *db = &writer->db;
    *ret_state = (struct store_state){0};
    db_exec(db, "BEGIN IMMEDIATE");
    keep_secret(db, "id_secret", entropy, ret_state->id_secret);
    keep_secret(db, "hash_secret", entropy, writer->hash_secret);
    writer->last_id = ret_state->last_id = highest_id(db);
    writer->swept = meta_get(db, "swept", 0);
    offset_open(writer);
    ret_state->offset_ms = writer->offset_ms;
    index_load(&writer->idem, db);
    index_load(&writer->lookup, db);
    db_exec(db, "COMMIT");
    empty_hand(writer, now, notes, ret_state);
    ret_state->following = any_open_follow(db);
    enum err err = list_depths(db, arena, ret_state);
    if (err == OK)
        err = steers_load(db, now, arena, ret_state);
    return db->code == SQLITE_OK ? err : db_err(db);
}
