/* model/check.c - see check.h. */
#include "model/check.h"
#include "model/limits.h"

enum { LOCAL_PART_MAX = 64, LABEL_MAX = 63, PHONE_DIGITS_MIN = 7, APNS_DIGITS_MIN = 64 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_alnum(char c)
{
    return is_alpha(c) || is_digit(c);
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Letters, digits, and the characters of `more`, only. */
static bool made_of(struct str text, const char *more)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_alnum(text.at[i]) && (!text.at[i] || !strchr(more, text.at[i])))
            return false;
    return true;
}

static bool all(struct str text, bool (*is)(char))
{
    for (size_t i = 0; i < text.len; i++)
        if (!is(text.at[i]))
            return false;
    return true;
}

static bool printable(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < ' ' || text.at[i] > '~')
            return false;
    return true;
}

static bool len_in(struct str text, size_t least, size_t most)
{
    return text.len >= least && text.len <= most;
}

static bool name_up_to(struct str text, size_t most)
{
    return len_in(text, 1, most) && is_alnum(text.at[0]) && made_of(text, "_.:@-");
}

bool name_ok(struct str text)
{
    return name_up_to(text, NAME_LEN_MAX);
}

bool app_name_ok(struct str text)
{
    return name_up_to(text, APP_NAME_LEN_MAX);
}

bool event_id_ok(struct str text)
{
    return len_in(text, 1, EVENT_ID_LEN_MAX) && printable(text) && text.at[0] != ' ' &&
           text.at[text.len - 1] != ' ';
}

bool collapse_key_ok(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] < ' ' || text.at[i] == 0x7f)
            return false;
    return len_in(text, 1, COLLAPSE_KEY_LEN_MAX) && str_is_utf8(text);
}

/* RFC 1035 section 2.3.1, with the leading digits of RFC 1123 section 2.1. */
static bool label_ok(struct str label)
{
    return len_in(label, 1, LABEL_MAX) && made_of(label, "-") && label.at[0] != '-' &&
           label.at[label.len - 1] != '-';
}

/* Two labels and more; the last one is no number, or it would be an IPv4 address. */
static bool domain_ok(struct str domain)
{
    struct str rest = domain, label = STR_NONE;
    unsigned labels = 0;
    for (; rest.at; labels++) {
        label = str_cut(&rest, '.');
        if (!label_ok(label))
            return false;
    }
    return labels >= 2 && !all(label, is_digit);
}

static bool local_part_ok(struct str local)
{
    if (!len_in(local, 1, LOCAL_PART_MAX))
        return false;
    for (struct str rest = local; rest.at;) {
        struct str atom = str_cut(&rest, '.');
        if (!atom.len || !made_of(atom, "!#$%&'*+-/=?^_`{|}~"))
            return false;
    }
    return true;
}

bool email_ok(struct str text)
{
    if (!len_in(text, 1, EMAIL_LEN_MAX))
        return false;
    struct str domain = text, local = str_cut(&domain, '@');
    return domain.at && local_part_ok(local) && domain_ok(domain);
}

bool phone_ok(struct str text)
{
    return len_in(text, 1 + PHONE_DIGITS_MIN, PHONE_LEN_MAX) && text.at[0] == '+' &&
           text.at[1] != '0' && all(str_slice(text, 1, text.len), is_digit);
}

/* --- BCP 47: language[-extlang][-script][-region]*variant*extension[-privateuse] --- */

static bool next_is(struct str text, size_t least, size_t most, bool (*is)(char))
{
    struct str tag = str_cut(&text, '-');
    return len_in(tag, least, most) && all(tag, is);
}

static void skip(struct str *rest)
{
    (void)str_cut(rest, '-');
}

static bool next_is_variant(struct str text)
{
    return next_is(text, 5, 8, is_alnum) || (next_is(text, 4, 4, is_alnum) && is_digit(text.at[0]));
}

