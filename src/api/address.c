/* api/address.c - see address.h. */
#include "api/address.h"
#include "codec/uri.h"
#include "model/check.h"
#include "model/limits.h"
#include <stdio.h>

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

struct str address_normal(struct arena *arena, enum channel channel, struct str address)
{
    struct str domain = address;
    (void)str_cut(&domain, '@');
    bool differs = false;
    for (size_t i = 0; i < domain.len; i++)
        differs = differs || is_upper(domain.at[i]);
    if (channel != CHANNEL_EMAIL || !differs)
        return address;
    char *copy = arena_text(arena, address);
    if (!copy)
        return STR_NONE;
    for (size_t i = address.len - domain.len; i < address.len; i++)
        if (is_upper(copy[i]))
            copy[i] = (char)(copy[i] - 'A' + 'a');
    return (struct str){copy, address.len};
}

bool endpoint_ok(struct str text)
{
    struct url url;
    if (https_url_ok(text))
        return true;
    return text.len <= ENDPOINT_LEN_MAX && url_parse(text, &url) &&
           url_has_scheme(&url, STR("http")) && url_is_loopback(&url);
}

bool token_ok(struct str text)
{
    return fcm_token_ok(text);
}

bool bundle_id_ok(struct str text)
{
    return name_ok(text) && !str_has(text, '@') && !str_has(text, ':');
}

bool timezone_known(struct str text)
{
    static const char magic[] = {'T', 'Z', 'i', 'f'};
    char path[sizeof "/usr/share/zoneinfo/" + TIMEZONE_LEN_MAX], found[sizeof magic];
    if (!timezone_ok(text))
        return false;
    (void)snprintf(path, sizeof path, "/usr/share/zoneinfo/%.*s", STR_ARG(text));
    FILE *file = fopen(path, "rbe");
    if (!file)
        return false;
    bool known = fread(found, 1, sizeof found, file) == sizeof found &&
                 memcmp(found, magic, sizeof magic) == 0;
    (void)fclose(file);
    return known;
}
