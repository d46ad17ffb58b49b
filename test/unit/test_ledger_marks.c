/* At most once, as the ledger has it: the mark is durable before its courier hears of it. */
#include "ledger_case.h"

enum { DAY_MS = 86400000 };

static struct flight *const waiting = (struct flight *)(uintptr_t)8; /* the courier's business */

/* The courier has one ticket to be marked. */
static struct ticket *ask(struct ledger_case *c)
{
    struct ticket *ticket = ledger_case_take(c);
    ticket->result = TICKET_MARK;
    ticket->flight = waiting;
    ledger_case_return(c, ticket);
    return ticket;
}

/* It has it back. */
static struct ticket *heard(struct ledger_case *c, enum ticket_mark mark)
{
    struct ticket *ticket = ledger_case_take(c);
    assert_int_equal(ticket->mark, mark);
    assert_ptr_equal(ticket->flight, waiting);
    ticket->flight = NULL;
    return ticket;
}

static bool is_marked(const struct ledger_case *c)
{
    struct memory_work work;
    assert_true(memory_disk_hand(c->disk, 0, &work));
    return work.marked;
}

static void a_mark_comes_back_when_it_is_durable(void **state)
{
    struct ledger_case *c = *state;
    uint32_t count;
    int64_t id = ledger_case_accept(c, GUARANTEE_AT_MOST_ONCE, DAY_MS);
    assert_int_equal(c->handed, 1); /* straight from acceptance */
    assert_false(is_marked(c));
    c->stuck = true;
    ask(c);
    ledger_case_run(c);
    assert_true(list_empty(&c->held));
    c->stuck = false;
    ledger_case_run(c);
    assert_true(is_marked(c));
    ledger_case_judge(c, heard(c, MARK_MADE), FATE_DONE);
    const struct event *const *events = ledger_case_events(c, id, &count);
    assert_int_equal(count, 1);
    assert_int_equal(events[0]->state, STATE_SENT);
}

static void a_refused_mark_is_told_and_the_delivery_waits_unmarked(void **state)
{
    struct ledger_case *c = *state;
    uint32_t count;
    int64_t id = ledger_case_accept(c, GUARANTEE_AT_MOST_ONCE, DAY_MS);
    c->refuses = true;
    ask(c);
    ledger_case_run(c);
    assert_false(is_marked(c));
    struct ticket *ticket = heard(c, MARK_REFUSED);
    ticket->result = TICKET_BACK;
    ledger_case_return(c, ticket);
    c->refuses = false;
    ledger_case_later(c, 2000);
    assert_int_equal(c->handed, 3); /* the first, back from its mark, and claimed again */
    ticket = ledger_case_take(c);
    assert_int_equal(ticket->attempt, 1);
    (void)ledger_case_events(c, id, &count);
    assert_int_equal(count, 0);
    ledger_case_judge(c, ticket, FATE_DONE);
}

static void a_stale_mark_is_told(void **state)
{
    struct ledger_case *c = *state;
    ledger_case_accept(c, GUARANTEE_AT_MOST_ONCE, DAY_MS);
    struct ticket *ticket = ledger_case_take(c);
    ticket->attempt++;
    ticket->result = TICKET_MARK;
    ticket->flight = waiting;
    ledger_case_return(c, ticket);
    ledger_case_run(c);
    assert_false(is_marked(c));
    ticket = heard(c, MARK_STALE);
    ticket->attempt--;
    ledger_case_judge(c, ticket, FATE_DONE);
}

static void a_doubt_ends_it_and_a_proof_lets_it_wait_unmarked(void **state)
{
    static const struct {
        enum fate fate;
        enum state ends;
    } rows[] = {{FATE_AGAIN, STATE_QUEUED}, {FATE_AMBIGUOUS, STATE_UNKNOWN}};
    struct ledger_case *c = *state;
    uint32_t count;
    int64_t id = ledger_case_accept(c, GUARANTEE_AT_MOST_ONCE, DAY_MS);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(c->handed, 2 * i + 1);
        assert_false(is_marked(c));
        ask(c);
        ledger_case_run(c);
        ledger_case_judge(c, heard(c, MARK_MADE), rows[i].fate);
        const struct event *const *events = ledger_case_events(c, id, &count);
        assert_int_equal(count, i + 1);
        assert_int_equal(events[i]->state, rows[i].ends);
        assert_int_equal(events[i]->attempt, i + 1);
        ledger_case_later(c, DAY_MS / 2);
    }
    assert_int_equal(c->handed, 4);
}

static void what_comes_back_unsent_has_lost_its_mark(void **state)
{
    struct ledger_case *c = *state;
    ledger_case_accept(c, GUARANTEE_AT_MOST_ONCE, DAY_MS);
    ask(c);
    ledger_case_run(c);
    assert_int_equal(c->ledger->lanes.in_hand, 1);
    struct ticket *ticket = heard(c, MARK_MADE);
    ticket->result = TICKET_BACK;
    ledger_case_return(c, ticket);
    ledger_case_run(c);
    assert_false(is_marked(c)); /* it is claimed again, and starts afresh */
    ledger_case_judge(c, ledger_case_take(c), FATE_DONE);
    assert_int_equal(c->ledger->lanes.in_hand, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ledger_case_setup, ledger_case_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_mark_comes_back_when_it_is_durable),
        TEST(a_refused_mark_is_told_and_the_delivery_waits_unmarked),
        TEST(a_stale_mark_is_told),
        TEST(a_doubt_ends_it_and_a_proof_lets_it_wait_unmarked),
        TEST(what_comes_back_unsent_has_lost_its_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
