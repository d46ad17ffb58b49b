/* api/lane_view.c - see lane_view.h. */
#include "api/lane_view.h"
#include "api/views.h"

struct blocked_question lane_question(const struct survey *survey, unsigned lane)
{
    const struct job *job = survey->queues;
    return (struct blocked_question){
        .now = survey->call->now.wall,
        .lane = &job->queues.lanes[lane],
        .steering = job->queues.steering,
        .providers = survey->providers,
        .provider_count = survey->provider_count,
        .refused_since = job->queues.refused_since,
        .refused_why = job->queues.refused_why,
        .draining = job->queues.draining,
        .unconfirmed = job->queues.unconfirmed,
    };
}

void view_blocked(struct json_out *out, const struct blocked *blocked, bool all)
{
    json_name(out, STR("blocked"));
    if (!blocked) {
        json_null(out);
        return;
    }
    json_open(out, '{');
    view_str(out, STR("by"), blocker_name(blocked->by));
    view_str(out, STR("detail"), all ? blocked->detail : blocked->brief);
    view_wall(out, STR("since"), blocked->since);
    view_wall(out, STR("next_due_at"), blocked->next_due);
    json_close(out, '}');
}

void view_steer(struct json_out *out, const struct steer *steer, bool all)
{
    json_open(out, '{');
    if (steer->type == STEER_MOVE) {
        view_str(out, STR("from"), steer->from);
        view_str(out, STR("to"), steer->to);
    }
    view_str(out, STR("reason"), all ? steer->reason : STR_NONE);
    view_str(out, STR("by"), all ? steer->by : STR_NONE);
    view_wall(out, STR("since"), steer->since);
    view_wall(out, STR("expires_at"), steer->until);
    json_close(out, '}');
}
