/* store/sqlite/depth.c - depths of (lane, app), changed in the file once a group; and the meta
 * table. */
#include "store/sqlite/writer.h"

void depth_add(struct writer *writer, int64_t place, int64_t delta)
{
    /* Newest first: neighbours in a group are mostly of one place. */
    for (uint32_t i = writer->depth_count; i-- > 0;)
        if (writer->depths[i].place == place) {
            writer->depths[i].delta += delta;
            return;
        }
    if (writer->depth_count == writer->depth_cap) {
        uint32_t cap = writer->depth_cap ? writer->depth_cap * 2 : 64;
        struct depth_change *depths = reallocarray(writer->depths, cap, sizeof *depths);
        if (!depths) {
            db_refuse(&writer->db, SQLITE_NOMEM, "no memory for the depths");
            return;
        }
        writer->depths = depths;
        writer->depth_cap = cap;
    }
    writer->depths[writer->depth_count++] = (struct depth_change){place, delta};
}

void depth_flush(struct writer *writer)
{
    for (uint32_t i = 0; i < writer->depth_count; i++) {
        if (!writer->depths[i].delta)
            continue;
        sqlite3_stmt *stmt = db_use(&writer->db, DEPTH_ADD);
        bind_i64(stmt, 1, writer->depths[i].place);
        bind_i64(stmt, 2, writer->depths[i].delta);
        db_run(&writer->db, stmt);
    }
    writer->depth_count = 0;
}

int64_t meta_get(struct db *db, const char *name, int64_t otherwise)
{
    sqlite3_stmt *stmt = db_use(db, META_GET);
    bind_str(stmt, 1, str_of(name));
    int64_t value = db_row(db, stmt) ? column_i64(stmt, 0) : otherwise;
    db_reset(stmt);
    return value;
}

void meta_put(struct db *db, const char *name, int64_t value)
{
    sqlite3_stmt *stmt = db_use(db, META_PUT);
    bind_str(stmt, 1, str_of(name));
    bind_i64(stmt, 2, value);
    db_run(db, stmt);
}
