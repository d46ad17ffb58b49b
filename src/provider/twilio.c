/* provider/twilio.c - Twilio Programmable Messaging: SMS.
 *
 * twilio.com/docs: Message resource, and the error and warning dictionary. An error is judged by
 * Twilio's own code, whatever HTTP status it came with. The delivery's id travels in the
 * StatusCallback, so that receipts find it.
 */
#include "codec/base64.h"
#include "provider/draft.h"
#include "provider/drivers.h"
#include "provider/rulings.h"
#include "provider/settings.h"
#include <stdlib.h>

enum {
    TEXT_CHARS_MAX = 1600,
    VALIDITY_MAX_S = 36000,
    FORM_MAX = 64 * 1024, /* 1,600 characters of 4 bytes, each of them %XX */
    AUTH_MAX = 4096
};

struct twilio {
    struct keep keep;
    struct service service;
    struct str ca, path, basic;
    struct str from, messaging_service_sid;
    struct str callback; /* up to the delivery's id; absent: none */
};

static const struct setting_def twilio_settings[] = {
    {STR_INIT("account_sid"), true, false},
    {STR_INIT("auth_token"), true, true},
    {STR_INIT("from"), false, false},
    {STR_INIT("messaging_service_sid"), false, false},
    {{NULL, 0}, false, false},
};

static const struct ruling twilio_rulings[] = {
    {201, NULL, FATE_DONE, SCOPE_DELIVERY, EFFECT_NONE, NULL},
    /* The account. */
    {RULING_ANY, "20003", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "wrong_credentials"},
    {RULING_ANY, "20005", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "account_suspended"},
    {RULING_ANY, "30002", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "account_suspended"},
    {RULING_ANY, "20404", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "not_found"},
    {RULING_ANY, "21408", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "region_not_enabled"},
    {RULING_ANY, "21606", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "from_not_usable"},
    {RULING_ANY, "21212", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "from_not_usable"},
    {RULING_ANY, "21659", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "from_not_usable"},
    {RULING_ANY, "21603", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "from_missing"},
    {RULING_ANY, "21703", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "service_without_number"},
    {RULING_ANY, "21704", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "service_without_number"},
    {RULING_ANY, "21608", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "trial_account"},
    /* Its limits. */
    {RULING_ANY, "20429", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_THROTTLE, "rate_limited"},
    {RULING_ANY, "14107", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_THROTTLE, "rate_limited"},
    {RULING_ANY, "21611", FATE_AGAIN, SCOPE_DELIVERY, EFFECT_NONE, "queue_full"},
    {RULING_ANY, "30001", FATE_AGAIN, SCOPE_DELIVERY, EFFECT_NONE, "queue_full"},
    /* The recipient. */
    {RULING_ANY, "21610", FATE_NEVER, SCOPE_ADDRESS, EFFECT_SUPPRESS, "stop"},
    {RULING_ANY, "21211", FATE_NEVER, SCOPE_ADDRESS, EFFECT_SUPPRESS, "invalid"},
    {RULING_ANY, "21614", FATE_NEVER, SCOPE_ADDRESS, EFFECT_SUPPRESS, "invalid"},
    {RULING_ANY, "21217", FATE_NEVER, SCOPE_ADDRESS, EFFECT_SUPPRESS, "invalid"},
    {RULING_ANY, "21635", FATE_NEVER, SCOPE_ADDRESS, EFFECT_SUPPRESS, "invalid"},
    /* The message. */
    {RULING_ANY, "21602", FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, "body_missing"},
    {RULING_ANY, "21605", FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, "body_too_long"},
    {RULING_ANY, "21617", FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, "body_too_long"},
    {RULING_ANY, "21620", FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, "media_invalid"},
    {RULING_ANY, "21612", FATE_NEVER, SCOPE_DELIVERY, EFFECT_ELSEWHERE, "unroutable"},
    /* The service: whether it took the message first is not said. */
    {RULING_ANY, "20500", FATE_AMBIGUOUS, SCOPE_PROVIDER, EFFECT_NONE, "unavailable"},
    {RULING_ANY, "20503", FATE_AMBIGUOUS, SCOPE_PROVIDER, EFFECT_NONE, "unavailable"},
    {404, NULL, FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "not_found"},
    {0},
};

static void twilio_close(void *self)
{
    struct twilio *twilio = self;
    keep_done(&twilio->keep);
    free(twilio);
}

static enum err basic_auth(struct twilio *twilio, struct str sid, struct str token, struct why *why)
{
    struct buf pair, basic;
    buf_init(&pair, AUTH_MAX);
    buf_init(&basic, 2 * AUTH_MAX);
    buf_add(&pair, sid);
    buf_add_char(&pair, ':');
    buf_add(&pair, token);
    buf_add(&basic, STR("Basic "));
    base64_add(&basic, buf_str(&pair));
    enum err err = pair.failed || basic.failed
                       ? why_set(why, ERR_INPUT, "`account_sid` or `auth_token` is too long")
                       : OK;
    if (pair.at)
        wipe(pair.at, pair.cap);
    buf_done(&pair);
    twilio->basic = keep_buf(&twilio->keep, &basic);
    return err;
}

/* Receipts come to public_url. Twilio refuses a message whose callback it cannot reach, so that
 * one on loopback is only told to a Twilio that is on loopback itself. */
