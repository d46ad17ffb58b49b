/* rule(): which row wins, what stands where there is none, and what is not a whole answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "port/provider.h"

static const struct ruling table[] = {
    {400, NULL, FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, "any 400"},
    {RULING_ANY, "x", FATE_NEVER, SCOPE_ADDRESS, EFFECT_RETIRE, "any x"},
    {400, "x", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "400 x"},
    {400, "x", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_NONE, "a second one"},
    {503, NULL, FATE_AGAIN, SCOPE_DELIVERY, EFFECT_NONE, "any 503"},
    {0},
};

static struct verdict ask(int status, const char *code, enum scope wide, const char *retry_after)
{
    static struct arena arena;
    struct header header = {STR("retry-after"), str_of(retry_after)};
    struct reply reply = {.exchange = EXCHANGE_WHOLE,
                          .status = status,
                          .headers = &header,
                          .header_count = retry_after ? 1 : 0};
    arena_done(&arena); /* what the last answer borrowed */
    arena_init(&arena, 1000);
    return rule(table, &reply, str_of(code), wide, &arena);
}

static void the_closest_row_wins(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *code, *reason;
    } rows[] = {
        {400, NULL, "any 400"},   {400, "", "any 400"},  {400, "y", "any 400"},
        {400, "x", "400 x"},      {404, "x", "any x"},   {503, "x", "any x"},
        {503, "y", "any 503"},    {404, "y", "refused"}, {200, "x", NULL},
        {302, "x", "redirected"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct verdict verdict = ask(rows[i].status, rows[i].code, SCOPE_PROVIDER, NULL);
        if (!str_eq(verdict.reason, str_of(rows[i].reason)))
            fail_msg("row %zu: '%.*s'", i, STR_ARG(verdict.reason));
    }
}

static void classes_stand_where_no_row_does(void **state)
{
    (void)state;
    static const struct {
        int status;
        enum fate fate;
        bool wide;
        enum effect effect;
    } rows[] = {
        {0, FATE_AMBIGUOUS, true, EFFECT_NONE},   {100, FATE_AMBIGUOUS, true, EFFECT_NONE},
        {199, FATE_AMBIGUOUS, true, EFFECT_NONE}, {200, FATE_DONE, false, EFFECT_NONE},
        {299, FATE_DONE, false, EFFECT_NONE},     {300, FATE_AGAIN, true, EFFECT_HOLD},
        {399, FATE_AGAIN, true, EFFECT_HOLD},     {401, FATE_AGAIN, true, EFFECT_HOLD},
        {403, FATE_NEVER, false, EFFECT_NONE},    {429, FATE_AGAIN, true, EFFECT_THROTTLE},
        {499, FATE_NEVER, false, EFFECT_NONE},    {500, FATE_AMBIGUOUS, true, EFFECT_NONE},
        {599, FATE_AMBIGUOUS, true, EFFECT_NONE}, {600, FATE_AMBIGUOUS, true, EFFECT_NONE},
    };
    static const enum scope wides[] = {SCOPE_PROVIDER, SCOPE_ORIGIN};
    for (size_t w = 0; w < 2; w++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            struct verdict v = ask(rows[i].status, NULL, wides[w], NULL);
            assert_int_equal(v.fate, rows[i].fate);
            assert_int_equal(v.scope, rows[i].wide ? wides[w] : SCOPE_DELIVERY);
            assert_int_equal(v.effect, rows[i].effect);
        }
}

static void the_code_is_the_providers_or_the_status(void **state)
{
    (void)state;
    assert_true(str_eq(ask(400, "x", SCOPE_PROVIDER, NULL).code, STR("x")));
    assert_true(str_eq(ask(400, NULL, SCOPE_PROVIDER, NULL).code, STR("400")));
}

static void only_what_is_tried_again_has_a_wait(void **state)
{
    (void)state;
    assert_int_equal(ask(503, NULL, SCOPE_PROVIDER, "3").retry_after.us, 3000000);
    assert_int_equal(ask(400, NULL, SCOPE_PROVIDER, "3").retry_after.us, 0);
    assert_int_equal(ask(503, NULL, SCOPE_PROVIDER, "soon").retry_after.us, 0);
    assert_int_equal(ask(503, NULL, SCOPE_PROVIDER, "31536000").retry_after.us, 31536000000000);
    assert_int_equal(ask(503, NULL, SCOPE_PROVIDER, "31536001").retry_after.us, 0);
    assert_int_equal(ask(503, NULL, SCOPE_PROVIDER, "99999999999999999999").retry_after.us, 0);
}

static void what_is_not_whole_is_judged_by_how_far_it_came(void **state)
{
    (void)state;
    static const struct {
        enum exchange_end end;
        enum fate fate;
        const char *reason;
    } rows[] = {{EXCHANGE_UNSENT, FATE_AGAIN, "not_sent"},
                {EXCHANGE_REFUSED, FATE_AGAIN, "not_processed"},
                {EXCHANGE_CUT, FATE_AMBIGUOUS, "cut_off"}};
    struct arena arena;
    arena_init(&arena, 1000);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        /* A status that came before the end is no answer. */
        struct reply reply = {.exchange = rows[i].end, .status = 200, .error = STR("said")};
        struct verdict verdict = rule(table, &reply, STR("x"), SCOPE_ORIGIN, &arena);
        assert_int_equal(verdict.fate, rows[i].fate);
        assert_int_equal(verdict.scope, SCOPE_ORIGIN);
        assert_int_equal(verdict.effect, EFFECT_NONE);
        assert_true(str_eq(verdict.reason, str_of(rows[i].reason)));
        assert_true(str_eq(verdict.detail, STR("said")));
    }
    arena_done(&arena);
}

static int last_answer_away(void **state)
{
    (void)state;
    ask(200, "x", SCOPE_PROVIDER, NULL); /* borrows nothing */
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_closest_row_wins),
        cmocka_unit_test(classes_stand_where_no_row_does),
        cmocka_unit_test(the_code_is_the_providers_or_the_status),
        cmocka_unit_test(only_what_is_tried_again_has_a_wait),
        cmocka_unit_test(what_is_not_whole_is_judged_by_how_far_it_came),
    };
    return cmocka_run_group_tests(tests, NULL, last_answer_away);
}
