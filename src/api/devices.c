/* api/devices.c - a user's devices and browsers: /v1/users/{user_id}/devices. */
#include "api/address.h"
#include "api/fields.h"
#include "api/handlers.h"
#include "api/mask.h"
#include "api/page.h"
#include "api/target.h"
#include "api/users.h"
#include "api/views.h"
#include "model/check.h"
#include <stdlib.h>

static void view_device(struct json_out *out, struct arena *arena, const struct device *device)
{
    struct str address = mask_address(arena, device->kind, device->token);
    bool web = device->kind == KIND_WEB;
    json_open(out, '{');
    view_str(out, STR("device_id"), device->device_id);
    view_str(out, STR("platform"), kind_name(device->kind));
    if (web) {
        json_name(out, STR("subscription"));
        json_open(out, '{');
        view_str(out, STR("endpoint"), address);
        json_close(out, '}');
    } else {
        view_str(out, STR("token"), address);
        view_str(out, STR("bundle_id"), device->bundle_id);
    }
    if (device->kind == KIND_IOS)
        view_str(out, STR("environment"), device->sandbox ? STR("sandbox") : STR("production"));
    view_wall(out, STR("registered_at"), device->registered_at);
    view_wall(out, STR("last_seen_at"), device->last_seen_at);
    view_wall(out, STR("invalid_at"), device->invalid_at);
    view_str(out, STR("invalid_reason"), device->invalid_reason);
    json_close(out, '}');
}

/* ------------------------------------------------------------------------------------- put ---- */

static void device_put(struct job *job)
{
    struct call *call = job->owner;
    const struct change *change = &job->change;
    if (!call_done(job))
        return;
    if (change->result == CHANGE_MISSING) {
        call_not_found(call);
        return;
    }
    if (change->result == CHANGE_FULL) {
        call_problem(call, PROBLEM_CONFLICT, "a user has at most %d devices", DEVICES_MAX);
        return;
    }
    struct device device = change->device;
    device.registered_at = device.last_seen_at = change->updated_at;
    struct json_out out = call_out(call);
    view_device(&out, call->arena, &device);
    call_json(call, change->result == CHANGED_CREATED ? 201 : 200);
}

void devices_put(struct call *call)
{
    struct fields fields;
    struct target target;
    if (!user_path_ok(call))
        return;
    if (!name_ok(call->params[1])) {
        call_problem(call, PROBLEM_INVALID, "device_id " NAME_RULE);
        return;
    }
    (void)fields_init(&fields, call->body, NULL, &call->faults);
    target_read(&fields, &target);
    fields_needed(&fields, STR("platform"));
    fields_done(&fields);
    if (call->faults.count) {
        call_invalid(call);
        return;
    }
    struct job *job = call_change(call, CHANGE_DEVICE_PUT, call->params[0]);
    if (!job)
        return;
    job->change.device = (struct device){
        .device_id = call->params[1],
        .kind = target.kind,
        .token = target.address,
        .bundle_id = target.bundle_id,
        .sandbox = target.sandbox,
        .p256dh = target.p256dh,
        .auth = target.auth,
    };
    call_do(job, device_put);
}

void devices_delete(struct call *call)
{
    struct job *job = call_change(call, CHANGE_DEVICE_DELETE, call->params[0]);
    if (!job)
        return;
    job->change.device_id = call->params[1];
    call_do(job, call_deleted);
}

/* ------------------------------------------------------------------------------------ list ---- */

/* Newest registration first; of one instant by id. */
static int by_age(const void *a, const void *b)
{
    const struct device *const *x = a, *const *y = b;
    int64_t p = (*x)->registered_at.ms, q = (*y)->registered_at.ms;
    return p != q ? (p < q ? 1 : -1) : str_cmp((*x)->device_id, (*y)->device_id);
}

/* Whether the device comes behind the cursor, "registered_at device_id". */
static bool is_behind(const struct query *query, const struct device *device)
{
    struct str id = query->cursor_name;
    struct device at = {0};
    if (!query->cursor_set)
        return true;
    (void)str_to_i64(str_cut(&id, ' '), &at.registered_at.ms);
    at.device_id = id;
    const struct device *from = &at;
    return by_age(&device, &from) > 0;
}

static void write_devices(struct call *call, struct query *query, const struct device **sorted,
                          uint32_t count)
{
    struct json_out out = call_out(call);
    uint32_t shown = 0;
    page_open(&out);
    for (uint32_t i = 0; i < count && !query->more; i++) {
        if (!is_behind(query, sorted[i]))
            continue;
        if (shown++ == query->limit) {
            query->more = true;
            break;
        }
        view_device(&out, call->arena, sorted[i]);
        query->next_name =
            arena_printf(call->arena, "%lld %.*s", (long long)sorted[i]->registered_at.ms,
                         STR_ARG(sorted[i]->device_id));
    }
    page_close(call, &out, query);
    call_json(call, 200);
}

static void devices_listed(struct query *query)
{
    struct call *call = query->owner;
    const struct recipient *recipient = user_came(query);
    if (!recipient)
        return;
    uint32_t count = recipient->device_count;
    const struct device **sorted = arena_array(call->arena, const struct device *, count + 1);
    if (!sorted) {
        call_unavailable(call, ERR_MEMORY, (struct span){0});
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        sorted[i] = &recipient->devices[i];
    qsort(sorted, count, sizeof *sorted, by_age);
    write_devices(call, query, sorted, count);
}

void devices_list(struct call *call)
{
    struct query *query = user_query(call);
    if (query && page_read(call, query))
        call_ask(query, devices_listed);
}
