/* The three kinds of time: their formats, their edges, and what they refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/time.h"

static void wall_round_trips(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {1796115600000, "2026-12-01T09:00:00.000Z"},
        {951782399999, "2000-02-28T23:59:59.999Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {4107542400000, "2100-03-01T00:00:00.000Z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[WALL_TEXT_SIZE];
        struct wall at;
        wall_format((struct wall){rows[i].ms}, text);
        assert_string_equal(text, rows[i].text);
        assert_true(wall_parse(str_of(rows[i].text), &at));
        assert_int_equal(at.ms, rows[i].ms);
    }
}

static void wall_parse_reads_offsets_and_refuses_the_rest(void **state)
{
    (void)state;
    struct wall at;
    assert_true(wall_parse(STR("2026-12-01T18:00:00+09:00"), &at));
    assert_int_equal(at.ms, 1796115600000);
    assert_true(wall_parse(STR("2026-12-01t09:00:00.1239z"), &at));
    assert_int_equal(at.ms, 1796115600123);
    static const char *const bad[] = {
        "",
        "2026-12-01",
        "2026-12-01T09:00:00",
        "2026-13-01T09:00:00Z",
        "2026-02-29T09:00:00Z",
        "2026-12-01T24:00:00Z",
        "2026-12-01T09:60:00Z",
        "2026-12-01T09:00:00.Z",
        "2026-12-01T09:00:00+0900",
        "2026-12-01T09:00:00+24:00",
        "2026-12-01T09:00:00Z ",
        "+026-12-01T09:00:00Z",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(wall_parse(str_of(bad[i]), &at));
}

static void http_dates_in_their_three_forms(void **state)
{
    (void)state;
    static const char *const forms[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
                                        "Sunday, 06-Nov-94 08:49:37 GMT",
                                        "Sun Nov  6 08:49:37 1994"};
    for (size_t i = 0; i < 3; i++) {
        struct wall at;
        assert_true(wall_parse_http(str_of(forms[i]), &at));
        assert_int_equal(at.ms, 784111777000);
    }
    char text[HTTP_DATE_SIZE], mail[MAIL_DATE_SIZE];
    wall_format_http((struct wall){784111777000}, text);
    assert_string_equal(text, forms[0]);
    wall_format_mail((struct wall){784111777000}, mail);
    assert_string_equal(mail, "Sun, 06 Nov 1994 08:49:37 +0000");
    struct wall at;
    assert_false(wall_parse_http(STR("tomorrow"), &at));
    assert_false(wall_parse_http(STR(""), &at));
}

static void spans_have_units(void **state)
{
    (void)state;
    struct span span;
    assert_true(span_parse(STR("150ms"), &span));
    assert_int_equal(span.us, 150000);
    assert_true(span_parse(STR("2d"), &span));
    assert_int_equal(span.us, 172800000000);
    assert_false(span_parse(STR("5"), &span));
    assert_false(span_parse(STR("m"), &span));
    assert_false(span_parse(STR("-5s"), &span));
    assert_false(span_parse(STR("9223372036854775807d"), &span));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wall_round_trips),
        cmocka_unit_test(wall_parse_reads_offsets_and_refuses_the_rest),
        cmocka_unit_test(http_dates_in_their_three_forms),
        cmocka_unit_test(spans_have_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
