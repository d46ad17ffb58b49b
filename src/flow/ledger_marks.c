/* flow/ledger_marks.c - at most once: marks are committed in groups like everything else, and the
 * ticket goes back to its courier whatever becomes of its own: a flight waits for it.
 */
#include "flow/ledger_state.h"

void ledger_mark(struct ledger *ledger, struct ticket *ticket)
{
    ticket->mark_op = (struct mark){.op = {.verb = VERB_MARK, .owner = ticket},
                                    .key = ticket_key(ticket),
                                    .attempt = ticket->attempt};
    must(op_queue_reserve(&ledger->urgent, 1));
    op_queue_add(&ledger->urgent, &ticket->mark_op.op);
}

void ledger_marked(struct ledger *ledger, struct mark *mark)
{
    struct ticket *ticket = mark->op.owner;
    ticket->mark = mark->applied ? MARK_MADE : MARK_STALE;
    ledger_send(ledger, ticket);
}

void ledger_mark_refused(struct ledger *ledger, struct mark *mark)
{
    struct ticket *ticket = mark->op.owner;
    ticket->mark = MARK_REFUSED;
    ledger_send(ledger, ticket);
}
