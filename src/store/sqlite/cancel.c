/* store/sqlite/cancel.c - cancel: marks a notification, and ends what is pending of it. */
#include "store/sqlite/rows.h"
#include "store/sqlite/writer.h"

void note_change(struct pending_change *changes, uint32_t *count, int64_t place, int32_t delta,
                 struct wall next_due)
{
    unsigned lane = place_lane(place);
    uint32_t app = place_app(place);
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

/* Ends the delivery if it is pending. */
static bool cancel_one(struct writer *writer, struct cancel *op,
                       const struct notification_head *head, uint32_t ordinal)
{
    struct db *db = &writer->db;
    struct open_row row = {.key = {head->id, ordinal}};
    int64_t facts;
    if (!load_facts(db, head, ordinal, &facts))
        return false;
    row.place = place_of(lane_of(facts_kind(facts), head->priority), head->app);
    struct standing standing = load_standing(db, row.key, facts, NULL);
    struct open_work open = load_open_work(db, row.key, row.place, &standing, head->accepted_at);
    if (open.where != OPEN_PENDING)
        return false;
    row.due = open.due;
    pending_remove(writer, &row, true);
    struct event event = {
        .key = row.key, .seq = standing.next_seq, .at = op->now, .state = STATE_CANCELLED};
    event_add(writer, &event);
    note_over(writer, head->id);
    note_change(op->changes, &op->change_count, row.place, -1, WALL_NEVER);
    return true;
}

void write_cancel(struct writer *writer, struct cancel *op, struct arena *arena)
{
    struct notification_head head;
    op->found =
        load_head(&writer->db, op->notification, &head) && (op->app == 0 || op->app == head.app);
    op->ended = op->change_count = 0;
    op->more = false;
    if (!op->found)
        return;
    sqlite3_stmt *stmt = db_use(&writer->db, CANCELLED_PUT);
    bind_i64(stmt, 1, head.id);
    db_run(&writer->db, stmt);
    op->changes = arena_array(arena, struct pending_change, LANE_COUNT);
    if (!op->changes) {
        db_refuse(&writer->db, SQLITE_NOMEM, "no memory for the answer of a cancel");
        return;
    }
    for (uint32_t i = op->from; i < head.deliveries && i - op->from < op->limit; i++)
        op->ended += cancel_one(writer, op, &head, i);
    op->more = op->from < head.deliveries && head.deliveries - op->from > op->limit;
}
