/* cli/dlq.c - `dlq`: what has come to nothing, and what becomes of it. */
#include "cli/command.h"
#include "cli/list.h"
#include "model/limits.h"
#include <sysexits.h>
#include <unistd.h>

enum { STEP = 5000 }; /* of a redrive, between two words of progress */

/* One name, or nothing: the server's filters take no lists. */
static int one_channel(struct cli *cli, const char **ret)
{
    int given = 0;
    for (int i = 0; i < cli->args->option_count; i++)
        given += cli->args->options[i].option == OPTION_CHANNEL;
    *ret = args_value(cli->args, OPTION_CHANNEL);
    return given > 1 ? cli_fail(cli, EX_USAGE, "name one --channel here") : 0;
}

int command_dlq_list(struct cli *cli)
{
    static const char *const heads[] = {"DELIVERY", "CHANNEL",  "KIND",   "USER",  "ADDRESS",
                                        "PROVIDER", "ATTEMPTS", "REASON", "SINCE", NULL};
    static const char *const members[] = {"id",       "channel",  "kind",   "user_id",    "address",
                                          "provider", "attempts", "reason", "updated_at", NULL};
    struct cli_list list;
    const char *channel;
    int code = one_channel(cli, &channel);
    if (code)
        return code;
    struct str path = cli_with(cli, STR("/v1/dead-letters?limit=200"), "channel", channel);
    path = cli_with(cli, path, "reason", args_value(cli->args, OPTION_REASON));
    path = cli_with(cli, path, "since", args_value(cli->args, OPTION_SINCE));
    path = cli_with(cli, path, "until", args_value(cli->args, OPTION_UNTIL));
    code = cli_list(cli, false, path, &list);
    if (code || cli_raw(cli, list.first))
        return code;
    cli_print_list(cli, &list, heads, members);
    return 0;
}

/* ---------------------------------------------------------------------------- what is asked ----
 */

static void member(struct json_out *out, const char *name, const char *value)
{
    if (!value)
        return;
    json_name(out, str_of(name));
    json_str(out, str_of(value));
}

static void choice(const struct args *args, const char *channel, struct json_out *out)
{
    if (args->operand_count) {
        json_name(out, STR("ids"));
        json_open(out, '[');
        for (int i = 0; i < args->operand_count; i++)
            json_str(out, str_of(args->operands[i]));
        json_close(out, ']');
        return;
    }
    json_name(out, STR("filter"));
    json_open(out, '{');
    member(out, "channel", channel);
    member(out, "reason", args_value(args, OPTION_REASON));
    member(out, "since", args_value(args, OPTION_SINCE));
    member(out, "until", args_value(args, OPTION_UNTIL));
    json_close(out, '}');
}

/* Which ones, by ids or by --all with filters; nobody means all by saying nothing. */
static int check_choice(struct cli *cli, const char **ret_channel)
{
    const struct args *args = cli->args;
    int code = one_channel(cli, ret_channel);
    bool filtered = *ret_channel || args_has(args, OPTION_REASON) || args_has(args, OPTION_SINCE) ||
                    args_has(args, OPTION_UNTIL);
    if (code)
        return code;
    if (args->operand_count && (filtered || args_has(args, OPTION_ALL)))
        return cli_fail(cli, EX_USAGE, "name ids, or --all with filters, not both");
    if (!args->operand_count && !args_has(args, OPTION_ALL))
        return cli_fail(cli, EX_USAGE, "name ids, or say --all");
    return 0;
}

/* What one call of a redrive asks for. */
struct asked {
    const char *channel;
    bool preview;
    uint64_t rate;     /* 0: none */
    bool in_steps;     /* a filter's, with progress */
    struct str cursor; /* absent: from the start */
};

static int ask(struct cli *cli, const char *method, struct str path, const struct asked *asked,
               const struct json **ret)
{
    struct buf body;
    buf_init(&body, CLI_INPUT_BYTES_MAX);
    struct json_out out = json_out_to(&body);
    json_open(&out, '{');
    choice(cli->args, asked->channel, &out);
    if (!asked->preview)
        member(&out, "reason", args_value(cli->args, OPTION_WHY)); /* only `delete` takes one */
    if (asked->preview) {
        json_name(&out, STR("preview"));
        json_bool(&out, true);
    }
    if (asked->rate) {
        json_name(&out, STR("rate"));
        json_i64(&out, (int64_t)asked->rate);
    }
    if (asked->in_steps) {
        json_name(&out, STR("limit"));
        json_i64(&out, STEP);
    }
    if (asked->cursor.at) {
        json_name(&out, STR("cursor"));
        json_str(&out, asked->cursor);
    }
    json_close(&out, '}');
    int code = body.failed ? cli_memory(cli) : cli_call(cli, method, path, buf_str(&body), ret);
    buf_done(&body);
    return code;
}

