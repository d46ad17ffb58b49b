/* base/buf.c - see buf.h. */
#include "base/buf.h"
#include <stdio.h>
#include <stdlib.h>

enum { CAP_FIRST = 256 };

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){.max = max};
}

void buf_done(struct buf *buf)
{
    free(buf->at);
    buf_init(buf, buf->max);
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->failed = false;
}

bool buf_reserve(struct buf *buf, size_t more)
{
    if (buf->failed)
        return false;
    if (more <= buf->cap - buf->len)
        return true;
    if (more > buf->max - buf->len) {
        buf->failed = true;
        return false;
    }
    size_t cap = buf->cap ? buf->cap : CAP_FIRST;
    while (cap < buf->len + more)
        cap = cap > buf->max / 2 ? buf->max : cap * 2;
    if (cap > buf->max)
        cap = buf->max;
    char *at = realloc(buf->at, cap);
    if (!at) {
        buf->failed = true;
        return false;
    }
    buf->at = at;
    buf->cap = cap;
    return true;
}

void buf_add_bytes(struct buf *buf, const void *at, size_t len)
{
    if (len && buf_reserve(buf, len)) {
        memcpy(buf->at + buf->len, at, len);
        buf->len += len;
    }
}

void buf_add(struct buf *buf, struct str s)
{
    buf_add_bytes(buf, s.at, s.len);
}

void buf_add_char(struct buf *buf, char c)
{
    if (buf_reserve(buf, 1))
        buf->at[buf->len++] = c;
}

void buf_add_u64(struct buf *buf, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    buf_add_bytes(buf, digits + at, sizeof digits - at);
}

void buf_add_i64(struct buf *buf, int64_t value)
{
    if (value < 0)
        buf_add_char(buf, '-');
    buf_add_u64(buf, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    must(len >= 0);
    /* vsnprintf wants room for its terminator, which is then not counted. */
    if (buf_reserve(buf, (size_t)len + 1)) {
        (void)vsnprintf(buf->at + buf->len, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

void buf_drop(struct buf *buf, size_t len)
{
    must(len <= buf->len);
    if (len < buf->len)
        memmove(buf->at, buf->at + len, buf->len - len);
    buf->len -= len;
}

struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->at ? buf->at : "", buf->len};
}
