/* At most once: a courier has each attempt marked before it begins. */
#include "courier_fixture.h"

static const struct provider_ops plain = {
    .driver = STR_INIT("plain"), .kinds = ~0u, .compose = compose, .judge = judge};

static void open_courier(struct fixture *f, uint32_t in_flight_max)
{
    f->provider = (struct courier_provider){.ops = &plain,
                                            .self = f,
                                            .name = STR("provider"),
                                            .timeout = span_s(15),
                                            .in_flight_max = in_flight_max};
    fixture_open(f, one_route(), f->store);
}

/* What the ledger does with tickets that are to be marked: back they come, with its answer. */
static uint32_t mark(struct fixture *f, enum ticket_mark result)
{
    struct tickets *tickets = calloc(1, sizeof *tickets);
    uint32_t count = 0;
    assert_non_null(tickets);
    tickets->message.type = COURIER_TICKETS;
    list_init(&tickets->list);
    struct list *next;
    for (struct list *at = f->returned.next; at != &f->returned; at = next) {
        next = at->next;
        struct ticket *ticket = list_of(at, struct ticket, link);
        if (ticket->result != TICKET_MARK)
            continue;
        ticket->mark = result;
        list_remove(at);
        list_add_last(&tickets->list, at);
        count++;
    }
    to_courier(f, &tickets->message);
    return count;
}

static void nothing_begins_before_its_mark(void **state)
{
    struct fixture *f = *state;
    f->notification.guarantee = GUARANTEE_AT_MOST_ONCE;
    open_courier(f, 2);
    send(f, 5, 86400000);
    turn(f);
    assert_int_equal(f->call_count, 0);
    assert_int_equal(count_returned(f, TICKET_MARK), 2); /* no more than there are places */
    turn(f);
    assert_int_equal(f->call_count, 0);
    assert_int_equal(mark(f, MARK_MADE), 2);
    turn(f);
    assert_int_equal(f->call_count, 2);
    for (uint32_t sent = 2; sent <= 5; sent++) {
        answer(f, 200, NULL);
        turn(f);
        (void)mark(f, MARK_MADE);
        turn(f);
    }
    while (f->call_count)
        answer(f, 200, NULL);
    turn(f);
    assert_int_equal(count_returned(f, TICKET_JUDGED), 5);
}

static void at_least_once_needs_no_mark(void **state)
{
    struct fixture *f = *state;
    open_courier(f, 8);
    send(f, 1, 86400000);
    turn(f);
    assert_int_equal(f->call_count, 1);
    assert_true(list_empty(&f->returned));
    answer(f, 200, NULL);
    turn(f);
}

static void without_its_mark_it_goes_back_unsent(void **state)
{
    static const enum ticket_mark marks[] = {MARK_STALE, MARK_REFUSED};
    struct fixture *f = *state;
    f->notification.guarantee = GUARANTEE_AT_MOST_ONCE;
    open_courier(f, 8);
    for (uint32_t i = 0; i < 2; i++) {
        send(f, 1, 86400000);
        turn(f);
        assert_int_equal(mark(f, marks[i]), 1);
        turn(f);
        assert_int_equal(f->call_count, 0);
        assert_int_equal(count_returned(f, TICKET_BACK), i + 1);
    }
    const struct ticket *refused = list_of(f->returned.prev, struct ticket, link);
    assert_true(refused->back_in.us > 0); /* the store has its pause */
    assert_true(courier_at_rest(f->courier));
}

static void what_expires_while_it_is_marked_is_not_sent(void **state)
{
    struct fixture *f = *state;
    f->notification.guarantee = GUARANTEE_AT_MOST_ONCE;
    open_courier(f, 8);
    send(f, 2, 500);
    turn(f);
    advance(f, 500);
    assert_int_equal(mark(f, MARK_MADE), 2); /* before it looks by itself */
    turn(f);
    assert_int_equal(f->call_count, 0);
    assert_int_equal(count_returned(f, TICKET_EXPIRED), 2);
    assert_true(courier_at_rest(f->courier));
}

static void what_is_throttled_while_it_is_marked_waits(void **state)
{
    struct fixture *f = *state;
    f->notification.guarantee = GUARANTEE_AT_MOST_ONCE;
    open_courier(f, 2);
    send(f, 1, 86400000);
    turn(f);
    assert_int_equal(mark(f, MARK_MADE), 1);
    turn(f);
    send(f, 1, 86400000);
    turn(f);
    answer(f, 429, "5");
    assert_int_equal(mark(f, MARK_MADE), 1);
    turn(f);
    assert_int_equal(f->call_count, 0);
    assert_int_equal(count_returned(f, TICKET_BACK), 1);
    assert_true(courier_at_rest(f->courier));
}

/* Whatever takes it back while the ledger has it: acknowledged at once, and it never begins. */
static void what_is_withdrawn_while_it_is_marked_is_not_sent(void **state)
{
    static const enum notice_type types[] = {NOTICE_USERS, NOTICE_CANCEL, NOTICE_APP, NOTICE_DRAIN};
    struct fixture *f = *state;
    f->delivery.user = 7;
    f->notification.guarantee = GUARANTEE_AT_MOST_ONCE;
    open_courier(f, 8);
    for (uint32_t i = 0; i < 4; i++) {
        struct round round = {.type = types[i], .app = 1, .users = {7}};
        round.notification = f->notification.id;
        round.notices[0] = (struct notice){.message = {.type = COURIER_NOTICE}, .round = &round};
        send(f, 1, 86400000);
        turn(f);
        assert_int_equal(count_returned(f, TICKET_MARK), 1);
        to_courier(f, &round.notices[0].message);
        turn(f);
        assert_int_equal(f->acks, i + 1);
        assert_int_equal(mark(f, MARK_MADE), 1);
        turn(f);
        assert_int_equal(f->call_count, 0);
        assert_int_equal(count_returned(f, TICKET_BACK), i + 1);
        const struct ticket *back = list_of(f->returned.prev, struct ticket, link);
        assert_int_equal(back->cancelled, types[i] == NOTICE_CANCEL);
    }
    assert_true(courier_at_rest(f->courier));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_begins_before_its_mark, setup, teardown),
        cmocka_unit_test_setup_teardown(at_least_once_needs_no_mark, setup, teardown),
        cmocka_unit_test_setup_teardown(without_its_mark_it_goes_back_unsent, setup, teardown),
        cmocka_unit_test_setup_teardown(what_expires_while_it_is_marked_is_not_sent, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_throttled_while_it_is_marked_waits, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_withdrawn_while_it_is_marked_is_not_sent, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
