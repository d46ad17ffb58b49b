/* store/sqlite/claim.c - claim: due work of one (lane, app) goes into hand, and is loaded. */
#include "model/limits.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/writer.h"

/* One more than is claimed, to know what is due next. */
static uint32_t list_pending(struct writer *writer, const struct claim *op,
                             struct open_row rows[CLAIM_MAX + 1], bool moved[CLAIM_MAX + 1])
{
    int64_t place = place_of(op->lane, op->app);
    sqlite3_stmt *stmt = db_use(&writer->db, PENDING_LIST);
    bind_i64(stmt, 1, place);
    bind_i64(stmt, 2, op->limit + 1);
    uint32_t count = 0;
    while (count <= op->limit && db_row(&writer->db, stmt)) {
        moved[count] = column_i64(stmt, 6) != 0;
        rows[count++] = (struct open_row){
            .place = place,
            .due = {column_i64(stmt, 0)},
            .key = {column_i64(stmt, 1), (uint32_t)column_i64(stmt, 2)},
            .attempts = (uint32_t)column_i64(stmt, 3),
            .seq = (uint32_t)column_i64(stmt, 4),
            .expires = {column_i64(stmt, 5)},
        };
        if (!wall_reached(op->now, rows[count - 1].due))
            break;
    }
    db_reset(stmt);
    return count;
}

/* What is the same for all that one claim takes, or for neighbours of one notification. */
struct claim_cache {
    bool app_gone;
    const struct stored_notification *stored;
    bool cancelled;
    struct category category;
    struct str category_name; /* that it was loaded for; absent: none yet */
};

/* The delivery's device as it stands now, laid over what was true at acceptance. */
static void overlay_device(struct db *db, struct delivery *delivery, struct arena *arena,
                           struct recipient *recipient)
{
    struct device *device = arena_new(arena, struct device);
    if (!device || !delivery->device_id.at ||
        !load_device(db, delivery->user, delivery->device_id, arena, device) ||
        device->kind != delivery->kind)
        return;
    recipient->devices = device;
    recipient->device_count = 1;
    delivery->address = device->token;
    delivery->bundle_id = device->bundle_id;
    delivery->p256dh = device->p256dh;
    delivery->auth = device->auth;
    delivery->sandbox = device->sandbox;
}

static void load_category_of(struct db *db, const struct notification *notification,
                             struct arena *arena, struct claim_cache *cache)
{
    if (cache->category_name.at && str_eq(cache->category_name, notification->category))
        return;
    cache->category_name = notification->category;
    load_category_now(db, notification->app, notification->category, arena, &cache->category);
}

static bool load_stored(struct db *db, int64_t id, struct arena *arena, struct claim_cache *cache)
{
    if (cache->stored && cache->stored->notification.id == id)
        return true;
    struct stored_notification *stored = arena_new(arena, struct stored_notification);
    if (!stored || !load_notification(db, id, arena, stored))
        return false;
    cache->stored = stored;
    cache->cancelled = is_cancelled(db, id);
    load_category_of(db, &stored->notification, arena, cache);
    return true;
}

/* False if the arena cannot hold it, or if the file has not what it should. */
static bool load_claimed(struct db *db, const struct open_row *row, struct arena *arena,
                         struct claim_cache *cache, struct claimed *ret)
{
    struct delivery *delivery = arena_new(arena, struct delivery);
    if (!delivery || !load_stored(db, row->key.notification, arena, cache) ||
        !load_delivery(db, cache->stored, row->key.ordinal, arena, delivery)) {
        if (!arena->failed)
            db_refuse(db, SQLITE_CORRUPT, "the calendar names a delivery that does not exist");
        return false;
    }
    *ret = (struct claimed){
        .notification = &cache->stored->notification,
        .delivery = delivery,
        .attempt = row->attempts + 1,
        .seq = row->seq,
        .expires_at = row->expires.ms ? row->expires : cache->stored->notification.expires_at,
        .cancelled = cache->cancelled || cache->app_gone,
        .category = cache->category,
    };
    if (delivery->user && load_recipient(db, delivery->user, arena, &ret->recipient))
        overlay_device(db, delivery, arena, &ret->recipient);
    else if (delivery->user)
        ret->cancelled = true;
    ret->suppressed =
        is_suppressed(db, place_app(row->place), kind_channel(delivery->kind), delivery->address);
    return !arena->failed;
}

void write_claim(struct writer *writer, struct claim *op, struct arena *arena)
{
    struct open_row rows[CLAIM_MAX + 1];
    bool moved[CLAIM_MAX + 1];
    must(op->limit >= 1 && op->limit <= CLAIM_MAX);
    op->count = 0;
    op->next_due = WALL_NEVER;
    op->list = arena_array(arena, struct claimed, op->limit);
    uint32_t found = list_pending(writer, op, rows, moved);
    struct claim_cache cache = {.app_gone = found && !app_exists(&writer->db, op->app)};
    for (uint32_t i = 0; i < found; i++) {
        struct open_row row = rows[i];
        if (!op->list || i == op->limit || !wall_reached(op->now, row.due) ||
            !load_claimed(&writer->db, &row, arena, &cache, &op->list[i])) {
            op->next_due = row.due;
            return;
        }
        pending_remove(writer, &row, moved[i]);
        row.attempts++;
        hand_add(writer, &row);
        op->count++;
    }
}
