/* cli/status.c - `status`: a notification with its deliveries, or a delivery with its timeline. */
#include "cli/command.h"
#include "cli/follow.h"
#include "model/names.h"
#include <sysexits.h>

/* "name: value" for each member that the answer has. */
static void members_print(struct cli *cli, const struct json *object, const char *const *members)
{
    for (; *members; members++) {
        struct str text = json_text(object, *members);
        if (!text.len)
            continue;
        fprintf(cli->out, "%-20s ", *members);
        text_print(text, cli->out);
        fputc('\n', cli->out);
    }
}

static void counts_print(struct cli *cli, const struct json *notification)
{
    const struct json *counts = json_get(notification, STR("counts"));
    bool any = false;
    for (enum state state = 0; state < STATE_COUNT; state++) {
        int64_t count;
        const struct json *value = json_get(counts, state_name(state));
        if (!json_is(value, JSON_NUMBER) || !json_to_i64(value, &count) || !count)
            continue;
        fprintf(cli->out, any ? ", " : "%-20s ", "counts");
        fprintf(cli->out, "%lld %.*s", (long long)count, STR_ARG(state_name(state)));
        any = true;
    }
    if (any)
        fputc('\n', cli->out);
}

static int notification_print(struct cli *cli, struct str id)
{
    static const char *const members[] = {"id",       "status",     "mode",       "category",
                                          "priority", "guarantee",  "event_id",   "collapse_key",
                                          "send_at",  "created_at", "expires_at", NULL};
    const struct json *answer;
    struct str path =
        arena_printf(&cli->arena, "/v1/notifications/%.*s", STR_ARG(cli_encoded(cli, id)));
    int code = cli_call(cli, "GET", path, STR_NONE, &answer);
    if (code || cli_raw(cli, answer))
        return code;
    members_print(cli, answer, members);
    counts_print(cli, answer);
    fputc('\n', cli->out);
    return args_has(cli->args, OPTION_TIMELINE) ? follow_print_timeline(cli, id)
                                                : follow_print_deliveries(cli, id);
}

static int delivery_print(struct cli *cli, struct str id)
{
    static const char *const members[] = {"id",
                                          "notification_id",
                                          "user_id",
                                          "channel",
                                          "kind",
                                          "device_id",
                                          "address",
                                          "provider",
                                          "state",
                                          "reason",
                                          "attempts",
                                          "next_attempt_at",
                                          "provider_message_id",
                                          "created_at",
                                          "updated_at",
                                          NULL};
    static const char *const heads[] = {"AT",     "EVENT",  "ATTEMPT", "PROVIDER", "CODE",
                                        "REASON", "DETAIL", "ROUTE",   NULL};
    static const char *const cells[] = {"at",     "type",   "attempt", "provider", "code",
                                        "reason", "detail", "route",   NULL};
    const struct json *answer;
    struct str path =
        arena_printf(&cli->arena, "/v1/deliveries/%.*s", STR_ARG(cli_encoded(cli, id)));
    int code = cli_call(cli, "GET", path, STR_NONE, &answer);
    if (code || cli_raw(cli, answer))
        return code;
    struct str explanation = json_text(answer, "explanation");
    text_print(explanation, cli->out);
    fputs(explanation.len ? "\n\n" : "", cli->out);
    members_print(cli, answer, members);
    fputc('\n', cli->out);
    const struct json *events = json_get(answer, STR("events"));
    struct table table;
    table_init(&table, &cli->arena, heads);
    for (uint32_t i = 0; json_is(events, JSON_ARRAY) && i < events->count; i++)
        for (const char *const *cell = cells; *cell; cell++)
            table_cell(&table, json_text(&events->items[i], *cell));
    table_print(&table, cli->out);
    return 0;
}

int command_status(struct cli *cli)
{
    struct str id = str_of(cli->args->operands[0]);
    if (str_starts(id, STR("ntf_")))
        return notification_print(cli, id);
    if (str_starts(id, STR("dlv_")))
        return delivery_print(cli, id);
    return cli_fail(cli, EX_USAGE,
                    "\"%.*s\" is no id: notifications begin with ntf_, deliveries "
                    "with dlv_",
                    STR_ARG(id));
}
