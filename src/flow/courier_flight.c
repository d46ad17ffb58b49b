/* flow/courier_flight.c - one attempt: rendered, authorised, composed, carried, judged. */
#include "flow/courier_state.h"
#include "model/limits.h"
#include <stdlib.h>

enum {
    FLIGHT_ARENA_MAX = 16 * 1024 * 1024,
    FLIGHTS_SPARE_MAX = 1024,
    FLIGHT_ARENA_KEEP = 64 * 1024, /* a flight that grew beyond this is not kept */
    FETCHES_MAX = 3,               /* of a credential for one flight */
    FETCH_TIMEOUT_MS = 15000,
    FETCH_RETRY_MS = 1000,
};

/* ----------------------------------------------------------------------------- results ---- */

void courier_return(struct courier *courier, struct ticket *ticket)
{
    if (!courier->outbox) {
        courier->outbox = malloc(sizeof *courier->outbox);
        must(courier->outbox); /* what has been sent cannot be kept silent */
        *courier->outbox = (struct tickets){.message = {.type = LEDGER_TICKETS}};
        list_init(&courier->outbox->list);
    }
    list_add_last(&courier->outbox->list, &ticket->link);
}

void courier_give_back(struct courier *courier, struct ticket *ticket, struct span in)
{
    ticket->result = TICKET_BACK;
    ticket->back_in = in;
    ticket_note_begun(ticket, false);
    courier_return(courier, ticket);
}

void courier_judge(struct courier *courier, struct sender *sender, struct ticket *ticket,
                   const struct verdict *verdict, struct mono began, struct now now)
{
    struct verdict final = *verdict;
    if (sender) {
        sender_note(sender, ticket, &final, began, now);
        ticket->provider = sender->provider->name;
    }
    if (!ticket->began_at.ms)
        ticket->began_at = now.wall;
    ticket->ended_at = now.wall;
    ticket_judge(ticket, &final);
    courier_return(courier, ticket);
}

/* ----------------------------------------------------------------------------- flights ---- */

static struct flight *flight_new(struct courier *courier)
{
    struct list *spare = list_take_first(&courier->spare);
    struct flight *flight;
    if (spare) {
        courier->spare_count--;
        flight = list_of(spare, struct flight, link);
        arena_reset(&flight->arena);
    } else {
        flight = calloc(1, sizeof *flight);
        if (!flight)
            return NULL;
        arena_init(&flight->arena, FLIGHT_ARENA_MAX);
    }
    list_init(&flight->wait);
    list_add_last(&courier->flights, &flight->link);
    courier->flight_count++;
    return flight;
}

/* The end of every flight: its place is free, its memory kept for the next. */
static void land(struct flight *flight)
{
    struct courier *courier = flight->courier;
    must(flight->sender->in_flight > 0);
    flight->sender->in_flight--;
    desk_leave(&flight->sender->desk, flight->app);
    list_remove(&flight->wait);
    list_remove(&flight->link);
    courier->flight_count--;
    if (courier->spare_count < FLIGHTS_SPARE_MAX && flight->arena.used <= FLIGHT_ARENA_KEEP) {
        list_add_first(&courier->spare, &flight->link);
        courier->spare_count++;
    } else {
        arena_done(&flight->arena);
        free(flight);
    }
}

static struct now now_of(const struct flight *flight)
{
    return clock_now(&flight->courier->config.clock);
}

void flight_give_back(struct flight *flight, struct span in)
{
    courier_give_back(flight->courier, flight->ticket, in);
    land(flight);
}

static void give_up(struct flight *flight)
{
    flight_give_back(flight, (struct span){0});
}

void flight_expire(struct flight *flight)
{
    flight->ticket->result = TICKET_EXPIRED;
    courier_return(flight->courier, flight->ticket);
    land(flight);
}

static void conclude(struct flight *flight, const struct verdict *verdict, struct now now)
{
    courier_judge(flight->courier, flight->sender, flight->ticket, verdict, flight->began, now);
    land(flight);
}

/* A message that cannot be made: no provider was asked, and none will take it. What the store does
 * not read now is no attempt; what there is no memory for may be too large for ever, and is. */
static void conclude_unmade(struct flight *flight, enum err err, struct now now)
{
    if (err == ERR_FULL || err == ERR_IO || err == ERR_CLOSED) {
        flight_give_back(flight, span_s(1));
        return;
    }
    bool passing = err == ERR_MEMORY;
    struct verdict verdict = {
        .fate = passing ? FATE_AGAIN : FATE_NEVER,
        .scope = SCOPE_DELIVERY,
        .code = str_of(err_name(err)),
        .reason = passing            ? STR("not_now")
                  : err == ERR_LIMIT ? STR("too_large")
                                     : STR("invalid_content"),
        .detail = str_of(flight->why.text),
    };
    conclude(flight, &verdict, now);
}

/* ------------------------------------------------------------------------------ sending ---- */

