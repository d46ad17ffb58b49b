/* A courier before two providers and two push services, through minutes of virtual time:
 *
 *     tickets at a steady rate -> courier -> first | second    (SMS: one rule, in order)
 *              ^                     |    -> web -> two origins
 *              +- core/outcome <-----+    -> alone              (e-mail)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/outcome.h"
#include "flow/courier.h"
#include "flow/messages.h"
#include "flow/notice.h"
#include "flow/report.h"
#include "flow/ticket.h"
#include "store/memory/memory_store.h"

enum { FIRST, SECOND, WEB, ALONE, PROVIDERS, TICK_MS = 10, LATENCY_MS = 50 };

/* What a peer answers; the number of the ticket decides where one answer in so many is `other`. */
struct peer {
    int status, other;
    uint32_t other_in;
    const char *retry_after;
    uint32_t asked; /* since somebody looked */
    uint32_t latency_ms;
};

/* One delivery on its way, with what the ledger would keep of it. */
struct entry {
    struct list link; /* of what waits in the calendar */
    struct ticket ticket;
    struct delivery delivery;
    uint32_t attempts, number;
    struct wall due;
};

struct open_call {
    struct list link;
    struct exchange_call *call;
    struct peer *peer;
    struct mono answer_at;
};

struct fixture {
    struct now now;
    struct rng rng;
    struct memory_disk *disk;
    struct store *store;
    struct arena arena;
    struct transport transport;
    struct courier_provider providers[PROVIDERS];
    struct peer peers[PROVIDERS], origins[2]; /* of WEB: by its endpoint */
    struct courier *courier;
    struct message *mail;
    struct list calls, calendar, returned;
    struct notification notification;
    uint32_t made, sent, failed, dead, given_back, used; /* used: attempts, of all that ended */
    uint32_t sent_by[PROVIDERS];
    char last_route[160];
    struct report report;
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
    struct tickets *tickets = (struct tickets *)message;
    if (message->type == LEDGER_ACK)
        return;
    for (struct list *at; (at = list_take_first(&tickets->list));)
        list_add_last(&f->returned, at);
    free(tickets);
}

static void to_asker(void *self, struct message *message)
{
    (void)self;
    assert_int_equal(message->type, INTAKE_REPORT);
}

/* -- providers and their wire ----------------------------------------------------------------- */

static struct peer *peer_of(struct fixture *f, struct str origin)
{
    for (unsigned i = 0; i < PROVIDERS; i++)
        if (str_eq(origin, f->providers[i].name))
            return &f->peers[i];
    return &f->origins[str_eq(origin, STR("https://one.example")) ? 0 : 1];
}

static struct entry *entry_of(const struct delivery *delivery)
{
    return (struct entry *)(void *)((char *)(uintptr_t)delivery - offsetof(struct entry, delivery));
}

static enum err compose(const void *self, const struct parcel *parcel, struct str credential,
                        const struct entropy *entropy, struct arena *arena, struct request *ret,
                        struct why *why)
{
    const struct courier_provider *provider = self;
    (void)credential;
    (void)entropy;
    (void)why;
    struct str endpoint = parcel->delivery->address;
    *ret = (struct request){
        .wire = WIRE_HTTP,
        .origin = parcel->delivery->kind == KIND_WEB ? str_slice(endpoint, 0, 19) : provider->name,
        .path = arena_printf(arena, "%u", entry_of(parcel->delivery)->number),
    };
    return OK;
}

static struct verdict judge_by(const struct reply *reply, enum scope wide, struct arena *arena)
{
    static const struct ruling rulings[] = {
        {404, NULL, FATE_NEVER, SCOPE_ADDRESS, EFFECT_NONE, "no_such_number"}, {0}};
    return rule(rulings, reply, STR_NONE, wide, arena);
}

static struct verdict judge(const void *self, const struct reply *reply, struct arena *arena)
{
    (void)self;
    return judge_by(reply, SCOPE_PROVIDER, arena);
}

static struct verdict judge_web(const void *self, const struct reply *reply, struct arena *arena)
{
    (void)self;
    return judge_by(reply, SCOPE_ORIGIN, arena);
}

