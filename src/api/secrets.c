/* api/secrets.c - see secrets.h. */
#include "api/secrets.h"
#include "codec/base64.h"

enum { TIME_DIGITS = 10, CHANCE_DIGITS = 16, SECRET_SIZE = 32 };

struct str secret_key_name(const struct entropy *entropy, struct wall now, struct arena *arena)
{
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    unsigned char chance[CHANCE_DIGITS];
    char text[TIME_DIGITS + CHANCE_DIGITS];
    uint64_t ms = (uint64_t)now.ms;
    for (size_t i = TIME_DIGITS; i-- > 0; ms >>= 5)
        text[i] = digits[ms & 31];
    entropy_fill(entropy, chance, sizeof chance);
    for (size_t i = 0; i < CHANCE_DIGITS; i++)
        text[TIME_DIGITS + i] = digits[chance[i] & 31];
    return arena_printf(arena, "key_%.*s", (int)sizeof text, text);
}

struct str secret_make(const struct entropy *entropy, struct arena *arena)
{
    char bytes[SECRET_SIZE];
    struct buf out;
    buf_init(&out, 2 * SECRET_SIZE);
    entropy_fill(entropy, bytes, sizeof bytes);
    base64url_add(&out, (struct str){bytes, sizeof bytes});
    struct str secret = out.failed ? STR_NONE : arena_copy(arena, buf_str(&out));
    wipe(bytes, sizeof bytes);
    if (out.at)
        wipe(out.at, out.len);
    buf_done(&out);
    return secret;
}
