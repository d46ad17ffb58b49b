/* codec/uri.c - see uri.h. */
#include "codec/uri.h"
#include "codec/hex.h"
#include <arpa/inet.h>

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_unreserved(char c)
{
    return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

void uri_add_component(struct buf *out, struct str text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (is_unreserved(c)) {
            buf_add_char(out, c);
            continue;
        }
        buf_add_char(out, '%');
        buf_add_char(out, digits[(unsigned char)c >> 4]);
        buf_add_char(out, digits[(unsigned char)c & 15]);
    }
}

bool uri_decode(struct str text, bool plus_is_space, struct arena *arena, struct str *ret)
{
    if (!str_has(text, '%') && !(plus_is_space && str_has(text, '+'))) {
        *ret = text;
        return true;
    }
    char *into = arena_take(arena, text.len + 1);
    if (!into)
        return false;
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '%') {
            if (text.len - i < 3 || !hex_decode(str_slice(text, i + 1, i + 3), &c, 1) || c == '\0')
                return false;
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        into[len++] = c;
    }
    *ret = (struct str){into, len};
    return true;
}

void form_add(struct buf *out, struct str name, struct str value)
{
    if (out->len)
        buf_add_char(out, '&');
    uri_add_component(out, name);
    buf_add_char(out, '=');
    uri_add_component(out, value);
}

bool form_next(struct str *rest, struct arena *arena, struct str *ret_name, struct str *ret_value,
               bool *ret_bad)
{
    while (rest->at) {
        struct str value = str_cut(rest, '&');
        if (!value.len)
            continue;
        struct str name = str_cut(&value, '=');
        if (!value.at)
            value = STR("");
        if (uri_decode(name, true, arena, ret_name) && uri_decode(value, true, arena, ret_value))
            return true;
        *ret_bad = true;
        return false;
    }
    return false;
}

/* RFC 3986 appendix A: what may stand in a URL at all; '#' and '@' are looked at by the caller. */
static bool is_url_char(char c)
{
    return is_unreserved(c) || (c && strchr(":/?#[]@!$&'()*+,;=%", c));
}

static bool is_scheme(struct str scheme)
{
    if (!scheme.len || !is_letter(scheme.at[0]))
        return false;
    for (size_t i = 0; i < scheme.len; i++)
        if (!is_letter(scheme.at[i]) && !is_digit(scheme.at[i]) && !strchr("+-.", scheme.at[i]))
            return false;
    return true;
}

static bool is_host(struct str host)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']')
        return str_copy(str_slice(host, 1, host.len - 1), text, sizeof text) &&
               inet_pton(AF_INET6, text, &address) == 1;
    if (!host.len || host.len > 253)
        return false;
    for (size_t i = 0; i < host.len; i++)
        if (!is_letter(host.at[i]) && !is_digit(host.at[i]) && !strchr("-._", host.at[i]))
            return false;
    return true;
}

static bool parse_port(struct str text, uint16_t *ret)
{
    uint64_t port;
    if (text.len > 5 || !str_to_u64(text, &port) || port == 0 || port > UINT16_MAX)
        return false;
    *ret = (uint16_t)port;
    return true;
}

bool url_parse(struct str text, struct url *ret)
{
    struct url url = {0};
    for (size_t i = 0; i < text.len; i++)
        if (!is_url_char(text.at[i]) || text.at[i] == '#')
            return false;
    struct str rest = text;
    url.scheme = str_cut(&rest, ':');
    if (!is_scheme(url.scheme) || !str_starts(rest, STR("//")))
        return false;
    rest = str_slice(rest, 2, rest.len);
    size_t end = 0;
    while (end < rest.len && rest.at[end] != '/' && rest.at[end] != '?')
        end++;
    struct str authority = str_slice(rest, 0, end);
    url.path = end < rest.len ? str_slice(rest, end, rest.len) : STR_NONE;
    url.origin = str_slice(text, 0, text.len - url.path.len);

    size_t colon = authority.len;
    while (colon && is_digit(authority.at[colon - 1]))
        colon--;
    url.host = authority;
    if (colon && authority.at[colon - 1] == ':') {
        url.host = str_slice(authority, 0, colon - 1);
        if (!parse_port(str_slice(authority, colon, authority.len), &url.port))
            return false;
    }
    if (!is_host(url.host))
        return false;
    *ret = url;
    return true;
}

bool url_is_loopback(const struct url *url)
{
    char text[INET6_ADDRSTRLEN + 2];
    struct in_addr v4;
    if (str_eq_nocase(url->host, STR("localhost")))
        return true;
    if (!str_copy(url->host, text, sizeof text))
        return false;
    if (inet_pton(AF_INET, text, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    struct in6_addr v6;
    size_t len = strlen(text);
    if (len < 3 || text[0] != '[')
        return false;
    text[len - 1] = '\0';
    return inet_pton(AF_INET6, text + 1, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool url_has_scheme(const struct url *url, struct str scheme)
{
    return str_eq_nocase(url->scheme, scheme);
}
