/* cli/admin.c - `app` and `key`: what the root key is for; `openapi`. */
#include "cli/command.h"
#include "cli/list.h"
#include <sysexits.h>

static struct str operand(struct cli *cli, int i)
{
    return cli_encoded(cli, str_of(cli->args->operands[i]));
}

int command_app_create(struct cli *cli)
{
    const struct json *answer;
    struct buf body;
    buf_init(&body, 4096);
    struct json_out out = json_out_to(&body);
    json_open(&out, '{');
    json_name(&out, STR("name"));
    json_str(&out, str_of(cli->args->operands[0]));
    json_close(&out, '}');
    int code = body.failed ? cli_fail(cli, EX_DATAERR, "the name is too long")
                           : cli_call_root(cli, "POST", STR("/v1/apps"), buf_str(&body), &answer);
    buf_done(&body);
    if (!code && !cli_raw(cli, answer)) {
        fputs("app ", cli->out);
        text_print(json_text(answer, "id"), cli->out);
        fputs(" is made\n", cli->out);
    }
    return code;
}

int command_app_list(struct cli *cli)
{
    static const char *const heads[] = {"APP", "CREATED", NULL};
    static const char *const members[] = {"id", "created_at", NULL};
    struct cli_list list;
    int code = cli_list(cli, true, STR("/v1/apps?limit=200"), &list);
    if (!code && !cli_raw(cli, list.first))
        cli_print_list(cli, &list, heads, members);
    return code;
}

int command_app_delete(struct cli *cli)
{
    const struct json *answer;
    if (!args_has(cli->args, OPTION_YES))
        return cli_fail(cli, EX_USAGE,
                        "this stops all keys of %s and erases all that belongs to it: say --yes",
                        cli->args->operands[0]);
    struct str path = arena_printf(&cli->arena, "/v1/apps/%.*s", STR_ARG(operand(cli, 0)));
    int code = cli_call_root(cli, "DELETE", path, STR_NONE, &answer);
    if (!code && !cli_raw(cli, answer))
        fprintf(cli->out, "app %s is deleted: its keys have stopped, the rest is being erased\n",
                cli->args->operands[0]);
    return code;
}

static void key_body(const struct args *args, struct buf *body)
{
    struct json_out out = json_out_to(body);
    struct str scopes = str_of(args_value(args, OPTION_SCOPE));
    const char *mode = args_value(args, OPTION_MODE);
    const char *expires = args_value(args, OPTION_EXPIRES_AT);
    json_open(&out, '{');
    json_name(&out, STR("scopes"));
    json_open(&out, '[');
    if (!scopes.at)
        scopes = STR("send,manage,read");
    while (scopes.at)
        json_str(&out, str_trim(str_cut(&scopes, ',')));
    json_close(&out, ']');
    json_name(&out, STR("mode"));
    json_str(&out, mode ? str_of(mode) : STR("live"));
    if (expires) {
        json_name(&out, STR("expires_at"));
        json_str(&out, str_of(expires));
    }
    json_close(&out, '}');
}

int command_key_create(struct cli *cli)
{
    const struct json *answer;
    struct buf body;
    buf_init(&body, 4096);
    key_body(cli->args, &body);
    struct str path = arena_printf(&cli->arena, "/v1/apps/%.*s/keys", STR_ARG(operand(cli, 0)));
    int code = body.failed ? cli_fail(cli, EX_DATAERR, "the options are too long")
                           : cli_call_root(cli, "POST", path, buf_str(&body), &answer);
    buf_done(&body);
    if (code || cli_raw(cli, answer))
        return code;
    fputs("BONGSU_APP_KEY=", cli->out);
    text_print(json_text(answer, "app_key"), cli->out);
    fputs("\nBONGSU_APP_SECRET=", cli->out);
    text_print(json_text(answer, "app_secret"), cli->out);
    fputc('\n', cli->out);
    fputs("The secret is shown this once. Set both in the environment, or write them into "
          "~/.config/bongsu/config.\n",
          cli->err);
    return 0;
}

int command_key_list(struct cli *cli)
{
    static const char *const heads[] = {"KEY", "MODE", "SCOPES", "CREATED", "EXPIRES", NULL};
    static const char *const members[] = {"app_key",    "mode",       "scopes",
                                          "created_at", "expires_at", NULL};
    struct cli_list list;
    struct str path =
        arena_printf(&cli->arena, "/v1/apps/%.*s/keys?limit=200", STR_ARG(operand(cli, 0)));
    int code = cli_list(cli, true, path, &list);
    if (!code && !cli_raw(cli, list.first))
        cli_print_list(cli, &list, heads, members);
    return code;
}

int command_key_revoke(struct cli *cli)
{
    const struct json *answer;
    struct str path = arena_printf(&cli->arena, "/v1/apps/%.*s/keys/%.*s", STR_ARG(operand(cli, 0)),
                                   STR_ARG(operand(cli, 1)));
    int code = cli_call_root(cli, "DELETE", path, STR_NONE, &answer);
    if (!code && !cli_raw(cli, answer))
        fprintf(cli->out, "key %s is revoked\n", cli->args->operands[1]);
    return code;
}

int command_openapi(struct cli *cli)
{
    const struct json *answer;
    int code = cli_call_anyone(cli, "GET", STR("/openapi.json"), &answer);
    if (!code && answer)
        fprintf(cli->out, "%.*s\n", STR_ARG(answer->raw));
    return code;
}
