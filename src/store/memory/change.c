/* store/memory/change.c - management of users, devices and preferences. */
#include "store/memory/change.h"
#include "model/limits.h"
#include "store/preferences.h"
#include "store/rules.h"
#include <stdlib.h>

static void note_user(struct change *op, const struct user *user, struct arena *arena)
{
    unsigned at = op->users[0] ? 1 : 0;
    op->users[at] = user->number;
    op->user_ids[at] = arena_copy(arena, user->user_id);
}

/* The user that the change is about, or NULL with the result MISSING. */
static struct user_row *find_user(struct memory_disk *disk, struct change *op)
{
    struct user_row *row = disk_user(disk, op->app, op->name);
    if (!row)
        op->result = CHANGE_MISSING;
    return row;
}

static void put_user(struct memory_disk *disk, struct change *op, struct arena *arena)
{
    struct user_row *row = disk_user(disk, op->app, op->name);
    struct user user = op->user;
    user.user_id = op->name;
    user.number = row ? row->user->number : ++disk->last_user;
    user.created_at = row ? row->user->created_at : op->now;
    user.updated_at = op->now;
    op->result = row ? CHANGED_REPLACED : CHANGED_CREATED;
    if (row) {
        struct user *fresh = shape_clone(&user_shape, &user);
        free(row->user);
        row->user = fresh;
    } else {
        row = disk_add_user(disk, op->app, &user);
    }
    op->created_at = user.created_at;
    op->updated_at = user.updated_at;
    note_user(op, row->user, arena);
}

static void delete_user(struct memory_disk *disk, struct change *op, struct arena *arena)
{
    struct user_row *row = find_user(disk, op);
    if (!row)
        return;
    op->result = CHANGED_REPLACED;
    note_user(op, row->user, arena);
    disk_remove_user(disk, row);
}

static struct device_row *token_holder(struct memory_disk *disk, uint32_t app, struct str token)
{
    struct device device = {.token = token};
    struct device_row key = {.app = app, .device = &device};
    return table_find(&disk->tokens, &key);
}

static void put_device(struct memory_disk *disk, struct change *op, struct arena *arena)
{
    struct user_row *user = find_user(disk, op);
    if (!user)
        return;
    struct device_row *old = disk_device(user, op->device.device_id);
    struct device_row *holder = token_holder(disk, op->app, op->device.token);
    bool moves_within = holder && holder->user == user && holder != old;
    if (!old && !moves_within && user->devices.count >= DEVICES_MAX) {
        op->result = CHANGE_FULL;
        return;
    }
    op->result = old ? CHANGED_REPLACED : CHANGED_CREATED;
    note_user(op, user->user, arena);
    if (holder && holder != old) {
        if (holder->user != user)
            note_user(op, holder->user->user, arena);
        disk_remove_device(disk, holder);
    }
    if (old)
        disk_remove_device(disk, old);
    struct device device = op->device;
    device.registered_at = device.last_seen_at = op->now;
    device.invalid_at = (struct wall){0};
    device.invalid_reason = STR_NONE;
    disk_add_device(disk, user, &device);
    op->created_at = op->updated_at = op->now;
}

static void delete_device(struct memory_disk *disk, struct change *op, struct arena *arena)
{
    struct user_row *user = find_user(disk, op);
    struct device_row *row = user ? disk_device(user, op->device_id) : NULL;
    op->result = row ? CHANGED_REPLACED : CHANGE_MISSING;
    if (!row)
        return;
    note_user(op, user->user, arena);
    disk_remove_device(disk, row);
}

static void put_preferences(struct memory_disk *disk, struct change *op, struct arena *arena)
{
    struct user_row *user = find_user(disk, op);
    if (!user)
        return;
    struct buf packed;
    buf_init(&packed, SIZE_MAX);
    preferences_pack(&op->preferences, &packed);
    must(!packed.failed);
    op->result = user->preferences.at ? CHANGED_REPLACED : CHANGED_CREATED;
    free((char *)(uintptr_t)user->preferences.at);
    user->preferences = (struct str){packed.at, packed.len}; /* owned by the row from here */
    op->created_at = op->updated_at = op->now;
    note_user(op, user->user, arena);
}

void memory_change(struct memory_disk *disk, struct change *op, struct arena *arena)
{
    op->users[0] = op->users[1] = 0;
    op->user_ids[0] = op->user_ids[1] = STR_NONE;
    op->number = 0;
    op->created_at = op->updated_at = (struct wall){0};
    if (change_is_of_app(op->type) && !disk_app(disk, op->app)) {
        op->result = CHANGE_MISSING;
        return;
    }
    switch (op->type) {
    case CHANGE_USER_PUT:
        put_user(disk, op, arena);
        return;
    case CHANGE_USER_DELETE:
        delete_user(disk, op, arena);
        return;
    case CHANGE_DEVICE_PUT:
        put_device(disk, op, arena);
        return;
    case CHANGE_DEVICE_DELETE:
        delete_device(disk, op, arena);
        return;
    case CHANGE_PREFERENCES_PUT:
        put_preferences(disk, op, arena);
        return;
    case CHANGE_STEER_PUT:
    case CHANGE_STEER_END:
        memory_change_steer(disk, op);
        return;
    default:
        memory_change_named(disk, op);
    }
}
