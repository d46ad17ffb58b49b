/* store/sqlite/schema.c - the tables, and how an older file becomes a newer one.
 *
 * Small facts are packed, absent ones are NULL (no byte but the header's). Times beside an id are
 * milliseconds after the id's own time. `place` is app * LANE_COUNT + lane. No secondary index on
 * what the hot path writes: notification, delivery, event, hand, pending.
 */
#include "store/sqlite/schema.h"
#include <stdio.h>

/* The columns of a delivery: of ordinal 0 in its notification's row, of the others in `delivery`.
 */
#define DELIVERY_FACTS                                                                             \
    "user INTEGER, user_id TEXT, facts INTEGER, device_id TEXT, address TEXT, bundle_id TEXT, "    \
    "p256dh TEXT, auth TEXT, to_index INTEGER, locale TEXT, attributes TEXT, reason TEXT"

static const char *const migrations[] = {
    /* 1 */
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"

    "CREATE TABLE notification(id INTEGER PRIMARY KEY, app INTEGER NOT NULL,"
    " flags INTEGER NOT NULL, late INTEGER NOT NULL, ttl INTEGER, category TEXT NOT NULL,"
    " template TEXT, template_version INTEGER, partials TEXT, collapse_key TEXT, event_id TEXT,"
    " traceparent TEXT, deliveries INTEGER NOT NULL, idem BLOB, " DELIVERY_FACTS ", request TEXT);"
    "CREATE TABLE delivery(ntf INTEGER, ord INTEGER, " DELIVERY_FACTS
    ", PRIMARY KEY(ntf, ord)) WITHOUT ROWID;"
    "CREATE TABLE event(ntf INTEGER, ord INTEGER, seq INTEGER, facts INTEGER NOT NULL,"
    " at INTEGER NOT NULL, began INTEGER, due INTEGER, provider TEXT, code TEXT, reason TEXT,"
    " detail TEXT, message_id TEXT, PRIMARY KEY(ntf, ord, seq)) WITHOUT ROWID;"
    "CREATE TABLE hand(ntf INTEGER, ord INTEGER, place INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL, seq INTEGER NOT NULL, expires INTEGER,"
    " PRIMARY KEY(ntf, ord)) WITHOUT ROWID;"
    "CREATE TABLE pending(place INTEGER, due INTEGER, ntf INTEGER, ord INTEGER,"
    " attempts INTEGER NOT NULL, seq INTEGER NOT NULL, expires INTEGER,"
    " moved INTEGER NOT NULL, PRIMARY KEY(place, due, ntf, ord)) WITHOUT ROWID;"
    /* Where a delivery waits whose due cannot be told from its facts. */
    "CREATE TABLE moved(ntf INTEGER, ord INTEGER, due INTEGER NOT NULL,"
    " PRIMARY KEY(ntf, ord)) WITHOUT ROWID;"
    "CREATE TABLE depth(place INTEGER PRIMARY KEY, count INTEGER NOT NULL);"
    "CREATE TABLE cancelled(ntf INTEGER PRIMARY KEY);"
    "CREATE TABLE dead(ntf INTEGER, ord INTEGER, app INTEGER NOT NULL, mode INTEGER NOT NULL,"
    " channel INTEGER NOT NULL, place INTEGER NOT NULL, at INTEGER NOT NULL, reason TEXT,"
    " aged INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(ntf, ord)) WITHOUT ROWID;"
    "CREATE INDEX dead_app ON dead(app, ntf, ord);"
    "CREATE INDEX dead_young ON dead(at) WHERE aged = 0;"
    /* Answers that outlive their notification. */
    "CREATE TABLE idem(ntf INTEGER PRIMARY KEY, app INTEGER NOT NULL, mode INTEGER NOT NULL,"
    " accepted INTEGER NOT NULL, deliveries INTEGER NOT NULL, idem BLOB NOT NULL);"

    /* Derived: pairs of the indexes (store/sqlite/index.h), open ones and sorted runs. */
    "CREATE TABLE pair_state(kind INTEGER PRIMARY KEY, log_from INTEGER NOT NULL);"
    "CREATE TABLE pair_log(id INTEGER PRIMARY KEY, pairs BLOB NOT NULL);"
    "CREATE TABLE run(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, level INTEGER NOT NULL,"
    " state INTEGER NOT NULL, chunks INTEGER NOT NULL, pairs INTEGER NOT NULL,"
    " blocks INTEGER NOT NULL, high INTEGER NOT NULL);"
    "CREATE TABLE run_chunk(id INTEGER PRIMARY KEY, first INTEGER NOT NULL,"
    " first_value INTEGER NOT NULL, pairs BLOB NOT NULL);"
    "CREATE TABLE run_filter(id INTEGER PRIMARY KEY, blocks BLOB NOT NULL);"

    /* What the sweeps have still to do: rows of removed notifications, old ones that ended. */
    "CREATE TABLE erase(ntf INTEGER PRIMARY KEY);"
    "CREATE TABLE over(ntf INTEGER PRIMARY KEY);"
    "CREATE TABLE gone_app(number INTEGER PRIMARY KEY, position INTEGER NOT NULL,"
    " ordinal INTEGER NOT NULL);"

    "CREATE TABLE app(number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,"
    " created_at INTEGER NOT NULL);"
    "CREATE TABLE app_key(app_key TEXT PRIMARY KEY, app INTEGER NOT NULL,"
    " secret_hash BLOB NOT NULL, scopes INTEGER NOT NULL, mode INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX app_key_app ON app_key(app, app_key);"
    "CREATE TABLE user(number INTEGER PRIMARY KEY AUTOINCREMENT, app INTEGER NOT NULL,"
    " user_id TEXT NOT NULL, email TEXT, phone TEXT, locale TEXT, timezone TEXT, attributes TEXT,"
    " preferences TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,"
    " UNIQUE(app, user_id));"
    "CREATE TABLE device(user INTEGER, device_id TEXT, app INTEGER NOT NULL,"
    " facts INTEGER NOT NULL, token TEXT NOT NULL, bundle_id TEXT, p256dh TEXT, auth TEXT,"
    " registered_at INTEGER NOT NULL, last_seen_at INTEGER NOT NULL, invalid_at INTEGER,"
    " invalid_reason TEXT, PRIMARY KEY(user, device_id)) WITHOUT ROWID;"
    "CREATE UNIQUE INDEX device_token ON device(app, token);"
    "CREATE TABLE category(app INTEGER, name TEXT, channels INTEGER NOT NULL,"
    " facts INTEGER NOT NULL, ttl INTEGER NOT NULL, created_at INTEGER NOT NULL,"
    " updated_at INTEGER NOT NULL, PRIMARY KEY(app, name)) WITHOUT ROWID;"
    "CREATE TABLE template(app INTEGER NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL, partials TEXT, source TEXT, UNIQUE(app, name, version));"
    "CREATE TABLE suppression(app INTEGER, address TEXT, channel INTEGER, reason TEXT,"
    " created_at INTEGER NOT NULL, PRIMARY KEY(app, address, channel)) WITHOUT ROWID;",

    /* 2: lists are newest first; the other tables that are listed are small. */
    "CREATE INDEX suppression_age ON suppression(app, created_at, address, channel);",

    /* 3: pauses and moves; few. */
    "CREATE TABLE steer(type INTEGER, kind INTEGER, source TEXT, target TEXT, reason TEXT,"
    " said_by TEXT, since INTEGER NOT NULL, until INTEGER NOT NULL,"
    " PRIMARY KEY(type, kind, source)) WITHOUT ROWID;",

    /* 4: of an attempt: which rule chose its provider. */
    "ALTER TABLE event ADD COLUMN route TEXT;",

    /* 5: channels of strategy `first` that reached nobody; `ord` is the last of their deliveries,
     * `made` how many were added after them, NULL while that is open. */
    "CREATE TABLE follow(ntf INTEGER, entry INTEGER, channel INTEGER, ord INTEGER NOT NULL,"
    " made INTEGER, PRIMARY KEY(ntf, entry, channel)) WITHOUT ROWID;"
    "CREATE INDEX follow_open ON follow(ntf, entry, channel) WHERE made IS NULL;",

    /* 6: an at-most-once attempt may have begun. */
    "ALTER TABLE hand ADD COLUMN marked INTEGER NOT NULL DEFAULT 0;",
};

enum { MIGRATIONS = sizeof migrations / sizeof *migrations };

uint32_t schema_version(void)
{
    return MIGRATIONS;
}

enum err schema_migrate(struct db *db, struct why *why)
{
    int64_t at = db_pragma(db, "PRAGMA user_version");
    if (db->code == SQLITE_OK && (at < 0 || at > MIGRATIONS))
        return why_set(why, ERR_CONFLICT,
                       "the store has schema %lld, this program knows up to %d: run a newer one",
                       (long long)at, (int)MIGRATIONS);
    for (; at < MIGRATIONS && db->code == SQLITE_OK; at++) {
        char version[48];
        (void)snprintf(version, sizeof version, "PRAGMA user_version=%lld", (long long)(at + 1));
        db_exec(db, "BEGIN IMMEDIATE");
        db_exec(db, migrations[at]);
        db_exec(db, version);
        db_exec(db, "COMMIT");
    }
    if (why && db->code != SQLITE_OK)
        *why = db->why;
    return db_err(db);
}
