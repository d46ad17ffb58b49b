/* main.c - the command line's first step: what runs a node here, what talks to one in cli/. */
#include "check.h"
#include "cli/cli.h"
#include "cli/usage.h"
#include "node.h"
#include "store_command.h"
#include <stdlib.h>
#include <sysexits.h>

#define CONFIG_PATH_DEFAULT "/etc/bongsu/bongsu.yaml"

/* Loads and checks; every fault is on stderr if it returns NULL. */
static struct config *load(const char *path)
{
    struct config_faults faults;
    struct config *config = NULL;
    config_faults_init(&faults);
    enum err err = config_load(path, &faults, &config);
    if (!err)
        err = check_config(config, &faults);
    check_print(path, &faults, stderr);
    if (err == ERR_MEMORY)
        fputs("bongsu: out of memory\n", stderr);
    config_faults_done(&faults);
    if (!err)
        return config;
    config_free(config);
    return NULL;
}

static int serve(const struct args *args, const char *path)
{
    struct why why = {""};
    const char *format = args_value(args, OPTION_LOG_FORMAT);
    bool json = format && str_eq(str_of(format), STR("json"));
    if (format && !json && !str_eq(str_of(format), STR("text"))) {
        fputs("bongsu: --log-format is text or json\n", stderr);
        return EX_USAGE;
    }
    struct config *config = load(path);
    if (!config)
        return EX_CONFIG;
    struct node_options options = {path, json};
    int code = node_serve(config, &options, &why);
    if (code)
        fprintf(stderr, "bongsu: %s\n", why.text);
    return code;
}

static int check(const char *path)
{
    struct config *config = load(path);
    if (!config)
        return 1;
    printf("%s is good: listeners=%u providers=%u routes=%u\n", path, config->listener_count,
           config->provider_count, config->route_count);
    config_free(config);
    return 0;
}

static bool is_store(enum command command)
{
    return command == COMMAND_STORE_VERIFY || command == COMMAND_STORE_MIGRATE ||
           command == COMMAND_STORE_BACKUP || command == COMMAND_STORE_CONFIRM_EPOCH;
}

/* A server is meant, wherever its store is, if somebody named one and no configuration. */
static bool means_server(const struct args *args)
{
    bool can =
        args->command == COMMAND_STORE_BACKUP || args->command == COMMAND_STORE_CONFIRM_EPOCH;
    return args_has(args, OPTION_URL) ||
           (can && !args_has(args, OPTION_CONFIG) && getenv("BONGSU_URL"));
}

static int store(const struct args *args, const char *path)
{
    if (means_server(args))
        return cli_run(args, BONGSU_VERSION, stdout, stderr);
    struct config *config = load(path);
    if (!config)
        return EX_CONFIG;
    int code = store_command(args, config, stdout, stderr);
    config_free(config);
    return code;
}

/* What stands in no command's place: nothing, --help, --version. -1: it is a command line. */
static int without_command(int argc, char **argv)
{
    struct str first = argc > 1 ? str_of(argv[1]) : STR_NONE;
    if (!first.at) {
        usage_all(stderr);
        return EX_USAGE;
    }
    if (str_eq(first, STR("--help")) || str_eq(first, STR("-h")) || str_eq(first, STR("help"))) {
        usage_all(stdout);
        return 0;
    }
    if (str_eq(first, STR("--version"))) {
        puts("bongsu " BONGSU_VERSION);
        return 0;
    }
    return -1;
}

int main(int argc, char **argv)
{
    struct args args;
    struct why why;
    int code = without_command(argc, argv);
    if (code >= 0)
        return code;
    enum err err = args_parse(argc, argv, &args, &why);
    if (err) {
        fprintf(stderr, "bongsu: %s. See \"bongsu %s%s--help\".\n", why.text,
                err == ERR_INPUT ? command_rows[args.command].words : "",
                err == ERR_INPUT ? " " : "");
        return EX_USAGE;
    }
    const char *path = args_value(&args, OPTION_CONFIG);
    path = path ? path : CONFIG_PATH_DEFAULT;
    if (!args_has(&args, OPTION_HELP) && args.command == COMMAND_SERVE)
        return serve(&args, path);
    if (!args_has(&args, OPTION_HELP) && args.command == COMMAND_CHECK)
        return check(path);
    if (!args_has(&args, OPTION_HELP) && is_store(args.command))
        return store(&args, path);
    return cli_run(&args, BONGSU_VERSION, stdout, stderr);
}
