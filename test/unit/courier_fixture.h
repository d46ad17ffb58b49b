/* test/unit/courier_fixture.h - one courier over a memory store, with a wire that the test answers.
 */
#pragma once
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

static inline struct now read_clock(void *self)
{
    return ((struct fixture *)self)->now;
}

static inline void fill(void *self, void *at, size_t len)
{
    (void)self;
    memset(at, 7, len);
}

static inline void to_courier(void *self, struct message *message)
{
    struct fixture *f = self;
    message->next = f->mail;
    f->mail = message;
}

static inline void to_ledger(void *self, struct message *message)
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

static inline void refuse_read(struct store *self, struct query *query)
{
    (void)self;
    query->err = ERR_FULL;
    inbox_post(&query->done, &query->message);
}

/* -- a provider and its wire ------------------------------------------------------------------ */

static inline unsigned room(struct transport *self, const struct request *request)
{
    (void)self;
    (void)request;
    return CALLS_MAX;
}

static inline void submit(struct transport *self, struct exchange_call *call)
{
    struct fixture *f = list_of(self, struct fixture, transport);
    assert_true(f->call_count < CALLS_MAX);
    f->calls[f->call_count++] = call;
}

static inline bool withdraw(struct transport *self, struct exchange_call *call)
{
    struct fixture *f = list_of(self, struct fixture, transport);
    if (call->begun)
        return false;
    for (uint32_t i = 0; i < f->call_count; i++)
        if (f->calls[i] == call)
            f->calls[i] = f->calls[--f->call_count];
    return true;
}

static inline enum err compose(const void *self, const struct parcel *parcel, struct str credential,
                               const struct entropy *entropy, struct arena *arena,
                               struct request *ret, struct why *why)
{
    ((struct fixture *)(uintptr_t)self)->told_expires = parcel->expires_at;
    (void)credential;
    (void)entropy;
    (void)arena;
    (void)why;
    *ret = (struct request){.wire = WIRE_HTTP, .origin = STR("https://provider.example")};
    return OK;
}

static inline struct verdict judge(const void *self, const struct reply *reply, struct arena *arena)
{
    static const struct ruling rulings[] = {
        {403, NULL, FATE_AGAIN, SCOPE_PROVIDER, EFFECT_REFRESH, "stale"}, {0}};
    (void)self;
    return rule(rulings, reply, STR_NONE, SCOPE_PROVIDER, arena);
}

/* -- one life --------------------------------------------------------------------------------- */

/* A courier over f->provider. */
static inline void fixture_open(struct fixture *f, struct routes routes, struct store *store)
{
    static const struct transport_ops wire = {.room = room, .submit = submit, .withdraw = withdraw};
    f->transport.ops = &wire;
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

static inline struct routes one_route(void)
{
    static const struct route route = {
        .kind = KIND_IOS, .targets = {{.provider = 0}}, .target_count = 1};
    return (struct routes){.list = &route, .count = 1};
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
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
static inline struct mono turn(struct fixture *f)
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

static inline void advance(struct fixture *f, int64_t ms)
{
    f->now.mono.us += ms * 1000;
    f->now.wall.ms += ms;
}

static inline void send(struct fixture *f, uint32_t count, int64_t ttl_ms)
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

static inline void answer(struct fixture *f, int status, const char *retry_after)
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

static inline uint32_t count_returned(const struct fixture *f, enum ticket_result result)
{
    uint32_t count = 0;
    list_each (at, &f->returned)
        count += list_of(at, struct ticket, link)->result == result;
    return count;
}
