/* cli/steer.c - `queue pause`, `resume`, `move` and `unmove`: an operator's word over lanes. */
#include "cli/command.h"
#include "model/limits.h"
#include <sysexits.h>

static struct str path_of(struct cli *cli, const char *what)
{
    struct str channel = cli_encoded(cli, str_of(cli->args->operands[0]));
    return arena_printf(&cli->arena, "/v1/queues/%.*s/%s", STR_ARG(channel), what);
}

static void member(struct json_out *out, const char *name, const char *value)
{
    if (!value)
        return;
    json_name(out, str_of(name));
    json_str(out, str_of(value));
}

/* One POST with what the options say; `from` and `to` for a move, else NULL. */
static int say(struct cli *cli, const char *what, const char *from, const char *to,
               const struct json **ret)
{
    struct buf body;
    buf_init(&body, CLI_INPUT_BYTES_MAX);
    struct json_out out = json_out_to(&body);
    json_open(&out, '{');
    member(&out, "from", from);
    member(&out, "to", to);
    member(&out, "reason", args_value(cli->args, OPTION_REASON));
    member(&out, "expires_in", args_value(cli->args, OPTION_EXPIRES_IN));
    member(&out, "expires_at", args_value(cli->args, OPTION_EXPIRES_AT));
    json_close(&out, '}');
    int code = body.failed ? cli_memory(cli)
                           : cli_call_root(cli, "POST", path_of(cli, what), buf_str(&body), ret);
    buf_done(&body);
    return code;
}

static void until_print(struct cli *cli, const struct json *steer)
{
    struct str until = json_text(steer, "expires_at");
    if (until.at)
        fprintf(cli->out, " until %.*s\n", STR_ARG(until));
    else
        fputs(", until it is ended\n", cli->out);
}

int command_queue_pause(struct cli *cli)
{
    const struct json *answer;
    int code = say(cli, "pause", NULL, NULL, &answer);
    if (code || cli_raw(cli, answer))
        return code;
    fprintf(cli->out, "%s is paused, critical work too", cli->args->operands[0]);
    until_print(cli, json_get(answer, STR("paused")));
    return 0;
}

int command_queue_resume(struct cli *cli)
{
    const struct json *answer;
    int code = cli_call_root(cli, "POST", path_of(cli, "resume"), STR_NONE, &answer);
    if (code || cli_raw(cli, answer))
        return code;
    fprintf(cli->out, "%s goes on\n", cli->args->operands[0]);
    return 0;
}

int command_queue_move(struct cli *cli)
{
    const char *const *operands = cli->args->operands;
    const struct json *answer;
    int code = say(cli, "move", operands[1], operands[2], &answer);
    if (code || cli_raw(cli, answer))
        return code;
    fprintf(cli->out, "%s: what goes to %s goes to %s", operands[0], operands[1], operands[2]);
    until_print(cli, json_get(answer, STR("moved")));
    return 0;
}

int command_queue_unmove(struct cli *cli)
{
    const struct json *answer;
    struct str path = cli_with(cli, path_of(cli, "move"), "from", cli->args->operands[1]);
    int code = cli_call_root(cli, "DELETE", path, STR_NONE, &answer);
    if (!code && !args_has(cli->args, OPTION_JSON))
        fprintf(cli->out, "%s: %s has its own again\n", cli->args->operands[0],
                cli->args->operands[1]);
    return code;
}
