/* provider/webpush.c - Web Push to whatever service a subscriber's browser chose.
 *
 * RFC 8030 (delivery), 8291 and 8188 (encryption), 8292 (VAPID); the services' own error bodies:
 * Mozilla's autopush (errno), Apple's (reason), Google's (text). The endpoint is a stranger's: it
 * is resolved once, checked and pinned by the transport, and its failures reach as far as its
 * origin, never the whole provider.
 */
#include "codec/aes128gcm.h"
#include "codec/base64.h"
#include "codec/cidr.h"
#include "codec/digest.h"
#include "model/limits.h"
#include "provider/draft.h"
#include "provider/drivers.h"
#include "provider/origin_tokens.h"
#include "provider/rulings.h"
#include "provider/settings.h"
#include <stdlib.h>

enum {
    PLAIN_BUF_MAX = 16 * PUSH_PLAIN_MAX,
    TTL_MAX_S = 30 * 24 * 3600, /* autopush caps there */
    TOPIC_BYTES = 24,           /* 32 characters of base64url: RFC 8030 section 5.4 */
    SCALAR_TRIES = 8
};

struct webpush {
    struct keep keep;
    struct str ca, allow_endpoints;
    struct jwt_key *key;
    struct sealer *sealer;
    struct origin_tokens *tokens;
};

static const struct setting_def webpush_settings[] = {
    {STR_INIT("vapid_key"), true, true},
    {STR_INIT("subject"), true, false},
    {STR_INIT("allow_endpoints"), false, false},
    {{NULL, 0}, false, false},
};

#define OTHER_KEY "VapidPkHashMismatch" /* Apple's word; ours for what the others say at length */

static const struct ruling webpush_rulings[] = {
    {200, NULL, FATE_DONE, SCOPE_DELIVERY, EFFECT_NONE, NULL},
    {201, NULL, FATE_DONE, SCOPE_DELIVERY, EFFECT_NONE, NULL},
    {202, NULL, FATE_DONE, SCOPE_DELIVERY, EFFECT_NONE, NULL},
    {RULING_ANY, OTHER_KEY, FATE_NEVER, SCOPE_ADDRESS, EFFECT_RETIRE, "other_vapid_key"},
    {400, "110", FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, "refused"},
    {400, "111", FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, "refused"},
    {400, "112", FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, "refused"},
    {400, "113", FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, "refused"},
    {400, "114", FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, "refused"},
    {400, NULL, FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, "refused"},
    {401, "109", FATE_AGAIN, SCOPE_ORIGIN, EFFECT_REFRESH, "vapid_refused"},
    {401, "BadJwtToken", FATE_AGAIN, SCOPE_ORIGIN, EFFECT_REFRESH, "vapid_refused"},
    {403, "BadJwtToken", FATE_AGAIN, SCOPE_ORIGIN, EFFECT_REFRESH, "vapid_refused"},
    {401, NULL, FATE_AGAIN, SCOPE_ORIGIN, EFFECT_REFRESH, "vapid_refused"},
    {403, NULL, FATE_AGAIN, SCOPE_ORIGIN, EFFECT_REFRESH, "vapid_refused"},
    {404, "102", FATE_NEVER, SCOPE_ADDRESS, EFFECT_RETIRE, "subscription_unknown"},
    {404, NULL, FATE_NEVER, SCOPE_ADDRESS, EFFECT_RETIRE, "subscription_unknown"},
    {410, "103", FATE_NEVER, SCOPE_ADDRESS, EFFECT_RETIRE, "subscription_expired"},
    {410, "105", FATE_NEVER, SCOPE_ADDRESS, EFFECT_RETIRE, "subscription_expired"},
    {410, "106", FATE_NEVER, SCOPE_ADDRESS, EFFECT_RETIRE, "subscription_expired"},
    {410, NULL, FATE_NEVER, SCOPE_ADDRESS, EFFECT_RETIRE, "subscription_expired"},
    {413, "104", FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, "payload_too_large"},
    {413, "PayloadTooLarge", FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, "payload_too_large"},
    {413, NULL, FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, "payload_too_large"},
    {429, NULL, FATE_AGAIN, SCOPE_ORIGIN, EFFECT_THROTTLE, "rate_limited"},
    {500, NULL, FATE_AMBIGUOUS, SCOPE_ORIGIN, EFFECT_NONE, "unavailable"},
    {502, NULL, FATE_AMBIGUOUS, SCOPE_ORIGIN, EFFECT_NONE, "unavailable"},
    {503, "201", FATE_AMBIGUOUS, SCOPE_ORIGIN, EFFECT_NONE, "unavailable"},
    {503, "202", FATE_AMBIGUOUS, SCOPE_ORIGIN, EFFECT_NONE, "unavailable"},
    {503, NULL, FATE_AMBIGUOUS, SCOPE_ORIGIN, EFFECT_NONE, "unavailable"},
    {0},
};

static void webpush_close(void *self)
{
    struct webpush *webpush = self;
    origin_tokens_free(webpush->tokens);
    sealer_free(webpush->sealer);
    jwt_key_free(webpush->key);
    keep_done(&webpush->keep);
    free(webpush);
}

