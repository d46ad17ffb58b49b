/* store/sqlite/steer.c - what operators have said over lanes: a small table of its own. */
#include "model/limits.h"
#include "store/sqlite/change.h"

static void remove_ended(struct db *db, struct wall now)
{
    sqlite3_stmt *stmt = db_use(db, STEER_SWEEP);
    bind_i64(stmt, 1, now.ms);
    db_run(db, stmt);
}

static struct str from_of(const struct steer *steer)
{
    return steer->type == STEER_MOVE ? steer->from : STR("");
}

static void put(struct db *db, const struct steer *steer, enum kind kind)
{
    sqlite3_stmt *stmt = db_use(db, STEER_PUT);
    bind_i64(stmt, 1, steer->type);
    bind_i64(stmt, 2, kind);
    bind_str(stmt, 3, from_of(steer));
    bind_str(stmt, 4, steer->to);
    bind_str(stmt, 5, steer->reason);
    bind_str(stmt, 6, steer->by);
    bind_i64(stmt, 7, steer->since.ms);
    bind_i64(stmt, 8, steer->until.ms);
    db_run(db, stmt);
}

static bool end(struct db *db, const struct steer *steer, enum kind kind)
{
    sqlite3_stmt *stmt = db_use(db, STEER_REMOVE);
    bind_i64(stmt, 1, steer->type);
    bind_i64(stmt, 2, kind);
    bind_str(stmt, 3, from_of(steer));
    return db_run(db, stmt) > 0;
}

void write_change_steer(struct writer *writer, struct change *op)
{
    const struct steer *steer = &op->steering.steer;
    struct db *db = &writer->db;
    bool put_it = op->type == CHANGE_STEER_PUT;
    remove_ended(db, op->now);
    op->result = put_it ? CHANGED_CREATED : CHANGE_MISSING;
    for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
        if (!(op->steering.kinds & 1u << kind))
            continue;
        if (end(db, steer, (enum kind)kind))
            op->result = CHANGED_REPLACED;
        if (put_it)
            put(db, steer, (enum kind)kind);
    }
    op->created_at = steer->since;
    op->updated_at = op->now;
}

enum err steers_load(struct db *db, struct wall now, struct arena *arena, struct store_state *state)
{
    state->steers = arena_array(arena, struct steer, STEERS_STORED_MAX);
    if (!state->steers)
        return ERR_MEMORY;
    sqlite3_stmt *stmt = db_use(db, STEER_LIST);
    bind_i64(stmt, 1, now.ms);
    while (state->steer_count < STEERS_STORED_MAX && db_row(db, stmt)) {
        struct steer *steer = &state->steers[state->steer_count++];
        steer->type = (enum steer_type)column_i64(stmt, 0);
        steer->kind = (enum kind)column_i64(stmt, 1);
        steer->from = steer->type == STEER_MOVE ? column_str(stmt, 2, arena) : STR_NONE;
        steer->to = column_str(stmt, 3, arena);
        steer->reason = column_str(stmt, 4, arena);
        steer->by = column_str(stmt, 5, arena);
        steer->since.ms = column_i64(stmt, 6);
        steer->until.ms = column_i64(stmt, 7);
    }
    db_reset(stmt);
    return arena->failed ? ERR_MEMORY : OK;
}
