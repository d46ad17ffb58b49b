/* provider/apns.c - Apple Push Notification service, over HTTP/2 with a token of our own.
 *
 * developer.apple.com: "Sending notification requests to APNs", "Establishing a token-based
 * connection to APNs", "Handling notification responses from APNs".
 *
 * The token (ES256, reused by all requests) is made anew after 50 minutes: Apple refuses tokens
 * older than an hour, and answers 429 TooManyProviderTokenUpdates to those who renew more often
 * than every 20 minutes. The count is per team: give one team to one provider, since two of the
 * same team and key do not share their token.
 */
#include "codec/base64.h"
#include "codec/digest.h"
#include "codec/hex.h"
#include "codec/jwt.h"
#include "provider/draft.h"
#include "provider/drivers.h"
#include "provider/rulings.h"
#include "provider/settings.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    PAYLOAD_MAX = 4096,
    PAYLOAD_BUF_MAX = 16 * PAYLOAD_MAX,
    COLLAPSE_ID_MAX = 64, /* bytes */
    BEARER_MAX = 1024,
    RENEW_AFTER_MS = 50 * 60 * 1000,
    RENEW_NOT_BEFORE_MS = 20 * 60 * 1000,
    UPDATES_WAIT_S = 120, /* after TooManyProviderTokenUpdates */
    EXPIRES_MAX_S = 30 * 24 * 3600,
    UUID_SIZE = 37
};

struct apns {
    struct keep keep;
    struct service production, sandbox;
    struct str ca, bundle_id; /* of devices that have none of their own */
    struct str header;        /* of the token, JSON */
    struct str team_id;
    struct jwt_key *key;
    struct wall signed_at; /* ms == 0: there is no token */
    bool stale;            /* the provider has called it so */
    struct buf bearer;     /* "bearer <token>" */
};

static const struct setting_def apns_settings[] = {
    {STR_INIT("team_id"), true, false},      {STR_INIT("key_id"), true, false},
    {STR_INIT("key"), true, true},           {STR_INIT("bundle_id"), false, false},
    {STR_INIT("sandbox_url"), false, false}, {{NULL, 0}, false, false},
};

/* RETIRE follows Apple's word on the token alone. One of the other environment gives
 * BadDeviceToken too, which is why a device says which one it is of. */
static const struct ruling apns_rulings[] = {
    {200, NULL, FATE_DONE, SCOPE_DELIVERY, EFFECT_NONE, NULL},
    {400, "BadDeviceToken", FATE_NEVER, SCOPE_ADDRESS, EFFECT_RETIRE, NULL},
    {400, "DeviceTokenNotForTopic", FATE_NEVER, SCOPE_ADDRESS, EFFECT_RETIRE, NULL},
    {400, "BadTopic", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, NULL},
    {400, "MissingTopic", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, NULL},
    {400, "TopicDisallowed", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, NULL},
    {400, "BadCollapseId", FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, NULL},
    {400, "BadExpirationDate", FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, NULL},
    {400, "BadMessageId", FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, NULL},
    {400, "BadPriority", FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, NULL},
    {400, "InvalidPushType", FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, NULL},
    {400, "PayloadEmpty", FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, NULL},
    {400, "DuplicateHeaders", FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, NULL},
    {400, "MissingDeviceToken", FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, NULL},
    {400, "IdleTimeout", FATE_AGAIN, SCOPE_DELIVERY, EFFECT_NONE, NULL},
    {403, "ExpiredProviderToken", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_REFRESH, NULL},
    /* Once more for a clock that was corrected; if it stays, the courier holds. */
    {403, "InvalidProviderToken", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_REFRESH, NULL},
    {403, "MissingProviderToken", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, NULL},
    {403, "Forbidden", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, NULL},
    {403, "BadCertificate", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, NULL},
    {403, "BadCertificateEnvironment", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, NULL},
    {403, "UnrelatedKeyIdInToken", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, NULL},
    {403, "BadEnvironmentKeyIdInToken", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, NULL},
    {403, NULL, FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "forbidden"},
    {404, "BadPath", FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, NULL},
    {405, "MethodNotAllowed", FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, NULL},
    {410, "Unregistered", FATE_NEVER, SCOPE_ADDRESS, EFFECT_RETIRE, NULL},
    {410, "ExpiredToken", FATE_NEVER, SCOPE_ADDRESS, EFFECT_RETIRE, NULL},
    {410, NULL, FATE_NEVER, SCOPE_ADDRESS, EFFECT_RETIRE, "unregistered"},
    {413, "PayloadTooLarge", FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, NULL},
    {429, "TooManyRequests", FATE_AGAIN, SCOPE_ADDRESS, EFFECT_THROTTLE, NULL},
    {429, "TooManyProviderTokenUpdates", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_THROTTLE, NULL},
    /* No word on whether it took the message before it failed. */
    {500, "InternalServerError", FATE_AMBIGUOUS, SCOPE_PROVIDER, EFFECT_NONE, NULL},
    {503, "ServiceUnavailable", FATE_AMBIGUOUS, SCOPE_PROVIDER, EFFECT_NONE, NULL},
    {503, "Shutdown", FATE_AMBIGUOUS, SCOPE_PROVIDER, EFFECT_NONE, NULL},
    {0},
};

