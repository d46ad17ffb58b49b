/* api/dead_letters.c - deliveries whose attempts are used up: list, redrive, delete. */
#include "api/dead_letters.h"
#include "api/cursor.h"
#include "api/fields.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/params.h"
#include "api/views.h"
#include "model/limits.h"

/* Everything the caller may touch. */
static struct dead_filter filter_of(const struct call *call)
{
    return (struct dead_filter){
        .app = call->caller.app,
        .mode = call->caller.mode,
        .any_mode = call->caller.root,
    };
}

/* False: answered. */
static bool filter_params(struct call *call, struct dead_filter *ret)
{
    *ret = filter_of(call);
    ret->reason = call_param(call, STR("reason"));
    return param_channel(call, &ret->by_channel, &ret->channel) &&
           param_wall(call, STR("since"), &ret->since) &&
           param_wall(call, STR("until"), &ret->until);
}

/* ------------------------------------------------------------------------------------ list ---- */

static void dead_listed(struct query *query)
{
    struct call *call = query->owner;
    if (!call_came(query))
        return;
    struct json_out out = call_out(call);
    page_open(&out);
    for (uint32_t i = 0; i < query->count; i++) {
        json_open(&out, '{');
        view_delivery(&out, &call->api->config.ids, call->arena, &query->deliveries[i]);
        json_close(&out, '}');
    }
    page_close(call, &out, query);
    call_json(call, 200);
}

void dead_letters_list(struct call *call)
{
    struct dead_filter filter;
    if (!filter_params(call, &filter))
        return;
    struct query *query = call_query(call, QUERY_DEAD);
    if (!query || !page_read(call, query))
        return;
    query->dead = filter;
    call_ask(query, dead_listed);
}

/* ------------------------------------------------------------------------- redrive, delete ---- */

/* Named twice is meant once: else the second would be listed as skipped. */
static bool is_listed(const struct redriving *redriving, struct delivery_key key)
{
    for (uint32_t i = 0; i < redriving->key_count; i++)
        if (redriving->keys[i].notification == key.notification &&
            redriving->keys[i].ordinal == key.ordinal)
            return true;
    return false;
}

static void read_ids(struct call *call, struct fields *fields, struct redriving *ret)
{
    const struct json *ids = fields_typed(fields, STR("ids"), JSON_ARRAY);
    struct spot spot = {.name = STR("ids")};
    if (!ids)
        return;
    if (ids->count < 1 || ids->count > REDRIVE_MAX) {
        fields_fault(fields, STR("ids"), "must have 1 to %d entries", REDRIVE_MAX);
        return;
    }
    ret->keys = arena_array(call->arena, struct delivery_key, ids->count);
    ret->skipped = arena_array(call->arena, struct delivery_key, ids->count);
    ret->strange = arena_array(call->arena, struct str, ids->count);
    for (uint32_t i = 0; ret->keys && ret->strange && i < ids->count; i++) {
        struct spot item = {.up = &spot, .index = i};
        struct delivery_key key;
        if (ids->items[i].type != JSON_STRING)
            spot_fault(&item, &call->faults, "must be a string");
        else if (!dlv_parse(&call->api->config.ids, ids->items[i].text, &key))
            ret->strange[ret->strange_count++] = ids->items[i].text;
        else if (!is_listed(ret, key))
            ret->keys[ret->key_count++] = key;
    }
}

static void read_filter(struct call *call, struct fields *outer, struct redriving *ret)
{
    const struct json *value = fields_typed(outer, STR("filter"), JSON_OBJECT);
    struct spot spot = {.name = STR("filter")};
    struct fields fields;
    int channel;
    if (!value || !fields_init(&fields, value, &spot, &call->faults))
        return;
    ret->filter.by_channel = fields_choice(&fields, STR("channel"), &choice_channel, &channel);
    if (ret->filter.by_channel)
        ret->filter.channel = (enum channel)channel;
    (void)fields_str(&fields, STR("reason"), NAME_LEN_MAX, &ret->filter.reason);
    (void)fields_wall(&fields, STR("since"), &ret->filter.since);
    (void)fields_wall(&fields, STR("until"), &ret->filter.until);
    fields_done(&fields);
}

/* All that makes a redrive what it is: who asks, and for what. */
static struct str identity(struct call *call, const struct redriving *redriving)
{
    const struct dead_filter *filter = &redriving->filter;
    return arena_printf(call->arena, "redrive %u %d %d %d %u %lld %lld %u %.*s", filter->app,
                        (int)filter->mode, filter->any_mode, filter->by_channel,
                        (unsigned)filter->channel, (long long)filter->since.ms,
                        (long long)filter->until.ms, redriving->rate, STR_ARG(filter->reason));
}

/* Goes on where the last call ended: behind its last, so that none is redriven twice, and at its
 * rate. */
