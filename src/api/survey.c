/* api/survey.c - see survey.h. */
#include "api/survey.h"

static enum err list_providers(struct survey *survey, uint32_t couriers)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < couriers; i++) {
        if (survey->reports[i].err)
            return survey->reports[i].err;
        most += survey->reports[i].count;
    }
    survey->providers = arena_array(survey->call->arena, const struct provider_report *, most);
    if (!survey->providers)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < couriers; i++)
        for (uint32_t k = 0; k < survey->reports[i].count; k++)
            survey->providers[survey->provider_count++] = &survey->reports[i].list[k];
    return OK;
}

static void one_came(struct survey *survey)
{
    struct call *call = survey->call;
    if (--survey->waiting)
        return;
    enum err err = survey->job->err;
    if (err == OK)
        err = list_providers(survey, intake_couriers(call->api->intake));
    if (err)
        call_unavailable(call, err, survey->job->retry_after);
    else
        survey->done(survey);
}

static void queues_came(struct job *job)
{
    one_came(job->owner);
}

static void report_came(struct report *report)
{
    one_came(report->owner);
}

static void free_arenas(struct call *call, void *what)
{
    struct survey *survey = what;
    (void)call;
    for (uint32_t i = 0; i < COURIERS_MAX; i++)
        arena_done(&survey->arenas[i]);
}

void survey_begin(struct call *call, uint32_t app, void (*done)(struct survey *survey), void *owner)
{
    uint32_t couriers = intake_couriers(call->api->intake);
    must(couriers <= COURIERS_MAX);
    struct survey *survey = arena_new(call->arena, struct survey);
    if (!survey) {
        call_unavailable(call, ERR_MEMORY, (struct span){0});
        return;
    }
    if (!call_hold(call, free_arenas, survey)) {
        call_unavailable(call, ERR_MEMORY, (struct span){0});
        return;
    }
    struct job *job = call_job(call, JOB_QUEUES);
    if (!job)
        return;
    survey->call = call;
    survey->done = done;
    survey->owner = owner;
    survey->job = job;
    survey->queues = job;
    survey->waiting = couriers + 1;
    job->owner = survey;
    job->queues.app = app;
    for (uint32_t i = 0; i < couriers; i++) {
        arena_init(&survey->arenas[i], ANSWER_BYTES_MAX);
        survey->reports[i].arena = &survey->arenas[i];
        survey->reports[i].owner = survey;
        survey->reports[i].finish = report_came;
        intake_report(call->api->intake, i, &survey->reports[i]);
    }
    job->finish = queues_came;
    intake_job(call->api->intake, job);
}

const struct provider_report *survey_provider(const struct survey *survey, struct str name)
{
    for (uint32_t i = 0; i < survey->provider_count; i++)
        if (str_eq(survey->providers[i]->name, name))
            return survey->providers[i];
    return NULL;
}