static unsigned room(struct transport *self, const struct request *request)
{
    (void)self;
    (void)request;
    return 1000;
}

static void submit(struct transport *self, struct exchange_call *call)
{
    struct fixture *f = list_of(self, struct fixture, transport);
    struct open_call *open = calloc(1, sizeof *open);
    assert_non_null(open);
    open->call = call;
    open->peer = peer_of(f, call->request->origin);
    open->peer->asked++;
    open->answer_at = mono_add(
        f->now.mono, span_ms(open->peer->latency_ms ? open->peer->latency_ms : LATENCY_MS));
    call->begun = true;
    list_add_last(&f->calls, &open->link);
}

static bool withdraw(struct transport *self, struct exchange_call *call)
{
    (void)self;
    (void)call;
    return false;
}

static void answer(struct fixture *f, struct open_call *open)
{
    const struct peer *peer = open->peer;
    struct exchange_call *call = open->call;
    uint64_t number = 0;
    assert_true(str_to_u64(call->request->path, &number));
    bool other = peer->other_in && number % peer->other_in == 0;
    const struct header header = {STR("retry-after"), str_of(peer->retry_after)};
    const struct reply reply = {.exchange = EXCHANGE_WHOLE,
                                .status = other ? peer->other : peer->status,
                                .headers = &header,
                                .header_count = peer->retry_after ? 1 : 0,
                                .body = STR_NONE,
                                .at = f->now.wall};
    list_remove(&open->link);
    free(open);
    call->done(call, &reply);
}

/* -- one life --------------------------------------------------------------------------------- */

static const struct provider_ops plain = {
    .driver = STR_INIT("plain"), .kinds = ~0u, .compose = compose, .judge = judge};
static const struct provider_ops web = {
    .driver = STR_INIT("web"), .kinds = ~0u, .compose = compose, .judge = judge_web};

static const struct route list[] = {
    {.kind = KIND_SMS, .targets = {{.provider = FIRST}, {.provider = SECOND}}, .target_count = 2},
    {.kind = KIND_WEB, .targets = {{.provider = WEB}}, .target_count = 1},
    {.kind = KIND_EMAIL, .targets = {{.provider = ALONE}}, .target_count = 1},
};

static void open_courier(struct fixture *f)
{
    static const struct transport_ops wire = {.room = room, .submit = submit, .withdraw = withdraw};
    static const struct str names[PROVIDERS] = {STR_INIT("first"), STR_INIT("second"),
                                                STR_INIT("web"), STR_INIT("alone")};
    f->transport.ops = &wire;
    for (unsigned i = 0; i < PROVIDERS; i++)
        f->providers[i] = (struct courier_provider){.ops = i == WEB ? &web : &plain,
                                                    .self = &f->providers[i],
                                                    .name = names[i],
                                                    .in_flight_max = 200,
                                                    .timeout = span_s(15)};
    const struct courier_config config = {
        .store = f->store,
        .inbox = {.post = to_courier, .self = f},
        .ledger = {.post = to_ledger, .self = f},
        .transport = &f->transport,
        .clock = {.read = read_clock, .self = f},
        .entropy = {.fill = fill, .self = f},
        .providers = f->providers,
        .provider_count = PROVIDERS,
        .routes = {.list = list, .count = sizeof list / sizeof *list},
        .library_bytes_max = 1 << 20,
        .seed = 5,
    };
    f->courier = courier_new(&config);
    assert_non_null(f->courier);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct store_state opened;
    assert_non_null(f);
    f->now = (struct now){{1000000}, {1790000000000}};
    f->rng = rng_of(3);
    arena_init(&f->arena, 1 << 20);
    f->disk = memory_disk_new(1);
    memory_store_open(f->disk, &f->arena, f->now.wall, &opened, &f->store);
    list_init(&f->returned);
    list_init(&f->calls);
    list_init(&f->calendar);
    for (unsigned i = 0; i < PROVIDERS; i++)
        f->peers[i].status = 200;
    f->origins[0].status = f->origins[1].status = 200;
    f->notification = (struct notification){
        .id = 1 << 22,
        .app = 1,
        .category = STR("default"),
        .expires_at = {f->now.wall.ms + 86400000},
        .request = STR("{\"content\":{\"sms\":{\"text\":\"hello\"},\"push\":{\"body\":\"hello\"},"
                       "\"email\":{\"from\":\"a@b.example\",\"subject\":\"s\",\"text\":\"t\"}},"
                       "\"to\":[{}]}"),
        .delivery_count = 1};
    open_courier(f);
    *state = f;
    return 0;
}

