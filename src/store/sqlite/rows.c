/* store/sqlite/rows.c - stored notifications, deliveries and events as values of the model. */
#include "store/sqlite/rows.h"
#include "store/sqlite/writer.h"

/* -- deliveries ------------------------------------------------------------------------------- */

void bind_delivery(sqlite3_stmt *stmt, int at, const struct delivery *delivery)
{
    if (delivery->user)
        bind_i64(stmt, at, delivery->user);
    else
        bind_null(stmt, at);
    bind_str(stmt, at + 1, delivery->user_id);
    bind_i64(stmt, at + 2, delivery_facts(delivery));
    bind_str(stmt, at + 3, delivery->device_id);
    bind_str(stmt, at + 4, delivery->address);
    bind_str(stmt, at + 5, delivery->bundle_id);
    bind_str(stmt, at + 6, delivery->p256dh);
    bind_str(stmt, at + 7, delivery->auth);
    bind_i64(stmt, at + 8, delivery->to_index);
    bind_str(stmt, at + 9, delivery->locale);
    bind_str(stmt, at + 10, delivery->attributes);
    bind_str(stmt, at + 11, delivery->reason);
}

static void read_delivery(sqlite3_stmt *stmt, int at, uint32_t ordinal, struct arena *arena,
                          struct delivery *ret)
{
    int64_t facts = column_i64(stmt, at + 2);
    *ret = (struct delivery){
        .ordinal = ordinal,
        .user = column_i64(stmt, at),
        .user_id = column_str(stmt, at + 1, arena),
        .kind = facts_kind(facts),
        .sandbox = facts >> 3 & 1,
        .state = facts_state(facts),
        .made_at = {facts >> 8},
        .device_id = column_str(stmt, at + 3, arena),
        .address = column_str(stmt, at + 4, arena),
        .bundle_id = column_str(stmt, at + 5, arena),
        .p256dh = column_str(stmt, at + 6, arena),
        .auth = column_str(stmt, at + 7, arena),
        .to_index = (uint32_t)column_i64(stmt, at + 8),
        .locale = column_str(stmt, at + 9, arena),
        .attributes = column_str(stmt, at + 10, arena),
        .reason = column_str(stmt, at + 11, arena),
    };
}

bool load_delivery(struct db *db, const struct stored_notification *stored, uint32_t ordinal,
                   struct arena *arena, struct delivery *ret)
{
    if (ordinal >= stored->notification.delivery_count)
        return false;
    if (ordinal == 0) {
        *ret = stored->first;
        return true;
    }
    sqlite3_stmt *stmt = db_use(db, DELIVERY_GET);
    bind_i64(stmt, 1, stored->notification.id);
    bind_i64(stmt, 2, ordinal);
    if (!db_row(db, stmt))
        return false;
    read_delivery(stmt, 0, ordinal, arena, ret);
    db_reset(stmt);
    return true;
}

bool load_facts(struct db *db, const struct notification_head *head, uint32_t ordinal, int64_t *ret)
{
    if (ordinal >= head->deliveries)
        return false;
    *ret = head->first_facts;
    if (ordinal == 0)
        return true;
    sqlite3_stmt *stmt = db_use(db, DELIVERY_FACTS_GET);
    bind_i64(stmt, 1, head->id);
    bind_i64(stmt, 2, ordinal);
    if (!db_row(db, stmt))
        return false;
    *ret = column_i64(stmt, 0);
    db_reset(stmt);
    return true;
}

/* -- notifications ---------------------------------------------------------------------------- */

static struct wall expiry(struct wall accepted_at, sqlite3_stmt *stmt, int at)
{
    if (column_is_null(stmt, at))
        return WALL_NEVER;
    return (struct wall){accepted_at.ms + column_i64(stmt, at)};
}

void read_flags(int64_t flags, struct notification *ret)
{
    ret->mode = flags_mode(flags);
    ret->priority = flags_priority(flags);
    ret->guarantee = flags_guarantee(flags);
    ret->strategy = flags_strategy(flags);
    ret->wants_attributes = flags >> 5 & 1;
    ret->channel_count = (uint32_t)(flags >> 6 & 3);
    for (unsigned i = 0; i < CHANNEL_COUNT; i++)
        ret->channels[i] = (enum channel)(flags >> (8 + 4 * i) & 15);
}

bool load_notification(struct db *db, int64_t id, struct arena *arena,
                       struct stored_notification *ret)
{
    sqlite3_stmt *stmt = db_use(db, NOTIFICATION_GET);
    bind_i64(stmt, 1, id);
    if (!db_row(db, stmt))
        return false;
    int64_t flags = column_i64(stmt, 1);
    *ret = (struct stored_notification){.accepted_at = {id_time(id).ms + column_i64(stmt, 2)}};
    ret->notification = (struct notification){
        .id = id,
        .app = (uint32_t)column_i64(stmt, 0),
        .expires_at = expiry(ret->accepted_at, stmt, 3),
        .category = column_str(stmt, 4, arena),
        .template_name = column_str(stmt, 5, arena),
        .template_version = (uint32_t)column_i64(stmt, 6),
        .partials = column_str(stmt, 7, arena),
        .collapse_key = column_str(stmt, 8, arena),
        .event_id = column_str(stmt, 9, arena),
        .traceparent = column_str(stmt, 10, arena),
        .delivery_count = (uint32_t)column_i64(stmt, 11),
        .request = column_str(stmt, 12, arena),
    };
    read_flags(flags, &ret->notification);
    if (ret->notification.delivery_count)
        read_delivery(stmt, 13, 0, arena, &ret->first);
    db_reset(stmt);
    return true;
}

