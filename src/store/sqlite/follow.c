/* store/sqlite/follow.c - strategy `first`: channels that reached nobody, and what is added then.
 */
#include "model/limits.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/writer.h"

/* -- marks ------------------------------------------------------------------------------------ */

struct follow_mark {
    int64_t notification;
    uint32_t to_index;
    enum channel channel;
    uint32_t ordinal; /* of the last of its deliveries to end */
};

/* A delivery as far as it concerns its mark; no user: a direct address. */
struct mark_row {
    int64_t facts;
    uint32_t to_index;
    int64_t user;
    struct str user_id; /* with an arena */
};

static bool load_row(struct db *db, struct delivery_key key, struct arena *arena,
                     struct mark_row *ret)
{
    sqlite3_stmt *stmt = db_use(db, key.ordinal ? FOLLOW_ROW : FOLLOW_ROW_FIRST);
    bind_i64(stmt, 1, key.notification);
    if (key.ordinal)
        bind_i64(stmt, 2, key.ordinal);
    if (!db_row(db, stmt))
        return false;
    *ret = (struct mark_row){
        .facts = column_i64(stmt, 0),
        .to_index = (uint32_t)column_i64(stmt, 1),
        .user = column_i64(stmt, 2),
        .user_id = arena ? column_str(stmt, 3, arena) : STR_NONE,
    };
    db_reset(stmt);
    return true;
}

/* Closes it; false if it is not open. */
static bool close_mark(struct writer *writer, int64_t notification, uint32_t to_index,
                       enum channel channel, uint32_t made)
{
    sqlite3_stmt *stmt = db_use(&writer->db, FOLLOW_CLOSE);
    bind_i64(stmt, 1, notification);
    bind_i64(stmt, 2, to_index);
    bind_i64(stmt, 3, channel);
    bind_i64(stmt, 4, made);
    return db_run(&writer->db, stmt) > 0;
}

uint32_t rows_made_later(struct db *db, int64_t notification)
{
    sqlite3_stmt *stmt = db_use(db, FOLLOW_MADE);
    bind_i64(stmt, 1, notification);
    uint32_t made = db_row(db, stmt) ? (uint32_t)column_i64(stmt, 0) : 0;
    db_reset(stmt);
    return made;
}

static bool ended_unsent(struct db *db, struct delivery_key key, int64_t facts)
{
    enum state state = facts_state(facts);
    bool unsent = is_unsent(state);
    sqlite3_stmt *stmt = list_events(db, key, 0, UINT32_MAX);
    while (db_row(db, stmt)) {
        state = facts_state(column_i64(stmt, 2) << 4);
        unsent = unsent && is_unsent(state);
    }
    return unsent && ends_unsent(state);
}

/* Rows of one entry and channel stand side by side: looks at those from `key` on, up or down. */
static bool neighbours_unsent(struct db *db, struct delivery_key key,
                              const struct follow_mark *mark, int step)
{
    struct mark_row row;
    while (step > 0 || key.ordinal > 0) {
        key.ordinal += (uint32_t)step;
        if (!load_row(db, key, NULL, &row) || row.to_index != mark->to_index ||
            kind_channel(facts_kind(row.facts)) != mark->channel)
            return true;
        if (!ended_unsent(db, key, row.facts))
            return false;
    }
    return true;
}

bool follow_mark(struct writer *writer, struct delivery_key key)
{
    struct db *db = &writer->db;
    struct mark_row row;
    if (!load_row(db, key, NULL, &row))
        return false;
    struct follow_mark mark = {key.notification, row.to_index, kind_channel(facts_kind(row.facts)),
                               key.ordinal};
    if (!ended_unsent(db, key, row.facts) || !neighbours_unsent(db, key, &mark, -1) ||
        !neighbours_unsent(db, key, &mark, 1))
        return false;
    sqlite3_stmt *stmt = db_use(db, FOLLOW_ADD);
    bind_i64(stmt, 1, mark.notification);
    bind_i64(stmt, 2, mark.to_index);
    bind_i64(stmt, 3, mark.channel);
    bind_i64(stmt, 4, mark.ordinal);
    return db_run(db, stmt) > 0;
}

/* -- follow ----------------------------------------------------------------------------------- */

static uint32_t list_open(struct db *db, struct follow_mark *marks, uint32_t limit)
{
    uint32_t count = 0;
    sqlite3_stmt *stmt = db_use(db, FOLLOW_OPEN);
    bind_i64(stmt, 1, limit);
    while (count < limit && db_row(db, stmt))
        marks[count++] = (struct follow_mark){
            .notification = column_i64(stmt, 0),
            .to_index = (uint32_t)column_i64(stmt, 1),
            .channel = (enum channel)column_i64(stmt, 2),
            .ordinal = (uint32_t)column_i64(stmt, 3),
        };
    db_reset(stmt);
    return count;
}

