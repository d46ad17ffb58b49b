/* base/json.c - the JSON reader: one pass, no recursion, into an arena. */
#include "base/json.h"
#include "base/json_scan.h"
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
};
#define NO_ENTRY SIZE_MAX

/* A value whose container is still open. An open container is an entry itself: its children are
 * those behind it, and raw.len holds the index of the container around it. */
struct entry {
    struct json value;
    struct str name;
};

struct reader {
    const char *begin, *at, *end;
    struct arena *arena;
    const struct json_limits *limits;
    struct json_fault *fault; /* may be NULL */
    struct entry *entries, *heap;
    size_t count, cap;
    size_t open; /* the innermost open container, or NO_ENTRY */
    unsigned depth, values;
};

/* Writes down that the byte at r->at is wrong. */
static enum err fault_at(struct reader *r, enum err err, const char *format, ...) printf_like(3, 4);
static enum err fault_at(struct reader *r, enum err err, const char *format, ...)
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

static enum err expected(struct reader *r, const char *what)
{
    if (r->at == r->end)
        return fault_at(r, ERR_INPUT, "expected %s but the text ends", what);
    size_t len = utf8_sequence(r->at, (size_t)(r->end - r->at));
    if (len == 0 || (unsigned char)*r->at < 0x20 || *r->at == 0x7f)
        return fault_at(r, ERR_INPUT, "expected %s but found byte 0x%02x", what,
                        (unsigned)(unsigned char)*r->at);
    return fault_at(r, ERR_INPUT, "expected %s but found \"%.*s\"", what, (int)len, r->at);
}

static enum err no_memory(struct reader *r)
{
    return fault_at(r, ERR_MEMORY, "no memory for the document");
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
        return fault_at(r, ERR_LIMIT, "the document has more than %u values",
                        r->limits->values_max);
    if (r->count == r->cap && !grow(r))
        return no_memory(r);
    r->values++;
    r->entries[r->count++] = (struct entry){.name = name};
    return OK;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Four hexadecimal digits at r->at; moves behind those that are right. */
static bool read_hex4(struct reader *r, unsigned *ret)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        int digit = r->at < r->end ? hex_digit(*r->at) : -1;
        if (digit < 0)
            return false;
        value = value << 4 | (unsigned)digit;
    }
    *ret = value;
    return true;
}

/* Behind "\u": checks it, with its second half if it is the first of a surrogate pair. */
static enum err check_unicode(struct reader *r)
{
    const char *from = r->at - 2;
    unsigned first, second;
    if (!read_hex4(r, &first))
        return expected(r, "four hexadecimal digits");
    if (first == 0) {
        r->at = from;
        return fault_at(r, ERR_INPUT, "a string may not hold U+0000");
    }
    if (first < 0xd800 || first > 0xdfff)
        return OK;
    bool pair = first < 0xdc00 && r->end - r->at >= 2 && r->at[0] == '\\' && r->at[1] == 'u';
    if (pair) {
        r->at += 2;
        if (!read_hex4(r, &second))
            return expected(r, "four hexadecimal digits");
        pair = second >= 0xdc00 && second <= 0xdfff;
    }
    if (!pair) {
        r->at = from;
        return fault_at(r, ERR_INPUT, "a surrogate stands alone");
    }
    return OK;
}

static enum err check_escape(struct reader *r)
{
    r->at++;
    switch (r->at < r->end ? *r->at : '\0') {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        r->at++;
        return OK;
    case 'u':
        r->at++;
        return check_unicode(r);
    default:
        return expected(r, "one of \"\\/bfnrtu behind a backslash");
    }
}

static unsigned hex4(const char *at)
{
    return (unsigned)(hex_digit(at[0]) << 12 | hex_digit(at[1]) << 8 | hex_digit(at[2]) << 4 |
                      hex_digit(at[3]));
}

static char *put_utf8(char *to, unsigned code)
{
    if (code < 0x80) {
        *to++ = (char)code;
        return to;
    }
    if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *to++ = (char)(0xe0 | code >> 12);
        } else {
            *to++ = (char)(0xf0 | code >> 18);
            *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        }
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
    }
    *to++ = (char)(0x80 | (code & 0x3f));
    return to;
}

