/* core/plan.c - see plan.h. */
#include "core/plan.h"
#include "base/map.h"
#include "core/policy.h"
#include "model/limits.h"

/* The rows as they come. Room for all of them was taken before the first. */
struct rows {
    const struct plan *plan;
    struct arena *arena;
    struct delivery *list;
    uint32_t count;
};

static bool same_target(const struct plan_entry *a, const struct plan_entry *b)
{
    if (a->user_id.at || b->user_id.at)
        return a->user_id.at && b->user_id.at && str_eq(a->user_id, b->user_id);
    return a->kind == b->kind && str_eq(a->address, b->address) &&
           str_eq(a->bundle_id, b->bundle_id);
}

/* Marks the entries that say again what an earlier one said. A chance collision costs a
 * comparison; whoever forges many pays for them within one request, which TO_MAX bounds. */
static bool mark_repeats(const struct plan *plan, struct arena *arena, bool **ret)
{
    static const uint64_t key[2] = {0x706c616e, 0x746f};
    uint32_t size = 4;
    while (size < plan->entry_count * 2)
        size *= 2;
    uint32_t *slots = arena_array(arena, uint32_t, size);
    bool *repeats = arena_array(arena, bool, plan->entry_count);
    if (!slots || !repeats)
        return false;
    for (uint32_t i = 0; i < plan->entry_count; i++) {
        const struct plan_entry *entry = &plan->entries[i];
        struct str name = entry->user_id.at ? entry->user_id : entry->address;
        uint32_t at = (uint32_t)siphash13(key, name.at, name.len) & (size - 1);
        while (slots[at] && !same_target(&plan->entries[slots[at] - 1], entry))
            at = (at + 1) & (size - 1);
        repeats[i] = slots[at] != 0;
        if (!slots[at])
            slots[at] = i + 1;
    }
    *ret = repeats;
    return true;
}

static uint32_t push_rows(const struct recipient *recipient)
{
    uint32_t live = 0;
    for (uint32_t i = 0; i < recipient->device_count; i++)
        live += !recipient->devices[i].invalid_at.ms;
    return live ? live : 1;
}

static uint32_t rows_of(const struct plan *plan, const struct plan_entry *entry)
{
    if (!entry->user_id.at)
        return plan->has_content[kind_channel(entry->kind)];
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->channel_count; i++) {
        if (!plan->has_content[plan->channels[i]])
            continue;
        if (!entry->recipient->user.number)
            return 1;
        count += plan->channels[i] == CHANNEL_PUSH ? push_rows(entry->recipient) : 1;
    }
    return count;
}

static struct delivery *add_row(struct rows *rows, uint32_t to_index, struct str reason)
{
    struct delivery *row = &rows->list[rows->count];
    row->ordinal = rows->count++;
    row->to_index = to_index;
    row->state = reason.at ? STATE_SUPPRESSED : STATE_QUEUED;
    row->reason = reason;
    return row;
}

/* What every row of one user shares; copied once and pointed at by all. */
struct person {
    uint32_t to_index;
    const struct recipient *recipient;
    int64_t number;
    struct str user_id, locale, attributes;
};

static struct delivery *add_user_row(struct rows *rows, const struct person *person, enum kind kind,
                                     struct str reason)
{
    struct delivery *row = add_row(rows, person->to_index, reason);
    row->user = person->number;
    row->user_id = person->user_id;
    row->locale = person->locale;
    row->attributes = person->attributes;
    row->kind = kind;
    return row;
}

static struct str ask(const struct rows *rows, const struct person *person, enum channel channel,
                      bool has_address, bool suppressed, bool invalid)
{
    struct policy_question question = {
        .category = rows->plan->category,
        .preferences = &person->recipient->preferences,
        .channel = channel,
        .has_address = has_address,
        .suppressed = suppressed,
        .invalid = invalid,
    };
    return policy_ask(&question);
}

static void add_device(struct rows *rows, const struct person *person, const struct device *device)
{
    struct str reason = ask(rows, person, CHANNEL_PUSH, true, false, device->invalid_at.ms != 0);
    struct delivery *row = add_user_row(rows, person, device->kind, reason);
    row->device_id = arena_copy(rows->arena, device->device_id);
    row->address = arena_copy(rows->arena, device->token);
    row->bundle_id = arena_copy(rows->arena, device->bundle_id);
    row->p256dh = arena_copy(rows->arena, device->p256dh);
    row->auth = arena_copy(rows->arena, device->auth);
    row->sandbox = device->sandbox;
}

static void add_devices(struct rows *rows, const struct person *person)
{
    const struct recipient *recipient = person->recipient;
    if (recipient->device_count == 0) {
        (void)add_user_row(rows, person, KIND_IOS,
                           ask(rows, person, CHANNEL_PUSH, false, false, false));
        return;
    }
    uint32_t before = rows->count;
    for (uint32_t i = 0; i < recipient->device_count; i++)
        if (!recipient->devices[i].invalid_at.ms)
            add_device(rows, person, &recipient->devices[i]);
    if (rows->count == before)
        add_device(rows, person, &recipient->devices[0]);
}

