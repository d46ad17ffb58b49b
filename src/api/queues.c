/* api/queues.c - GET /v1/queues: what waits in each lane, for how long, and what holds it. */
#include "api/handlers.h"
#include "api/lane_view.h"
#include "api/page.h"
#include "api/views.h"

/* Time to drain at the present rate; negative: it does not drain at all. */
static int64_t lag_ms(const struct lane_report *lane)
{
    if (!lane->depth)
        return 0;
    double ms = lane->rate_1m > 0 ? 1000 * (double)lane->depth / lane->rate_1m : -1;
    return ms < 1e15 ? (int64_t)ms : -1;
}

static void view_paused(struct json_out *out, const struct steering *steering, enum kind kind,
                        bool all)
{
    const struct steer *pause = steering_find(steering, STEER_PAUSE, kind, STR_NONE);
    json_name(out, STR("paused"));
    if (pause)
        view_steer(out, pause, all);
    else
        json_null(out);
}

/* Names of providers are for the root key alone. */
static void view_moves(struct json_out *out, const struct steering *steering, enum kind kind,
                       bool all)
{
    json_name(out, STR("moves"));
    json_open(out, '[');
    for (uint32_t i = 0; all && i < steering->count; i++)
        if (steering->list[i].type == STEER_MOVE && steering->list[i].kind == kind)
            view_steer(out, &steering->list[i], all);
    json_close(out, ']');
}

static void view_figures(struct json_out *out, struct arena *arena, const struct lane_report *lane)
{
    int64_t lag = lag_ms(lane);
    view_i64(out, STR("depth"), lane->depth);
    view_i64(out, STR("scheduled"), 0);
    view_i64(out, STR("in_flight"), lane->in_flight);
    view_i64(out, STR("oldest_age_ms"), lane->oldest.us / 1000);
    json_name(out, STR("rate_1m"));
    json_raw(out, arena_printf(arena, "%.3f", lane->rate_1m));
    if (lag >= 0)
        view_span(out, STR("lag"), span_ms(lag));
    else
        view_str(out, STR("lag"), STR_NONE);
}

static void view_lane(struct json_out *out, const struct survey *survey, unsigned number)
{
    struct call *call = survey->call;
    const struct steering *steering = survey->queues->queues.steering;
    const struct blocked_question question = lane_question(survey, number);
    struct blocked blocked;
    bool is_blocked = lane_blocked(&question, call->arena, &blocked);
    enum kind kind = lane_kind(number);
    json_open(out, '{');
    view_str(out, STR("channel"), channel_name(kind_channel(kind)));
    view_str(out, STR("kind"), kind_name(kind));
    view_str(out, STR("priority"), priority_name(lane_priority(number)));
    view_figures(out, call->arena, &survey->queues->queues.lanes[number]);
    view_paused(out, steering, kind, call->caller.root);
    view_moves(out, steering, kind, call->caller.root);
    view_blocked(out, is_blocked ? &blocked : NULL, call->caller.root);
    json_close(out, '}');
}

static void queues_came(struct survey *survey)
{
    struct call *call = survey->call;
    struct query *query = survey->owner;
    struct json_out out = call_out(call);
    uint32_t from = query->cursor_set ? query->cursor_ordinal + 1 : 0, shown = 0;
    page_open(&out);
    for (uint32_t i = from; i < LANE_COUNT && !query->more; i++) {
        view_lane(&out, survey, i);
        query->next_ordinal = i;
        query->more = ++shown == query->limit && i + 1 < LANE_COUNT;
    }
    page_close(call, &out, query);
    call_json(call, 200);
}

void queues_list(struct call *call)
{
    /* Only for its page: the lanes are the ledger's and the couriers' to tell. */
    struct query *query = call_query(call, QUERY_DEAD);
    if (query && page_read(call, query))
        survey_begin(call, call->caller.app, queues_came, query);
}