static void hand_over(struct fixture *f, struct entry *entry)
{
    struct tickets *tickets = calloc(1, sizeof *tickets);
    assert_non_null(tickets);
    tickets->message.type = COURIER_TICKETS;
    list_init(&tickets->list);
    struct ticket *ticket = &entry->ticket;
    *ticket = (struct ticket){.notification = &f->notification,
                              .delivery = &entry->delivery,
                              .lane = lane_of(entry->delivery.kind, PRIORITY_NORMAL),
                              .attempt = entry->attempts + 1,
                              .expires = mono_add(f->now.mono, span_s(86400))};
    list_add_last(&tickets->list, &ticket->link);
    to_courier(f, &tickets->message);
}

static void make(struct fixture *f, enum kind kind, struct str address)
{
    struct entry *entry = calloc(1, sizeof *entry);
    assert_non_null(entry);
    entry->number = ++f->made;
    entry->delivery = (struct delivery){.kind = kind, .address = address, .ordinal = entry->number};
    hand_over(f, entry);
}

/* What the ledger does with what comes back. */
static void settle(struct fixture *f, struct entry *entry)
{
    static const struct retry_policy policy = {
        .delay_first = {2000000}, .delay_max = {60000000}, .attempts_max = 6};
    struct ticket *ticket = &entry->ticket;
    if (ticket->result == TICKET_BACK) {
        f->given_back++;
        entry->due = wall_add(f->now.wall, ticket->back_in);
        list_add_last(&f->calendar, &entry->link);
        return;
    }
    assert_int_equal(ticket->result, TICKET_JUDGED);
    const struct outcome_question question = {.verdict = &ticket->verdict,
                                              .attempts = entry->attempts,
                                              .next_provider = ticket->more_providers,
                                              .now = f->now.wall,
                                              .expires = f->notification.expires_at,
                                              .policy = &policy};
    struct outcome outcome = outcome_of(&question, &f->rng);
    assert_true(str_copy(ticket->route, f->last_route, sizeof f->last_route));
    if (outcome.again) {
        entry->attempts = outcome.attempts;
        entry->due = outcome.due;
        list_add_last(&f->calendar, &entry->link);
        return;
    }
    f->sent += outcome.state == STATE_SENT;
    f->failed += outcome.state == STATE_FAILED;
    f->dead += outcome.state == STATE_DEAD;
    f->used += outcome.attempts;
    for (unsigned i = 0; i < PROVIDERS; i++)
        f->sent_by[i] +=
            outcome.state == STATE_SENT && str_eq(ticket->provider, f->providers[i].name);
    free(entry);
}

static void turn(struct fixture *f)
{
    struct actor actor = courier_actor(f->courier);
    while (f->mail) {
        struct message *mail = f->mail;
        f->mail = NULL;
        for (struct message *after; mail; mail = after) {
            after = mail->next;
            actor.step(actor.self, f->now, mail);
        }
    }
    (void)actor.turn(actor.self, f->now);
}

static void tick(struct fixture *f)
{
    struct list *next;
    f->now.mono.us += TICK_MS * 1000;
    f->now.wall.ms += TICK_MS;
    for (struct list *at = f->calendar.next; at != &f->calendar; at = next) {
        struct entry *entry = list_of(at, struct entry, link);
        next = at->next;
        if (!wall_reached(f->now.wall, entry->due))
            continue;
        list_remove(at);
        hand_over(f, entry);
    }
    for (struct list *at = f->calls.next; at != &f->calls; at = next) {
        struct open_call *open = list_of(at, struct open_call, link);
        next = at->next;
        if (mono_reached(f->now.mono, open->answer_at))
            answer(f, open);
    }
    turn(f);
    for (struct list *at; (at = list_take_first(&f->returned));)
        settle(f, list_of(list_of(at, struct ticket, link), struct entry, ticket));
}