static int64_t number(const struct json *answer, const char *name)
{
    int64_t value = 0;
    const struct json *found = json_get(answer, str_of(name));
    return json_is(found, JSON_NUMBER) && json_to_i64(found, &value) ? value : 0;
}

static bool is_true(const struct json *answer, const char *name)
{
    return json_is(json_get(answer, str_of(name)), JSON_TRUE);
}

/* How many there are; nothing is changed. */
static int preview(struct cli *cli, const char *method, struct str path, const char *channel,
                   const struct json **ret)
{
    const struct asked asked = {.channel = channel, .preview = true};
    return ask(cli, method, path, &asked, ret);
}

static int show_preview(struct cli *cli, const char *method, struct str path, const char *channel)
{
    const struct json *answer;
    int code = preview(cli, method, path, channel, &answer);
    if (code || cli_raw(cli, answer))
        return code;
    fprintf(cli->out, "%s%lld matching\n", is_true(answer, "exact") ? "" : "more than ",
            (long long)number(answer, "matching"));
    return 0;
}

/* -------------------------------------------------------------------------------- redriving ----
 */

/* What one call redrove, and the ids that it left alone. */
static int64_t take_redriven(struct cli *cli, const struct json *answer)
{
    const struct json *skipped = json_get(answer, STR("skipped"));
    for (uint32_t i = 0; json_is(skipped, JSON_ARRAY) && i < skipped->count; i++) {
        text_print(skipped->items[i].text, cli->out);
        fputs(": not a dead letter\n", cli->out);
    }
    return number(answer, "redriven");
}

/* Again while the server says that there are more. */
static int redrive_all(struct cli *cli, struct asked *asked)
{
    const struct json *answer;
    struct str last = STR_NONE;
    int64_t count = 0;
    do {
        int code = ask(cli, "POST", STR("/v1/dead-letters/redrive"), asked, &answer);
        if (code)
            return code;
        if (cli_raw(cli, answer))
            return 0;
        count += take_redriven(cli, answer);
        asked->cursor = json_text(answer, "next_cursor");
        struct str due = json_text(answer, "last_due_at");
        last = due.at ? due : last;
        if (asked->cursor.at && isatty(STDERR_FILENO))
            fprintf(cli->err, "\r%lld redriven", (long long)count);
    } while (is_true(answer, "more") && asked->cursor.at);
    if (asked->in_steps && isatty(STDERR_FILENO))
        fputs("\r", cli->err);
    fprintf(cli->out, "%lld redriven", (long long)count);
    if (asked->rate && last.at)
        fprintf(cli->out, ", the last of them due at %.*s", STR_ARG(last));
    fputc('\n', cli->out);
    return 0;
}

int command_dlq_redrive(struct cli *cli)
{
    struct asked asked = {.in_steps = !cli->args->operand_count};
    const char *rate = args_value(cli->args, OPTION_RATE);
    int code = check_choice(cli, &asked.channel);
    if (code)
        return code;
    if (rate &&
        (!str_to_u64(str_of(rate), &asked.rate) || asked.rate < 1 || asked.rate > REDRIVE_RATE_MAX))
        return cli_fail(cli, EX_USAGE, "--rate takes a number from 1 to %d", REDRIVE_RATE_MAX);
    if (args_has(cli->args, OPTION_PREVIEW))
        return show_preview(cli, "POST", STR("/v1/dead-letters/redrive"), asked.channel);
    if (args_has(cli->args, OPTION_JSON))
        asked.in_steps = false; /* one answer is printed */
    return redrive_all(cli, &asked);
}

/* --------------------------------------------------------------------------------- deleting ----
 */

int command_dlq_delete(struct cli *cli)
{
    const struct str path = STR("/v1/dead-letters");
    struct asked asked = {0};
    const struct json *answer;
    int64_t count = 0, found;
    bool exact;
    int code = check_choice(cli, &asked.channel);
    if (code)
        return code;
    if (args_has(cli->args, OPTION_PREVIEW))
        return show_preview(cli, "DELETE", path, asked.channel);
    do {
        code = preview(cli, "DELETE", path, asked.channel, &answer);
        found = code ? 0 : number(answer, "matching");
        exact = !code && is_true(answer, "exact");
        if (found)
            code = ask(cli, "DELETE", path, &asked, &answer);
        count += code ? 0 : found;
    } while (!code && found && !exact);
    if (code)
        return code;
    fprintf(cli->out, "%lld deleted\n", (long long)count);
    return 0;
}