static enum err callback(struct twilio *twilio, const struct provider_config *config,
                         struct why *why)
{
    struct url url;
    struct str base = config->public_url;
    if (!base.len)
        return OK;
    if (!url_parse(base, &url))
        return why_set(why, ERR_INPUT, "`public_url` is no URL: write it as https://host");
    if (url_is_loopback(&url) && !twilio->service.loopback)
        return OK;
    while (base.len && base.at[base.len - 1] == '/')
        base.len--;
    struct buf text;
    buf_init(&text, AUTH_MAX);
    buf_add(&text, base);
    buf_add(&text, STR("/receipts/"));
    uri_add_component(&text, config->name);
    buf_add(&text, STR("?d="));
    enum err err = text.failed ? why_set(why, ERR_INPUT, "`public_url` is too long") : OK;
    twilio->callback = keep_buf(&twilio->keep, &text);
    return err;
}

static enum err read_settings(struct twilio *twilio, const struct provider_config *config,
                              struct why *why)
{
    struct str sid, token;
    struct str from = provider_setting(config, STR("from"));
    struct str service_sid = provider_setting(config, STR("messaging_service_sid"));
    enum err err;
    if ((err = keep_init(&twilio->keep, config, why)) ||
        (err = setting_need(config, STR("account_sid"), "your AC... identifier from Twilio", &sid,
                            why)) ||
        (err = setting_word(config, STR("account_sid"), why)) ||
        (err = setting_need(config, STR("auth_token"), "the account's token, as env:NAME", &token,
                            why)) ||
        (err = setting_word(config, STR("auth_token"), why)) ||
        (err = setting_word(config, STR("messaging_service_sid"), why)) ||
        (err = setting_service(config, STR("url"), STR("https://api.twilio.com"), &twilio->keep,
                               &twilio->service, why)))
        return err;
    if (str_has(sid, ':'))
        return why_set(why, ERR_INPUT, "`account_sid` holds a ':': it is AC and 32 characters");
    if (!from.len == !service_sid.len)
        return why_set(why, ERR_INPUT,
                       "set either `from`, a number of yours as +15005550006, or "
                       "`messaging_service_sid`");
    struct buf path;
    buf_init(&path, AUTH_MAX);
    buf_add(&path, twilio->service.prefix);
    buf_add(&path, STR("/2010-04-01/Accounts/"));
    uri_add_component(&path, sid);
    buf_add(&path, STR("/Messages.json"));
    if (path.failed)
        err = why_set(why, ERR_INPUT, "`url` or `account_sid` is too long");
    twilio->path = keep_buf(&twilio->keep, &path);
    twilio->from = keep_str(&twilio->keep, from);
    twilio->messaging_service_sid = keep_str(&twilio->keep, service_sid);
    twilio->ca = keep_str(&twilio->keep, provider_setting(config, STR("ca")));
    if (!err)
        err = basic_auth(twilio, sid, token, why);
    return err ? err : callback(twilio, config, why);
}

static enum err twilio_open(const struct provider_config *config, void **ret, struct why *why)
{
    struct twilio *twilio = calloc(1, sizeof *twilio);
    if (!twilio)
        return why_set(why, ERR_MEMORY, "no memory for a provider");
    enum err err = read_settings(twilio, config, why);
    if (err)
        twilio_close(twilio);
    else
        *ret = twilio;
    return err;
}

static struct str form_of(const struct twilio *twilio, const struct parcel *parcel,
                          struct arena *arena)
{
    struct buf form;
    int64_t validity = draft_ttl_s(parcel, VALIDITY_MAX_S);
    buf_init(&form, FORM_MAX);
    form_add(&form, STR("To"), parcel->delivery->address);
    if (twilio->from.len)
        form_add(&form, STR("From"), twilio->from);
    else
        form_add(&form, STR("MessagingServiceSid"), twilio->messaging_service_sid);
    form_add(&form, STR("Body"), parcel->content->text);
    form_add(&form, STR("ValidityPeriod"),
             arena_printf(arena, "%lld", (long long)(validity < 1 ? 1 : validity)));
    if (twilio->callback.len) {
        struct str url = arena_printf(arena, "%.*s%.*s", STR_ARG(twilio->callback),
                                      STR_ARG(parcel->delivery_id));
        form_add(&form, STR("StatusCallback"), url);
    }
    return draft_take(arena, &form);
}

static enum err twilio_compose(const void *self, const struct parcel *parcel, struct str credential,
                               const struct entropy *entropy, struct arena *arena,
                               struct request *ret, struct why *why)
{
    (void)credential, (void)entropy;
    const struct twilio *twilio = self;
    enum err err = draft_sms_check(parcel, TEXT_CHARS_MAX, why);
    if (err)
        return err;
    struct request request = {.wire = WIRE_HTTP,
                              .method = STR("POST"),
                              .origin = twilio->service.origin,
                              .path = twilio->path,
                              .ca = twilio->ca,
                              .body = form_of(twilio, parcel, arena)};
    draft_header(&request, STR("authorization"), twilio->basic);
    draft_header(&request, STR("content-type"), STR("application/x-www-form-urlencoded"));
    *ret = request;
    return draft_finish(arena, why);
}

static struct verdict twilio_judge(const void *self, const struct reply *reply, struct arena *arena)
{
    (void)self;
    const struct json *body = reply_json(reply, arena);
    const struct json *number = reply->status >= 400 ? json_get(body, STR("code")) : NULL;
    struct str code = json_is(number, JSON_NUMBER) ? number->text : STR_NONE;
    struct verdict verdict = rule(twilio_rulings, reply, code, SCOPE_PROVIDER, arena);
    if (reply->exchange != EXCHANGE_WHOLE)
        return verdict;
    if (verdict.fate == FATE_DONE)
        verdict.message_id = json_word(body, STR("sid"));
    else
        verdict.detail = json_word(body, STR("message"));
    return verdict;
}

const struct provider_ops twilio_ops = {
    .driver = STR_INIT("twilio"),
    .kinds = 1u << KIND_SMS,
    .settings = twilio_settings,
    .open = twilio_open,
    .close = twilio_close,
    .compose = twilio_compose,
    .judge = twilio_judge,
};
