/* store/memory/claim.c - claim, mark, settle and receipt: one attempt's way through hand. */
#include "model/limits.h"
#include "store/memory/disk.h"
#include "store/preferences.h"
#include "store/rules.h"
#include <stdlib.h>

/* -- claim ------------------------------------------------------------------------------------ */

static bool is_suppressed(const struct memory_disk *disk, uint32_t app, enum channel channel,
                          struct str address)
{
    return address.at && disk_suppression(disk, app, channel, address) != NULL;
}

void memory_recipient(const struct memory_disk *disk, const struct user_row *row,
                      struct arena *arena, bool with_devices, struct recipient *ret)
{
    *ret = (struct recipient){0};
    shape_copy(&user_shape, row->user, &ret->user, arena);
    struct str packed = arena_copy(arena, row->preferences);
    if (packed.at && preferences_unpack(packed, arena, &ret->preferences) != OK)
        must(arena->failed);
    ret->email_suppressed = is_suppressed(disk, row->app, CHANNEL_EMAIL, row->user->email);
    ret->phone_suppressed = is_suppressed(disk, row->app, CHANNEL_SMS, row->user->phone);
    if (!with_devices)
        return;
    uint32_t count = (uint32_t)row->devices.count;
    struct device *devices = arena_array(arena, struct device, count);
    if (!devices)
        return;
    for (uint32_t i = 0; i < count; i++) {
        const struct device_row *device = row->devices.rows[i];
        shape_copy(&device_shape, device->device, &devices[i], arena);
    }
    ret->devices = devices;
    ret->device_count = count;
}

/* The delivery's device as it stands now, laid over what was true at acceptance. */
static void load_device(const struct user_row *user, struct delivery *delivery, struct arena *arena,
                        struct recipient *recipient)
{
    const struct device_row *row =
        delivery->device_id.at ? disk_device(user, delivery->device_id) : NULL;
    if (!row || row->device->kind != delivery->kind)
        return;
    struct device *device = arena_new(arena, struct device);
    if (!device)
        return;
    shape_copy(&device_shape, row->device, device, arena);
    recipient->devices = device;
    recipient->device_count = 1;
    delivery->address = device->token;
    delivery->bundle_id = device->bundle_id;
    delivery->p256dh = device->p256dh;
    delivery->auth = device->auth;
    delivery->sandbox = device->sandbox;
}

void memory_category(const struct memory_disk *disk, uint32_t app, struct str name,
                     struct arena *arena, struct category *ret)
{
    const struct category *category = disk_category(disk, app, name);
    if (!category)
        category = disk_category(disk, app, CATEGORY_DEFAULT);
    *ret = category_default();
    if (category)
        shape_copy(&category_shape, category, ret, arena);
}

static void load_policy(const struct memory_disk *disk, const struct work_row *work,
                        struct delivery *delivery, struct arena *arena, struct claimed *ret)
{
    const struct user_row *user = delivery->user ? disk_user_number(disk, delivery->user) : NULL;
    if (user) {
        memory_recipient(disk, user, arena, false, &ret->recipient);
        load_device(user, delivery, arena, &ret->recipient);
    } else if (delivery->user) {
        ret->cancelled = true;
    }
    ret->suppressed =
        is_suppressed(disk, work->app, kind_channel(delivery->kind), delivery->address);
    memory_category(disk, work->app, ret->notification->category, arena, &ret->category);
}

/* False if the arena cannot hold it. */
static bool load(const struct memory_disk *disk, const struct work_row *work, struct arena *arena,
                 const struct claimed *neighbour, struct claimed *ret)
{
    const struct notification_row *row = disk_notification(disk, work->key.notification);
    struct delivery *delivery = arena_new(arena, struct delivery);
    struct notification *notification = NULL;
    bool shared = neighbour && neighbour->notification->id == work->key.notification;
    if (!shared)
        notification = arena_new(arena, struct notification);
    if (!delivery || (!shared && !notification))
        return false;
    shape_copy(&delivery_shape, row->deliveries[work->key.ordinal].delivery, delivery, arena);
    if (!shared)
        shape_copy(&notification_shape, row->notification, notification, arena);
    *ret = (struct claimed){
        .notification = shared ? neighbour->notification : notification,
        .delivery = delivery,
        .attempt = work->attempts + 1,
        .seq = work->seq,
        .expires_at = work->expires_at,
        .cancelled = row->cancelled || !disk_app(disk, work->app),
    };
    load_policy(disk, work, delivery, arena, ret);
    return !arena->failed;
}

