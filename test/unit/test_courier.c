/* One courier before one provider: what becomes of tickets when it is slow, blocked or mistaken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "flow/courier.h"
#include "flow/messages.h"
#include "flow/notice.h"
#include "flow/ticket.h"
#include "store/memory/memory_store.h"

enum { CALLS_MAX = 64 };

struct fixture {
    struct now now;
    struct memory_disk *disk;
    struct store refusing; /* reads of it come back ERR_FULL */
    struct store *store;
    struct transport transport;
    struct exchange_call *calls[CALLS_MAX]; /* open */
    uint32_t call_count, fetch_count;
    struct courier_provider provider;
    struct courier *courier;
    struct list returned; /* tickets */
    uint32_t acks;
    struct message *mail; /* to the courier, newest first */
    struct notification notification;
    struct delivery delivery;
    struct arena arena;
    bool lasts; /* a fetched credential is one */
    uint32_t forgotten;
    struct wall told_expires; /* by the last request composed */
};

static struct now read_clock(void *self)
{
    return ((struct fixture *)self)->now;
}

static void fill(void *self, void *at, size_t len)
{
    (void)self;
    memset(at, 7, len);
}

static void to_courier(void *self, struct message *message)
{
    struct fixture *f = self;
    message->next = f->mail;
    f->mail = message;
}

static void to_ledger(void *self, struct message *message)
{
    struct fixture *f = self;
    if (message->type == LEDGER_ACK) {
        f->acks++;
        return;
    }
    assert_int_equal(message->type, LEDGER_TICKETS);
    struct tickets *tickets = (struct tickets *)message;
    for (struct list *at; (at = list_take_first(&tickets->list));)
        list_add_last(&f->returned, at);
    free(tickets);
}

static void refuse_read(struct store *self, struct query *query)
{
    (void)self;
    query->err = ERR_FULL;
    inbox_post(&query->done, &query->message);
}

/* -- a provider and its wire ------------------------------------------------------------------ */

static unsigned room(struct transport *self, const struct request *request)
{
    (void)self;
    (void)request;
    return CALLS_MAX;
}

static void submit(struct transport *self, struct exchange_call *call)
{
    struct fixture *f = list_of(self, struct fixture, transport);
    assert_true(f->call_count < CALLS_MAX);
    f->calls[f->call_count++] = call;
}

static bool withdraw(struct transport *self, struct exchange_call *call)
{
    struct fixture *f = list_of(self, struct fixture, transport);
    if (call->begun)
        return false;
    for (uint32_t i = 0; i < f->call_count; i++)
        if (f->calls[i] == call)
            f->calls[i] = f->calls[--f->call_count];
    return true;
}

static enum err compose(const void *self, const struct parcel *parcel, struct str credential,
                        const struct entropy *entropy, struct arena *arena, struct request *ret,
                        struct why *why)
{
    ((struct fixture *)(uintptr_t)self)->told_expires = parcel->expires_at;
    (void)credential;
    (void)entropy;
    (void)arena;
    (void)why;
    *ret = (struct request){.wire = WIRE_HTTP, .origin = STR("https://provider.example")};
    return OK;
}

static struct verdict judge(const void *self, const struct reply *reply, struct arena *arena)
{
    static const struct ruling rulings[] = {
        {403, NULL, FATE_AGAIN, SCOPE_PROVIDER, EFFECT_REFRESH, "stale"}, {0}};
    (void)self;
    return rule(rulings, reply, STR_NONE, SCOPE_PROVIDER, arena);
}

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

/* -- one life --------------------------------------------------------------------------------- */

static void open_courier(struct fixture *f, const struct provider_ops *ops, struct routes routes,
                         struct store *store)
{
    static const struct transport_ops wire = {.room = room, .submit = submit, .withdraw = withdraw};
    f->transport.ops = &wire;
    f->provider.ops = ops;
    f->provider.self = f;
    f->provider.name = STR("provider");
    f->provider.timeout = span_s(15);
    if (!f->provider.in_flight_max)
        f->provider.in_flight_max = 8;
    const struct courier_config config = {
        .store = store,
        .inbox = {.post = to_courier, .self = f},
        .ledger = {.post = to_ledger, .self = f},
        .transport = &f->transport,
        .clock = {.read = read_clock, .self = f},
        .entropy = {.fill = fill, .self = f},
        .providers = &f->provider,
        .provider_count = 1,
        .routes = routes,
        .library_bytes_max = 1 << 20,
    };
    f->courier = courier_new(&config);
    assert_non_null(f->courier);
}

