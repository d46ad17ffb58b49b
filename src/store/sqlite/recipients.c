/* store/sqlite/recipients.c - stored users, devices, categories and suppressions as values. */
#include "model/limits.h"
#include "store/preferences.h"
#include "store/sqlite/rows.h"

bool app_exists(struct db *db, uint32_t app)
{
    sqlite3_stmt *stmt = db_use(db, APP_EXISTS);
    bind_i64(stmt, 1, app);
    bool found = db_row(db, stmt);
    db_reset(stmt);
    return found;
}

int64_t find_user(struct db *db, uint32_t app, struct str user_id)
{
    sqlite3_stmt *stmt = db_use(db, USER_FIND);
    bind_i64(stmt, 1, app);
    bind_str(stmt, 2, user_id);
    int64_t number = db_row(db, stmt) ? column_i64(stmt, 0) : 0;
    db_reset(stmt);
    return number;
}

bool is_suppressed(struct db *db, uint32_t app, enum channel channel, struct str address)
{
    if (!address.at)
        return false;
    sqlite3_stmt *stmt = db_use(db, SUPPRESSION_GET);
    bind_i64(stmt, 1, app);
    bind_str(stmt, 2, address);
    bind_i64(stmt, 3, channel);
    bool found = db_row(db, stmt);
    db_reset(stmt);
    return found;
}

bool load_recipient(struct db *db, int64_t user, struct arena *arena, struct recipient *ret)
{
    sqlite3_stmt *stmt = db_use(db, USER_GET);
    bind_i64(stmt, 1, user);
    if (!db_row(db, stmt))
        return false;
    uint32_t app = (uint32_t)column_i64(stmt, 0);
    *ret = (struct recipient){.user = {
                                  .number = user,
                                  .user_id = column_str(stmt, 1, arena),
                                  .email = column_str(stmt, 2, arena),
                                  .phone = column_str(stmt, 3, arena),
                                  .locale = column_str(stmt, 4, arena),
                                  .timezone = column_str(stmt, 5, arena),
                                  .attributes = column_str(stmt, 6, arena),
                                  .created_at = {column_i64(stmt, 8)},
                                  .updated_at = {column_i64(stmt, 9)},
                              }};
    struct str packed = column_str(stmt, 7, arena);
    db_reset(stmt);
    if (packed.at && preferences_unpack(packed, arena, &ret->preferences) == ERR_CORRUPT)
        db_refuse(db, SQLITE_CORRUPT, "a user's preferences are not what was written");
    ret->email_suppressed = is_suppressed(db, app, CHANNEL_EMAIL, ret->user.email);
    ret->phone_suppressed = is_suppressed(db, app, CHANNEL_SMS, ret->user.phone);
    return true;
}

void read_device(sqlite3_stmt *stmt, struct arena *arena, struct device *ret)
{
    int64_t facts = column_i64(stmt, 1);
    *ret = (struct device){
        .device_id = column_str(stmt, 0, arena),
        .kind = facts_kind(facts),
        .sandbox = facts >> 3 & 1,
        .token = column_str(stmt, 2, arena),
        .bundle_id = column_str(stmt, 3, arena),
        .p256dh = column_str(stmt, 4, arena),
        .auth = column_str(stmt, 5, arena),
        .registered_at = {column_i64(stmt, 6)},
        .last_seen_at = {column_i64(stmt, 7)},
        .invalid_at = {column_i64(stmt, 8)},
        .invalid_reason = column_str(stmt, 9, arena),
    };
}

bool load_device(struct db *db, int64_t user, struct str device_id, struct arena *arena,
                 struct device *ret)
{
    sqlite3_stmt *stmt = db_use(db, DEVICE_GET);
    bind_i64(stmt, 1, user);
    bind_str(stmt, 2, device_id);
    if (!db_row(db, stmt))
        return false;
    read_device(stmt, arena, ret);
    db_reset(stmt);
    return true;
}

bool load_devices(struct db *db, int64_t user, struct arena *arena, struct recipient *ret)
{
    struct device *devices = arena_array(arena, struct device, DEVICES_MAX);
    if (!devices)
        return false;
    sqlite3_stmt *stmt = db_use(db, DEVICE_LIST);
    bind_i64(stmt, 1, user);
    while (ret->device_count < DEVICES_MAX && db_row(db, stmt))
        read_device(stmt, arena, &devices[ret->device_count++]);
    db_reset(stmt);
    ret->devices = devices;
    return true;
}

void read_category(sqlite3_stmt *stmt, struct arena *arena, struct category *ret)
{
    int64_t channels = column_i64(stmt, 1), facts = column_i64(stmt, 2);
    *ret = (struct category){
        .name = column_str(stmt, 0, arena),
        .channel_count = (uint32_t)(channels & 15),
        .strategy = (enum strategy)(facts & 1),
        .priority = (enum priority)(facts >> 1 & 3),
        .guarantee = (enum guarantee)(facts >> 3 & 1),
        .mandatory = facts >> 4 & 1,
        .ttl = {column_i64(stmt, 3)},
        .created_at = {column_i64(stmt, 4)},
        .updated_at = {column_i64(stmt, 5)},
    };
    for (unsigned i = 0; i < CHANNEL_COUNT; i++)
        ret->channels[i] = (enum channel)(channels >> (4 + 4 * i) & 15);
}

bool load_category(struct db *db, uint32_t app, struct str name, struct arena *arena,
                   struct category *ret)
{
    sqlite3_stmt *stmt = db_use(db, CATEGORY_GET);
    bind_i64(stmt, 1, app);
    bind_str(stmt, 2, name);
    if (!db_row(db, stmt))
        return false;
    read_category(stmt, arena, ret);
    db_reset(stmt);
    return true;
}

void load_category_now(struct db *db, uint32_t app, struct str name, struct arena *arena,
                       struct category *ret)
{
    if (!load_category(db, app, name, arena, ret) &&
        !load_category(db, app, CATEGORY_DEFAULT, arena, ret))
        *ret = category_default();
}
