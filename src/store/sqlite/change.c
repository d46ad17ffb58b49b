/* store/sqlite/change.c - management of users, devices and preferences. */
#include "store/sqlite/change.h"
#include "model/limits.h"
#include "store/preferences.h"
#include "store/rules.h"
#include "store/sqlite/rows.h"

static void note_user(struct change *op, int64_t number, struct str user_id, struct arena *arena)
{
    unsigned at = op->users[0] ? 1 : 0;
    op->users[at] = number;
    op->user_ids[at] = arena_copy(arena, user_id);
}

/* The user that the change is about; 0 with the result MISSING. */
static int64_t user_of(struct db *db, struct change *op)
{
    int64_t number = find_user(db, op->app, op->name);
    if (!number)
        op->result = CHANGE_MISSING;
    return number;
}

/* -- users ------------------------------------------------------------------------------------ */

static void put_user(struct writer *writer, struct change *op, struct arena *arena)
{
    struct db *db = &writer->db;
    int64_t number = find_user(db, op->app, op->name);
    sqlite3_stmt *stmt = db_use(db, number ? USER_UPDATE : USER_ADD);
    if (number)
        bind_i64(stmt, 1, number);
    else
        bind_i64(stmt, 1, op->app);
    bind_str(stmt, 2, op->name);
    bind_str(stmt, 3, op->user.email);
    bind_str(stmt, 4, op->user.phone);
    bind_str(stmt, 5, op->user.locale);
    bind_str(stmt, 6, op->user.timezone);
    bind_str(stmt, 7, op->user.attributes);
    bind_i64(stmt, 8, op->now.ms);
    db_run(db, stmt);
    op->result = number ? CHANGED_REPLACED : CHANGED_CREATED;
    op->created_at = op->updated_at = op->now;
    if (!number) {
        number = sqlite3_last_insert_rowid(db->sqlite);
    } else {
        stmt = db_use(db, USER_CREATED);
        bind_i64(stmt, 1, number);
        if (db_row(db, stmt))
            op->created_at.ms = column_i64(stmt, 0);
        db_reset(stmt);
    }
    note_user(op, number, op->name, arena);
}

static void run_of_user(struct db *db, enum statement statement, int64_t user)
{
    sqlite3_stmt *stmt = db_use(db, statement);
    bind_i64(stmt, 1, user);
    db_run(db, stmt);
}

static void delete_user(struct writer *writer, struct change *op, struct arena *arena)
{
    int64_t number = user_of(&writer->db, op);
    if (!number)
        return;
    run_of_user(&writer->db, DEVICE_REMOVE_ALL, number);
    run_of_user(&writer->db, USER_REMOVE, number);
    op->result = CHANGED_REPLACED;
    note_user(op, number, op->name, arena);
}

static void put_preferences(struct writer *writer, struct change *op, struct arena *arena)
{
    int64_t number = user_of(&writer->db, op);
    if (!number)
        return;
    struct buf packed;
    buf_init(&packed, ATTRIBUTES_BYTES_MAX * 16);
    preferences_pack(&op->preferences, &packed);
    if (packed.failed)
        db_refuse(&writer->db, SQLITE_NOMEM, "preferences do not fit");
    sqlite3_stmt *stmt = db_use(&writer->db, PREFERENCES_HAD);
    bind_i64(stmt, 1, number);
    bool had = db_row(&writer->db, stmt) && column_i64(stmt, 0);
    db_reset(stmt);
    stmt = db_use(&writer->db, PREFERENCES_PUT);
    bind_i64(stmt, 1, number);
    bind_str(stmt, 2, buf_str(&packed));
    db_run(&writer->db, stmt);
    bind_null(stmt, 2);
    buf_done(&packed);
    op->result = had ? CHANGED_REPLACED : CHANGED_CREATED;
    op->created_at = op->updated_at = op->now;
    note_user(op, number, op->name, arena);
}

/* -- devices ---------------------------------------------------------------------------------- */

static void remove_device(struct db *db, int64_t user, struct str device_id)
{
    sqlite3_stmt *stmt = db_use(db, DEVICE_REMOVE);
    bind_i64(stmt, 1, user);
    bind_str(stmt, 2, device_id);
    db_run(db, stmt);
}

static bool has_device(struct db *db, int64_t user, struct str device_id)
{
    sqlite3_stmt *stmt = db_use(db, DEVICE_HAS);
    bind_i64(stmt, 1, user);
    bind_str(stmt, 2, device_id);
    bool found = db_row(db, stmt);
    db_reset(stmt);
    return found;
}

