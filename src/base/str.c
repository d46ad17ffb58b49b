/* base/str.c - see str.h. */
#include "base/str.h"
#include "base/err.h"
#include "base/utf8.h"

struct str str_of(const char *terminated)
{
    return terminated ? (struct str){terminated, strlen(terminated)} : STR_NONE;
}

struct str str_slice(struct str s, size_t from, size_t to)
{
    must(from <= to && to <= s.len);
    return (struct str){s.at ? s.at + from : NULL, to - from};
}

bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    return true;
}

int str_cmp(struct str a, struct str b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.at, b.at, common) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq((struct str){s.at, prefix.len}, prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len && str_eq(str_slice(s, s.len - suffix.len, s.len), suffix);
}

bool str_has(struct str s, char c)
{
    return s.len && memchr(s.at, c, s.len) != NULL;
}

struct str str_trim(struct str s)
{
    while (s.len && (s.at[0] == ' ' || s.at[0] == '\t'))
        s = str_slice(s, 1, s.len);
    while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
        s.len--;
    return s;
}

struct str str_cut(struct str *rest, char separator)
{
    struct str all = *rest;
    const char *found = all.len ? memchr(all.at, separator, all.len) : NULL;
    if (!found) {
        *rest = STR_NONE;
        return all;
    }
    size_t before = (size_t)(found - all.at);
    *rest = str_slice(all, before + 1, all.len);
    return str_slice(all, 0, before);
}

bool str_to_u64(struct str s, uint64_t *ret)
{
    uint64_t value = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(s.at[i] - '0'), &value))
            return false;
    }
    *ret = value;
    return true;
}

bool str_to_i64(struct str s, int64_t *ret)
{
    bool negative = s.len && s.at[0] == '-';
    uint64_t value;
    if (!str_to_u64(negative ? str_slice(s, 1, s.len) : s, &value))
        return false;
    if (value > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return false;
    *ret = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

bool str_copy(struct str s, char *into, size_t size)
{
    must(size > 0);
    into[0] = '\0';
    if (s.len >= size)
        return false;
    if (s.len)
        memcpy(into, s.at, s.len);
    into[s.len] = '\0';
    return true;
}

bool str_eq_secret(struct str a, struct str b)
{
    unsigned char different = a.len != b.len;
    for (size_t i = 0; i < a.len && b.len; i++)
        different |= (unsigned char)(a.at[i] ^ b.at[i % b.len]);
    return different == 0;
}

void wipe(void *at, size_t len)
{
    if (len)
        explicit_bzero(at, len);
}

bool str_is_utf8(struct str s)
{
    for (size_t i = 0; i < s.len;) {
        uint64_t eight;
        if (s.len - i >= 8) { /* eight ASCII bytes at once: the common case */
            memcpy(&eight, s.at + i, 8);
            if (!(eight & 0x8080808080808080u)) {
                i += 8;
                continue;
            }
        }
        size_t len = utf8_sequence(s.at + i, s.len - i);
        if (len == 0)
            return false;
        i += len;
    }
    return true;
}
