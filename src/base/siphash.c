/* base/siphash.c - SipHash (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012). */
#include "base/map.h"

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static inline uint64_t load(const unsigned char *at, size_t len)
{
    uint64_t x = 0;
    memcpy(&x, at, len);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    return x;
}

static inline void mix(struct sip *s, int rounds)
{
    while (rounds--) {
        s->v0 += s->v1;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v3;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 += s->v3;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 += s->v1;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v2 = rotate(s->v2, 32);
    }
}

static inline void absorb(struct sip *s, uint64_t word, int rounds)
{
    s->v3 ^= word;
    mix(s, rounds);
    s->v0 ^= word;
}

static inline struct sip begin(const uint64_t key[2], const void *at, size_t len, int rounds,
                               uint64_t variant)
{
    struct sip s = {key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du ^ variant,
                    key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u};
    const unsigned char *from = at;
    size_t left = len;
    for (; left >= 8; left -= 8, from += 8)
        absorb(&s, load(from, 8), rounds);
    absorb(&s, (left ? load(from, left) : 0) | (uint64_t)len << 56, rounds);
    return s;
}

static inline uint64_t squeeze(struct sip *s, int rounds)
{
    mix(s, rounds);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t siphash13(const uint64_t key[2], const void *at, size_t len)
{
    struct sip s = begin(key, at, len, 1, 0);
    s.v2 ^= 0xff;
    return squeeze(&s, 3);
}

void siphash24_128(const uint64_t key[2], const void *at, size_t len, uint64_t ret[2])
{
    struct sip s = begin(key, at, len, 2, 0xee);
    s.v2 ^= 0xee;
    ret[0] = squeeze(&s, 4);
    s.v1 ^= 0xdd;
    ret[1] = squeeze(&s, 4);
}
