/* provider/fcm.c - Firebase Cloud Messaging, HTTP v1.
 *
 * firebase.google.com/docs/reference/fcm/rest/v1: projects.messages.send, ErrorCode; FCM's page on
 * message limits. An error is judged by FcmError's code first, then by google.rpc's status, then
 * by the HTTP status.
 */
#include "provider/draft.h"
#include "provider/drivers.h"
#include "provider/google_token.h"
#include "provider/rulings.h"
#include <stdlib.h>

enum {
    PAYLOAD_MAX = 4096, /* keys and values */
    BODY_BUF_MAX = 16 * PAYLOAD_MAX + 8 * 4096,
    TTL_MAX_S = 28 * 24 * 3600,
    QUOTA_WAIT_S = 60,   /* without a Retry-After */
    INTERNAL_WAIT_S = 10 /* likewise */
};

struct fcm {
    struct keep keep;
    struct service service;
    struct str ca, path;
    struct google_token token;
};

static const struct setting_def fcm_settings[] = {
    {STR_INIT("service_account"), true, true},
    {STR_INIT("token_url"), false, false},
    {{NULL, 0}, false, false},
};

#define BAD_TOKEN "BAD_TOKEN" /* ours: INVALID_ARGUMENT that means the registration token */

static const struct ruling fcm_rulings[] = {
    {200, NULL, FATE_DONE, SCOPE_DELIVERY, EFFECT_NONE, NULL},
    {RULING_ANY, "UNREGISTERED", FATE_NEVER, SCOPE_ADDRESS, EFFECT_RETIRE, "unregistered"},
    {RULING_ANY, BAD_TOKEN, FATE_NEVER, SCOPE_ADDRESS, EFFECT_RETIRE, "invalid_token"},
    {RULING_ANY, "INVALID_ARGUMENT", FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, "invalid_argument"},
    {RULING_ANY, "SENDER_ID_MISMATCH", FATE_NEVER, SCOPE_ADDRESS, EFFECT_RETIRE,
     "sender_id_mismatch"},
    {RULING_ANY, "PERMISSION_DENIED", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "permission_denied"},
    {RULING_ANY, "NOT_FOUND", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "project_not_found"},
    {RULING_ANY, "UNAUTHENTICATED", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_REFRESH, "unauthenticated"},
    /* The key of another leg (APNs, Web Push) in the Firebase console: no fault of ours. */
    {RULING_ANY, "THIRD_PARTY_AUTH_ERROR", FATE_AGAIN, SCOPE_DELIVERY, EFFECT_HOLD,
     "third_party_auth_error"},
    {RULING_ANY, "APNS_AUTH_ERROR", FATE_AGAIN, SCOPE_DELIVERY, EFFECT_HOLD, "apns_auth_error"},
    {RULING_ANY, "QUOTA_EXCEEDED", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_THROTTLE, "quota_exceeded"},
    {RULING_ANY, "RESOURCE_EXHAUSTED", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_THROTTLE,
     "quota_exceeded"},
    /* Answered to messages that arrived all the same: firebase-admin-node, issue 1248. */
    {RULING_ANY, "UNAVAILABLE", FATE_AMBIGUOUS, SCOPE_PROVIDER, EFFECT_NONE, "unavailable"},
    {RULING_ANY, "INTERNAL", FATE_AMBIGUOUS, SCOPE_PROVIDER, EFFECT_NONE, "internal"},
    {401, NULL, FATE_AGAIN, SCOPE_PROVIDER, EFFECT_REFRESH, "unauthenticated"},
    {403, NULL, FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "forbidden"},
    {404, NULL, FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "project_not_found"},
    {0},
};

static void fcm_close(void *self)
{
    struct fcm *fcm = self;
    google_token_done(&fcm->token);
    keep_done(&fcm->keep);
    free(fcm);
}

static enum err read_settings(struct fcm *fcm, const struct provider_config *config,
                              struct why *why)
{
    enum err err;
    if ((err = keep_init(&fcm->keep, config, why)) ||
        (err = setting_service(config, STR("url"), STR("https://fcm.googleapis.com"), &fcm->keep,
                               &fcm->service, why)) ||
        (err = google_token_open(&fcm->token, config, &fcm->keep, why)))
        return err;
    struct buf path;
    buf_init(&path, 4096);
    buf_add(&path, fcm->service.prefix);
    buf_add(&path, STR("/v1/projects/"));
    buf_add(&path, fcm->token.project_id);
    buf_add(&path, STR("/messages:send"));
    if (path.failed)
        err = why_set(why, ERR_INPUT, "`url` or the project_id is too long");
    fcm->path = keep_buf(&fcm->keep, &path);
    fcm->ca = keep_str(&fcm->keep, provider_setting(config, STR("ca")));
    return err;
}

