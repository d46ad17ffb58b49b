/* net/origin.c - see origin.h. */
#include "net/origin.h"
#include <arpa/inet.h>

enum { HOST_LEN_MAX = 253 };

static const struct {
    struct str prefix;
    enum scheme scheme;
    uint16_t port;
} schemes[] = {
    {STR_INIT("https://"), SCHEME_HTTPS, 443},
    {STR_INIT("http://"), SCHEME_HTTP, 80},
    {STR_INIT("smtps://"), SCHEME_SMTPS, 465},
    {STR_INIT("smtp://"), SCHEME_SMTP, 587},
};

static bool all_of(struct str s, const char *extra, bool hex_only)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        bool digit = c >= '0' && c <= '9';
        bool letter =
            (c >= 'a' && c <= (hex_only ? 'f' : 'z')) || (c >= 'A' && c <= (hex_only ? 'F' : 'Z'));
        if (!digit && !letter && !(c && strchr(extra, c)))
            return false;
    }
    return s.len > 0;
}

/* Takes the host off *rest, which is left with ":port" or nothing. */
static bool take_host(struct str *rest, struct str *ret)
{
    if (str_starts(*rest, STR("["))) {
        struct str behind = str_slice(*rest, 1, rest->len);
        *ret = str_cut(&behind, ']');
        *rest = behind;
        return behind.at && all_of(*ret, ":.", true);
    }
    struct str behind = *rest;
    *ret = str_cut(&behind, ':');
    *rest = str_slice(*rest, ret->len, rest->len);
    return ret->len <= HOST_LEN_MAX && all_of(*ret, ".-_", false);
}

bool origin_parse(struct str text, struct origin *ret)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (!str_starts(text, schemes[i].prefix))
            continue;
        struct origin origin = {.scheme = schemes[i].scheme, .port = schemes[i].port};
        struct str rest = str_slice(text, schemes[i].prefix.len, text.len);
        origin.authority = rest;
        if (!take_host(&rest, &origin.host))
            return false;
        uint64_t port;
        if (rest.len) {
            if (rest.at[0] != ':' || !str_to_u64(str_slice(rest, 1, rest.len), &port) ||
                port == 0 || port > UINT16_MAX)
                return false;
            origin.port = (uint16_t)port;
        }
        *ret = origin;
        return true;
    }
    return false;
}

bool origin_is_loopback(const struct origin *origin)
{
    char text[HOST_LEN_MAX + 1];
    struct in_addr v4;
    struct in6_addr v6;
    if (!str_copy(origin->host, text, sizeof text))
        return false;
    if (inet_pton(AF_INET, text, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, text, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6);
    return str_eq_nocase(origin->host, STR("localhost")) ||
           (origin->host.len > 10 &&
            str_eq_nocase(str_slice(origin->host, origin->host.len - 10, origin->host.len),
                          STR(".localhost")));
}
