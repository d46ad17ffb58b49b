/* test/unit/ledger_case.c - see ledger_case.h. */
#include "ledger_case.h"
#include "runtime/log.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void to_ledger(void *self, struct message *message)
{
    struct ledger_case *c = self;
    message->next = NULL;
    if (!c->mail)
        c->mail_end = &c->mail;
    *c->mail_end = message;
    c->mail_end = &message->next;
}

static void to_intake(void *self, struct message *message)
{
    struct ledger_case *c = self;
    if (message->type == INTAKE_JOB) {
        c->answered = (struct job *)message;
        return;
    }
    message->type = LEDGER_ACK;
    to_ledger(c, message);
}

static void give_back(struct ledger_case *c, struct ticket *ticket)
{
    struct tickets *tickets = calloc(1, sizeof *tickets);
    assert_non_null(tickets);
    tickets->message.type = LEDGER_TICKETS;
    list_init(&tickets->list);
    list_add_last(&tickets->list, &ticket->link);
    to_ledger(c, &tickets->message);
}

static void give_all_back(struct ledger_case *c)
{
    for (struct list *at; (at = list_take_first(&c->held));)
        give_back(c, list_of(at, struct ticket, link));
}

/* A courier that holds all it is given. */
static void to_courier(void *self, struct message *message)
{
    struct ledger_case *c = self;
    if (message->type == COURIER_TICKETS) {
        struct tickets *tickets = (struct tickets *)message;
        for (struct list *at; (at = list_take_first(&tickets->list)); c->handed++)
            list_add_last(c->drops ? &c->dropped : &c->held, at);
        free(tickets);
        return;
    }
    struct notice *notice = (struct notice *)message;
    if (notice->round->type == NOTICE_ROLL)
        list_each (at, &c->held)
            list_of(at, struct ticket, link)->seen = notice->round->number;
    if (notice->round->type == NOTICE_DRAIN)
        give_all_back(c);
    if (c->deaf)
        return;
    message->type = LEDGER_ACK;
    to_ledger(c, message);
}

static struct now read_clock(void *self)
{
    return ((struct ledger_case *)self)->now;
}

void ledger_case_run(struct ledger_case *c)
{
    struct actor actor = ledger_actor(c->ledger);
    do {
        while (c->mail) {
            struct message *message = c->mail;
            c->mail = message->next;
            actor.step(actor.self, c->now, message);
        }
        c->wake = actor.turn(actor.self, c->now);
        if (!c->stuck)
            (void)memory_store_step(c->store, c->refuses ? STEP_REFUSE : STEP_COMMIT);
    } while (c->mail);
}

static void pass(struct ledger_case *c, int64_t us)
{
    c->now.mono.us += us;
    c->now.wall.ms += us / 1000;
}

void ledger_case_later(struct ledger_case *c, int64_t ms)
{
    struct mono end = mono_add(c->now.mono, span_ms(ms));
    ledger_case_run(c);
    while (c->wake.us < end.us) {
        pass(c, c->wake.us > c->now.mono.us ? (c->wake.us - c->now.mono.us + 999) / 1000 * 1000
                                            : 1000);
        ledger_case_run(c);
    }
    if (end.us > c->now.mono.us)
        pass(c, end.us - c->now.mono.us);
    ledger_case_run(c);
}

static void ask(struct ledger_case *c, struct job *job)
{
    job->message.type = LEDGER_JOB;
    job->done = c->intake;
    job->now = c->now;
    c->answered = NULL;
    to_ledger(c, &job->message);
    ledger_case_run(c);
}

static void make_app(struct ledger_case *c)
{
    struct job job = {.type = JOB_CHANGE};
    arena_init(&job.arena, 1 << 20);
    job.change =
        (struct change){.type = CHANGE_APP_CREATE, .name = STR("shop"), .now = c->now.wall};
    ask(c, &job);
    assert_ptr_equal(c->answered, &job);
    c->app = job.change.number;
    arena_done(&job.arena);
}

int64_t ledger_case_accept(struct ledger_case *c, enum guarantee guarantee, int64_t ttl_ms)
{
    struct job job = {.type = JOB_ACCEPT};
    struct bundle *bundle = bundle_new(1 << 20);
    arena_init(&job.arena, 1 << 20);
    bundle->notification = (struct notification){
        .app = c->app,
        .priority = PRIORITY_NORMAL,
        .guarantee = guarantee,
        .expires_at = wall_add(c->now.wall, span_ms(ttl_ms)),
        .category = STR("default"),
        .request = STR("{}"),
        .delivery_count = 1,
    };
    bundle->deliveries = arena_new(&bundle->arena, struct delivery);
    *bundle->deliveries =
        (struct delivery){.kind = KIND_SMS, .address = STR("+14155550123"), .state = STATE_QUEUED};
    job.accept.bundle = bundle;
    ask(c, &job);
    assert_ptr_equal(c->answered, &job);
    assert_int_equal(job.err, OK);
    arena_done(&job.arena);
    return job.accept.id;
}

