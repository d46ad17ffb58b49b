/* api/steers.c - POST /v1/queues/{channel}/pause, resume and move: an operator's word over lanes.
 *
 * A channel is all its kinds; a kind may be named alone. Answered when every courier has heard:
 * then nothing more of it begins. What has begun ends by its answer.
 */
#include "api/fields.h"
#include "api/handlers.h"
#include "api/lane_view.h"
#include "api/views.h"

/* The kinds that the path means; 0: answered. */
static unsigned kinds_of(struct call *call)
{
    enum channel channel;
    enum kind kind;
    unsigned kinds = 0;
    if (channel_parse(call->params[0], &channel))
        for (unsigned i = 0; i < KIND_COUNT; i++)
            kinds |= kind_channel((enum kind)i) == channel ? 1u << i : 0;
    else if (kind_parse(call->params[0], &kind))
        kinds = 1u << kind;
    else
        call_problem(call, PROBLEM_INVALID,
                     "channel must be one of push, sms, email, or ios, android, web");
    return kinds;
}

/* `reason`, and either `expires_in` or `expires_at`. */
static void read_terms(struct call *call, struct fields *fields, struct steer *steer)
{
    struct span in;
    steer->by = STR("root");
    steer->since = call->now.wall;
    steer->until = WALL_NEVER;
    (void)fields_str(fields, STR("reason"), STEER_REASON_LEN_MAX, &steer->reason);
    bool has_in = fields_span(fields, STR("expires_in"), &in);
    bool has_at = fields_wall(fields, STR("expires_at"), &steer->until);
    if (has_in && has_at)
        fields_fault(fields, STR("expires_at"), "leave it out, or expires_in");
    if (has_in)
        steer->until = wall_add(call->now.wall, in);
    struct span most = span_s((int64_t)STEER_DAYS_MAX * 86400);
    struct str which = has_in ? STR("expires_in") : STR("expires_at");
    if (has_at && wall_reached(call->now.wall, steer->until))
        fields_fault(fields, STR("expires_at"), "must lie in the future");
    else if ((has_in || has_at) && steer->until.ms > wall_add(call->now.wall, most).ms)
        fields_fault(fields, which, "must be within %d days", STEER_DAYS_MAX);
}

static struct job *steer_job(struct call *call, enum change_type type, unsigned kinds,
                             const struct steer *steer)
{
    struct job *job = call_change(call, type, STR_NONE);
    if (!job)
        return NULL;
    job->change.steering.kinds = kinds;
    job->change.steering.steer = *steer;
    return job;
}

static void answer(struct call *call, const struct change *change, struct str name, bool stands)
{
    struct json_out out = call_out(call);
    json_open(&out, '{');
    view_str(&out, STR("channel"), call->params[0]);
    json_name(&out, STR("kinds"));
    json_open(&out, '[');
    for (unsigned kind = 0; kind < KIND_COUNT; kind++)
        if (change->steering.kinds & 1u << kind)
            json_str(&out, kind_name((enum kind)kind));
    json_close(&out, ']');
    json_name(&out, name);
    if (stands)
        view_steer(&out, &change->steering.steer, true);
    else
        json_null(&out);
    json_close(&out, '}');
    call_json(call, 200);
}

static bool was_taken(struct call *call, struct job *job)
{
    if (!call_done(job))
        return false;
    if (job->change.result == CHANGE_FULL)
        call_problem(call, PROBLEM_CONFLICT, "as many pauses and moves stand as can");
    else if (job->change.result == CHANGE_EXISTS)
        call_problem(call, PROBLEM_CONFLICT,
                     "another move leads to or from one of these providers: end it first");
    else
        return true;
    return false;
}

/* --------------------------------------------------------------------------- pause, resume ---- */

static void paused(struct job *job)
{
    struct call *call = job->owner;
    if (was_taken(call, job))
        answer(call, &job->change, STR("paused"), true);
}

