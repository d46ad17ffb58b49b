/* Views of bytes: cutting, comparing, converting, and what is UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

static void absent_and_empty_differ_in_at_only(void **state)
{
    (void)state;
    assert_null(str_of(NULL).at);
    assert_non_null(str_of("").at);
    assert_true(str_eq(STR_NONE, STR("")));
    assert_int_equal(str_cmp(STR_NONE, STR("")), 0);
    assert_int_equal(str_slice(STR_NONE, 0, 0).len, 0);
}

static void comparing(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        int order;
        bool nocase;
    } rows[] = {
        {"a", "a", 0, true},   {"a", "b", -1, false}, {"a", "A", 1, true},
        {"ab", "a", 1, false}, {"", "a", -1, false},  {"\xc3\xa9", "z", 1, false},
        {"@", "`", -1, false}, {"[", "{", -1, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str a = str_of(rows[i].a), b = str_of(rows[i].b);
        int order = str_cmp(a, b);
        assert_int_equal((order > 0) - (order < 0), rows[i].order);
        assert_int_equal(str_eq(a, b), rows[i].order == 0);
        assert_int_equal(str_eq_secret(a, b), rows[i].order == 0);
        assert_int_equal(str_eq_nocase(a, b), rows[i].nocase);
    }
    assert_false(str_eq_secret(STR("aa"), STR("a")));
    assert_false(str_eq_secret(STR(""), STR("a")));
    assert_false(str_eq_secret(STR("a"), STR("")));
}

static void edges_and_parts(void **state)
{
    (void)state;
    assert_true(str_starts(STR("abc"), STR("ab")));
    assert_true(str_starts(STR("abc"), STR("")));
    assert_false(str_starts(STR("ab"), STR("abc")));
    assert_true(str_ends(STR("abc"), STR("bc")));
    assert_false(str_ends(STR("bc"), STR("abc")));
    assert_true(str_has(STR("abc"), 'c'));
    assert_false(str_has(STR_NONE, 'c'));
    assert_true(str_eq(str_trim(STR(" \t a b\t ")), STR("a b")));
    assert_true(str_eq(str_trim(STR(" \t ")), STR("")));
    assert_true(str_eq(str_slice(STR("abc"), 1, 2), STR("b")));
}

static void cutting_ends_with_an_absent_rest(void **state)
{
    (void)state;
    struct str rest = STR("a,,b");
    assert_true(str_eq(str_cut(&rest, ','), STR("a")));
    assert_true(str_eq(str_cut(&rest, ','), STR("")));
    assert_non_null(rest.at);
    assert_true(str_eq(str_cut(&rest, ','), STR("b")));
    assert_null(rest.at);
    rest = STR("a,");
    assert_true(str_eq(str_cut(&rest, ','), STR("a")));
    assert_non_null(rest.at);
    assert_int_equal(rest.len, 0);
}

static void numbers_are_whole_and_do_not_overflow(void **state)
{
    (void)state;
    uint64_t u = 7;
    int64_t i = 7;
    assert_true(str_to_u64(STR("18446744073709551615"), &u));
    assert_true(u == UINT64_MAX);
    assert_true(str_to_u64(STR("007"), &u));
    assert_int_equal(u, 7);
    static const char *const bad[] = {"", "18446744073709551616", "-1", "+1", " 1", "1 ", "1a",
                                      "."};
    for (size_t n = 0; n < sizeof bad / sizeof *bad; n++)
        assert_false(str_to_u64(str_of(bad[n]), &u));
    assert_int_equal(u, 7);
    assert_true(str_to_i64(STR("-9223372036854775808"), &i));
    assert_true(i == INT64_MIN);
    assert_false(str_to_i64(STR("9223372036854775808"), &i));
    assert_false(str_to_i64(STR("-9223372036854775809"), &i));
    assert_false(str_to_i64(STR("-"), &i));
    assert_true(i == INT64_MIN);
}

static void copying_needs_room_for_the_terminator(void **state)
{
    (void)state;
    char into[4] = "xyz";
    assert_true(str_copy(STR("abc"), into, sizeof into));
    assert_string_equal(into, "abc");
    assert_false(str_copy(STR("abcd"), into, sizeof into));
    assert_string_equal(into, "");
    assert_true(str_copy(STR_NONE, into, 1));
}

static void wiping_leaves_zeros(void **state)
{
    (void)state;
    char secret[] = "secret";
    wipe(secret, sizeof secret);
    for (size_t i = 0; i < sizeof secret; i++)
        assert_int_equal(secret[i], 0);
    wipe(NULL, 0);
}

static void utf8_by_the_table_of_rfc_3629(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {"", true},
        {"plain ascii, longer than eight", true},
        {"\x7f", true},
        {"\xc2\x80", true},
        {"\xdf\xbf", true},
        {"\xe0\xa0\x80", true},
        {"\xed\x9f\xbf", true},
        {"\xee\x80\x80", true},
        {"\xef\xbf\xbf", true},
        {"\xf0\x90\x80\x80", true},
        {"\xf4\x8f\xbf\xbf", true},
        {"12345678\xea\xb0\x80"
         "12345678",
         true},
        {"\x80", false},
        {"\xbf", false},
        {"\xc0\xaf", false}, /* overlong */
        {"\xc1\xbf", false},
        {"\xe0\x9f\xbf", false},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xed\xa0\x80", false}, /* surrogates */
        {"\xed\xbf\xbf", false},
        {"\xf4\x90\x80\x80", false}, /* over U+10FFFF */
        {"\xf5\x80\x80\x80", false},
        {"\xff", false},
        {"\xc3", false}, /* cut off */
        {"\xe2\x82", false},
        {"\xf0\x9f\x98", false},
        {"\xe2(\xa1", false},
        {"12345678\xc3", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(str_is_utf8(str_of(rows[i].text)), rows[i].good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_and_empty_differ_in_at_only),
        cmocka_unit_test(comparing),
        cmocka_unit_test(edges_and_parts),
        cmocka_unit_test(cutting_ends_with_an_absent_rest),
        cmocka_unit_test(numbers_are_whole_and_do_not_overflow),
        cmocka_unit_test(copying_needs_room_for_the_terminator),
        cmocka_unit_test(wiping_leaves_zeros),
        cmocka_unit_test(utf8_by_the_table_of_rfc_3629),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