static struct routes one_route(void)
{
    static const struct route route = {
        .kind = KIND_IOS, .targets = {{.provider = 0}}, .target_count = 1};
    return (struct routes){.list = &route, .count = 1};
}

static int setup(void **state)
{
    static const struct store_ops refusing = {.read = refuse_read};
    struct fixture *f = calloc(1, sizeof *f);
    struct store_state opened;
    assert_non_null(f);
    f->now = (struct now){{1000000}, {1790000000000}};
    arena_init(&f->arena, 1 << 20);
    f->disk = memory_disk_new(1);
    memory_store_open(f->disk, &f->arena, f->now.wall, &opened, &f->store);
    f->refusing.ops = &refusing;
    list_init(&f->returned);
    f->notification = (struct notification){
        .id = 1 << 22,
        .app = 1,
        .category = STR("default"),
        .expires_at = {f->now.wall.ms + 86400000},
        .request = STR("{\"content\":{\"push\":{\"body\":\"hello\"}},\"to\":[{}]}"),
        .delivery_count = 1};
    f->delivery = (struct delivery){.kind = KIND_IOS, .address = STR("token")};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    for (struct list *at; (at = list_take_first(&f->returned));)
        free(list_of(at, struct ticket, link));
    courier_free(f->courier);
    f->store->ops->close(f->store);
    memory_disk_free(f->disk);
    arena_done(&f->arena);
    free(f);
    return 0;
}

/* Takes the mail, then turns; when it wants to be turned again. */
static struct mono turn(struct fixture *f)
{
    struct actor actor = courier_actor(f->courier);
    struct mono next = actor.turn(actor.self, f->now);
    while (f->mail) {
        struct message *mail = f->mail;
        f->mail = NULL;
        for (struct message *after; mail; mail = after) {
            after = mail->next;
            actor.step(actor.self, f->now, mail);
        }
        next = actor.turn(actor.self, f->now);
    }
    return next;
}

static void advance(struct fixture *f, int64_t ms)
{
    f->now.mono.us += ms * 1000;
    f->now.wall.ms += ms;
}

static void send(struct fixture *f, uint32_t count, int64_t ttl_ms)
{
    struct tickets *tickets = calloc(1, sizeof *tickets);
    assert_non_null(tickets);
    tickets->message.type = COURIER_TICKETS;
    list_init(&tickets->list);
    for (uint32_t i = 0; i < count; i++) {
        struct ticket *ticket = calloc(1, sizeof *ticket);
        assert_non_null(ticket);
        ticket->notification = &f->notification;
        ticket->delivery = &f->delivery;
        ticket->lane = lane_of(KIND_IOS, PRIORITY_NORMAL);
        ticket->attempt = 1;
        ticket->expires = mono_add(f->now.mono, span_ms(ttl_ms));
        list_add_last(&tickets->list, &ticket->link);
    }
    to_courier(f, &tickets->message);
}

static void answer(struct fixture *f, int status, const char *retry_after)
{
    assert_true(f->call_count > 0);
    struct exchange_call *call = f->calls[--f->call_count];
    const struct header header = {STR("retry-after"), str_of(retry_after)};
    const struct reply reply = {.exchange = EXCHANGE_WHOLE,
                                .status = status,
                                .headers = &header,
                                .header_count = retry_after ? 1 : 0,
                                .body = STR_NONE,
                                .at = f->now.wall};
    call->done(call, &reply);
}

static uint32_t count_returned(const struct fixture *f, enum ticket_result result)
{
    uint32_t count = 0;
    list_each (at, &f->returned)
        count += list_of(at, struct ticket, link)->result == result;
    return count;
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
    answer(f, 429, "999999999");
    turn(f);
    assert_int_equal(count_returned(f, TICKET_BACK), 1); /* not held at the desk */
    send(f, 1, 86400000);
    turn(f);
    assert_int_equal(count_returned(f, TICKET_BACK), 2);
    advance(f, 3600 * 1000);
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
