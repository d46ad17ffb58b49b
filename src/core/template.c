/* core/template.c - checks a template's shape and compiles its texts. */
#include "core/template.h"
#include "core/template_tree.h"
#include "model/check.h"
#include "model/limits.h"
#include <stdlib.h>

/* A text of t bytes takes at most 22 t of nodes; the rest is slack of the arena. */
enum { ARENA_BYTES_MAX = 32 * TEMPLATE_BYTES_MAX + 64 * 1024 };

struct slot_def {
    enum channel channel;
    struct str member;
};
#define SLOT_DEF(slot, channel, member, field) {channel, STR_INIT(member)},
static const struct slot_def slot_defs[SLOT_COUNT] = {TEMPLATE_SLOTS(SLOT_DEF)};

struct compiling {
    struct template *template;
    struct faults *faults;
    uint32_t faults_before;
    struct str partials[TEMPLATE_PARTIALS_MAX];
    enum err err; /* ERR_MEMORY sticks */
};

static struct str below(struct compiling *c, struct str pointer, struct str name)
{
    return pointer_member(c->faults->arena, pointer, name);
}

static bool is_object(struct compiling *c, const struct json *value, struct str pointer)
{
    if (value->type == JSON_OBJECT)
        return true;
    fault_add(c->faults, pointer, "must be an object");
    return false;
}

static void add_partial(struct compiling *c, struct str name, struct str pointer)
{
    struct template *t = c->template;
    for (uint32_t i = 0; i < t->partial_count; i++)
        if (str_eq(c->partials[i], name))
            return;
    if (!name_ok(name))
        fault_add(c->faults, pointer, "the partial \"%.*s\" is no template's name", STR_ARG(name));
    else if (t->partial_count == TEMPLATE_PARTIALS_MAX)
        fault_add(c->faults, pointer, "more than %d templates are included", TEMPLATE_PARTIALS_MAX);
    else
        c->partials[t->partial_count++] = name;
}

/* One text; NULL, and a fault, if it is none. */
static const struct mustache *compile_text(struct compiling *c, const struct json *value,
                                           struct str pointer)
{
    if (value->type != JSON_STRING) {
        fault_add(c->faults, pointer, "must be a string");
        return NULL;
    }
    const struct mustache *tree = NULL;
    struct mustache_fault fault;
    struct str text = arena_copy(&c->template->arena, value->text);
    enum err err =
        text.at ? mustache_compile(text, &c->template->arena, &tree, &fault) : ERR_MEMORY;
    if (err == ERR_INPUT)
        fault_add(c->faults, pointer, "line %u, column %u: %s", fault.line, fault.column,
                  fault.why.text);
    else if (err)
        c->err = err;
    if (!tree)
        return NULL;
    uint32_t at = 0;
    for (struct str name; (name = mustache_partial(tree, &at)).at;)
        add_partial(c, name, pointer);
    if (mustache_uses(tree, STR("user")))
        c->template->uses_user = true;
    return tree;
}

/* push.data: plain names, and texts, which may be empty here. */
static void compile_data(struct compiling *c, const struct json *data, struct variant *variant,
                         struct str pointer)
{
    struct arena *arena = &c->template->arena;
    if (!is_object(c, data, pointer))
        return;
    if (data->count > PUSH_DATA_MAX) {
        fault_add(c->faults, pointer, "may have %d members at most", PUSH_DATA_MAX);
        return;
    }
    struct str *names = arena_array(arena, struct str, data->count);
    const struct mustache **texts = arena_array(arena, const struct mustache *, data->count);
    if (data->count && (!names || !texts)) {
        c->err = ERR_MEMORY;
        return;
    }
    for (uint32_t i = 0; i < data->count; i++) {
        struct str place = below(c, pointer, data->names[i]);
        if (!data->names[i].len || data->names[i].len > NAME_LEN_MAX)
            fault_add(c->faults, place, "the name must have 1 to %d bytes", NAME_LEN_MAX);
        names[i] = arena_copy(arena, data->names[i]);
        texts[i] = compile_text(c, &data->items[i], place);
    }
    variant->has_data = true;
    variant->data_count = data->count;
    variant->data_names = names;
    variant->data_texts = texts;
}

