/* conf/config.c - the whole file: faults, the root's own keys, and what a configuration frees. */
#include "conf/config.h"
#include "conf/section.h"
#include "model/limits.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* -- faults ------------------------------------------------------------------------------------ */

void config_faults_init(struct config_faults *faults)
{
    *faults = (struct config_faults){0};
    arena_init(&faults->arena, 1024 * 1024);
}

void config_faults_done(struct config_faults *faults)
{
    arena_done(&faults->arena);
}

static bool before(struct config_place a, struct config_place b)
{
    return a.line != b.line ? a.line < b.line : a.column < b.column;
}

/* Keeps the list in the order of the file. */
void config_fault_add(struct config_faults *faults, struct config_place place, struct str remedy,
                      const char *what, ...)
{
    char text[2 * WHY_MAX];
    va_list args;
    va_start(args, what);
    vsnprintf(text, sizeof text, what, args);
    va_end(args);
    if (!faults->list)
        faults->list = arena_array(&faults->arena, struct config_fault, CONFIG_FAULTS_MAX);
    if (!faults->list || faults->count == CONFIG_FAULTS_MAX)
        return;
    uint32_t at = faults->count++;
    for (; at && before(place, faults->list[at - 1].place); at--)
        faults->list[at] = faults->list[at - 1];
    faults->list[at] = (struct config_fault){place, arena_copy(&faults->arena, str_of(text)),
                                             arena_copy(&faults->arena, remedy)};
}

/* -- the root's own keys ----------------------------------------------------------------------- */

void read_root_key(struct reader *reader, struct yaml_node *node, void *into)
{
    struct config *config = into;
    if (!value_read(reader, node, true, &config->root_key))
        return;
    if (config->root_key.len < ROOT_KEY_LEN_MIN)
        node_fault(reader, node, "make one: openssl rand -hex 32",
                   "root_key has %zu characters, and needs at least %d", config->root_key.len,
                   ROOT_KEY_LEN_MIN);
    for (size_t i = 0; i < config->root_key.len; i++)
        if (config->root_key.at[i] <= ' ' || config->root_key.at[i] > '~') {
            node_fault(reader, node, "make one: openssl rand -hex 32",
                       "root_key has a character that no header can carry");
            return;
        }
}

void read_roles(struct reader *reader, struct yaml_node *node, void *into)
{
    struct config *config = into;
    struct config_roles roles = {0};
    for (uint32_t i = 0; i < node_count(node); i++) {
        struct yaml_node *item = node_at(node, i);
        struct str role;
        if (!node_text(reader, item, &role))
            return;
        bool *flag = str_eq(role, STR("intake"))   ? &roles.intake
                     : str_eq(role, STR("worker")) ? &roles.worker
                                                   : NULL;
        if (!flag)
            node_fault(reader, item, "write intake, worker or both", "no role \"%.*s\"",
                       STR_ARG(role));
        else if (*flag)
            node_fault(reader, item, "keep one of them", "\"%.*s\" stands here twice",
                       STR_ARG(role));
        else
            *flag = true;
        if (!flag)
            return;
    }
    if (!roles.intake || !roles.worker)
        node_fault(reader, node, "write [intake, worker]",
                   "a node of one role needs a store that nodes share; not supported yet");
    config->roles = roles;
}

void read_store(struct reader *reader, struct yaml_node *node, void *into)
{
    struct config *config = into;
    struct str text;
    config->store.place = place_of(node);
    if (!node_text(reader, node, &text))
        return;
    if (str_starts(text, STR("postgres://")) || str_starts(text, STR("postgresql://"))) {
        node_fault(reader, node, "write sqlite:DIRECTORY",
                   "a store in PostgreSQL is not supported yet");
        return;
    }
    bool known = str_starts(text, STR("sqlite:"));
    struct str path = str_slice(text, known ? 7 : 0, text.len);
    if (!known || !path.len || memchr(path.at, 0, path.len)) {
        node_fault(reader, node, "write sqlite:DIRECTORY", "no store \"%.*s\"", STR_ARG(text));
        return;
    }
    config->store.kind = STORE_SQLITE;
    config->store.path = arena_text(&config->arena, path);
}

void read_queue(struct reader *reader, struct yaml_node *node, void *into)
{
    struct config *config = into;
    struct str text;
    if (!node_text(reader, node, &text))
        return;
    config->queue = QUEUE_EMBEDDED;
    if (str_eq(text, STR("postgres")) || str_starts(text, STR("amqp://")) ||
        str_starts(text, STR("amqps://")))
        node_fault(reader, node, "write embedded", "this queue is not supported yet");
    else if (!str_eq(text, STR("embedded")))
        node_fault(reader, node, "write embedded", "no queue \"%.*s\"", STR_ARG(text));
}

void read_retention(struct reader *reader, struct yaml_node *node, void *into)
{
    struct config_retention *retention = &((struct config *)into)->retention;
    uint32_t faults = reader->faults->count;
    if (!section_read(reader, SECTION_RETENTION, node, NULL, retention) ||
        reader->faults->count != faults)
        return; /* one fault is enough for one value */
    const struct yaml_node *events = section_item(node, STR("events"));
    if (!events)
        retention->events = retention->notifications;
    else if (retention->events.us != retention->notifications.us)
        node_fault(reader, events, "leave it out, or give notifications the same",
                   "events kept for another time than their notifications are not supported yet");
}