static enum err check_networks(struct str list, struct why *why)
{
    struct cidr network;
    bool bad = false;
    while (cidr_next(&list, &network, &bad))
        continue;
    return bad ? why_set(why, ERR_INPUT,
                         "`allow_endpoints` is no list of networks: write [127.0.0.0/8, ::1/128]")
               : OK;
}

static enum err read_settings(struct webpush *webpush, const struct provider_config *config,
                              struct why *why)
{
    struct str key, subject;
    struct str networks = provider_setting(config, STR("allow_endpoints"));
    enum err err;
    if ((err = keep_init(&webpush->keep, config, why)) ||
        (err = setting_need(config, STR("vapid_key"), "a PEM file with an EC key on P-256", &key,
                            why)) ||
        (err = setting_need(config, STR("subject"), "mailto:you@example.com or an https: URL",
                            &subject, why)) ||
        (err = check_networks(networks, why)) ||
        (err = jwt_key_load(JWT_ES256, key, &webpush->key, why)))
        return err;
    if (!vapid_subject_ok(subject, why))
        return ERR_INPUT;
    webpush->ca = keep_str(&webpush->keep, provider_setting(config, STR("ca")));
    webpush->allow_endpoints = networks.len ? keep_str(&webpush->keep, networks) : STR_NONE;
    webpush->sealer = sealer_new();
    webpush->tokens = origin_tokens_new(webpush->key, keep_str(&webpush->keep, subject), key);
    if (!webpush->sealer || !webpush->tokens)
        return why_set(why, ERR_MEMORY, "no memory for a provider");
    return OK;
}

static enum err webpush_open(const struct provider_config *config, void **ret, struct why *why)
{
    struct webpush *webpush = calloc(1, sizeof *webpush);
    if (!webpush)
        return why_set(why, ERR_MEMORY, "no memory for a provider");
    enum err err = read_settings(webpush, config, why);
    if (err)
        webpush_close(webpush);
    else
        *ret = webpush;
    return err;
}

/* Plain http is for trials: to addresses in `allow_endpoints`, and to localhost if there are any.
 */
static bool plain_is_allowed(const struct webpush *webpush, const struct url *url)
{
    struct str list = webpush->allow_endpoints;
    struct cidr network;
    bool bad = false;
    if (list.len && str_eq_nocase(url->host, STR("localhost")))
        return true;
    while (cidr_next(&list, &network, &bad))
        if (cidr_has(&network, url->host))
            return true;
    return false;
}

static enum err check_endpoint(const struct webpush *webpush, struct str endpoint, struct url *ret,
                               struct why *why)
{
    if (!endpoint.len || endpoint.len > ENDPOINT_LEN_MAX || !url_parse(endpoint, ret))
        return why_set(why, ERR_INPUT, "the subscription's endpoint is no URL");
    if (url_has_scheme(ret, STR("https")))
        return OK;
    if (url_has_scheme(ret, STR("http")) && plain_is_allowed(webpush, ret))
        return OK;
    return why_set(why, ERR_INPUT, "the subscription's endpoint is not https");
}

static enum authorize webpush_authorize(void *self, const struct parcel *parcel, struct str *ret,
                                        struct why *why)
{
    struct webpush *webpush = self;
    struct url url;
    if (check_endpoint(webpush, parcel->delivery->address, &url, why)) {
        /* Composing refuses it, for good; there is nothing to sign. */
        *ret = STR("");
        return AUTHORIZED;
    }
    return origin_tokens_get(webpush->tokens, &url, parcel->now, ret, why) ? AUTHORIZE_FAILED
                                                                           : AUTHORIZED;
}

static void webpush_forget(void *self, struct wall now)
{
    struct webpush *webpush = self;
    origin_tokens_forget(webpush->tokens, now);
}

static enum err plain_text(const struct content *content, struct buf *out, struct why *why)
{
    size_t bytes = draft_push_bytes(content);
    if (bytes <= PUSH_PLAIN_MAX) {
        struct json_out json = json_out_to(out);
        draft_push_json(&json, content);
        if (out->failed)
            return why_set(why, ERR_MEMORY, "no memory to compose a request");
        bytes = out->len;
    }
    if (bytes > PUSH_PLAIN_MAX)
        return why_set(why, ERR_LIMIT, "the payload has %zu bytes, Web Push takes %d", bytes,
                       PUSH_PLAIN_MAX);
    return OK;
}

static enum err seal(const struct webpush *webpush, const struct parcel *parcel,
                     const struct entropy *entropy, struct buf *out, struct why *why)
{
    unsigned char scalar[PUSH_SCALAR_SIZE], salt[PUSH_SALT_SIZE];
    struct push_keys keys;
    struct buf plain;
    enum err err = push_keys_parse(webpush->sealer, parcel->delivery->p256dh,
                                   parcel->delivery->auth, &keys, why);
    if (err)
        return err;
    buf_init(&plain, PLAIN_BUF_MAX);
    err = plain_text(parcel->content, &plain, why);
    if (!err) {
        int tries = 0;
        do
            entropy_fill(entropy, scalar, sizeof scalar);
        while (!push_scalar_ok(webpush->sealer, scalar) && ++tries < SCALAR_TRIES);
        entropy_fill(entropy, salt, sizeof salt);
        err = push_seal(webpush->sealer, &keys, scalar, salt, buf_str(&plain), out, why);
        wipe(scalar, sizeof scalar);
    }
    buf_done(&plain);
    return err;
}

