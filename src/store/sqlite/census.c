/* store/sqlite/census.c - census: what waits, by (lane, app), and whether the records agree. */
#include "model/limits.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/writer.h"

/* The first place from `from` on that has rows, or a record that says so; INT64_MAX at the end. */
static int64_t next_place(struct db *db, int64_t from)
{
    static const enum statement sources[] = {CENSUS_PENDING, CENSUS_DEPTH};
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        sqlite3_stmt *stmt = db_use(db, sources[i]);
        bind_i64(stmt, 1, from);
        if (db_row(db, stmt) && column_i64(stmt, 0) < next)
            next = column_i64(stmt, 0);
        db_reset(stmt);
    }
    return next;
}

static int64_t number(struct db *db, enum statement statement, int64_t place, int64_t limit,
                      int64_t otherwise)
{
    sqlite3_stmt *stmt = db_use(db, statement);
    bind_i64(stmt, 1, place);
    if (limit)
        bind_i64(stmt, 2, limit);
    int64_t value = db_row(db, stmt) ? column_i64(stmt, 0) : otherwise;
    db_reset(stmt);
    return value;
}

/* Counts it if `left` rows are enough; the record is right otherwise, unless it says less. */
enum { PLACE_ROWS_MAX = CENSUS_ROWS_MAX / 4 }; /* so that one backlog leaves some for others */

static void look_at(struct writer *writer, struct census *op, int64_t place, uint32_t *left)
{
    struct db *db = &writer->db;
    int64_t most = *left < PLACE_ROWS_MAX ? *left : PLACE_ROWS_MAX;
    int64_t recorded = number(db, DEPTH_GET, place, 0, 0);
    int64_t counted = number(db, CENSUS_COUNT, place, most + 1, 0);
    int64_t depth = counted > most && recorded > counted ? recorded : counted;
    *left -= (uint32_t)(counted < most ? counted : most);
    if (depth != recorded) {
        depth_add(writer, place, depth - recorded);
        op->corrected++;
    }
    op->rows[op->count++] = (struct census_row){
        .lane = place_lane(place),
        .app = place_app(place),
        .depth = (uint32_t)depth,
        .first_due = {number(db, PENDING_FIRST, place, 0, INT64_MAX)},
    };
}

void write_census(struct writer *writer, struct census *op, struct arena *arena)
{
    uint32_t left = CENSUS_ROWS_MAX;
    op->count = op->corrected = 0;
    op->more = false;
    op->rows = arena_array(arena, struct census_row, op->limit);
    depth_flush(writer); /* the record of this group is in memory until its end */
    for (int64_t place;
         op->rows && (place = next_place(&writer->db, (int64_t)op->from)) != INT64_MAX;
         op->from = (uint64_t)place + 1) {
        if (op->count == op->limit) {
            op->more = true;
            return;
        }
        look_at(writer, op, place, &left);
    }
}
