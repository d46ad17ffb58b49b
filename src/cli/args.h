/* cli/args.h - a command line, read by the rows of cli.def.
 *
 * Options may stand anywhere behind the command's words; `--name VALUE` and `--name=VALUE` are the
 * same, and `--` ends them. Borrows argv.
 */
#pragma once
#include "base/err.h"
#include "base/str.h"
#include "model/limits.h"

enum option {
#define OPTION(id, ...) OPTION_##id,
#include "cli/cli.def"
    OPTION_COUNT
};

enum command {
#define COMMAND(id, ...) COMMAND_##id,
#include "cli/cli.def"
    COMMAND_COUNT
};

struct option_row {
    const char *name;
    char letter;       /* 0: none */
    const char *value; /* what it is called in the usage text; NULL: the option is a switch */
    bool many;         /* may be given again */
    const char *text;
};

enum { COMMAND_OPTIONS_MAX = 32 };

struct command_row {
    const char *words, *operands;
    int least, most; /* operands */
    bool remote;     /* talks to a server: takes --url, --json and --ca */
    const char *text;
    enum option options[COMMAND_OPTIONS_MAX]; /* closed by OPTION_COUNT */
};

extern const struct option_row option_rows[OPTION_COUNT];
extern const struct command_row command_rows[COMMAND_COUNT];

/* Does the command take the option? --help, and --url and the like if it is remote, included. */
bool command_takes(enum command command, enum option option);

struct args {
    enum command command;
    int option_count, operand_count;
    struct {
        enum option option;
        const char *value; /* "" for a switch */
    } options[CLI_OPTIONS_MAX];
    const char *operands[CLI_OPERANDS_MAX];
};

/* ERR_MISSING: no command at all, or none of that name; ERR_INPUT: the rest is wrong. With --help
 * operands may be missing. */
enum err args_parse(int argc, char **argv, struct args *ret, struct why *why) must_use;
/* The value of an option, "" for a switch; NULL if it was not given. */
const char *args_value(const struct args *args, enum option option);
static inline bool args_has(const struct args *args, enum option option)
{
    return args_value(args, option) != NULL;
}
