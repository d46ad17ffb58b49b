/* base/buf.h - bytes that grow, with a maximum from birth and a sticky failure.
 *
 * Owns its memory. An append that would pass `max`, or that cannot be allocated, changes nothing
 * and sets `failed`; later appends do nothing. Ask once, at the end.
 */
#pragma once
#include "base/err.h"
#include "base/str.h"

struct buf {
    char *at;
    size_t len;
    size_t cap;
    size_t max; /* bytes */
    bool failed;
};

void buf_init(struct buf *buf, size_t max);
void buf_done(struct buf *buf);  /* frees; the buffer may be used again, empty */
void buf_clear(struct buf *buf); /* empties and forgives; keeps the memory */
bool buf_reserve(struct buf *buf, size_t more);

void buf_add(struct buf *buf, struct str s);
void buf_add_bytes(struct buf *buf, const void *at, size_t len);
void buf_add_char(struct buf *buf, char c);
void buf_add_u64(struct buf *buf, uint64_t value); /* decimal */
void buf_add_i64(struct buf *buf, int64_t value);
void buf_printf(struct buf *buf, const char *format, ...) printf_like(2, 3);

/* Drops the first `len` bytes. */
void buf_drop(struct buf *buf, size_t len);
struct str buf_str(const struct buf *buf); /* borrowed until the next change */
