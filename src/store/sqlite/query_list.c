/* store/sqlite/query_list.c - reads of what is managed: apps, keys, recipients, templates, ... */
#include "store/rules.h"
#include "store/sqlite/reader.h"
#include "store/sqlite/rows.h"

/* -- rows ------------------------------------------------------------------------------------- */

static void read_app(sqlite3_stmt *stmt, struct arena *arena, struct app *ret)
{
    *ret = (struct app){
        .number = (uint32_t)column_i64(stmt, 0),
        .name = column_str(stmt, 1, arena),
        .created_at = {column_i64(stmt, 2)},
    };
}

static void read_key(sqlite3_stmt *stmt, struct arena *arena, struct key *ret)
{
    struct str hash = column_view(stmt, 3);
    *ret = (struct key){
        .app_key = column_str(stmt, 0, arena),
        .app = (uint32_t)column_i64(stmt, 1),
        .app_name = column_str(stmt, 2, arena),
        .scopes = (unsigned)column_i64(stmt, 4),
        .mode = (enum mode)column_i64(stmt, 5),
        .created_at = {column_i64(stmt, 6)},
        .expires_at = {column_i64(stmt, 7)},
    };
    if (hash.len == SECRET_HASH_SIZE)
        memcpy(ret->secret_hash, hash.at, SECRET_HASH_SIZE);
}

static void read_template(sqlite3_stmt *stmt, struct arena *arena, struct template_version *ret)
{
    *ret = (struct template_version){
        .name = column_str(stmt, 0, arena),
        .version = (uint32_t)column_i64(stmt, 1),
        .created_at = {column_i64(stmt, 2)},
        .partials = column_str(stmt, 3, arena),
        .source = column_str(stmt, 4, arena),
    };
}

static void read_suppression(sqlite3_stmt *stmt, struct arena *arena, struct suppression *ret)
{
    *ret = (struct suppression){
        .address = column_str(stmt, 0, arena),
        .channel = (enum channel)column_i64(stmt, 1),
        .reason = column_str(stmt, 2, arena),
        .created_at = {column_i64(stmt, 3)},
    };
}

/* -- one by name ------------------------------------------------------------------------------ */

static void missing(struct query *query, const char *what)
{
    query->err = why_set(&query->why, ERR_MISSING, "no such %s", what);
}

static void query_app(struct reader *reader, struct query *query)
{
    query->apps = arena_new(&query->arena, struct app);
    sqlite3_stmt *stmt = db_use(&reader->db, APP_GET);
    bind_str(stmt, 1, query->name);
    if (!db_row(&reader->db, stmt))
        missing(query, "app");
    else if (query->apps)
        read_app(stmt, &query->arena, &query->apps[query->count++]);
    db_reset(stmt);
}

static void query_key(struct reader *reader, struct query *query)
{
    query->keys = arena_new(&query->arena, struct key);
    sqlite3_stmt *stmt = db_use(&reader->db, KEY_GET);
    bind_str(stmt, 1, query->name);
    if (!db_row(&reader->db, stmt) || (query->app && query->app != column_i64(stmt, 1)))
        missing(query, "key");
    else if (query->keys)
        read_key(stmt, &query->arena, &query->keys[query->count++]);
    db_reset(stmt);
}

static void query_category(struct reader *reader, struct query *query)
{
    query->categories = arena_new(&query->arena, struct category);
    if (!query->categories)
        return;
    if (!load_category(&reader->db, query->app, query->name, &query->arena, query->categories)) {
        if (!str_eq(query->name, CATEGORY_DEFAULT)) {
            missing(query, "category");
            return;
        }
        *query->categories = category_default();
    }
    query->count = 1;
}

static void query_template(struct reader *reader, struct query *query)
{
    query->templates = arena_new(&query->arena, struct template_version);
    sqlite3_stmt *stmt = db_use(&reader->db, TEMPLATE_GET);
    bind_i64(stmt, 1, query->app);
    bind_str(stmt, 2, query->name);
    bind_i64(stmt, 3, query->version);
    if (!db_row(&reader->db, stmt))
        missing(query, "template");
    else if (query->templates)
        read_template(stmt, &query->arena, &query->templates[query->count++]);
    db_reset(stmt);
}

static void query_suppression(struct reader *reader, struct query *query)
{
    query->suppressions = arena_new(&query->arena, struct suppression);
    sqlite3_stmt *stmt = db_use(&reader->db, SUPPRESSION_GET);
    bind_i64(stmt, 1, query->app);
    bind_str(stmt, 2, query->suppression.address);
    bind_i64(stmt, 3, query->suppression.channel);
    if (!db_row(&reader->db, stmt)) {
        missing(query, "suppression");
    } else if (query->suppressions) {
        query->suppressions[query->count++] = (struct suppression){
            .channel = query->suppression.channel,
            .address = arena_copy(&query->arena, query->suppression.address),
            .reason = column_str(stmt, 0, &query->arena),
            .created_at = {column_i64(stmt, 1)},
        };
    }
    db_reset(stmt);
}

