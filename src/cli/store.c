/* cli/store.c - `store backup` and `store confirm-epoch`, of a server that runs. */
#include "cli/command.h"
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { POLL_MS = 200, PATH_BYTES_MAX = 8192 };

/* The server may have been started elsewhere: it needs an absolute path. */
static struct str absolute(struct cli *cli, const char *file)
{
    char here[PATH_BYTES_MAX];
    if (*file == '/')
        return str_of(file);
    return getcwd(here, sizeof here) ? arena_printf(&cli->arena, "%s/%s", here, file) : STR_NONE;
}

static int ask(struct cli *cli, struct str file, const struct json **ret)
{
    struct buf body;
    buf_init(&body, 2 * PATH_BYTES_MAX);
    struct json_out out = json_out_to(&body);
    json_open(&out, '{');
    json_name(&out, STR("file"));
    json_str(&out, file);
    json_close(&out, '}');
    int code = body.failed || !file.at
                   ? cli_fail(cli, EX_DATAERR, "the path is too long")
                   : cli_call_root(cli, "POST", STR("/v1/store/backup"), buf_str(&body), ret);
    buf_done(&body);
    return code;
}

/* Follows it to its end; the last answer's backup. */
static int follow(struct cli *cli, const struct json **answer, const struct json **ret)
{
    const struct timespec pause = {0, POLL_MS * 1000000};
    for (;;) {
        *ret = json_get(*answer, STR("backup"));
        if (!str_eq(json_text(*ret, "state"), STR("running")))
            return 0;
        if (isatty(STDERR_FILENO))
            fprintf(cli->err, "\r%.*s of %.*s pages", STR_ARG(json_text(*ret, "pages_done")),
                    STR_ARG(json_text(*ret, "pages")));
        (void)nanosleep(&pause, NULL);
        int code = cli_call_root(cli, "GET", STR("/v1/store"), STR_NONE, answer);
        if (code)
            return code;
    }
}

int command_store_backup(struct cli *cli)
{
    const struct json *answer, *backup = NULL;
    int code = ask(cli, absolute(cli, cli->args->operands[0]), &answer);
    if (!code)
        code = follow(cli, &answer, &backup);
    if (code)
        return code;
    if (isatty(STDERR_FILENO))
        fputs("\r", cli->err);
    if (!str_eq(json_text(backup, "state"), STR("done")))
        return cli_fail(cli, EX_IOERR, "%.*s", STR_ARG(json_text(backup, "error")));
    if (!cli_raw(cli, answer))
        fprintf(cli->out, "%.*s is written\n", STR_ARG(json_text(backup, "file")));
    return 0;
}

int command_store_confirm_epoch(struct cli *cli)
{
    const struct json *answer;
    int code = cli_call_root(cli, "POST", STR("/v1/store/confirm-epoch"), STR_NONE, &answer);
    if (code || cli_raw(cli, answer))
        return code;
    fputs(json_is(json_get(answer, STR("was_confirmed")), JSON_TRUE)
              ? "it was confirmed already\n"
              : "confirmed: this server sends from it now\n",
          cli->out);
    return 0;
}
