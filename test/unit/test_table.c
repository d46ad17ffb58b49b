/* A table lines up in the terminal's columns, and nothing in it can act on the terminal. */
#include "cli/table.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_columns_line_up_for_every_script(void **state)
{
    (void)state;
    static const char *const heads[] = {"NAME", "STATE", NULL};
    struct arena arena;
    struct table table;
    char *text = NULL;
    size_t size;
    arena_init(&arena, 65536);
    table_init(&table, &arena, heads);
    table_cell(&table, STR("한국어"));
    table_cell(&table, STR("sent"));
    table_cell(&table, STR("caf\xc3\xa9"));
    table_cell(&table, STR_NONE);
    table_cell(&table, STR("e\xcc\x81t\xc3\xa9"));
    table_cell(&table, STR("dead"));
    FILE *out = open_memstream(&text, &size);
    table_print(&table, out);
    fclose(out);
    assert_string_equal(text, "NAME    STATE\n"
                              "한국어  sent\n"
                              "caf\xc3\xa9    -\n"
                              "e\xcc\x81t\xc3\xa9     dead\n");
    free(text);
    arena_done(&arena);
}

static void test_what_could_act_on_a_terminal_is_replaced(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        const char *shown;
        size_t width;
    } rows[] = {
        {STR_INIT("plain"), "plain", 5},
        {STR_INIT("\x1b[2J"), "?[2J", 4},
        {STR_INIT("a\nb\tc\x7f"), "a?b?c?", 6},
        {STR_INIT("\xc2\x9b"), "?", 1},                        /* C1: CSI */
        {STR_INIT("a\xe2\x80\xae"), "a?", 2},                  /* right-to-left override */
        {STR_INIT("\xff\xc3"), "??", 2},                       /* not UTF-8, and cut short */
        {STR_INIT("\xc0\xaf"), "??", 2},                       /* overlong */
        {STR_INIT("\xed\xa0\x80"), "???", 3},                  /* a surrogate */
        {STR_INIT("\xf0\x9f\x98\x80"), "\xf0\x9f\x98\x80", 2}, /* an emoji */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        text_print(rows[i].text, out);
        fclose(out);
        assert_string_equal(text, rows[i].shown);
        assert_int_equal(text_width(rows[i].text), rows[i].width);
        free(text);
    }
}

static void test_a_table_without_memory_prints_nothing(void **state)
{
    (void)state;
    static const char *const heads[] = {"A", NULL};
    struct arena arena;
    struct table table;
    char *text = NULL;
    size_t size;
    arena_init(&arena, 0);
    table_init(&table, &arena, heads);
    table_cell(&table, STR("x"));
    assert_true(table.failed);
    FILE *out = open_memstream(&text, &size);
    table_print(&table, out);
    fclose(out);
    assert_int_equal(size, 0);
    free(text);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_line_up_for_every_script),
        cmocka_unit_test(test_what_could_act_on_a_terminal_is_replaced),
        cmocka_unit_test(test_a_table_without_memory_prints_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