/* So many tickets a second of one kind, for so long. */
static void run(struct fixture *f, uint32_t seconds, uint32_t rate, enum kind kind,
                struct str address)
{
    for (uint32_t i = 0; i < seconds * 1000 / TICK_MS; i++) {
        for (uint32_t j = i * rate * TICK_MS / 1000; j < (i + 1) * rate * TICK_MS / 1000; j++)
            make(f, kind, address);
        tick(f);
    }
}

static const struct str number = STR_INIT("+14155550123"), mailbox = STR_INIT("a@b.example");

static const struct provider_report *look(struct fixture *f, unsigned provider)
{
    struct actor actor = courier_actor(f->courier);
    f->report = (struct report){.message = {.type = COURIER_REPORT},
                                .done = {.post = to_asker, .self = f},
                                .arena = &f->arena};
    actor.step(actor.self, f->now, &f->report.message);
    assert_int_equal(f->report.err, OK);
    assert_int_equal(f->report.count, PROVIDERS);
    return &f->report.list[provider];
}

static bool rests(struct fixture *f)
{
    for (int i = 0; i < 10 * 60 * 1000 / TICK_MS; i++) {
        if (courier_at_rest(f->courier) && list_empty(&f->calendar))
            return true;
        tick(f);
    }
    return false;
}

static void come_to_rest(struct fixture *f)
{
    assert_true(rests(f));
}

/* A test that failed has left things as they were: they end well first. */
static int teardown(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < PROVIDERS + 2; i++) {
        struct peer *peer = i < PROVIDERS ? &f->peers[i] : &f->origins[i - PROVIDERS];
        *peer = (struct peer){.status = 200};
    }
    if (!rests(f))
        return -1;
    courier_free(f->courier);
    f->store->ops->close(f->store);
    memory_disk_free(f->disk);
    arena_done(&f->arena);
    free(f);
    return 0;
}

/* -- tests ------------------------------------------------------------------------------------ */

static void ten_minutes_of_faults_move_the_traffic_there_and_back(void **state)
{
    struct fixture *f = *state;
    run(f, 30, 100, KIND_SMS, number);
    assert_int_equal(f->peers[SECOND].asked, 0);
    f->peers[FIRST].status = 500;
    run(f, 10, 100, KIND_SMS, number);
    assert_true(look(f, FIRST)->state != BREAKER_CLOSED);
    assert_true(look(f, FIRST)->next_probe.ms > 0);
    assert_true(str_starts(str_of(look(f, FIRST)->last_error), STR("500 ")));
    f->peers[FIRST].asked = f->peers[SECOND].asked = 0;
    run(f, 590, 100, KIND_SMS, number);
    assert_true(f->peers[FIRST].asked > 0);
    assert_true(f->peers[FIRST].asked * 100 <= f->peers[FIRST].asked + f->peers[SECOND].asked);
    assert_string_equal(f->last_route, "rule 1, past first: breaker open");
    f->peers[FIRST].status = 200;
    run(f, 70, 100, KIND_SMS, number); /* the longest cool-down */
    uint32_t before = f->peers[FIRST].asked;
    for (int second = 0; second < 60 && look(f, FIRST)->state != BREAKER_CLOSED; second++)
        run(f, 1, 100, KIND_SMS, number);
    run(f, 30, 100, KIND_SMS, number);
    assert_int_equal(look(f, FIRST)->state, BREAKER_CLOSED);
    assert_true(look(f, FIRST)->share > 0.999);
    assert_true(f->peers[FIRST].asked > before);
    f->peers[SECOND].asked = 0;
    run(f, 60, 100, KIND_SMS, number);
    assert_int_equal(f->peers[SECOND].asked, 0);
    come_to_rest(f);
    assert_int_equal(f->sent, f->made);
    assert_true(f->used * 100 <= f->sent * 101); /* all that was tried for nothing: 1 % */
}

