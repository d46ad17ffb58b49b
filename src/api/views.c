/* api/views.c - see views.h. */
#include "api/views.h"
#include "api/mask.h"
#include "core/plan.h"
#include <stdio.h>

void view_str(struct json_out *out, struct str name, struct str value)
{
    json_name(out, name);
    json_str(out, value);
}

void view_i64(struct json_out *out, struct str name, int64_t value)
{
    json_name(out, name);
    json_i64(out, value);
}

void view_bool(struct json_out *out, struct str name, bool value)
{
    json_name(out, name);
    json_bool(out, value);
}

void view_wall(struct json_out *out, struct str name, struct wall at)
{
    char text[WALL_TEXT_SIZE];
    bool known = at.ms != 0 && at.ms != WALL_NEVER.ms;
    if (known)
        wall_format(at, text);
    view_str(out, name, known ? str_of(text) : STR_NONE);
}

struct str span_format(struct span span, char into[SPAN_TEXT_SIZE])
{
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
    int64_t ms = span.us / 1000;
    size_t i = ms == units[0].ms; /* "24h", as the contract has it, not "1d" */
    while (ms == 0 ? units[i].ms != 1000 : ms % units[i].ms != 0)
        i++;
    int len =
        snprintf(into, SPAN_TEXT_SIZE, "%lld%s", (long long)(ms / units[i].ms), units[i].unit);
    return (struct str){into, (size_t)len};
}

void view_span(struct json_out *out, struct str name, struct span span)
{
    char text[SPAN_TEXT_SIZE];
    view_str(out, name, span_format(span, text));
}

/* --------------------------------------------------------------------------- notifications ---- */

struct str notification_status(const struct notification_view *view)
{
    bool open = view->following;
    for (int state = 0; state < STATE_COUNT; state++)
        open = open || (view->counts[state] && !state_is_final((enum state)state));
    if (view->cancelled && (open || view->counts[STATE_CANCELLED]))
        return STR("cancelled");
    return open ? STR("accepted") : STR("done");
}

static void view_template(struct json_out *out, const struct notification *notification)
{
    json_name(out, STR("template"));
    if (!notification->template_name.at) {
        json_null(out);
        return;
    }
    json_open(out, '{');
    view_str(out, STR("name"), notification->template_name);
    view_i64(out, STR("version"), notification->template_version);
    json_close(out, '}');
}

void view_counts(struct json_out *out, const struct notification_view *view)
{
    json_name(out, STR("counts"));
    json_open(out, '{');
    for (int state = 0; state < STATE_COUNT; state++)
        view_i64(out, state_name((enum state)state), view->counts[state]);
    json_close(out, '}');
}

void view_notification(struct json_out *out, const struct ids *ids,
                       const struct notification_view *view)
{
    const struct notification *n = &view->notification;
    char id[ID_TEXT_SIZE];
    view_str(out, STR("id"), ntf_format(ids, n->id, id));
    view_str(out, STR("status"), notification_status(view));
    view_str(out, STR("mode"), mode_name(n->mode));
    view_str(out, STR("event_id"), n->event_id);
    view_str(out, STR("category"), n->category);
    view_template(out, n);
    view_str(out, STR("priority"), priority_name(n->priority));
    view_str(out, STR("guarantee"), guarantee_name(n->guarantee));
    view_str(out, STR("strategy"), strategy_name(n->strategy));
    view_str(out, STR("collapse_key"), n->collapse_key);
    view_str(out, STR("traceparent"), n->traceparent);
    view_wall(out, STR("created_at"), id_time(n->id));
    view_wall(out, STR("expires_at"), n->expires_at);
    view_counts(out, view);
}

/* ------------------------------------------------------------------------------ deliveries ---- */

