/* net/target.c - see target.h. */
#include "net/target.h"

enum method method_of(struct str text)
{
    switch (text.len) {
    case 3:
        return str_eq(text, STR("GET"))   ? METHOD_GET
               : str_eq(text, STR("PUT")) ? METHOD_PUT
                                          : METHOD_OTHER;
    case 4:
        return str_eq(text, STR("POST"))   ? METHOD_POST
               : str_eq(text, STR("HEAD")) ? METHOD_HEAD
                                           : METHOD_OTHER;
    case 6:
        return str_eq(text, STR("DELETE")) ? METHOD_DELETE : METHOD_OTHER;
    case 7:
        return str_eq(text, STR("OPTIONS")) ? METHOD_OPTIONS : METHOD_OTHER;
    default:
        return METHOD_OTHER;
    }
}

static bool target_char(char c)
{
    return c > ' ' && c < 0x7f && c != '#' && c != '"' && c != '<' && c != '>' && c != '\\';
}

bool target_split(struct str target, struct str *ret_path, struct str *ret_query)
{
    if (!target.len || (target.at[0] != '/' && target.at[0] != '?' && !str_eq(target, STR("*"))))
        return false;
    const char *question = NULL;
    for (size_t i = 0; i < target.len; i++) {
        if (!target_char(target.at[i]))
            return false;
        if (target.at[i] == '?' && !question)
            question = target.at + i;
    }
    size_t path_len = question ? (size_t)(question - target.at) : target.len;
    *ret_path = path_len ? str_slice(target, 0, path_len) : STR("/");
    *ret_query = question ? str_slice(target, path_len + 1, target.len) : STR_NONE;
    return true;
}

bool target_take_authority(struct str *target, struct str *ret_authority)
{
    struct str rest = *target;
    if (rest.len >= 7 && str_eq_nocase(str_slice(rest, 0, 7), STR("http://")))
        rest = str_slice(rest, 7, rest.len);
    else if (rest.len >= 8 && str_eq_nocase(str_slice(rest, 0, 8), STR("https://")))
        rest = str_slice(rest, 8, rest.len);
    else
        return false;
    size_t len = 0;
    while (len < rest.len && rest.at[len] != '/' && rest.at[len] != '?')
        len++;
    *ret_authority = str_slice(rest, 0, len);
    *target = str_slice(rest, len, rest.len);
    return authority_valid(*ret_authority);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* RFC 3986 section 3.2.2: unreserved, sub-delims and '%' of a registered name. */
static bool host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
           (c && strchr("-._~%!$&'()*+,;=", c));
}

static bool port_valid(struct str port)
{
    for (size_t i = 0; i < port.len; i++)
        if (!is_digit(port.at[i]))
            return false;
    return port.len <= 5; /* may be empty: "host:" */
}

static bool literal_valid(struct str inside)
{
    for (size_t i = 0; i < inside.len; i++)
        if (!host_char(inside.at[i]) && inside.at[i] != ':')
            return false;
    return inside.len > 0;
}

bool authority_valid(struct str authority)
{
    size_t at = 0;
    if (authority.len && authority.at[0] == '[') {
        while (at < authority.len && authority.at[at] != ']')
            at++;
        if (at == authority.len || !literal_valid(str_slice(authority, 1, at)))
            return false;
        at++;
    } else {
        while (at < authority.len && host_char(authority.at[at]))
            at++;
        if (at == 0)
            return false;
    }
    if (at == authority.len)
        return true;
    return authority.at[at] == ':' && port_valid(str_slice(authority, at + 1, authority.len));
}
