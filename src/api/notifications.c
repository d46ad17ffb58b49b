/* api/notifications.c - what became of notifications: look-ups, lists, cancel. */
#include "api/fields.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/params.h"
#include "api/views.h"

/* The query for the notification of the path. NULL: answered, 404 or 503. */
static struct query *path_query(struct call *call, enum query_type type)
{
    int64_t id;
    if (!ntf_parse(&call->api->config.ids, call->params[0], &id)) {
        call_not_found(call);
        return NULL;
    }
    struct query *query = call_query(call, type);
    if (query)
        query->id = id;
    return query;
}

/* ------------------------------------------------------------------------------------- get ---- */

static void write_deliveries(struct call *call, struct json_out *out, const struct query *query,
                             struct str path)
{
    page_open(out);
    for (uint32_t i = 0; i < query->count; i++) {
        json_open(out, '{');
        view_delivery(out, &call->api->config.ids, call->arena, &query->deliveries[i]);
        json_close(out, '}');
    }
    page_close_for(call, path, out, query);
}

static void first_page(struct query *query)
{
    struct call *call = query->owner;
    const struct query *asked = call->state;
    const struct notification_view *view = &asked->notifications[0];
    if (!call_came(query))
        return;
    struct str path =
        arena_printf(call->arena, "%.*s/deliveries", STR_ARG(call->exchange->request.path));
    struct json_out out = call_out(call);
    json_open(&out, '{');
    view_notification(&out, &call->api->config.ids, view);
    json_name(&out, STR("request"));
    json_raw(&out, view->notification.request.len ? view->notification.request : STR("null"));
    json_name(&out, STR("deliveries"));
    write_deliveries(call, &out, query, path);
    json_close(&out, '}');
    call_json(call, 200);
}

static void notification_got(struct query *query)
{
    struct call *call = query->owner;
    if (!call_came(query))
        return;
    call->state = query;
    struct query *deliveries = call_query(call, QUERY_DELIVERIES);
    if (!deliveries)
        return;
    deliveries->id = query->id;
    deliveries->limit = PAGE_DEFAULT;
    call_ask(deliveries, first_page);
}

void notifications_get(struct call *call)
{
    struct query *query = path_query(call, QUERY_NOTIFICATION);
    if (query)
        call_ask(query, notification_got);
}

static void deliveries_listed(struct query *query)
{
    struct call *call = query->owner;
    if (!call_came(query))
        return;
    struct json_out out = call_out(call);
    write_deliveries(call, &out, query, call->exchange->request.path);
    call_json(call, 200);
}

void notifications_deliveries(struct call *call)
{
    bool by_state;
    enum state state = STATE_QUEUED;
    if (!param_state(call, &by_state, &state))
        return;
    struct query *query = path_query(call, QUERY_DELIVERIES);
    if (!query || !page_read(call, query))
        return;
    query->by_state = by_state;
    query->state = state;
    call_ask(query, deliveries_listed);
}

/* ---------------------------------------------------------------------------------- events ---- */

/* By time: the acceptances of the page, then its stored events. Else each delivery's acceptance,
 * unless it stood on an earlier page, and then its events. */
static void write_events(struct call *call, struct json_out *out, const struct query *query)
{
    const struct ids *ids = &call->api->config.ids;
    uint32_t next = 0;
    for (uint32_t i = 0; i < query->delivery_count; i++) {
        const struct delivery_view *view = &query->deliveries[i];
        uint32_t ordinal = view->delivery.ordinal;
        if (query->by_time || !query->cursor_set || ordinal != query->cursor_ordinal)
            view_acceptance(out, ids, view);
        for (; !query->by_time && next < query->count && query->events[next].key.ordinal == ordinal;
             next++)
            view_event(out, ids, &query->events[next]);
    }
    for (; next < query->count; next++)
        view_event(out, ids, &query->events[next]);
}

static void events_listed(struct query *query)
{
    struct call *call = query->owner;
    if (!call_came(query))
        return;
    struct json_out out = call_out(call);
    page_open(&out);
    write_events(call, &out, query);
    page_close(call, &out, query);
    call_json(call, 200);
}

void notifications_events(struct call *call)
{
    struct query *query = path_query(call, QUERY_EVENTS);
    if (query && page_read(call, query))
        call_ask(query, events_listed);
}

/* ------------------------------------------------------------------------------------ list ---- */

static void notifications_listed(struct query *query)
{
    struct call *call = query->owner;
    if (!call_came(query))
        return;
    struct json_out out = call_out(call);
    page_open(&out);
    for (uint32_t i = 0; i < query->count; i++) {
        json_open(&out, '{');
        view_notification(&out, &call->api->config.ids, &query->notifications[i]);
        json_close(&out, '}');
    }
    page_close(call, &out, query);
    call_json(call, 200);
}

void notifications_list(struct call *call)
{
    struct notification_filter filter = {
        .user_id = call_param(call, STR("user_id")),
        .category = call_param(call, STR("category")),
        .template_name = call_param(call, STR("template")),
    };
    if (!param_state(call, &filter.by_state, &filter.state) ||
        !param_wall(call, STR("since"), &filter.since) ||
        !param_wall(call, STR("until"), &filter.until))
        return;
    if (filter.user_id.at && !call->caller.app) {
        call_problem(call, PROBLEM_INVALID, "user_id needs the query parameter app");
        return;
    }
    struct query *query = call_query(call, QUERY_NOTIFICATIONS);
    if (!query || !page_read(call, query))
        return;
    query->filter = filter;
    call_ask(query, notifications_listed);
}

/* ---------------------------------------------------------------------------------- cancel ---- */

static void counted(struct query *query)
{
    struct call *call = query->owner;
    if (!call_came(query))
        return;
    const struct notification_view *view = &query->notifications[0];
    char id[ID_TEXT_SIZE];
    struct json_out out = call_out(call);
    json_open(&out, '{');
    view_str(&out, STR("id"), ntf_format(&call->api->config.ids, query->id, id));
    view_str(&out, STR("status"), notification_status(view));
    view_counts(&out, view);
    json_close(&out, '}');
    call_json(call, 200);
}

static void cancelled(struct job *job)
{
    struct call *call = job->owner;
    if (!call_done(job))
        return;
    if (!job->cancel.found) {
        call_not_found(call);
        return;
    }
    struct query *query = path_query(call, QUERY_NOTIFICATION);
    if (query)
        call_ask(query, counted);
}

/* It exists, and is of the caller's app and mode. */
static void cancel_allowed(struct query *query)
{
    struct call *call = query->owner;
    if (!call_came(query))
        return;
    struct job *job = call_job(call, JOB_CANCEL);
    if (!job)
        return;
    job->cancel.notification = query->id;
    job->cancel.app = call->caller.app;
    call_do(job, cancelled);
}

void notifications_cancel(struct call *call)
{
    struct fields fields;
    if (call->body) {
        (void)fields_init(&fields, call->body, NULL, &call->faults);
        fields_done(&fields);
    }
    if (call->faults.count) {
        call_invalid(call);
        return;
    }
    struct query *query = path_query(call, QUERY_NOTIFICATION);
    if (query)
        call_ask(query, cancel_allowed);
}