void view_delivery(struct json_out *out, const struct ids *ids, struct arena *arena,
                   const struct delivery_view *view)
{
    const struct delivery *d = &view->delivery;
    struct delivery_key key = {view->notification, d->ordinal};
    char id[ID_TEXT_SIZE];
    view_str(out, STR("id"), dlv_format(ids, key, id));
    view_str(out, STR("notification_id"), ntf_format(ids, key.notification, id));
    view_str(out, STR("user_id"), d->user_id);
    view_str(out, STR("channel"), channel_name(kind_channel(d->kind)));
    view_str(out, STR("kind"), plan_has_kind(d) ? kind_name(d->kind) : STR_NONE);
    view_str(out, STR("device_id"), d->device_id);
    view_str(out, STR("provider"), view->provider);
    view_str(out, STR("address"), mask_address(arena, d->kind, d->address));
    view_str(out, STR("state"), state_name(view->state));
    view_str(out, STR("reason"), view->reason);
    view_i64(out, STR("attempts"), view->attempts);
    view_wall(out, STR("next_attempt_at"), view->next_due);
    view_str(out, STR("provider_message_id"), view->message_id);
    view_wall(out, STR("created_at"), view->created_at);
    view_wall(out, STR("updated_at"), view->updated_at);
}

/* ---------------------------------------------------------------------------------- events ---- */

/* Outside, a delivery's steps count from its acceptance, which is 0. */
static void open_event(struct json_out *out, const struct ids *ids, struct delivery_key key,
                       uint32_t step)
{
    char id[ID_TEXT_SIZE];
    json_open(out, '{');
    view_str(out, STR("id"), evt_format(ids, key, step, id));
    view_str(out, STR("delivery_id"), dlv_format(ids, key, id));
}

static void view_outcome(struct json_out *out, const struct event *event)
{
    view_str(out, STR("provider"), event->provider);
    view_str(out, STR("code"), event->code);
    view_str(out, STR("reason"), event->reason);
    view_str(out, STR("detail"), event->detail);
    view_str(out, STR("provider_message_id"), event->message_id);
    view_str(out, STR("route"), event->route);
}

/* An attempt that leaves the delivery waiting for another is told as what it was. */
static struct str event_type(const struct event *event)
{
    if (event->state == STATE_QUEUED && event->attempt)
        return STR("attempted");
    bool deleted = event->state == STATE_DEAD && str_eq(event->reason, STR("deleted"));
    return deleted && !event->attempt ? STR("deleted") : state_name(event->state);
}

/* Every event has every member, null where it has no meaning. */
static void write_event(struct json_out *out, const struct ids *ids, const struct event *event,
                        uint32_t step)
{
    open_event(out, ids, event->key, step);
    view_wall(out, STR("at"), event->at);
    view_str(out, STR("type"), event_type(event));
    view_str(out, STR("state"), state_name(event->state));
    json_name(out, STR("attempt"));
    if (event->attempt)
        json_i64(out, event->attempt);
    else
        json_null(out);
    view_wall(out, STR("next_attempt_at"),
              event->state == STATE_QUEUED && step ? event->due : WALL_NEVER);
    view_outcome(out, event);
    json_close(out, '}');
}

void view_acceptance(struct json_out *out, const struct ids *ids, const struct delivery_view *view)
{
    if (view->delivery.made_at.ms)
        return;
    struct event event = {
        .key = {view->notification, view->delivery.ordinal},
        .at = view->created_at,
        .state = view->delivery.state,
        .reason = view->delivery.reason,
    };
    write_event(out, ids, &event, 0);
}

void view_event(struct json_out *out, const struct ids *ids, const struct event *event)
{
    write_event(out, ids, event, event->seq + 1);
}

void view_attempts(struct json_out *out, const struct event *events, uint32_t count)
{
    json_open(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (!events[i].attempt)
            continue;
        json_open(out, '{');
        view_i64(out, STR("attempt"), events[i].attempt);
        view_wall(out, STR("began_at"), events[i].began_at);
        view_wall(out, STR("ended_at"), events[i].at);
        view_str(out, STR("outcome"), event_type(&events[i]));
        view_outcome(out, &events[i]);
        json_close(out, '}');
    }
    json_close(out, ']');
}
