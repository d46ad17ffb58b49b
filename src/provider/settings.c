/* provider/settings.c - see settings.h. */
#include "provider/settings.h"
#include <stdlib.h>

enum { KEEP_BESIDES = 4096 }; /* defaults, and what drivers put around their settings */

struct str provider_setting(const struct provider_config *config, struct str name)
{
    for (uint32_t i = 0; i < config->setting_count; i++)
        if (str_eq(config->settings[i].name, name))
            return config->settings[i].value;
    return STR_NONE;
}

enum err keep_init(struct keep *keep, const struct provider_config *config, struct why *why)
{
    size_t size = config->name.len + config->public_url.len;
    for (uint32_t i = 0; i < config->setting_count; i++)
        size += config->settings[i].value.len;
    keep->used = 0;
    keep->size = KEEP_BESIDES + 3 * size;
    keep->at = malloc(keep->size);
    return keep->at ? OK : why_set(why, ERR_MEMORY, "no memory for a provider");
}

void keep_done(struct keep *keep)
{
    if (keep->at)
        wipe(keep->at, keep->size);
    free(keep->at);
    *keep = (struct keep){0};
}

struct str keep_str(struct keep *keep, struct str text)
{
    if (!text.at)
        return STR_NONE;
    must(text.len <= keep->size - keep->used);
    char *at = keep->at + keep->used;
    memcpy(at, text.at, text.len);
    keep->used += text.len;
    return (struct str){at, text.len};
}

struct str keep_buf(struct keep *keep, struct buf *buf)
{
    struct str kept = keep_str(keep, buf_str(buf));
    if (buf->at)
        wipe(buf->at, buf->cap);
    buf_done(buf);
    return kept;
}

enum err setting_need(const struct provider_config *config, struct str name, const char *what,
                      struct str *ret, struct why *why)
{
    struct str value = provider_setting(config, name);
    if (!value.len)
        return why_set(why, ERR_INPUT, "`%.*s` is missing: set it to %s", STR_ARG(name), what);
    *ret = value;
    return OK;
}

enum err setting_word(const struct provider_config *config, struct str name, struct why *why)
{
    struct str value = provider_setting(config, name);
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] <= ' ' || value.at[i] > '~')
            return why_set(why, ERR_INPUT,
                           "`%.*s` holds a space, a line end or a letter outside ASCII: write it "
                           "without, and check for a line end in the file or variable it is from",
                           STR_ARG(name));
    return OK;
}

enum err service_check(struct str name, struct str text, struct url *ret, struct why *why)
{
    struct url url;
    if (!url_parse(text, &url))
        return why_set(why, ERR_INPUT,
                       "`%.*s` is no URL: write it as https://host[:port], without user or "
                       "fragment",
                       STR_ARG(name));
    bool plain = url_has_scheme(&url, STR("http"));
    if (!plain && !url_has_scheme(&url, STR("https")))
        return why_set(why, ERR_INPUT, "`%.*s` has the scheme %.*s: write https://", STR_ARG(name),
                       STR_ARG(url.scheme));
    if (plain && !url_is_loopback(&url))
        return why_set(why, ERR_INPUT,
                       "`%.*s` is plain http to %.*s: write https://; http is for loopback only",
                       STR_ARG(name), STR_ARG(url.host));
    *ret = url;
    return OK;
}

enum err setting_service(const struct provider_config *config, struct str name, struct str fallback,
                         struct keep *keep, struct service *ret, struct why *why)
{
    struct str text = provider_setting(config, name);
    struct url url;
    enum err err = service_check(name, text.len ? text : fallback, &url, why);
    if (err)
        return err;
    if (str_has(url.path, '?'))
        return why_set(why, ERR_INPUT, "`%.*s` has a query: write it without what follows the '?'",
                       STR_ARG(name));
    while (url.path.len && url.path.at[url.path.len - 1] == '/')
        url.path.len--;
    *ret = (struct service){.origin = keep_str(keep, url.origin),
                            .prefix = keep_str(keep, url.path.len ? url.path : STR("")),
                            .plain = url_has_scheme(&url, STR("http")),
                            .loopback = url_is_loopback(&url)};
    return OK;
}