static struct str topic_of(const struct parcel *parcel, struct arena *arena)
{
    unsigned char hash[SHA256_SIZE];
    struct buf topic;
    sha256(draft_collapse(parcel), hash);
    buf_init(&topic, 64);
    base64url_add(&topic, (struct str){(const char *)hash, TOPIC_BYTES});
    return draft_take(arena, &topic);
}

static struct str urgency_of(enum priority priority)
{
    if (priority == PRIORITY_CRITICAL || priority == PRIORITY_HIGH)
        return STR("high");
    return priority == PRIORITY_LOW ? STR("low") : STR("normal");
}

static struct str path_of(const struct url *url, struct arena *arena)
{
    if (url->path.len && url->path.at[0] == '/')
        return arena_copy(arena, url->path);
    return arena_printf(arena, "/%.*s", STR_ARG(url->path)); /* nothing, or a query alone */
}

static enum err webpush_compose(const void *self, const struct parcel *parcel,
                                struct str credential, const struct entropy *entropy,
                                struct arena *arena, struct request *ret, struct why *why)
{
    const struct webpush *webpush = self;
    struct url url;
    struct buf body;
    enum err err;
    if ((err = draft_push_check(parcel, why)) ||
        (err = check_endpoint(webpush, parcel->delivery->address, &url, why)))
        return err;
    buf_init(&body, PUSH_BODY_MAX);
    err = seal(webpush, parcel, entropy, &body, why);
    if (err) {
        buf_done(&body);
        return err;
    }
    struct request request = {.wire = WIRE_HTTP,
                              .method = STR("POST"),
                              .origin = arena_copy(arena, url.origin),
                              .path = path_of(&url, arena),
                              .ca = webpush->ca,
                              .subscriber_chosen = true,
                              .pins_allowed = webpush->allow_endpoints,
                              .body = draft_take(arena, &body)};
    draft_header(&request, STR("authorization"), arena_copy(arena, credential));
    draft_header(&request, STR("ttl"),
                 arena_printf(arena, "%lld", (long long)draft_ttl_s(parcel, TTL_MAX_S)));
    draft_header(&request, STR("urgency"), urgency_of(parcel->notification->priority));
    draft_header(&request, STR("topic"), topic_of(parcel, arena));
    draft_header(&request, STR("content-encoding"), STR("aes128gcm"));
    draft_header(&request, STR("content-type"), STR("application/octet-stream"));
    *ret = request;
    return draft_finish(arena, why);
}

static bool body_has(const struct reply *reply, const char *words)
{
    return reply->body.len && memmem(reply->body.at, reply->body.len, words, strlen(words));
}

/* Apple's reason, Mozilla's errno, or what Google says in prose. */
static struct str code_of(const struct reply *reply, const struct json *body)
{
    struct str word = json_word(body, STR("reason"));
    const struct json *number = json_get(body, STR("errno"));
    if (reply->status < 400)
        return STR_NONE;
    if (reply->status == 403 && body_has(reply, "do not correspond to the credentials"))
        return STR(OTHER_KEY);
    if (!json_is(number, JSON_NUMBER))
        return word;
    bool other_key =
        reply->status == 401 && str_eq(number->text, STR("109")) && body_has(reply, "mismatch");
    return other_key ? STR(OTHER_KEY) : number->text;
}

static struct verdict webpush_judge(const void *self, const struct reply *reply,
                                    struct arena *arena)
{
    (void)self;
    if (reply->exchange == EXCHANGE_UNSENT && str_starts(reply->error, STR("refused endpoint:")))
        return (struct verdict){.fate = FATE_NEVER,
                                .scope = SCOPE_ADDRESS,
                                .reason = STR("endpoint_refused"),
                                .detail = reply->error};
    const struct json *body = reply_json(reply, arena);
    struct str code = code_of(reply, body);
    struct verdict verdict = rule(webpush_rulings, reply, code, SCOPE_ORIGIN, arena);
    if (reply->exchange != EXCHANGE_WHOLE)
        return verdict;
    verdict.code = arena_printf(arena, "%d", reply->status);
    verdict.detail = json_word(body, STR("message"));
    if (!verdict.detail.len && verdict.fate != FATE_DONE)
        verdict.detail = code;
    if (verdict.fate == FATE_DONE)
        verdict.message_id = reply_header(reply, STR("location"));
    return verdict;
}

const struct provider_ops webpush_ops = {
    .driver = STR_INIT("webpush"),
    .kinds = 1u << KIND_WEB,
    .heavy = true,
    .settings = webpush_settings,
    .open = webpush_open,
    .close = webpush_close,
    .authorize = webpush_authorize,
    .forget = webpush_forget,
    .compose = webpush_compose,
    .judge = webpush_judge,
};