/* Whatever crashes while our code is at work on a delivery may be that delivery's doing. */
static void note_work(struct note *note, bool at_work)
{
    if (note)
        note->at_courier = at_work;
}

static void answered(struct exchange_call *call, const struct reply *reply)
{
    struct flight *flight = call->owner;
    struct courier *courier = flight->courier;
    struct now now = now_of(flight);
    const struct courier_provider *provider = flight->sender->provider;
    note_work(flight->ticket->note, true);
    struct verdict verdict = provider->ops->judge(provider->self, reply, &flight->arena);
    note_work(flight->ticket->note, false);
    if (reply->exchange == EXCHANGE_WHOLE)
        latency_note(&flight->sender->latency, mono_since(flight->sent, now.mono), now.mono);
    flight->ticket->receipt = verdict.fate == FATE_DONE && flight->request.sandbox_receipt;
    conclude(flight, &verdict, now);
    if (courier->config.kick)
        courier->config.kick(courier->config.kick_self);
}

void flight_submit(struct flight *flight, struct now now)
{
    struct courier *courier = flight->courier;
    flight->stage = STAGE_SEND;
    flight->ticket->began_at = now.wall;
    flight->sent = now.mono;
    ticket_note_begun(flight->ticket, true);
    flight->call = (struct exchange_call){
        .request = &flight->request,
        .deadline = mono_add(now.mono, flight->sender->provider->timeout),
        .done = answered,
        .owner = flight,
        .arena = &flight->arena,
    };
    courier->config.transport->ops->submit(courier->config.transport, &flight->call);
}

void flight_composed(struct flight *flight, struct now now)
{
    if (flight->withdrawn)
        give_up(flight);
    else if (flight->compose_err)
        conclude_unmade(flight, flight->compose_err, now);
    else if (flight->ticket->notification->guarantee == GUARANTEE_AT_MOST_ONCE)
        flight_mark(flight);
    else
        flight_submit(flight, now);
}

static void compose(struct task *task)
{
    struct flight *flight = list_of(task, struct flight, task);
    const struct courier_provider *provider = flight->sender->provider;
    struct note *note = flight->ticket->note;
    memset(&flight->request, 0, sizeof flight->request);
    if (note)
        note->at_compose = true;
    flight->compose_err = provider->ops->compose(
        provider->self, &flight->parcel, flight->credential, &flight->courier->config.entropy,
        &flight->arena, &flight->request, &flight->why);
    if (note)
        note->at_compose = false;
}

static void begin_compose(struct flight *flight, struct now now)
{
    struct courier *courier = flight->courier;
    flight->stage = STAGE_COMPOSE;
    if (flight->sender->provider->ops->heavy && courier->config.pool) {
        flight->task = (struct task){
            .message = {.type = COURIER_TASK}, .done = courier->config.inbox, .work = compose};
        pool_post(courier->config.pool, &flight->task);
        return;
    }
    compose(&flight->task);
    flight_composed(flight, now);
}

/* -------------------------------------------------------------------------- credentials ---- */

static void authorize(struct flight *flight, struct now now);

static void fetched(struct exchange_call *call, const struct reply *reply)
{
    struct sender *sender = call->owner;
    struct courier *courier = sender->courier;
    struct now now = clock_now(&courier->config.clock);
    const struct courier_provider *provider = sender->provider;
    struct fetch *fetch = &sender->fetch;
    struct verdict verdict = provider->ops->refresh_judge(provider->self, reply, &fetch->arena);
    sender->fetching = false;
    courier->fetch_count--;
    if (verdict.fate == FATE_AMBIGUOUS || verdict.fate == FATE_NEVER)
        verdict.fate = FATE_AGAIN; /* no message has been sent: it is the credential that failed */
    verdict.effect = verdict.effect == EFFECT_REFRESH ? EFFECT_HOLD : verdict.effect;
    if (verdict.fate != FATE_DONE)
        pace_block(&sender->pace, mono_add(now.mono, span_ms(FETCH_RETRY_MS)));
    if (verdict.fate == FATE_DONE)
        arena_reset(&fetch->arena); /* another fetch may begin below */
    struct list waiting;
    list_init(&waiting);
    for (struct list *at; (at = list_take_first(&sender->waiting));)
        list_add_last(&waiting, at);
    for (struct list *at; (at = list_take_first(&waiting));) {
        struct flight *flight = list_of(at, struct flight, wait);
        if (flight->withdrawn)
            give_up(flight);
        else if (verdict.fate == FATE_DONE)
            authorize(flight, now);
        else
            conclude(flight, &verdict, now);
    }
    if (verdict.fate != FATE_DONE)
        arena_reset(&fetch->arena);
    if (courier->config.kick)
        courier->config.kick(courier->config.kick_self);
}

