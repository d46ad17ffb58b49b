/* flow/courier_steer.c - moves: which provider a route's choice comes to while one stands. */
#include "flow/courier_state.h"
#include "flow/steering.h"

static uint32_t place_of(const struct courier *courier, struct str name)
{
    for (uint32_t i = 0; i < courier->sender_count; i++)
        if (str_eq(courier->senders[i]->provider->name, name))
            return i;
    return ROUTE_NONE;
}

/* The move that concerns what is routed to this provider, or NULL. A test key's deliveries go where
 * they went. */
static const struct steer *move_of(const struct courier *courier, const struct ticket *ticket,
                                   struct str provider)
{
    const struct steering *steering = courier->steering;
    enum kind kind = ticket->delivery->kind;
    if (!steering || !(steering->moved & 1u << kind) || ticket->notification->mode != MODE_LIVE)
        return NULL;
    return steering_find(steering, STEER_MOVE, kind, provider);
}

uint32_t courier_moved(const struct courier *courier, const struct ticket *ticket, uint32_t chosen)
{
    if (chosen == ROUTE_NONE || !courier->steering)
        return chosen;
    const struct steer *move = move_of(courier, ticket, courier->senders[chosen]->provider->name);
    if (!move)
        return chosen;
    uint32_t place = place_of(courier, move->to);
    /* A configuration without it, or whose provider of that name is another, ends the move. */
    bool serves = place != ROUTE_NONE &&
                  (courier->senders[place]->provider->ops->kinds & 1u << ticket->delivery->kind);
    return serves ? place : chosen;
}

static bool is_of_kinds(const void *what, const struct ticket *ticket)
{
    const unsigned *kinds = what;
    return (*kinds & 1u << ticket->delivery->kind) && ticket->notification->mode == MODE_LIVE;
}

void courier_steer(struct courier *courier, const struct round *round)
{
    const struct steering *news = round->steering;
    struct list *next;
    if (courier->steering && news->number <= courier->steering->number)
        return;
    unsigned kinds = news->moved | (courier->steering ? courier->steering->moved : 0);
    struct steering *copy = steering_copy(news);
    must(copy); /* it is durable, and answered as heard */
    steering_free(courier->steering);
    courier->steering = copy;
    if (!kinds)
        return;
    for (uint32_t i = 0; i < courier->sender_count; i++)
        desk_remove(&courier->senders[i]->desk, is_of_kinds, &kinds, &courier->arrivals);
    for (struct list *at = courier->flights.next; at != &courier->flights; at = next) {
        struct flight *flight = list_of(at, struct flight, link);
        next = at->next;
        if (move_of(courier, flight->ticket, flight->sender->provider->name))
            flight_withdraw(flight);
    }
}
