/* api/draft.c - see draft.h. */
#include "api/draft.h"
#include "api/address.h"
#include "model/check.h"
#include "model/limits.h"

#define EVENT_ID_RULE     "must be 1 to 256 printable ASCII characters"
#define COLLAPSE_KEY_RULE "must be 1 to 64 bytes without control characters"

/* ---------------------------------------------------------------------------------- `to` ---- */

static void set_address(struct draft_entry *entry, enum kind kind, struct str address)
{
    entry->target = (struct target){.present = true, .kind = kind, .address = address};
}

static void read_addressee(struct fields *fields, struct draft_entry *entry, unsigned *ways)
{
    struct target device;
    struct str address;
    *ways += fields_take(fields, STR("user_id")) != NULL;
    *ways += fields_take(fields, STR("email")) != NULL;
    *ways += fields_take(fields, STR("phone")) != NULL;
    *ways += fields_take(fields, STR("topic")) != NULL;
    (void)fields_name(fields, STR("user_id"), &entry->user_id);
    target_read(fields, &device);
    if (device.present)
        entry->target = device;
    *ways += device.present;
    if (fields_checked(fields, STR("email"), email_ok, EMAIL_RULE, &address))
        set_address(entry, KIND_EMAIL,
                    address_normal(fields->faults->arena, CHANNEL_EMAIL, address));
    if (fields_checked(fields, STR("phone"), phone_ok, PHONE_RULE, &address))
        set_address(entry, KIND_SMS, address);
    if (fields_take(fields, STR("topic")))
        fields_fault(fields, STR("topic"), "topics are not supported yet");
}

static void read_entry(const struct json *value, const struct spot *spot, struct faults *faults,
                       struct draft_entry *ret)
{
    struct fields fields;
    unsigned ways = 0;
    if (!fields_init(&fields, value, spot, faults))
        return;
    read_addressee(&fields, ret, &ways);
    if (ways != 1)
        spot_fault(spot, faults, "must have exactly one of user_id, email, phone, platform, topic");
    ret->data = fields_typed(&fields, STR("data"), JSON_OBJECT);
    fields_done(&fields);
}

static void read_to(struct fields *fields, struct draft *ret)
{
    const struct json *to = fields_typed(fields, STR("to"), JSON_ARRAY);
    struct spot spot = {.up = fields->spot, .name = STR("to")};
    fields_needed(fields, STR("to"));
    if (!to)
        return;
    if (to->count < 1 || to->count > TO_MAX) {
        fields_fault(fields, STR("to"), "must have 1 to %d entries", TO_MAX);
        return;
    }
    ret->entries = arena_array(fields->faults->arena, struct draft_entry, to->count);
    ret->entry_count = ret->entries ? to->count : 0;
    for (uint32_t i = 0; i < ret->entry_count; i++) {
        struct spot item = {.up = &spot, .index = i};
        read_entry(&to->items[i], &item, fields->faults, &ret->entries[i]);
    }
}

/* A direct address that its own notification's `channels` leaves out would be passed over in
 * silence. */
static void check_channels(struct fields *fields, const struct draft *draft)
{
    const struct settings *settings = &draft->settings;
    struct spot to = {.up = fields->spot, .name = STR("to")};
    for (uint32_t i = 0; settings->channel_count && i < draft->entry_count; i++) {
        const struct target *target = &draft->entries[i].target;
        struct spot item = {.up = &to, .index = i};
        bool found = !target->present;
        for (uint32_t k = 0; k < settings->channel_count; k++)
            found = found || settings->channels[k] == kind_channel(target->kind);
        if (!found)
            spot_fault(&item, fields->faults, "is an address of a channel that /channels lacks");
    }
}

/* ------------------------------------------------------------------------- what is said ---- */

static void read_template(struct fields *fields, struct draft *ret)
{
    const struct json *value = fields_take(fields, STR("template"));
    struct spot spot = {.up = fields->spot, .name = STR("template")};
    struct fields inner;
    int64_t version = 0;
    if (!value)
        return;
    if (value->type == JSON_STRING) {
        (void)fields_name(fields, spot.name, &ret->template_name);
        return;
    }
    if (value->type != JSON_OBJECT) {
        fields_fault(fields, spot.name, "must be a name, or {\"name\", \"version\"}");
        return;
    }
    (void)fields_init(&inner, value, &spot, fields->faults);
    (void)fields_name(&inner, STR("name"), &ret->template_name);
    fields_needed(&inner, STR("name"));
    (void)fields_i64(&inner, STR("version"), 1, UINT32_MAX, &version);
    ret->template_version = (uint32_t)version;
    fields_done(&inner);
}

static void read_message(struct fields *fields, struct draft *ret)
{
    read_template(fields, ret);
    ret->content = fields_typed(fields, STR("content"), JSON_OBJECT);
    ret->data = fields_typed(fields, STR("data"), JSON_OBJECT);
    bool template = fields_take(fields, STR("template")) != NULL;
    bool content = fields_take(fields, STR("content")) != NULL;
    if (fields->object && template == content)
        spot_fault(fields->spot, fields->faults, "must have either template or content");
}

static void read_event_id(struct fields *fields, struct str key, struct draft *ret)
{
    (void)fields_checked(fields, STR("event_id"), event_id_ok, EVENT_ID_RULE, &ret->event_id);
    if (!key.at)
        return;
    if (!event_id_ok(key))
        fields_fault(fields, STR("event_id"), "the header Idempotency-Key " EVENT_ID_RULE);
    else if (ret->event_id.at && !str_eq(ret->event_id, key))
        fields_fault(fields, STR("event_id"), "differs from the header Idempotency-Key");
    else {
        ret->event_id = key;
        return;
    }
    ret->event_id = STR_NONE;
}

static void read_later(struct fields *fields)
{
    bool dry_run = false;
    fields_later(fields, STR("send_at"));
    fields_later(fields, STR("confirm_recipients"));
    fields_later(fields, STR("spread"));
    fields_later(fields, STR("quiet_hours"));
    fields_later(fields, STR("rate_limit"));
    if (fields_bool(fields, STR("dry_run"), &dry_run) && dry_run)
        fields_fault(fields, STR("dry_run"), "true is not supported yet");
}

void draft_read(const struct json *body, struct str key, struct faults *faults, struct draft *ret)
{
    struct fields fields;
    *ret = (struct draft){.category = CATEGORY_DEFAULT};
    if (!fields_init(&fields, body, NULL, faults))
        return;
    read_event_id(&fields, key, ret);
    read_to(&fields, ret);
    (void)fields_name(&fields, STR("category"), &ret->category);
    read_message(&fields, ret);
    settings_read(&fields, &ret->settings);
    (void)fields_checked(&fields, STR("collapse_key"), collapse_key_ok, COLLAPSE_KEY_RULE,
                         &ret->collapse_key);
    read_later(&fields);
    check_channels(&fields, ret);
    fields_done(&fields);
}
