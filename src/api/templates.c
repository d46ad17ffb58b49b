/* api/templates.c - templates and their versions: /v1/templates. */
#include "api/content_view.h"
#include "api/fields.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/partials.h"
#include "api/views.h"
#include "model/check.h"

enum { TEMPLATES_PAGE_MAX = 100 }; /* so that a page of the largest ones fits one answer */

/* ------------------------------------------------------------------------------------- put ---- */

struct putting {
    struct lookup lookup;
    struct partials partials;
};

static void template_put(struct job *job)
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
        call_problem(call, PROBLEM_CONFLICT, "the app has as many templates as it may have");
        return;
    }
    struct json_out out = call_out(call);
    json_open(&out, '{');
    view_str(&out, STR("name"), change->name);
    view_i64(&out, STR("version"), change->number);
    view_wall(&out, STR("created_at"), change->created_at);
    json_close(&out, '}');
    call_json(call, change->result == CHANGED_CREATED ? 201 : 200);
}

static void partials_found(struct lookup *lookup)
{
    struct call *call = lookup->owner;
    struct putting *putting = call->state;
    struct str pins = STR_NONE, missing = STR_NONE;
    putting->partials.entries = lookup->found_templates;
    if (!lookup->err) {
        missing = partials_missing(&putting->partials);
        if (!missing.at)
            pins = partials_pins(&putting->partials, call->arena);
    }
    lookup_release(call->api->intake, lookup);
    if (lookup->err) {
        call_unavailable(call, lookup->err, (struct span){0});
        return;
    }
    if (missing.at) {
        call_problem(call, PROBLEM_UNPROCESSABLE, "there is no template %.*s to include",
                     STR_ARG(missing));
        return;
    }
    struct job *job = call_change(call, CHANGE_TEMPLATE_PUT, call->params[0]);
    if (!job)
        return;
    job->change.template_put.source = call->body->raw;
    job->change.template_put.partials = pins;
    call_do(job, template_put);
}

/* Fills in what must be looked up; OK, or faults. */
static enum err check_source(struct call *call, struct putting *putting)
{
    struct template *template;
    struct template_ref *refs = NULL;
    if (call->body->raw.len > TEMPLATE_BYTES_MAX) {
        fault_add(&call->faults, STR(""), "must be at most %d bytes", TEMPLATE_BYTES_MAX);
        return ERR_INPUT;
    }
    enum err err = template_compile(call->body, true, STR(""), &call->faults, &template);
    if (err)
        return err;
    err = partials_of(template, call->params[0], call->arena, &refs, &putting->partials.count);
    template_free(template);
    if (err == ERR_LIMIT)
        fault_add(&call->faults, STR(""), "includes more than %d templates", TEMPLATE_PARTIALS_MAX);
    putting->partials.refs = refs;
    return err;
}

void templates_put(struct call *call)
{
    struct putting *putting = arena_new(call->arena, struct putting);
    if (!name_ok(call->params[0])) {
        call_problem(call, PROBLEM_INVALID, "name " NAME_RULE);
        return;
    }
    enum err err = putting ? check_source(call, putting) : ERR_MEMORY;
    if (call->faults.count) {
        call_invalid(call);
        return;
    }
    if (err) {
        call_unavailable(call, err, (struct span){0});
        return;
    }
    call->state = putting;
    putting->lookup = (struct lookup){
        .app = call->caller.app,
        .templates = putting->partials.refs,
        .template_count = putting->partials.count,
        .arena = call->arena,
        .done = partials_found,
        .owner = call,
    };
    intake_lookup(call->api->intake, &putting->lookup);
}

/* ------------------------------------------------------------------------------- get, list ---- */

/* The members of the source as they were put, without the braces around them. */
static struct str members_of(struct str source)
{
    source = str_trim(source);
    while (source.len && (source.at[source.len - 1] == '\n' || source.at[source.len - 1] == '\r'))
        source.len--;
    return source.len > 2 ? str_slice(source, 1, source.len - 1) : STR_NONE;
}

static void view_template_head(struct json_out *out, const struct template_version *version)
{
    view_str(out, STR("name"), version->name);
    view_i64(out, STR("version"), version->version);
    view_wall(out, STR("created_at"), version->created_at);
}

static void template_got(struct query *query)
{
    struct call *call = query->owner;
    if (!call_came(query))
        return;
    const struct template_version *version = &query->templates[0];
    struct json_out out = call_out(call);
    json_open(&out, '{');
    view_template_head(&out, version);
    json_raw(&out, members_of(version->source));
    json_close(&out, '}');
    call_json(call, 200);
}

