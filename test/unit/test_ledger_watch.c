/* The reconciler and the watchdog: what a lane has forgotten is claimed all the same, and what
 * stands still is said, with what holds it. */
#include "ledger_case.h"

enum { HOUR_MS = 3600000, DAY_MS = 24 * HOUR_MS, SOON_MS = 5000 };

static bool says(struct str sentence, const char *words)
{
    return sentence.at && memmem(sentence.at, sentence.len, words, strlen(words));
}

static struct shelf *sms_shelf(struct ledger_case *c)
{
    return lanes_shelf(&c->ledger->lanes, lane_of(KIND_SMS, PRIORITY_NORMAL), c->app);
}

/* One delivery waits for its retry, about a minute. */
static int64_t waiting(struct ledger_case *c)
{
    int64_t id = ledger_case_accept(c, GUARANTEE_AT_LEAST_ONCE, 2 * DAY_MS);
    ledger_case_judge(c, ledger_case_take(c), FATE_AGAIN);
    assert_true(sms_shelf(c)->depth > 0);
    return id;
}

static int64_t due_in_ms(struct ledger_case *c)
{
    return sms_shelf(c)->next_due.ms - c->ledger->calendar.at.ms;
}

/* -- what lanes lose -------------------------------------------------------------------------- */

static void forget_wake_up(struct ledger_case *c)
{
    struct shelf *shelf = sms_shelf(c);
    heap_remove(&c->ledger->lanes.list[shelf->lane].later, &shelf->due_node);
    list_remove(&shelf->due_link);
}

static void a_forgotten_wake_up_is_made_up_for(void **state)
{
    struct ledger_case *c = *state;
    waiting(c);
    int64_t wait = due_in_ms(c);
    forget_wake_up(c);
    sms_shelf(c)->next_due = WALL_NEVER;
    ledger_case_later(c, wait + SOON_MS);
    assert_int_equal(c->handed, 2);
    assert_int_equal(ledger_case_report(c)->queues.stats.reconciled_shelves, 1);
    assert_true(ledger_case_logged(c, "what=reconciled lanes=1"));
    ledger_case_judge(c, ledger_case_take(c), FATE_DONE);
}

static void a_shelf_that_is_nowhere_is_found(void **state)
{
    struct ledger_case *c = *state;
    waiting(c);
    int64_t wait = due_in_ms(c);
    forget_wake_up(c); /* it knows when, and nobody asks it */
    ledger_case_later(c, wait + SOON_MS);
    assert_int_equal(c->handed, 2);
    assert_int_equal(ledger_case_report(c)->queues.stats.reconciled_shelves, 1);
}

static void a_depth_that_differs_is_corrected(void **state)
{
    static const uint32_t wrong[] = {0, 2, 1000};
    struct ledger_case *c = *state;
    waiting(c);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        sms_shelf(c)->depth = wrong[i];
        ledger_case_later(c, SOON_MS);
        assert_int_equal(sms_shelf(c)->depth, 1);
        assert_int_equal(ledger_case_report(c)->queues.stats.reconciled_shelves, i + 1);
    }
}

static void what_is_counted_and_is_not_there_is_uncounted(void **state)
{
    struct ledger_case *c = *state;
    struct shelf *phantom = lanes_shelf(&c->ledger->lanes, lane_of(KIND_IOS, PRIORITY_LOW), c->app);
    lanes_pending(&c->ledger->lanes, phantom, 3, wall_add(c->now.wall, span_s(7200)), c->now.wall);
    ledger_case_later(c, SOON_MS);
    assert_int_equal(phantom->depth, 0);
    assert_true(ledger_case_logged(c, "fewer=1"));
}

static void nothing_is_corrected_where_all_is_right(void **state)
{
    struct ledger_case *c = *state;
    waiting(c);
    for (int i = 0; i < 5; i++) {
        waiting(c);
        ledger_case_later(c, 1700);
    }
    assert_int_equal(ledger_case_report(c)->queues.stats.reconciled_shelves, 0);
}

/* -- what stands still ------------------------------------------------------------------------ */

static unsigned sms_lane(void)
{
    return lane_of(KIND_SMS, PRIORITY_NORMAL);
}

static void a_lane_that_nothing_holds_and_that_stands_is_an_alarm(void **state)
{
    struct ledger_case *c = *state;
    waiting(c);
    int64_t wait = due_in_ms(c);
    c->ledger->lanes.list[sms_lane()].claims = 100; /* claims that never came back */
    ledger_case_later(c, wait + (WATCHDOG_STALL_S - 5) * 1000);
    assert_null(ledger_case_report(c)->queues.not_ready.at);
    ledger_case_later(c, 10000);
    const struct job *report = ledger_case_report(c);
    assert_non_null(report->queues.not_ready.at);
    assert_true(says(report->queues.not_ready, "sms deliveries of priority normal"));
    assert_true(report->queues.lanes[sms_lane()].unclaimed.us >= span_s(WATCHDOG_STALL_S).us);
    assert_true(ledger_case_logged(c, "what=standing kind=sms priority=normal"));
    ledger_case_later(c, 60000);
    assert_false(ledger_case_logged(c, "what=standing")); /* told once */
    c->ledger->lanes.list[sms_lane()].claims = 0;
    ledger_case_later(c, 5000);
    assert_null(ledger_case_report(c)->queues.not_ready.at);
    assert_true(ledger_case_logged(c, "what=moving kind=sms"));
    assert_int_equal(ledger_case_report(c)->queues.lanes[sms_lane()].unclaimed.us, 0);
}