void read_limits(struct reader *reader, struct yaml_node *node, void *into)
{
    section_read(reader, SECTION_LIMITS, node, NULL, &((struct config *)into)->limits);
}

void read_retry(struct reader *reader, struct yaml_node *node, void *into)
{
    section_read(reader, SECTION_PRIORITIES, node, NULL, into);
}

void retry_read(struct reader *reader, struct yaml_node *node, struct config_retry *ret)
{
    if (section_read(reader, SECTION_RETRY, node, NULL, ret) && ret->first.us > ret->max.us)
        node_fault(reader, node, "make max the larger one", "first is longer than max");
}

/* -- the whole --------------------------------------------------------------------------------- */

static void set_defaults(struct config *config)
{
    static const struct config_listener listener = {.address = STR_INIT("127.0.0.1:8080"),
                                                    .host = STR_INIT("127.0.0.1"),
                                                    .port = 8080,
                                                    .loopback = true,
                                                    .place = {1, 1}};
    config->listeners = &listener;
    config->listener_count = 1;
    config->roles = (struct config_roles){true, true};
    section_defaults(SECTION_RETENTION, &config->retention);
    section_defaults(SECTION_LIMITS, &config->limits);
    struct span span;
    uint64_t count;
#define RETRY_DEFAULT(priority, first_, max_, attempts_)                                           \
    must(span_parse(STR(first_), &span));                                                          \
    config->retry[priority].first = span;                                                          \
    must(span_parse(STR(max_), &span));                                                            \
    config->retry[priority].max = span;                                                            \
    must(str_to_u64(STR(attempts_), &count));                                                      \
    config->retry[priority].attempts = count;
#include "conf/config.def"
}

static enum err parse_into(struct config *config, struct str text, struct config_faults *faults,
                           struct arena *scratch)
{
    struct reader reader = {config, faults, false};
    struct yaml_node *root;
    struct yaml_fault fault;
    enum err err = yaml_read(text, scratch, &root, &fault);
    if (err == ERR_INPUT)
        config_fault_add(faults, (struct config_place){fault.line, fault.column}, STR_NONE, "%s",
                         fault.why.text);
    if (err)
        return err;
    section_read(&reader, SECTION_ROOT, root, NULL, config);
    yaml_wipe(root);
    if (config->arena.failed)
        return ERR_MEMORY;
    return faults->count ? ERR_INPUT : OK;
}

enum err config_parse(struct str text, const char *path, struct config_faults *faults,
                      struct config **ret)
{
    struct arena scratch;
    struct config *config = calloc(1, sizeof *config);
    if (!config)
        return ERR_MEMORY;
    arena_init(&config->arena, CONFIG_ARENA_BYTES_MAX);
    arena_init(&scratch, CONFIG_ARENA_BYTES_MAX);
    config->path = arena_text(&config->arena, str_of(path));
    set_defaults(config);
    enum err err = parse_into(config, text, faults, &scratch);
    arena_done(&scratch);
    if (err) {
        config_free(config);
        return err;
    }
    *ret = config;
    return OK;
}

static enum err fail_file(struct config_faults *faults, const char *what)
{
    config_fault_add(faults, (struct config_place){0, 0}, STR("name a readable file with -c FILE"),
                     "%s", what);
    return ERR_INPUT;
}

static enum err read_fd(int fd, struct buf *into)
{
    for (;;) {
        if (!buf_reserve(into, 4096))
            return ERR_LIMIT;
        ssize_t got = read(fd, into->at + into->len, 4096);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ERR_IO;
        if (!got)
            return OK;
        into->len += (size_t)got;
    }
}

enum err config_load(const char *path, struct config_faults *faults, struct config **ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_file(faults, strerror(errno));
    struct buf text;
    buf_init(&text, CONFIG_BYTES_MAX);
    enum err err = read_fd(fd, &text);
    if (err)
        err = fail_file(faults, err == ERR_IO ? strerror(errno) : "over 1 MiB");
    else
        err = config_parse(buf_str(&text), path, faults, ret);
    close(fd);
    if (text.cap)
        wipe(text.at, text.cap);
    buf_done(&text);
    return err;
}

static void wipe_str(struct str secret)
{
    if (secret.len)
        wipe((char *)(uintptr_t)secret.at, secret.len);
}

/* Every copy that was made into the arena is what a struct str points at. */
void config_free(struct config *config)
{
    if (!config)
        return;
    wipe_str(config->root_key);
    for (uint32_t i = 0; i < config->listener_count; i++)
        wipe_str(config->listeners[i].key);
    for (uint32_t i = 0; i < config->provider_count; i++) {
        const struct config_provider *provider = &config->providers[i];
        for (uint32_t j = 0; j < provider->open.setting_count; j++)
            wipe_str(provider->open.settings[j].value);
    }
    arena_done(&config->arena);
    free(config);
}
