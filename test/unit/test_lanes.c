/* Windows and turns: apps and priorities do not starve one another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "flow/desk.h"
#include "flow/lanes.h"

static const uint64_t hash_key[2] = {1, 2};
static const struct wall now = {1000000};
static const struct wall later = {2000000};

static void one_app_cannot_fill_a_lane_before_another_comes(void **state)
{
    (void)state;
    struct lanes lanes;
    lanes_init(&lanes, hash_key);
    unsigned lane = lane_of(KIND_IOS, PRIORITY_NORMAL);
    struct shelf *first = lanes_shelf(&lanes, lane, 1), *second = lanes_shelf(&lanes, lane, 2);
    uint32_t taken = 0;
    while (lanes_take(&lanes, first, now))
        taken++;
    assert_int_equal(taken, WINDOW_LANE_MAX / 2);
    uint32_t others = 0;
    while (lanes_take(&lanes, second, now))
        others++;
    assert_true(others >= WINDOW_LANE_MAX / 4);
    lanes_give(&lanes, first, taken);
    lanes_give(&lanes, second, others);
    lanes_done(&lanes);
}

static void what_is_due_is_not_overtaken(void **state)
{
    (void)state;
    struct lanes lanes;
    lanes_init(&lanes, hash_key);
    struct shelf *shelf = lanes_shelf(&lanes, 0, 1);
    lanes_pending(&lanes, shelf, 1, later, now);
    assert_true(lanes_take(&lanes, shelf, now));
    assert_false(lanes_take(&lanes, shelf, later));
    lanes_give(&lanes, shelf, 1);
    lanes_done(&lanes);
}

static void due_shelves_are_claimed_in_turns(void **state)
{
    (void)state;
    struct lanes lanes;
    lanes_init(&lanes, hash_key);
    struct shelf *big = lanes_shelf(&lanes, 0, 1), *small = lanes_shelf(&lanes, 0, 2);
    lanes_pending(&lanes, big, 1000000, now, now);
    lanes_pending(&lanes, small, 3, now, now);
    uint32_t limit;
    assert_ptr_equal(lanes_turn(&lanes, 0, now, &limit), big);
    assert_int_equal(limit, CLAIM_MAX);
    assert_ptr_equal(lanes_turn(&lanes, 0, now, &limit), small);
    assert_int_equal(limit, 3);
    assert_null(lanes_turn(&lanes, 0, now, &limit)); /* both are being claimed */
    lanes_claimed(&lanes, big, CLAIM_MAX, CLAIM_MAX, now, now);
    lanes_claimed(&lanes, small, 3, 3, WALL_NEVER, now);
    assert_ptr_equal(lanes_turn(&lanes, 0, now, &limit), big);
    lanes_claimed(&lanes, big, limit, limit, later, now);
    assert_null(lanes_turn(&lanes, 0, now, &limit));
    assert_int_equal(lanes_next_due(&lanes).ms, later.ms);
    assert_ptr_equal(lanes_turn(&lanes, 0, later, &limit), big);
    lanes_claimed(&lanes, big, limit, 1, WALL_NEVER, later);
    assert_int_equal(lanes_next_due(&lanes).ms, later.ms + 1000); /* asked again, not at once */
    lanes_give(&lanes, big, big->in_hand);
    lanes_give(&lanes, small, small->in_hand);
    lanes_done(&lanes);
}

static void what_is_added_during_a_claim_is_not_forgotten(void **state)
{
    (void)state;
    struct lanes lanes;
    lanes_init(&lanes, hash_key);
    struct shelf *shelf = lanes_shelf(&lanes, 0, 1);
    uint32_t limit;
    lanes_pending(&lanes, shelf, 5, now, now);
    assert_ptr_equal(lanes_turn(&lanes, 0, now, &limit), shelf);
    lanes_pending(&lanes, shelf, 1, now, now);
    lanes_claimed(&lanes, shelf, limit, 5, WALL_NEVER, now);
    lanes_give(&lanes, shelf, 5);
    assert_ptr_equal(lanes_turn(&lanes, 0, now, &limit), shelf);
    assert_int_equal(limit, 1);
    lanes_claimed(&lanes, shelf, 1, 1, WALL_NEVER, now);
    lanes_give(&lanes, shelf, 1);
    lanes_done(&lanes);
}

