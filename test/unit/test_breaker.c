/* When what keeps failing is left alone, how it is tried, and how its traffic comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/breaker.h"

/* A provider with an alternative beside it: what its breaker does not take goes there. */
struct bench {
    struct breaker breaker;
    struct rng rng;
    struct mono now;
    uint32_t attempts, own, failed, probes, opened;
};

static struct bench bench_of(uint64_t seed)
{
    struct bench b = {.rng = rng_of(seed), .now = {1000000}};
    breaker_init(&b.breaker, b.now);
    return b;
}

static void note(struct bench *b, bool failed)
{
    b->own++;
    b->failed += failed;
    b->opened += breaker_note(&b->breaker, b->now, failed, b->now, &b->rng);
}

/* One attempt of which so many in a hundred fail at it. */
static void attempt(struct bench *b, uint32_t failing)
{
    bool failed = rng_below(&b->rng, 100) < failing;
    enum breaker_door door = breaker_ask(&b->breaker, b->now);
    b->attempts++;
    if (door == DOOR_PROBE) {
        breaker_probe(&b->breaker, b->now);
        b->probes++;
        note(b, failed);
    } else if (door == DOOR_OPEN &&
               rng_below(&b->rng, BREAKER_SHARE_FULL) < breaker_share(&b->breaker, b->now)) {
        note(b, failed);
    } else {
        breaker_pass(&b->breaker);
    }
}

static void run(struct bench *b, uint32_t seconds, uint32_t rate, uint32_t failing)
{
    for (uint64_t i = 0; i < (uint64_t)seconds * rate; i++) {
        b->now.us += 1000000 / rate;
        attempt(b, failing);
    }
}

static void what_fails_opens_within_seconds(void **state)
{
    static const uint32_t rates[] = {4, 20, 100, 1000};
    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct bench b = bench_of(i);
        run(&b, 120, rates[i], 1);
        assert_int_equal(b.opened, 0);
        struct mono begun = b.now;
        while (b.breaker.state == BREAKER_CLOSED)
            run(&b, 1, rates[i], 100);
        assert_true(mono_since(begun, b.now).us <= 8000000);
    }
}

static void few_attempts_say_nothing(void **state)
{
    (void)state;
    struct bench b = bench_of(1);
    for (int i = 0; i < 19; i++)
        note(&b, true);
    assert_int_equal(b.breaker.state, BREAKER_CLOSED);
    b.now.us += 60000000;
    for (int i = 0; i < 1000; i++) { /* nor do many, over a long time */
        b.now.us += 5000000;
        note(&b, true);
    }
    assert_int_equal(b.breaker.state, BREAKER_CLOSED);
    for (int i = 0; i < 19; i++)
        note(&b, true);
    assert_int_equal(b.breaker.state, BREAKER_OPEN);
}

static void a_fault_now_and_then_changes_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct bench b = bench_of(seed);
        run(&b, 600, 10, 10);
        assert_int_equal(b.opened, 0);
        assert_int_equal(b.own, b.attempts);
    }
}

static void ten_minutes_of_faults_are_probed_by_one_in_a_hundred(void **state)
{
    static const uint32_t rates[] = {1, 10, 300};
    (void)state;
    for (size_t i = 0; i < 3 * sizeof rates / sizeof *rates; i++) {
        uint32_t rate = rates[i / 3];
        struct bench b = bench_of(i);
        run(&b, 60, rate, 0);
        while (b.breaker.state == BREAKER_CLOSED)
            run(&b, 1, rate, 100);
        uint32_t attempts = b.attempts, own = b.own;
        run(&b, 600, rate, 100);
        assert_true((b.own - own) * 100 <= b.attempts - attempts);
        assert_true(b.own > own); /* but it is probed */
        assert_true(b.own - own <= 25);
        assert_int_not_equal(b.breaker.state, BREAKER_CLOSED);
    }
}

static void it_moves_back_by_a_ramp_without_flapping(void **state)
{
    static const uint32_t rates[] = {10, 300};
    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct bench b = bench_of(i);
        uint32_t rate = rates[i];
        run(&b, 60, rate, 0);
        run(&b, 600, rate, 100);
        b.opened = 0;
        struct mono recovered = b.now;
        while (b.breaker.state != BREAKER_CLOSED)
            run(&b, 1, rate, 0);
        assert_true(mono_since(recovered, b.now).us < 130000000);
        uint32_t before = 0;
        for (int second = 0; second < 20; second++) { /* never doubled within a second */
            uint32_t own = b.own;
            run(&b, 1, rate, 0);
            own = b.own - own;
            if (second < 3)
                assert_true(own <= rate / 10 + rate / 5 + 2);
            assert_true(own <= 2 * before + rate / 4 + 3);
            before = own;
        }
        assert_int_equal(breaker_share(&b.breaker, b.now), BREAKER_SHARE_FULL);
        run(&b, 600, rate, 0);
        assert_int_equal(b.opened, 0);
    }
}