/* False if the channel knows no such member. One that is null counts as absent. */
static bool compile_member(struct compiling *c, enum channel channel, struct str name,
                           const struct json *value, struct variant *variant, struct str pointer)
{
    bool absent = value->type == JSON_NULL;
    if (channel == CHANNEL_PUSH && str_eq(name, STR("data"))) {
        if (!absent)
            compile_data(c, value, variant, pointer);
        return true;
    }
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++)
        if (slot_defs[slot].channel == channel && str_eq(slot_defs[slot].member, name)) {
            if (!absent && value->type == JSON_STRING && !value->text.len)
                fault_add(c->faults, pointer, "may not be empty");
            else if (!absent)
                variant->texts[slot] = compile_text(c, value, pointer);
            return true;
        }
    return false;
}

static void compile_channel(struct compiling *c, enum channel channel, const struct json *source,
                            struct variant *variant, struct str pointer)
{
    if (!is_object(c, source, pointer))
        return;
    if (!source->count)
        fault_add(c->faults, pointer, "may not be empty");
    for (uint32_t i = 0; i < source->count; i++) {
        struct str place = below(c, pointer, source->names[i]);
        if (!compile_member(c, channel, source->names[i], &source->items[i], variant, place))
            fault_add(c->faults, place, "unknown member");
    }
}

static bool has(const struct json *source, const char *name)
{
    const struct json *value = json_get(source, str_of(name));
    return value && value->type != JSON_NULL;
}

/* What a channel cannot do without; a locale may leave out anything. */
static void check_complete(struct compiling *c, enum channel channel, const struct json *source,
                           struct str pointer)
{
    if (source->type != JSON_OBJECT || !source->count)
        return;
    if (channel == CHANNEL_PUSH && !has(source, "title") && !has(source, "body") &&
        !has(source, "data"))
        fault_add(c->faults, pointer, "needs a title, a body or data");
    if (channel == CHANNEL_SMS && !has(source, "text"))
        fault_add(c->faults, pointer, "needs a text");
    if (channel == CHANNEL_EMAIL && !has(source, "subject"))
        fault_add(c->faults, pointer, "needs a subject");
    if (channel == CHANNEL_EMAIL && !has(source, "html") && !has(source, "text"))
        fault_add(c->faults, pointer, "needs html or text");
}

static void compile_locale(struct compiling *c, struct str name, const struct json *source,
                           struct str pointer)
{
    struct template *t = c->template;
    if (!locale_ok(name))
        fault_add(c->faults, pointer, "the name is no locale as BCP 47 has them");
    for (uint32_t i = 0; i < t->locale_count; i++)
        if (str_eq_nocase(t->locales[i].locale, name))
            fault_add(c->faults, pointer, "this locale stands twice");
    if (!is_object(c, source, pointer))
        return;
    if (!source->count)
        fault_add(c->faults, pointer, "may not be empty");
    struct variant *variant = &t->locales[t->locale_count++];
    variant->locale = arena_copy(&t->arena, name);
    for (uint32_t i = 0; i < source->count; i++) {
        struct str place = below(c, pointer, source->names[i]);
        enum channel channel;
        if (!channel_parse(source->names[i], &channel))
            fault_add(c->faults, place, "unknown member");
        else if (source->items[i].type != JSON_NULL && !t->channels[channel])
            fault_add(c->faults, place, "the template itself has no %.*s",
                      STR_ARG(channel_name(channel)));
        else if (source->items[i].type != JSON_NULL)
            compile_channel(c, channel, &source->items[i], variant, place);
    }
}

