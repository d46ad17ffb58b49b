/* Other providers and routes while flights are in the air: who is kept, who is closed, and when. */
#include "courier_fixture.h"

/* An instance that knows what it was asked, and is asked nothing once it was closed. */
struct instance {
    uint32_t composed, closed;
};

static enum err compose_counted(const void *self, const struct parcel *parcel,
                                struct str credential, const struct entropy *entropy,
                                struct arena *arena, struct request *ret, struct why *why)
{
    struct instance *instance = (struct instance *)(uintptr_t)self;
    (void)parcel, (void)credential, (void)entropy, (void)arena, (void)why;
    assert_int_equal(instance->closed, 0);
    instance->composed++;
    *ret = (struct request){.wire = WIRE_HTTP, .origin = STR("https://provider.example")};
    return OK;
}

static struct verdict judge_counted(const void *self, const struct reply *reply,
                                    struct arena *arena)
{
    assert_int_equal(((const struct instance *)self)->closed, 0);
    return judge(self, reply, arena);
}

static void close_counted(void *self)
{
    ((struct instance *)self)->closed++;
}

static const struct provider_ops counted = {.driver = STR_INIT("counted"),
                                            .kinds = ~0u,
                                            .close = close_counted,
                                            .compose = compose_counted,
                                            .judge = judge_counted};

static struct courier_provider provider_of(struct instance *self, const char *name,
                                           uint32_t in_flight_max)
{
    return (struct courier_provider){.ops = &counted,
                                     .self = self,
                                     .name = str_of(name),
                                     .in_flight_max = in_flight_max,
                                     .timeout = span_s(15)};
}

static void count_done(void *self)
{
    ++*(uint32_t *)self;
}

static struct courier_change change_of(const struct courier_provider *list, const int32_t *kept,
                                       uint32_t count, struct routes routes, uint32_t *done)
{
    struct courier_change change = {
        .message = {.type = COURIER_CONFIG},
        .providers = list,
        .kept = kept,
        .provider_count = count,
        .routes = routes,
        .library_bytes_max = 1 << 20,
        .done = count_done,
        .self = done,
    };
    assert_true(courier_change_prepare(&change));
    return change;
}

static void change_to(struct fixture *f, const struct courier_provider *list, const int32_t *kept,
                      uint32_t count, struct routes routes)
{
    uint32_t done = 0;
    struct courier_change change = change_of(list, kept, count, routes, &done);
    to_courier(f, &change.message);
    turn(f);
    assert_int_equal(done, 1);
}

/* Answers the call that stands there, whichever came last. */
static void answer_at(struct fixture *f, uint32_t at)
{
    struct exchange_call *call = f->calls[at];
    f->calls[at] = f->calls[f->call_count - 1];
    f->calls[f->call_count - 1] = call;
    answer(f, 200, NULL);
    turn(f);
}

static void answer_all(struct fixture *f)
{
    while (f->call_count)
        answer_at(f, 0);
}

static uint32_t count_by(const struct fixture *f, struct str provider)
{
    uint32_t count = 0;
    list_each (at, &f->returned) {
        const struct ticket *ticket = list_of(at, struct ticket, link);
        count += ticket->result == TICKET_JUDGED && str_eq(ticket->provider, provider);
    }
    return count;
}

static const int32_t all_new[] = {PROVIDER_NEW, PROVIDER_NEW};

static void who_is_left_out_finishes_its_flights(void **state)
{
    struct fixture *f = *state;
    struct instance one = {0}, two = {0};
    char name[] = "two";
    f->provider = provider_of(&one, "one", 2);
    fixture_open(f, one_route(), f->store);
    send(f, 5, 60000);
    turn(f);
    assert_int_equal(one.composed, 2);
    f->calls[0]->begun = f->calls[1]->begun = true;
    const struct courier_provider list[] = {provider_of(&two, name, 2)};
    change_to(f, list, all_new, 1, one_route());
    memset(name, 'x', sizeof name - 1); /* what the change points at goes once it is done */
    assert_int_equal(two.composed, 2);  /* of what waited */
    assert_int_equal(f->call_count, 4);
    answer_at(f, 0);
    assert_int_equal(one.closed, 0);
    answer_at(f, 1);
    assert_int_equal(one.closed, 1);
    answer_all(f);
    assert_int_equal(count_by(f, STR("one")), 2);
    assert_int_equal(count_by(f, STR("two")), 3);
    assert_int_equal(two.closed, 0);
}

