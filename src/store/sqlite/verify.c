/* store/sqlite/verify.c - does what stands in the file hold together? */
#include "store/sqlite/verify.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/writer.h"
#include <stdio.h>

enum { PROGRESS_ROWS = 20000, PROGRESS_OPS = 5000000, SENTENCE_MAX = 300 };

void verify_fault(struct verify *verify, const char *format, ...)
{
    char sentence[SENTENCE_MAX];
    va_list args;
    if (++verify->faults > OFFLINE_FAULTS_MAX || !verify->watch->fault)
        return;
    va_start(args, format);
    (void)vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    verify->watch->fault(verify->watch->self, sentence);
}

static void say(const struct verify *verify, const char *what, uint64_t done, uint64_t all)
{
    if (verify->watch->progress)
        verify->watch->progress(verify->watch->self, what, done, all);
}

/* A statement of its own, for tables that are read once. */
static sqlite3_stmt *prepare(struct verify *verify, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(verify->db->sqlite, sql, -1, &stmt, NULL);
    if (code != SQLITE_OK)
        db_fail(verify->db, code);
    return stmt;
}

static int64_t number(struct verify *verify, const char *sql)
{
    sqlite3_stmt *stmt = prepare(verify, sql);
    int64_t value = db_row(verify->db, stmt) ? column_i64(stmt, 0) : 0;
    (void)sqlite3_finalize(stmt);
    return value;
}

/* -- pages ------------------------------------------------------------------------------------ */

static int still_at_it(void *self)
{
    say(self, "pages", 0, 0);
    return 0;
}

static void check_pages(struct verify *verify)
{
    sqlite3_progress_handler(verify->db->sqlite, PROGRESS_OPS, still_at_it, verify);
    sqlite3_stmt *stmt = prepare(verify, "PRAGMA integrity_check(100)");
    while (db_row(verify->db, stmt)) {
        struct str text = column_view(stmt, 0);
        if (!str_eq(text, STR("ok")))
            verify_fault(verify, "SQLite: %.*s", STR_ARG(text));
    }
    (void)sqlite3_finalize(stmt);
    sqlite3_progress_handler(verify->db->sqlite, 0, NULL, NULL);
}

/* -- deliveries ------------------------------------------------------------------------------- */

/* What is said of a delivery names it as the API does. */
static const char *name_of(const struct verify *verify, struct delivery_key key,
                           char into[ID_TEXT_SIZE])
{
    return dlv_format(&verify->ids, key, into).at;
}

/* The delivery's events in order: where do they lead? */
static struct standing follow(struct verify *verify, struct delivery_key key, int64_t facts)
{
    struct delivery accepted = {.state = facts_state(facts)};
    struct standing standing = standing_of(&accepted, key.notification);
    char id[ID_TEXT_SIZE];
    sqlite3_stmt *stmt = list_events(verify->db, key, 0, UINT32_MAX);
    while (db_row(verify->db, stmt)) {
        struct event event;
        read_event(stmt, key.notification, NULL, &event);
        if (event.seq != standing.next_seq)
            verify_fault(verify, "%s: event %u is missing", name_of(verify, key, id),
                         standing.next_seq);
        if (!state_follows(standing.state, event.state))
            verify_fault(verify, "%s: event %u says %.*s after %.*s", name_of(verify, key, id),
                         event.seq, STR_ARG(state_name(event.state)),
                         STR_ARG(state_name(standing.state)));
        standing_add(&standing, &event);
    }
    return standing;
}

static bool has_row(struct verify *verify, enum statement statement, struct delivery_key key)
{
    sqlite3_stmt *stmt = db_use(verify->db, statement);
    bind_i64(stmt, 1, key.notification);
    bind_i64(stmt, 2, key.ordinal);
    bool found = db_row(verify->db, stmt);
    db_reset(stmt);
    return found;
}

static void check_delivery(struct verify *verify, const struct notification_head *head,
                           uint32_t ordinal)
{
    struct delivery_key key = {head->id, ordinal};
    char id[ID_TEXT_SIZE];
    int64_t facts;
    if (!load_facts(verify->db, head, ordinal, &facts)) {
        verify_fault(verify, "%s: it is not there", name_of(verify, key, id));
        return;
    }
    struct standing standing = follow(verify, key, facts);
    int64_t place = place_of(lane_of(facts_kind(facts), head->priority), head->app);
    struct open_work open = load_open_work(verify->db, key, place, &standing, head->accepted_at);
    bool is_dead = has_row(verify, DEAD_GET, key);
    verify->hand += open.where == OPEN_HAND;
    verify->pending += open.where == OPEN_PENDING;
    verify->moved += has_row(verify, MOVED_GET, key);
    if (!state_is_final(standing.state) && open.where == OPEN_NOT)
        verify_fault(verify, "%s: it is open, and neither in hand nor pending",
                     name_of(verify, key, id));
    if (is_dead && standing.state != STATE_DEAD)
        verify_fault(verify, "%s: it is a dead letter, and %.*s", name_of(verify, key, id),
                     STR_ARG(state_name(standing.state)));
}

