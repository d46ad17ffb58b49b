/* store/sqlite/query_page.c - lists over many notifications: by filter, and the dead letters. */
#include "store/rules.h"
#include "store/sqlite/lookup.h"
#include "store/sqlite/view.h"

/* -- notifications ---------------------------------------------------------------------------- */

/* Where candidates come from, newest first, with ids below `below`. */
struct source {
    bool indexed; /* else every notification */
    uint64_t key;
    int64_t user; /* 0: any */
    int64_t below;
    struct picks picks;
    uint32_t at;
};

/* The next candidate; 0 at the end. */
static int64_t next_in_table(struct reader *reader, struct source *source)
{
    sqlite3_stmt *stmt = db_use(&reader->db, NOTIFICATION_BEFORE);
    bind_i64(stmt, 1, source->below);
    int64_t id = db_row(&reader->db, stmt) ? column_i64(stmt, 0) : 0;
    db_reset(stmt);
    return id;
}

static int64_t next_in_index(struct reader *reader, struct source *source)
{
    if (source->at == source->picks.count && (source->at == 0 || source->picks.more)) {
        free(source->picks.ids);
        source->at = 0;
        if (!lookup_pick(&reader->db, source->key, source->below, &source->picks))
            db_refuse(&reader->db, SQLITE_NOMEM, "no memory for a look-up");
    }
    return source->at < source->picks.count ? source->picks.ids[source->at++] : 0;
}

static int64_t next_candidate(struct reader *reader, struct source *source)
{
    int64_t id = source->indexed ? next_in_index(reader, source) : next_in_table(reader, source);
    if (id)
        source->below = id;
    return id;
}

/* The filter's questions to the notification's own columns. */
static bool matches(struct reader *reader, const struct query *query, int64_t id)
{
    sqlite3_stmt *stmt = db_use(&reader->db, NOTIFICATION_MATCH);
    bind_i64(stmt, 1, id);
    if (!db_row(&reader->db, stmt))
        return false;
    struct notification notification = {
        .id = id,
        .app = (uint32_t)column_i64(stmt, 0),
        .mode = flags_mode(column_i64(stmt, 1)),
        .category = column_view(stmt, 2),
        .template_name = column_view(stmt, 3),
    };
    bool matched = notification_matches(query, &notification);
    db_reset(stmt);
    return matched;
}

static bool is_users(struct reader *reader, const struct notification_head *head, uint32_t ordinal,
                     int64_t user)
{
    sqlite3_stmt *stmt = db_use(&reader->db, ordinal ? DELIVERY_USER : NOTIFICATION_USER);
    bind_i64(stmt, 1, head->id);
    if (ordinal)
        bind_i64(stmt, 2, ordinal);
    bool own = db_row(&reader->db, stmt) && column_i64(stmt, 0) == user;
    db_reset(stmt);
    return own;
}

/* The questions that need its deliveries: at least one of the user's in the state. */
static bool has_delivery(struct reader *reader, const struct query *query, int64_t id, int64_t user)
{
    struct notification_head head;
    if (!user && !query->filter.by_state)
        return true;
    if (!load_head(&reader->db, id, &head))
        return false;
    bool cancelled = is_cancelled(&reader->db, id);
    for (uint32_t i = 0; i < head.deliveries; i++) {
        if (user && !is_users(reader, &head, i, user))
            continue;
        if (!query->filter.by_state ||
            view_state(reader, &head, i, cancelled) == query->filter.state)
            return true;
        reader_breathe(reader);
    }
    return false;
}

static void add_notification(struct reader *reader, struct query *query, int64_t id)
{
    struct stored_notification stored;
    if (!load_notification(&reader->db, id, &query->arena, &stored))
        return;
    show_notification(reader, &stored, &query->notifications[query->count++]);
}