static void what_comes_back_comes_without_a_burst(void **state)
{
    struct fixture *f = *state;
    f->peers[FIRST].status = 500;
    run(f, 60, 200, KIND_SMS, number);
    f->peers[FIRST].status = 200;
    uint32_t last = 0;
    for (int second = 0; second < 240 && last < 190; second++) {
        f->peers[FIRST].asked = 0;
        run(f, 1, 200, KIND_SMS, number);
        assert_true(f->peers[FIRST].asked <= 2 * last + 40);
        last = f->peers[FIRST].asked;
    }
    assert_true(last >= 190);
    come_to_rest(f);
    assert_int_equal(f->sent, f->made);
}

static void a_burst_of_recipients_faults_moves_nothing(void **state)
{
    struct fixture *f = *state;
    f->peers[FIRST].status = 404;
    run(f, 60, 100, KIND_SMS, number);
    come_to_rest(f);
    assert_int_equal(f->peers[SECOND].asked, 0);
    assert_int_equal(f->failed, f->made);
    assert_int_equal(look(f, FIRST)->state, BREAKER_CLOSED);
}

static void being_throttled_delays_and_moves_nothing(void **state)
{
    struct fixture *f = *state;
    run(f, 10, 100, KIND_SMS, number);
    f->peers[FIRST].status = 429;
    f->peers[FIRST].retry_after = "30";
    run(f, 1, 100, KIND_SMS, number);
    uint32_t asked = f->peers[FIRST].asked;
    assert_true(look(f, FIRST)->paused_until.ms > f->now.wall.ms);
    run(f, 28, 100, KIND_SMS, number);
    assert_int_equal(f->peers[FIRST].asked, asked); /* nothing before it */
    f->peers[FIRST].status = 200;
    f->peers[FIRST].retry_after = NULL;
    assert_true(look(f, FIRST)->in_flight_max < 200);
    run(f, 60, 100, KIND_SMS, number);
    come_to_rest(f);
    assert_int_equal(f->peers[SECOND].asked, 0);
    assert_int_equal(f->sent, f->made);
    assert_int_equal(f->used, f->sent); /* no attempt was used up by it */
    assert_int_equal(look(f, FIRST)->state, BREAKER_CLOSED);
}

static void an_account_that_is_refused_moves_the_traffic(void **state)
{
    struct fixture *f = *state;
    f->peers[FIRST].status = 401;
    run(f, 20, 100, KIND_SMS, number);
    assert_true(look(f, FIRST)->state != BREAKER_CLOSED);
    assert_true(str_starts(str_of(look(f, FIRST)->last_error), STR("401 unauthorized")));
    come_to_rest(f);
    assert_int_equal(f->sent, f->made);
}

static void what_is_wrong_for_a_few_does_not_stop_the_others(void **state)
{
    struct fixture *f = *state;
    f->peers[FIRST].other = 401; /* one app's topic */
    f->peers[FIRST].other_in = 4;
    run(f, 120, 100, KIND_SMS, number);
    come_to_rest(f);
    assert_int_equal(look(f, FIRST)->state, BREAKER_CLOSED);
    assert_int_equal(f->sent_by[FIRST], f->made - f->made / 4);
    assert_int_equal(f->sent_by[SECOND], f->made / 4);
}

static void with_nobody_else_it_waits_and_uses_no_attempts_up(void **state)
{
    struct fixture *f = *state;
    f->peers[ALONE].status = 503;
    run(f, 300, 10, KIND_EMAIL, mailbox);
    assert_true(f->peers[ALONE].asked < 150);
    f->peers[ALONE].status = 200;
    f->peers[ALONE].asked = 0;
    uint32_t most = 0;
    for (int i = 0; i < 200 && f->sent < f->made; i++) {
        uint32_t asked = f->peers[ALONE].asked;
        run(f, 1, 0, KIND_EMAIL, mailbox);
        most = f->peers[ALONE].asked - asked > most ? f->peers[ALONE].asked - asked : most;
    }
    come_to_rest(f);
    assert_int_equal(f->dead, 0);
    assert_int_equal(f->sent, f->made);
    assert_true(most > 0);
}

