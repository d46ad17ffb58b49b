/* api/partials.c - see partials.h. */
#include "api/partials.h"
#include "model/limits.h"

enum err partials_of(const struct template *template, struct str self, struct arena *arena,
                     struct template_ref **ret, uint32_t *ret_count)
{
    struct template_ref *list = NULL;
    uint32_t at = 0, count = 0;
    for (struct str name; (name = template_partial(template, &at)).at;) {
        if (self.at && str_eq(name, self))
            continue;
        if (!list && !(list = arena_array(arena, struct template_ref, TEMPLATE_PARTIALS_MAX)))
            return ERR_MEMORY;
        if (count == TEMPLATE_PARTIALS_MAX)
            return ERR_LIMIT;
        list[count++].name = arena_copy(arena, name);
    }
    *ret = list;
    *ret_count = count;
    return arena->failed ? ERR_MEMORY : OK;
}

struct str partials_missing(const struct partials *partials)
{
    for (uint32_t i = 0; i < partials->count; i++)
        if (!partials->entries[i])
            return partials->refs[i].name;
    return STR_NONE;
}

struct str partials_pins(const struct partials *partials, struct arena *arena)
{
    if (!partials->count)
        return STR_NONE;
    struct buf text;
    buf_init(&text, (size_t)TEMPLATE_PARTIALS_MAX * (6 * NAME_LEN_MAX + 16));
    struct json_out out = json_out_to(&text);
    json_open(&out, '{');
    for (uint32_t i = 0; i < partials->count; i++) {
        json_name(&out, partials->refs[i].name);
        json_i64(&out, partials->entries[i]->version);
    }
    json_close(&out, '}');
    struct str pins = arena_copy(arena, buf_str(&text));
    arena->failed = arena->failed || text.failed;
    buf_done(&text);
    return pins;
}

bool partials_use_attributes(const struct partials *partials)
{
    for (uint32_t i = 0; i < partials->count; i++)
        if (partials->entries[i]->uses_attributes)
            return true;
    return false;
}

const struct template *partials_resolve(void *ctx, struct str name)
{
    const struct partials *partials = ctx;
    for (uint32_t i = 0; i < partials->count; i++)
        if (str_eq(partials->refs[i].name, name))
            return partials->entries[i]->template;
    for (uint32_t i = 0; i < partials->count; i++) {
        /* The resolver's context is not const, though nothing is changed through it. */
        void *entry = (void *)(uintptr_t)partials->entries[i];
        const struct template *found = template_entry_partial(entry, name);
        if (found)
            return found;
    }
    return NULL;
}
