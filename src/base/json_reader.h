/* base/json_reader.h - the JSON reader inside; for json.c and json_string.c only. */
#pragma once
#include "base/json.h"

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

/* Writes down that the byte at r->at is wrong; returns `err`. */
enum err json_fault_at(struct reader *r, enum err err, const char *format, ...) printf_like(3, 4);
enum err json_expected(struct reader *r, const char *what);
enum err json_no_memory(struct reader *r);
/* At the opening quote; moves behind the closing one. */
enum err json_read_string(struct reader *r, struct str *ret);
