/* flow/courier.c - the courier's steps: tickets to desks, desks to flights, notices. */
#include "flow/courier.h"
#include "flow/courier_state.h"
#include "model/limits.h"
#include <stdlib.h>

enum {
    LOOK_MS = 1000, /* how late what expires while it waits may end */
};

struct courier *courier_new(const struct courier_config *config)
{
    struct courier *courier = calloc(1, sizeof *courier);
    if (!courier)
        return NULL;
    courier->config = *config;
    courier->rng = rng_of(config->seed);
    list_init(&courier->flights);
    list_init(&courier->spare);
    list_init(&courier->retired);
    courier->sender_count = config->provider_count;
    courier->hash_key[0] = rng_next(&courier->rng);
    courier->hash_key[1] = rng_next(&courier->rng);
    const struct library_config library = {
        .store = config->store,
        .inbox = config->inbox,
        .message_type = COURIER_QUERY,
        .bytes_max = config->library_bytes_max,
        .hash_key = {courier->hash_key[0], courier->hash_key[1]},
    };
    courier->library = library_new(&library);
    readings_init(&courier->readings, config->library_bytes_max, courier->hash_key);
    list_init(&courier->arrivals);
    if (!courier->library || !courier_senders_open(courier, config->providers) ||
        !courier_apps_open(courier)) {
        readings_done(&courier->readings);
        readings_done(&courier->readings);
        library_free(courier->library);
        courier_senders_close(courier);
        free(courier);
        return NULL;
    }
    courier->config.providers = NULL; /* the senders have their own copies */
    courier->apps_at = MONO_NEVER;
    courier_apps_ask(courier);
    return courier;
}

void courier_free(struct courier *courier)
{
    if (!courier)
        return;
    must(courier_at_rest(courier));
    for (struct list *at; (at = list_take_first(&courier->spare));) {
        struct flight *flight = list_of(at, struct flight, link);
        arena_done(&flight->arena);
        free(flight);
    }
    courier_close_retired(courier);
    courier_senders_close(courier);
    readings_done(&courier->readings);
    library_free(courier->library);
    courier_apps_close(courier);
    steering_free(courier->steering);
    free(courier);
}

bool courier_at_rest(const struct courier *courier)
{
    uint32_t waiting = 0;
    for (uint32_t i = 0; i < courier->sender_count; i++)
        waiting += courier->senders[i]->desk.waiting;
    return !waiting && !courier->flight_count && !courier->fetch_count && !courier->outbox &&
           !courier->apps_asked && list_empty(&courier->arrivals);
}

/* ------------------------------------------------------------------------------ tickets ---- */

void courier_take_arrivals(struct courier *courier, struct now now)
{
    for (struct list *at; (at = list_take_first(&courier->arrivals));)
        courier_take_ticket(courier, list_of(at, struct ticket, link), now);
}

/* ------------------------------------------------------------------------------ notices ---- */

static bool concerns(const void *what, const struct ticket *ticket)
{
    const struct round *round = what;
    const struct delivery *delivery = ticket->delivery;
    switch (round->type) {
    case NOTICE_USERS:
        return delivery->user &&
               (delivery->user == round->users[0] || delivery->user == round->users[1]);
    case NOTICE_SUPPRESSION:
        return ticket->notification->app == round->app &&
               kind_channel(delivery->kind) == round->channel &&
               str_eq(delivery->address, round->address);
    case NOTICE_APP:
        return ticket->notification->app == round->app;
    case NOTICE_CANCEL:
        return ticket->notification->id == round->notification;
    case NOTICE_STEER:
        return round->steering->paused & 1u << delivery->kind;
    case NOTICE_DRAIN:
        return true;
    case NOTICE_KEYS:
    case NOTICE_CATEGORY:
    case NOTICE_TEMPLATE:
    case NOTICE_ROLL:
        return false;
    }
    return false;
}

static void stamp(struct ticket *ticket, void *number)
{
    ticket->seen = *(const uint64_t *)number;
}

/* Every ticket that is held says so: one that is not here is lost. */
static void call_roll(struct courier *courier, uint64_t number)
{
    list_each (at, &courier->arrivals)
        stamp(list_of(at, struct ticket, link), &number);
    for (uint32_t i = 0; i < courier->sender_count; i++)
        desk_each(&courier->senders[i]->desk, stamp, &number);
    list_each (at, &courier->flights) {
        struct flight *flight = list_of(at, struct flight, link);
        if (flight->stage != STAGE_MARK) /* else the ledger has it */
            stamp(flight->ticket, &number);
    }
}

static void acknowledge_later(struct courier *courier, struct notice *notice)
{
    notice->message.next = courier->acks;
    courier->acks = &notice->message;
}

static void hear(struct courier *courier, struct now now, struct notice *notice)
{
    const struct round *round = notice->round;
    struct list out;
    list_init(&out);
    if (round->type == NOTICE_DRAIN)
        courier->draining = true;
    for (uint32_t i = 0; i < courier->sender_count; i++)
        desk_remove(&courier->senders[i]->desk, concerns, round, &out);
    for (struct list *at; (at = list_take_first(&out));)
        courier_give_back(courier, list_of(at, struct ticket, link), (struct span){0});
    struct list *next;
    for (struct list *at = courier->flights.next; at != &courier->flights; at = next) {
        next = at->next;
        struct flight *flight = list_of(at, struct flight, link);
        if (!concerns(round, flight->ticket))
            continue;
        bool *cancelled =
            flight->stage == STAGE_MARK ? &flight->cancelled : &flight->ticket->cancelled;
        *cancelled |= round->type == NOTICE_CANCEL;
        flight_withdraw(flight);
    }
    if (round->type == NOTICE_STEER) {
        courier_steer(courier, round);
        courier_take_arrivals(courier, now);
    }
    acknowledge_later(courier, notice);
}