static void add_contact(struct rows *rows, const struct person *person, enum channel channel)
{
    const struct recipient *recipient = person->recipient;
    bool sms = channel == CHANNEL_SMS;
    struct str address = sms ? recipient->user.phone : recipient->user.email;
    bool suppressed = sms ? recipient->phone_suppressed : recipient->email_suppressed;
    struct str reason = ask(rows, person, channel, address.len > 0, suppressed, false);
    struct delivery *row = add_user_row(rows, person, sms ? KIND_SMS : KIND_EMAIL, reason);
    row->address = address.len ? arena_copy(rows->arena, address) : STR_NONE;
}

static enum kind kind_without_address(enum channel channel)
{
    return channel == CHANNEL_SMS ? KIND_SMS : channel == CHANNEL_EMAIL ? KIND_EMAIL : KIND_IOS;
}

/* Does one of the rows from `from` on go out? */
static bool any_queued(const struct rows *rows, uint32_t from)
{
    for (uint32_t i = from; i < rows->count; i++)
        if (rows->list[i].state == STATE_QUEUED)
            return true;
    return false;
}

static void add_user(struct rows *rows, uint32_t to_index, const struct plan_entry *entry)
{
    const struct plan *plan = rows->plan;
    const struct recipient *recipient = entry->recipient;
    struct person person = {
        .to_index = to_index,
        .recipient = recipient,
        .number = recipient->user.number,
        .user_id = entry->user_id,
        .locale = arena_copy(rows->arena, recipient->user.locale),
    };
    if (plan->wants_attributes)
        person.attributes = arena_copy(rows->arena, recipient->user.attributes);
    for (uint32_t i = 0; i < plan->channel_count; i++) {
        enum channel channel = plan->channels[i];
        if (!plan->has_content[channel])
            continue;
        if (!person.number) {
            (void)add_user_row(rows, &person, kind_without_address(channel), REASON_NO_ADDRESS);
            return;
        }
        uint32_t before = rows->count;
        if (channel == CHANNEL_PUSH)
            add_devices(rows, &person);
        else
            add_contact(rows, &person, channel);
        if (plan->strategy == STRATEGY_FIRST && any_queued(rows, before))
            return;
    }
}

static void add_direct(struct rows *rows, uint32_t to_index, const struct plan_entry *entry)
{
    enum channel channel = kind_channel(entry->kind);
    if (!rows->plan->has_content[channel])
        return;
    struct policy_question question = {
        .category = rows->plan->category,
        .channel = channel,
        .has_address = true,
        .suppressed = entry->suppressed,
    };
    struct delivery *row = add_row(rows, to_index, policy_ask(&question));
    row->kind = entry->kind;
    row->address = entry->address;
    row->bundle_id = entry->bundle_id;
    row->p256dh = entry->p256dh;
    row->auth = entry->auth;
    row->sandbox = entry->sandbox;
}

enum err plan_deliveries(const struct plan *plan, struct arena *arena, struct delivery **ret,
                         uint32_t *ret_count, struct why *why)
{
    bool *repeats = NULL;
    if (plan->entry_count > 1 && !mark_repeats(plan, arena, &repeats))
        return why_set(why, ERR_MEMORY, "no memory for %u recipients", plan->entry_count);
    uint32_t room = 0;
    for (uint32_t i = 0; i < plan->entry_count; i++) {
        if (!repeats || !repeats[i])
            room += rows_of(plan, &plan->entries[i]);
        if (room > DELIVERIES_MAX)
            return why_set(why, ERR_LIMIT, "more than %d deliveries in one request",
                           DELIVERIES_MAX);
    }
    struct rows rows = {
        .plan = plan,
        .arena = arena,
        .list = arena_array(arena, struct delivery, room ? room : 1),
    };
    if (!rows.list)
        return why_set(why, ERR_MEMORY, "no memory for the deliveries");
    for (uint32_t i = 0; i < plan->entry_count; i++) {
        if (repeats && repeats[i])
            continue;
        if (plan->entries[i].user_id.at)
            add_user(&rows, i, &plan->entries[i]);
        else
            add_direct(&rows, i, &plan->entries[i]);
    }
    must(plan->strategy == STRATEGY_FIRST ? rows.count <= room : rows.count == room);
    if (arena->failed)
        return why_set(why, ERR_MEMORY, "no memory for the deliveries");
    *ret = rows.list;
    *ret_count = rows.count;
    return OK;
}

const enum channel *plan_channels_after(const struct notification *notification, enum channel tried,
                                        uint32_t *ret_count)
{
    *ret_count = 0;
    if (notification->strategy != STRATEGY_FIRST)
        return notification->channels;
    for (uint32_t i = 0; i < notification->channel_count; i++)
        if (notification->channels[i] == tried) {
            *ret_count = notification->channel_count - i - 1;
            return notification->channels + i + 1;
        }
    return notification->channels;
}

bool plan_has_kind(const struct delivery *delivery)
{
    return delivery->address.len > 0 || kind_channel(delivery->kind) != CHANNEL_PUSH;
}
