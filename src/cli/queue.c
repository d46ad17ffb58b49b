/* cli/queue.c - `queue`: what waits, and what holds it. */
#include "cli/command.h"

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