static uint32_t count_devices(struct db *db, int64_t user)
{
    sqlite3_stmt *stmt = db_use(db, DEVICE_COUNT);
    bind_i64(stmt, 1, user);
    uint32_t count = db_row(db, stmt) ? (uint32_t)column_i64(stmt, 0) : 0;
    db_reset(stmt);
    return count;
}

/* Which device of which user has the token now; `user` 0: none. */
struct holder {
    int64_t user;
    struct str user_id, device_id;
};

static struct holder token_holder(struct db *db, uint32_t app, struct str token,
                                  struct arena *arena)
{
    struct holder holder = {0};
    sqlite3_stmt *stmt = db_use(db, DEVICE_HOLDER);
    bind_i64(stmt, 1, app);
    bind_str(stmt, 2, token);
    if (db_row(db, stmt)) {
        holder.user = column_i64(stmt, 0);
        holder.device_id = column_str(stmt, 1, arena);
        holder.user_id = column_str(stmt, 2, arena);
        db_reset(stmt);
    }
    if (arena->failed)
        db_refuse(db, SQLITE_NOMEM, "no memory for a change");
    return holder;
}

static void add_device(struct db *db, const struct change *op, int64_t user)
{
    const struct device *device = &op->device;
    sqlite3_stmt *stmt = db_use(db, DEVICE_ADD);
    bind_i64(stmt, 1, user);
    bind_str(stmt, 2, device->device_id);
    bind_i64(stmt, 3, op->app);
    bind_i64(stmt, 4, (int64_t)device->kind | (int64_t)device->sandbox << 3);
    bind_str(stmt, 5, device->token);
    bind_str(stmt, 6, device->bundle_id);
    bind_str(stmt, 7, device->p256dh);
    bind_str(stmt, 8, device->auth);
    bind_i64(stmt, 9, op->now.ms);
    db_run(db, stmt);
}

static void put_device(struct writer *writer, struct change *op, struct arena *arena)
{
    struct db *db = &writer->db;
    int64_t user = user_of(db, op);
    if (!user)
        return;
    bool had = has_device(db, user, op->device.device_id);
    struct holder holder = token_holder(db, op->app, op->device.token, arena);
    bool moves =
        holder.user && !(holder.user == user && str_eq(holder.device_id, op->device.device_id));
    bool moves_within = moves && holder.user == user;
    if (!had && !moves_within && count_devices(db, user) >= DEVICES_MAX) {
        op->result = CHANGE_FULL;
        return;
    }
    op->result = had ? CHANGED_REPLACED : CHANGED_CREATED;
    note_user(op, user, op->name, arena);
    if (moves)
        remove_device(db, holder.user, holder.device_id);
    if (moves && holder.user != user)
        note_user(op, holder.user, holder.user_id, arena);
    if (had)
        remove_device(db, user, op->device.device_id);
    add_device(db, op, user);
    op->created_at = op->updated_at = op->now;
}

static void delete_device(struct writer *writer, struct change *op, struct arena *arena)
{
    int64_t user = user_of(&writer->db, op);
    if (!user || !has_device(&writer->db, user, op->device_id)) {
        op->result = CHANGE_MISSING;
        return;
    }
    remove_device(&writer->db, user, op->device_id);
    op->result = CHANGED_REPLACED;
    note_user(op, user, op->name, arena);
}

/* -- any -------------------------------------------------------------------------------------- */

void write_change(struct writer *writer, struct change *op, struct arena *arena)
{
    op->users[0] = op->users[1] = 0;
    op->user_ids[0] = op->user_ids[1] = STR_NONE;
    op->number = 0;
    op->created_at = op->updated_at = (struct wall){0};
    if (change_is_of_app(op->type) && !app_exists(&writer->db, op->app)) {
        op->result = CHANGE_MISSING;
        return;
    }
    switch (op->type) {
    case CHANGE_USER_PUT:
        put_user(writer, op, arena);
        break;
    case CHANGE_USER_DELETE:
        delete_user(writer, op, arena);
        break;
    case CHANGE_DEVICE_PUT:
        put_device(writer, op, arena);
        break;
    case CHANGE_DEVICE_DELETE:
        delete_device(writer, op, arena);
        break;
    case CHANGE_PREFERENCES_PUT:
        put_preferences(writer, op, arena);
        break;
    case CHANGE_STEER_PUT:
    case CHANGE_STEER_END:
        write_change_steer(writer, op);
        break;
    default:
        write_change_named(writer, op);
    }
    if (arena->failed)
        db_refuse(&writer->db, SQLITE_NOMEM, "no memory for the answer of a change");
}
