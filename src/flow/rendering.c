/* flow/rendering.c - see rendering.h. */
#include "flow/rendering.h"
#include "model/limits.h"

static void finish(struct rendering *rendering, enum err err)
{
    rendering->err = err;
    library_unpin(rendering->library, rendering->entry);
    for (uint32_t i = 0; i < rendering->partial_count; i++)
        library_unpin(rendering->library, rendering->partials[i]);
    if (rendering->reading)
        reading_unpin(rendering->reading);
    rendering->done(rendering);
}

static const struct template *inline_partial(void *ctx, struct str name)
{
    struct rendering *rendering = ctx;
    for (uint32_t i = 0; i < rendering->partial_count; i++)
        if (str_eq(rendering->partials[i]->name, name))
            return rendering->partials[i]->template;
    for (uint32_t i = 0; i < rendering->partial_count; i++) {
        const struct template *found = template_entry_partial(rendering->partials[i], name);
        if (found)
            return found;
    }
    return NULL;
}

/* What was checked at acceptance must still read. */
static enum err read_attributes(struct rendering *rendering, const struct json **ret)
{
    static const struct json_limits limits = {JSON_DEPTH_MAX, JSON_VALUES_MAX};
    struct json_fault fault;
    enum err err =
        json_parse(rendering->delivery->attributes, &limits, rendering->arena, ret, &fault);
    if (err == ERR_INPUT || err == ERR_LIMIT)
        return why_set(&rendering->why, ERR_CORRUPT, "stored attributes do not read: %.150s",
                       fault.why.text);
    return err;
}

static void render(struct rendering *rendering)
{
    const struct delivery *delivery = rendering->delivery;
    const struct json *request = rendering->reading->request;
    const struct json *to = json_get(request, STR("to"));
    const struct json *entry =
        to && delivery->to_index < to->count ? &to->items[delivery->to_index] : NULL;
    struct template_scope scope = {
        .locale = delivery->locale,
        .data = json_get(request, STR("data")),
        .overlay = json_get(entry, STR("data")),
        .user_id = delivery->user_id,
        .user_locale = delivery->locale,
        .partial = rendering->entry ? template_entry_partial : inline_partial,
        .partial_ctx = rendering->entry ? (void *)rendering->entry : rendering,
    };
    enum err err = OK;
    if (delivery->attributes.len)
        err = read_attributes(rendering, &scope.attributes);
    if (!err)
        err = template_render(rendering->entry ? rendering->entry->template
                                               : rendering->reading->inline_content,
                              kind_channel(delivery->kind), &scope, rendering->arena,
                              &rendering->content, &rendering->why);
    finish(rendering, err);
}

static void load_partials(struct rendering *rendering);

static void partial_found(void *owner, enum err err, struct template_entry *entry)
{
    struct rendering *rendering = owner;
    if (!entry) {
        finish(rendering, err ? err
                              : why_set(&rendering->why, ERR_MISSING,
                                        "a template that the content includes is gone"));
        return;
    }
    rendering->partials[rendering->partial_count++] = entry;
    load_partials(rendering);
}

static void load_partials(struct rendering *rendering)
{
    const struct json *pins = rendering->reading->pins;
    if (!pins || rendering->next_pin == pins->count) {
        render(rendering);
        return;
    }
    uint32_t i = rendering->next_pin++;
    int64_t version;
    if (!json_to_i64(&pins->items[i], &version) || version < 1 || version > UINT32_MAX ||
        rendering->partial_count == RENDERING_PARTIALS_MAX) {
        finish(rendering, why_set(&rendering->why, ERR_CORRUPT, "stored partials do not read"));
        return;
    }
    library_find(rendering->library, rendering->notification->app, pins->names[i],
                 (uint32_t)version, partial_found, rendering);
}

static void template_found(void *owner, enum err err, struct template_entry *entry)
{
    struct rendering *rendering = owner;
    rendering->entry = entry;
    if (entry)
        render(rendering);
    else
        finish(rendering,
               err ? err : why_set(&rendering->why, ERR_MISSING, "the template is gone"));
}

void rendering_begin(struct rendering *rendering)
{
    const struct notification *notification = rendering->notification;
    rendering->why.text[0] = '\0';
    rendering->content = (struct content){0};
    rendering->next_pin = rendering->partial_count = 0;
    rendering->entry = NULL;
    rendering->reading = NULL;
    enum err err = reading_find(rendering->readings, notification, rendering->arena,
                                &rendering->own, &rendering->why, &rendering->reading);
    if (err)
        finish(rendering, err);
    else if (notification->template_name.at)
        library_find(rendering->library, notification->app, notification->template_name,
                     notification->template_version, template_found, rendering);
    else
        load_partials(rendering);
}