static void what_has_not_begun_comes_back_from_who_is_left_out(void **state)
{
    struct fixture *f = *state;
    struct instance one = {0}, two = {0};
    f->provider = provider_of(&one, "one", 2);
    fixture_open(f, one_route(), f->store);
    send(f, 2, 60000);
    turn(f);
    f->calls[0]->begun = true;
    const struct courier_provider list[] = {provider_of(&two, "two", 2)};
    change_to(f, list, all_new, 1, one_route());
    assert_int_equal(f->call_count, 1);
    assert_int_equal(count_returned(f, TICKET_BACK), 1);
    assert_int_equal(one.closed, 0);
    answer_all(f);
    assert_int_equal(one.closed, 1);
}

static void who_is_idle_is_closed_at_once(void **state)
{
    struct fixture *f = *state;
    struct instance one = {0}, two = {0};
    f->provider = provider_of(&one, "one", 2);
    fixture_open(f, one_route(), f->store);
    const struct courier_provider list[] = {provider_of(&two, "one", 2)};
    change_to(f, list, all_new, 1, one_route());
    assert_int_equal(one.closed, 1);
    assert_int_equal(two.closed, 0);
}

static void who_is_kept_changes_its_place_and_its_limits(void **state)
{
    static const struct route to_second = {
        .kind = KIND_IOS, .targets = {{.provider = 1}}, .target_count = 1};
    struct fixture *f = *state;
    struct instance one = {0}, two = {0};
    f->provider = provider_of(&one, "one", 1);
    fixture_open(f, one_route(), f->store);
    send(f, 4, 60000);
    turn(f);
    assert_int_equal(one.composed, 1);
    f->calls[0]->begun = true;
    const struct courier_provider list[] = {provider_of(&two, "two", 1),
                                            provider_of(&one, "one", 3)};
    change_to(f, list, (const int32_t[]){PROVIDER_NEW, 0}, 2,
              (struct routes){.list = &to_second, .count = 1});
    assert_int_equal(one.composed, 3); /* one was in the air already */
    answer_all(f);
    assert_int_equal(one.composed, 4);
    assert_int_equal(one.closed + two.closed + two.composed, 0);
    change_to(f, &list[1], (const int32_t[]){1}, 1, one_route());
    assert_int_equal(two.closed, 1);
    assert_int_equal(one.closed, 0);
}

static void without_any_provider_what_waits_has_no_route(void **state)
{
    struct fixture *f = *state;
    struct instance one = {0};
    f->provider = provider_of(&one, "one", 1);
    fixture_open(f, one_route(), f->store);
    send(f, 3, 60000);
    turn(f);
    f->calls[0]->begun = true;
    change_to(f, NULL, NULL, 0, (struct routes){0});
    assert_int_equal(count_returned(f, TICKET_JUDGED), 2);
    answer_all(f);
    assert_int_equal(count_by(f, STR("one")), 1);
    assert_int_equal(one.closed, 1);
}

static void a_change_waits_for_the_apps_that_are_being_asked_for(void **state)
{
    static const struct str shop[] = {STR_INIT("shop")};
    static const struct route by_app = {.kind = KIND_IOS,
                                        .apps = shop,
                                        .app_count = 1,
                                        .targets = {{.provider = 0}},
                                        .target_count = 1};
    struct fixture *f = *state;
    struct instance one = {0}, two = {0};
    uint32_t done = 0;
    f->provider = provider_of(&one, "one", 8);
    memory_store_read_at_once(f->store, false);
    fixture_open(f, (struct routes){.list = &by_app, .count = 1}, f->store);
    const struct courier_provider list[] = {provider_of(&two, "two", 8)};
    struct courier_change change = change_of(list, all_new, 1, one_route(), &done);
    send(f, 2, 60000);
    turn(f);
    to_courier(f, &change.message);
    turn(f);
    assert_int_equal(done, 0);
    assert_int_equal(f->call_count, 0);
    while (memory_store_step_read(f->store))
        turn(f);
    assert_int_equal(done, 1);
    assert_int_equal(one.closed, 1);
    assert_int_equal(two.composed, 2);
    answer_all(f);
}

static void a_change_that_is_dropped_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct instance one = {0}, two = {0};
    uint32_t done = 0;
    f->provider = provider_of(&one, "one", 1);
    fixture_open(f, one_route(), f->store);
    const struct courier_provider list[] = {provider_of(&two, "two", 1),
                                            provider_of(&one, "one", 3)};
    struct courier_change change =
        change_of(list, (const int32_t[]){PROVIDER_NEW, 0}, 2, one_route(), &done);
    courier_change_discard(&change);
    assert_int_equal(one.closed + two.closed + done, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_is_left_out_finishes_its_flights),
        TEST(what_has_not_begun_comes_back_from_who_is_left_out),
        TEST(who_is_idle_is_closed_at_once),
        TEST(who_is_kept_changes_its_place_and_its_limits),
        TEST(without_any_provider_what_waits_has_no_route),
        TEST(a_change_waits_for_the_apps_that_are_being_asked_for),
        TEST(a_change_that_is_dropped_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
