/* flow/ledger_roll.c - the roll-call: does somebody hold every ticket that was handed out?
 *
 * Every few seconds each courier stamps all the tickets that it holds with the round's number. One
 * that was handed out before the call, and is neither stamped nor back when all have answered, is
 * lost, by a bug of ours. The ledger takes it for itself and hands its delivery out again:
 *   - if no request was ever begun for it, it goes back to the calendar as if never claimed;
 *   - if one may have been, its attempt has come to nothing that anybody knows: an ambiguous
 * verdict like a connection cut in mid-answer, which at_least_once repeats, with an event and the
 *     attempt used, and which ends at_most_once as `unknown`.
 * Before its mark (at most once) nothing has begun: the flight that waits is told that the store
 * takes nothing, and gives its ticket back. Should such a ticket come back after all, nothing that
 * it says counts; its memory is kept for that until many others have been lost.
 */
#include "flow/ledger_state.h"
#include "runtime/log.h"
#include <stdlib.h>

enum {
    ROLL_EVERY_MS = 2000,
    LOST_KEPT_MAX = 256, /* whose memory waits for them */
};

/* A ticket that is kept: its places and bytes have long been given back. */
static void forget(struct ticket *ticket)
{
    struct bundle *bundle = ticket->bundle;
    must(bundle->ghosts > 0);
    if (!--bundle->ghosts && !bundle->refs)
        bundle_free(bundle);
    free(ticket);
}

bool ledger_roll_open(struct ledger *ledger)
{
    struct roll *roll = &ledger->roll;
    list_init(&roll->out);
    list_init(&roll->lost);
    roll->round = calloc(1, sizeof *roll->round);
    return roll->round != NULL;
}

void ledger_roll_close(struct ledger *ledger)
{
    for (struct list *at; (at = list_take_first(&ledger->roll.lost));)
        forget(list_of(at, struct ticket, out));
    free(ledger->roll.round);
}

void ledger_roll_out(struct ledger *ledger, struct ticket *ticket)
{
    if (list_empty(&ledger->roll.out))
        ledger->roll.at = mono_add(ledger->calendar.look.mono, span_ms(ROLL_EVERY_MS));
    ticket->handed = ledger->roll.number;
    list_add_last(&ledger->roll.out, &ticket->out);
}

/* -- the call --------------------------------------------------------------------------------- */

void ledger_roll_turn(struct ledger *ledger, struct now now)
{
    struct roll *roll = &ledger->roll;
    if (roll->calling || list_empty(&roll->out) || !mono_reached(now.mono, roll->at))
        return;
    roll->calling = true;
    roll->at = mono_add(now.mono, span_ms(ROLL_EVERY_MS));
    *roll->round = (struct round){.type = NOTICE_ROLL, .number = ++roll->number};
    ledger_tell_couriers(ledger, roll->round);
}

struct mono ledger_roll_at(const struct ledger *ledger)
{
    const struct roll *roll = &ledger->roll;
    return roll->calling || list_empty(&roll->out) ? MONO_NEVER : roll->at;
}

static const struct verdict nobody_knows = {
    .fate = FATE_AMBIGUOUS,
    .scope = SCOPE_DELIVERY,
    .code = STR_INIT("lost"),
    .reason = STR_INIT("lost"),
    .detail = STR_INIT("this node lost sight of the attempt; it may have been sent"),
};

/* The mark, or the word that it was made, has been lost; its flight still waits, and gives up. */
static void release(struct ledger *ledger, struct ticket *ticket)
{
    ticket->mark = MARK_REFUSED;
    ledger_send(ledger, ticket);
}

static void reclaim(struct ledger *ledger, struct now now, struct ticket *ticket)
{
    list_remove(&ticket->out);
    list_init(&ticket->link); /* whatever list it was in */
    ledger->stats.reconciled_tickets++;
    if (ticket->flight) {
        release(ledger, ticket);
        return;
    }
    ticket->lost = true;
    ticket->receipt = false;
    ticket->more_providers = false;
    if (ticket->began_at.ms) {
        ticket_judge(ticket, &nobody_knows);
        ticket->ended_at = now.wall;
    } else {
        ticket->result = TICKET_BACK;
        ticket->back_in = (struct span){0};
    }
    ledger_take_ticket(ledger, now, ticket);
}

void ledger_roll_answered(struct ledger *ledger, struct now now)
{
    struct roll *roll = &ledger->roll;
    uint32_t lost = 0, begun = 0;
    struct list *next;
    roll->calling = false;
    for (struct list *at = roll->out.next; at != &roll->out; at = next) {
        struct ticket *ticket = list_of(at, struct ticket, out);
        next = at->next;
        if (ticket->handed >= roll->number)
            break; /* it and all behind it were handed out after the call */
        if (ticket->seen == roll->number)
            continue;
        lost++;
        begun += ticket->began_at.ms != 0;
        reclaim(ledger, now, ticket);
    }
    ledger_flush(ledger);
    if (lost)
        log_write(ledger->config.log, LOG_ERROR,
                  "what=reconciled tickets=%u begun=%u next=\"they are handed out again\"", lost,
                  begun);
}

/* -- those that were lost --------------------------------------------------------------------- */

bool ledger_roll_keeps(struct ledger *ledger, struct ticket *ticket)
{
    struct roll *roll = &ledger->roll;
    if (!ticket->lost || ticket->found)
        return false;
    ticket->bundle->ghosts++;
    list_add_last(&roll->lost, &ticket->out);
    if (roll->lost_count == LOST_KEPT_MAX)
        forget(list_of(list_take_first(&roll->lost), struct ticket, out));
    else
        roll->lost_count++;
    return true;
}

bool ledger_roll_back(struct ledger *ledger, struct ticket *ticket)
{
    if (!ticket->lost) {
        list_remove(&ticket->out);
        return false;
    }
    ticket->found = true;
    log_write(ledger->config.log, LOG_ERROR,
              "what=found tickets=1 next=\"its outcome is ignored\"");
    if (!list_empty(&ticket->out)) { /* settled: it is only kept */
        list_remove(&ticket->out);
        ledger->roll.lost_count--;
        forget(ticket);
    }
    return true;
}
