/* base/json.c - the JSON reader: one pass, no recursion, into an arena. */
#include "base/json.h"
#include "base/json_reader.h"
#include "base/map.h"
#include "base/utf8.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ENTRIES_FIRST = 32,  /* on the C stack; enough for nearly every request */
    NAMES_COMPARED = 16, /* up to here names are compared in pairs, beyond they are hashed */
    SLOTS_FIRST = 128,   /* of the hash table that stands on the C stack */
    DOUBLE_TEXT_MAX = 1024,
    EXPONENT_DIGITS_MAX = 9, /* so that numbers can be compared exactly, and cheaply */
};
#define NO_ENTRY SIZE_MAX

enum err json_fault_at(struct reader *r, enum err err, const char *format, ...)
{
    if (!r->fault)
        return err;
    struct json_fault fault = {.offset = (size_t)(r->at - r->begin), .line = 1, .column = 1};
    for (const char *at = r->begin; at < r->at; at++) {
        fault.line += *at == '\n';
        fault.column = *at == '\n' ? 1 : fault.column + 1;
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fault.why.text, sizeof fault.why.text, format, args);
    va_end(args);
    *r->fault = fault;
    return err;
}

enum err json_expected(struct reader *r, const char *what)
{
    if (r->at == r->end)
        return json_fault_at(r, ERR_INPUT, "expected %s but the text ends", what);
    size_t len = utf8_sequence(r->at, (size_t)(r->end - r->at));
    if (len == 0 || (unsigned char)*r->at < 0x20 || *r->at == 0x7f)
        return json_fault_at(r, ERR_INPUT, "expected %s but found byte 0x%02x", what,
                             (unsigned)(unsigned char)*r->at);
    return json_fault_at(r, ERR_INPUT, "expected %s but found \"%.*s\"", what, (int)len, r->at);
}

enum err json_no_memory(struct reader *r)
{
    return json_fault_at(r, ERR_MEMORY, "no memory for the document");
}

static inline void skip_space(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
}

static bool grow(struct reader *r)
{
    size_t cap = r->cap * 2;
    struct entry *heap = realloc(r->heap, cap * sizeof *heap);
    if (!heap)
        return false;
    if (!r->heap)
        memcpy(heap, r->entries, r->count * sizeof *heap);
    r->entries = r->heap = heap;
    r->cap = cap;
    return true;
}

static inline enum err add_entry(struct reader *r, struct str name)
{
    if (r->values >= r->limits->values_max)
        return json_fault_at(r, ERR_LIMIT, "the document has more than %u values",
                             r->limits->values_max);
    if (r->count == r->cap && !grow(r))
        return json_no_memory(r);
    r->values++;
    r->entries[r->count++] = (struct entry){.name = name};
    return OK;
}

static inline bool skip_digits(struct reader *r)
{
    const char *from = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return r->at > from;
}

static enum err read_number(struct reader *r)
{
    if (*r->at == '-')
        r->at++;
    if (r->at < r->end && *r->at == '0')
        r->at++;
    else if (!skip_digits(r))
        return json_expected(r, "a digit");
    if (r->at < r->end && *r->at == '.') {
        r->at++;
        if (!skip_digits(r))
            return json_expected(r, "a digit");
    }
    if (r->at < r->end && (*r->at | 0x20) == 'e') {
        r->at++;
        if (r->at < r->end && (*r->at == '+' || *r->at == '-'))
            r->at++;
        const char *exponent = r->at;
        if (!skip_digits(r))
            return json_expected(r, "a digit");
        while (exponent < r->at && *exponent == '0')
            exponent++;
        if (r->at - exponent > EXPONENT_DIGITS_MAX) {
            r->at = exponent;
            return json_fault_at(r, ERR_INPUT, "an exponent has more than %d digits",
                                 EXPONENT_DIGITS_MAX);
        }
    }
    return OK;
}

