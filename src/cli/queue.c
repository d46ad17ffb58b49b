/* cli/queue.c - `queue` and `dlq`: what waits, and what has come to nothing. */
#include "cli/command.h"
#include "model/limits.h"
#include <sysexits.h>

/* A sentence for each lane that is held and has something waiting. */
static void held_print(struct cli *cli, const struct cli_list *lanes)
{
    for (uint32_t i = 0; i < lanes->count; i++) {
        const struct json *lane = lanes->items[i], *blocked = json_get(lane, STR("blocked"));
        if (!json_is(blocked, JSON_OBJECT) || str_eq(json_text(lane, "depth"), STR("0")))
            continue;
        fprintf(cli->out, "\n%.*s %.*s: ", STR_ARG(json_text(lane, "kind")),
                STR_ARG(json_text(lane, "priority")));
        text_print(json_text(blocked, "detail"), cli->out);
        struct str since = json_text(blocked, "since"), next = json_text(blocked, "next_due_at");
        if (since.at)
            fprintf(cli->out, "; since %.*s", STR_ARG(since));
        if (next.at)
            fprintf(cli->out, "; next due %.*s", STR_ARG(next));
        fputc('\n', cli->out);
    }
}

int command_queue(struct cli *cli)
{
    static const char *const heads[] = {"KIND", "PRIORITY", "DEPTH",   "IN FLIGHT", "OLDEST",
                                        "RATE", "LAG",      "HELD BY", NULL};
    struct cli_list list;
    int code = cli_list(cli, false, STR("/v1/queues?limit=200"), &list);
    if (code || cli_raw(cli, list.first))
        return code;
    struct table table;
    table_init(&table, &cli->arena, heads);
    for (uint32_t i = 0; i < list.count; i++) {
        const struct json *lane = list.items[i];
        struct str age = json_text(lane, "oldest_age_ms");
        table_cell(&table, json_text(lane, "kind"));
        table_cell(&table, json_text(lane, "priority"));
        table_cell(&table, json_text(lane, "depth"));
        table_cell(&table, json_text(lane, "in_flight"));
        table_cell(&table, age.at ? arena_printf(&cli->arena, "%.*sms", STR_ARG(age)) : age);
        table_cell(&table, json_text(lane, "rate_1m"));
        table_cell(&table, json_text(lane, "lag"));
        table_cell(&table, json_text(json_get(lane, STR("blocked")), "by"));
    }
    table_print(&table, cli->out);
    held_print(cli, &list);
    return 0;
}

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
    code = cli_list(cli, false, path, &list);
    if (code || cli_raw(cli, list.first))
        return code;
    struct table table;
    table_init(&table, &cli->arena, heads);
    for (uint32_t i = 0; i < list.count; i++)
        for (const char *const *member = members; *member; member++)
            table_cell(&table, json_text(list.items[i], *member));
    table_print(&table, cli->out);
    return 0;
}

static void filter_member(struct json_out *out, const char *name, const char *value)
{
    if (!value)
        return;
    json_name(out, str_of(name));
    json_str(out, str_of(value));
}

static void redrive_body(const struct args *args, const char *channel, struct buf *body)
{
    struct json_out out = json_out_to(body);
    json_open(&out, '{');
    if (args->operand_count) {
        json_name(&out, STR("ids"));
        json_open(&out, '[');
        for (int i = 0; i < args->operand_count; i++)
            json_str(&out, str_of(args->operands[i]));
        json_close(&out, ']');
    } else {
        json_name(&out, STR("filter"));
        json_open(&out, '{');
        filter_member(&out, "channel", channel);
        filter_member(&out, "reason", args_value(args, OPTION_REASON));
        filter_member(&out, "since", args_value(args, OPTION_SINCE));
        json_close(&out, '}');
    }
    json_close(&out, '}');
}

/* What one call redrove, and the ids that it left alone. */
static int64_t take_redriven(struct cli *cli, const struct json *answer)
{
    int64_t count = 0;
    const struct json *redriven = json_get(answer, STR("redriven"));
    const struct json *skipped = json_get(answer, STR("skipped"));
    for (uint32_t i = 0; json_is(skipped, JSON_ARRAY) && i < skipped->count; i++) {
        text_print(skipped->items[i].text, cli->out);
        fputs(": not a dead letter\n", cli->out);
    }
    return json_is(redriven, JSON_NUMBER) && json_to_i64(redriven, &count) ? count : 0;
}

/* Again while the server says that there are more. */
static int redrive_all(struct cli *cli, struct str body)
{
    const struct json *answer;
    int64_t count = 0, step;
    do {
        int code = cli_call(cli, "POST", STR("/v1/dead-letters/redrive"), body, &answer);
        if (code)
            return code;
        step = cli_raw(cli, answer) ? 0 : take_redriven(cli, answer);
        count += step;
    } while (step && json_is(json_get(answer, STR("more")), JSON_TRUE));
    if (!args_has(cli->args, OPTION_JSON))
        fprintf(cli->out, "%lld redriven\n", (long long)count);
    return 0;
}

int command_dlq_redrive(struct cli *cli)
{
    const struct args *args = cli->args;
    const char *channel;
    struct buf body;
    int code = one_channel(cli, &channel);
    bool filtered = channel || args_has(args, OPTION_REASON) || args_has(args, OPTION_SINCE);
    if (code)
        return code;
    if (args->operand_count && (filtered || args_has(args, OPTION_ALL)))
        return cli_fail(cli, EX_USAGE, "name ids, or --all with filters, not both");
    if (!args->operand_count && !args_has(args, OPTION_ALL))
        return cli_fail(cli, EX_USAGE, "name ids, or say --all");
    buf_init(&body, CLI_INPUT_BYTES_MAX);
    redrive_body(args, channel, &body);
    code = body.failed ? cli_memory(cli) : redrive_all(cli, buf_str(&body));
    buf_done(&body);
    return code;
}
