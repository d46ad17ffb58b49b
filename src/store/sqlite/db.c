/* store/sqlite/db.c - a connection and its statements. */
#include "store/sqlite/db.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STATEMENT_SQL(name, sql) sql,
#define STATEMENT_ENUM           STATEMENT_SQL
static const char *const statement_sql[] = {
#include "store/sqlite/statements.def"
};
#undef STATEMENT_ENUM

enum { BUSY_MS = 5000, EXIT_IO = 74 };

/* A quota's end is a full disk, too, and so is a shared index that cannot be extended. */
static bool is_no_room(const struct db *db, int code)
{
    int error = sqlite3_system_errno(db->sqlite);
    return (code & 0xff) == SQLITE_FULL || code == SQLITE_IOERR_SHMSIZE ||
           (code == SQLITE_IOERR_WRITE && (error == EDQUOT || error == ENOSPC));
}

void db_fail(struct db *db, int code)
{
    const char *text = sqlite3_errmsg(db->sqlite);
    if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC) {
        /* Nothing may be acknowledged after this; the log is what recovery starts from. */
        (void)fprintf(stderr, "level=fatal event=fsync_failed detail=\"the store: %s (%d)\"\n",
                      text, code);
        (void)fflush(stderr);
        _exit(EXIT_IO);
    }
    bool no_room = is_no_room(db, code);
    db->no_room |= no_room;
    if (db->code != SQLITE_OK)
        return;
    db->code = no_room ? SQLITE_FULL : code;
    (void)why_set(&db->why, ERR_IO, "the store: %s (%d)", text, code);
}

void db_refuse(struct db *db, int code, const char *what)
{
    if (db->code != SQLITE_OK)
        return;
    db->code = code;
    (void)why_set(&db->why, ERR_IO, "the store: %s", what);
}

void db_forgive(struct db *db)
{
    db->code = SQLITE_OK;
    db->why.text[0] = '\0';
}

enum err db_err(const struct db *db)
{
    switch (db->code & 0xff) {
    case SQLITE_OK:
        return OK;
    case SQLITE_NOMEM:
        return ERR_MEMORY;
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_CONFLICT;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_INTERRUPT:
        return ERR_TIMEOUT;
    default:
        return ERR_IO;
    }
}

void db_exec(struct db *db, const char *sql)
{
    if (db->code == SQLITE_OK) {
        int code = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);
        if (code != SQLITE_OK)
            db_fail(db, code);
    }
}

int64_t db_pragma(struct db *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    int64_t value = 0;
    if (db->code != SQLITE_OK)
        return 0;
    int code = sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL);
    if (code == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        value = sqlite3_column_int64(stmt, 0);
    code = sqlite3_finalize(stmt);
    if (code != SQLITE_OK)
        db_fail(db, code);
    return value;
}

static void set_up(struct db *db, bool write, uint32_t cache_bytes)
{
    char sql[64];
    sqlite3_extended_result_codes(db->sqlite, 1);
    sqlite3_busy_timeout(db->sqlite, BUSY_MS);
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (write)
        db_exec(db, "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                    "PRAGMA secure_delete=ON; PRAGMA wal_autocheckpoint=0;");
    db_exec(db, "PRAGMA foreign_keys=OFF; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY;");
    (void)snprintf(sql, sizeof sql, "PRAGMA cache_size=-%u;", cache_bytes / 1024);
    db_exec(db, sql);
}

enum err db_open(struct db *db, const char *path, bool write, uint32_t cache_bytes, struct why *why)
{
    *db = (struct db){0};
    /* Without its own statistics SQLite takes no lock for each allocation. Refused, and no matter,
     * once the library is in use. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    int flags = write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    int code = sqlite3_open_v2(path, &db->sqlite, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK)
        db_fail(db, code);
    else
        set_up(db, write, cache_bytes);
    if (db->code == SQLITE_OK)
        return OK;
    enum err err = db_err(db);
    if (why)
        *why = db->why;
    db_close(db);
    return err;
}

void db_close(struct db *db)
{
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(db->statements[i]);
    if (db->sqlite)
        must(sqlite3_close(db->sqlite) == SQLITE_OK);
    *db = (struct db){0};
}

/* -- statements ------------------------------------------------------------------------------- */

sqlite3_stmt *db_use(struct db *db, enum statement statement)
{
    sqlite3_stmt **stmt = &db->statements[statement];
    if (!*stmt && db->code == SQLITE_OK) {
        int code = sqlite3_prepare_v3(db->sqlite, statement_sql[statement], -1,
                                      SQLITE_PREPARE_PERSISTENT, stmt, NULL);
        if (code != SQLITE_OK)
            db_fail(db, code);
    }
    return *stmt;
}

void bind_i64(sqlite3_stmt *stmt, int at, int64_t value)
{
    if (stmt)
        must(sqlite3_bind_int64(stmt, at, value) == SQLITE_OK);
}

void bind_null(sqlite3_stmt *stmt, int at)
{
    if (stmt)
        must(sqlite3_bind_null(stmt, at) == SQLITE_OK);
}

void bind_str(sqlite3_stmt *stmt, int at, struct str value)
{
    must(value.len <= INT32_MAX);
    if (stmt)
        must(sqlite3_bind_text(stmt, at, value.at, (int)value.len, SQLITE_STATIC) == SQLITE_OK);
}

void bind_blob(sqlite3_stmt *stmt, int at, const void *bytes, size_t len)
{
    must(len <= INT32_MAX);
    if (stmt)
        must(sqlite3_bind_blob(stmt, at, bytes, (int)len, SQLITE_STATIC) == SQLITE_OK);
}

bool db_row(struct db *db, sqlite3_stmt *stmt)
{
    if (db->code != SQLITE_OK || !stmt)
        return false;
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW)
        return true;
    if (code != SQLITE_DONE)
        db_fail(db, code);
    (void)sqlite3_reset(stmt);
    return false;
}

void db_reset(sqlite3_stmt *stmt)
{
    if (stmt)
        (void)sqlite3_reset(stmt); /* repeats the error of the last step, which is kept already */
}

uint32_t db_run(struct db *db, sqlite3_stmt *stmt)
{
    if (db->code != SQLITE_OK || !stmt)
        return 0;
    while (db_row(db, stmt))
        continue;
    return db->code == SQLITE_OK ? (uint32_t)sqlite3_changes(db->sqlite) : 0;
}

int64_t column_i64(sqlite3_stmt *stmt, int at)
{
    return sqlite3_column_int64(stmt, at);
}

bool column_is_null(sqlite3_stmt *stmt, int at)
{
    return sqlite3_column_type(stmt, at) == SQLITE_NULL;
}

struct str column_view(sqlite3_stmt *stmt, int at)
{
    if (column_is_null(stmt, at))
        return STR_NONE;
    /* As a blob it comes without a terminator, which would cost a copy. */
    const char *bytes = sqlite3_column_blob(stmt, at);
    return (struct str){bytes ? bytes : "", (size_t)sqlite3_column_bytes(stmt, at)};
}

struct str column_str(sqlite3_stmt *stmt, int at, struct arena *arena)
{
    return arena_copy(arena, column_view(stmt, at));
}
