/* check.c - see check.h. */
#include "check.h"
#include "net/tls.h"
#include "store/sqlite/sqlite_store.h"
#include <errno.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static void check_listener(const struct config_listener *listener, struct config_faults *faults)
{
    struct tls_context *context;
    struct why why;
    if (!listener->tls)
        return;
    if (tls_server_open(listener->cert, listener->key, &context, &why))
        config_fault_add(faults, listener->place, STR("name a certificate and the key it is for"),
                         "%s", why.text);
    else
        tls_context_close(context);
}

/* A store that is not there yet needs room for its reserve; one that is starts without it. */
static void check_room(const struct config *config, const char *path, struct config_faults *faults)
{
    char database[4096 + 16];
    struct statvfs found;
    uint64_t needed = sqlite_store_room(config->limits.disk_reserve);
    (void)snprintf(database, sizeof database, "%s/bongsu.db", config->store.path);
    if (access(database, F_OK) == 0 || statvfs(path, &found) < 0)
        return;
    uint64_t room = (uint64_t)found.f_bavail * found.f_frsize;
    if (room < needed)
        config_fault_add(faults, config->store.place,
                         STR("free some room, or make limits.disk_reserve smaller"),
                         "%s: %llu MiB are free, and a store needs %llu MiB to begin with", path,
                         (unsigned long long)(room >> 20), (unsigned long long)(needed >> 20));
}

/* The directory itself, or the nearest one above it that exists, must be writable. */
static void check_store(const struct config *config, struct config_faults *faults)
{
    const struct config_store *store = &config->store;
    char path[4096];
    struct stat found;
    if (!str_copy(str_of(store->path), path, sizeof path)) {
        config_fault_add(faults, store->place, STR("choose a shorter path"), "%s: too long",
                         store->path);
        return;
    }
    while (stat(path, &found) < 0 && errno == ENOENT) {
        char *slash = strrchr(path, '/');
        if (slash == path || !slash)
            (void)str_copy(slash ? STR("/") : STR("."), path, sizeof path);
        else
            *slash = 0;
    }
    errno = 0;
    if (stat(path, &found) == 0 && !S_ISDIR(found.st_mode))
        errno = ENOTDIR;
    if (errno || access(path, W_OK | X_OK) < 0)
        config_fault_add(faults, store->place, STR("give the server's user the directory"),
                         "%s: %s", path, strerror(errno));
    else
        check_room(config, path, faults);
}

static void check_roots(const struct config_provider *provider, struct config_faults *faults)
{
    struct tls_context *context;
    struct why why;
    struct str ca = provider_setting(&provider->open, STR("ca"));
    if (!ca.at)
        return;
    if (tls_client_open(ca, &context, &why))
        config_fault_add(faults, provider->place, STR("name a PEM file of root certificates"),
                         "provider %.*s: ca: %s", STR_ARG(provider->open.name), why.text);
    else
        tls_context_close(context);
}

enum err check_config(const struct config *config, struct config_faults *faults)
{
    uint32_t before = faults->count;
    for (uint32_t i = 0; i < config->listener_count; i++)
        check_listener(&config->listeners[i], faults);
    check_store(config, faults);
    for (uint32_t i = 0; i < config->provider_count; i++)
        check_roots(&config->providers[i], faults);
    return faults->count == before ? OK : ERR_INPUT;
}

void check_format(const char *path, const struct config_fault *fault, char into[CHECK_TEXT_MAX])
{
    char place[32] = "";
    if (fault->place.line)
        (void)snprintf(place, sizeof place, ":%u:%u", fault->place.line, fault->place.column);
    (void)snprintf(into, CHECK_TEXT_MAX, "%s%s: %.*s%s%.*s", path, place, STR_ARG(fault->what),
                   fault->remedy.len ? "; " : "", STR_ARG(fault->remedy));
}

void check_print(const char *path, const struct config_faults *faults, FILE *out)
{
    char text[CHECK_TEXT_MAX];
    for (uint32_t i = 0; i < faults->count; i++) {
        check_format(path, &faults->list[i], text);
        fprintf(out, "%s\n", text);
    }
}
