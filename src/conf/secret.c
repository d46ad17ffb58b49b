/* conf/secret.c - values that stand elsewhere: env:NAME, file:PATH, and files by their path. */
#include "conf/section.h"
#include "model/limits.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads at most `max` bytes of a regular file; `fd` stays the caller's. */
static enum err read_all(int fd, size_t max, struct arena *arena, struct str *ret, struct why *why)
{
    struct stat found;
    if (fstat(fd, &found) < 0)
        return why_set(why, ERR_IO, "%s", strerror(errno));
    if (!S_ISREG(found.st_mode))
        return why_set(why, ERR_INPUT, "not a regular file");
    if ((uint64_t)found.st_size > max)
        return why_set(why, ERR_LIMIT, "over %zu bytes", max);
    size_t size = (size_t)found.st_size, len = 0;
    char *text = arena_take(arena, size + 1);
    if (!text)
        return why_set(why, ERR_MEMORY, "out of memory");
    while (len < size) {
        ssize_t got = read(fd, text + len, size - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return why_set(why, ERR_IO, "%s", strerror(errno));
        if (!got)
            break;
        len += (size_t)got;
    }
    *ret = (struct str){text, len};
    return OK;
}

static enum err read_path(const char *path, size_t max, struct arena *arena, struct str *ret,
                          struct why *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return why_set(why, ERR_IO, "%s", strerror(errno));
    enum err err = read_all(fd, max, arena, ret, why);
    close(fd);
    return err;
}

/* The line end that an editor or `echo` leaves behind a secret. */
static struct str trim_line_end(struct str text)
{
    if (str_ends(text, STR("\n")))
        text.len--;
    if (str_ends(text, STR("\r")))
        text.len--;
    return text;
}

bool file_read(struct reader *reader, const struct yaml_node *node, size_t max, struct str *ret)
{
    struct str path, content = STR_NONE;
    struct why why;
    if (!node_text(reader, node, &path))
        return false;
    if (str_starts(path, STR("file:")))
        path = str_slice(path, 5, path.len);
    char *terminated = arena_text(&reader->config->arena, path);
    if (!terminated)
        return false;
    if (strlen(terminated) != path.len ||
        read_path(terminated, max, &reader->config->arena, &content, &why)) {
        node_fault(reader, node, "name a file that the server's user may read", "%.*s: %s",
                   STR_ARG(path), strlen(terminated) != path.len ? "not a path" : why.text);
        return false;
    }
    *ret = trim_line_end(content);
    if (!ret->len)
        node_fault(reader, node, "put the value into it", "%.*s is empty", STR_ARG(path));
    return ret->len > 0;
}

static bool environment_read(struct reader *reader, const struct yaml_node *node, struct str *ret)
{
    struct str name = str_slice(node->text, 4, node->text.len);
    char *terminated = arena_text(&reader->config->arena, name);
    const char *value = terminated ? getenv(terminated) : NULL;
    if (!value || !*value) {
        node_fault(reader, node, "set it for the server, or use file:PATH",
                   "the environment variable %.*s is %s", STR_ARG(name),
                   value ? "empty" : "not set");
        return false;
    }
    *ret = arena_copy(&reader->config->arena, str_of(value));
    return ret->at != NULL;
}

bool value_read(struct reader *reader, const struct yaml_node *node, bool secret, struct str *ret)
{
    struct str text;
    if (!node_text(reader, node, &text))
        return false;
    if (str_starts(text, STR("env:")))
        return environment_read(reader, node, ret);
    if (str_starts(text, STR("file:")))
        return file_read(reader, node, SECRET_BYTES_MAX, ret);
    if (secret && reader->exposed) {
        node_fault(reader, node, "write env:NAME or file:PATH",
                   "a secret stands in the file, and a listener is not on loopback");
        return false;
    }
    *ret = arena_copy(&reader->config->arena, text);
    return ret->at != NULL;
}
