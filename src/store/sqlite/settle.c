/* store/sqlite/settle.c - mark, settle and receipt: an attempt is about to begin, what it came to,
 * and what came later. */
#include "store/sqlite/rows.h"
#include "store/sqlite/writer.h"

/* -- mark ------------------------------------------------------------------------------------- */

void write_mark(struct writer *writer, struct mark *op)
{
    sqlite3_stmt *stmt = db_use(&writer->db, HAND_MARK);
    bind_i64(stmt, 1, op->key.notification);
    bind_i64(stmt, 2, op->key.ordinal);
    bind_i64(stmt, 3, op->attempt);
    op->applied = db_run(&writer->db, stmt) != 0;
}

/* -- side effects ----------------------------------------------------------------------------- */

static void retire_device(struct writer *writer, const struct settle *op)
{
    sqlite3_stmt *stmt = db_use(&writer->db, DEVICE_RETIRE);
    bind_i64(stmt, 1, op->user);
    bind_str(stmt, 2, op->retire_device);
    bind_str(stmt, 3, op->retire_token);
    bind_i64(stmt, 4, op->retire_since.ms ? op->retire_since.ms : INT64_MAX);
    bind_i64(stmt, 5, op->event.at.ms);
    bind_str(stmt, 6, op->retire_reason);
    db_run(&writer->db, stmt);
}

static void suppress_address(struct writer *writer, const struct settle *op)
{
    sqlite3_stmt *stmt = db_use(&writer->db, SUPPRESSION_ADD_NEW);
    bind_i64(stmt, 1, op->app);
    bind_str(stmt, 2, op->suppress_address);
    bind_i64(stmt, 3, op->suppress_channel);
    bind_str(stmt, 4, op->suppress_reason);
    bind_i64(stmt, 5, op->event.at.ms);
    db_run(&writer->db, stmt);
}

/* -- settle ----------------------------------------------------------------------------------- */

/* The event takes its number from the row in hand, which at once is the fence. */
static bool end_with_event(struct writer *writer, const struct settle *op)
{
    struct event event = op->event;
    event.key = op->key;
    must(state_is_final(event.state));
    sqlite3_stmt *stmt = db_use(&writer->db, EVENT_ADD_FENCED);
    bind_event(stmt, &event);
    bind_i64(stmt, 3, op->attempt);
    if (db_run(&writer->db, stmt) == 0)
        return false;
    hand_remove(writer, op->key);
    return true;
}

void dead_add(struct writer *writer, const struct settle *op)
{
    sqlite3_stmt *stmt = db_use(&writer->db, DEAD_ADD);
    bind_i64(stmt, 1, op->key.notification);
    bind_i64(stmt, 2, op->key.ordinal);
    bind_i64(stmt, 3, op->app);
    bind_i64(stmt, 4, op->mode);
    bind_i64(stmt, 5, kind_channel(lane_kind(op->lane)));
    bind_i64(stmt, 6, place_of(op->lane, op->app));
    bind_i64(stmt, 7, op->event.at.ms);
    bind_str(stmt, 8, op->event.reason);
    db_run(&writer->db, stmt);
}

static bool put_back(struct writer *writer, const struct settle *op)
{
    struct open_row row;
    if (!hand_get(writer, op->key, &row) || row.attempts != op->attempt)
        return false;
    hand_remove(writer, op->key);
    row.due = op->due;
    if (op->to == SETTLE_BACK) {
        row.attempts--;
        pending_add(writer, &row, true);
        return true;
    }
    struct event event = op->event;
    event.key = op->key;
    event.seq = row.seq++;
    event.state = STATE_QUEUED;
    event.due = op->due;
    event_add(writer, &event);
    row.attempts = op->attempts;
    pending_add(writer, &row, op->due.ms == 0);
    return true;
}

void write_settle(struct writer *writer, struct settle *op)
{
    op->followed = false;
    op->applied = op->to == SETTLE_END ? end_with_event(writer, op) : put_back(writer, op);
    if (!op->applied)
        return;
    if (op->to == SETTLE_END) {
        note_over(writer, op->key.notification);
        if (op->event.state == STATE_DEAD)
            dead_add(writer, op);
        if (op->follow)
            op->followed = follow_mark(writer, op->key);
    }
    if (op->retire_device.at)
        retire_device(writer, op);
    if (op->suppress_address.at)
        suppress_address(writer, op);
}

/* -- receipt ---------------------------------------------------------------------------------- */

void write_receipt(struct writer *writer, struct receipt *op)
{
    op->applied = false;
    sqlite3_stmt *stmt = db_use(&writer->db, EVENT_LAST);
    bind_i64(stmt, 1, op->key.notification);
    bind_i64(stmt, 2, op->key.ordinal);
    if (!db_row(&writer->db, stmt))
        return;
    struct event event = op->event;
    event.key = op->key;
    event.seq = (uint32_t)column_i64(stmt, 0) + 1;
    enum state from = facts_state(column_i64(stmt, 1) << 4);
    db_reset(stmt);
    struct notification_head head;
    op->applied =
        receipt_moves(from, event.state) && load_head(&writer->db, op->key.notification, &head);
    if (op->applied)
        event_add(writer, &event);
}
