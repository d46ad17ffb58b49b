/* flow/courier_routes.c - from a ticket to the desk of the provider that is to send it, past those
 * whose breakers are open. */
#include "flow/courier_state.h"
#include <stdio.h>

enum { JITTER_LEAST_MS = 250 };

struct gate_keeper {
    struct courier *courier;
    const struct ticket *ticket;
    struct mono now;
};

/* Who sends what is routed to this provider: it, or the one that an operator has moved it to. */
static struct sender *sender_for(struct courier *courier, const struct ticket *ticket,
                                 uint32_t provider)
{
    return courier->senders[courier_moved(courier, ticket, provider)];
}

static enum breaker_door ask(void *self, uint32_t provider)
{
    const struct gate_keeper *keeper = self;
    return breaker_ask(&sender_for(keeper->courier, keeper->ticket, provider)->breaker,
                       keeper->now);
}

static uint32_t share(void *self, uint32_t provider)
{
    const struct gate_keeper *keeper = self;
    return breaker_share(&sender_for(keeper->courier, keeper->ticket, provider)->breaker,
                         keeper->now);
}

static struct str name_of(const void *self, uint32_t provider)
{
    const struct courier *courier = self;
    return courier->senders[provider]->provider->name;
}

static struct route_choice ask_routes(struct courier *courier, const struct ticket *ticket,
                                      struct now now)
{
    const struct delivery *delivery = ticket->delivery;
    const struct notification *notification = ticket->notification;
    struct gate_keeper keeper = {.courier = courier, .ticket = ticket, .now = now.mono};
    const struct route_gates gates = {.ask = ask, .share = share, .self = &keeper};
    const struct route_question question = {
        .kind = delivery->kind,
        .mode = notification->mode,
        .app = courier_app_name(courier, notification->app),
        .bundle_id = delivery->bundle_id,
        .category = notification->category,
        .phone = delivery->kind == KIND_SMS ? delivery->address : STR_NONE,
        .attempt = ticket->attempt,
        .seed = (uint64_t)notification->id ^ (uint64_t)delivery->ordinal << 32,
    };
    return route_choose(&courier->config.routes, &question, &gates);
}

static void no_route(struct courier *courier, struct ticket *ticket, struct now now)
{
    const struct verdict verdict = {
        .fate = FATE_NEVER,
        .scope = SCOPE_DELIVERY,
        .code = STR("route"),
        .reason = STR("no_route"),
        .detail = STR("no route of the configuration leads to a provider for this delivery"),
    };
    courier_judge(courier, NULL, ticket, &verdict, now.mono, now);
}

/* Back until `at`, and somewhat later: what waits for one moment does not come all at once. */
void courier_give_back_until(struct courier *courier, struct ticket *ticket, struct mono at,
                             struct now now)
{
    int64_t left = mono_since(now.mono, at).us;
    left = left > 0 ? left : 0;
    uint64_t spread = (uint64_t)left / 4 + JITTER_LEAST_MS * 1000;
    left += (int64_t)rng_below(&courier->rng, spread);
    courier_give_back(courier, ticket, (struct span){left + 1000});
}

/* Nothing that the rule names is to be tried now: until one of them is. */
static void wait_for_any(struct courier *courier, struct ticket *ticket,
                         const struct route_choice *choice, struct now now)
{
    struct mono next = MONO_NEVER;
    for (uint32_t i = 0; i < choice->target_count; i++) {
        const struct sender *sender = sender_for(courier, ticket, choice->targets[i].provider);
        next = mono_min(next, breaker_next(&sender->breaker, now.mono));
    }
    courier_give_back_until(courier, ticket, next, now);
}

static void note_choice(struct courier *courier, struct ticket *ticket, struct sender *sender,
                        const struct route_choice *choice, struct now now)
{
    char text[ROUTE_TEXT_MAX], moved[NAME_LEN_MAX + 16];
    const struct sender *routed = courier->senders[choice->provider];
    struct str words = route_text(&courier->config.routes, choice, name_of, courier, text);
    struct str more = STR_NONE;
    if (routed != sender) {
        (void)snprintf(moved, sizeof moved, ", moved from %.*s", STR_ARG(routed->provider->name));
        more = str_of(moved);
    }
    ticket_route(ticket, words, more);
    ticket->more_providers = choice->more && routed == sender; /* it would come here again */
    if (choice->probe)
        breaker_probe(&sender->breaker, now.mono);
    for (uint32_t i = 0; choice->shut && i < choice->target_count; i++)
        if (choice->shut & 1u << i)
            breaker_pass(&sender_for(courier, ticket, choice->targets[i].provider)->breaker);
}

void courier_take_ticket(struct courier *courier, struct ticket *ticket, struct now now)
{
    if (courier->draining) {
        courier_give_back(courier, ticket, (struct span){0});
        return;
    }
    struct route_choice choice = ask_routes(courier, ticket, now);
    if (choice.provider == ROUTE_NONE && choice.target_count) {
        wait_for_any(courier, ticket, &choice, now);
        return;
    }
    if (choice.provider == ROUTE_NONE) {
        no_route(courier, ticket, now);
        return;
    }
    struct sender *sender = sender_for(courier, ticket, choice.provider);
    note_choice(courier, ticket, sender, &choice, now);
    if (!desk_add(&sender->desk, ticket))
        courier_give_back(courier, ticket, span_s(1));
}

static bool is_any(const void *what, const struct ticket *ticket)
{
    (void)what;
    (void)ticket;
    return true;
}

/* A breaker has opened: what waits at its desk goes where routes lead now, what has not begun comes
 * back at once to do the same. A limit only calls the latter back, to wait. */
void courier_spill(struct courier *courier, struct sender *sender)
{
    struct list *next;
    if (sender->spill)
        desk_remove(&sender->desk, is_any, NULL, &courier->arrivals);
    sender->spill = sender->recall = false;
    for (struct list *at = courier->flights.next; at != &courier->flights; at = next) {
        struct flight *flight = list_of(at, struct flight, link);
        next = at->next;
        if (flight->sender == sender)
            flight_withdraw(flight);
    }
}