static enum err fcm_open(const struct provider_config *config, void **ret, struct why *why)
{
    struct fcm *fcm = calloc(1, sizeof *fcm);
    if (!fcm)
        return why_set(why, ERR_MEMORY, "no memory for a provider");
    enum err err = read_settings(fcm, config, why);
    if (err)
        fcm_close(fcm);
    else
        *ret = fcm;
    return err;
}

static enum authorize fcm_authorize(void *self, const struct parcel *parcel, struct str *ret,
                                    struct why *why)
{
    (void)why;
    struct fcm *fcm = self;
    return google_token_authorize(&fcm->token, parcel->now, ret);
}

static enum err fcm_refresh_compose(void *self, struct wall now, struct arena *arena,
                                    struct request *ret, struct why *why)
{
    struct fcm *fcm = self;
    return google_token_compose(&fcm->token, now, arena, ret, why);
}

static struct verdict fcm_refresh_judge(void *self, const struct reply *reply, struct arena *arena)
{
    struct fcm *fcm = self;
    return google_token_judge(&fcm->token, reply, arena);
}

static void fcm_forget(void *self, struct wall now)
{
    (void)now;
    struct fcm *fcm = self;
    google_token_forget(&fcm->token);
}

/* "Message payload" in the reference of RemoteMessage.data: names that FCM keeps for itself. */
static bool is_reserved(struct str name)
{
    return str_eq(name, STR("from")) || str_eq(name, STR("message_type")) ||
           str_starts(name, STR("google")) || str_starts(name, STR("gcm"));
}

static enum err check(const struct parcel *parcel, struct why *why)
{
    const struct content *content = parcel->content;
    enum err err = draft_push_check(parcel, why);
    if (err)
        return err;
    for (uint32_t i = 0; content->data && i < content->data->count; i++)
        if (is_reserved(content->data->names[i]))
            return why_set(why, ERR_INPUT,
                           "FCM keeps the data name '%.*s' for itself (from, message_type, "
                           "google*, gcm*): rename it",
                           STR_ARG(content->data->names[i]));
    size_t bytes = draft_push_bytes(content);
    if (bytes > PAYLOAD_MAX)
        return why_set(why, ERR_LIMIT, "the payload has %zu bytes, FCM takes %d", bytes,
                       PAYLOAD_MAX);
    return OK;
}

static void member(struct json_out *out, struct str name, struct str value)
{
    if (!value.at)
        return;
    json_name(out, name);
    json_str(out, value);
}

static void write_notification(struct json_out *out, const struct content *content)
{
    json_name(out, STR("notification"));
    json_open(out, '{');
    member(out, STR("title"), content->title);
    member(out, STR("body"), content->body);
    if (content->image.len)
        member(out, STR("image"), content->image);
    json_close(out, '}');
}

static void write_data(struct json_out *out, const struct content *content)
{
    const struct str url[] = {STR("url"), STR_NONE};
    if (!content->url.len && !(content->data && content->data->count))
        return;
    json_name(out, STR("data"));
    json_open(out, '{');
    if (content->url.len)
        member(out, STR("url"), content->url);
    draft_data(out, content, content->url.len ? url : url + 1);
    json_close(out, '}');
}

/* collapseKey replaces what FCM still holds for the device, the tag what the device shows. */
static void write_android(struct json_out *out, const struct parcel *parcel, struct arena *arena)
{
    enum priority priority = parcel->notification->priority;
    bool high = priority == PRIORITY_CRITICAL || priority == PRIORITY_HIGH;
    json_name(out, STR("android"));
    json_open(out, '{');
    member(out, STR("collapseKey"), draft_collapse(parcel));
    member(out, STR("priority"), high ? STR("HIGH") : STR("NORMAL"));
    member(out, STR("ttl"),
           arena_printf(arena, "%llds", (long long)draft_ttl_s(parcel, TTL_MAX_S)));
    if (draft_push_shows(parcel->content)) {
        json_name(out, STR("notification"));
        json_open(out, '{');
        member(out, STR("tag"), draft_collapse(parcel));
        json_close(out, '}');
    }
    json_close(out, '}');
}