static void query_recipients(struct reader *reader, struct query *query)
{
    query->recipients = arena_array(&query->arena, struct recipient, query->user_id_count);
    query->suppressed = arena_array(&query->arena, bool, query->address_count);
    if (query->arena.failed)
        return;
    for (uint32_t i = 0; i < query->user_id_count; i++) {
        int64_t user = find_user(&reader->db, query->app, query->user_ids[i]);
        if (user && load_recipient(&reader->db, user, &query->arena, &query->recipients[i]))
            (void)load_devices(&reader->db, user, &query->arena, &query->recipients[i]);
        reader_breathe(reader);
    }
    for (uint32_t i = 0; i < query->address_count; i++) {
        query->suppressed[i] = is_suppressed(&reader->db, query->app, query->addresses[i].channel,
                                             query->addresses[i].address);
        reader_breathe(reader);
    }
    query->count = query->user_id_count;
}

/* -- lists, newest first ---------------------------------------------------------------------- */

/* A statement bound to the app (?1), the cursor (?4 when, ?2 the name) and one row more than the
 * page has (?3). */
static sqlite3_stmt *list(struct reader *reader, struct query *query, enum statement statement)
{
    sqlite3_stmt *stmt = db_use(&reader->db, statement);
    bind_i64(stmt, 1, query->app);
    bind_str(stmt, 2, query->cursor_set ? query->cursor_name : STR(""));
    bind_i64(stmt, 3, page_limit(query->limit) + 1);
    bind_i64(stmt, 4, query->cursor_set ? query->cursor_id : INT64_MAX);
    return stmt;
}

/* The next row of the page; false at the end, with `more` if it is only the page's. */
static bool next(struct reader *reader, struct query *query, sqlite3_stmt *stmt, const void *rows)
{
    if (!rows || !db_row(&reader->db, stmt)) {
        db_reset(stmt);
        return false;
    }
    if (query->count < page_limit(query->limit))
        return true;
    query->more = true;
    db_reset(stmt);
    return false;
}

static void went_on(struct query *query, struct wall created_at, struct str name)
{
    query->next_id = created_at.ms;
    query->next_name = name;
}

static void query_apps(struct reader *reader, struct query *query)
{
    query->apps = arena_array(&query->arena, struct app, page_limit(query->limit));
    sqlite3_stmt *stmt = list(reader, query, APP_LIST);
    while (next(reader, query, stmt, query->apps)) {
        struct app *app = &query->apps[query->count++];
        read_app(stmt, &query->arena, app);
        went_on(query, app->created_at, app->name);
    }
}

static void query_keys(struct reader *reader, struct query *query)
{
    query->keys = arena_array(&query->arena, struct key, page_limit(query->limit));
    sqlite3_stmt *stmt = list(reader, query, KEY_LIST);
    while (next(reader, query, stmt, query->keys)) {
        struct key *key = &query->keys[query->count++];
        read_key(stmt, &query->arena, key);
        went_on(query, key->created_at, key->app_key);
    }
}

/* By when the first version was made, so that a new version does not move a template. */
static void query_templates(struct reader *reader, struct query *query)
{
    query->templates =
        arena_array(&query->arena, struct template_version, page_limit(query->limit));
    sqlite3_stmt *stmt = list(reader, query, TEMPLATE_LIST);
    while (next(reader, query, stmt, query->templates)) {
        struct template_version *version = &query->templates[query->count++];
        read_template(stmt, &query->arena, version);
        went_on(query, (struct wall){column_i64(stmt, 5)}, version->name);
    }
}

static void query_suppressions(struct reader *reader, struct query *query)
{
    query->suppressions = arena_array(&query->arena, struct suppression, page_limit(query->limit));
    sqlite3_stmt *stmt = list(reader, query, SUPPRESSION_LIST);
    bind_i64(stmt, 5, query->cursor_ordinal);
    while (next(reader, query, stmt, query->suppressions)) {
        struct suppression *suppression = &query->suppressions[query->count++];
        read_suppression(stmt, &query->arena, suppression);
        went_on(query, suppression->created_at, suppression->address);
        query->next_ordinal = suppression->channel;
    }
}

/* `default` comes last: every app has had it from the start, changed or not. */
static void query_categories(struct reader *reader, struct query *query)
{
    uint32_t limit = page_limit(query->limit);
    query->categories = arena_array(&query->arena, struct category, limit);
    sqlite3_stmt *stmt = list(reader, query, CATEGORY_LIST);
    while (next(reader, query, stmt, query->categories)) {
        struct category *category = &query->categories[query->count++];
        read_category(stmt, &query->arena, category);
        went_on(query, category->created_at, category->name);
    }
    if (!query->categories || query->more)
        return;
    if (query->count == limit) {
        query->more = true;
        return;
    }
    struct category *last = &query->categories[query->count++];
    if (!load_category(&reader->db, query->app, CATEGORY_DEFAULT, &query->arena, last))
        *last = category_default();
}

void read_list(struct reader *reader, struct query *query)
{
    static void (*const handlers[])(struct reader *, struct query *) = {
        [QUERY_APP] = query_app,
        [QUERY_APPS] = query_apps,
        [QUERY_KEY] = query_key,
        [QUERY_KEYS] = query_keys,
        [QUERY_RECIPIENTS] = query_recipients,
        [QUERY_CATEGORY] = query_category,
        [QUERY_CATEGORIES] = query_categories,
        [QUERY_TEMPLATE] = query_template,
        [QUERY_TEMPLATES] = query_templates,
        [QUERY_SUPPRESSION] = query_suppression,
        [QUERY_SUPPRESSIONS] = query_suppressions,
    };
    must((unsigned)query->type < sizeof handlers / sizeof *handlers && handlers[query->type]);
    handlers[query->type](reader, query);
}