static void close_half_open(struct bench *b)
{
    for (int i = 0; i < 30; i++)
        note(b, true);
    while (b->breaker.state != BREAKER_CLOSED)
        run(b, 1, 200, 0);
}

static void a_ramp_that_fails_opens_again_and_cools_down_longer(void **state)
{
    (void)state;
    struct bench b = bench_of(3);
    close_half_open(&b);
    int64_t cool = b.breaker.cool.us;
    uint32_t failed = b.failed;
    run(&b, 10, 200, 100);
    assert_int_equal(b.breaker.state == BREAKER_CLOSED, 0);
    assert_true(b.breaker.cool.us >= 2 * cool);
    assert_true(b.failed - failed <= 10);
}

static void a_ramp_in_which_much_fails_stays_narrow(void **state)
{
    (void)state;
    struct bench b = bench_of(4);
    close_half_open(&b);
    run(&b, 9, 200, 0);
    uint32_t share = breaker_share(&b.breaker, b.now);
    assert_true(share >= 200 && share < BREAKER_SHARE_FULL);
    run(&b, 3, 200, 35);
    assert_true(breaker_share(&b.breaker, b.now) < share);
}

static void an_answer_from_before_says_nothing_about_now(void **state)
{
    (void)state;
    struct bench b = bench_of(5);
    struct mono long_ago = b.now;
    b.now.us += 1000000;
    for (int i = 0; i < 30; i++)
        note(&b, true);
    while (breaker_ask(&b.breaker, b.now) < DOOR_LAST)
        b.now.us += 100000;
    breaker_probe(&b.breaker, b.now);
    assert_int_equal(b.breaker.state, BREAKER_HALF_OPEN);
    for (int i = 0; i < 10; i++)
        (void)breaker_note(&b.breaker, long_ago, false, b.now, &b.rng);
    assert_int_equal(b.breaker.state, BREAKER_HALF_OPEN);
    (void)breaker_note(&b.breaker, long_ago, true, b.now, &b.rng);
    assert_int_equal(b.breaker.state, BREAKER_HALF_OPEN);
}

static void a_probe_without_an_answer_does_not_stop_the_next(void **state)
{
    (void)state;
    struct bench b = bench_of(6);
    for (int i = 0; i < 30; i++)
        note(&b, true);
    for (int i = 0; i < 3; i++) {
        b.now.us += 20000000;
        assert_int_equal(breaker_ask(&b.breaker, b.now), DOOR_LAST);
        breaker_probe(&b.breaker, b.now);
        assert_int_equal(breaker_ask(&b.breaker, b.now), DOOR_SHUT);
    }
}

static void the_cool_down_doubles_to_a_minute_and_is_forgotten_in_health(void **state)
{
    (void)state;
    struct bench b = bench_of(7);
    int64_t cool = 0;
    for (int i = 0; i < 30; i++)
        note(&b, true);
    for (int i = 0; i < 12; i++) {
        assert_true(b.breaker.cool.us >= cool && b.breaker.cool.us <= 60000000);
        cool = b.breaker.cool.us;
        b.now.us = b.breaker.probe_at.us;
        breaker_probe(&b.breaker, b.now);
        note(&b, true);
    }
    assert_int_equal(b.breaker.cool.us, 60000000);
    for (int i = 0; i < 3; i++) {
        b.now.us = b.breaker.probe_at.us;
        breaker_probe(&b.breaker, b.now);
        note(&b, false);
    }
    assert_int_equal(b.breaker.state, BREAKER_CLOSED);
    run(&b, 300, 10, 0);
    for (int i = 0; i < 300 && b.breaker.state == BREAKER_CLOSED; i++)
        note(&b, true);
    assert_int_equal(b.breaker.cool.us, 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fails_opens_within_seconds),
        cmocka_unit_test(few_attempts_say_nothing),
        cmocka_unit_test(a_fault_now_and_then_changes_nothing),
        cmocka_unit_test(ten_minutes_of_faults_are_probed_by_one_in_a_hundred),
        cmocka_unit_test(it_moves_back_by_a_ramp_without_flapping),
        cmocka_unit_test(a_ramp_that_fails_opens_again_and_cools_down_longer),
        cmocka_unit_test(a_ramp_in_which_much_fails_stays_narrow),
        cmocka_unit_test(an_answer_from_before_says_nothing_about_now),
        cmocka_unit_test(a_probe_without_an_answer_does_not_stop_the_next),
        cmocka_unit_test(the_cool_down_doubles_to_a_minute_and_is_forgotten_in_health),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
