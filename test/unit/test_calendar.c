/* The calendar's clock: what somebody does to the wall clock moves no duration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/calendar.h"

enum { HOUR_MS = 3600000, DAY_MS = 24 * HOUR_MS };

static const struct now start = {{5000000}, {1790000000000}};

/* So much later, by a wall clock that somebody has set by so much. */
static struct now later(struct now now, int64_t ms, int64_t set_ms)
{
    return (struct now){{now.mono.us + ms * 1000}, {now.wall.ms + ms + set_ms}};
}

static void a_step_moves_no_duration(void **state)
{
    static const int64_t steps_ms[] = {HOUR_MS, -HOUR_MS, DAY_MS, -DAY_MS, 1001, -1001};
    (void)state;
    for (size_t i = 0; i < sizeof steps_ms / sizeof *steps_ms; i++) {
        struct calendar calendar = calendar_open(start, 0);
        struct wall due = wall_add(calendar.at, span_s(60));
        struct now now = later(start, 20000, 0);
        assert_false(calendar_look(&calendar, now));
        now = later(now, 20000, steps_ms[i]);
        assert_true(calendar_look(&calendar, now));
        assert_false(wall_reached(calendar.at, due));
        assert_int_equal(calendar.offset_ms, steps_ms[i]);
        assert_int_equal(calendar_mono(&calendar, due).us, now.mono.us + 20000000);
        assert_int_equal(calendar_date(&calendar, due).ms, now.wall.ms + 20000);
        now = later(now, 20000, 0);
        assert_false(calendar_look(&calendar, now));
        assert_true(wall_reached(calendar.at, due));
        assert_int_equal(calendar.at.ms, due.ms);
    }
}

static void steps_add_up_and_cancel_out(void **state)
{
    (void)state;
    struct calendar calendar = calendar_open(start, 0);
    struct now now = later(start, 10, DAY_MS);
    (void)calendar_look(&calendar, now);
    now = later(now, 10, HOUR_MS);
    (void)calendar_look(&calendar, now);
    assert_int_equal(calendar.offset_ms, DAY_MS + HOUR_MS);
    (void)calendar_look(&calendar, later(now, 10, -DAY_MS - HOUR_MS));
    assert_int_equal(calendar.offset_ms, 0);
    assert_int_equal(calendar.at.ms, start.wall.ms + 30);
}

static void small_corrections_are_followed_and_time_never_goes_back(void **state)
{
    (void)state;
    struct calendar calendar = calendar_open(start, 0);
    assert_false(calendar_look(&calendar, later(start, 100, 900)));
    assert_int_equal(calendar.at.ms, start.wall.ms + 1000);
    assert_false(calendar_look(&calendar, later(start, 200, 0)));
    assert_int_equal(calendar.at.ms, start.wall.ms + 1000);
    assert_int_equal(calendar.offset_ms, 0);
}

static void the_kept_offset_goes_on_in_the_next_life(void **state)
{
    (void)state;
    struct calendar calendar = calendar_open(start, 0);
    struct now now = later(start, 1000, -DAY_MS);
    (void)calendar_look(&calendar, now);
    struct calendar next = calendar_open(later(now, 500, 0), calendar.offset_ms);
    assert_int_equal(next.at.ms, calendar.at.ms + 500);
}

static void never_stays_never(void **state)
{
    (void)state;
    struct calendar calendar = calendar_open(start, HOUR_MS);
    assert_int_equal(calendar_mono(&calendar, WALL_NEVER).us, MONO_NEVER.us);
    assert_int_equal(calendar_date(&calendar, WALL_NEVER).ms, WALL_NEVER.ms);
    assert_int_equal(calendar_date(&calendar, (struct wall){0}).ms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_moves_no_duration),
        cmocka_unit_test(steps_add_up_and_cancel_out),
        cmocka_unit_test(small_corrections_are_followed_and_time_never_goes_back),
        cmocka_unit_test(the_kept_offset_goes_on_in_the_next_life),
        cmocka_unit_test(never_stays_never),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