static enum err read_word(struct reader *r, struct str word)
{
    size_t left = (size_t)(r->end - r->at);
    if (left < word.len || memcmp(r->at, word.at, word.len) != 0)
        return json_expected(r, "a value");
    r->at += word.len;
    return OK;
}

static enum err open_container(struct reader *r, struct json *value, enum json_type type)
{
    if (r->depth >= r->limits->depth_max)
        return json_fault_at(r, ERR_LIMIT, "the document is nested deeper than %u",
                             r->limits->depth_max);
    *value = (struct json){.type = type, .raw = {r->at, r->open}};
    r->open = r->count - 1;
    r->depth++;
    r->at++;
    return OK;
}

/* The value of the newest entry begins at r->at. */
static enum err read_value(struct reader *r)
{
    struct json *value = &r->entries[r->count - 1].value;
    const char *from = r->at;
    enum err err;
    switch (r->at < r->end ? *r->at : '\0') {
    case '{':
        return open_container(r, value, JSON_OBJECT);
    case '[':
        return open_container(r, value, JSON_ARRAY);
    case '"':
        value->type = JSON_STRING;
        err = json_read_string(r, &value->text);
        break;
    case 't':
        value->type = JSON_TRUE;
        err = read_word(r, STR("true"));
        break;
    case 'f':
        value->type = JSON_FALSE;
        err = read_word(r, STR("false"));
        break;
    case 'n':
        value->type = JSON_NULL;
        err = read_word(r, STR("null"));
        break;
    default:
        if (r->at == r->end || (*r->at != '-' && (*r->at < '0' || *r->at > '9')))
            return json_expected(r, "a value");
        value->type = JSON_NUMBER;
        err = read_number(r);
        break;
    }
    value->raw = (struct str){from, (size_t)(r->at - from)};
    if (value->type == JSON_NUMBER)
        value->text = value->raw;
    return err;
}

static enum err duplicate(struct reader *r, struct str name)
{
    if (name.at > r->begin && name.at < r->end) /* a name with escapes was decoded elsewhere */
        r->at = name.at - 1;
    return json_fault_at(r, ERR_INPUT, "the member \"%.*s\" stands twice in one object",
                         (int)(name.len < 64 ? name.len : 64), name.at);
}

/* The key comes from where this run's memory lies, which an outsider cannot know; the answer does
 * not depend on it, only the time. */
static enum err check_many_names(struct reader *r, const struct str *names, uint32_t count)
{
    uint32_t few[SLOTS_FIRST];
    size_t slots = SLOTS_FIRST;
    while (slots < (size_t)count * 2)
        slots *= 2;
    uint32_t *table = slots > SLOTS_FIRST ? calloc(slots, sizeof *table) : few;
    if (!table)
        return json_no_memory(r);
    if (table == few)
        memset(few, 0, sizeof few);
    uint64_t key[2] = {(uint64_t)(uintptr_t)names, (uint64_t)(uintptr_t)few};
    enum err err = OK;
    for (uint32_t i = 0; i < count && !err; i++) {
        size_t at = siphash13(key, names[i].at, names[i].len) & (slots - 1);
        for (; table[at]; at = (at + 1) & (slots - 1))
            if (str_eq(names[table[at] - 1], names[i])) {
                err = duplicate(r, names[i]);
                break;
            }
        table[at] = i + 1;
    }
    if (table != few)
        free(table);
    return err;
}

