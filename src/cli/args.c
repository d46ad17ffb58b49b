/* cli/args.c - see args.h. */
#include "cli/args.h"

const struct option_row option_rows[OPTION_COUNT] = {
#define OPTION(id, name, letter, value, many, text)                                                \
    [OPTION_##id] = {name, letter, value, many, text},
#include "cli/cli.def"
};

enum where { LOCAL, REMOTE };

const struct command_row command_rows[COMMAND_COUNT] = {
#define COMMAND(id, words, operands, least, most, where, text, ...)                                \
    [COMMAND_##                                                                                    \
        id] = {words, operands, least, most, where == REMOTE, text, {__VA_ARGS__, OPTION_COUNT}},
#include "cli/cli.def"
};

bool command_takes(enum command command, enum option option)
{
    const struct command_row *row = &command_rows[command];
    if (option == OPTION_HELP)
        return true;
    if (row->remote && (option == OPTION_URL || option == OPTION_JSON || option == OPTION_CA))
        return true;
    for (const enum option *at = row->options; *at != OPTION_COUNT; at++)
        if (*at == option)
            return true;
    return false;
}

const char *args_value(const struct args *args, enum option option)
{
    for (int i = args->option_count - 1; i >= 0; i--)
        if (args->options[i].option == option)
            return args->options[i].value;
    return NULL;
}

/* How many of the words at `argv` name this command: all of them, or 0. */
static int words_match(const char *words, int argc, char **argv)
{
    struct str rest = str_of(words);
    int matched = 0;
    while (rest.at) {
        struct str word = str_cut(&rest, ' ');
        if (matched == argc || !str_eq(word, str_of(argv[matched])))
            return 0;
        matched++;
    }
    return matched;
}

static enum err find_command(int argc, char **argv, enum command *ret, int *ret_words,
                             struct why *why)
{
    bool begun = false;
    if (!argc)
        return why_set(why, ERR_MISSING, "no command");
    for (enum command c = 0; c < COMMAND_COUNT; c++) {
        struct str rest = str_of(command_rows[c].words);
        begun |= str_eq(str_cut(&rest, ' '), str_of(argv[0]));
        *ret_words = words_match(command_rows[c].words, argc, argv);
        if (*ret_words) {
            *ret = c;
            return OK;
        }
    }
    if (begun && argc > 1)
        return why_set(why, ERR_MISSING, "no command \"%s %s\"", argv[0], argv[1]);
    return why_set(why, ERR_MISSING, begun ? "\"%s\" needs a second word" : "no command \"%s\"",
                   argv[0]);
}

static enum option find_option(enum command command, struct str name, char letter)
{
    for (enum option option = 0; option < OPTION_COUNT; option++) {
        const struct option_row *row = &option_rows[option];
        if (command_takes(command, option) &&
            (letter ? row->letter == letter : str_eq(name, str_of(row->name))))
            return option;
    }
    return OPTION_COUNT;
}

static enum err keep_option(struct args *args, enum option option, const char *value,
                            struct why *why)
{
    if (!option_rows[option].many && args_has(args, option))
        return why_set(why, ERR_INPUT, "--%s is given twice", option_rows[option].name);
    if (args->option_count == CLI_OPTIONS_MAX)
        return why_set(why, ERR_INPUT, "too many options");
    args->options[args->option_count].option = option;
    args->options[args->option_count++].value = value;
    return OK;
}

/* Reads the option at argv[*at]; moves *at to the last argument it took. */
static enum err take_option(struct args *args, int argc, char **argv, int *at, struct why *why)
{
    const char *text = argv[*at];
    struct str name = str_of(text + 2), value = STR_NONE;
    bool is_long = text[1] == '-';
    enum option option;
    if (is_long) {
        value = name;
        name = str_cut(&value, '=');
        option = find_option(args->command, name, 0);
    } else {
        option = text[2] ? OPTION_COUNT : find_option(args->command, STR_NONE, text[1]);
    }
    if (option == OPTION_COUNT)
        return why_set(why, ERR_INPUT, "\"%s\" does not take %.*s",
                       command_rows[args->command].words,
                       is_long ? (int)(name.len + 2) : (int)strlen(text), text);
    if (!option_rows[option].value)
        return value.at ? why_set(why, ERR_INPUT, "--%s takes no value", option_rows[option].name)
                        : keep_option(args, option, "", why);
    if (!value.at && *at + 1 == argc)
        return why_set(why, ERR_INPUT, "--%s needs a value: %s", option_rows[option].name,
                       option_rows[option].value);
    return keep_option(args, option, value.at ? value.at : argv[++*at], why);
}

static enum err check_operands(const struct args *args, struct why *why)
{
    const struct command_row *row = &command_rows[args->command];
    if (args_has(args, OPTION_HELP))
        return OK;
    if (args->operand_count < row->least)
        return why_set(why, ERR_INPUT, "\"%s\" needs %s", row->words, row->operands);
    if (args->operand_count > row->most)
        return why_set(why, ERR_INPUT, "\"%s\" has no use for \"%s\"", row->words,
                       args->operands[row->most]);
    return OK;
}

enum err args_parse(int argc, char **argv, struct args *ret, struct why *why)
{
    int words;
    bool ended = false;
    *ret = (struct args){0};
    enum err err = find_command(argc - 1, argv + 1, &ret->command, &words, why);
    for (int i = 1 + words; !err && i < argc; i++) {
        if (!ended && str_eq(str_of(argv[i]), STR("--"))) {
            ended = true;
        } else if (!ended && argv[i][0] == '-' && argv[i][1]) {
            err = take_option(ret, argc, argv, &i, why);
        } else if (ret->operand_count == CLI_OPERANDS_MAX) {
            err = why_set(why, ERR_INPUT, "too many operands");
        } else {
            ret->operands[ret->operand_count++] = argv[i];
        }
    }
    return err ? err : check_operands(ret, why);
}