static void what_waited_at_the_desk_goes_elsewhere_when_it_opens(void **state)
{
    struct fixture *f = *state;
    f->peers[FIRST].status = 500;
    f->peers[FIRST].latency_ms = 5000;
    run(f, 5, 200, KIND_SMS, number); /* far more than it may have in flight */
    assert_true(look(f, FIRST)->waiting > 0);
    run(f, 10, 0, KIND_SMS, number);
    assert_int_equal(look(f, FIRST)->waiting, 0);
    assert_true(f->sent_by[SECOND] > 900);
    come_to_rest(f);
    assert_int_equal(f->sent, f->made);
}

static void what_is_moved_does_not_wait_for_the_one_it_is_moved_from(void **state)
{
    const struct steer move = {.type = STEER_MOVE,
                               .kind = KIND_EMAIL,
                               .from = STR("alone"),
                               .to = STR("second"),
                               .until = WALL_NEVER};
    struct fixture *f = *state;
    f->peers[ALONE].status = 500;
    run(f, 30, 20, KIND_EMAIL, mailbox);
    assert_true(look(f, ALONE)->state != BREAKER_CLOSED);
    struct round *round = calloc(1, sizeof *round);
    assert_non_null(round);
    round->type = NOTICE_STEER;
    round->steering = steering_new(&move, 1, 1, f->now.wall);
    round->notices[0] = (struct notice){.message = {.type = COURIER_NOTICE}, .round = round};
    to_courier(f, &round->notices[0].message);
    f->peers[ALONE].asked = 0;
    run(f, 30, 20, KIND_EMAIL, mailbox);
    steering_free(round->steering);
    free(round);
    assert_true(f->sent_by[SECOND] >= 20 * 29); /* before the other one's next probe */
    come_to_rest(f);
    assert_int_equal(f->peers[ALONE].asked, 0);
    assert_int_equal(f->sent, f->made);
    assert_string_equal(f->last_route, "rule 3, moved from alone");
}

static void a_push_service_delays_its_own_endpoints_only(void **state)
{
    static const struct str endpoints[] = {STR_INIT("https://one.example/push/1"),
                                           STR_INIT("https://two.example/push/1")};
    struct fixture *f = *state;
    f->origins[0].status = 500;
    for (int second = 0; second < 120; second++) {
        run(f, 1, 30, KIND_WEB, endpoints[0]);
        run(f, 1, 30, KIND_WEB, endpoints[1]);
    }
    assert_int_equal(look(f, WEB)->state, BREAKER_CLOSED);
    assert_int_equal(look(f, WEB)->origins_blocked, 1);
    assert_int_equal(f->origins[1].asked, 120 * 30);
    assert_true(f->origins[0].asked < 150);
    f->origins[0].status = 429;
    f->origins[0].retry_after = "60";
    for (int i = 0; i < 120 && f->origins[0].asked; i++) {
        f->origins[0].asked = 0;
        run(f, 20, 30, KIND_WEB, endpoints[1]);
    }
    f->origins[0].status = 200;
    f->origins[0].retry_after = NULL;
    run(f, 1, 30, KIND_WEB, endpoints[0]);
    come_to_rest(f);
    assert_int_equal(f->sent, f->made);
    assert_int_equal(f->dead, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ten_minutes_of_faults_move_the_traffic_there_and_back,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_comes_back_comes_without_a_burst, setup, teardown),
        cmocka_unit_test_setup_teardown(a_burst_of_recipients_faults_moves_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(being_throttled_delays_and_moves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(an_account_that_is_refused_moves_the_traffic, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_wrong_for_a_few_does_not_stop_the_others, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(with_nobody_else_it_waits_and_uses_no_attempts_up, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_waited_at_the_desk_goes_elsewhere_when_it_opens, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_moved_does_not_wait_for_the_one_it_is_moved_from,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_push_service_delays_its_own_endpoints_only, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
