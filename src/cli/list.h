/* cli/list.h - a list of the API as a table. */
#pragma once
#include "cli/call.h"

/* The given members (closed by NULL) of each item, one row an item, under `heads`; lists are joined
 * by commas. */
void cli_print_list(struct cli *cli, const struct cli_list *list, const char *const *heads,
                    const char *const *members);