/* A singleton and its subtags; "x" takes all that follows. */
static bool skip_extension(struct str *rest)
{
    bool private = (rest->at[0] | 0x20) == 'x';
    skip(rest);
    unsigned count = 0;
    for (; rest->at && next_is(*rest, private ? 1 : 2, 8, is_alnum); count++)
        skip(rest);
    return count > 0 && (!private || !rest->at);
}

bool locale_ok(struct str text)
{
    if (!len_in(text, 2, LOCALE_LEN_MAX) || !next_is(text, 2, 8, is_alpha))
        return false;
    bool is_short = next_is(text, 2, 3, is_alpha);
    struct str rest = text;
    skip(&rest);
    for (int i = 0; is_short && i < 3 && rest.at && next_is(rest, 3, 3, is_alpha); i++)
        skip(&rest);
    if (rest.at && next_is(rest, 4, 4, is_alpha))
        skip(&rest);
    if (rest.at && (next_is(rest, 2, 2, is_alpha) || next_is(rest, 3, 3, is_digit)))
        skip(&rest);
    while (rest.at && next_is_variant(rest))
        skip(&rest);
    while (rest.at && next_is(rest, 1, 1, is_alnum))
        if (!skip_extension(&rest))
            return false;
    return !rest.at;
}

bool timezone_ok(struct str text)
{
    if (!len_in(text, 1, TIMEZONE_LEN_MAX) || !made_of(text, "_+-/"))
        return false;
    for (struct str rest = text; rest.at;) {
        struct str part = str_cut(&rest, '/');
        if (!part.len || !is_alpha(part.at[0]))
            return false;
    }
    return true;
}

/* ":443", or nothing. */
static bool port_ok(struct str text)
{
    uint64_t port;
    return !text.len ||
           (text.at[0] == ':' && len_in(text, 2, 6) &&
            str_to_u64(str_slice(text, 1, text.len), &port) && port > 0 && port < 65536);
}

/* A name, an IPv4 address, or an IPv6 address in brackets; what it points at is asked when it is
 * resolved. */
static bool authority_ok(struct str text)
{
    if (text.len && text.at[0] == '[') {
        struct str port = text, host = str_cut(&port, ']');
        host = str_slice(host, 1, host.len);
        for (size_t i = 0; i < host.len; i++)
            if (!is_hex(host.at[i]) && host.at[i] != ':' && host.at[i] != '.')
                return false;
        return port.at && host.len >= 2 && port_ok(port);
    }
    struct str rest = text, host = str_cut(&rest, ':');
    struct str port = str_slice(text, host.len, text.len);
    for (struct str labels = host; labels.at;)
        if (!label_ok(str_cut(&labels, '.')))
            return false;
    return host.len <= 253 && port_ok(port);
}

bool https_url_ok(struct str text)
{
    static const struct str scheme = STR_INIT("https://");
    if (!len_in(text, scheme.len + 1, ENDPOINT_LEN_MAX) || !str_starts(text, scheme))
        return false;
    if (!printable(text))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (strchr(" \"#<>\\^`{|}", text.at[i]))
            return false;
    struct str authority = str_slice(text, scheme.len, text.len);
    size_t end = 0;
    while (end < authority.len && authority.at[end] != '/' && authority.at[end] != '?')
        end++;
    return authority_ok(str_slice(authority, 0, end)); /* '@' is in no name */
}

bool apns_token_ok(struct str text)
{
    return len_in(text, APNS_DIGITS_MIN, TOKEN_LEN_MAX) && text.len % 2 == 0 && all(text, is_hex);
}

bool fcm_token_ok(struct str text)
{
    return len_in(text, 1, TOKEN_LEN_MAX) && made_of(text, "_:.-");
}

bool base64url_ok(struct str text, size_t bytes)
{
    size_t digits = (bytes * 8 + 5) / 6, padded = (bytes + 2) / 3 * 4;
    if (text.len == padded)
        for (; text.len > digits && text.at[text.len - 1] == '=';)
            text.len--;
    return text.len == digits && made_of(text, "-_");
}
