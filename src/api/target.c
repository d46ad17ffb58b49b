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

static void read_token(struct fields *fields, struct target *ret)
{
    (void)fields_checked(fields, STR("token"), token_ok, "must be 1 to 4096 of [A-Za-z0-9_:.-]",
                         &ret->address);
    fields_needed(fields, STR("token"));
    (void)fields_checked(fields, STR("bundle_id"), bundle_id_ok,
                         "must match [A-Za-z0-9][A-Za-z0-9_.-]{0,127}", &ret->bundle_id);
    if (ret->kind == KIND_IOS)
        fields_needed(fields, STR("bundle_id"));
    refuse(fields, STR("subscription"), "is for web only");
    read_environment(fields, ret);
}

static void read_web(struct fields *fields, struct target *ret)
{
    struct spot spot = {.up = fields->spot, .name = STR("subscription")};
    const struct json *value = fields_take(fields, spot.name);
    fields_needed(fields, spot.name);
    if (value)
        read_subscription(value, &spot, fields->faults, ret);
    refuse(fields, STR("token"), "is not for web: give a subscription");
    refuse(fields, STR("bundle_id"), "is not for web");
    read_environment(fields, ret);
}

void target_read(struct fields *fields, struct target *ret)
{
    static const struct str others[] = {STR_INIT("token"), STR_INIT("bundle_id"),
                                        STR_INIT("environment"), STR_INIT("subscription")};
    struct str platform;
    *ret = (struct target){0};
    const struct json *said = fields_take(fields, STR("platform"));
    if (!said) {
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
            refuse(fields, others[i], "needs a platform");
        return;
    }
    ret->present = true;
    if (!fields_str(fields, STR("platform"), 64, &platform)) {
        ret->kind = KIND_COUNT;
    } else if (!kind_parse(platform, &ret->kind) || kind_channel(ret->kind) != CHANNEL_PUSH) {
        fields_fault(fields, STR("platform"), "must be one of ios, android, web");
        ret->kind = KIND_COUNT;
    }
    if (ret->kind == KIND_WEB)
        read_web(fields, ret);
    else if (ret->kind != KIND_COUNT)
        read_token(fields, ret);
    /* Of an unknown platform nothing can be said of the rest. */
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        (void)fields_take(fields, others[i]);
    if (ret->kind == KIND_COUNT)
        ret->kind = KIND_IOS;
}
