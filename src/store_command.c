/* store_command.c - see store_command.h. */
#include "store_command.h"
#include "cli/cli.h"
#include "runtime/system.h"
#include "store/sqlite/offline.h"
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

enum { PATH_BYTES_MAX = 8192, SAY_EVERY_S = 1 };

struct watch {
    FILE *out, *err;
    struct mono said;
};

static int failed(FILE *err, enum err code, const struct why *why)
{
    fprintf(err, "bongsu: %s\n", why->text);
    switch (code) {
    case ERR_CONFLICT:
        return EX_TEMPFAIL;
    case ERR_MISSING:
        return EX_NOINPUT;
    case ERR_INPUT:
        return EX_USAGE;
    case ERR_CORRUPT:
        return EX_DATAERR;
    case ERR_MEMORY:
        return EX_OSERR;
    default:
        return EX_IOERR;
    }
}

/* -- verify and migrate ----------------------------------------------------------------------- */

static void print_fault(void *self, const char *sentence)
{
    const struct watch *watch = self;
    fprintf(watch->out, "%s\n", sentence);
}

static void print_progress(void *self, const char *what, uint64_t done, uint64_t all)
{
    struct watch *watch = self;
    const struct clock clock = system_clock();
    struct mono now = clock_now(&clock).mono;
    if (mono_since(watch->said, now).us < span_s(SAY_EVERY_S).us)
        return;
    watch->said = now;
    if (all)
        fprintf(watch->err, "checking %s: %llu of %llu\n", what, (unsigned long long)done,
                (unsigned long long)all);
    else
        fprintf(watch->err, "checking %s\n", what);
}

static int verify(struct str directory, FILE *out, FILE *err)
{
    const struct clock clock = system_clock();
    struct watch watch = {out, err, clock_now(&clock).mono};
    const struct offline_watch told = {print_fault, print_progress, &watch};
    struct why why;
    uint64_t faults = 0;
    enum err code = offline_verify(directory, clock_now(&clock).wall, &told, &faults, &why);
    if (code)
        return failed(err, code, &why);
    if (faults)
        fprintf(out, "%llu faults\n", (unsigned long long)faults);
    else
        fputs("the store is good\n", out);
    return faults ? 1 : 0;
}

static int migrate(struct str directory, FILE *out, FILE *err)
{
    struct why why;
    uint32_t from, to;
    enum err code = offline_migrate(directory, &from, &to, &why);
    if (code)
        return failed(err, code, &why);
    if (from == to)
        fprintf(out, "the store has schema %u: nothing to do\n", to);
    else
        fprintf(out, "migrated from schema %u to %u\n", from, to);
    return 0;
}

/* -- what a running server can do itself ------------------------------------------------------ */

/* The server that has the store is the one of this configuration: where it listens and its root
 * key, unless the environment names others. They go no further than this process, which starts
 * none. */
static bool point_at_server(const struct config *config)
{
    const struct config_listener *listener = &config->listeners[0];
    char url[512], key[1024];
    struct str host = listener->host;
    if (str_eq(host, STR("0.0.0.0")))
        host = STR("127.0.0.1");
    if (str_eq(host, STR("::")))
        host = STR("::1");
    bool six = str_has(host, ':');
    (void)snprintf(url, sizeof url, "%s://%s%.*s%s:%u", listener->tls ? "https" : "http",
                   six ? "[" : "", STR_ARG(host), six ? "]" : "", listener->port);
    bool good = str_copy(config->root_key, key, sizeof key) &&
                setenv("BONGSU_ROOT_KEY", key, 0) == 0 &&
                (!listener->port || setenv("BONGSU_URL", url, 0) == 0);
    wipe(key, sizeof key);
    return good;
}

static int ask_server(const struct args *args, const struct config *config, FILE *out, FILE *err)
{
    if (!point_at_server(config)) {
        fputs("bongsu: cannot use this configuration to ask the server: set BONGSU_URL and "
              "BONGSU_ROOT_KEY\n",
              err);
        return EX_CONFIG;
    }
    return cli_run(args, BONGSU_VERSION, out, err);
}

static enum err backup(struct str directory, const char *file, FILE *out, struct why *why)
{
    char path[PATH_BYTES_MAX], here[PATH_BYTES_MAX / 2];
    bool fits = getcwd(here, sizeof here) != NULL;
    int len = snprintf(path, sizeof path, "%s%s%s", *file == '/' ? "" : here,
                       *file == '/' ? "" : "/", file);
    if (!fits || len < 0 || (size_t)len >= sizeof path)
        return why_set(why, ERR_INPUT, "the path is too long");
    enum err err = offline_backup(directory, str_of(path), why);
    if (err == OK)
        fprintf(out, "%s is written\n", path);
    return err;
}

static enum err confirm(struct str directory, FILE *out, struct why *why)
{
    const struct entropy entropy = system_entropy();
    bool was = false;
    enum err err = offline_confirm(directory, &entropy, &was, why);
    if (err == OK)
        fputs(was ? "confirmed: the next server to open it sends from it\n"
                  : "it was confirmed already\n",
              out);
    return err;
}

int store_command(const struct args *args, const struct config *config, FILE *out, FILE *err)
{
    struct str directory = str_of(config->store.path);
    struct why why;
    if (args->command == COMMAND_STORE_VERIFY)
        return verify(directory, out, err);
    if (args->command == COMMAND_STORE_MIGRATE)
        return migrate(directory, out, err);
    enum err code = args->command == COMMAND_STORE_BACKUP
                        ? backup(directory, args->operands[0], out, &why)
                        : confirm(directory, out, &why);
    if (code == ERR_CONFLICT)
        return ask_server(args, config, out, err);
    return code ? failed(err, code, &why) : 0;
}