void queues_pause(struct call *call)
{
    struct steer steer = {.type = STEER_PAUSE, .until = WALL_NEVER};
    struct fields fields;
    unsigned kinds = kinds_of(call);
    if (!kinds)
        return;
    static const struct json nothing = {.type = JSON_OBJECT};
    (void)fields_init(&fields, call->body ? call->body : &nothing, NULL, &call->faults);
    read_terms(call, &fields, &steer);
    fields_done(&fields);
    if (call->faults.count) {
        call_invalid(call);
        return;
    }
    struct job *job = steer_job(call, CHANGE_STEER_PUT, kinds, &steer);
    if (job)
        call_do(job, paused);
}

/* What was not paused is not, either. */
static void resumed(struct job *job)
{
    struct call *call = job->owner;
    if (call_done(job))
        answer(call, &job->change, STR("paused"), false);
}

void queues_resume(struct call *call)
{
    const struct steer steer = {.type = STEER_PAUSE};
    struct fields fields;
    unsigned kinds = kinds_of(call);
    if (!kinds)
        return;
    if (call->body && fields_init(&fields, call->body, NULL, &call->faults))
        fields_done(&fields);
    if (call->faults.count) {
        call_invalid(call);
        return;
    }
    struct job *job = steer_job(call, CHANGE_STEER_END, kinds, &steer);
    if (job)
        call_do(job, resumed);
}

/* -------------------------------------------------------------------------------------- move ----
 */

/* A move that is asked for. */
struct moving {
    unsigned kinds;
    struct steer steer;
};

static void moved(struct job *job)
{
    struct call *call = job->owner;
    if (was_taken(call, job))
        answer(call, &job->change, STR("moved"), true);
}

/* Can the providers that are configured now do it? */
static bool check_providers(struct survey *survey, const struct moving *moving)
{
    struct call *call = survey->call;
    const struct steer *steer = &moving->steer;
    const struct provider_report *to = survey_provider(survey, steer->to);
    if (!survey_provider(survey, steer->from))
        fault_add(&call->faults, STR("/from"), "there is no provider of this name");
    if (!to)
        fault_add(&call->faults, STR("/to"), "there is no provider of this name");
    else if ((to->kinds & moving->kinds) != moving->kinds)
        fault_add(&call->faults, STR("/to"), "its driver %.*s does not serve every kind meant",
                  STR_ARG(to->driver));
    return call->faults.count == 0;
}

static void providers_came(struct survey *survey)
{
    struct call *call = survey->call;
    const struct moving *moving = survey->owner;
    if (!check_providers(survey, moving)) {
        call_faults(call, PROBLEM_UNPROCESSABLE, NULL);
        return;
    }
    struct job *job = steer_job(call, CHANGE_STEER_PUT, moving->kinds, &moving->steer);
    if (job)
        call_do(job, moved);
}

void queues_move(struct call *call)
{
    struct fields fields;
    unsigned kinds = kinds_of(call);
    if (!kinds)
        return;
    struct moving *moving = arena_new(call->arena, struct moving);
    if (!moving) {
        call_unavailable(call, ERR_MEMORY, (struct span){0});
        return;
    }
    struct steer *steer = &moving->steer;
    moving->kinds = kinds;
    steer->type = STEER_MOVE;
    (void)fields_init(&fields, call->body, NULL, &call->faults);
    (void)fields_name(&fields, STR("from"), &steer->from);
    (void)fields_name(&fields, STR("to"), &steer->to);
    fields_needed(&fields, STR("from"));
    fields_needed(&fields, STR("to"));
    if (steer->from.at && str_eq(steer->from, steer->to))
        fields_fault(&fields, STR("to"), "must be another provider");
    read_terms(call, &fields, steer);
    fields_done(&fields);
    if (call->faults.count)
        call_invalid(call);
    else
        survey_begin(call, 0, providers_came, moving);
}

void queues_move_end(struct call *call)
{
    struct steer steer = {.type = STEER_MOVE, .from = call_param(call, STR("from"))};
    unsigned kinds = kinds_of(call);
    if (!kinds)
        return;
    if (!steer.from.at) {
        call_problem(call, PROBLEM_INVALID, "say which provider's move is to end: ?from=");
        return;
    }
    struct job *job = steer_job(call, CHANGE_STEER_END, kinds, &steer);
    if (job)
        call_do(job, call_deleted);
}