static void a_depth_that_a_claim_does_not_find_is_forgotten(void **state)
{
    (void)state;
    struct lanes lanes;
    lanes_init(&lanes, hash_key);
    struct shelf *shelf = lanes_shelf(&lanes, 0, 1);
    uint32_t limit;
    lanes_pending(&lanes, shelf, 7, now, now);
    assert_ptr_equal(lanes_turn(&lanes, 0, now, &limit), shelf);
    lanes_claimed(&lanes, shelf, limit, 0, WALL_NEVER, now);
    assert_int_equal(shelf->depth, 0);
    assert_int_equal(lanes_next_due(&lanes).ms, WALL_NEVER.ms);
    lanes_done(&lanes);
}

static void slow_lanes_leave_room_for_another(void **state)
{
    (void)state;
    struct lanes lanes;
    uint32_t taken[LANE_COUNT] = {0}, all = 0;
    lanes_init(&lanes, hash_key);
    /* Every lane but one is filled by as many apps as it takes. */
    for (unsigned lane = 1; lane < LANE_COUNT; lane++)
        for (uint32_t app = 1; app <= 20; app++)
            while (lanes_take(&lanes, lanes_shelf(&lanes, lane, app), now))
                taken[lane]++;
    for (uint32_t app = 1; app <= 20; app++)
        while (lanes_take(&lanes, lanes_shelf(&lanes, 0, app), now))
            taken[0]++;
    for (unsigned lane = 0; lane < LANE_COUNT; lane++)
        all += taken[lane];
    assert_true(taken[0] >= WINDOW_ALL_MAX / (4 * LANE_COUNT));
    assert_true(all <= WINDOW_ALL_MAX);
    for (unsigned lane = 0; lane < LANE_COUNT; lane++)
        for (uint32_t app = 1; app <= 20; app++)
            lanes_give(&lanes, lanes_shelf(&lanes, lane, app),
                       lanes_shelf(&lanes, lane, app)->in_hand);
    lanes_done(&lanes);
}

static void large_bundles_of_a_slow_lane_leave_bytes_for_another(void **state)
{
    (void)state;
    struct lanes lanes;
    enum { LARGE = 4 * 1024 * 1024 };
    lanes_init(&lanes, hash_key);
    unsigned slow = lane_of(KIND_EMAIL, PRIORITY_LOW), other = lane_of(KIND_IOS, PRIORITY_NORMAL);
    uint32_t held = 0;
    while (lanes_take(&lanes, lanes_shelf(&lanes, slow, 1), now)) {
        lanes_hold(&lanes, slow, 1, LARGE, true, true);
        held++;
    }
    assert_true(held < WINDOW_BYTES_MAX / LARGE);
    assert_true(lanes_take(&lanes, lanes_shelf(&lanes, other, 1), now));
    /* Even if all of it is gone: a claim may bring more than there was room for. */
    lanes_hold(&lanes, slow, 1, WINDOW_BYTES_MAX, true, true);
    assert_true(lanes_take(&lanes, lanes_shelf(&lanes, other, 1), now));
    assert_false(lanes_take(&lanes, lanes_shelf(&lanes, slow, 2), now));
    lanes_release(&lanes, slow, 1, WINDOW_BYTES_MAX, true, true);
    lanes_give(&lanes, lanes_shelf(&lanes, other, 1), 2);
    lanes_give(&lanes, lanes_shelf(&lanes, slow, 1), held);
    for (; held; held--)
        lanes_release(&lanes, slow, 1, LARGE, true, true);
    assert_int_equal(lanes.bytes, 0);
    lanes_done(&lanes);
}

static void large_bundles_of_an_app_leave_bytes_for_another_in_its_lane(void **state)
{
    (void)state;
    struct lanes lanes;
    enum { LARGE = 256 * 1024 };
    lanes_init(&lanes, hash_key);
    unsigned lane = lane_of(KIND_IOS, PRIORITY_NORMAL);
    uint32_t held = 0, beside = 0;
    while (lanes_take(&lanes, lanes_shelf(&lanes, lane, 1), now)) {
        lanes_hold(&lanes, lane, 1, LARGE, true, true);
        held++;
    }
    assert_true(held >= WINDOW_BYTES_MAX / LARGE / 4);
    while (beside < 4 && lanes_take(&lanes, lanes_shelf(&lanes, lane, 2), now)) {
        lanes_hold(&lanes, lane, 2, LARGE, true, true);
        beside++;
    }
    assert_int_equal(beside, 4);
    assert_false(lanes_take(&lanes, lanes_shelf(&lanes, lane, 1), now));
    lanes_give(&lanes, lanes_shelf(&lanes, lane, 1), held);
    lanes_give(&lanes, lanes_shelf(&lanes, lane, 2), beside);
    for (; held; held--)
        lanes_release(&lanes, lane, 1, LARGE, true, true);
    for (; beside; beside--)
        lanes_release(&lanes, lane, 2, LARGE, true, true);
    assert_int_equal(lanes.bytes, 0);
    lanes_done(&lanes);
}