struct ticket *ledger_case_take(struct ledger_case *c)
{
    struct list *at = list_take_first(&c->held);
    assert_non_null(at);
    assert_true(list_empty(&c->held));
    return list_of(at, struct ticket, link);
}

void ledger_case_return(struct ledger_case *c, struct ticket *ticket)
{
    give_back(c, ticket);
    ledger_case_run(c);
}

void ledger_case_judge(struct ledger_case *c, struct ticket *ticket, enum fate fate)
{
    const struct verdict verdict = {.fate = fate, .scope = SCOPE_DELIVERY, .code = STR("200")};
    ticket->began_at = ticket->ended_at = c->now.wall;
    ticket->provider = STR("provider");
    ticket_judge(ticket, &verdict);
    ledger_case_return(c, ticket);
}

const struct job *ledger_case_report(struct ledger_case *c)
{
    static struct job job;
    if (job.arena.max)
        arena_done(&job.arena);
    job = (struct job){.type = JOB_QUEUES};
    arena_init(&job.arena, 1 << 20);
    ask(c, &job);
    return &job;
}

bool ledger_case_logged(struct ledger_case *c, const char *words)
{
    char text[8192];
    ssize_t length = pread(c->log_fd, text, sizeof text - 1, 0);
    assert_true(length >= 0);
    text[length] = '\0';
    assert_int_equal(ftruncate(c->log_fd, 0), 0);
    assert_int_equal(lseek(c->log_fd, 0, SEEK_SET), 0);
    return strstr(text, words) != NULL;
}

const struct event *const *ledger_case_events(struct ledger_case *c, int64_t id,
                                              uint32_t *ret_count)
{
    const struct event *const *events;
    assert_non_null(
        memory_disk_delivery(c->disk, (struct delivery_key){id, 0}, &events, ret_count));
    return events;
}

int ledger_case_setup(void **state)
{
    static struct inbox intakes[1], couriers[1];
    struct ledger_case *c = calloc(1, sizeof *c);
    struct store_state opened;
    struct arena arena;
    assert_non_null(c);
    arena_init(&arena, 1 << 20);
    c->now = (struct now){{1000000}, {1790000000000}};
    list_init(&c->held);
    list_init(&c->dropped);
    c->log_fd = memfd_create("log", MFD_CLOEXEC);
    c->log = calloc(1, sizeof *c->log);
    *c->log = (struct log){.fd = c->log_fd, .clock = {read_clock, c}};
    c->disk = memory_disk_new(1);
    memory_store_open(c->disk, &arena, c->now.wall, &opened, &c->store);
    c->intake = intakes[0] = (struct inbox){to_intake, c};
    c->courier = couriers[0] = (struct inbox){to_courier, c};
    struct ledger_config config = {
        .store = c->store,
        .inbox = {to_ledger, c},
        .intakes = intakes,
        .intake_count = 1,
        .couriers = couriers,
        .courier_count = 1,
        .retention = span_s(30 * 86400),
        .seed = 7,
        .log = c->log,
    };
    for (unsigned i = 0; i < PRIORITY_COUNT; i++)
        config.retry[i] = (struct retry_policy){
            .delay_first = span_s(60), .delay_max = span_s(600), .attempts_max = 3};
    c->ledger = ledger_new(&config, &opened, c->now);
    assert_non_null(c->ledger);
    arena_done(&arena);
    make_app(c);
    *state = c;
    return 0;
}

static void drained(void *self)
{
    *(bool *)self = true;
}

int ledger_case_teardown(void **state)
{
    struct ledger_case *c = *state;
    bool done = false;
    struct drain drain = {.message.type = LEDGER_DRAIN, .done = drained, .self = &done};
    c->drops = c->deaf = c->stuck = c->refuses = false;
    to_ledger(c, &drain.message);
    ledger_case_later(c, 10000);
    assert_true(done);
    ledger_free(c->ledger);
    c->store->ops->close(c->store);
    memory_disk_free(c->disk);
    (void)close(c->log_fd);
    free(c->log);
    free(c);
    return 0;
}
