/* cli/usage.c - what --help says. */
#include "cli/usage.h"

void usage_all(FILE *out)
{
    fputs("bongsu - a notification server, and its command line\n\n"
          "usage: bongsu COMMAND [OPTION...]\n\n",
          out);
    for (enum command c = 0; c < COMMAND_COUNT; c++) {
        const struct command_row *row = &command_rows[c];
        int width = fprintf(out, "  %s %s", row->words, row->operands);
        fprintf(out, "%*s%s\n", width < 26 ? 26 - width : 1, "", row->text);
    }
    fputs(
        "\n\"bongsu COMMAND --help\" says what a command takes. The commands that talk to a server "
        "authenticate\nwith BONGSU_APP_KEY and BONGSU_APP_SECRET, or BONGSU_ROOT_KEY, from the "
        "environment or from\n~/.config/bongsu/config. See bongsu(1) and bongsu.yaml(5).\n",
        out);
}

void usage_command(enum command command, FILE *out)
{
    const struct command_row *row = &command_rows[command];
    fprintf(out, "usage: bongsu %s%s%s [OPTION...]\n\n%s\n\noptions:\n", row->words,
            *row->operands ? " " : "", row->operands, row->text);
    for (enum option option = 0; option < OPTION_COUNT; option++) {
        const struct option_row *known = &option_rows[option];
        if (!command_takes(command, option))
            continue;
        char letter[] = {'-', known->letter, ',', ' ', 0};
        int width = fprintf(out, "  %s--%s%s%s", known->letter ? letter : "", known->name,
                            known->value ? " " : "", known->value ? known->value : "");
        fprintf(out, "%*s%s\n", width < 28 ? 28 - width : 1, "", known->text);
    }
}
