/* One courier before one provider: what becomes of tickets when it is slow, blocked or mistaken. */
#include "courier_fixture.h"

static enum authorize authorize_fetch(void *self, const struct parcel *parcel, struct str *ret,
                                      struct why *why)
{
    struct fixture *f = self;
    (void)parcel;
    (void)why;
    *ret = STR("token");
    return f->lasts ? AUTHORIZED : AUTHORIZE_FETCH;
}

static enum err refresh_compose(void *self, struct wall now, struct arena *arena,
                                struct request *ret, struct why *why)
{
    (void)now;
    (void)arena;
    (void)why;
    ((struct fixture *)self)->fetch_count++;
    *ret = (struct request){.wire = WIRE_HTTP, .origin = STR("https://token.example")};
    return OK;
}

static struct verdict refresh_judge(void *self, const struct reply *reply, struct arena *arena)
{
    return judge(self, reply, arena);
}

static void forget(void *self, struct wall now)
{
    (void)now;
    ((struct fixture *)self)->forgotten++;
}

static const struct provider_ops plain = {.driver = STR_INIT("plain"),
                                          .kinds = ~0u,
                                          .forget = forget,
                                          .compose = compose,
                                          .judge = judge};
static const struct provider_ops fetching = {.driver = STR_INIT("fetching"),
                                             .kinds = ~0u,
                                             .authorize = authorize_fetch,
                                             .refresh_compose = refresh_compose,
                                             .refresh_judge = refresh_judge,
                                             .compose = compose,
                                             .judge = judge};

static void open_courier(struct fixture *f, const struct provider_ops *ops, struct routes routes,
                         struct store *store)
{
    f->provider.ops = ops;
    f->provider.self = f;
    f->provider.name = STR("provider");
    f->provider.timeout = span_s(15);
    if (!f->provider.in_flight_max)
        f->provider.in_flight_max = 8;
    fixture_open(f, routes, store);
}

/* -- tests ------------------------------------------------------------------------------------ */

static void what_waits_for_a_slow_provider_expires_in_time(void **state)
{
    struct fixture *f = *state;
    f->provider.in_flight_max = 1;
    open_courier(f, &plain, one_route(), f->store);
    send(f, 3, 20000);
    struct mono next = turn(f);
    assert_int_equal(f->call_count, 1);
    f->calls[0]->begun = true;
    assert_true(next.us <= f->now.mono.us + 1000000); /* it looks again without being told */
    advance(f, 21000);
    turn(f);
    assert_int_equal(count_returned(f, TICKET_EXPIRED), 2);
    answer(f, 200, NULL);
    turn(f);
    assert_int_equal(count_returned(f, TICKET_JUDGED), 1);
}

static void a_clock_that_is_set_moves_no_ttl(void **state)
{
    struct fixture *f = *state;
    f->provider.in_flight_max = 1;
    open_courier(f, &plain, one_route(), f->store);
    send(f, 2, 20000);
    turn(f);
    f->calls[0]->begun = true;
    f->now.wall.ms += 86400000;
    advance(f, 10000);
    turn(f);
    assert_int_equal(count_returned(f, TICKET_EXPIRED), 0);
    answer(f, 200, NULL);
    turn(f);
    assert_int_equal(f->call_count, 1);
    /* What the provider is told is a date of the clock as it stands now. */
    assert_int_equal(f->told_expires.ms, f->now.wall.ms + 10000);
    answer(f, 200, NULL);
    turn(f);
}

static void what_waits_in_the_transport_expires_too(void **state)
{
    struct fixture *f = *state;
    open_courier(f, &plain, one_route(), f->store);
    send(f, 1, 5000);
    turn(f);
    assert_int_equal(f->call_count, 1); /* and waits there for a connection */
    advance(f, 6000);
    turn(f);
    assert_int_equal(f->call_count, 0);
    assert_int_equal(count_returned(f, TICKET_BACK), 1);
}

static void a_retry_after_of_years_is_believed_for_an_hour(void **state)
{
    struct fixture *f = *state;
    f->provider.in_flight_max = 1;
    open_courier(f, &plain, one_route(), f->store);
    send(f, 2, 86400000);
    turn(f);
    answer(f, 429, "7200");
    turn(f);
    assert_int_equal(count_returned(f, TICKET_BACK), 1); /* not held at the desk */
    send(f, 1, 86400000);
    turn(f);
    assert_int_equal(count_returned(f, TICKET_BACK), 2);
    advance(f, 7200 * 1000);
    send(f, 1, 86400000);
    turn(f);
    answer(f, 200, NULL);
    turn(f);
    assert_int_equal(count_returned(f, TICKET_JUDGED), 2);
}

