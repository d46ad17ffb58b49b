/* provider/rulings.c - how a reply is judged by a driver's table, and where there is no row, by its
 * class; and the list of all drivers. */
#include "provider/rulings.h"
#include "provider/drivers.h"

const struct ruling *ruling_find(const struct ruling *rulings, int status, struct str code)
{
    const struct ruling *by_code = NULL, *by_status = NULL;
    for (const struct ruling *row = rulings; row->status; row++) {
        if (!row->code) {
            if (row->status == status && !by_status)
                by_status = row;
            continue;
        }
        if (!code.len || !str_eq(str_of(row->code), code))
            continue;
        if (row->status == status)
            return row;
        if (row->status == RULING_ANY && status >= 400 && !by_code)
            by_code = row;
    }
    return by_code ? by_code : by_status;
}

struct verdict ruling_verdict(const struct ruling *ruling, const struct reply *reply,
                              struct str code, struct arena *arena)
{
    struct verdict verdict = {.fate = ruling->fate,
                              .scope = ruling->scope,
                              .effect = ruling->effect,
                              .answered = true,
                              .code = code,
                              .reason = str_of(ruling->reason)};
    if (!code.len)
        verdict.code = arena_printf(arena, "%d", reply->status);
    if (ruling->fate == FATE_AGAIN || ruling->fate == FATE_AMBIGUOUS)
        verdict.retry_after = reply_retry_after(reply);
    return verdict;
}

struct verdict ruling_unanswered(const struct reply *reply, enum scope wide)
{
    struct verdict verdict = {.fate = FATE_AGAIN, .scope = wide, .detail = reply->error};
    switch (reply->exchange) {
    case EXCHANGE_UNSENT:
        verdict.reason = STR("not_sent");
        return verdict;
    case EXCHANGE_REFUSED:
        verdict.reason = STR("not_processed");
        return verdict;
    case EXCHANGE_CUT:
    case EXCHANGE_WHOLE:
        break;
    }
    verdict.fate = FATE_AMBIGUOUS;
    verdict.reason = STR("cut_off");
    return verdict;
}

/* A status that no row knows. What is no final HTTP status proves nothing. */
static struct ruling by_class(int status, enum scope wide)
{
    if (status >= 200 && status < 300)
        return (struct ruling){status, NULL, FATE_DONE, SCOPE_DELIVERY, EFFECT_NONE, NULL};
    if (status >= 300 && status < 400)
        return (struct ruling){status, NULL, FATE_AGAIN, wide, EFFECT_HOLD, "redirected"};
    if (status == 401)
        return (struct ruling){status, NULL, FATE_AGAIN, wide, EFFECT_HOLD, "unauthorized"};
    if (status == 429)
        return (struct ruling){status, NULL, FATE_AGAIN, wide, EFFECT_THROTTLE, "rate_limited"};
    if (status >= 400 && status < 500)
        return (struct ruling){status, NULL, FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, "refused"};
    if (status >= 500 && status < 600)
        return (struct ruling){status, NULL, FATE_AMBIGUOUS, wide, EFFECT_NONE, "unavailable"};
    return (struct ruling){status, NULL, FATE_AMBIGUOUS, wide, EFFECT_NONE, "no_http_status"};
}

struct verdict rule(const struct ruling *rulings, const struct reply *reply, struct str code,
                    enum scope wide, struct arena *arena)
{
    if (reply->exchange != EXCHANGE_WHOLE)
        return ruling_unanswered(reply, wide);
    const struct ruling *row = ruling_find(rulings, reply->status, code);
    struct ruling class = by_class(reply->status, wide);
    return ruling_verdict(row ? row : &class, reply, code, arena);
}

const struct json *reply_json(const struct reply *reply, struct arena *arena)
{
    static const struct json_limits limits = {.depth_max = 16, .values_max = 2000};
    const struct json *json = NULL;
    struct json_fault fault;
    if (!reply->body.len || json_parse(reply->body, &limits, arena, &json, &fault))
        return NULL;
    return json;
}

struct str json_word(const struct json *object, struct str name)
{
    const struct json *value = json_get(object, name);
    if (!json_is(value, JSON_STRING))
        return STR_NONE;
    for (size_t i = 0; i < value->text.len; i++)
        if ((unsigned char)value->text.at[i] < 0x20 || value->text.at[i] == 0x7f)
            return STR_NONE;
    return value->text;
}

static const struct provider_ops *const drivers[] = {
#define PROVIDER(name) &name##_ops,
#include "provider/providers.def"
#undef PROVIDER
};

enum { DRIVER_COUNT = sizeof drivers / sizeof *drivers };

const struct provider_ops *provider_find(struct str driver)
{
    for (size_t i = 0; i < DRIVER_COUNT; i++)
        if (str_eq(drivers[i]->driver, driver))
            return drivers[i];
    return NULL;
}

const struct provider_ops *const *provider_all(size_t *ret_count)
{
    *ret_count = DRIVER_COUNT;
    return drivers;
}