static enum err begin_fetch(struct sender *sender, struct now now, struct why *why)
{
    struct courier *courier = sender->courier;
    const struct courier_provider *provider = sender->provider;
    struct fetch *fetch = &sender->fetch;
    fetch->request = (struct request){0};
    enum err err = provider->ops->refresh_compose(provider->self, now.wall, &fetch->arena,
                                                  &fetch->request, why);
    if (err) {
        arena_reset(&fetch->arena);
        return err;
    }
    sender->fetching = true;
    courier->fetch_count++;
    fetch->call = (struct exchange_call){
        .request = &fetch->request,
        .deadline = mono_add(now.mono, span_ms(FETCH_TIMEOUT_MS)),
        .done = fetched,
        .owner = sender,
        .arena = &fetch->arena,
    };
    courier->config.transport->ops->submit(courier->config.transport, &fetch->call);
    return OK;
}

static void fail_authorize(struct flight *flight, struct now now)
{
    const struct verdict verdict = {
        .fate = FATE_AGAIN,
        .scope = SCOPE_PROVIDER,
        .effect = EFFECT_HOLD,
        .code = STR("credential"),
        .reason = STR("no_credential"),
        .detail = str_of(flight->why.text),
    };
    conclude(flight, &verdict, now);
}

static void authorize(struct flight *flight, struct now now)
{
    struct sender *sender = flight->sender;
    const struct provider_ops *ops = sender->provider->ops;
    struct str credential;
    if (!ops->authorize) {
        begin_compose(flight, now);
        return;
    }
    switch (ops->authorize(sender->provider->self, &flight->parcel, &credential, &flight->why)) {
    case AUTHORIZED:
        flight->credential = arena_copy(&flight->arena, credential);
        begin_compose(flight, now);
        return;
    case AUTHORIZE_FETCH:
        if (flight->fetches++ == FETCHES_MAX) {
            (void)why_set(&flight->why, ERR_CRYPTO, "what is fetched is no credential that lasts");
            pace_block(&sender->pace, mono_add(now.mono, span_ms(FETCH_RETRY_MS)));
            fail_authorize(flight, now);
            return;
        }
        if (!sender->fetching && begin_fetch(sender, now, &flight->why) != OK) {
            fail_authorize(flight, now);
            return;
        }
        flight->stage = STAGE_CREDENTIAL;
        list_add_last(&sender->waiting, &flight->wait);
        return;
    case AUTHORIZE_FAILED:
        fail_authorize(flight, now);
        return;
    }
}

/* ---------------------------------------------------------------------------- rendering ---- */

static void rendered(struct rendering *rendering)
{
    struct flight *flight = rendering->owner;
    struct now now = now_of(flight);
    if (flight->withdrawn) {
        give_up(flight);
        return;
    }
    if (rendering->err) {
        flight->why = rendering->why;
        conclude_unmade(flight, rendering->err, now);
        return;
    }
    authorize(flight, now);
}

/* What the provider is told: a date of the clock as it stands now. */
static struct wall expiry_now(const struct ticket *ticket, struct now now)
{
    return ticket->expires.us == MONO_NEVER.us
               ? WALL_NEVER
               : wall_add(now.wall, mono_since(now.mono, ticket->expires));
}

void flight_begin(struct courier *courier, struct sender *sender, struct ticket *ticket,
                  struct now now)
{
    struct flight *flight = flight_new(courier);
    if (!flight) { /* pull less: it comes back when there is memory */
        courier_give_back(courier, ticket, span_s(1));
        return;
    }
    sender->in_flight++;
    desk_enter(&sender->desk, ticket->notification->app, now.mono);
    flight->courier = courier;
    flight->sender = sender;
    flight->ticket = ticket;
    flight->app = ticket->notification->app;
    flight->stage = STAGE_RENDER;
    flight->began = now.mono;
    flight->withdrawn = flight->cancelled = false;
    flight->fetches = 0;
    flight->credential = STR_NONE;
    flight->compose_err = OK;
    flight->why.text[0] = '\0';
    flight->parcel = (struct parcel){
        .notification = ticket->notification,
        .delivery = ticket->delivery,
        .content = &flight->rendering.content,
        .delivery_id = dlv_format(&courier->config.ids, ticket_key(ticket), flight->delivery_id),
        .attempt = ticket->attempt,
        .now = now.wall,
        .expires_at = expiry_now(ticket, now),
    };
    flight->rendering.library = courier->library;
    flight->rendering.readings = &courier->readings;
    flight->rendering.notification = ticket->notification;
    flight->rendering.delivery = ticket->delivery;
    flight->rendering.arena = &flight->arena;
    flight->rendering.done = rendered;
    flight->rendering.owner = flight;
    struct note *note = ticket->note; /* the ticket stays here, though the flight may land */
    note_work(note, true);
    rendering_begin(&flight->rendering);
    note_work(note, false);
}

void flight_withdraw(struct flight *flight)
{
    struct transport *transport = flight->courier->config.transport;
    if (flight->stage == STAGE_SEND) {
        if (transport->ops->withdraw(transport, &flight->call))
            give_up(flight);
        return; /* else it has begun */
    }
    flight->withdrawn = true;
    if (flight->stage == STAGE_CREDENTIAL)
        give_up(flight);
}
