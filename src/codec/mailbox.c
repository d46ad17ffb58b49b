/* codec/mailbox.c - see mailbox.h. */
#include "codec/mailbox.h"
#include "model/limits.h"

enum { LOCAL_LEN_MAX = 64 }; /* RFC 5321 section 4.5.3.1.1 */

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Non-empty runs of the class, separated by single dots. */
static bool is_dotted(struct str text, const char *besides)
{
    bool need = true; /* a character of the class must follow */
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '.') {
            if (need)
                return false;
            need = true;
        } else {
            if (!is_alnum(c) && (!c || !strchr(besides, c)))
                return false;
            need = false;
        }
    }
    return !need;
}

bool mailbox_address_ok(struct str address)
{
    if (address.len > EMAIL_LEN_MAX)
        return false;
    struct str domain = address, local = str_cut(&domain, '@');
    return domain.at && local.len <= LOCAL_LEN_MAX && is_dotted(local, "!#$%&'*+-/=?^_`{|}~") &&
           is_dotted(domain, "-");
}

struct str mailbox_domain(struct str address)
{
    struct str rest = address;
    str_cut(&rest, '@');
    return rest;
}

/* "a \"b\"" as it stands between the quotes. */
static bool unquote(struct str text, struct arena *arena, struct str *ret)
{
    char *into = arena_take(arena, text.len + 1);
    if (!into)
        return false;
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '\\' && i + 1 < text.len)
            i++;
        into[len++] = text.at[i];
    }
    *ret = (struct str){into, len};
    return true;
}

static bool has_control(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f)
            return true;
    return false;
}

enum err mailbox_parse(struct str text, struct arena *arena, struct mailbox *ret, struct why *why)
{
    struct mailbox box = {.name = STR(""), .address = str_trim(text)};
    if (has_control(text) || !str_is_utf8(text))
        return why_set(why, ERR_INPUT, "a mail address must be one line of UTF-8 text");
    if (box.address.len && box.address.at[box.address.len - 1] == '>') {
        size_t open = box.address.len - 1;
        while (open > 0 && box.address.at[open] != '<')
            open--;
        box.name = str_trim(str_slice(box.address, 0, open));
        box.address =
            str_slice(box.address, open + (box.address.at[open] == '<'), box.address.len - 1);
    }
    bool quoted =
        box.name.len >= 2 && box.name.at[0] == '"' && box.name.at[box.name.len - 1] == '"';
    bool one = quoted || (!str_has(box.name, '<') && !str_has(box.name, '>'));
    if (!one || !mailbox_address_ok(box.address))
        return why_set(why, ERR_INPUT,
                       "'%.*s' is no mail address: write \"Name <local@domain>\" in ASCII, an "
                       "international domain as xn--",
                       STR_ARG(str_slice(text, 0, text.len < 100 ? text.len : 100)));
    if (quoted && !unquote(str_slice(box.name, 1, box.name.len - 1), arena, &box.name))
        return why_set(why, ERR_MEMORY, "no memory for a mail address");
    *ret = box;
    return OK;
}
