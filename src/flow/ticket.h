/* flow/ticket.h - one claimed delivery on its way through a courier and back.
 *
 * Made by the ledger, which frees it once what it came to is durable; in between exactly one
 * actor holds it, and only that one may touch it.
 */
#pragma once
#include "base/list.h"
#include "flow/bundle.h"
#include "model/verdict.h"
#include "port/store.h"

enum ticket_result {
    TICKET_BACK,    /* not begun: back into the calendar, due in `back_in` */
    TICKET_EXPIRED, /* not begun, and its time has passed */
    TICKET_JUDGED,  /* attempted; `verdict` says what came of it */
};

enum { TICKET_TEXT_MAX = 512 };

struct ticket {
    struct list link;
    struct bundle *bundle;
    const struct notification *notification;
    const struct delivery *delivery;
    unsigned lane;
    uint32_t attempt;       /* the fence; attempts used before are one less */
    struct wall expires_at; /* in the calendar's time: the ledger's */
    struct mono expires;    /* the same, for the courier */
    struct mono since;      /* in hand since */
    bool cancelled;         /* the notification was cancelled while this one was being sent */

    /* What the courier writes. */
    enum ticket_result result;
    struct span back_in; /* 0 or less: at once */
    bool alone;          /* BACK: on its own account, others of its lane need not wait */
    struct wall began_at, ended_at;
    struct str provider;    /* ticket_judge copies it into `text` */
    struct str route;       /* which rule chose it, in words; stands in `text` */
    struct verdict verdict; /* its strings stand there, too */
    bool more_providers;    /* the rule has another one for the next attempt */
    bool receipt;           /* the sandbox: a `delivered` receipt follows at once */
    uint32_t text_len;
    char text[TICKET_TEXT_MAX];

    /* The ledger's. */
    struct settle settle;
    struct receipt receipt_op;
};

static inline struct delivery_key ticket_key(const struct ticket *ticket)
{
    return (struct delivery_key){ticket->notification->id, ticket->delivery->ordinal};
}

/* Says how its provider was chosen: `words` and `more` together. Forgets any verdict. */
void ticket_route(struct ticket *ticket, struct str words, struct str more);
/* Copies a verdict, and whose it is, into the ticket; what does not fit is cut at the end of a
 * character. */
void ticket_judge(struct ticket *ticket, const struct verdict *verdict);
