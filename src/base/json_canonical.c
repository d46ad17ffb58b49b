/* base/json_canonical.c - equality of JSON values, and a form in which equal values are equal. */
#include "base/json.h"
#include <stdlib.h>

/* The value is 0.DIGITS x 10^point, negative or not; DIGITS, `count` of them, neither begin nor end
 * with a zero and may have the point of the text among them. No digits: zero. */
struct decimal {
    bool negative;
    const char *digits;
    size_t count;
    int64_t point;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The reader sees to it that it has few digits. */
static int64_t exponent_of(struct str text)
{
    int64_t value = 0;
    bool negative = text.len && text.at[0] == '-';
    for (size_t i = 0; i < text.len; i++)
        if (is_digit(text.at[i]))
            value = value * 10 + (text.at[i] - '0');
    return negative ? -value : value;
}

/* By the decimal text itself: a double would merge what differs beyond 2^53. */
static struct decimal decimal_of(struct str text)
{
    struct decimal d = {.negative = text.len && text.at[0] == '-'};
    size_t from = d.negative, end = from, whole = 0, first = SIZE_MAX, last = 0, seen = 0;
    bool fraction = false;
    for (; end < text.len && (is_digit(text.at[end]) || text.at[end] == '.'); end++) {
        if (text.at[end] == '.') {
            fraction = true;
            continue;
        }
        whole += !fraction;
        seen++;
        if (text.at[end] == '0')
            continue;
        if (first == SIZE_MAX) {
            first = end;
            d.point = -(int64_t)(seen - 1);
        }
        last = end;
    }
    if (first == SIZE_MAX)
        return (struct decimal){0}; /* zero has no sign and no exponent */
    d.digits = text.at + first;
    for (size_t i = first; i <= last; i++)
        d.count += is_digit(text.at[i]);
    d.point += (int64_t)whole;
    if (end < text.len)
        d.point += exponent_of(str_slice(text, end + 1, text.len));
    return d;
}

static const char *next_digit(const char *at)
{
    return *at == '.' ? at + 1 : at;
}

static bool numbers_equal(struct str a, struct str b)
{
    if (str_eq(a, b))
        return true;
    struct decimal x = decimal_of(a), y = decimal_of(b);
    if (x.negative != y.negative || x.count != y.count || x.point != y.point)
        return false;
    const char *p = x.digits, *q = y.digits;
    for (size_t i = 0; i < x.count; i++, p++, q++) {
        p = next_digit(p);
        q = next_digit(q);
        if (*p != *q)
            return false;
    }
    return true;
}

/* 12.50 gives 125e-1. */
static void add_number(struct str text, struct buf *out)
{
    struct decimal d = decimal_of(text);
    if (!d.count) {
        buf_add_char(out, '0');
        return;
    }
    if (d.negative)
        buf_add_char(out, '-');
    const char *at = d.digits;
    for (size_t i = 0; i < d.count; i++, at++) {
        at = next_digit(at);
        buf_add_char(out, *at);
    }
    int64_t exponent = d.point - (int64_t)d.count;
    if (exponent) {
        buf_add_char(out, 'e');
        buf_add_i64(out, exponent);
    }
}

static int by_name(const void *a, const void *b)
{
    const struct str *x = *(const struct str *const *)a, *y = *(const struct str *const *)b;
    return str_cmp(*x, *y);
}

enum { SORTED_FIRST = 32 };

/* For the few members that nearly every object has: a quarter of qsort's time. */
static void insert_sort(const struct str **names, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        const struct str *name = names[i];
        uint32_t at = i;
        for (; at > 0 && str_cmp(*names[at - 1], *name) > 0; at--)
            names[at] = names[at - 1];
        names[at] = name;
    }
}

/* The members of one object in the order of their names. */
struct sorted {
    const struct str **names; /* point into object->names */
    const struct str *few[SORTED_FIRST];
};

static bool sorted_init(struct sorted *sorted, const struct json *object)
{
    bool many = object->count > SORTED_FIRST;
    sorted->names = many ? malloc(object->count * sizeof *sorted->names) : sorted->few;
    if (!sorted->names)
        return false;
    for (uint32_t i = 0; i < object->count; i++)
        sorted->names[i] = &object->names[i];
    if (many)
        qsort(sorted->names, object->count, sizeof *sorted->names, by_name);
    else
        insert_sort(sorted->names, object->count);
    return true;
}

static void sorted_done(struct sorted *sorted)
{
    if (sorted->names != sorted->few)
        free(sorted->names);
}

static const struct json *sorted_item(const struct sorted *sorted, const struct json *object,
                                      uint32_t at)
{
    return &object->items[sorted->names[at] - object->names];
}

static bool objects_equal(const struct json *a, const struct json *b)
{
    struct sorted x, y = {0};
    bool equal = false;
    if (!sorted_init(&x, a))
        return false;
    if (sorted_init(&y, b)) {
        equal = true;
        for (uint32_t i = 0; equal && i < a->count; i++)
            equal = str_eq(*x.names[i], *y.names[i]) &&
                    json_equal(sorted_item(&x, a, i), sorted_item(&y, b, i));
        sorted_done(&y);
    }
    sorted_done(&x);
    return equal;
}

bool json_equal(const struct json *a, const struct json *b)
{
    if (a->type != b->type || a->count != b->count)
        return false;
    switch (a->type) {
    case JSON_NUMBER:
        return numbers_equal(a->text, b->text);
    case JSON_STRING:
        return str_eq(a->text, b->text);
    case JSON_ARRAY:
        for (uint32_t i = 0; i < a->count; i++)
            if (!json_equal(&a->items[i], &b->items[i]))
                return false;
        return true;
    case JSON_OBJECT:
        return objects_equal(a, b);
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
        break;
    }
    return true;
}

static bool among(struct str name, const struct str *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(name, list[i]))
            return true;
    return false;
}

static void add_object(const struct json *object, const struct str *leave_out, size_t count,
                       struct json_out *out)
{
    struct sorted sorted;
    if (!sorted_init(&sorted, object)) {
        out->buf->failed = true;
        return;
    }
    json_open(out, '{');
    for (uint32_t i = 0; i < object->count; i++) {
        if (among(*sorted.names[i], leave_out, count))
            continue;
        json_name(out, *sorted.names[i]);
        json_canonical(sorted_item(&sorted, object, i), NULL, 0, out->buf);
        out->comma = true;
    }
    json_close(out, '}');
    sorted_done(&sorted);
}

void json_canonical(const struct json *value, const struct str *leave_out, size_t leave_out_count,
                    struct buf *buf)
{
    struct json_out out = json_out_to(buf);
    switch (value->type) {
    case JSON_NUMBER:
        add_number(value->text, buf);
        break;
    case JSON_STRING:
        json_str(&out, value->text);
        break;
    case JSON_ARRAY:
        json_open(&out, '[');
        for (uint32_t i = 0; i < value->count; i++) {
            if (i)
                buf_add_char(buf, ',');
            json_canonical(&value->items[i], NULL, 0, buf);
        }
        json_close(&out, ']');
        break;
    case JSON_OBJECT:
        add_object(value, leave_out, leave_out_count, &out);
        break;
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
        json_raw(&out, value->raw);
        break;
    }
}
