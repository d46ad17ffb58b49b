/* api/pages.c - what needs no credentials: health, metrics, and the contract itself. */
#include "api/call.h"
#include "api/handlers.h"
#include "api/lane_view.h"
#include "api/openapi.h"
#include "ops/health.h"
#include "ops/metrics.h"

void healthz(struct call *call)
{
    struct json_out out = call_out(call);
    health_alive(&out, call->api->config.version);
    call_json(call, 200);
}

static void readiness_came(struct job *job)
{
    struct call *call = job->owner;
    if (!call_done(job))
        return;
    if (job->queues.not_ready.at) {
        call_header(call, STR("retry-after"), STR("1"));
        call_problem(call, PROBLEM_UNAVAILABLE, "%.*s", STR_ARG(job->queues.not_ready));
        return;
    }
    struct json_out out = call_out(call);
    health_ready(&out);
    call_json(call, 200);
}

void readyz(struct call *call)
{
    struct job *job = call_job(call, JOB_QUEUES);
    if (job)
        call_do(job, readiness_came);
}

/* What is only due later is no reason to look. */
static void find_blocked(const struct survey *survey, bool blocked[LANE_COUNT])
{
    for (unsigned lane = 0; lane < LANE_COUNT; lane++) {
        const struct blocked_question question = lane_question(survey, lane);
        struct blocked found;
        blocked[lane] = lane_blocked(&question, survey->call->arena, &found) &&
                        found.by != BLOCKED_NOT_DUE && question.lane->depth;
    }
}

static void figures_came(struct survey *survey)
{
    struct call *call = survey->call;
    const struct job *job = survey->queues;
    const struct api *api = call->api;
    struct store_metrics store = {0};
    bool blocked[LANE_COUNT];
    find_blocked(survey, blocked);
    if (api->config.store)
        api->config.store->ops->measure(api->config.store, &store);
    struct metrics metrics = {
        .version = api->config.version,
        .ledger = &job->queues.stats,
        .lanes = job->queues.lanes,
        .blocked = blocked,
        .providers = survey->providers,
        .provider_count = survey->provider_count,
        .now = call->now.wall,
        .store = &store,
        .api = &api->stats,
        .admission = intake_admission(api->config.intake),
    };
    metrics_process(&metrics.resident_bytes, &metrics.cpu_seconds);
    metrics_write(&metrics, &call->out);
    if (call->out.failed)
        call_unavailable(call, ERR_MEMORY, (struct span){0});
    else
        call_text(call, 200, STR("text/plain; version=0.0.4; charset=utf-8"), buf_str(&call->out));
}

void metrics_get(struct call *call)
{
    survey_begin(call, 0, figures_came, NULL);
}

void openapi_get(struct call *call)
{
    call_text(call, 200, STR("application/json"), openapi_json());
}