bool load_head(struct db *db, int64_t id, struct notification_head *ret)
{
    sqlite3_stmt *stmt = db_use(db, NOTIFICATION_HEAD);
    bind_i64(stmt, 1, id);
    if (!db_row(db, stmt))
        return false;
    int64_t flags = column_i64(stmt, 1);
    struct wall accepted_at = {id_time(id).ms + column_i64(stmt, 2)};
    *ret = (struct notification_head){
        .id = id,
        .app = (uint32_t)column_i64(stmt, 0),
        .mode = flags_mode(flags),
        .priority = flags_priority(flags),
        .guarantee = flags_guarantee(flags),
        .strategy = flags_strategy(flags),
        .accepted_at = accepted_at,
        .expires_at = expiry(accepted_at, stmt, 3),
        .deliveries = (uint32_t)column_i64(stmt, 4),
        .first_facts = column_i64(stmt, 5),
        .flags = flags,
    };
    db_reset(stmt);
    return true;
}

bool is_cancelled(struct db *db, int64_t notification)
{
    sqlite3_stmt *stmt = db_use(db, CANCELLED_GET);
    bind_i64(stmt, 1, notification);
    bool found = db_row(db, stmt);
    db_reset(stmt);
    return found;
}

bool is_following(struct db *db, int64_t notification)
{
    sqlite3_stmt *stmt = db_use(db, FOLLOW_IS_OPEN);
    bind_i64(stmt, 1, notification);
    bool found = db_row(db, stmt);
    db_reset(stmt);
    return found;
}

/* -- events and standing ---------------------------------------------------------------------- */

sqlite3_stmt *list_events(struct db *db, struct delivery_key key, uint32_t seq, uint32_t limit)
{
    sqlite3_stmt *stmt = db_use(db, EVENT_LIST);
    bind_i64(stmt, 1, key.notification);
    bind_i64(stmt, 2, key.ordinal);
    bind_i64(stmt, 3, seq);
    bind_i64(stmt, 4, limit);
    return stmt;
}

/* A moment that is stored as milliseconds after another; NULL: none. */
static struct wall moment(sqlite3_stmt *stmt, int at, int64_t after)
{
    return (struct wall){column_is_null(stmt, at) ? 0 : after + column_i64(stmt, at)};
}

void read_event(sqlite3_stmt *stmt, int64_t notification, struct arena *arena, struct event *ret)
{
    int64_t facts = column_i64(stmt, 2), at = id_time(notification).ms + column_i64(stmt, 3);
    *ret = (struct event){
        .key = {notification, (uint32_t)column_i64(stmt, 0)},
        .seq = (uint32_t)column_i64(stmt, 1),
        .at = {at},
        .state = facts_state(facts << 4),
        .attempt = (uint32_t)(facts >> 4),
        .began_at = moment(stmt, 4, at),
        .due = moment(stmt, 5, at),
    };
    if (!arena)
        return;
    ret->provider = column_str(stmt, 6, arena);
    ret->code = column_str(stmt, 7, arena);
    ret->reason = column_str(stmt, 8, arena);
    ret->detail = column_str(stmt, 9, arena);
    ret->message_id = column_str(stmt, 10, arena);
    ret->route = column_str(stmt, 11, arena);
}

struct standing load_standing(struct db *db, struct delivery_key key, int64_t facts,
                              struct arena *arena)
{
    struct delivery accepted = {.state = facts_state(facts)};
    struct standing standing = standing_of(&accepted, key.notification);
    sqlite3_stmt *stmt = list_events(db, key, 0, UINT32_MAX);
    while (db_row(db, stmt)) {
        struct event event;
        read_event(stmt, key.notification, arena, &event);
        standing_add(&standing, &event);
    }
    return standing;
}

struct open_work load_open_work(struct db *db, struct delivery_key key, int64_t place,
                                const struct standing *standing, struct wall accepted_at)
{
    struct open_work open = {.where = OPEN_NOT};
    if (state_is_final(standing->state))
        return open;
    sqlite3_stmt *stmt = db_use(db, HAND_GET);
    bind_i64(stmt, 1, key.notification);
    bind_i64(stmt, 2, key.ordinal);
    if (db_row(db, stmt)) {
        open.where = OPEN_HAND;
        open.attempts = (uint32_t)column_i64(stmt, 1);
        db_reset(stmt);
        return open;
    }
    open.due = standing->next_seq ? standing->due : accepted_at;
    stmt = db_use(db, MOVED_GET);
    bind_i64(stmt, 1, key.notification);
    bind_i64(stmt, 2, key.ordinal);
    if (db_row(db, stmt)) {
        open.due.ms = column_i64(stmt, 0);
        db_reset(stmt);
    }
    stmt = db_use(db, PENDING_GET);
    bind_i64(stmt, 1, place);
    bind_i64(stmt, 2, open.due.ms);
    bind_i64(stmt, 3, key.notification);
    bind_i64(stmt, 4, key.ordinal);
    if (db_row(db, stmt)) {
        open.where = OPEN_PENDING;
        open.attempts = (uint32_t)column_i64(stmt, 0);
        db_reset(stmt);
    }
    return open;
}