static enum err check_names(struct reader *r, const struct str *names, uint32_t count)
{
    if (count > NAMES_COMPARED)
        return check_many_names(r, names, count);
    for (uint32_t i = 1; i < count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (str_eq(names[i], names[j]))
                return duplicate(r, names[i]);
    return OK;
}

/* At the closing bracket of the innermost container: its children go to the arena in one piece. */
static enum err close_container(struct reader *r)
{
    struct entry *self = &r->entries[r->open];
    uint32_t count = (uint32_t)(r->count - r->open - 1);
    bool object = self->value.type == JSON_OBJECT;
    struct json *items = arena_array(r->arena, struct json, count);
    struct str *names = object ? arena_array(r->arena, struct str, count) : NULL;
    if (count && (!items || (object && !names)))
        return json_no_memory(r);
    for (uint32_t i = 0; i < count; i++) {
        items[i] = self[i + 1].value;
        if (object)
            names[i] = self[i + 1].name;
    }
    enum err err = object ? check_names(r, names, count) : OK;
    if (err)
        return err;
    r->at++;
    size_t around = self->value.raw.len;
    r->count = r->open + 1;
    r->open = around;
    r->depth--;
    self->value.count = count;
    self->value.items = items;
    self->value.names = names;
    self->value.raw.len = (size_t)(r->at - self->value.raw.at);
    return OK;
}

static enum err read_name(struct reader *r, const char *what)
{
    struct str name;
    if (r->at == r->end || *r->at != '"')
        return json_expected(r, what);
    enum err err = json_read_string(r, &name);
    if (err)
        return err;
    skip_space(r);
    if (r->at == r->end || *r->at != ':')
        return json_expected(r, "':'");
    r->at++;
    return add_entry(r, name);
}

/* Up to the next value: its name, if the innermost container is an object. `first`: just opened.
 * *ret is false if the container was closed instead. */
static enum err read_next(struct reader *r, bool first, bool *ret)
{
    bool object = r->entries[r->open].value.type == JSON_OBJECT;
    skip_space(r);
    char c = r->at < r->end ? *r->at : '\0';
    *ret = false;
    if (c == (object ? '}' : ']'))
        return close_container(r);
    if (!first) {
        if (c != ',')
            return json_expected(r, object ? "',' or '}'" : "',' or ']'");
        r->at++;
        skip_space(r);
    }
    *ret = true;
    if (object)
        return read_name(r, first ? "a name or '}'" : "a name");
    return add_entry(r, STR_NONE);
}

static enum err read_document(struct reader *r)
{
    enum err err = add_entry(r, STR_NONE);
    bool more = true;
    while (!err && more) {
        size_t open = r->open;
        skip_space(r);
        err = read_value(r);
        bool first = r->open != open;
        for (more = false; !err && !more && r->open != NO_ENTRY; first = false)
            err = read_next(r, first, &more);
    }
    if (err)
        return err;
    skip_space(r);
    return r->at == r->end ? OK : json_expected(r, "the end of the text");
}

enum err json_parse(struct str text, const struct json_limits *limits, struct arena *arena,
                    const struct json **ret, struct json_fault *ret_fault)
{
    struct entry first[ENTRIES_FIRST];
    const char *begin = text.at ? text.at : "";
    struct reader r = {
        .begin = begin,
        .at = begin,
        .end = begin + text.len,
        .arena = arena,
        .limits = limits,
        .fault = ret_fault,
        .entries = first,
        .cap = ENTRIES_FIRST,
        .open = NO_ENTRY,
    };
    enum err err = read_document(&r);
    if (!err) {
        struct json *root = arena_new(arena, struct json);
        if (root) {
            *root = r.entries[0].value;
            *ret = root;
        } else {
            err = json_no_memory(&r);
        }
    }
    free(r.heap);
    return err;
}

const struct json *json_get(const struct json *object, struct str name)
{
    if (!json_is(object, JSON_OBJECT))
        return NULL;
    for (uint32_t i = 0; i < object->count; i++)
        if (str_eq(object->names[i], name))
            return &object->items[i];
    return NULL;
}

bool json_to_i64(const struct json *value, int64_t *ret)
{
    return json_is(value, JSON_NUMBER) && str_to_i64(value->text, ret);
}

bool json_to_double(const struct json *value, double *ret)
{
    char text[DOUBLE_TEXT_MAX]; /* strtod wants a terminator */
    if (!json_is(value, JSON_NUMBER) || !str_copy(value->text, text, sizeof text))
        return false;
    double number = strtod(text, NULL);
    if (!isfinite(number))
        return false;
    *ret = number;
    return true;
}
