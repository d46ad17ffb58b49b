/* api/fields.c - see fields.h. */
#include "api/fields.h"
#include "model/check.h"
#include "model/names.h"
#include <stdio.h>

struct str spot_pointer(const struct spot *spot, struct arena *arena)
{
    if (!spot)
        return STR("");
    struct str up = spot_pointer(spot->up, arena);
    return spot->name.at ? pointer_member(arena, up, spot->name)
                         : pointer_item(arena, up, spot->index);
}

static void fault_text(const struct spot *spot, struct faults *faults, const char *format,
                       va_list args) printf_like(3, 0);
static void fault_text(const struct spot *spot, struct faults *faults, const char *format,
                       va_list args)
{
    char text[WHY_MAX];
    (void)vsnprintf(text, sizeof text, format, args);
    fault_add(faults, spot_pointer(spot, faults->arena), "%s", text);
}

void spot_fault(const struct spot *spot, struct faults *faults, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fault_text(spot, faults, format, args);
    va_end(args);
}

void fields_fault(struct fields *fields, struct str name, const char *format, ...)
{
    struct spot spot = {.up = fields->spot, .name = name};
    va_list args;
    va_start(args, format);
    fault_text(&spot, fields->faults, format, args);
    va_end(args);
}

bool fields_init(struct fields *fields, const struct json *value, const struct spot *spot,
                 struct faults *faults)
{
    *fields = (struct fields){.spot = spot, .faults = faults};
    fields->seen = &fields->few;
    if (!json_is(value, JSON_OBJECT)) {
        spot_fault(spot, faults, "must be an object");
        return false;
    }
    if (value->count > 64)
        fields->seen = arena_array(faults->arena, uint64_t, (value->count + 63) / 64);
    if (!fields->seen)
        return false; /* the arena remembers that it failed */
    fields->object = value;
    return true;
}

void fields_done(struct fields *fields)
{
    if (!fields->object)
        return;
    for (uint32_t i = 0; i < fields->object->count; i++)
        if (!(fields->seen[i / 64] >> i % 64 & 1))
            fields_fault(fields, fields->object->names[i], "unknown member");
}

const struct json *fields_take(struct fields *fields, struct str name)
{
    const struct json *value = json_get(fields->object, name);
    if (!value)
        return NULL;
    size_t at = (size_t)(value - fields->object->items);
    fields->seen[at / 64] |= UINT64_C(1) << at % 64;
    return value->type == JSON_NULL ? NULL : value;
}

const struct json *fields_typed(struct fields *fields, struct str name, enum json_type type)
{
    static const char *const names[] = {
        [JSON_NUMBER] = "a number",
        [JSON_STRING] = "a string",
        [JSON_ARRAY] = "an array",
        [JSON_OBJECT] = "an object",
    };
    const struct json *value = fields_take(fields, name);
    if (!value || value->type == type)
        return value;
    fields_fault(fields, name, "must be %s", names[type]);
    return NULL;
}

bool fields_str(struct fields *fields, struct str name, size_t len_max, struct str *ret)
{
    const struct json *value = fields_typed(fields, name, JSON_STRING);
    if (!value)
        return false;
    if (value->text.len > len_max) {
        fields_fault(fields, name, "must be at most %zu bytes long", len_max);
        return false;
    }
    *ret = value->text;
    return true;
}

bool fields_bool(struct fields *fields, struct str name, bool *ret)
{
    const struct json *value = fields_take(fields, name);
    if (!value)
        return false;
    if (value->type != JSON_TRUE && value->type != JSON_FALSE) {
        fields_fault(fields, name, "must be true or false");
        return false;
    }
    *ret = value->type == JSON_TRUE;
    return true;
}

bool fields_i64(struct fields *fields, struct str name, int64_t min, int64_t max, int64_t *ret)
{
    const struct json *value = fields_take(fields, name);
    int64_t number;
    if (!value)
        return false;
    if (value->type != JSON_NUMBER || !json_to_i64(value, &number) || number < min ||
        number > max) {
        fields_fault(fields, name, "must be a whole number from %lld to %lld", (long long)min,
                     (long long)max);
        return false;
    }
    *ret = number;
    return true;
}

bool fields_span(struct fields *fields, struct str name, struct span *ret)
{
    const struct json *value = fields_typed(fields, name, JSON_STRING);
    struct span span;
    if (!value)
        return false;
    if (!span_parse(value->text, &span) || span.us <= 0) {
        fields_fault(fields, name, "must be a duration above zero such as \"90s\" or \"24h\"");
        return false;
    }
    *ret = span;
    return true;
}

bool fields_wall(struct fields *fields, struct str name, struct wall *ret)
{
    const struct json *value = fields_typed(fields, name, JSON_STRING);
    if (!value)
        return false;
    if (!wall_parse(value->text, ret)) {
        fields_fault(fields, name,
                     "must be an RFC 3339 time with an offset, such as 2026-12-01T09:00:00Z");
        return false;
    }
    return true;
}

#define CHOICE(noun, list)                                                                         \
    static bool parse_##noun(struct str text, int *ret)                                            \
    {                                                                                              \
        enum noun value;                                                                           \
        if (!noun##_parse(text, &value))                                                           \
            return false;                                                                          \
        *ret = (int)value;                                                                         \
        return true;                                                                               \
    }                                                                                              \
    const struct one_of choice_##noun = {list, parse_##noun};

CHOICE(channel, "push, sms, email")
CHOICE(strategy, "all, first")
CHOICE(priority, "critical, high, normal, low")
CHOICE(guarantee, "at_least_once, at_most_once")
CHOICE(mode, "live, test")

bool fields_choice(struct fields *fields, struct str name, const struct one_of *choice, int *ret)
{
    const struct json *value = fields_typed(fields, name, JSON_STRING);
    if (!value)
        return false;
    if (!choice->parse(value->text, ret)) {
        fields_fault(fields, name, "must be one of %s", choice->names);
        return false;
    }
    return true;
}

void fields_needed(struct fields *fields, struct str name)
{
    const struct json *value = json_get(fields->object, name);
    if (fields->object && (!value || value->type == JSON_NULL))
        fields_fault(fields, name, "is needed");
}

void fields_later(struct fields *fields, struct str name)
{
    if (fields_take(fields, name))
        fields_fault(fields, name, "not supported yet");
}

bool fields_checked(struct fields *fields, struct str name, bool (*ok)(struct str text),
                    const char *rule, struct str *ret)
{
    const struct json *value = fields_typed(fields, name, JSON_STRING);
    if (!value)
        return false;
    if (!ok(value->text)) {
        fields_fault(fields, name, "%s", rule);
        return false;
    }
    *ret = value->text;
    return true;
}

bool fields_name(struct fields *fields, struct str name, struct str *ret)
{
    return fields_checked(fields, name, name_ok, NAME_RULE, ret);
}