static void check_deliveries(struct verify *verify)
{
    uint64_t all = (uint64_t)number(verify, "SELECT count(*) FROM notification"), done = 0;
    sqlite3_stmt *stmt = prepare(verify, "SELECT id FROM notification ORDER BY id");
    while (db_row(verify->db, stmt)) {
        struct notification_head head;
        if (!load_head(verify->db, column_i64(stmt, 0), &head))
            continue;
        for (uint32_t i = 0; i < head.deliveries; i++)
            check_delivery(verify, &head, i);
        verify_found(verify, head.id);
        if (++done % PROGRESS_ROWS == 0)
            say(verify, "notifications", done, all);
    }
    (void)sqlite3_finalize(stmt);
}

/* -- tables ----------------------------------------------------------------------------------- */

/* Rows that no delivery leads to: of another one, twice, or of one that has ended. */
static void check_count(struct verify *verify, const char *table, const char *sql, uint64_t found)
{
    int64_t rows = number(verify, sql);
    if (rows != (int64_t)found)
        verify_fault(verify, "%s has %lld rows, and open deliveries for %llu of them", table,
                     (long long)rows, (unsigned long long)found);
}

static void check_depths(struct verify *verify)
{
    sqlite3_stmt *stmt = prepare(
        verify, "SELECT place,sum(c),sum(n) FROM (SELECT place,count AS c,0 AS n FROM depth UNION "
                "ALL SELECT place,0,count(*) FROM pending GROUP BY place) GROUP BY place "
                "HAVING sum(c)<>sum(n)");
    while (db_row(verify->db, stmt))
        verify_fault(verify, "app %u, lane %u: depth %lld, and %lld rows pending",
                     place_app(column_i64(stmt, 0)), place_lane(column_i64(stmt, 0)),
                     (long long)column_i64(stmt, 1), (long long)column_i64(stmt, 2));
    (void)sqlite3_finalize(stmt);
}

/* Rows of a notification that is gone, and not being erased. */
static void check_orphans(struct verify *verify, const char *what, const char *sql)
{
    sqlite3_stmt *stmt = prepare(verify, sql);
    while (db_row(verify->db, stmt)) {
        char id[ID_TEXT_SIZE];
        verify_fault(verify, "%s: it is gone, and has %s",
                     ntf_format(&verify->ids, column_i64(stmt, 0), id).at, what);
    }
    (void)sqlite3_finalize(stmt);
}

#define ORPHANS(table)                                                                             \
    "SELECT DISTINCT ntf FROM " table " AS t WHERE NOT EXISTS(SELECT 1 FROM notification WHERE "   \
    "id=t.ntf) AND NOT EXISTS(SELECT 1 FROM erase WHERE ntf=t.ntf) LIMIT 100"

static void check_tables(struct verify *verify)
{
    check_count(verify, "hand", "SELECT count(*) FROM hand", verify->hand);
    check_count(verify, "pending", "SELECT count(*) FROM pending", verify->pending);
    check_count(verify, "moved", "SELECT count(*) FROM pending WHERE moved", verify->moved);
    check_depths(verify);
    check_orphans(verify, "deliveries", ORPHANS("delivery"));
    check_orphans(verify, "events", ORPHANS("event"));
    check_orphans(verify, "dead letters", ORPHANS("dead"));
}

static void load_secret(struct verify *verify)
{
    sqlite3_stmt *stmt = prepare(verify, "SELECT value FROM meta WHERE name='id_secret'");
    if (db_row(verify->db, stmt)) {
        struct str secret = column_view(stmt, 0);
        if (secret.len == sizeof verify->ids.secret)
            memcpy(verify->ids.secret, secret.at, secret.len);
    }
    (void)sqlite3_finalize(stmt);
}

enum err verify_all(struct db *db, struct wall now, const struct offline_watch *watch,
                    uint64_t *ret_faults, struct why *why)
{
    struct verify verify = {.db = db, .watch = watch, .now = now};
    check_pages(&verify);
    if (!verify.faults) { /* else the rows mean little */
        db_exec(db, "BEGIN");
        load_secret(&verify);
        if (!verify_index_open(&verify))
            db_refuse(db, SQLITE_NOMEM, "no memory for the indexes");
        check_deliveries(&verify);
        check_tables(&verify);
        verify_index_close(&verify);
        if (db->code == SQLITE_OK)
            db_exec(db, "ROLLBACK"); /* opening the indexes marks what is waste */
    }
    *ret_faults = verify.faults;
    if (why && db->code != SQLITE_OK)
        *why = db->why;
    return db_err(db);
}
