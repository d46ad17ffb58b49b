/* api/queues.c - GET /v1/queues: what waits in each lane, and for how long. */
#include "api/handlers.h"
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

static void view_lane(struct json_out *out, struct call *call, const struct lane_report *lane)
{
    enum kind kind = lane_kind(lane->lane);
    int64_t lag = lag_ms(lane);
    json_open(out, '{');
    view_str(out, STR("channel"), channel_name(kind_channel(kind)));
    view_str(out, STR("kind"), kind_name(kind));
    view_str(out, STR("priority"), priority_name(lane_priority(lane->lane)));
    view_i64(out, STR("depth"), lane->depth);
    view_i64(out, STR("scheduled"), 0);
    view_i64(out, STR("in_flight"), lane->in_flight);
    view_i64(out, STR("oldest_age_ms"), lane->oldest.us / 1000);
    json_name(out, STR("rate_1m"));
    json_raw(out, arena_printf(call->arena, "%.3f", lane->rate_1m));
    if (lag >= 0)
        view_span(out, STR("lag"), span_ms(lag));
    else
        view_str(out, STR("lag"), STR_NONE);
    json_close(out, '}');
}

static void queues_came(struct job *job)
{
    struct call *call = job->owner;
    struct query *query = call->state;
    if (!call_done(job))
        return;
    struct json_out out = call_out(call);
    uint32_t from = query->cursor_set ? query->cursor_ordinal + 1 : 0, shown = 0;
    page_open(&out);
    for (uint32_t i = from; i < LANE_COUNT && !query->more; i++) {
        view_lane(&out, call, &job->queues.lanes[i]);
        query->next_ordinal = i;
        query->more = ++shown == query->limit && i + 1 < LANE_COUNT;
    }
    page_close(call, &out, query);
    call_json(call, 200);
}

void queues_list(struct call *call)
{
    /* Only for its page: the lanes are the ledger's to tell. */
    struct query *query = call_query(call, QUERY_DEAD);
    if (!query || !page_read(call, query))
        return;
    struct job *job = call_job(call, JOB_QUEUES);
    if (!job)
        return;
    call->state = query;
    job->queues.app = call->caller.app;
    call_do(job, queues_came);
}