/* ---------------------------------------------------------------------------- the turns ---- */

static bool is_over(const void *what, const struct ticket *ticket)
{
    const struct now *now = what;
    return mono_reached(now->mono, ticket->expires);
}

/* Ends what has expired while it waits: at a desk before a full, slow or blocked provider, or in a
 * flight that has not begun. It looks at all there is, so not often. */
static struct mono end_expired(struct courier *courier, struct now now)
{
    struct list out, *next;
    bool waiting = courier->flight_count > 0;
    if (!mono_reached(now.mono, courier->look_at))
        return courier->look_at;
    list_init(&out);
    for (uint32_t i = 0; i < courier->sender_count; i++) {
        desk_remove(&courier->senders[i]->desk, is_over, &now, &out);
        waiting |= courier->senders[i]->desk.waiting > 0;
    }
    for (struct list *at; (at = list_take_first(&out));) {
        struct ticket *ticket = list_of(at, struct ticket, link);
        ticket->result = TICKET_EXPIRED;
        courier_return(courier, ticket);
    }
    for (struct list *at = courier->flights.next; at != &courier->flights; at = next) {
        struct flight *flight = list_of(at, struct flight, link);
        next = at->next;
        if (is_over(&now, flight->ticket))
            flight_withdraw(flight); /* it comes back, and ends when it is claimed */
    }
    if (!waiting)
        return MONO_NEVER;
    courier->look_at = mono_add(now.mono, span_ms(LOOK_MS));
    return courier->look_at;
}

static void acknowledge(struct courier *courier)
{
    while (courier->acks) {
        struct message *ack = courier->acks;
        courier->acks = ack->next;
        ack->type = LEDGER_ACK;
        inbox_post(&courier->config.ledger, ack);
    }
}

void courier_apps_known(struct courier *courier, struct now now)
{
    courier_take_arrivals(courier, now);
    struct message *held = courier->held;
    courier->held = NULL;
    for (struct message *next; held; held = next) {
        next = held->next;
        hear(courier, now, (struct notice *)held);
    }
}

static void take_notice(struct courier *courier, struct now now, struct notice *notice)
{
    if (notice->round->type == NOTICE_ROLL) {
        call_roll(courier, notice->round->number);
        acknowledge_later(courier, notice);
        return;
    }
    if (notice->round->type == NOTICE_APP && courier->app_count)
        courier_apps_ask(courier);
    if (notice->round->type == NOTICE_DRAIN) {
        courier->draining = true; /* nothing is routed any more */
        courier->apps_at = MONO_NEVER;
        if (!courier->apps_asked)
            courier_apps_known(courier, now);
    }
    if (!courier_apps_wait(courier)) {
        hear(courier, now, notice);
        return;
    }
    notice->message.next = courier->held;
    courier->held = &notice->message;
}

static void take_tickets(struct courier *courier, struct now now, struct tickets *tickets)
{
    for (struct list *at; (at = list_take_first(&tickets->list));) {
        struct ticket *ticket = list_of(at, struct ticket, link);
        if (ticket->flight)
            flight_marked(ticket->flight, now);
        else
            list_add_last(&courier->arrivals, at);
    }
    free(tickets);
    if (!courier_apps_wait(courier))
        courier_take_arrivals(courier, now);
}

static void step(void *self, struct now now, struct message *message)
{
    struct courier *courier = self;
    switch (message->type) {
    case COURIER_TICKETS:
        take_tickets(courier, now, (struct tickets *)message);
        return;
    case COURIER_NOTICE:
        take_notice(courier, now, (struct notice *)message);
        return;
    case COURIER_QUERY:
        ((struct query *)message)->finish((struct query *)message);
        return;
    case COURIER_TASK:
        flight_composed(list_of(message, struct flight, task.message), now);
        return;
    case COURIER_PING:
        ((struct ping *)message)->heard(((struct ping *)message)->self);
        return;
    case COURIER_REPORT:
        courier_report(courier, (struct report *)message, now);
        return;
    case COURIER_CONFIG:
        courier_take_change(courier, (struct courier_change *)message, now);
        return;
    default:
        never("a message for somebody else");
    }
}

/* Before the desks are served: what is to go elsewhere goes. */
static void spill(struct courier *courier, struct now now)
{
    bool any = false;
    for (uint32_t i = 0; i < courier->sender_count; i++) {
        struct sender *sender = courier->senders[i];
        if (!sender->spill && !sender->recall)
            continue;
        any |= sender->spill;
        courier_spill(courier, sender);
    }
    if (any && !courier_apps_wait(courier))
        courier_take_arrivals(courier, now);
}

static struct mono turn(void *self, struct now now)
{
    struct courier *courier = self;
    if (mono_reached(now.mono, courier->apps_at))
        courier_apps_ask(courier);
    struct mono wake = mono_min(courier->apps_at, end_expired(courier, now));
    spill(courier, now);
    for (uint32_t i = 0; i < courier->sender_count; i++)
        wake = mono_min(wake, sender_serve(courier->senders[i], now));
    if (courier->outbox) {
        inbox_post(&courier->config.ledger, &courier->outbox->message);
        courier->outbox = NULL;
    }
    courier_close_retired(courier);
    acknowledge(courier); /* behind what was given back on account of it */
    return wake;
}

struct actor courier_actor(struct courier *courier)
{
    return (struct actor){.self = courier, .step = step, .turn = turn};
}
