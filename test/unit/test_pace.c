/* How fast a provider may be sent to, and how long its answers take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/latency.h"
#include "core/pace.h"

static const struct span none = {0};

static void being_told_to_slow_down_halves_once_a_round_trip(void **state)
{
    (void)state;
    struct pace pace;
    struct mono began = {1000000}, now = {1050000};
    pace_init(&pace, 64, 0);
    for (int i = 0; i < 40; i++)
        pace_begin(&pace, began);
    for (uint32_t i = 40; i > 0; i--) /* all of one round trip say so */
        pace_throttled(&pace, began, i, none, now);
    assert_int_equal(pace_in_flight(&pace), 20);
    assert_true(pace.rate >= 19 && pace.rate <= 20);
    pace_throttled(&pace, now, 20, none, mono_add(now, span_ms(50)));
    assert_int_equal(pace_in_flight(&pace), 10);
}

static void it_never_falls_to_nothing_and_never_exceeds_its_ceiling(void **state)
{
    (void)state;
    struct pace pace;
    struct mono now = {1000000};
    pace_init(&pace, 16, 100);
    for (int i = 0; i < 100; i++) {
        now.us += 10000;
        pace_throttled(&pace, now, 1, none, now);
        assert_true(pace_in_flight(&pace) >= 1);
        assert_true(pace.rate >= 1);
    }
    for (int i = 0; i < 100000; i++) {
        now.us += 10000;
        pace_begin(&pace, now);
        pace_worked(&pace, 16, now);
        assert_true(pace_in_flight(&pace) <= 16);
        assert_true(pace.rate <= 100);
    }
    assert_int_equal(pace_in_flight(&pace), 16);
    assert_true(pace.rate > 99.9);
}

static void without_a_ceiling_the_limit_goes_when_it_is_no_longer_one(void **state)
{
    (void)state;
    struct pace pace;
    struct mono now = {1000000};
    pace_init(&pace, 1000, 0);
    for (int i = 0; i < 200; i++)
        pace_begin(&pace, now);
    pace_throttled(&pace, now, 50, none, now);
    assert_true(pace.rate > 0);
    struct mono cut = now;
    while (pace.rate > 0 && mono_since(cut, now).us < 120000000) {
        now.us += 10000;
        pace_worked(&pace, 50, now);
    }
    int64_t took = mono_since(cut, now).us;
    assert_true(took > 10000000 && took < 60000000);
}

static void nothing_goes_before_a_retry_after(void **state)
{
    static const struct {
        int64_t said_s, kept_ms;
    } rows[] = {{0, 1000}, {1, 1000}, {30, 30000}, {1000000, 86400000}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pace pace;
        struct mono now = {5000000};
        pace_init(&pace, 8, 0);
        pace_throttled(&pace, now, 1, span_s(rows[i].said_s), now);
        assert_int_equal(pace_allows_at(&pace).us, now.us + rows[i].kept_ms * 1000);
        pace_throttled(&pace, now, 1, span_ms(10), now); /* a shorter one does not shorten it */
        assert_int_equal(pace_allows_at(&pace).us, now.us + rows[i].kept_ms * 1000);
    }
}

/* A provider that takes so many a second and says 429 to the rest. */
static void it_settles_near_what_the_provider_takes(void **state)
{
    (void)state;
    struct pace pace;
    struct mono now = {1000000};
    uint32_t taken = 0, refused = 0;
    int64_t second = 0;
    uint32_t in_second = 0;
    pace_init(&pace, 100, 0);
    for (int i = 0; i < 600000; i++) {
        now.us += 1000;
        if (now.us / 1000000 != second) {
            second = now.us / 1000000;
            in_second = 0;
        }
        if (!mono_reached(now, pace_allows_at(&pace)))
            continue;
        pace_begin(&pace, now);
        if (++in_second > 100) {
            pace_throttled(&pace, now, 5, none, now);
            refused++;
        } else {
            pace_worked(&pace, 5, now);
            taken++;
        }
    }
    assert_true(taken > 600 * 100 / 2);
    assert_true(refused * 100 < taken);
}

static void other_ceilings_do_not_undo_a_cut(void **state)
{
    (void)state;
    struct pace pace;
    struct mono now = {1000000};
    pace_init(&pace, 100, 50);
    pace_limit(&pace, 200, 80); /* what was not cut follows */
    assert_int_equal(pace_in_flight(&pace), 200);
    assert_true(pace.rate > 79);
    now.us += 1000000;
    for (int i = 0; i < 40; i++)
        pace_begin(&pace, now);
    pace_throttled(&pace, now, 100, none, now);
    uint32_t cut = pace_in_flight(&pace);
    double rate = pace.rate;
    assert_true(cut < 200);
    pace_limit(&pace, 400, 0);
    assert_int_equal(pace_in_flight(&pace), cut);
    assert_true(pace.rate <= rate && pace.rate >= rate);
    pace_limit(&pace, 3, 2);
    assert_int_equal(pace_in_flight(&pace), 3);
    assert_true(pace.rate < 2.1);
}

static void quantiles_are_right_to_an_eighth(void **state)
{
    static struct latency latency;
    (void)state;
    struct mono now = {60000000};
    assert_int_equal(latency_quantile(&latency, 500, now).us, 0);
    for (int64_t ms = 1; ms <= 1000; ms++)
        latency_note(&latency, span_ms(ms), now);
    int64_t p50 = latency_quantile(&latency, 500, now).us;
    int64_t p99 = latency_quantile(&latency, 990, now).us;
    assert_true(p50 >= 500000 && p50 <= 565000);
    assert_true(p99 >= 990000 && p99 <= 1120000);
    latency_note(&latency, span_s(100000), now); /* what is off the scale is at its end */
    assert_true(latency_quantile(&latency, 1000, now).us >= 300000000);
    now.us += 5 * 60000000LL;
    assert_int_equal(latency_quantile(&latency, 500, now).us, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(being_told_to_slow_down_halves_once_a_round_trip),
        cmocka_unit_test(it_never_falls_to_nothing_and_never_exceeds_its_ceiling),
        cmocka_unit_test(without_a_ceiling_the_limit_goes_when_it_is_no_longer_one),
        cmocka_unit_test(nothing_goes_before_a_retry_after),
        cmocka_unit_test(it_settles_near_what_the_provider_takes),
        cmocka_unit_test(other_ceilings_do_not_undo_a_cut),
        cmocka_unit_test(quantiles_are_right_to_an_eighth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
