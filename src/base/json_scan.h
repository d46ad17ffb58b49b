/* base/json_scan.h - the inner loop of reader and writer: eight bytes of a string at once. */
#pragma once
#include <stdint.h>
#include <string.h>

/* The first byte at or behind `at` that a JSON string cannot take as it stands without a look:
 * a quote, a backslash, a control character, or the lead of a UTF-8 sequence; or `end`. */
static inline const char *json_plain_end(const char *at, const char *end)
{
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    while (end - at >= 8) {
        uint64_t x;
        memcpy(&x, at, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        x = __builtin_bswap64(x);
#endif
        /* A byte is zero where (v - 1) & ~v has its high bit. A borrow can only mark a byte
         * behind a true one, and the first is all that is used. */
        uint64_t quote = x ^ ones * '"', backslash = x ^ ones * '\\';
        uint64_t hit = (((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) |
                        ((x - ones * 0x20) & ~x) | x) &
                       highs;
        if (hit)
            return at + __builtin_ctzll(hit) / 8;
        at += 8;
    }
    while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20 &&
           (unsigned char)*at < 0x80)
        at++;
    return at;
}
