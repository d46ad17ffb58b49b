/* base/json.h - a strict JSON reader into an arena, and a writer over a buffer.
 *
 * Reader: RFC 8259, UTF-8 checked, duplicate names refused, depth and count bounded, no trailing
 * bytes, escapes decoded (a lone surrogate and U+0000 are refused: neither survives C strings,
 * SQLite text and UTF-8 alike). A tree borrows from the text where it can, so the text must
 * outlive it. Numbers keep their text; convert with json_to_*. An exponent has at most 9 digits
 * (RFC 8259 section 6 allows such limits). Equality and the canonical form recurse: keep the depth
 * small.
 */
#pragma once
#include "base/arena.h"
#include "base/buf.h"

enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json {
    enum json_type type;
    uint32_t count;           /* of items */
    struct str raw;           /* the value as it was written */
    struct str text;          /* string: decoded; number: as written */
    const struct json *items; /* array and object: `count` values */
    const struct str *names;  /* object: `count` decoded names, in the order written */
};

struct json_limits {
    unsigned depth_max;  /* nesting, the outermost value is 1 */
    unsigned values_max; /* of the whole document */
};

struct json_fault {
    size_t offset;         /* of the first byte that is wrong */
    unsigned line, column; /* from 1; columns count bytes */
    struct why why;
};

/* ERR_INPUT with *ret_fault, or ERR_LIMIT (depth, values), or ERR_MEMORY. */
enum err json_parse(struct str text, const struct json_limits *limits, struct arena *arena,
                    const struct json **ret, struct json_fault *ret_fault) must_use;

/* A glance at an object, at a tenth of the cost: the raw values of those of its members whose names
 * stand there without escapes; absent if there are none. False: it is no whole object. True says
 * nothing of its being JSON, only that if it is, its members are these. */
bool json_peek(struct str text, const struct str *names, struct str *ret, uint32_t count) must_use;

/* NULL if `object` is NULL or no object or has no such member. */
const struct json *json_get(const struct json *object, struct str name);
bool json_to_i64(const struct json *value,
                 int64_t *ret); /* whole numbers only: 5, not 5.0 or 5e0 */
bool json_to_double(const struct json *value, double *ret);
static inline bool json_is(const struct json *value, enum json_type type)
{
    return value && value->type == type;
}
/* The same value: members in any order, numbers by value (1.0 equals 1), strings by code points. */
bool json_equal(const struct json *a, const struct json *b);
/* Appends a canonical form: equal values give equal bytes. `leave_out` names top-level members
 * that do not count; may be NULL. */
void json_canonical(const struct json *value, const struct str *leave_out, size_t leave_out_count,
                    struct buf *out);
/* Length of `text` after JSON escaping, without the quotes. */
size_t json_escaped_len(struct str text);

/* Writer. Commas are its business, and so is that bytes that are not UTF-8 come out as U+FFFD; the
 * caller's is that names and closings match. */
struct json_out {
    struct buf *buf;
    bool comma; /* the next value needs one before it */
};

static inline struct json_out json_out_to(struct buf *buf)
{
    return (struct json_out){.buf = buf};
}
void json_open(struct json_out *out, char bracket);  /* '{' or '[' */
void json_close(struct json_out *out, char bracket); /* '}' or ']' */
void json_name(struct json_out *out, struct str name);
void json_str(struct json_out *out, struct str value); /* absent gives null */
void json_i64(struct json_out *out, int64_t value);
void json_bool(struct json_out *out, bool value);
void json_null(struct json_out *out);
void json_raw(struct json_out *out, struct str json); /* a value that is JSON already */
