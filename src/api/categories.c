/* api/categories.c - categories: /v1/categories. */
#include "api/fields.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/settings.h"
#include "api/views.h"
#include "model/check.h"

static void view_category(struct json_out *out, const struct category *category)
{
    json_open(out, '{');
    view_str(out, STR("name"), category->name);
    json_name(out, STR("channels"));
    json_open(out, '[');
    for (uint32_t i = 0; i < category->channel_count; i++)
        json_str(out, channel_name(category->channels[i]));
    json_close(out, ']');
    view_str(out, STR("strategy"), strategy_name(category->strategy));
    view_str(out, STR("priority"), priority_name(category->priority));
    view_bool(out, STR("mandatory"), category->mandatory);
    view_str(out, STR("rate_limit"), STR_NONE);
    view_span(out, STR("ttl"), category->ttl);
    view_str(out, STR("guarantee"), guarantee_name(category->guarantee));
    view_wall(out, STR("created_at"), category->created_at);
    view_wall(out, STR("updated_at"), category->updated_at);
    json_close(out, '}');
}

static void category_put(struct job *job)
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
        call_problem(call, PROBLEM_CONFLICT, "the app has as many categories as it may have");
        return;
    }
    struct category category = change->category;
    category.created_at = change->created_at;
    category.updated_at = change->updated_at;
    struct json_out out = call_out(call);
    view_category(&out, &category);
    bool created = change->result == CHANGED_CREATED && !str_eq(category.name, CATEGORY_DEFAULT);
    call_json(call, created ? 201 : 200);
}

void categories_put(struct call *call)
{
    struct fields fields;
    struct settings settings;
    struct category category = category_default();
    if (!name_ok(call->params[0])) {
        call_problem(call, PROBLEM_INVALID, "name " NAME_RULE);
        return;
    }
    (void)fields_init(&fields, call->body, NULL, &call->faults);
    settings_read(&fields, &settings);
    (void)fields_bool(&fields, STR("mandatory"), &category.mandatory);
    fields_later(&fields, STR("rate_limit"));
    fields_done(&fields);
    if (call->faults.count) {
        call_invalid(call);
        return;
    }
    settings_over(&settings, &category);
    category.name = call->params[0];
    struct job *job = call_change(call, CHANGE_CATEGORY_PUT, category.name);
    if (!job)
        return;
    job->change.category = category;
    call_do(job, category_put);
}

static void category_got(struct query *query)
{
    struct call *call = query->owner;
    if (!call_came(query))
        return;
    struct json_out out = call_out(call);
    view_category(&out, &query->categories[0]);
    call_json(call, 200);
}

void categories_get(struct call *call)
{
    struct query *query = call_query(call, QUERY_CATEGORY);
    if (!query)
        return;
    query->name = call->params[0];
    call_ask(query, category_got);
}

static void categories_listed(struct query *query)
{
    struct call *call = query->owner;
    if (!call_came(query))
        return;
    struct json_out out = call_out(call);
    page_open(&out);
    for (uint32_t i = 0; i < query->count; i++)
        view_category(&out, &query->categories[i]);
    page_close(call, &out, query);
    call_json(call, 200);
}

void categories_list(struct call *call)
{
    struct query *query = call_query(call, QUERY_CATEGORIES);
    if (query && page_read(call, query))
        call_ask(query, categories_listed);
}

void categories_delete(struct call *call)
{
    struct job *job = call_change(call, CHANGE_CATEGORY_DELETE, call->params[0]);
    if (job)
        call_do(job, call_deleted);
}
