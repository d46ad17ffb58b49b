/* api/store.c - /v1/store: how the store is, a copy of it, and whether it is the one that sends. */
#include "api/call.h"
#include "api/fields.h"
#include "api/handlers.h"
#include "api/views.h"

/* -- how it is -------------------------------------------------------------------------------- */

static void view_disk(struct json_out *out, const struct store_metrics *metrics)
{
    json_name(out, STR("disk"));
    json_open(out, '{');
    view_i64(out, STR("free_bytes"), (int64_t)metrics->disk_free_bytes);
    view_i64(out, STR("reserve_bytes"), (int64_t)metrics->reserve_bytes);
    view_i64(out, STR("database_bytes"), (int64_t)metrics->database_bytes);
    view_i64(out, STR("log_bytes"), (int64_t)metrics->wal_bytes);
    json_close(out, '}');
}

static void view_epoch(struct json_out *out, const struct store_look *look)
{
    json_name(out, STR("epoch"));
    json_open(out, '{');
    view_bool(out, STR("confirmed"), !look->unconfirmed);
    view_str(out, STR("why"), look->unconfirmed ? str_of(look->copied.text) : STR_NONE);
    json_close(out, '}');
}

static void view_backup(struct json_out *out, const struct store_look *look)
{
    static const struct str names[] = {
        [BACKUP_NONE] = STR_INIT(""),
        [BACKUP_RUNNING] = STR_INIT("running"),
        [BACKUP_DONE] = STR_INIT("done"),
        [BACKUP_FAILED] = STR_INIT("failed"),
    };
    json_name(out, STR("backup"));
    if (look->backup == BACKUP_NONE) {
        json_null(out);
        return;
    }
    json_open(out, '{');
    view_str(out, STR("state"), names[look->backup]);
    view_str(out, STR("file"), str_of(look->file));
    view_i64(out, STR("pages"), (int64_t)look->pages);
    view_i64(out, STR("pages_done"), (int64_t)look->pages_done);
    view_str(out, STR("error"), look->backup == BACKUP_FAILED ? str_of(look->why.text) : STR_NONE);
    json_close(out, '}');
}

static void show(struct call *call, int status)
{
    struct store *store = call->api->config.store;
    struct store_metrics metrics;
    struct store_look look;
    must(store);
    store->ops->measure(store, &metrics);
    store->ops->look(store, &look);
    struct json_out out = call_out(call);
    json_open(&out, '{');
    view_str(&out, STR("state"),
             look.unconfirmed ? STR("unconfirmed")
             : look.full      ? STR("full")
                              : STR("ready"));
    view_disk(&out, &metrics);
    view_epoch(&out, &look);
    view_backup(&out, &look);
    json_close(&out, '}');
    call_json(call, status);
}

/* False: answered. */
static bool has_store(struct call *call)
{
    if (!call->api->config.store)
        call_unavailable(call, ERR_UNSUPPORTED, (struct span){0});
    return call->api->config.store != NULL;
}

void store_get(struct call *call)
{
    if (has_store(call))
        show(call, 200);
}

/* -- a copy of it ----------------------------------------------------------------------------- */

void store_backup(struct call *call)
{
    struct store *store = call->api->config.store;
    struct fields fields;
    struct str file = STR_NONE;
    struct why why;
    if (!has_store(call))
        return;
    (void)fields_init(&fields, call->body, NULL, &call->faults);
    fields_needed(&fields, STR("file"));
    (void)fields_str(&fields, STR("file"), BACKUP_FILE_MAX - 1, &file);
    fields_done(&fields);
    enum err err = call->faults.count ? ERR_LIMIT : store->ops->backup(store, file, &why);
    if (err == ERR_INPUT)
        fields_fault(&fields, STR("file"), "%s", why.text);
    if (call->faults.count)
        call_invalid(call);
    else if (err == ERR_CONFLICT)
        call_problem(call, PROBLEM_CONFLICT, "a backup is under way: GET /v1/store tells of it");
    else if (err != OK)
        call_unavailable(call, err, (struct span){0});
    else
        show(call, 202);
}

/* -- is it the one that sends ----------------------------------------------------------------- */

static void confirmed(struct job *job)
{
    struct call *call = job->owner;
    if (!call_done(job))
        return;
    struct json_out out = call_out(call);
    json_open(&out, '{');
    view_bool(&out, STR("confirmed"), true);
    view_bool(&out, STR("was_confirmed"), !job->confirm.was);
    json_close(&out, '}');
    call_json(call, 200);
}

void store_confirm_epoch(struct call *call)
{
    struct job *job = call_job(call, JOB_CONFIRM);
    if (job)
        call_do(job, confirmed);
}