/* One escape that was checked before: `*from` stands behind the backslash. */
static char *decode_escape(const char **from, char *to)
{
    static const char plain[] = "b\bf\fn\nr\rt\t";
    char c = *(*from)++;
    if (c != 'u') {
        const char *found = strchr(plain, c);
        *to++ = found ? found[1] : c;
        return to;
    }
    unsigned code = hex4(*from);
    *from += 4;
    if (code >= 0xd800 && code <= 0xdbff) {
        code = 0x10000 + ((code - 0xd800) << 10) + (hex4(*from + 2) - 0xdc00);
        *from += 6;
    }
    return put_utf8(to, code);
}

/* The decoded form is never longer than the written one. */
static bool decode(struct arena *arena, struct str written, struct str *ret)
{
    char *to = arena_take(arena, written.len);
    if (!to)
        return false;
    ret->at = to;
    const char *from = written.at, *end = written.at + written.len;
    while (from < end) {
        const char *escape = memchr(from, '\\', (size_t)(end - from));
        size_t plain = (size_t)((escape ? escape : end) - from);
        memcpy(to, from, plain);
        to += plain;
        from += plain;
        if (escape) {
            from++;
            to = decode_escape(&from, to);
        }
    }
    ret->len = (size_t)(to - ret->at);
    return true;
}

/* At the opening quote; moves behind the closing one. */
static enum err read_string(struct reader *r, struct str *ret)
{
    const char *from = ++r->at;
    bool escapes = false;
    for (;;) {
        r->at = json_plain_end(r->at, r->end);
        if (r->at == r->end)
            return fault_at(r, ERR_INPUT, "a string is not closed");
        unsigned char c = (unsigned char)*r->at;
        if (c == '"')
            break;
        if (c == '\\') {
            escapes = true;
            enum err err = check_escape(r);
            if (err)
                return err;
        } else if (c < 0x20) {
            return fault_at(r, ERR_INPUT, "a control character 0x%02x in a string must be escaped",
                            (unsigned)c);
        } else {
            size_t len = utf8_sequence(r->at, (size_t)(r->end - r->at));
            if (len == 0)
                return fault_at(r, ERR_INPUT, "a string holds bytes that are not UTF-8");
            r->at += len;
        }
    }
    *ret = (struct str){from, (size_t)(r->at - from)};
    r->at++;
    return escapes && !decode(r->arena, *ret, ret) ? no_memory(r) : OK;
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
        return expected(r, "a digit");
    if (r->at < r->end && *r->at == '.') {
        r->at++;
        if (!skip_digits(r))
            return expected(r, "a digit");
    }
    if (r->at < r->end && (*r->at | 0x20) == 'e') {
        r->at++;
        if (r->at < r->end && (*r->at == '+' || *r->at == '-'))
            r->at++;
        if (!skip_digits(r))
            return expected(r, "a digit");
    }
    return OK;
}

static enum err read_word(struct reader *r, struct str word)
{
    size_t left = (size_t)(r->end - r->at);
    if (left < word.len || memcmp(r->at, word.at, word.len) != 0)
        return expected(r, "a value");
    r->at += word.len;
    return OK;
}

static enum err open_container(struct reader *r, struct json *value, enum json_type type)
{
    if (r->depth >= r->limits->depth_max)
        return fault_at(r, ERR_LIMIT, "the document is nested deeper than %u",
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
        err = read_string(r, &value->text);
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
            return expected(r, "a value");
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
    return fault_at(r, ERR_INPUT, "the member \"%.*s\" stands twice in one object",
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
        return no_memory(r);
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
        return no_memory(r);
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
        return expected(r, what);
    enum err err = read_string(r, &name);
    if (err)
        return err;
    skip_space(r);
    if (r->at == r->end || *r->at != ':')
        return expected(r, "':'");
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
            return expected(r, object ? "',' or '}'" : "',' or ']'");
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
    return r->at == r->end ? OK : expected(r, "the end of the text");
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
            err = no_memory(&r);
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
