/* api/target.c - see target.h. */
#include "api/target.h"
#include "api/address.h"
#include "codec/aes128gcm.h"
#include "model/check.h"

static bool auth_ok(struct str text)
{
    return base64url_ok(text, PUSH_AUTH_SIZE);
}

static void read_keys(const struct json *value, const struct spot *spot, struct faults *faults,
                      struct target *ret)
{
    struct fields fields;
    if (!fields_init(&fields, value, spot, faults))
        return;
    (void)fields_checked(&fields, STR("p256dh"), push_point_ok,
                         "must be a P-256 point, 65 bytes as base64url", &ret->p256dh);
    fields_needed(&fields, STR("p256dh"));
    (void)fields_checked(&fields, STR("auth"), auth_ok, "must be 16 bytes as base64url",
                         &ret->auth);
    fields_needed(&fields, STR("auth"));
    fields_done(&fields);
}

/* As PushSubscription.toJSON() gives it, the expirationTime included. */
static void read_subscription(const struct json *value, const struct spot *spot,
                              struct faults *faults, struct target *ret)
{
    struct fields fields;
    if (!fields_init(&fields, value, spot, faults))
        return;
    struct spot keys = {.up = spot, .name = STR("keys")};
    (void)fields_checked(&fields, STR("endpoint"), endpoint_ok, "must be an https URL",
                         &ret->address);
    fields_needed(&fields, STR("endpoint"));
    (void)fields_typed(&fields, STR("expirationTime"), JSON_NUMBER);
    fields_needed(&fields, keys.name);
    const struct json *value_keys = fields_take(&fields, keys.name);
    if (value_keys)
        read_keys(value_keys, &keys, faults, ret);
    fields_done(&fields);
}

static void read_environment(struct fields *fields, struct target *ret)
{
    struct str name;
    if (!fields_str(fields, STR("environment"), 64, &name))
        return;
    ret->sandbox = str_eq(name, STR("sandbox"));
    if (!ret->sandbox && !str_eq(name, STR("production")))
        fields_fault(fields, STR("environment"), "must be one of production, sandbox");
    else if (ret->kind != KIND_IOS)
        fields_fault(fields, STR("environment"), "is for ios only");
}

static void refuse(struct fields *fields, struct str name, const char *why)
{
    if (fields_take(fields, name))
        fields_fault(fields, name, "%s", why);
}

/* What would be right or wrong cannot be told without a platform. */
static void take_rest(struct fields *fields)
{
    static const struct str names[] = {STR_INIT("token"), STR_INIT("bundle_id"),
                                       STR_INIT("environment"), STR_INIT("subscription")};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void)fields_take(fields, names[i]);
}

void target_read(struct fields *fields, struct target *ret)
{
    struct spot subscription = {.up = fields->spot, .name = STR("subscription")};
    struct str platform;
    *ret = (struct target){0};
    if (!fields_str(fields, STR("platform"), 64, &platform)) {
        refuse(fields, STR("token"), "needs a platform");
        refuse(fields, STR("bundle_id"), "needs a platform");
        refuse(fields, STR("environment"), "needs a platform");
        refuse(fields, subscription.name, "needs a platform");
        return;
    }
    ret->present = true;
    if (!kind_parse(platform, &ret->kind) || kind_channel(ret->kind) != CHANNEL_PUSH) {
        fields_fault(fields, STR("platform"), "must be one of ios, android, web");
        take_rest(fields);
        return;
    }
    if (ret->kind == KIND_WEB) {
        const struct json *value = fields_take(fields, subscription.name);
        fields_needed(fields, subscription.name);
        if (value)
            read_subscription(value, &subscription, fields->faults, ret);
        refuse(fields, STR("token"), "is not for web: give a subscription");
        refuse(fields, STR("bundle_id"), "is not for web");
    } else {
        (void)fields_checked(fields, STR("token"), token_ok, "must be 1 to 4096 of [A-Za-z0-9_:.-]",
                             &ret->address);
        fields_needed(fields, STR("token"));
        (void)fields_checked(fields, STR("bundle_id"), bundle_id_ok,
                             "must match [A-Za-z0-9][A-Za-z0-9_.-]{0,127}", &ret->bundle_id);
        if (ret->kind == KIND_IOS)
            fields_needed(fields, STR("bundle_id"));
        refuse(fields, subscription.name, "is for web only");
    }
    read_environment(fields, ret);
}
