/* codec/base64.c - see base64.h. */
#include "codec/base64.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static const char alphabet_standard[] = LETTERS "+/";
static const char alphabet_url[] = LETTERS "-_";

size_t base64_len(size_t len)
{
    return (len + 2) / 3 * 4;
}

size_t base64url_len(size_t len)
{
    return (len * 4 + 2) / 3;
}

static void encode(struct buf *out, struct str bytes, const char *alphabet, bool padded)
{
    size_t len = padded ? base64_len(bytes.len) : base64url_len(bytes.len);
    if (!buf_reserve(out, len))
        return;
    char *at = out->at + out->len;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t have = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < have ? (unsigned char)bytes.at[i + k] : 0u);
        for (size_t k = 0; k < 4; k++) {
            if (k <= have)
                *at++ = alphabet[bits >> (18 - 6 * k) & 63];
            else if (padded)
                *at++ = '=';
        }
    }
    out->len += len;
}

void base64_add(struct buf *out, struct str bytes)
{
    encode(out, bytes, alphabet_standard, true);
}

void base64url_add(struct buf *out, struct str bytes)
{
    encode(out, bytes, alphabet_url, false);
}

/* The six bits of a character, or -1. */
static int value_of(char c, char c62, char c63)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == c62 ? 62 : c == c63 ? 63 : -1;
}

static bool decode(struct str text, char c62, char c63, void *into, size_t size, size_t *ret_len)
{
    if (text.len % 4 == 0)
        for (int i = 0; i < 2 && text.len && text.at[text.len - 1] == '='; i++)
            text.len--;
    if (text.len % 4 == 1)
        return false;
    size_t len = text.len / 4 * 3 + (text.len % 4 ? text.len % 4 - 1 : 0);
    if (len > size)
        return false;
    unsigned char *at = into;
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < text.len; i++) {
        int value = value_of(text.at[i], c62, c63);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        have += 6;
        if (have >= 8) {
            have -= 8;
            *at++ = (unsigned char)(bits >> have);
        }
        bits &= (1u << have) - 1;
    }
    if (bits)
        return false;
    *ret_len = len;
    return true;
}

bool base64_decode(struct str text, void *into, size_t size, size_t *ret_len)
{
    return decode(text, '+', '/', into, size, ret_len);
}

bool base64url_decode(struct str text, void *into, size_t size, size_t *ret_len)
{
    return decode(text, '-', '_', into, size, ret_len);
}
