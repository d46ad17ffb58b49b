/* codec/hex.c - see hex.h. */
#include "codec/hex.h"

static const char digits[] = "0123456789abcdef";

void hex_add(struct buf *out, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char byte = (unsigned char)bytes.at[i];
        buf_add_char(out, digits[byte >> 4]);
        buf_add_char(out, digits[byte & 15]);
    }
}

void hex_write(const void *bytes, size_t len, char *into)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < len; i++) {
        *into++ = digits[at[i] >> 4];
        *into++ = digits[at[i] & 15];
    }
    *into = '\0';
}

static int value_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool hex_decode(struct str text, void *into, size_t len)
{
    unsigned char *at = into;
    if (text.len != 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = value_of(text.at[2 * i]), low = value_of(text.at[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        at[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}
