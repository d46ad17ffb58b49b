/* api/store.c - /v1/store: how the store is, a copy of it, and whether it is the one that sends. */
#include "api/call.h"
#include "api/handlers.h"
#include "api/views.h"

static void confirmed(struct job *job)
{
    struct call *call = job->owner;
    if (!call_done(job))
        return;
    struct json_out out = call_out(call);
    json_open(&out, '{');
    json_name(&out, STR("confirmed"));
    json_bool(&out, true);
    json_name(&out, STR("was_confirmed"));
    json_bool(&out, !job->confirm.was);
    json_close(&out, '}');
    call_json(call, 200);
}

void store_confirm_epoch(struct call *call)
{
    struct job *job = call_job(call, JOB_CONFIRM);
    if (job)
        call_do(job, confirmed);
}