static void apns_close(void *self)
{
    struct apns *apns = self;
    jwt_key_free(apns->key);
    if (apns->bearer.at)
        wipe(apns->bearer.at, apns->bearer.cap);
    buf_done(&apns->bearer);
    keep_done(&apns->keep);
    free(apns);
}

static enum err identifier(const struct provider_config *config, struct str name, const char *what,
                           struct str *ret, struct why *why)
{
    enum err err = setting_need(config, name, what, ret, why);
    for (size_t i = 0; !err && i < ret->len; i++) {
        char c = ret->at[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')))
            err = why_set(why, ERR_INPUT, "`%.*s` may hold letters and digits only: it is %s",
                          STR_ARG(name), what);
    }
    return err;
}

static enum err read_settings(struct apns *apns, const struct provider_config *config,
                              struct why *why)
{
    struct str key_id, key;
    enum err err;
    if ((err = keep_init(&apns->keep, config, why)) ||
        (err = identifier(config, STR("team_id"), "the 10 characters of your Apple team",
                          &apns->team_id, why)) ||
        (err = identifier(config, STR("key_id"), "the 10 characters of the key's id", &key_id,
                          why)) ||
        (err = setting_need(config, STR("key"), "the .p8 file from Apple, as file:PATH", &key,
                            why)) ||
        (err = setting_word(config, STR("bundle_id"), why)) ||
        (err = setting_service(config, STR("url"), STR("https://api.push.apple.com"), &apns->keep,
                               &apns->production, why)) ||
        (err =
             setting_service(config, STR("sandbox_url"), STR("https://api.sandbox.push.apple.com"),
                             &apns->keep, &apns->sandbox, why)) ||
        (err = jwt_key_load(JWT_ES256, key, &apns->key, why)))
        return err;
    struct buf header;
    buf_init(&header, BEARER_MAX);
    buf_printf(&header, "{\"alg\":\"ES256\",\"kid\":\"%.*s\"}", STR_ARG(key_id));
    if (header.failed)
        err = why_set(why, ERR_INPUT, "`key_id` is too long: it is the 10 characters of the key");
    apns->header = keep_buf(&apns->keep, &header);
    apns->team_id = keep_str(&apns->keep, apns->team_id);
    apns->ca = keep_str(&apns->keep, provider_setting(config, STR("ca")));
    apns->bundle_id = keep_str(&apns->keep, provider_setting(config, STR("bundle_id")));
    return err;
}

static enum err apns_open(const struct provider_config *config, void **ret, struct why *why)
{
    struct apns *apns = calloc(1, sizeof *apns);
    if (!apns)
        return why_set(why, ERR_MEMORY, "no memory for a provider");
    buf_init(&apns->bearer, BEARER_MAX);
    enum err err = read_settings(apns, config, why);
    if (err)
        apns_close(apns);
    else
        *ret = apns;
    return err;
}

static bool token_is_good(const struct apns *apns, struct wall now)
{
    int64_t age = now.ms - apns->signed_at.ms;
    return apns->signed_at.ms && !apns->stale && age >= -RENEW_NOT_BEFORE_MS &&
           age < RENEW_AFTER_MS;
}

static enum authorize apns_authorize(void *self, const struct parcel *parcel, struct str *ret,
                                     struct why *why)
{
    struct apns *apns = self;
    if (!token_is_good(apns, parcel->now)) {
        struct buf claims;
        buf_init(&claims, BEARER_MAX);
        buf_printf(&claims, "{\"iss\":\"%.*s\",\"iat\":%lld}", STR_ARG(apns->team_id),
                   (long long)(parcel->now.ms / 1000));
        buf_clear(&apns->bearer);
        buf_add(&apns->bearer, STR("bearer "));
        enum err err =
            claims.failed ? why_set(why, ERR_MEMORY, "no memory for a token")
                          : jwt_sign(apns->key, apns->header, buf_str(&claims), &apns->bearer, why);
        buf_done(&claims);
        apns->signed_at = err ? (struct wall){0} : parcel->now;
        apns->stale = false;
        if (err)
            return AUTHORIZE_FAILED;
    }
    *ret = buf_str(&apns->bearer);
    return AUTHORIZED;
}

static void apns_forget(void *self, struct wall now)
{
    struct apns *apns = self;
    int64_t age = now.ms - apns->signed_at.ms;
    apns->stale = age >= RENEW_NOT_BEFORE_MS || age < 0;
}

/* A UUID (RFC 9562, version 8) that the same attempt always gets. */
static struct str attempt_uuid(const struct parcel *parcel, struct arena *arena)
{
    unsigned char hash[SHA256_SIZE];
    char hex[2 * SHA256_SIZE + 1], uuid[UUID_SIZE];
    sha256(arena_printf(arena, "%.*s/%u", STR_ARG(parcel->delivery_id), parcel->attempt), hash);
    hash[6] = (unsigned char)((hash[6] & 0x0f) | 0x80);
    hash[8] = (unsigned char)((hash[8] & 0x3f) | 0x80);
    hex_write(hash, sizeof hash, hex);
    snprintf(uuid, sizeof uuid, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
             hex + 20);
    return arena_copy(arena, str_of(uuid));
}

/* The key itself if a header can hold it, else its hash: equal keys still collapse. */
static struct str collapse_id(const struct parcel *parcel, struct arena *arena)
{
    struct str key = draft_collapse(parcel);
    if (draft_is_word(key) && key.len <= COLLAPSE_ID_MAX)
        return arena_copy(arena, key);
    unsigned char hash[SHA256_SIZE];
    struct buf text;
    sha256(key, hash);
    buf_init(&text, COLLAPSE_ID_MAX);
    base64url_add(&text, (struct str){(const char *)hash, sizeof hash});
    return draft_take(arena, &text);
}

static void write_alert(struct json_out *out, const struct content *content)
{
    json_name(out, STR("alert"));
    json_open(out, '{');
    if (content->title.at) {
        json_name(out, STR("title"));
        json_str(out, content->title);
    }
    if (content->body.at) {
        json_name(out, STR("body"));
        json_str(out, content->body);
    }
    json_close(out, '}');
    if (content->image.len) { /* the app's service extension fetches it */
        json_name(out, STR("mutable-content"));
        json_i64(out, 1);
    }
}

static void write_payload(struct json_out *out, const struct content *content)
{
    /* Ours stand before the data's of the same name. */
    struct str besides[3] = {STR_NONE, STR_NONE, STR_NONE}, *next = besides;
    json_open(out, '{');
    json_name(out, STR("aps"));
    json_open(out, '{');
    if (draft_push_shows(content)) {
        write_alert(out, content);
    } else {
        json_name(out, STR("content-available"));
        json_i64(out, 1);
    }
    json_close(out, '}');
    if (content->url.len) {
        json_name(out, *next++ = STR("url"));
        json_str(out, content->url);
    }
    if (content->image.len) {
        json_name(out, *next++ = STR("image"));
        json_str(out, content->image);
    }
    draft_data(out, content, besides);
    json_close(out, '}');
}

static enum err payload(const struct content *content, struct arena *arena, struct str *ret,
                        struct why *why)
{
    size_t bytes = draft_push_bytes(content);
    struct buf buf;
    if (json_get(content->data, STR("aps")))
        return why_set(why, ERR_INPUT, "the push data may not have a member `aps`: rename it");
    buf_init(&buf, PAYLOAD_BUF_MAX);
    if (bytes <= PAYLOAD_MAX) {
        struct json_out out = json_out_to(&buf);
        write_payload(&out, content);
        bytes = buf.len;
    }
    if (bytes > PAYLOAD_MAX) {
        buf_done(&buf);
        return why_set(why, ERR_LIMIT, "the payload has %zu bytes, APNs takes %d", bytes,
                       PAYLOAD_MAX);
    }
    *ret = draft_take(arena, &buf);
    return draft_finish(arena, why);
}

static struct str path_of(const struct service *service, struct str token, struct arena *arena)
{
    struct buf path;
    buf_init(&path, 4 * PAYLOAD_BUF_MAX);
    buf_add(&path, service->prefix);
    buf_add(&path, STR("/3/device/"));
    uri_add_component(&path, token);
    return draft_take(arena, &path);
}

static enum err apns_compose(const void *self, const struct parcel *parcel, struct str credential,
                             const struct entropy *entropy, struct arena *arena,
                             struct request *ret, struct why *why)
{
    (void)entropy;
    const struct apns *apns = self;
    const struct delivery *delivery = parcel->delivery;
    const struct service *service = delivery->sandbox ? &apns->sandbox : &apns->production;
    struct str topic = delivery->bundle_id.len ? delivery->bundle_id : apns->bundle_id;
    struct request request = {
        .wire = WIRE_H2, .method = STR("POST"), .origin = service->origin, .ca = apns->ca};
    enum err err = draft_push_check(parcel, why);
    if (err)
        return err;
    if (!draft_is_word(topic))
        return why_set(why, ERR_INPUT,
                       "the device has no usable bundle_id: register it with one, or set the "
                       "provider's `bundle_id`");
    if ((err = payload(parcel->content, arena, &request.body, why)))
        return err;
    bool shows = draft_push_shows(parcel->content);
    bool soon = shows && parcel->notification->priority != PRIORITY_LOW;
    int64_t expires = parcel->now.ms / 1000 + draft_ttl_s(parcel, EXPIRES_MAX_S);
    request.path = path_of(service, delivery->address, arena);
    draft_header(&request, STR("authorization"), arena_copy(arena, credential));
    draft_header(&request, STR("apns-topic"), arena_copy(arena, topic));
    draft_header(&request, STR("apns-push-type"), shows ? STR("alert") : STR("background"));
    draft_header(&request, STR("apns-id"), attempt_uuid(parcel, arena));
    draft_header(&request, STR("apns-expiration"), arena_printf(arena, "%lld", (long long)expires));
    draft_header(&request, STR("apns-priority"), soon ? STR("10") : STR("5"));
    draft_header(&request, STR("apns-collapse-id"), collapse_id(parcel, arena));
    draft_header(&request, STR("content-type"), STR("application/json"));
    *ret = request;
    return draft_finish(arena, why);
}

static struct verdict apns_judge(const void *self, const struct reply *reply, struct arena *arena)
{
    (void)self;
    const struct json *body = reply->status >= 400 ? reply_json(reply, arena) : NULL;
    struct str word = json_word(body, STR("reason"));
    struct verdict verdict = rule(apns_rulings, reply, word, SCOPE_PROVIDER, arena);
    if (reply->exchange != EXCHANGE_WHOLE)
        return verdict;
    if (word.len) { /* the code is the status, the word is the reason */
        verdict.reason = word;
        verdict.code = arena_printf(arena, "%d", reply->status);
    }
    if (verdict.fate == FATE_DONE)
        verdict.message_id = reply_header(reply, STR("apns-id"));
    int64_t since;
    if (verdict.effect == EFFECT_RETIRE && json_to_i64(json_get(body, STR("timestamp")), &since) &&
        since > 0)
        verdict.invalid_since.ms = since;
    if (str_eq(word, STR("TooManyProviderTokenUpdates")) && verdict.retry_after.us == 0)
        verdict.retry_after = span_s(UPDATES_WAIT_S);
    return verdict;
}

const struct provider_ops apns_ops = {
    .driver = STR_INIT("apns"),
    .kinds = 1u << KIND_IOS,
    .settings = apns_settings,
    .open = apns_open,
    .close = apns_close,
    .authorize = apns_authorize,
    .forget = apns_forget,
    .compose = apns_compose,
    .judge = apns_judge,
};