static void what_came_back_to_wait_rests_before_the_next_claim(void **state)
{
    (void)state;
    struct lanes lanes;
    uint32_t limit;
    lanes_init(&lanes, hash_key);
    struct shelf *shelf = lanes_shelf(&lanes, 0, 1);
    lanes_pending(&lanes, shelf, 100000, now, now);
    lanes_rest(&lanes, shelf, (struct now){.mono = {1}, .wall = now});
    assert_null(lanes_turn(&lanes, 0, now, &limit));
    struct wall next = lanes_next_due(&lanes);
    assert_true(next.ms > now.ms && next.ms <= now.ms + 1000);
    assert_ptr_equal(lanes_turn(&lanes, 0, next, &limit), shelf);
    lanes_claimed(&lanes, shelf, limit, limit, now, next);
    lanes_give(&lanes, shelf, shelf->in_hand);
    lanes_done(&lanes);
}

static void a_paused_lane_takes_and_claims_nothing_and_wakes_nobody(void **state)
{
    (void)state;
    struct lanes lanes;
    uint32_t limit;
    lanes_init(&lanes, hash_key);
    unsigned sms = lane_of(KIND_SMS, PRIORITY_CRITICAL), ios = lane_of(KIND_IOS, PRIORITY_LOW);
    struct shelf *paused = lanes_shelf(&lanes, sms, 1), *other = lanes_shelf(&lanes, ios, 1);
    lanes_pause(&lanes, 1u << KIND_SMS);
    assert_false(lanes_take(&lanes, paused, now));
    assert_true(lanes_take(&lanes, other, now));
    lanes_give(&lanes, other, 1);
    lanes_pending(&lanes, paused, 5, later, now);
    assert_int_equal(lanes_next_due(&lanes).ms, WALL_NEVER.ms);
    assert_null(lanes_turn(&lanes, sms, later, &limit));
    lanes_pause(&lanes, 0);
    assert_int_equal(lanes_next_due(&lanes).ms, later.ms);
    assert_ptr_equal(lanes_turn(&lanes, sms, later, &limit), paused);
    lanes_claimed(&lanes, paused, limit, limit, WALL_NEVER, later);
    lanes_give(&lanes, paused, limit);
    lanes_done(&lanes);
}

static struct ticket *ticket_of(uint32_t app, enum priority priority)
{
    struct ticket *ticket = calloc(1, sizeof *ticket);
    struct notification *notification = calloc(1, sizeof *notification);
    assert_non_null(ticket);
    assert_non_null(notification);
    notification->app = app;
    ticket->notification = notification;
    ticket->lane = lane_of(KIND_IOS, priority);
    return ticket;
}

static uint32_t app_of(struct ticket *ticket)
{
    uint32_t app = ticket->notification->app;
    free((void *)(uintptr_t)ticket->notification);
    free(ticket);
    return app;
}

static void apps_take_turns_at_a_desk_and_critical_goes_first(void **state)
{
    (void)state;
    struct desk desk;
    desk_init(&desk, hash_key);
    for (int i = 0; i < 10; i++)
        assert_true(desk_add(&desk, ticket_of(1, PRIORITY_NORMAL)));
    assert_true(desk_add(&desk, ticket_of(2, PRIORITY_NORMAL)));
    assert_true(desk_add(&desk, ticket_of(3, PRIORITY_CRITICAL)));
    assert_int_equal(app_of(desk_take(&desk, DESK_ANY, 0)), 3);
    assert_int_equal(app_of(desk_take(&desk, DESK_ANY, 0)), 1);
    assert_int_equal(app_of(desk_take(&desk, DESK_ANY, 0)), 2);
    assert_null(desk_take(&desk, DESK_CRITICAL, 0));
    for (int i = 0; i < 9; i++)
        assert_int_equal(app_of(desk_take(&desk, DESK_ANY, 0)), 1);
    assert_null(desk_take(&desk, DESK_ANY, 0));
    desk_done(&desk);
}