/* False: answered. */
static bool version_of(struct call *call, uint32_t *ret)
{
    struct str text = call_param(call, STR("version"));
    uint64_t version = 0;
    if (text.at && (!str_to_u64(text, &version) || version < 1 || version > UINT32_MAX)) {
        call_problem(call, PROBLEM_INVALID, "version must be a whole number from 1");
        return false;
    }
    *ret = (uint32_t)version;
    return true;
}

void templates_get(struct call *call)
{
    uint32_t version;
    if (!version_of(call, &version))
        return;
    struct query *query = call_query(call, QUERY_TEMPLATE);
    if (!query)
        return;
    query->name = call->params[0];
    query->version = version;
    call_ask(query, template_got);
}

static void templates_listed(struct query *query)
{
    struct call *call = query->owner;
    if (!call_came(query))
        return;
    struct json_out out = call_out(call);
    page_open(&out);
    for (uint32_t i = 0; i < query->count; i++) {
        json_open(&out, '{');
        view_template_head(&out, &query->templates[i]);
        json_close(&out, '}');
    }
    page_close(call, &out, query);
    call_json(call, 200);
}

void templates_list(struct call *call)
{
    struct query *query = call_query(call, QUERY_TEMPLATES);
    if (!query || !page_read(call, query))
        return;
    if (query->limit > TEMPLATES_PAGE_MAX)
        query->limit = TEMPLATES_PAGE_MAX;
    call_ask(query, templates_listed);
}

/* --------------------------------------------------------------------------------- preview ---- */

struct preview {
    struct lookup lookup;
    struct template_ref ref;
    const struct json *data;
    struct str locale;
};

static void write_channel(struct call *call, struct json_out *out,
                          const struct template_entry *entry, const struct template_scope *scope,
                          enum channel channel)
{
    struct content content = {0};
    struct why why;
    if (!template_has(entry->template, channel))
        return;
    enum err err = template_render(entry->template, channel, scope, call->arena, &content, &why);
    if (err == OK)
        view_content(out, channel, &content);
    else if (err == ERR_MEMORY)
        call->arena->failed = true;
    else
        fault_add(&call->faults, STR("/data"), "%s", why.text);
}

static void write_preview(struct call *call, const struct template_entry *entry)
{
    const struct preview *preview = call->state;
    struct template_scope scope = {
        .locale = preview->locale,
        .data = preview->data,
        .partial = template_entry_partial,
        .partial_ctx = (void *)(uintptr_t)entry,
    };
    struct json_out out = call_out(call);
    json_open(&out, '{');
    view_str(&out, STR("name"), entry->name);
    view_i64(&out, STR("version"), entry->version);
    view_str(&out, STR("locale"), preview->locale);
    for (int channel = 0; channel < CHANNEL_COUNT; channel++)
        write_channel(call, &out, entry, &scope, (enum channel)channel);
    json_close(&out, '}');
}

static void template_found(struct lookup *lookup)
{
    struct call *call = lookup->owner;
    bool found = !lookup->err && lookup->found_templates[0];
    if (found)
        write_preview(call, lookup->found_templates[0]);
    lookup_release(call->api->intake, lookup);
    if (lookup->err)
        call_unavailable(call, lookup->err, (struct span){0});
    else if (!found)
        call_not_found(call);
    else if (call->faults.count)
        call_invalid(call);
    else
        call_json(call, 200);
}

void templates_preview(struct call *call)
{
    struct fields fields;
    int64_t version = 0;
    struct preview *preview = arena_new(call->arena, struct preview);
    if (!preview) {
        call_unavailable(call, ERR_MEMORY, (struct span){0});
        return;
    }
    (void)fields_init(&fields, call->body, NULL, &call->faults);
    preview->data = fields_typed(&fields, STR("data"), JSON_OBJECT);
    (void)fields_checked(&fields, STR("locale"), locale_ok,
                         "must be a language tag as BCP 47 has it, such as ko-KR",
                         &preview->locale);
    (void)fields_i64(&fields, STR("version"), 1, UINT32_MAX, &version);
    fields_done(&fields);
    if (call->faults.count || !name_ok(call->params[0])) {
        if (call->faults.count)
            call_invalid(call);
        else
            call_not_found(call);
        return;
    }
    call->state = preview;
    preview->ref = (struct template_ref){call->params[0], (uint32_t)version};
    preview->lookup = (struct lookup){
        .app = call->caller.app,
        .templates = &preview->ref,
        .template_count = 1,
        .arena = call->arena,
        .done = template_found,
        .owner = call,
    };
    intake_lookup(call->api->intake, &preview->lookup);
}
