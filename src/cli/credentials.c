/* cli/credentials.c - see credentials.h. */
#include "cli/credentials.h"
#include "model/limits.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum err credentials_parse(struct str text, struct credentials *credentials, struct why *why)
{
    const struct {
        struct str name;
        struct str *value;
    } known[] = {{STR("url"), &credentials->url},
                 {STR("app_key"), &credentials->app_key},
                 {STR("app_secret"), &credentials->app_secret},
                 {STR("root_key"), &credentials->root_key}};
    for (unsigned line = 1; text.at; line++) {
        struct str value = str_cut(&text, '\n'), name;
        if (str_ends(value, STR("\r")))
            value.len--;
        value = str_trim(value);
        if (!value.len || value.at[0] == '#')
            continue;
        name = str_trim(str_cut(&value, '='));
        size_t i = 0;
        while (i < 4 && !str_eq(name, known[i].name))
            i++;
        if (!value.at || i == 4)
            return why_set(
                why, ERR_INPUT,
                "line %u: not \"name = value\" with url, app_key, app_secret or root_key", line);
        *known[i].value = str_trim(value);
    }
    return OK;
}

static enum err read_fd(int fd, const char *path, struct arena *arena, struct str *ret,
                        struct why *why)
{
    struct stat found;
    if (fstat(fd, &found) < 0)
        return why_set(why, ERR_IO, "%s: %s", path, strerror(errno));
    if (found.st_mode & (S_IRWXG | S_IRWXO))
        return why_set(why, ERR_DENIED, "%s holds secrets and others may read it: chmod 600 it",
                       path);
    if (!S_ISREG(found.st_mode) || found.st_size > SECRET_BYTES_MAX)
        return why_set(why, ERR_INPUT, "%s is not a small regular file", path);
    char *text = arena_take(arena, (size_t)found.st_size + 1);
    ssize_t got = text ? read(fd, text, (size_t)found.st_size) : -1;
    if (got < 0)
        return why_set(why, ERR_IO, "%s: %s", path, text ? strerror(errno) : "out of memory");
    *ret = (struct str){text, (size_t)got};
    return OK;
}

static enum err read_file(struct arena *arena, struct credentials *credentials, struct why *why)
{
    const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    struct str path = base && *base ? arena_printf(arena, "%s/bongsu/config", base)
                      : home        ? arena_printf(arena, "%s/.config/bongsu/config", home)
                                    : STR_NONE;
    char *terminated = path.at ? arena_text(arena, path) : NULL;
    int fd = terminated ? open(terminated, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return OK; /* none is needed */
    struct str text;
    struct why inner;
    enum err err = read_fd(fd, terminated, arena, &text, why);
    close(fd);
    if (err)
        return err;
    err = credentials_parse(text, credentials, &inner);
    return err ? why_set(why, err, "%s: %s", terminated, inner.text) : OK;
}

static void override(struct str *value, const char *from)
{
    if (from && *from)
        *value = str_of(from);
}

enum err credentials_load(const char *url, struct arena *arena, struct credentials *ret,
                          struct why *why)
{
    struct credentials credentials = {.url = STR("http://127.0.0.1:8080")};
    enum err err = read_file(arena, &credentials, why);
    if (err)
        return err;
    const char *key = getenv("BONGSU_APP_KEY"), *secret = getenv("BONGSU_APP_SECRET");
    if ((key && *key) != (secret && *secret))
        return why_set(why, ERR_INPUT, "set BONGSU_APP_KEY and BONGSU_APP_SECRET, or neither");
    override(&credentials.app_key, key);
    override(&credentials.app_secret, secret);
    override(&credentials.root_key, getenv("BONGSU_ROOT_KEY"));
    override(&credentials.url, getenv("BONGSU_URL"));
    override(&credentials.url, url);
    while (str_ends(credentials.url, STR("/")))
        credentials.url.len--;
    if (!str_starts(credentials.url, STR("http://")) &&
        !str_starts(credentials.url, STR("https://")))
        return why_set(why, ERR_INPUT,
                       "the server's URL begins with http:// or https://, not \"%.*s\"",
                       STR_ARG(credentials.url));
    /* Copies of our own, so that credentials_wipe does not write into the environment. */
    ret->url = arena_copy(arena, credentials.url);
    ret->app_key = arena_copy(arena, credentials.app_key);
    ret->app_secret = arena_copy(arena, credentials.app_secret);
    ret->root_key = arena_copy(arena, credentials.root_key);
    return arena->failed ? why_set(why, ERR_MEMORY, "out of memory") : OK;
}

void credentials_wipe(struct credentials *credentials)
{
    const struct str secrets[] = {credentials->app_secret, credentials->root_key};
    for (size_t i = 0; i < 2; i++)
        if (secrets[i].len)
            wipe((char *)(uintptr_t)secrets[i].at, secrets[i].len);
    *credentials = (struct credentials){0};
}