static void what_is_held_by_something_known_is_told_and_no_alarm(void **state)
{
    struct ledger_case *c = *state;
    waiting(c);
    c->ledger->lanes.list[sms_lane()].paused = true;
    ledger_case_later(c, 200000);
    assert_null(ledger_case_report(c)->queues.not_ready.at);
    assert_true(ledger_case_logged(c, "held_by=pause"));
    c->ledger->lanes.list[sms_lane()].paused = false;
    ledger_case_later(c, 2000);
    assert_true(ledger_case_logged(c, "what=moving"));
}

static void a_backlog_that_moves_is_no_alarm(void **state)
{
    struct ledger_case *c = *state;
    waiting(c);
    c->ledger->lanes.list[sms_lane()].claims = 100; /* none of it is claimed ... */
    for (int i = 0; i < 30; i++) {
        ledger_case_later(c, 10000);
        lanes_moved(&c->ledger->lanes, sms_lane(), c->now.mono); /* ... but the lane works */
    }
    assert_null(ledger_case_report(c)->queues.not_ready.at);
    assert_false(ledger_case_logged(c, "what=standing"));
    c->ledger->lanes.list[sms_lane()].claims = 0;
}

static void a_courier_that_does_not_answer_is_named(void **state)
{
    struct ledger_case *c = *state;
    ledger_case_accept(c, GUARANTEE_AT_LEAST_ONCE, DAY_MS);
    c->deaf = true;
    ledger_case_later(c, (WATCHDOG_ANSWER_S + 5) * 1000);
    assert_true(ledger_case_logged(c, "what=standing courier=0"));
    assert_true(says(ledger_case_report(c)->queues.not_ready, "courier 0"));
    struct notice *notice = &c->ledger->roll.round->notices[0];
    c->deaf = false;
    notice->message.type = LEDGER_ACK;
    notice->message.next = NULL;
    c->mail = &notice->message;
    c->mail_end = &notice->message.next;
    ledger_case_later(c, 2000);
    assert_null(ledger_case_report(c)->queues.not_ready.at);
    assert_true(ledger_case_logged(c, "what=moving listeners"));
}

static void a_store_that_does_not_answer_is_named(void **state)
{
    struct ledger_case *c = *state;
    c->stuck = true;
    ledger_case_later(c, (WATCHDOG_ANSWER_S + 5) * 1000);
    assert_true(says(ledger_case_report(c)->queues.not_ready, "the store has not answered"));
    c->stuck = false;
    ledger_case_later(c, 3000);
    assert_null(ledger_case_report(c)->queues.not_ready.at);
}

/* -- clocks that are set ---------------------------------------------------------------------- */

static const int64_t steps_ms[] = {HOUR_MS, -HOUR_MS, DAY_MS, -DAY_MS};

static void a_retry_comes_when_it_would_have_come(void **state)
{
    struct ledger_case *c = *state;
    for (size_t i = 0; i < sizeof steps_ms / sizeof *steps_ms; i++) {
        uint32_t handed = c->handed + 1;
        waiting(c);
        int64_t wait = due_in_ms(c);
        assert_true(wait > 0);
        ledger_case_later(c, wait / 2);
        c->now.wall.ms += steps_ms[i];
        ledger_case_later(c, wait - wait / 2 - 5);
        assert_int_equal(c->handed, handed); /* not early */
        ledger_case_later(c, 10);
        assert_int_equal(c->handed, handed + 1); /* nor late */
        ledger_case_judge(c, ledger_case_take(c), FATE_DONE);
    }
}

static void what_waits_expires_when_it_would_have_expired(void **state)
{
    struct ledger_case *c = *state;
    for (size_t i = 0; i < sizeof steps_ms / sizeof *steps_ms; i++) {
        uint32_t count;
        int64_t id = ledger_case_accept(c, GUARANTEE_AT_LEAST_ONCE, 30000);
        struct ticket *ticket = ledger_case_take(c);
        assert_int_equal(ticket->expires.us, c->now.mono.us + 30000000);
        ticket->result = TICKET_BACK;
        ticket->back_in = span_s(20);
        ledger_case_return(c, ticket);
        c->now.wall.ms += steps_ms[i];
        ledger_case_later(c, 21000);
        ticket = ledger_case_take(c); /* not expired yet */
        ticket->result = TICKET_BACK;
        ticket->back_in = span_s(60);
        ledger_case_return(c, ticket);
        ledger_case_later(c, 10000);
        const struct event *const *events = ledger_case_events(c, id, &count);
        assert_int_equal(count, 1);
        assert_int_equal(events[0]->state, STATE_EXPIRED);
        /* And what people see is the clock that they have set. */
        assert_true(events[0]->at.ms > c->now.wall.ms - 11000 &&
                    events[0]->at.ms <= c->now.wall.ms);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ledger_case_setup, ledger_case_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_forgotten_wake_up_is_made_up_for),
        TEST(a_shelf_that_is_nowhere_is_found),
        TEST(a_depth_that_differs_is_corrected),
        TEST(what_is_counted_and_is_not_there_is_uncounted),
        TEST(nothing_is_corrected_where_all_is_right),
        TEST(a_lane_that_nothing_holds_and_that_stands_is_an_alarm),
        TEST(what_is_held_by_something_known_is_told_and_no_alarm),
        TEST(a_backlog_that_moves_is_no_alarm),
        TEST(a_courier_that_does_not_answer_is_named),
        TEST(a_store_that_does_not_answer_is_named),
        TEST(a_retry_comes_when_it_would_have_come),
        TEST(what_waits_expires_when_it_would_have_expired),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
