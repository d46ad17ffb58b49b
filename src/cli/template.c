/* cli/template.c - `template push`: a file becomes a new version. */
#include "cli/command.h"
#include <sysexits.h>

/* The file's name without its folder and ".json". */
static struct str name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    struct str name = str_of(slash ? slash + 1 : path);
    if (str_ends(name, STR(".json")))
        name.len -= 5;
    return name;
}

int command_template_push(struct cli *cli)
{
    const char *file = cli->args->operands[0], *given = args_value(cli->args, OPTION_NAME);
    const struct json *answer, *checked;
    struct str text;
    if (!given && str_eq(str_of(file), STR("-")))
        return cli_fail(cli, EX_USAGE, "standard input has no name: give --name");
    struct str name = given ? str_of(given) : name_of(file);
    int code = cli_read_file(cli, file, &text);
    if (!code)
        code = cli_check_json(cli, text, file, &checked);
    if (code)
        return code;
    struct str path =
        arena_printf(&cli->arena, "/v1/templates/%.*s", STR_ARG(cli_encoded(cli, name)));
    code = cli_call(cli, "PUT", path, text, &answer);
    if (code || cli_raw(cli, answer))
        return code;
    fputs("template ", cli->out);
    text_print(name, cli->out);
    fputs(", version ", cli->out);
    text_print(json_text(answer, "version"), cli->out);
    fputc('\n', cli->out);
    return 0;
}
