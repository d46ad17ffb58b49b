/* core/template_render.c - what a template comes to for one recipient. */
#include "core/locale.h"
#include "core/template.h"
#include "core/template_tree.h"
#include "model/limits.h"

enum { VARIANTS_MAX = 20, TEXT_FIRST = 1024, SYSTEM_MEMBERS = 3, USER_MEMBERS = 3 };
enum { CHECK_BYTES_MAX = 64 * 1024 * 1024 }; /* data twice over, and what is rendered of it */

/* Every text that is looked for: a slot, or a member of push.data. */
struct target {
    enum slot slot;
    struct str data_name; /* at hand: below push.data */
};

/* The variants of a template that apply in one locale, the most exact first. */
struct chain {
    const struct variant *list[VARIANTS_MAX];
    uint32_t count;
};

struct rendering {
    const struct template *template;
    const struct template_scope *scope;
    struct chain chain;
    struct arena *arena;
    struct buf out; /* one text after another */
    struct why *why;
    struct mustache_view view;
    struct target target; /* of the text being rendered; partials are looked up for it */
    const struct json *contexts[2];
    struct json system, user, data, values[SYSTEM_MEMBERS + USER_MEMBERS];
    struct str names[SYSTEM_MEMBERS + USER_MEMBERS];
};

struct member_def {
    enum channel channel;
    size_t offset; /* of the text in struct content */
};
#define MEMBER_DEF(slot, channel, member, field) {channel, offsetof(struct content, field)},
static const struct member_def member_defs[SLOT_COUNT] = {TEMPLATE_SLOTS(MEMBER_DEF)};

/* --- what is in scope --- */

static void add_member(struct json *object, struct rendering *r, struct str name, struct json value)
{
    size_t at = (size_t)(object->items - r->values) + object->count++;
    r->names[at] = name;
    r->values[at] = value;
}

static void add_text(struct json *object, struct rendering *r, struct str name, struct str text)
{
    if (text.at)
        add_member(object, r, name, (struct json){.type = JSON_STRING, .text = text});
}

/* `data` with the recipient's own laid over it. */
static bool lay_over(struct rendering *r)
{
    const struct json *data = r->scope->data, *overlay = r->scope->overlay;
    bool plain = json_is(data, JSON_OBJECT), over = json_is(overlay, JSON_OBJECT);
    r->data = (struct json){.type = JSON_OBJECT};
    if (!plain || !over || !data->count || !overlay->count) {
        if (plain && (!over || !overlay->count))
            r->data = *data;
        else if (over)
            r->data = *overlay;
        return true;
    }
    struct json *items = arena_array(r->arena, struct json, (size_t)data->count + overlay->count);
    struct str *names = arena_array(r->arena, struct str, (size_t)data->count + overlay->count);
    if (!items || !names)
        return false;
    memcpy(items, overlay->items, overlay->count * sizeof *items);
    memcpy(names, overlay->names, overlay->count * sizeof *names);
    uint32_t count = overlay->count;
    for (uint32_t i = 0; i < data->count; i++)
        if (!json_get(overlay, data->names[i])) {
            items[count] = data->items[i];
            names[count++] = data->names[i];
        }
    r->data.items = items;
    r->data.names = names;
    r->data.count = count;
    return true;
}

static void set_scope(struct rendering *r)
{
    const struct template_scope *scope = r->scope;
    r->system = (struct json){.type = JSON_OBJECT, .items = r->values, .names = r->names};
    r->user = (struct json){.type = JSON_OBJECT,
                            .items = r->values + SYSTEM_MEMBERS,
                            .names = r->names + SYSTEM_MEMBERS};
    add_text(&r->user, r, STR("id"), scope->user_id);
    add_text(&r->user, r, STR("locale"), scope->user_locale);
    if (scope->attributes)
        add_member(&r->user, r, STR("attributes"), *scope->attributes);
    add_member(&r->system, r, STR("data"), r->data);
    if (r->user.count)
        add_member(&r->system, r, STR("user"), r->user);
    add_text(&r->system, r, STR("unsubscribe_url"), scope->unsubscribe_url);
    r->contexts[0] = &r->system;
    r->contexts[1] = &r->data;
}

/* --- which text --- */

static const struct variant *variant_of(const struct template *template, struct str locale)
{
    for (uint32_t i = 0; i < template->locale_count; i++)
        if (str_eq_nocase(template->locales[i].locale, locale))
            return &template->locales[i];
    return NULL;
}

static void set_chain(struct chain *chain, const struct template *template, struct str locale)
{
    chain->count = 0;
    bool more = template->locale_count && locale.len;
    for (; more && chain->count < VARIANTS_MAX - 1; more = locale_shorten(&locale)) {
        const struct variant *variant = variant_of(template, locale);
        if (variant)
            chain->list[chain->count++] = variant;
    }
    chain->list[chain->count++] = &template->base;
}

static const struct mustache *data_text(const struct variant *variant, struct str name)
{
    for (uint32_t i = 0; i < variant->data_count; i++)
        if (str_eq(variant->data_names[i], name))
            return variant->data_texts[i];
    return NULL;
}

/* The variant that has push.data, or NULL. */
static const struct variant *find_data(const struct chain *chain)
{
    for (uint32_t i = 0; i < chain->count; i++)
        if (chain->list[i]->has_data)
            return chain->list[i];
    return NULL;
}

static const struct mustache *find_text(const struct chain *chain, const struct target *target)
{
    if (target->data_name.at) {
        const struct variant *variant = find_data(chain);
        return variant ? data_text(variant, target->data_name) : NULL;
    }
    for (uint32_t i = 0; i < chain->count; i++)
        if (chain->list[i]->texts[target->slot])
            return chain->list[i]->texts[target->slot];
    return NULL;
}

