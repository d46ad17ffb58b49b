/* store/sqlite/change_named.c - management of apps, keys, categories, templates, suppressions. */
#include "store/sqlite/change.h"
#include "store/sqlite/rows.h"

/* -- apps and keys ---------------------------------------------------------------------------- */

static void create_app(struct db *db, struct change *op)
{
    sqlite3_stmt *stmt = db_use(db, APP_ADD);
    bind_str(stmt, 1, op->name);
    bind_i64(stmt, 2, op->now.ms);
    op->result = CHANGE_EXISTS;
    if (db_run(db, stmt) == 0)
        return;
    op->result = CHANGED_CREATED;
    op->number = (uint32_t)sqlite3_last_insert_rowid(db->sqlite);
    op->created_at = op->updated_at = op->now;
}

static void delete_app(struct db *db, struct change *op)
{
    static const enum statement steps[] = {KEY_REMOVE_ALL, APP_REMOVE, GONE_APP_ADD};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        sqlite3_stmt *stmt = db_use(db, steps[i]);
        bind_i64(stmt, 1, op->app);
        db_run(db, stmt);
    }
    op->result = CHANGED_REPLACED;
}

static void create_key(struct db *db, struct change *op)
{
    sqlite3_stmt *stmt = db_use(db, KEY_ADD);
    bind_str(stmt, 1, op->key.app_key);
    bind_i64(stmt, 2, op->app);
    bind_blob(stmt, 3, op->key.secret_hash, SECRET_HASH_SIZE);
    bind_i64(stmt, 4, op->key.scopes);
    bind_i64(stmt, 5, op->key.mode);
    bind_i64(stmt, 6, op->now.ms);
    bind_i64(stmt, 7, op->key.expires_at.ms);
    op->result = CHANGE_EXISTS;
    if (db_run(db, stmt) == 0)
        return;
    op->result = CHANGED_CREATED;
    op->created_at = op->updated_at = op->now;
}

/* Runs a statement whose parameters are the app and the name; it changes one row or none. */
static void remove_named(struct db *db, struct change *op, enum statement statement)
{
    sqlite3_stmt *stmt = db_use(db, statement);
    bind_i64(stmt, 1, op->app);
    bind_str(stmt, 2, op->name);
    op->result = db_run(db, stmt) ? CHANGED_REPLACED : CHANGE_MISSING;
}

static void revoke_key(struct db *db, struct change *op)
{
    remove_named(db, op, KEY_REMOVE);
}

/* -- categories and templates ----------------------------------------------------------------- */

/* When the row of a statement with the app and the name was made; false if there is none. */
static bool created_at(struct db *db, const struct change *op, enum statement statement,
                       struct wall *ret)
{
    sqlite3_stmt *stmt = db_use(db, statement);
    bind_i64(stmt, 1, op->app);
    bind_str(stmt, 2, op->name);
    if (!db_row(db, stmt))
        return false;
    ret->ms = column_i64(stmt, 0);
    db_reset(stmt);
    return true;
}

static int64_t pack_channels(const struct category *category)
{
    int64_t packed = category->channel_count;
    for (unsigned i = 0; i < CHANNEL_COUNT; i++)
        packed |= (int64_t)category->channels[i] << (4 + 4 * i);
    return packed;
}

static void put_category(struct db *db, struct change *op)
{
    const struct category *category = &op->category;
    bool had = created_at(db, op, CATEGORY_CREATED, &op->created_at);
    if (!had)
        op->created_at = op->now;
    op->updated_at = op->now;
    sqlite3_stmt *stmt = db_use(db, CATEGORY_PUT);
    bind_i64(stmt, 1, op->app);
    bind_str(stmt, 2, op->name);
    bind_i64(stmt, 3, pack_channels(category));
    bind_i64(stmt, 4,
             (int64_t)category->strategy | (int64_t)category->priority << 1 |
                 (int64_t)category->guarantee << 3 | (int64_t)category->mandatory << 4);
    bind_i64(stmt, 5, category->ttl.us);
    bind_i64(stmt, 6, op->created_at.ms);
    bind_i64(stmt, 7, op->updated_at.ms);
    db_run(db, stmt);
    op->result = had ? CHANGED_REPLACED : CHANGED_CREATED;
}

static void delete_category(struct db *db, struct change *op)
{
    remove_named(db, op, CATEGORY_REMOVE);
}

static void put_template(struct db *db, struct change *op)
{
    sqlite3_stmt *stmt = db_use(db, TEMPLATE_LAST);
    bind_i64(stmt, 1, op->app);
    bind_str(stmt, 2, op->name);
    op->number = 1 + (db_row(db, stmt) ? (uint32_t)column_i64(stmt, 0) : 0);
    db_reset(stmt);
    stmt = db_use(db, TEMPLATE_ADD);
    bind_i64(stmt, 1, op->app);
    bind_str(stmt, 2, op->name);
    bind_i64(stmt, 3, op->number);
    bind_i64(stmt, 4, op->now.ms);
    bind_str(stmt, 5, op->template_put.partials);
    bind_str(stmt, 6, op->template_put.source);
    db_run(db, stmt);
    op->result = op->number == 1 ? CHANGED_CREATED : CHANGED_REPLACED;
    op->created_at = op->updated_at = op->now;
}

/* -- suppressions ----------------------------------------------------------------------------- */

static void put_suppression(struct db *db, struct change *op)
{
    const struct suppression *suppression = &op->suppression;
    op->created_at = op->updated_at = op->now;
    sqlite3_stmt *stmt = db_use(db, SUPPRESSION_GET);
    bind_i64(stmt, 1, op->app);
    bind_str(stmt, 2, suppression->address);
    bind_i64(stmt, 3, suppression->channel);
    bool had = db_row(db, stmt);
    if (had)
        op->created_at.ms = column_i64(stmt, 1);
    db_reset(stmt);
    stmt = db_use(db, SUPPRESSION_PUT);
    bind_i64(stmt, 1, op->app);
    bind_str(stmt, 2, suppression->address);
    bind_i64(stmt, 3, suppression->channel);
    bind_str(stmt, 4, suppression->reason);
    bind_i64(stmt, 5, op->created_at.ms);
    db_run(db, stmt);
    op->result = had ? CHANGED_REPLACED : CHANGED_CREATED;
}

static void delete_suppression(struct db *db, struct change *op)
{
    sqlite3_stmt *stmt = db_use(db, SUPPRESSION_REMOVE);
    bind_i64(stmt, 1, op->app);
    bind_str(stmt, 2, op->suppression.address);
    bind_i64(stmt, 3, op->suppression.channel);
    op->result = db_run(db, stmt) ? CHANGED_REPLACED : CHANGE_MISSING;
}

void write_change_named(struct writer *writer, struct change *op)
{
    static void (*const handlers[])(struct db *, struct change *) = {
        [CHANGE_APP_CREATE] = create_app,
        [CHANGE_APP_DELETE] = delete_app,
        [CHANGE_KEY_CREATE] = create_key,
        [CHANGE_KEY_REVOKE] = revoke_key,
        [CHANGE_CATEGORY_PUT] = put_category,
        [CHANGE_CATEGORY_DELETE] = delete_category,
        [CHANGE_TEMPLATE_PUT] = put_template,
        [CHANGE_SUPPRESSION_PUT] = put_suppression,
        [CHANGE_SUPPRESSION_DELETE] = delete_suppression,
    };
    must((unsigned)op->type < sizeof handlers / sizeof *handlers && handlers[op->type]);
    handlers[op->type](&writer->db, op);
}
