/* cli/cli.c - from a parsed command line to the function that answers it. */
#include "cli/cli.h"
#include "cli/command.h"
#include "cli/usage.h"
#include <sysexits.h>

static int (*const commands[COMMAND_COUNT])(struct cli *cli) = {
    [COMMAND_SEND] = command_send,
    [COMMAND_STATUS] = command_status,
    [COMMAND_QUEUE] = command_queue,
    [COMMAND_QUEUE_PAUSE] = command_queue_pause,
    [COMMAND_QUEUE_RESUME] = command_queue_resume,
    [COMMAND_QUEUE_MOVE] = command_queue_move,
    [COMMAND_QUEUE_UNMOVE] = command_queue_unmove,
    [COMMAND_PROVIDER] = command_provider,
    [COMMAND_DOCTOR] = command_doctor,
    [COMMAND_DLQ_LIST] = command_dlq_list,
    [COMMAND_DLQ_REDRIVE] = command_dlq_redrive,
    [COMMAND_DLQ_DELETE] = command_dlq_delete,
    [COMMAND_TEMPLATE_PUSH] = command_template_push,
    [COMMAND_APP_CREATE] = command_app_create,
    [COMMAND_APP_LIST] = command_app_list,
    [COMMAND_APP_DELETE] = command_app_delete,
    [COMMAND_KEY_CREATE] = command_key_create,
    [COMMAND_KEY_LIST] = command_key_list,
    [COMMAND_KEY_REVOKE] = command_key_revoke,
    [COMMAND_STORE_BACKUP] = command_store_backup,
    [COMMAND_STORE_CONFIRM_EPOCH] = command_store_confirm_epoch,
    [COMMAND_OPENAPI] = command_openapi,
};

static int run_remote(const struct args *args, FILE *out, FILE *err)
{
    struct cli cli;
    int code = cli_open(&cli, args, out, err);
    must(commands[args->command] != NULL);
    if (!code)
        code = commands[args->command](&cli);
    cli_close(&cli);
    return code;
}

static int run_completion(const struct args *args, FILE *out, FILE *err)
{
    if (completion_print(str_of(args->operands[0]), out))
        return 0;
    fprintf(err, "bongsu: no completion for \"%s\": bash, zsh and fish are known\n",
            args->operands[0]);
    return EX_USAGE;
}

int cli_run(const struct args *args, const char *version, FILE *out, FILE *err)
{
    int code = 0;
    if (args_has(args, OPTION_HELP))
        usage_command(args->command, out);
    else if (args->command == COMMAND_VERSION)
        fprintf(out, "bongsu %s\n", version);
    else if (args->command == COMMAND_COMPLETION)
        code = run_completion(args, out, err);
    else
        code = run_remote(args, out, err);
    if (fflush(out) || ferror(out)) {
        fputs("bongsu: the output cannot be written\n", err);
        return EX_IOERR;
    }
    return code;
}
