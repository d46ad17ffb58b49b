/* api/deliveries.c - one delivery: all that happened to it, why, and what was sent. */
#include "api/call.h"
#include "api/content_view.h"
#include "api/explain.h"
#include "api/handlers.h"
#include "api/lane_view.h"
#include "api/views.h"
#include "flow/rendering.h"

static void ask_delivery(struct call *call, void (*done)(struct query *query))
{
    struct delivery_key key;
    if (!dlv_parse(&call->api->config.ids, call->params[0], &key)) {
        call_not_found(call);
        return;
    }
    struct query *query = call_query(call, QUERY_DELIVERY);
    if (!query)
        return;
    query->key = key;
    call_ask(query, done);
}

static void view_events(struct json_out *out, const struct ids *ids, const struct query *query)
{
    json_name(out, STR("attempt_history"));
    view_attempts(out, query->events, query->count);
    json_name(out, STR("events"));
    json_open(out, '[');
    view_acceptance(out, ids, &query->deliveries[0]);
    for (uint32_t i = 0; i < query->count; i++)
        view_event(out, ids, &query->events[i]);
    json_close(out, ']');
}

static void answer_delivery(struct query *query, const struct blocked *blocked)
{
    struct call *call = query->owner;
    const struct ids *ids = &call->api->config.ids;
    const struct explain_question question = {
        .view = &query->deliveries[0],
        .notification = &query->notifications[0].notification,
        .events = query->events,
        .event_count = query->count,
        .blocked = blocked,
        .tell_all = call->caller.root,
        .now = call->now.wall,
    };
    struct json_out out = call_out(call);
    json_open(&out, '{');
    view_delivery(&out, ids, call->arena, &query->deliveries[0]);
    view_str(&out, STR("explanation"), explain(&question, call->arena));
    view_blocked(&out, blocked, call->caller.root);
    view_events(&out, ids, query);
    json_close(&out, '}');
    call_json(call, 200);
}

/* What holds the lane of one delivery holds it, too, unless it is others' being due later, or the
 * providers of live traffic while it is a test key's. */
static bool holds(const struct blocked *blocked, enum mode mode)
{
    switch (blocked->by) {
    case BLOCKED_PAUSED:
    case BLOCKED_EPOCH:
    case BLOCKED_STORE:
    case BLOCKED_DRAINING:
        return true;
    case BLOCKED_NOT_DUE:
    case BLOCKED_STALLED:
        return false;
    default:
        return mode == MODE_LIVE;
    }
}

static void lane_came(struct survey *survey)
{
    struct query *query = survey->owner;
    const struct delivery_view *view = &query->deliveries[0];
    const struct notification *notification = &query->notifications[0].notification;
    const struct blocked_question question =
        lane_question(survey, lane_of(view->delivery.kind, notification->priority));
    struct blocked blocked;
    bool held = lane_blocked(&question, survey->call->arena, &blocked) &&
                holds(&blocked, notification->mode);
    if (held && view->next_due.ms != WALL_NEVER.ms && view->next_due.ms > blocked.next_due.ms &&
        blocked.next_due.ms)
        blocked.next_due = view->next_due;
    answer_delivery(query, held ? &blocked : NULL);
}

static void delivery_got(struct query *query)
{
    struct call *call = query->owner;
    if (!call_came(query))
        return;
    if (state_is_final(query->deliveries[0].state))
        answer_delivery(query, NULL);
    else
        survey_begin(call, call->caller.app, lane_came, query);
}

void deliveries_get(struct call *call)
{
    ask_delivery(call, delivery_got);
}

/* --------------------------------------------------------------------------------- content ---- */

struct showing {
    struct rendering rendering;
    struct call *call;
    const struct delivery *delivery;
};

static void rendered(struct rendering *rendering)
{
    struct showing *showing = rendering->owner;
    struct call *call = showing->call;
    switch (rendering->err) {
    case OK:
        break;
    case ERR_MISSING:
    case ERR_INPUT:
    case ERR_LIMIT:
    case ERR_CORRUPT:
        call_problem(call, PROBLEM_NOT_FOUND, "nothing was sent: %s", rendering->why.text);
        return;
    default:
        call_unavailable(call, rendering->err, (struct span){0});
        return;
    }
    enum channel channel = kind_channel(showing->delivery->kind);
    struct json_out out = call_out(call);
    json_open(&out, '{');
    view_str(&out, STR("delivery_id"), call->params[0]);
    view_str(&out, STR("channel"), channel_name(channel));
    view_str(&out, STR("locale"), showing->delivery->locale);
    view_content(&out, channel, &rendering->content);
    json_close(&out, '}');
    call_json(call, 200);
}

static void content_wanted(struct query *query)
{
    struct call *call = query->owner;
    struct showing *showing = arena_new(call->arena, struct showing);
    if (!call_came(query))
        return;
    if (!showing) {
        call_unavailable(call, ERR_MEMORY, (struct span){0});
        return;
    }
    showing->call = call;
    showing->delivery = &query->deliveries[0].delivery;
    showing->rendering = (struct rendering){
        .library = intake_library(call->api->intake),
        .notification = &query->notifications[0].notification,
        .delivery = showing->delivery,
        .arena = call->arena,
        .done = rendered,
        .owner = showing,
    };
    rendering_begin(&showing->rendering);
}

void deliveries_content(struct call *call)
{
    ask_delivery(call, content_wanted);
}
