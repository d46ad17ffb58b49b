/* flow/courier_mark.c - at most once: an attempt is marked in the store before its first byte
 * leaves.
 *
 * The ticket goes to the ledger and comes back once that is durable; a crash in between leaves it
 * in no doubt. The flight keeps its place, so that no more are marked than the provider takes at
 * once. Whatever withdraws it meanwhile, it never begins.
 */
#include "flow/courier_state.h"

void flight_mark(struct flight *flight)
{
    flight->stage = STAGE_MARK;
    flight->ticket->result = TICKET_MARK;
    flight->ticket->flight = flight;
    courier_return(flight->courier, flight->ticket);
}

void flight_marked(struct flight *flight, struct now now)
{
    struct ticket *ticket = flight->ticket;
    must(flight->stage == STAGE_MARK);
    ticket->flight = NULL;
    ticket->cancelled |= flight->cancelled;
    if (flight->withdrawn || ticket->mark == MARK_STALE)
        flight_give_back(flight, (struct span){0});
    else if (ticket->mark == MARK_REFUSED)
        flight_give_back(flight, span_s(1));
    else if (mono_reached(now.mono, ticket->expires))
        flight_expire(flight);
    else
        flight_submit(flight, now);
}