/* False: nothing can match. */
static bool open_source(struct reader *reader, struct query *query, struct source *ret)
{
    const struct notification_filter *filter = &query->filter;
    *ret = (struct source){.below = query->cursor_set ? query->cursor_id : INT64_MAX};
    if (filter->until.ms && id_floor(filter->until) < ret->below)
        ret->below = id_floor(filter->until);
    if (filter->user_id.at) {
        ret->user = find_user(&reader->db, query->app, filter->user_id);
        ret->key = lookup_user(ret->user);
    } else {
        ret->key = lookup_app(query->app);
    }
    ret->indexed = filter->user_id.at || query->app;
    return !filter->user_id.at || ret->user;
}

static void query_notifications(struct reader *reader, struct query *query)
{
    struct source source;
    uint32_t limit = page_limit(query->limit);
    query->notifications = arena_array(&query->arena, struct notification_view, limit);
    if (!query->notifications || !open_source(reader, query, &source))
        return;
    for (uint32_t looked = 0;; looked++) {
        int64_t id = next_candidate(reader, &source);
        if (!id || id_time(id).ms < query->filter.since.ms)
            break;
        if (query->count == limit || looked == PAGE_SCAN_MAX || query->arena.failed) {
            query->more = true;
            break;
        }
        query->next_id = id;
        if (matches(reader, query, id) && has_delivery(reader, query, id, source.user))
            add_notification(reader, query, id);
        reader_breathe(reader);
    }
    free(source.picks.ids);
}

/* -- dead letters ----------------------------------------------------------------------------- */

static void add_dead(struct reader *reader, struct query *query, struct delivery_key key)
{
    struct stored_notification stored;
    if (load_notification(&reader->db, key.notification, &query->arena, &stored) &&
        show_delivery(reader, &stored, key.ordinal, is_cancelled(&reader->db, key.notification),
                      &query->arena, &query->deliveries[query->count]))
        query->count++;
}

/* The next dead letter of the app (0: any) below the key; false at the end. */
static bool next_dead(struct reader *reader, const struct dead_filter *filter,
                      struct delivery_key *key, bool *ret_meant)
{
    sqlite3_stmt *stmt = db_use(&reader->db, filter->app ? DEAD_BEFORE_APP : DEAD_BEFORE);
    bind_i64(stmt, 1, key->notification);
    bind_i64(stmt, 2, key->ordinal);
    if (filter->app)
        bind_i64(stmt, 3, filter->app);
    if (!db_row(&reader->db, stmt))
        return false;
    struct dead_facts facts = {
        .app = (uint32_t)column_i64(stmt, 2),
        .mode = (enum mode)column_i64(stmt, 3),
        .channel = (enum channel)column_i64(stmt, 4),
        .at = {column_i64(stmt, 5)},
        .reason = column_view(stmt, 6),
    };
    *key = (struct delivery_key){column_i64(stmt, 0), (uint32_t)column_i64(stmt, 1)};
    *ret_meant = dead_matches(filter, &facts);
    db_reset(stmt);
    return true;
}

static void query_dead(struct reader *reader, struct query *query)
{
    struct dead_filter filter = query->dead;
    struct delivery_key key = {INT64_MAX, 0};
    uint32_t limit = page_limit(query->limit);
    if (!filter.app)
        filter.app = query->app;
    if (query->cursor_set)
        key = (struct delivery_key){query->cursor_id, query->cursor_ordinal};
    query->deliveries =
        arena_array(&query->arena, struct delivery_view, query->count_only ? 1 : limit);
    bool meant;
    for (uint32_t looked = 0; query->deliveries && next_dead(reader, &filter, &key, &meant);
         looked++) {
        if ((!query->count_only && query->count == limit) || looked == PAGE_SCAN_MAX ||
            query->arena.failed) {
            query->more = true;
            return;
        }
        query->next_id = key.notification;
        query->next_ordinal = key.ordinal;
        if (meant && query->count_only)
            query->count++;
        else if (meant)
            add_dead(reader, query, key);
        reader_breathe(reader);
    }
}

void read_page(struct reader *reader, struct query *query)
{
    if (query->type == QUERY_DEAD)
        query_dead(reader, query);
    else
        query_notifications(reader, query);
}
