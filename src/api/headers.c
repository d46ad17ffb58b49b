/* api/headers.c - see headers.h. */
#include "api/headers.h"
#include "codec/base64.h"
#include "codec/digest.h"
#include "model/limits.h"

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool request_id_ok(struct str text)
{
    if (text.len == 0 || text.len > REQUEST_ID_LEN_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!is_alnum(text.at[i]) && !memchr("_.-", text.at[i], 3))
            return false;
    return true;
}

/* Takes `count` lower-case hex digits off the text; *ret_zero: they were all zero. */
static bool take_hex(struct str *text, size_t count, bool *ret_zero)
{
    if (text->len < count)
        return false;
    *ret_zero = true;
    for (size_t i = 0; i < count; i++) {
        char c = text->at[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        *ret_zero = *ret_zero && c == '0';
    }
    *text = str_slice(*text, count, text->len);
    return true;
}

static bool take_dash(struct str *text)
{
    if (!text->len || text->at[0] != '-')
        return false;
    *text = str_slice(*text, 1, text->len);
    return true;
}

bool traceparent_ok(struct str text)
{
    bool first = str_starts(text, STR("00")), zero;
    if (text.len > TRACEPARENT_LEN_MAX || str_starts(text, STR("ff")))
        return false;
    if (!take_hex(&text, 2, &zero) || !take_dash(&text) || !take_hex(&text, 32, &zero) || zero ||
        !take_dash(&text) || !take_hex(&text, 16, &zero) || zero || !take_dash(&text) ||
        !take_hex(&text, 2, &zero))
        return false;
    return text.len == 0 || (!first && text.at[0] == '-');
}

bool content_type_is_json(struct str text)
{
    struct str rest = text;
    if (!str_eq_nocase(str_trim(str_cut(&rest, ';')), STR("application/json")))
        return false;
    while (rest.at) {
        struct str value = str_trim(str_cut(&rest, ';'));
        struct str name = str_cut(&value, '=');
        if (!name.len && !value.at)
            continue; /* an empty parameter, as in "application/json;" */
        if (!value.at)
            return false;
        if (value.len >= 2 && value.at[0] == '"' && value.at[value.len - 1] == '"')
            value = str_slice(value, 1, value.len - 1);
        if (str_eq_nocase(name, STR("charset")) && !str_eq_nocase(value, STR("utf-8")))
            return false;
    }
    return true;
}

static void basic_read(struct str text, struct arena *arena, struct credentials *ret)
{
    char decoded[CREDENTIALS_LEN_MAX];
    size_t len;
    if (!base64_decode(text, decoded, sizeof decoded, &len))
        return;
    struct str secret = {decoded, len};
    struct str name = str_cut(&secret, ':');
    if (secret.at && name.len && str_is_utf8(name) && !str_has(name, '\0')) {
        ret->scheme = SCHEME_BASIC;
        ret->name = arena_copy(arena, name);
        sha256(secret, ret->secret_hash);
    }
    wipe(decoded, sizeof decoded);
}

void credentials_read(struct str text, struct arena *arena, struct credentials *ret)
{
    *ret = (struct credentials){.scheme = text.at ? SCHEME_WRONG : SCHEME_NONE};
    struct str rest = text;
    struct str scheme = str_cut(&rest, ' ');
    rest = str_trim(rest);
    if (!rest.len)
        return;
    if (str_eq_nocase(scheme, STR("Basic"))) {
        basic_read(rest, arena, ret);
    } else if (str_eq_nocase(scheme, STR("Bearer")) && rest.len <= CREDENTIALS_LEN_MAX) {
        ret->scheme = SCHEME_BEARER;
        sha256(rest, ret->secret_hash);
    }
}