/* As a sender does: the app that gets the next of `most` places, or 0. */
static uint32_t next_place(struct desk *desk, uint32_t taken, uint32_t most, struct mono at)
{
    uint32_t few;
    enum desk_places places = desk_places(desk, taken, most, at, &few);
    struct ticket *ticket = desk_take(desk, places, few);
    if (!ticket)
        return 0;
    uint32_t app = app_of(ticket);
    desk_enter(desk, app, at);
    return app;
}

static void who_comes_now_and_then_finds_a_place_beside_a_backlog(void **state)
{
    (void)state;
    struct desk desk;
    struct mono at = {1000};
    uint32_t taken = 0;
    desk_init(&desk, hash_key);
    for (int i = 0; i < 40; i++)
        assert_true(desk_add(&desk, ticket_of(1, PRIORITY_HIGH)));
    while (taken < 14) /* of 16, two of them critical's: it is alone, and may have them all */
        assert_int_equal(next_place(&desk, taken++, 16, at), 1);
    assert_int_equal(next_place(&desk, taken, 16, at), 0);
    desk_leave(&desk, 1);
    assert_true(desk_add(&desk, ticket_of(2, PRIORITY_LOW)));
    desk.turn = 3; /* low's */
    assert_int_equal(next_place(&desk, --taken, 16, at), 2);
    desk_leave(&desk, 2); /* from at on two places are kept for who has less than two */
    assert_int_equal(next_place(&desk, taken, 16, at), 0);
    desk_leave(&desk, 1);
    assert_int_equal(next_place(&desk, --taken, 16, at), 0);
    for (int i = 0; i < 3; i++)
        assert_true(desk_add(&desk, ticket_of(2, PRIORITY_LOW)));
    assert_int_equal(next_place(&desk, taken++, 16, at), 2);
    assert_int_equal(next_place(&desk, taken++, 16, at), 2);
    assert_int_equal(next_place(&desk, taken, 16, at), 0);
    desk_leave(&desk, 1);
    assert_int_equal(next_place(&desk, --taken, 16, at), 0); /* each has enough */
    at = mono_add(at, span_s(61));                           /* for a minute nobody else has come */
    desk.last_app = 1;
    assert_int_equal(next_place(&desk, taken++, 16, at), 1);
    for (int i = 0; i < 12; i++)
        desk_leave(&desk, 1);
    desk_leave(&desk, 2);
    desk_leave(&desk, 2);
    for (struct ticket *ticket; (ticket = desk_take(&desk, DESK_ANY, 0));)
        (void)app_of(ticket);
    desk_done(&desk);
}

static void priorities_share_by_weight(void **state)
{
    (void)state;
    struct desk desk;
    uint32_t counts[PRIORITY_COUNT] = {0};
    desk_init(&desk, hash_key);
    for (int i = 0; i < 100; i++)
        for (uint32_t p = PRIORITY_HIGH; p <= PRIORITY_LOW; p++)
            assert_true(desk_add(&desk, ticket_of(p, (enum priority)p)));
    for (int i = 0; i < 80; i++)
        counts[app_of(desk_take(&desk, DESK_ANY, 0))]++;
    assert_int_equal(counts[PRIORITY_HIGH], 50);
    assert_int_equal(counts[PRIORITY_NORMAL], 20);
    assert_int_equal(counts[PRIORITY_LOW], 10);
    for (struct ticket *ticket; (ticket = desk_take(&desk, DESK_ANY, 0));)
        (void)app_of(ticket);
    desk_done(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_app_cannot_fill_a_lane_before_another_comes),
        cmocka_unit_test(what_is_due_is_not_overtaken),
        cmocka_unit_test(due_shelves_are_claimed_in_turns),
        cmocka_unit_test(what_is_added_during_a_claim_is_not_forgotten),
        cmocka_unit_test(a_depth_that_a_claim_does_not_find_is_forgotten),
        cmocka_unit_test(slow_lanes_leave_room_for_another),
        cmocka_unit_test(large_bundles_of_a_slow_lane_leave_bytes_for_another),
        cmocka_unit_test(large_bundles_of_an_app_leave_bytes_for_another_in_its_lane),
        cmocka_unit_test(what_came_back_to_wait_rests_before_the_next_claim),
        cmocka_unit_test(a_paused_lane_takes_and_claims_nothing_and_wakes_nobody),
        cmocka_unit_test(apps_take_turns_at_a_desk_and_critical_goes_first),
        cmocka_unit_test(who_comes_now_and_then_finds_a_place_beside_a_backlog),
        cmocka_unit_test(priorities_share_by_weight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
