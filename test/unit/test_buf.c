/* Buffers: a maximum from birth, a failure that sticks, and what the appenders write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

static void appends_add_up(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    assert_true(str_eq(buf_str(&buf), STR("")));
    assert_non_null(buf_str(&buf).at);
    buf_add(&buf, STR("ab"));
    buf_add(&buf, STR_NONE);
    buf_add_char(&buf, 'c');
    buf_add_u64(&buf, UINT64_MAX);
    buf_add_i64(&buf, INT64_MIN);
    buf_add_u64(&buf, 0);
    buf_printf(&buf, "<%s %d>", "x", 5);
    assert_true(str_eq(buf_str(&buf), STR("abc18446744073709551615-92233720368547758080<x 5>")));
    buf_drop(&buf, 3);
    assert_true(str_starts(buf_str(&buf), STR("184")));
    buf_drop(&buf, buf.len);
    assert_int_equal(buf.len, 0);
    buf_done(&buf);
}

static void the_maximum_is_exact_and_the_failure_sticks(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 300);
    for (int i = 0; i < 300; i++)
        buf_add_char(&buf, 'x');
    assert_false(buf.failed);
    buf_add(&buf, STR(""));
    assert_false(buf.failed);
    buf_add_char(&buf, 'y');
    assert_true(buf.failed);
    assert_int_equal(buf.len, 300);
    buf_drop(&buf, 100);
    buf_add_char(&buf, 'y'); /* there would be room now, but nobody would know of the gap */
    assert_int_equal(buf.len, 200);
    buf_clear(&buf);
    buf_add_char(&buf, 'y');
    assert_false(buf.failed);
    assert_true(str_eq(buf_str(&buf), STR("y")));
    buf_done(&buf);
    buf_init(&buf, 0);
    buf_add_char(&buf, 'y');
    assert_true(buf.failed);
    buf_done(&buf);
}

static void an_append_that_fails_changes_nothing(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 4);
    buf_add(&buf, STR("abc"));
    buf_add(&buf, STR("de"));
    assert_true(buf.failed);
    assert_true(str_eq(buf_str(&buf), STR("abc")));
    buf_clear(&buf);
    buf_printf(&buf, "%s", "abcde");
    assert_true(buf.failed);
    assert_int_equal(buf.len, 0);
    buf_done(&buf);
}

static void reserving_makes_room_once(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1 << 20);
    assert_true(buf_reserve(&buf, 100000));
    const char *at = buf.at;
    for (int i = 0; i < 100000; i++)
        buf_add_char(&buf, 'x');
    assert_ptr_equal(buf.at, at);
    assert_false(buf_reserve(&buf, SIZE_MAX));
    assert_true(buf.failed);
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_add_up),
        cmocka_unit_test(the_maximum_is_exact_and_the_failure_sticks),
        cmocka_unit_test(an_append_that_fails_changes_nothing),
        cmocka_unit_test(reserving_makes_room_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
