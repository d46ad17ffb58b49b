/* After a crash: what had not begun loses no attempt, what we were at work on is suspected. */
#include "store_case.h"

/* Closes it with its work in hand, and opens it with what a crash is known to have left. */
static void crash(struct store_case *c, bool known, const struct crash_note *list, uint32_t count)
{
    case_close(c);
    case_later(c, 1000);
    c->notes = (struct crash_notes){.known = known, .list = list, .count = count};
    case_open(c);
    c->notes = (struct crash_notes){0};
}

static int64_t in_hand(struct store_case *c, uint32_t app, uint32_t deliveries)
{
    struct draft draft = {.app = app, .place = PLACE_HAND, .deliveries = deliveries};
    return case_accept(c, &draft);
}

static uint32_t attempts(struct store_case *c, int64_t id, uint32_t ordinal)
{
    return case_delivery(c, id, ordinal)->deliveries->attempts;
}

static void what_had_not_begun_loses_no_attempt(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    int64_t id = in_hand(c, app, 3);
    const struct crash_note notes[] = {{.key = {id, 0}, .begun = true}, {.key = {id, 1}}};
    crash(c, true, notes, 2);
    assert_int_equal(c->state.recovered, 3);
    assert_int_equal(c->state.suspects + c->state.crashed, 0);
    assert_int_equal(attempts(c, id, 0), 1); /* it may have been sent */
    assert_int_equal(attempts(c, id, 1), 0);
    assert_int_equal(attempts(c, id, 2), 0);     /* claimed, and not even noted */
    struct query *got = case_delivery(c, id, 0); /* says so, should it come twice */
    assert_int_equal(got->count, 1);
    assert_int_equal(got->events[0].attempt, 1);
    assert_int_equal(got->events[0].state, STATE_QUEUED);
    assert_str(got->events[0].reason, "cut_off");
    assert_int_equal(case_delivery(c, id, 1)->count, 0);
    struct claim *claim = case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 9);
    assert_int_equal(claim->count, 3);
    assert_int_equal(claim->list[0].attempt, 2);
    assert_int_equal(claim->list[1].attempt, 1);
    assert_true(case_settle(c, app, (struct delivery_key){id, 1}, 1, STATE_SENT));
}

static void without_notes_everything_loses_one(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    int64_t id = in_hand(c, app, 2);
    const struct crash_note notes[] = {{.key = {id, 1}}};
    crash(c, false, notes, 1); /* the notes had no room for all */
    assert_int_equal(attempts(c, id, 0), 1);
    assert_int_equal(attempts(c, id, 1), 0);
}

static void suspects_run_apart_and_a_second_crash_is_the_end(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    int64_t id = in_hand(c, app, 3);
    struct crash_note notes[] = {
        {.key = {id, 0}, .begun = true, .fresh = true, .strikes = 1},
        {.key = {id, 1}, .begun = true, .fresh = true, .strikes = 1},
    };
    crash(c, true, notes, 2);
    assert_int_equal(c->state.recovered, 3);
    assert_int_equal(c->state.suspects, 2);
    assert_int_equal(attempts(c, id, 0), 1);
    assert_int_equal(attempts(c, id, 2), 0);
    int64_t first = case_delivery(c, id, 0)->deliveries->next_due.ms;
    int64_t second = case_delivery(c, id, 1)->deliveries->next_due.ms;
    assert_int_equal(first, c->now.ms + SUSPECT_APART_S * 1000);
    assert_int_equal(second, c->now.ms + 2 * SUSPECT_APART_S * 1000);
    assert_int_equal(case_delivery(c, id, 2)->deliveries->next_due.ms, c->now.ms);
    case_later(c, 10000);
    assert_int_equal(case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 9)->count, 3);
    notes[0].strikes = 2;
    notes[1].fresh = false; /* in hand, and not at fault this time */
    notes[1].begun = false;
    crash(c, true, notes, 2);
    assert_int_equal(c->state.crashed, 1);
    assert_int_equal(c->state.recovered, 2);
    struct query *dead = case_delivery(c, id, 0);
    assert_int_equal(dead->deliveries->state, STATE_DEAD);
    assert_str(dead->deliveries->reason, "crashed");
    assert_int_equal(dead->deliveries->attempts, 2);
    assert_int_equal(attempts(c, id, 1), 1);
    struct query *list =
        case_get(c, (struct query){.type = QUERY_DEAD, .dead = {.any_mode = true}});
    assert_int_equal(list->count, 1);
    assert_int_equal(list->deliveries[0].notification, id);
    const struct delivery_key key = {id, 0};
    struct redrive redrive = {.op = {.verb = VERB_REDRIVE},
                              .filter = {.app = app, .any_mode = true},
                              .keys = &key,
                              .key_count = 1,
                              .limit = 1,
                              .now = c->now};
    case_op(c, &redrive.op);
    assert_int_equal(redrive.redriven_count, 1); /* an operator may try it again */
    assert_int_equal(case_depth(c, KIND_IOS, PRIORITY_CRITICAL, app), 2);
}

static void at_most_once_is_as_its_mark_says(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = {
        .app = app, .place = PLACE_HAND, .guarantee = GUARANTEE_AT_MOST_ONCE, .deliveries = 3};
    int64_t id = case_accept(c, &draft);
    assert_true(case_mark(c, (struct delivery_key){id, 0}, 1));
    const struct crash_note notes[] = {
        {.key = {id, 0}, .begun = true, .fresh = true, .strikes = 2},
        {.key = {id, 1}, .begun = true, .fresh = true, .strikes = 1},
        {.key = {id, 2}, .begun = true},
    };
    crash(c, true, notes, 3);
    assert_int_equal(case_state(c, id, 0), STATE_UNKNOWN);
    assert_int_equal(c->state.cut_off, 1);
    assert_int_equal(attempts(c, id, 1), 1); /* a suspect */
    assert_int_equal(attempts(c, id, 2), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(what_had_not_begun_loses_no_attempt),
        STORE_TEST(without_notes_everything_loses_one),
        STORE_TEST(suspects_run_apart_and_a_second_crash_is_the_end),
        STORE_TEST(at_most_once_is_as_its_mark_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
