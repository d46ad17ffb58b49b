/* api/apps.c - apps and their keys, for operators: /v1/apps. */
#include "api/fields.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/secrets.h"
#include "api/views.h"
#include "codec/digest.h"
#include "model/check.h"

#define APP_NAME_RULE "must match [A-Za-z0-9][A-Za-z0-9_.:@-]{0,63}"

/* ------------------------------------------------------------------------------------ apps ---- */

static void view_app(struct json_out *out, struct str name, struct wall created_at)
{
    json_open(out, '{');
    view_str(out, STR("id"), name);
    view_wall(out, STR("created_at"), created_at);
    json_close(out, '}');
}

static void app_created(struct job *job)
{
    struct call *call = job->owner;
    if (!call_done(job))
        return;
    if (job->change.result == CHANGE_EXISTS) {
        call_problem(call, PROBLEM_CONFLICT, "an app of that name exists");
        return;
    }
    if (job->change.result != CHANGED_CREATED) {
        call_problem(call, PROBLEM_CONFLICT, "no more apps can be made");
        return;
    }
    struct json_out out = call_out(call);
    view_app(&out, job->change.name, job->change.created_at);
    call_json(call, 201);
}

void apps_post(struct call *call)
{
    struct fields fields;
    struct str name = STR_NONE;
    (void)fields_init(&fields, call->body, NULL, &call->faults);
    (void)fields_checked(&fields, STR("name"), app_name_ok, APP_NAME_RULE, &name);
    fields_needed(&fields, STR("name"));
    fields_done(&fields);
    if (call->faults.count) {
        call_invalid(call);
        return;
    }
    struct job *job = call_change(call, CHANGE_APP_CREATE, name);
    if (job)
        call_do(job, app_created);
}

static void apps_listed(struct query *query)
{
    struct call *call = query->owner;
    if (!call_came(query))
        return;
    struct json_out out = call_out(call);
    page_open(&out);
    for (uint32_t i = 0; i < query->count; i++)
        view_app(&out, query->apps[i].name, query->apps[i].created_at);
    page_close(call, &out, query);
    call_json(call, 200);
}

void apps_list(struct call *call)
{
    struct query *query = call_query(call, QUERY_APPS);
    if (query && page_read(call, query))
        call_ask(query, apps_listed);
}

/* The app of the path: its number becomes the caller's, then call->state goes on. */
static void path_app_found(void *owner, enum err err, uint32_t app)
{
    struct call *call = owner;
    if (err != OK) {
        call_unavailable(call, err, (struct span){0});
    } else if (!app) {
        call_not_found(call);
    } else {
        call->caller.app = app;
        call->next(call);
    }
}

static void with_path_app(struct call *call, void (*next)(struct call *call))
{
    call->next = next;
    intake_find_app(call->api->intake, call->params[0], path_app_found, call);
}

static void app_deleted(struct job *job)
{
    struct call *call = job->owner;
    if (!call_done(job))
        return;
    if (job->change.result == CHANGE_MISSING) {
        call_not_found(call);
        return;
    }
    struct json_out out = call_out(call);
    json_open(&out, '{');
    view_str(&out, STR("id"), call->params[0]);
    view_str(&out, STR("status"), STR("deleting"));
    json_close(&out, '}');
    call_json(call, 202);
}

static void delete_app(struct call *call)
{
    struct job *job = call_change(call, CHANGE_APP_DELETE, call->params[0]);
    if (job)
        call_do(job, app_deleted);
}

void apps_delete(struct call *call)
{
    with_path_app(call, delete_app);
}

/* ------------------------------------------------------------------------------------ keys ---- */

static const struct {
    struct str name;
    enum key_scope scope;
} scopes[] = {
    {STR_INIT("send"), KEY_SEND},
    {STR_INIT("manage"), KEY_MANAGE},
    {STR_INIT("read"), KEY_READ},
};
enum { SCOPE_TYPES = sizeof scopes / sizeof *scopes };

/* What every answer about a key says; the object stays open. */
static void open_key(struct json_out *out, const struct key *key)
{
    json_open(out, '{');
    view_str(out, STR("app_key"), key->app_key);
    json_name(out, STR("scopes"));
    json_open(out, '[');
    for (size_t i = 0; i < SCOPE_TYPES; i++)
        if (key->scopes & scopes[i].scope)
            json_str(out, scopes[i].name);
    json_close(out, ']');
    view_str(out, STR("mode"), mode_name(key->mode));
    view_wall(out, STR("created_at"), key->created_at);
    view_wall(out, STR("expires_at"), key->expires_at);
}

