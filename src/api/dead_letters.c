/* api/dead_letters.c - deliveries whose attempts are used up: list, redrive, delete. */
#include "api/fields.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/params.h"
#include "api/views.h"

enum { REDRIVE_STEPS_MAX = 100 }; /* of REDRIVE_MAX each, in one call with a filter */

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
           param_wall(call, STR("since"), &ret->since);
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

/* A redrive or deletion in steps. */
struct redriving {
    struct dead_filter filter;
    struct delivery_key *keys; /* NULL: what the filter finds */
    uint32_t key_count;
    struct str *strange; /* ids that nobody made: skipped */
    uint32_t strange_count;
    bool delete_only;
    uint32_t steps;
    uint64_t count;
};

static void redrive_step(struct call *call);

static void write_skipped(struct call *call, struct json_out *out, const struct redrive *redrive)
{
    const struct redriving *redriving = call->state;
    char id[ID_TEXT_SIZE];
    json_name(out, STR("skipped"));
    json_open(out, '[');
    for (uint32_t i = 0; redriving->keys && i < redrive->skipped_count; i++)
        json_str(out, dlv_format(&call->api->config.ids, redrive->skipped[i], id));
    for (uint32_t i = 0; i < redriving->strange_count; i++)
        json_str(out, redriving->strange[i]);
    json_close(out, ']');
}

static void answer_redriven(struct call *call, const struct redrive *redrive, bool more)
{
    const struct redriving *redriving = call->state;
    if (redriving->delete_only) {
        if (redriving->count)
            call_empty(call, 204);
        else
            call_not_found(call);
        return;
    }
    struct json_out out = call_out(call);
    json_open(&out, '{');
    view_i64(&out, STR("redriven"), (int64_t)redriving->count);
    write_skipped(call, &out, redrive);
    view_bool(&out, STR("more"), more);
    json_close(&out, '}');
    call_json(call, 200);
}

static void redriven(struct job *job)
{
    struct call *call = job->owner;
    struct redriving *redriving = call->state;
    const struct redrive *redrive = &job->redrive;
    if (!call_done(job))
        return;
    redriving->count += redrive->redriven_count;
    bool more = !redriving->keys && redrive->more;
    if (more && ++redriving->steps < REDRIVE_STEPS_MAX)
        redrive_step(call);
    else
        answer_redriven(call, redrive, more);
}

static void redrive_step(struct call *call)
{
    const struct redriving *redriving = call->state;
    if (redriving->keys && !redriving->key_count) {
        answer_redriven(call, &(struct redrive){0}, false); /* nothing that could be there */
        return;
    }
    struct job *job = call_job(call, JOB_REDRIVE);
    if (!job)
        return;
    job->redrive = (struct redrive){
        .op = {.verb = VERB_REDRIVE},
        .filter = redriving->filter,
        .keys = redriving->keys,
        .key_count = redriving->key_count,
        .limit = REDRIVE_MAX,
        .delete_only = redriving->delete_only,
        .now = call->now.wall,
    };
    call_do(job, redriven);
}

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
    fields_done(&fields);
}

/* {"ids":[...]} or {"filter":{...}}. False: answered. */
static bool read_choice(struct call *call, struct redriving *ret)
{
    struct fields fields;
    (void)fields_init(&fields, call->body, NULL, &call->faults);
    read_ids(call, &fields, ret);
    read_filter(call, &fields, ret);
    bool ids = fields_take(&fields, STR("ids")), filter = fields_take(&fields, STR("filter"));
    if (fields.object && ids == filter)
        fault_add(&call->faults, STR(""), "must have either ids or filter");
    fields_done(&fields);
    if (!call->faults.count)
        return true;
    call_invalid(call);
    return false;
}

static struct redriving *redriving_new(struct call *call)
{
    struct redriving *redriving = arena_new(call->arena, struct redriving);
    if (!redriving) {
        call_unavailable(call, ERR_MEMORY, (struct span){0});
        return NULL;
    }
    redriving->filter = filter_of(call);
    call->state = redriving;
    return redriving;
}

void dead_letters_redrive(struct call *call)
{
    struct redriving *redriving = redriving_new(call);
    if (redriving && read_choice(call, redriving))
        redrive_step(call);
}

/* By the body as redrive takes it, or by the filter of the list; all of them must be asked for by
 * {"filter":{}}. */
void dead_letters_delete(struct call *call)
{
    struct redriving *redriving = redriving_new(call);
    if (!redriving)
        return;
    redriving->delete_only = true;
    bool by_params = call_param(call, STR("channel")).at || call_param(call, STR("reason")).at ||
                     call_param(call, STR("since")).at;
    if (by_params == (call->body != NULL)) {
        call_problem(call, PROBLEM_INVALID,
                     "say which, by query parameters or by a body with ids or filter");
        return;
    }
    if (by_params ? filter_params(call, &redriving->filter) : read_choice(call, redriving))
        redrive_step(call);
}

void dead_letters_delete_one(struct call *call)
{
    struct redriving *redriving = redriving_new(call);
    if (!redriving)
        return;
    redriving->delete_only = true;
    redriving->keys = arena_new(call->arena, struct delivery_key);
    redriving->key_count = 1;
    if (!redriving->keys)
        call_unavailable(call, ERR_MEMORY, (struct span){0});
    else if (!dlv_parse(&call->api->config.ids, call->params[0], redriving->keys))
        call_not_found(call);
    else
        redrive_step(call);
}
