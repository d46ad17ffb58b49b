/* The roll-call: what no courier holds any more is handed out again, once, and nothing is silent.
 */
#include "ledger_case.h"

enum { DAY_MS = 86400000, SOON_MS = 5000 };

static void what_was_lost_is_handed_out_again_within_five_seconds(void **state)
{
    struct ledger_case *c = *state;
    uint32_t count;
    c->drops = true;
    int64_t id = ledger_case_accept(c, GUARANTEE_AT_LEAST_ONCE, DAY_MS);
    assert_int_equal(c->handed, 1);
    c->drops = false;
    ledger_case_later(c, SOON_MS);
    assert_int_equal(c->handed, 2);
    assert_true(ledger_case_logged(c, "what=reconciled tickets=1 begun=0"));
    assert_int_equal(ledger_case_report(c)->queues.stats.reconciled_tickets, 1);
    struct ticket *ticket = ledger_case_take(c);
    assert_int_equal(ticket->attempt, 1); /* none was made */
    ledger_case_judge(c, ticket, FATE_DONE);
    ledger_case_later(c, DAY_MS);
    assert_int_equal(c->handed, 2);
    const struct event *const *events = ledger_case_events(c, id, &count);
    assert_int_equal(count, 1);
    assert_int_equal(events[0]->state, STATE_SENT);
}

static void what_is_held_is_left_alone_however_long(void **state)
{
    struct ledger_case *c = *state;
    ledger_case_accept(c, GUARANTEE_AT_LEAST_ONCE, DAY_MS);
    ledger_case_later(c, 3600000);
    assert_int_equal(c->handed, 1);
    assert_int_equal(ledger_case_report(c)->queues.stats.reconciled_tickets, 0);
}

/* What was on its way when the call went out is not missed. */
static void what_is_handed_out_during_a_call_is_not_lost(void **state)
{
    struct ledger_case *c = *state;
    ledger_case_accept(c, GUARANTEE_AT_LEAST_ONCE, DAY_MS);
    c->deaf = true;
    ledger_case_later(c, 2500); /* the call is out, and not answered */
    ledger_case_accept(c, GUARANTEE_AT_LEAST_ONCE, DAY_MS);
    assert_true(c->ledger->roll.calling);
    struct notice *notice = &c->ledger->roll.round->notices[0];
    c->deaf = false;
    notice->message.type = LEDGER_ACK;
    c->mail = &notice->message;
    c->mail_end = &c->mail->next;
    c->mail->next = NULL;
    ledger_case_run(c);
    assert_int_equal(c->handed, 2);
    assert_int_equal(ledger_case_report(c)->queues.stats.reconciled_tickets, 0);
}

/* An attempt that may have been sent is not repeated in silence. */
static void what_had_begun_uses_its_attempt_up(void **state)
{
    struct ledger_case *c = *state;
    uint32_t count;
    int64_t id = ledger_case_accept(c, GUARANTEE_AT_LEAST_ONCE, DAY_MS);
    struct ticket *ticket = ledger_case_take(c);
    ticket->began_at = c->now.wall;
    ticket->provider = STR("provider");
    ledger_case_later(c, SOON_MS);
    const struct event *const *events = ledger_case_events(c, id, &count);
    assert_int_equal(count, 1);
    assert_int_equal(events[0]->state, STATE_QUEUED);
    assert_int_equal(events[0]->attempt, 1);
    assert_true(str_eq(events[0]->reason, STR("lost")));
    ledger_case_later(c, 60000);
    assert_int_equal(c->handed, 2);
    assert_int_equal(ledger_case_take(c)->attempt, 2);
    ledger_case_later(c, 2 * SOON_MS); /* the test has taken it: that one is lost, too */
}

/* Its courier had it all the time, or something else was wrong: what it says counts no more. */
static void a_ticket_that_comes_back_after_all_changes_nothing(void **state)
{
    struct ledger_case *c = *state;
    uint32_t count;
    int64_t id = ledger_case_accept(c, GUARANTEE_AT_LEAST_ONCE, DAY_MS);
    struct ticket *lost = ledger_case_take(c);
    ledger_case_later(c, SOON_MS);
    struct ticket *again = ledger_case_take(c);
    assert_ptr_not_equal(lost, again);
    assert_int_equal(again->attempt, lost->attempt);
    ledger_case_judge(c, lost, FATE_NEVER);
    assert_true(ledger_case_logged(c, "what=found"));
    (void)ledger_case_events(c, id, &count);
    assert_int_equal(count, 0);
    ledger_case_judge(c, again, FATE_DONE);
    const struct event *const *events = ledger_case_events(c, id, &count);
    assert_int_equal(count, 1);
    assert_int_equal(events[0]->state, STATE_SENT);
}

/* While the store refuses, what is lost waits; it is settled when the store takes it. */
static void it_holds_while_the_store_refuses(void **state)
{
    struct ledger_case *c = *state;
    ledger_case_accept(c, GUARANTEE_AT_LEAST_ONCE, DAY_MS);
    struct ticket *lost = ledger_case_take(c);
    c->refuses = true;
    ledger_case_later(c, SOON_MS);
    assert_int_equal(c->handed, 1);
    lost->result = TICKET_BACK;
    ledger_case_return(c, lost); /* before it is settled */
    c->refuses = false;
    ledger_case_later(c, 2000);
    assert_int_equal(c->handed, 2);
}

static void nothing_is_called_when_nothing_is_out(void **state)
{
    struct ledger_case *c = *state;
    ledger_case_later(c, 60000);
    assert_int_equal(c->ledger->roll.number, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ledger_case_setup, ledger_case_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_lost_is_handed_out_again_within_five_seconds),
        TEST(what_is_held_is_left_alone_however_long),
        TEST(what_is_handed_out_during_a_call_is_not_lost),
        TEST(what_had_begun_uses_its_attempt_up),
        TEST(a_ticket_that_comes_back_after_all_changes_nothing),
        TEST(it_holds_while_the_store_refuses),
        TEST(nothing_is_called_when_nothing_is_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