static unsigned scope_of(const struct json *item)
{
    for (size_t i = 0; item->type == JSON_STRING && i < SCOPE_TYPES; i++)
        if (str_eq(item->text, scopes[i].name))
            return scopes[i].scope;
    return 0;
}

static void read_scopes(struct fields *fields, struct key *key)
{
    const struct json *list = fields_typed(fields, STR("scopes"), JSON_ARRAY);
    struct spot spot = {.up = fields->spot, .name = STR("scopes")};
    for (uint32_t i = 0; list && i < list->count; i++) {
        struct spot item = {.up = &spot, .index = i};
        unsigned scope = scope_of(&list->items[i]);
        if (!scope)
            spot_fault(&item, fields->faults, "must be one of send, manage, read");
        else if (key->scopes & scope)
            spot_fault(&item, fields->faults, "is listed twice");
        key->scopes |= scope;
    }
    fields_needed(fields, STR("scopes"));
    if (list && !list->count)
        fields_fault(fields, STR("scopes"), "must list at least one of send, manage, read");
}

static void read_key(struct call *call, struct key *key)
{
    struct fields fields;
    int mode = MODE_LIVE;
    (void)fields_init(&fields, call->body, NULL, &call->faults);
    read_scopes(&fields, key);
    (void)fields_choice(&fields, STR("mode"), &choice_mode, &mode);
    key->mode = (enum mode)mode;
    if (fields_wall(&fields, STR("expires_at"), &key->expires_at) &&
        wall_reached(call->now.wall, key->expires_at))
        fields_fault(&fields, STR("expires_at"), "must lie in the future");
    fields_done(&fields);
}

static void key_created(struct job *job)
{
    struct call *call = job->owner;
    if (!call_done(job))
        return;
    if (job->change.result == CHANGE_MISSING) {
        call_not_found(call);
        return;
    }
    if (job->change.result != CHANGED_CREATED) {
        call_problem(call, PROBLEM_CONFLICT, "the app has as many keys as it may have");
        return;
    }
    struct str *secret = call->state;
    struct key key = job->change.key;
    key.created_at = job->change.created_at;
    struct json_out out = call_out(call);
    open_key(&out, &key);
    view_str(&out, STR("app_secret"), *secret);
    json_close(&out, '}');
    call_json(call, 201);
}

static void create_key(struct call *call)
{
    struct key key = {.app = call->caller.app, .app_name = call->params[0]};
    read_key(call, &key);
    if (call->faults.count) {
        call_invalid(call);
        return;
    }
    const struct entropy *entropy = intake_entropy(call->api->intake);
    struct str *secret = arena_new(call->arena, struct str);
    struct job *job = call_change(call, CHANGE_KEY_CREATE, STR_NONE);
    if (!job)
        return;
    key.app_key = secret_key_name(entropy, call->now.wall, call->arena);
    if (secret)
        *secret = secret_make(entropy, call->arena);
    if (!secret || !secret->at || !key.app_key.at) {
        call_unavailable(call, ERR_MEMORY, (struct span){0});
        return;
    }
    sha256(*secret, key.secret_hash);
    job->change.name = key.app_key;
    job->change.key = key;
    call->state = secret;
    call_do(job, key_created);
}

void keys_post(struct call *call)
{
    with_path_app(call, create_key);
}

static void keys_listed(struct query *query)
{
    struct call *call = query->owner;
    if (!call_came(query))
        return;
    struct json_out out = call_out(call);
    page_open(&out);
    for (uint32_t i = 0; i < query->count; i++) {
        open_key(&out, &query->keys[i]);
        json_close(&out, '}');
    }
    page_close(call, &out, query);
    call_json(call, 200);
}

static void list_keys(struct call *call)
{
    struct query *query = call_query(call, QUERY_KEYS);
    if (query && page_read(call, query))
        call_ask(query, keys_listed);
}

void keys_list(struct call *call)
{
    with_path_app(call, list_keys);
}

static void revoke_key(struct call *call)
{
    struct job *job = call_change(call, CHANGE_KEY_REVOKE, call->params[1]);
    if (job)
        call_do(job, call_deleted);
}

void keys_delete(struct call *call)
{
    with_path_app(call, revoke_key);
}
