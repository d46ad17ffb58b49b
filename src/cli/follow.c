/* cli/follow.c - see follow.h. */
#include "cli/follow.h"
#include "cli/list.h"
#include "model/names.h"
#include <sysexits.h>
#include <time.h>

static struct str path_of(struct cli *cli, struct str id, const char *rest)
{
    return arena_printf(&cli->arena, "/v1/notifications/%.*s%s", STR_ARG(cli_encoded(cli, id)),
                        rest);
}

static int64_t count_of(const struct json *notification, enum state state)
{
    int64_t count = 0;
    const struct json *counts = json_get(notification, STR("counts"));
    const struct json *value = json_get(counts, state_name(state));
    return json_is(value, JSON_NUMBER) && json_to_i64(value, &count) ? count : 0;
}

static bool is_done(const struct json *notification)
{
    struct str status = json_text(notification, "status");
    return (str_eq(status, STR("done")) || str_eq(status, STR("cancelled"))) &&
           !count_of(notification, STATE_SCHEDULED) && !count_of(notification, STATE_QUEUED) &&
           !count_of(notification, STATE_SENDING);
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void pause_us(int64_t us)
{
    struct timespec span = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&span, NULL);
}

int follow_until_done(struct cli *cli, struct str id, struct span most, const struct json **ret)
{
    enum { PAUSE_FIRST_US = 50000, PAUSE_MOST_US = 1000000 };
    int64_t end = now_us() + most.us, pause = PAUSE_FIRST_US;
    for (;;) {
        int code = cli_call(cli, "GET", path_of(cli, id, ""), STR_NONE, ret);
        if (code)
            return code;
        if (is_done(*ret))
            return 0;
        int64_t left = end - now_us();
        if (left <= 0)
            return cli_fail(cli, EX_TEMPFAIL, "%.*s is not done yet: bongsu status %.*s",
                            STR_ARG(id), STR_ARG(id));
        pause_us(pause < left ? pause : left);
        pause = pause * 2 < PAUSE_MOST_US ? pause * 2 : PAUSE_MOST_US;
    }
}

int follow_result(const struct json *notification)
{
    for (enum state state = 0; state < STATE_COUNT; state++) {
        bool good = state == STATE_SENT || state == STATE_DELIVERED || state == STATE_OPENED ||
                    state == STATE_CLICKED;
        if (!good && count_of(notification, state))
            return 1;
    }
    return 0;
}

int follow_print_deliveries(struct cli *cli, struct str id)
{
    static const char *const heads[] = {"DELIVERY", "USER",     "CHANNEL", "KIND",
                                        "ADDRESS",  "PROVIDER", "STATE",   "ATTEMPTS",
                                        "REASON",   "UPDATED",  NULL};
    static const char *const members[] = {"id",      "user_id",    "channel", "kind",
                                          "address", "provider",   "state",   "attempts",
                                          "reason",  "updated_at", NULL};
    struct cli_list list;
    int code = cli_list(cli, false, path_of(cli, id, "/deliveries?limit=200"), &list);
    if (code)
        return code;
    cli_print_list(cli, &list, heads, members);
    return 0;
}

/* Deliveries are few here or the events many: a linear search is bounded by both lists' pages. */
static const struct json *delivery_of(const struct cli_list *deliveries, struct str id)
{
    for (uint32_t i = 0; i < deliveries->count; i++)
        if (str_eq(json_text(deliveries->items[i], "id"), id))
            return deliveries->items[i];
    return NULL;
}

int follow_print_timeline(struct cli *cli, struct str id)
{
    static const char *const heads[] = {"AT",    "CHANNEL", "KIND", "ADDRESS", "PROVIDER",
                                        "EVENT", "ATTEMPT", "CODE", "REASON",  NULL};
    struct cli_list deliveries, events;
    int code = cli_list(cli, false, path_of(cli, id, "/deliveries?limit=200"), &deliveries);
    if (!code)
        code = cli_list(cli, false, path_of(cli, id, "/events?limit=200"), &events);
    if (code)
        return code;
    struct table table;
    table_init(&table, &cli->arena, heads);
    for (uint32_t i = 0; i < events.count; i++) {
        const struct json *event = events.items[i];
        const struct json *delivery = delivery_of(&deliveries, json_text(event, "delivery_id"));
        table_cell(&table, json_text(event, "at"));
        table_cell(&table, json_text(delivery, "channel"));
        table_cell(&table, json_text(delivery, "kind"));
        table_cell(&table, json_text(delivery, "address"));
        table_cell(&table, json_text(event, "provider"));
        table_cell(&table, json_text(event, "type"));
        table_cell(&table, json_text(event, "attempt"));
        table_cell(&table, json_text(event, "code"));
        table_cell(&table, json_text(event, "reason"));
    }
    table_print(&table, cli->out);
    return 0;
}