static const struct notification *load_facts_of(struct db *db, const struct notification_head *head,
                                                struct arena *arena)
{
    struct notification *ret = arena_new(arena, struct notification);
    if (!ret)
        return NULL;
    *ret = (struct notification){
        .id = head->id,
        .app = head->app,
        .expires_at = head->expires_at,
        .delivery_count = head->deliveries,
    };
    read_flags(head->flags, ret);
    sqlite3_stmt *stmt = db_use(db, FOLLOW_CATEGORY);
    bind_i64(stmt, 1, head->id);
    if (db_row(db, stmt))
        ret->category = column_str(stmt, 0, arena);
    db_reset(stmt);
    return ret;
}

/* False: it is over. The arena's `failed` says if it did not fit. */
static bool load_followed(struct db *db, const struct follow_mark *mark, struct wall now,
                          struct arena *arena, struct followed *ret)
{
    struct delivery_key key = {mark->notification, mark->ordinal};
    struct notification_head head;
    struct mark_row row;
    if (!load_head(db, mark->notification, &head) || !load_row(db, key, arena, &row) ||
        is_cancelled(db, head.id) || wall_reached(now, head.expires_at) ||
        !app_exists(db, head.app))
        return false;
    struct standing standing = load_standing(db, key, row.facts, arena);
    *ret = (struct followed){
        .notification = load_facts_of(db, &head, arena),
        .to_index = mark->to_index,
        .channel = mark->channel,
        .user_id = row.user_id,
        .state = standing.state,
        .reason = standing.reason,
    };
    if (!row.user || !load_recipient(db, row.user, arena, &ret->recipient))
        return false;
    (void)load_devices(db, row.user, arena, &ret->recipient);
    if (!arena->failed)
        load_category_now(db, head.app, ret->notification->category, arena, &ret->category);
    return true;
}

void write_follow(struct writer *writer, struct follow *op, struct arena *arena)
{
    struct follow_mark marks[FOLLOW_MAX];
    must(op->limit >= 1 && op->limit <= FOLLOW_MAX);
    uint32_t found = list_open(&writer->db, marks, op->limit);
    op->count = 0;
    op->more = found == op->limit;
    op->list = arena_array(arena, struct followed, op->limit);
    for (uint32_t i = 0; i < found; i++) {
        const struct follow_mark *mark = &marks[i];
        bool stands =
            op->list && load_followed(&writer->db, mark, op->now, arena, &op->list[op->count]);
        if (arena->failed) {
            op->more = true;
            return;
        }
        op->count += stands;
        if (stands)
            continue;
        (void)close_mark(writer, mark->notification, mark->to_index, mark->channel, 0);
        note_over(writer, mark->notification);
    }
}

/* -- extend ----------------------------------------------------------------------------------- */

static void add_row(struct writer *writer, const struct extend *op,
                    const struct notification_head *head, uint32_t i)
{
    struct delivery delivery = op->deliveries[i];
    bool queued = delivery.state == STATE_QUEUED;
    struct event event = {
        .key = {head->id, head->deliveries + i},
        .at = op->now,
        .state = delivery.state,
        .due = queued ? op->due : (struct wall){0},
        .reason = queued ? op->why : delivery.reason,
        .detail = queued ? STR_NONE : op->why,
    };
    must(queued || state_is_final(delivery.state));
    delivery.ordinal = event.key.ordinal;
    delivery.to_index = op->to_index;
    delivery.made_at = op->now;
    delivery.state = STATE_QUEUED; /* its first event says what it came to */
    delivery.reason = STR_NONE;
    delivery_add(writer, head->id, &delivery);
    event_add(writer, &event);
    if (!queued)
        return;
    struct open_row row = {
        .key = event.key,
        .place = place_of(lane_of(delivery.kind, head->priority), head->app),
        .seq = 1,
        .due = op->due,
    };
    pending_add(writer, &row, false);
}

void write_extend(struct writer *writer, struct extend *op)
{
    struct notification_head head = {0};
    bool stands = load_head(&writer->db, op->notification, &head) &&
                  !is_cancelled(&writer->db, op->notification);
    op->applied =
        close_mark(writer, op->notification, op->to_index, op->channel, stands ? op->count : 0) &&
        stands;
    note_over(writer, op->notification);
    if (!op->applied)
        return;
    for (uint32_t i = 0; i < op->count; i++)
        add_row(writer, op, &head, i);
    sqlite3_stmt *stmt = db_use(&writer->db, NOTIFICATION_GROW);
    bind_i64(stmt, 1, op->notification);
    bind_i64(stmt, 2, op->count);
    db_run(&writer->db, stmt);
}