static bool go_on(struct call *call, struct str cursor, struct redriving *ret)
{
    struct position from;
    int64_t start;
    if (!cursor_read(&call->api->config.ids, ret->query, cursor, call->arena, &from))
        return false;
    if (!str_to_i64(from.name, &start))
        return false;
    ret->after_set = true;
    ret->after = (struct delivery_key){from.notification, from.ordinal};
    if (start > ret->start.ms)
        ret->start.ms = start;
    return true;
}

/* How much at once, how fast, and where to go on; a redrive's alone, and a filter's. */
static void read_pace(struct call *call, struct fields *fields, struct redriving *ret)
{
    int64_t limit = REDRIVE_CALL_MAX, rate = 0;
    struct str cursor = STR_NONE;
    (void)fields_i64(fields, STR("rate"), 1, REDRIVE_RATE_MAX, &rate);
    if (json_get(call->body, STR("ids")))
        return; /* what else is there is unknown */
    (void)fields_i64(fields, STR("limit"), 1, REDRIVE_CALL_MAX, &limit);
    (void)fields_str(fields, STR("cursor"), 2 * CURSOR_LEN_MAX, &cursor);
    ret->rate = (uint32_t)rate;
    ret->limit = (uint32_t)limit;
    ret->query = identity(call, ret);
    if (cursor.at && !go_on(call, cursor, ret))
        fields_fault(fields, STR("cursor"), "is none of this redrive");
}

/* {"ids":[...]} or {"filter":{...}}, and how. False: answered. */
static bool read_choice(struct call *call, struct redriving *ret)
{
    struct fields fields;
    (void)fields_init(&fields, call->body, NULL, &call->faults);
    read_ids(call, &fields, ret);
    read_filter(call, &fields, ret);
    (void)fields_bool(&fields, STR("preview"), &ret->preview);
    if (ret->delete_only)
        (void)fields_str(&fields, STR("reason"), REDRIVE_REASON_LEN_MAX, &ret->reason);
    else
        read_pace(call, &fields, ret);
    bool ids = fields_take(&fields, STR("ids")), filter = fields_take(&fields, STR("filter"));
    if (fields.object && ids == filter)
        fault_add(&call->faults, STR(""), "must have either ids or filter");
    fields_done(&fields);
    if (!call->faults.count)
        return true;
    call_invalid(call);
    return false;
}

static struct redriving *redriving_new(struct call *call, bool delete_only)
{
    struct redriving *redriving = arena_new(call->arena, struct redriving);
    if (!redriving) {
        call_unavailable(call, ERR_MEMORY, (struct span){0});
        return NULL;
    }
    redriving->filter = filter_of(call);
    redriving->delete_only = delete_only;
    redriving->limit = REDRIVE_CALL_MAX;
    redriving->start = call->now.wall;
    return redriving;
}

/* Who does it, and why, for the events. */
static void begin(struct call *call, struct redriving *redriving)
{
    struct str who = call->caller.root ? STR("the root key") : call->credentials.name;
    redriving->detail = arena_printf(call->arena, "by %.*s%s%.*s", STR_ARG(who),
                                     redriving->reason.len ? ": " : "", STR_ARG(redriving->reason));
    redrive_begin(call, redriving);
}

void dead_letters_redrive(struct call *call)
{
    struct redriving *redriving = redriving_new(call, false);
    if (redriving && read_choice(call, redriving))
        begin(call, redriving);
}

/* By the body as redrive takes it, or by the filter of the list; all of them must be asked for by
 * {"filter":{}}. */
void dead_letters_delete(struct call *call)
{
    struct redriving *redriving = redriving_new(call, true);
    if (!redriving)
        return;
    bool by_params = call_param(call, STR("channel")).at || call_param(call, STR("reason")).at ||
                     call_param(call, STR("since")).at || call_param(call, STR("until")).at;
    if (by_params == (call->body != NULL)) {
        call_problem(call, PROBLEM_INVALID,
                     "say which, by query parameters or by a body with ids or filter");
        return;
    }
    if (by_params ? filter_params(call, &redriving->filter) : read_choice(call, redriving))
        begin(call, redriving);
}

void dead_letters_delete_one(struct call *call)
{
    struct redriving *redriving = redriving_new(call, true);
    if (!redriving)
        return;
    redriving->keys = arena_new(call->arena, struct delivery_key);
    redriving->skipped = arena_new(call->arena, struct delivery_key);
    redriving->key_count = 1;
    if (!redriving->keys || !redriving->skipped)
        call_unavailable(call, ERR_MEMORY, (struct span){0});
    else if (!dlv_parse(&call->api->config.ids, call->params[0], redriving->keys))
        call_not_found(call);
    else
        begin(call, redriving);
}
