/* A command line is understood as a whole, or refused with one sentence. */
#include "cli/args.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { WORDS_MAX = 12 };

static enum err parse(const char *const *words, struct args *args, struct why *why)
{
    char texts[WORDS_MAX][64], *argv[WORDS_MAX];
    static const char *kept[WORDS_MAX];
    int argc = 0;
    argv[argc++] = texts[0];
    for (; *words; words++, argc++) {
        assert_true(str_copy(str_of(*words), texts[argc], sizeof texts[argc]));
        argv[argc] = texts[argc];
        kept[argc] = *words;
    }
    enum err err = args_parse(argc, argv, args, why);
    /* What was kept points into our copies: point it at the caller's words. */
    for (int i = 0; i < args->operand_count; i++)
        for (int j = 1; j < argc; j++)
            if (args->operands[i] == argv[j])
                args->operands[i] = kept[j];
    for (int i = 0; i < args->option_count; i++)
        for (int j = 1; j < argc; j++)
            if (args->options[i].value >= argv[j] &&
                args->options[i].value <= argv[j] + strlen(argv[j]))
                args->options[i].value = kept[j] + (args->options[i].value - argv[j]);
    return err;
}

static void test_words_options_and_operands_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *words[WORDS_MAX];
        enum command command;
        int operands, options;
        enum option option;
        const char *value; /* of `option`; NULL: not given */
    } rows[] = {
        {{"serve", "-c", "x.yaml"}, COMMAND_SERVE, 0, 1, OPTION_CONFIG, "x.yaml"},
        {{"serve", "--config=x.yaml"}, COMMAND_SERVE, 0, 1, OPTION_CONFIG, "x.yaml"},
        {{"serve", "--config="}, COMMAND_SERVE, 0, 1, OPTION_CONFIG, ""},
        {{"status", "--json", "ntf_1"}, COMMAND_STATUS, 1, 1, OPTION_JSON, ""},
        {{"status", "ntf_1", "--json"}, COMMAND_STATUS, 1, 1, OPTION_TIMELINE, NULL},
        {{"dlq", "redrive", "a", "b"}, COMMAND_DLQ_REDRIVE, 2, 0, OPTION_ALL, NULL},
        {{"queue", "--app", "a"}, COMMAND_QUEUE, 0, 1, OPTION_APP, "a"},
        {{"queue", "move", "sms", "a", "b"}, COMMAND_QUEUE_MOVE, 3, 0, OPTION_REASON, NULL},
        {{"template", "push", "-"}, COMMAND_TEMPLATE_PUSH, 1, 0, OPTION_NAME, NULL},
        {{"app", "create", "--", "--odd"}, COMMAND_APP_CREATE, 1, 0, OPTION_HELP, NULL},
        {{"send", "--user", "a", "--user", "b"}, COMMAND_SEND, 0, 2, OPTION_USER, "b"},
        {{"send", "--title", "--body"}, COMMAND_SEND, 0, 1, OPTION_TITLE, "--body"},
        {{"key", "revoke", "--help"}, COMMAND_KEY_REVOKE, 0, 1, OPTION_HELP, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct args args;
        struct why why = {""};
        if (parse(rows[i].words, &args, &why))
            fail_msg("row %zu: %s", i, why.text);
        assert_int_equal(args.command, rows[i].command);
        assert_int_equal(args.operand_count, rows[i].operands);
        assert_int_equal(args.option_count, rows[i].options);
        const char *value = args_value(&args, rows[i].option);
        if (!rows[i].value)
            assert_null(value);
        else
            assert_string_equal(value, rows[i].value);
    }
}

static void test_what_is_wrong_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *words[WORDS_MAX];
        enum err err;
        const char *why;
    } rows[] = {
        {{NULL}, ERR_MISSING, "no command"},
        {{"sned"}, ERR_MISSING, "no command \"sned\""},
        {{"app"}, ERR_MISSING, "\"app\" needs a second word"},
        {{"app", "mend"}, ERR_MISSING, "no command \"app mend\""},
        {{"status"}, ERR_INPUT, "\"status\" needs ID"},
        {{"status", "a", "b"}, ERR_INPUT, "\"status\" has no use for \"b\""},
        {{"serve", "--json"}, ERR_INPUT, "\"serve\" does not take --json"},
        {{"serve", "-x"}, ERR_INPUT, "\"serve\" does not take -x"},
        {{"serve", "-cx"}, ERR_INPUT, "\"serve\" does not take -cx"},
        {{"serve", "--conf=x"}, ERR_INPUT, "\"serve\" does not take --conf"},
        {{"serve", "-c"}, ERR_INPUT, "--config needs a value: FILE"},
        {{"queue", "--json=1"}, ERR_INPUT, "--json takes no value"},
        {{"queue", "--json", "--json"}, ERR_INPUT, "--json is given twice"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct args args;
        struct why why = {""};
        assert_int_equal(parse(rows[i].words, &args, &why), rows[i].err);
        assert_string_equal(why.text, rows[i].why);
    }
}

static void test_every_row_of_the_table_is_whole(void **state)
{
    (void)state;
    for (enum command c = 0; c < COMMAND_COUNT; c++) {
        assert_non_null(command_rows[c].words);
        assert_true(*command_rows[c].text);
        assert_true(command_rows[c].least <= command_rows[c].most);
        assert_true((command_rows[c].most > 0) == (*command_rows[c].operands != 0));
    }
    for (enum option option = 0; option < OPTION_COUNT; option++) {
        bool taken = false;
        for (enum command c = 0; c < COMMAND_COUNT; c++)
            taken |= command_takes(c, option);
        assert_true(taken);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_options_and_operands_are_told_apart),
        cmocka_unit_test(test_what_is_wrong_is_said),
        cmocka_unit_test(test_every_row_of_the_table_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
