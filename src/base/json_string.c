/* base/json_string.c - strings of the JSON reader: views where they can be, else decoded. */
#include "base/json_reader.h"
#include "base/json_scan.h"
#include "base/utf8.h"

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
        return json_expected(r, "four hexadecimal digits");
    if (first == 0) {
        r->at = from;
        return json_fault_at(r, ERR_INPUT, "a string may not hold U+0000");
    }
    if (first < 0xd800 || first > 0xdfff)
        return OK;
    bool pair = first < 0xdc00 && r->end - r->at >= 2 && r->at[0] == '\\' && r->at[1] == 'u';
    if (pair) {
        r->at += 2;
        if (!read_hex4(r, &second))
            return json_expected(r, "four hexadecimal digits");
        pair = second >= 0xdc00 && second <= 0xdfff;
    }
    if (!pair) {
        r->at = from;
        return json_fault_at(r, ERR_INPUT, "a surrogate stands alone");
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
        return json_expected(r, "one of \"\\/bfnrtu behind a backslash");
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

enum err json_read_string(struct reader *r, struct str *ret)
{
    const char *from = ++r->at;
    bool escapes = false;
    for (;;) {
        r->at = json_plain_end(r->at, r->end);
        if (r->at == r->end)
            return json_fault_at(r, ERR_INPUT, "a string is not closed");
        unsigned char c = (unsigned char)*r->at;
        if (c == '"')
            break;
        if (c == '\\') {
            escapes = true;
            enum err err = check_escape(r);
            if (err)
                return err;
        } else if (c < 0x20) {
            return json_fault_at(r, ERR_INPUT,
                                 "a control character 0x%02x in a string must be escaped",
                                 (unsigned)c);
        } else {
            size_t len = utf8_sequence(r->at, (size_t)(r->end - r->at));
            if (len == 0)
                return json_fault_at(r, ERR_INPUT, "a string holds bytes that are not UTF-8");
            r->at += len;
        }
    }
    *ret = (struct str){from, (size_t)(r->at - from)};
    r->at++;
    return escapes && !decode(r->arena, *ret, ret) ? json_no_memory(r) : OK;
}