static const struct mustache *find_partial(void *ctx, struct str name)
{
    const struct rendering *r = ctx;
    const struct template_scope *scope = r->scope;
    const struct template *template =
        scope->partial ? scope->partial(scope->partial_ctx, name) : NULL;
    if (!template)
        return NULL;
    struct chain chain;
    set_chain(&chain, template, scope->locale);
    return find_text(&chain, &r->target);
}

/* --- rendering --- */

static enum err no_memory(struct rendering *r)
{
    return why_set(r->why, ERR_MEMORY, "no memory for the content");
}

static enum err rendering_init(struct rendering *r, const struct template *template,
                               const struct template_scope *scope, struct arena *arena,
                               struct why *why)
{
    /* What is not the data's to have, a strict template does not ask of it. */
    static const struct str lenient[] = {STR_INIT("user"), STR_INIT("unsubscribe_url")};
    *r = (struct rendering){.template = template, .scope = scope, .arena = arena, .why = why};
    buf_init(&r->out, RENDERED_BYTES_MAX);
    r->view = (struct mustache_view){
        .contexts = r->contexts,
        .context_count = 2,
        .strict = template->strict,
        .lenient = lenient,
        .lenient_count = sizeof lenient / sizeof *lenient,
        .partial = find_partial,
        .partial_ctx = r,
    };
    set_chain(&r->chain, template, scope->locale);
    if (!lay_over(r))
        return no_memory(r);
    set_scope(r);
    return OK;
}

static void rendering_done(struct rendering *r)
{
    buf_done(&r->out);
}

/* Into r->out, in place of what was there. */
static enum err render_out(struct rendering *r, const struct mustache *text, struct target target)
{
    r->target = target;
    r->view.escape = target.slot == SLOT_HTML && !target.data_name.at;
    buf_clear(&r->out);
    (void)buf_reserve(&r->out, TEXT_FIRST); /* failing that, the first append says so */
    return mustache_render(text, &r->view, &r->out, r->why);
}

static enum err render_text(struct rendering *r, const struct mustache *text, struct target target,
                            struct str *ret)
{
    enum err err = render_out(r, text, target);
    if (err)
        return err;
    *ret = arena_copy(r->arena, buf_str(&r->out));
    return ret->at ? OK : no_memory(r);
}

/* The members of push.data as a JSON text. */
static enum err render_members(struct rendering *r, const struct variant *variant, struct buf *json)
{
    struct json_out out = json_out_to(json);
    json_open(&out, '{');
    for (uint32_t i = 0; i < variant->data_count; i++) {
        struct target target = {.data_name = variant->data_names[i]};
        enum err err = render_out(r, variant->data_texts[i], target);
        if (err)
            return err;
        json_name(&out, variant->data_names[i]);
        json_str(&out, buf_str(&r->out));
    }
    json_close(&out, '}');
    return json->failed ? no_memory(r) : OK;
}

static enum err render_data(struct rendering *r, const struct json **ret)
{
    static const struct json_limits limits = {.depth_max = 2, .values_max = PUSH_DATA_MAX + 1};
    const struct variant *variant = find_data(&r->chain);
    if (!variant)
        return OK;
    struct buf json;
    buf_init(&json, (size_t)2 * RENDERED_BYTES_MAX);
    enum err err = render_members(r, variant, &json);
    struct str text = err ? STR_NONE : arena_copy(r->arena, buf_str(&json));
    if (!err && (!text.at || json_parse(text, &limits, r->arena, ret, NULL)))
        err = no_memory(r);
    buf_done(&json);
    return err;
}

static enum err render_channel(struct rendering *r, enum channel channel, struct content *ret)
{
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        struct target target = {.slot = (enum slot)slot};
        if (member_defs[slot].channel != channel)
            continue;
        const struct mustache *text = find_text(&r->chain, &target);
        struct str *into = (struct str *)(void *)((char *)ret + member_defs[slot].offset);
        enum err err = text ? render_text(r, text, target, into) : OK;
        if (err)
            return err;
    }
    return channel == CHANNEL_PUSH ? render_data(r, &ret->data) : OK;
}

enum err template_render(const struct template *template, enum channel channel,
                         const struct template_scope *scope, struct arena *arena,
                         struct content *ret, struct why *why)
{
    if (!template->channels[channel])
        return why_set(why, ERR_MISSING, "the template has no %.*s",
                       STR_ARG(channel_name(channel)));
    struct rendering r;
    struct content content = {0};
    enum err err = rendering_init(&r, template, scope, arena, why);
    if (!err)
        err = render_channel(&r, channel, &content);
    rendering_done(&r);
    if (!err)
        *ret = content;
    return err;
}

static enum err check_locale(const struct template *template, unsigned channels,
                             const struct template_scope *scope, struct str locale, struct why *why)
{
    struct template_scope with = *scope;
    with.locale = locale;
    enum err err = OK;
    for (unsigned channel = 0; channel < CHANNEL_COUNT && !err; channel++) {
        if (!(channels >> channel & 1) || !template->channels[channel])
            continue;
        struct arena arena;
        struct content content;
        arena_init(&arena, CHECK_BYTES_MAX);
        err = template_render(template, (enum channel)channel, &with, &arena, &content, why);
        arena_done(&arena);
    }
    return err;
}

enum err template_check_data(const struct template *template, unsigned channels,
                             const struct template_scope *scope, struct why *why)
{
    if (!template->strict)
        return OK;
    enum err err = check_locale(template, channels, scope, STR_NONE, why);
    for (uint32_t i = 0; i < template->locale_count && !err; i++)
        err = check_locale(template, channels, scope, template->locales[i].locale, why);
    return err;
}
