/* cli/list.c - see list.h. */
#include "cli/list.h"

void cli_print_list(struct cli *cli, const struct cli_list *list, const char *const *heads,
                    const char *const *members)
{
    struct table table;
    table_init(&table, &cli->arena, heads);
    for (uint32_t i = 0; i < list->count; i++)
        for (const char *const *member = members; *member; member++) {
            const struct json *value = json_get(list->items[i], str_of(*member));
            struct str text = STR("");
            for (uint32_t j = 0; json_is(value, JSON_ARRAY) && j < value->count; j++)
                text = arena_printf(&cli->arena, "%.*s%s%.*s", STR_ARG(text), j ? "," : "",
                                    STR_ARG(value->items[j].text));
            table_cell(&table,
                       json_is(value, JSON_ARRAY) ? text : json_text(list->items[i], *member));
        }
    table_print(&table, cli->out);
}