static void a_template_that_is_not_read_now_uses_no_attempt(void **state)
{
    struct fixture *f = *state;
    f->notification.template_name = STR("greeting");
    f->notification.template_version = 1;
    open_courier(f, &plain, one_route(), &f->refusing);
    send(f, 1, 86400000);
    turn(f);
    assert_int_equal(count_returned(f, TICKET_BACK), 1);
}

static void a_route_is_not_chosen_by_an_app_that_is_not_read(void **state)
{
    static const struct str shop[] = {STR_INIT("shop")};
    static const struct route named = {.kind = KIND_IOS,
                                       .apps = shop,
                                       .app_count = 1,
                                       .targets = {{.provider = 0}},
                                       .target_count = 1};
    struct fixture *f = *state;
    open_courier(f, &plain, (struct routes){.list = &named, .count = 1}, &f->refusing);
    send(f, 1, 86400000);
    struct mono next = turn(f);
    assert_true(list_empty(&f->returned));
    assert_true(next.us > f->now.mono.us && next.us <= f->now.mono.us + 1000000);
    struct round drain = {.type = NOTICE_DRAIN};
    drain.notices[0] = (struct notice){.message = {.type = COURIER_NOTICE}, .round = &drain};
    to_courier(f, &drain.notices[0].message);
    turn(f);
    assert_int_equal(count_returned(f, TICKET_BACK), 1);
    assert_int_equal(f->acks, 1);
}

static void a_credential_that_never_lasts_is_not_fetched_for_ever(void **state)
{
    struct fixture *f = *state;
    open_courier(f, &fetching, one_route(), f->store);
    send(f, 4, 86400000);
    turn(f);
    for (int i = 0; i < 50 && f->call_count; i++) {
        answer(f, 200, NULL);
        turn(f);
    }
    assert_int_equal(f->call_count, 0);
    assert_true(f->fetch_count <= 4);
    advance(f, 1000);
    turn(f);
    assert_true(f->fetch_count <= 8);
    f->lasts = true;
    for (int i = 0; i < 50; i++) {
        advance(f, 1000);
        turn(f);
        while (f->call_count)
            answer(f, 200, NULL);
    }
    turn(f);
    assert_int_equal(count_returned(f, TICKET_JUDGED), 4);
}

static void a_credential_is_not_renewed_for_every_second_answer(void **state)
{
    struct fixture *f = *state;
    f->provider.in_flight_max = 1;
    open_courier(f, &plain, one_route(), f->store);
    send(f, 20, 86400000);
    for (int i = 0; i < 20; i++) {
        turn(f);
        answer(f, i % 2 ? 200 : 403, NULL);
    }
    turn(f);
    assert_int_equal(f->forgotten, 1);
}

static void a_rate_is_kept_and_used(void **state)
{
    struct fixture *f = *state;
    uint32_t sent = 0;
    f->provider.rate = 50;
    f->provider.in_flight_max = 64;
    open_courier(f, &plain, one_route(), f->store);
    send(f, 60, 86400000);
    for (struct mono end = mono_add(f->now.mono, span_s(1)); f->now.mono.us < end.us;) {
        struct mono next = turn(f);
        sent += f->call_count;
        while (f->call_count)
            answer(f, 200, NULL);
        assert_true(next.us > f->now.mono.us);
        advance(f, (next.us - f->now.mono.us + 999) / 1000);
    }
    assert_true(sent >= 49 && sent <= 57);
    while (courier_at_rest(f->courier) == false) {
        advance(f, 100);
        turn(f);
        while (f->call_count)
            answer(f, 200, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_waits_for_a_slow_provider_expires_in_time, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_clock_that_is_set_moves_no_ttl, setup, teardown),
        cmocka_unit_test_setup_teardown(what_waits_in_the_transport_expires_too, setup, teardown),
        cmocka_unit_test_setup_teardown(a_retry_after_of_years_is_believed_for_an_hour, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_template_that_is_not_read_now_uses_no_attempt, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_route_is_not_chosen_by_an_app_that_is_not_read, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_credential_that_never_lasts_is_not_fetched_for_ever,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_credential_is_not_renewed_for_every_second_answer, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_rate_is_kept_and_used, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
