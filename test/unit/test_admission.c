/* core/admission: bursts pass, a standing queue is kept short, critical work has its share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/admission.h"

enum { RING = 1 << 16, MS = 1000 };

/* A store that takes `rate` a millisecond, first come first served, each after `commit_ms`. */
struct shop {
    struct admission admission;
    struct now now;
    int64_t since[RING]; /* when each that waits came, us */
    bool critical[RING];
    uint32_t head, count;
    uint32_t rate;
    int64_t commit_ms;
    bool stalled;
    uint32_t asked, refused, served, served_all;
    uint32_t critical_refused;
    int64_t worst_us; /* wait of what was served */
};

static void open_shop(struct shop *shop, uint32_t rate, int64_t commit_ms)
{
    *shop = (struct shop){.rate = rate, .commit_ms = commit_ms, .now = {.mono = {1000 * MS}}};
    admission_init(&shop->admission, 1 << 20, shop->now);
}

static struct entrant one(bool critical)
{
    return (struct entrant){.work = 1, .bytes = 1, .critical = critical};
}

static void arrive(struct shop *shop, bool critical)
{
    shop->asked++;
    if (!admission_asks(&shop->admission, critical)) {
        shop->refused++;
        shop->critical_refused += critical;
        return;
    }
    admission_enter(&shop->admission, one(critical));
    assert_true(shop->count < RING);
    shop->critical[(shop->head + shop->count) % RING] = critical;
    shop->since[(shop->head + shop->count++) % RING] = shop->now.mono.us;
}

static void serve(struct shop *shop)
{
    for (uint32_t i = 0; i < shop->rate && shop->count && !shop->stalled; i++) {
        int64_t waited = shop->now.mono.us - shop->since[shop->head % RING];
        if (waited < shop->commit_ms * MS)
            return;
        struct entrant entrant = one(shop->critical[shop->head++ % RING]);
        shop->count--;
        shop->served++;
        if (waited > shop->worst_us)
            shop->worst_us = waited;
        admission_leave(&shop->admission, shop->now, entrant, (struct span){waited}, true);
    }
}

/* So many milliseconds of `load` arrivals each, every hundredth critical. */
static void pass(struct shop *shop, uint32_t ms, uint32_t load)
{
    shop->asked = shop->refused = shop->served = shop->critical_refused = 0;
    shop->worst_us = 0;
    for (uint32_t i = 0; i < ms; i++) {
        for (uint32_t k = 0; k < load; k++)
            arrive(shop, shop->asked % 100 == 99);
        shop->now.mono.us += MS;
        serve(shop);
    }
}

static void what_can_be_served_is_let_in(void **state)
{
    (void)state;
    for (int64_t commit_ms = 1; commit_ms <= 50; commit_ms += 7) {
        struct shop shop;
        open_shop(&shop, 20, commit_ms);
        pass(&shop, 3000, 18);
        assert_int_equal(shop.refused, 0);
        assert_false(shop.admission.standing);
    }
}

static void five_times_too_much_keeps_the_server_busy_and_the_wait_short(void **state)
{
    (void)state;
    for (uint32_t rate = 20; rate <= 60; rate += 20) {
        struct shop shop;
        open_shop(&shop, rate, 2);
        pass(&shop, 2000, 5 * rate);
        pass(&shop, 5000, 5 * rate);
        assert_true(shop.served >= 5000 * rate * 99 / 100);
        assert_true(shop.worst_us <= 60 * MS);
        assert_int_equal(shop.asked, shop.refused + shop.served);
        pass(&shop, 1000, rate / 2);
        pass(&shop, 1000, rate / 2);
        assert_int_equal(shop.refused, 0);
        assert_false(shop.admission.standing);
    }
}

static void critical_work_has_a_share_of_its_own(void **state)
{
    (void)state;
    struct shop shop;
    open_shop(&shop, 20, 2);
    pass(&shop, 2000, 100);
    assert_true(shop.refused > 0);
    pass(&shop, 5000, 100); /* a hundredth of it critical: a share that fits */
    assert_int_equal(shop.critical_refused, 0);
}

static void large_notifications_count_as_the_work_they_are(void **state)
{
    (void)state;
    struct admission admission;
    struct now now = {.mono = {1}};
    const struct entrant large = {.work = admission_work(80), .bytes = 1};
    uint32_t let_in = 0;
    assert_int_equal(admission_work(0), 1);
    assert_int_equal(admission_work(1), 1);
    assert_int_equal(large.work, 21);
    admission_init(&admission, 1 << 20, now);
    admission.standing = true;
    for (; admission_asks(&admission, false); let_in++)
        admission_enter(&admission, large);
    assert_int_equal(let_in, admission.limit / large.work + 1);
    while (let_in--)
        admission_leave(&admission, now, large, (struct span){10}, true);
    assert_int_equal(admission.work, 0);
}

static void a_stall_of_the_disk_is_a_burst(void **state)
{
    (void)state;
    struct shop shop;
    open_shop(&shop, 40, 1);
    pass(&shop, 1000, 10);
    shop.stalled = true;
    pass(&shop, 300, 10);
    assert_int_equal(shop.refused, 0);
    shop.stalled = false;
    pass(&shop, 1000, 10);
    assert_int_equal(shop.refused, 0);
    assert_false(shop.admission.standing);
}

static void what_others_have_let_pile_up_does_not_shut_critical_work_out(void **state)
{
    (void)state;
    struct admission admission;
    struct now now = {.mono = {1}};
    uint32_t let_in = 0;
    admission_init(&admission, 1 << 20, now);
    for (int i = 0; i < 1000; i++) /* a burst, before the queue is known to stand */
        admission_enter(&admission, one(false));
    admission.standing = true;
    assert_false(admission_asks(&admission, false));
    for (; admission_asks(&admission, true); let_in++)
        admission_enter(&admission, one(true));
    assert_int_equal(let_in, admission.limit / 4);
    admission_leave(&admission, now, one(true), (struct span){10}, true);
    assert_true(admission_asks(&admission, true));
}

static struct entrant bytes(size_t bytes)
{
    return (struct entrant){.work = 1, .bytes = bytes};
}

static void memory_is_bounded_whatever_the_wait(void **state)
{
    (void)state;
    struct admission admission;
    struct now now = {.mono = {1}};
    admission_init(&admission, 1000, now);
    admission_enter(&admission, bytes(999));
    assert_true(admission_asks(&admission, false));
    admission_enter(&admission, bytes(200));
    assert_false(admission_asks(&admission, false));
    assert_true(admission_asks(&admission, true));
    admission_enter(&admission, bytes(51));
    assert_false(admission_asks(&admission, true));
    admission_leave(&admission, now, bytes(999), (struct span){10}, false);
    assert_true(admission_asks(&admission, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_be_served_is_let_in),
        cmocka_unit_test(five_times_too_much_keeps_the_server_busy_and_the_wait_short),
        cmocka_unit_test(critical_work_has_a_share_of_its_own),
        cmocka_unit_test(large_notifications_count_as_the_work_they_are),
        cmocka_unit_test(a_stall_of_the_disk_is_a_burst),
        cmocka_unit_test(what_others_have_let_pile_up_does_not_shut_critical_work_out),
        cmocka_unit_test(memory_is_bounded_whatever_the_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
