/* api/suppressions.c - addresses never to be written to: /v1/suppressions. */
#include "api/address.h"
#include "api/fields.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/views.h"
#include "model/check.h"

static const struct str reasons[] = {
    STR_INIT("manual"), STR_INIT("bounced"), STR_INIT("complained"),
    STR_INIT("stop"),   STR_INIT("invalid"),
};

static bool reason_parse(struct str text, int *ret)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (!str_eq(text, reasons[i]))
            continue;
        *ret = (int)i;
        return true;
    }
    return false;
}

static const struct one_of choice_reason = {"manual, bounced, complained, stop, invalid",
                                            reason_parse};

static void view_suppression(struct json_out *out, const struct suppression *suppression)
{
    json_open(out, '{');
    view_str(out, STR("channel"), channel_name(suppression->channel));
    view_str(out, STR("address"), suppression->address);
    view_str(out, STR("reason"), suppression->reason);
    view_wall(out, STR("created_at"), suppression->created_at);
    json_close(out, '}');
}

/* Channel and address of the path. False: answered. A push token is no address that could be
 * suppressed: a device is deleted instead. */
static bool read_path(struct call *call, struct suppression *ret)
{
    *ret = (struct suppression){0};
    if (!channel_parse(call->params[0], &ret->channel) || ret->channel == CHANNEL_PUSH) {
        call_problem(call, PROBLEM_INVALID, "channel must be one of sms, email");
        return false;
    }
    bool email = ret->channel == CHANNEL_EMAIL;
    if (email ? !email_ok(call->params[1]) : !phone_ok(call->params[1])) {
        call_problem(call, PROBLEM_INVALID, "address %s", email ? EMAIL_RULE : PHONE_RULE);
        return false;
    }
    ret->address = address_normal(call->arena, ret->channel, call->params[1]);
    return true;
}

static void suppression_put(struct job *job)
{
    struct call *call = job->owner;
    const struct change *change = &job->change;
    if (!call_done(job))
        return;
    if (change->result == CHANGE_MISSING) {
        call_not_found(call);
        return;
    }
    struct suppression suppression = change->suppression;
    suppression.created_at = change->created_at;
    struct json_out out = call_out(call);
    view_suppression(&out, &suppression);
    call_json(call, change->result == CHANGED_CREATED ? 201 : 200);
}

static struct job *change_of(struct call *call, enum change_type type)
{
    struct suppression suppression;
    if (!read_path(call, &suppression))
        return NULL;
    struct job *job = call_change(call, type, STR_NONE);
    if (job)
        job->change.suppression = suppression;
    return job;
}

void suppressions_put(struct call *call)
{
    struct fields fields;
    int reason = 0;
    if (call->body) {
        (void)fields_init(&fields, call->body, NULL, &call->faults);
        (void)fields_choice(&fields, STR("reason"), &choice_reason, &reason);
        fields_done(&fields);
    }
    if (call->faults.count) {
        call_invalid(call);
        return;
    }
    struct job *job = change_of(call, CHANGE_SUPPRESSION_PUT);
    if (!job)
        return;
    job->change.suppression.reason = reasons[reason];
    call_do(job, suppression_put);
}

void suppressions_delete(struct call *call)
{
    struct job *job = change_of(call, CHANGE_SUPPRESSION_DELETE);
    if (job)
        call_do(job, call_deleted);
}

static void suppression_got(struct query *query)
{
    struct call *call = query->owner;
    if (!call_came(query))
        return;
    struct json_out out = call_out(call);
    view_suppression(&out, &query->suppressions[0]);
    call_json(call, 200);
}

void suppressions_get(struct call *call)
{
    struct suppression suppression;
    if (!read_path(call, &suppression))
        return;
    struct query *query = call_query(call, QUERY_SUPPRESSION);
    if (!query)
        return;
    query->suppression = suppression;
    call_ask(query, suppression_got);
}

/* ?channel= chooses from the page: it may then hold fewer than `limit`. */
static void suppressions_listed(struct query *query)
{
    struct call *call = query->owner;
    struct str channel = call_param(call, STR("channel"));
    if (!call_came(query))
        return;
    struct json_out out = call_out(call);
    page_open(&out);
    for (uint32_t i = 0; i < query->count; i++)
        if (!channel.at || str_eq(channel, channel_name(query->suppressions[i].channel)))
            view_suppression(&out, &query->suppressions[i]);
    page_close(call, &out, query);
    call_json(call, 200);
}

void suppressions_list(struct call *call)
{
    struct str name = call_param(call, STR("channel"));
    enum channel channel;
    if (name.at && !channel_parse(name, &channel)) {
        call_problem(call, PROBLEM_INVALID, "channel must be one of %s", choice_channel.names);
        return;
    }
    struct query *query = call_query(call, QUERY_SUPPRESSIONS);
    if (query && page_read(call, query))
        call_ask(query, suppressions_listed);
}
