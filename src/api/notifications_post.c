/* api/notifications_post.c - POST /v1/notifications and /v1/notifications/batch. */
#include "api/fields.h"
#include "api/handlers.h"
#include "api/post.h"

/* False: answered. A test key reaches sandbox providers only: without one it reaches nobody. */
static bool may_send(struct call *call)
{
    if (call->caller.mode != MODE_TEST || call->api->config.has_sandbox)
        return true;
    call_problem(call, PROBLEM_NO_SANDBOX, NULL);
    return false;
}

static void post_answered(struct post *post)
{
    struct call *call = post->call;
    const struct item *item = &post->items[0];
    char id[ID_TEXT_SIZE];
    call->api->stats.notifications += !item->refused;
    struct json_out out = call_out(call);
    item_write(item, &out);
    if (item->refused) {
        if (item_status(item) == 503)
            call_header(call, STR("retry-after"), retry_after_text(item->retry_after, call->arena));
        call_text(call, item_status(item), STR("application/problem+json"), buf_str(&call->out));
        return;
    }
    if (item->replayed)
        call_header(call, STR("idempotent-replayed"), STR("true"));
    call_header(call, STR("location"),
                arena_printf(call->arena, "/v1/notifications/%s",
                             ntf_format(&call->api->config.ids, item->id, id).at));
    call_json(call, item_status(item));
}

/* The text of a string that stands there without escapes, or what `absent` says. False: it is
 * something else. */
static bool plain_text(struct str raw, struct str absent, struct str *ret)
{
    *ret = absent;
    if (!raw.at)
        return true;
    if (raw.len < 2 || raw.at[0] != '"' || memchr(raw.at, '\\', raw.len))
        return false;
    *ret = (struct str){raw.at + 1, raw.len - 2};
    return true;
}

bool notifications_turned_away(struct call *call)
{
    static const struct str names[] = {STR_INIT("priority"), STR_INIT("category")};
    struct intake *intake = call->api->intake;
    struct str raw[2], priority, category;
    if (intake_has_room(intake) || !json_peek(call->exchange->request.body, names, raw, 2) ||
        !plain_text(raw[0], STR_NONE, &priority) ||
        !plain_text(raw[1], CATEGORY_DEFAULT, &category) ||
        intake_admits(intake, call->caller.app, priority, category))
        return false;
    call->api->stats.shed++;
    call_unavailable(call, ERR_FULL, span_s(1));
    return true;
}

void notifications_post(struct call *call)
{
    struct str key = http_header(&call->exchange->request, STR("idempotency-key"));
    if (may_send(call))
        post_begin(call, call->body, 1, key, post_answered);
}

static void batch_answered(struct post *post)
{
    struct call *call = post->call;
    struct json_out out = call_out(call);
    call->api->stats.batches++;
    json_open(&out, '{');
    json_name(&out, STR("results"));
    json_open(&out, '[');
    for (uint32_t i = 0; i < post->count; i++) {
        const struct item *item = &post->items[i];
        call->api->stats.notifications += !item->refused;
        json_open(&out, '{');
        json_name(&out, STR("status"));
        json_i64(&out, item_status(item));
        json_name(&out, STR("body"));
        item_write(item, &out);
        json_close(&out, '}');
    }
    json_close(&out, ']');
    json_close(&out, '}');
    call_json(call, 200);
}

void notifications_batch(struct call *call)
{
    struct fields fields;
    if (http_header(&call->exchange->request, STR("idempotency-key")).at) {
        call_problem(call, PROBLEM_INVALID,
                     "a batch takes no Idempotency-Key: give each notification an event_id");
        return;
    }
    (void)fields_init(&fields, call->body, NULL, &call->faults);
    const struct json *list = fields_typed(&fields, STR("notifications"), JSON_ARRAY);
    fields_needed(&fields, STR("notifications"));
    if (list && (list->count < 1 || list->count > BATCH_MAX))
        fields_fault(&fields, STR("notifications"), "must have 1 to %d entries", BATCH_MAX);
    fields_done(&fields);
    if (call->faults.count)
        call_invalid(call);
    else if (may_send(call))
        post_begin(call, list->items, list->count, STR_NONE, batch_answered);
}
