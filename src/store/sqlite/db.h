/* store/sqlite/db.h - a connection and its statements.
 *
 * The first error of a connection is kept until db_forgive: later calls do nothing, and whoever
 * ends the transaction asks once. A failed fsync ends the process (decided in db_fail alone).
 * Threads: a connection belongs to one.
 */
#pragma once
#include "base/arena.h"
#include "base/time.h"
#include <sqlite3.h>

#define STATEMENT_ENUM(name, sql) name,
enum statement {
#include "store/sqlite/statements.def"
    STATEMENT_COUNT
};
#undef STATEMENT_ENUM

struct db {
    sqlite3 *sqlite;
    sqlite3_stmt *statements[STATEMENT_COUNT]; /* prepared when first used */
    int code;                                  /* SQLITE_OK, or the first error */
    struct why why;
    bool no_room; /* a write has found the disk full; the caller's to clear */
};

/* ERR_IO, ERR_CORRUPT, ERR_FULL, ERR_MEMORY; on failure nothing is left open. */
enum err db_open(struct db *db, const char *path, bool write, uint32_t cache_bytes,
                 struct why *why) must_use;
void db_close(struct db *db);
/* Runs SQL without results. */
void db_exec(struct db *db, const char *sql);
int64_t db_pragma(struct db *db, const char *sql); /* the one integer that it answers */
/* Keeps the connection's first error; ends the process if an fsync failed. */
void db_fail(struct db *db, int code);
/* Our own refusal (memory, corrupt contents) in the same place. */
void db_refuse(struct db *db, int code, const char *what);
void db_forgive(struct db *db);
enum err db_err(const struct db *db); /* of `code` */

/* A statement ready to be bound; never NULL once the connection works (else see db->code). */
sqlite3_stmt *db_use(struct db *db, enum statement statement);
void bind_i64(sqlite3_stmt *stmt, int at, int64_t value);
void bind_null(sqlite3_stmt *stmt, int at);
void bind_str(sqlite3_stmt *stmt, int at, struct str value); /* absent: NULL; borrowed */
void bind_blob(sqlite3_stmt *stmt, int at, const void *bytes, size_t len);

/* True with a row; false at the end or after an error, the statement being reset. */
bool db_row(struct db *db, sqlite3_stmt *stmt);
void db_reset(sqlite3_stmt *stmt);                  /* after reading less than all rows */
uint32_t db_run(struct db *db, sqlite3_stmt *stmt); /* to the end; rows changed */

int64_t column_i64(sqlite3_stmt *stmt, int at);
bool column_is_null(sqlite3_stmt *stmt, int at);
struct str column_view(sqlite3_stmt *stmt, int at); /* text or blob; until the next step or reset */
struct str column_str(sqlite3_stmt *stmt, int at, struct arena *arena);