void memory_claim(struct memory_disk *disk, struct claim *op, struct arena *arena)
{
    must(op->limit >= 1 && op->limit <= CLAIM_MAX);
    struct work_row from = {.lane = op->lane, .app = op->app, .due = {INT64_MIN}};
    size_t at = table_floor(&disk->pending, &from);
    op->list = arena_array(arena, struct claimed, op->limit);
    op->count = 0;
    op->next_due = WALL_NEVER;
    while (at < disk->pending.count) {
        const struct work_row *pending = disk->pending.rows[at];
        if (pending->lane != op->lane || pending->app != op->app)
            return;
        op->next_due = pending->due;
        if (!op->list || op->count == op->limit || !wall_reached(op->now, pending->due))
            return;
        if (!load(disk, pending, arena, op->count ? &op->list[op->count - 1] : NULL,
                  &op->list[op->count]))
            return;
        struct work_row hand = *pending;
        struct delivery_row *row = disk_delivery(disk, hand.key);
        hand.attempts++;
        disk_release(disk, row);
        disk_hand(disk, row, hand);
        op->count++;
        op->next_due = WALL_NEVER;
    }
}

/* -- mark ------------------------------------------------------------------------------------- */

void memory_mark(struct memory_disk *disk, struct mark *op)
{
    struct delivery_row *row = disk_delivery(disk, op->key);
    op->applied = row && row->hand && row->hand->attempts == op->attempt;
    if (op->applied)
        row->hand->marked = true;
}

/* -- settle ----------------------------------------------------------------------------------- */

static void retire_device(struct memory_disk *disk, const struct settle *op)
{
    struct user_row *user = disk_user_number(disk, op->user);
    struct device_row *row = user ? disk_device(user, op->retire_device) : NULL;
    if (!row || !str_eq(row->device->token, op->retire_token) || row->device->invalid_at.ms)
        return;
    if (op->retire_since.ms && row->device->registered_at.ms > op->retire_since.ms)
        return;
    struct device device = *row->device;
    device.invalid_at = op->event.at;
    device.invalid_reason = op->retire_reason;
    struct device *retired = shape_clone(&device_shape, &device);
    free(row->device);
    row->device = retired;
}

static void suppress_address(struct memory_disk *disk, const struct settle *op)
{
    if (disk_suppression(disk, op->app, op->suppress_channel, op->suppress_address))
        return;
    struct suppression suppression = {
        .channel = op->suppress_channel,
        .address = op->suppress_address,
        .reason = op->suppress_reason,
        .created_at = op->event.at,
    };
    disk_suppress(disk, op->app, &suppression);
}

static void end_work(struct memory_disk *disk, const struct settle *op, struct delivery_row *row,
                     struct work_row work)
{
    must(state_is_final(op->event.state));
    disk_event(row, op->key, &op->event);
    if (op->event.state != STATE_DEAD)
        return;
    work.due = op->event.at;
    work.mode = op->mode;
    work.channel = kind_channel(row->delivery->kind);
    work.seq = row->event_count;
    disk_bury(disk, row, work);
}

void memory_settle(struct memory_disk *disk, struct settle *op)
{
    struct delivery_row *row = disk_delivery(disk, op->key);
    op->applied = row && row->hand && row->hand->attempts == op->attempt;
    op->followed = false;
    if (!op->applied)
        return;
    struct work_row work = *row->hand;
    disk_release(disk, row);
    work.due = op->due;
    work.marked = false;
    if (op->to == SETTLE_END) {
        end_work(disk, op, row, work);
        op->followed = op->follow && disk_follow(disk, op->key);
    } else if (op->to == SETTLE_AGAIN) {
        struct event event = op->event;
        event.state = STATE_QUEUED;
        event.due = op->due;
        disk_event(row, op->key, &event);
        work.attempts = op->attempts;
        work.seq++;
        disk_pend(disk, row, work);
    } else {
        work.attempts--;
        disk_pend(disk, row, work);
    }
    if (op->retire_device.at)
        retire_device(disk, op);
    if (op->suppress_address.at)
        suppress_address(disk, op);
}

/* -- receipt ---------------------------------------------------------------------------------- */

void memory_receipt(struct memory_disk *disk, struct receipt *op)
{
    struct delivery_row *row = disk_delivery(disk, op->key);
    op->applied = row && !row->hand && !row->pending && row->event_count &&
                  receipt_moves(row->events[row->event_count - 1]->state, op->event.state);
    if (op->applied)
        disk_event(row, op->key, &op->event);
}