static void compile_locales(struct compiling *c, const struct json *source, struct str pointer)
{
    struct template *t = c->template;
    if (!is_object(c, source, pointer))
        return;
    if (source->count > TEMPLATE_LOCALES_MAX) {
        fault_add(c->faults, pointer, "may have %d locales at most", TEMPLATE_LOCALES_MAX);
        return;
    }
    t->locales = arena_array(&t->arena, struct variant, source->count);
    if (!t->locales && source->count) {
        c->err = ERR_MEMORY;
        return;
    }
    for (uint32_t i = 0; i < source->count; i++)
        compile_locale(c, source->names[i], &source->items[i], below(c, pointer, source->names[i]));
}

static void compile_strict(struct compiling *c, const struct json *value, struct str pointer)
{
    if (value->type == JSON_TRUE || value->type == JSON_FALSE)
        c->template->strict = value->type == JSON_TRUE;
    else
        fault_add(c->faults, pointer, "must be true or false");
}

static void compile_all(struct compiling *c, const struct json *source, bool with_locales,
                        struct str pointer)
{
    const struct json *locales = NULL;
    bool any = false;
    for (uint32_t i = 0; i < source->count; i++) {
        struct str name = source->names[i], place = below(c, pointer, name);
        const struct json *value = &source->items[i];
        bool absent = value->type == JSON_NULL;
        enum channel channel;
        if (channel_parse(name, &channel)) {
            any = any || !absent;
            c->template->channels[channel] = !absent;
            if (absent)
                continue;
            compile_channel(c, channel, value, &c->template->base, place);
            check_complete(c, channel, value, place);
        } else if (str_eq(name, STR("strict"))) {
            if (!absent)
                compile_strict(c, value, place);
        } else if (with_locales && str_eq(name, STR("locales"))) {
            locales = absent ? NULL : value;
        } else {
            fault_add(c->faults, place, "unknown member");
        }
    }
    if (!any)
        fault_add(c->faults, pointer, "needs push, sms or email");
    if (locales) /* last, for they depend on the channels */
        compile_locales(c, locales, below(c, pointer, STR("locales")));
}

/* The names borrow from the texts, which the arena holds already. */
static void keep_partials(struct compiling *c)
{
    struct template *t = c->template;
    struct str *names = arena_array(&t->arena, struct str, t->partial_count);
    if (names)
        memcpy(names, c->partials, t->partial_count * sizeof *names);
    t->partials = names;
}

static enum err check_source(const struct json *source, struct str pointer, struct faults *faults)
{
    if (source->type != JSON_OBJECT)
        fault_add(faults, pointer, "must be an object");
    else if (source->raw.len > TEMPLATE_BYTES_MAX)
        fault_add(faults, pointer, "is larger than %d KiB", TEMPLATE_BYTES_MAX / 1024);
    else
        return OK;
    return ERR_INPUT;
}

enum err template_compile(const struct json *source, bool with_locales, struct str pointer,
                          struct faults *faults, struct template **ret)
{
    if (check_source(source, pointer, faults))
        return ERR_INPUT;
    struct template *template = calloc(1, sizeof *template);
    if (!template)
        return ERR_MEMORY;
    arena_init(&template->arena, ARENA_BYTES_MAX);
    struct compiling c = {.template = template, .faults = faults, .faults_before = faults->count};
    compile_all(&c, source, with_locales, pointer);
    keep_partials(&c);
    if (template->arena.failed)
        c.err = ERR_MEMORY;
    if (!c.err && faults->count > c.faults_before)
        c.err = ERR_INPUT;
    if (c.err) {
        template_free(template);
        return c.err;
    }
    *ret = template;
    return OK;
}

void template_free(struct template *template)
{
    if (!template)
        return;
    arena_done(&template->arena);
    free(template);
}

size_t template_bytes(const struct template *template)
{
    return sizeof *template + template->arena.used;
}

bool template_has(const struct template *template, enum channel channel)
{
    return template->channels[channel];
}

bool template_is_strict(const struct template *template)
{
    return template->strict;
}

bool template_uses_attributes(const struct template *template)
{
    return template->uses_user;
}

struct str template_partial(const struct template *template, uint32_t *at)
{
    return *at < template->partial_count ? template->partials[(*at)++] : STR_NONE;
}