static struct str body_of(const struct parcel *parcel, struct arena *arena)
{
    struct buf body;
    buf_init(&body, BODY_BUF_MAX);
    struct json_out out = json_out_to(&body);
    json_open(&out, '{');
    json_name(&out, STR("message"));
    json_open(&out, '{');
    member(&out, STR("token"), parcel->delivery->address);
    if (draft_push_shows(parcel->content))
        write_notification(&out, parcel->content);
    write_data(&out, parcel->content);
    write_android(&out, parcel, arena);
    json_close(&out, '}');
    json_close(&out, '}');
    return draft_take(arena, &body);
}

static enum err fcm_compose(const void *self, const struct parcel *parcel, struct str credential,
                            const struct entropy *entropy, struct arena *arena, struct request *ret,
                            struct why *why)
{
    (void)entropy;
    const struct fcm *fcm = self;
    enum err err = check(parcel, why);
    if (err)
        return err;
    struct request request = {.wire = fcm->service.plain ? WIRE_HTTP : WIRE_H2,
                              .method = STR("POST"),
                              .origin = fcm->service.origin,
                              .path = fcm->path,
                              .ca = fcm->ca,
                              .body = body_of(parcel, arena)};
    draft_header(&request, STR("authorization"), arena_copy(arena, credential));
    draft_header(&request, STR("content-type"), STR("application/json"));
    *ret = request;
    return draft_finish(arena, why);
}

/* The detail of `error` whose @type ends in `type`. */
static const struct json *detail_of(const struct json *error, struct str type)
{
    const struct json *details = json_get(error, STR("details"));
    for (uint32_t i = 0; json_is(details, JSON_ARRAY) && i < details->count; i++)
        if (str_ends(json_word(&details->items[i], STR("@type")), type))
            return &details->items[i];
    return NULL;
}

static bool names_the_token(const struct json *bad_request)
{
    const struct json *violations = json_get(bad_request, STR("fieldViolations"));
    for (uint32_t i = 0; json_is(violations, JSON_ARRAY) && i < violations->count; i++)
        if (str_eq(json_word(&violations->items[i], STR("field")), STR("message.token")))
            return true;
    return false;
}

/* The word that decides. An INVALID_ARGUMENT retires the token only if FCM says that the token is
 * what is invalid: any other means our message, and must not cost a device its registration. */
static struct str code_of(const struct json *error)
{
    const struct json *fcm_error = detail_of(error, STR("FcmError"));
    struct str code = json_word(fcm_error, STR("errorCode"));
    struct str message = json_word(error, STR("message"));
    if (!code.len)
        code = json_word(error, STR("status"));
    if (!str_eq(code, STR("INVALID_ARGUMENT")))
        return code;
    bool told = fcm_error && message.len &&
                memmem(message.at, message.len, "not a valid FCM registration token", 34);
    return told || names_the_token(detail_of(error, STR("BadRequest"))) ? STR(BAD_TOKEN) : code;
}

static struct verdict fcm_judge(const void *self, const struct reply *reply, struct arena *arena)
{
    (void)self;
    const struct json *body = reply_json(reply, arena);
    const struct json *error = reply->status >= 400 ? json_get(body, STR("error")) : NULL;
    struct str code = code_of(error);
    struct verdict verdict = rule(fcm_rulings, reply, code, SCOPE_PROVIDER, arena);
    if (reply->exchange != EXCHANGE_WHOLE)
        return verdict;
    verdict.detail = json_word(error, STR("message"));
    if (str_eq(code, STR(BAD_TOKEN)))
        verdict.code = STR("INVALID_ARGUMENT");
    if (verdict.fate == FATE_DONE)
        verdict.message_id = json_word(body, STR("name"));
    if (verdict.effect == EFFECT_THROTTLE && verdict.retry_after.us == 0)
        verdict.retry_after = span_s(QUOTA_WAIT_S);
    if (verdict.fate == FATE_AMBIGUOUS && reply->status == 500 && verdict.retry_after.us == 0)
        verdict.retry_after = span_s(INTERNAL_WAIT_S);
    return verdict;
}

const struct provider_ops fcm_ops = {
    .driver = STR_INIT("fcm"),
    .kinds = 1u << KIND_ANDROID,
    .settings = fcm_settings,
    .open = fcm_open,
    .close = fcm_close,
    .authorize = fcm_authorize,
    .refresh_compose = fcm_refresh_compose,
    .refresh_judge = fcm_refresh_judge,
    .forget = fcm_forget,
    .compose = fcm_compose,
    .judge = fcm_judge,
};
