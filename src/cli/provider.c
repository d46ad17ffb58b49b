/* cli/provider.c - `provider`: how each provider is, or one of them in full. */
#include "cli/command.h"
#include <sysexits.h>

static struct str milliseconds(struct cli *cli, const struct json *provider, const char *name)
{
    struct str text = json_text(json_get(provider, STR("latency")), name);
    return text.at ? arena_printf(&cli->arena, "%.*sms", STR_ARG(text)) : text;
}

static int list_print(struct cli *cli)
{
    static const char *const heads[] = {"PROVIDER", "DRIVER", "BREAKER",    "SHARE",
                                        "WAITING",  "FLIGHT", "RATE",       "SUCCESS",
                                        "P50",      "P99",    "LAST ERROR", NULL};
    struct cli_list list;
    int code = cli_list(cli, true, STR("/v1/providers?limit=200"), &list);
    if (code || cli_raw(cli, list.first))
        return code;
    struct table table;
    table_init(&table, &cli->arena, heads);
    for (uint32_t i = 0; i < list.count; i++) {
        const struct json *provider = list.items[i];
        const char *const members[] = {"name", "driver", "breaker", "share", "waiting", NULL};
        for (const char *const *name = members; *name; name++)
            table_cell(&table, json_text(provider, *name));
        table_cell(&table,
                   arena_printf(&cli->arena, "%.*s/%.*s", STR_ARG(json_text(provider, "in_flight")),
                                STR_ARG(json_text(provider, "in_flight_limit"))));
        table_cell(&table, json_text(provider, "rate_1m"));
        table_cell(&table, json_text(provider, "success_ratio"));
        table_cell(&table, milliseconds(cli, provider, "p50_ms"));
        table_cell(&table, milliseconds(cli, provider, "p99_ms"));
        table_cell(&table, json_text(json_get(provider, STR("last_error")), "text"));
    }
    table_print(&table, cli->out);
    return 0;
}

/* "name value" a line, lists and objects as they are written. */
static int one_print(struct cli *cli, const char *name)
{
    const struct json *answer;
    struct str path =
        arena_printf(&cli->arena, "/v1/providers/%.*s", STR_ARG(cli_encoded(cli, str_of(name))));
    int code = cli_call_root(cli, "GET", path, STR_NONE, &answer);
    if (code || cli_raw(cli, answer))
        return code;
    for (uint32_t i = 0; json_is(answer, JSON_OBJECT) && i < answer->count; i++) {
        const struct json *value = &answer->items[i];
        if (value->type == JSON_NULL)
            continue;
        fprintf(cli->out, "%-18.*s ", STR_ARG(answer->names[i]));
        text_print(value->type == JSON_STRING ? value->text : value->raw, cli->out);
        fputc('\n', cli->out);
    }
    return 0;
}

int command_provider(struct cli *cli)
{
    return cli->args->operand_count ? one_print(cli, cli->args->operands[0]) : list_print(cli);
}
