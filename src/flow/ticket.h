/* flow/ticket.h - one claimed delivery on its way through a courier and back.
 *
 * Made by the ledger, which frees it once what it came to is durable; in between exactly one
 * actor holds it, and only that one may touch it. While the ledger has it to be marked its courier
 * may still read what it is about.
 */
#pragma once
#include "base/list.h"
#include "flow/bundle.h"
#include "model/note.h"
#include "model/verdict.h"
#include "port/store.h"

enum ticket_result {
    TICKET_BACK,    /* not begun: back into the calendar, due in `back_in` */
    TICKET_EXPIRED, /* not begun, and its time has passed */
    TICKET_JUDGED,  /* attempted; `verdict` says what came of it */
    TICKET_MARK,    /* at most once, about to begin: to be marked, and back to its courier */
};

enum ticket_mark {
    MARK_NONE,
    MARK_MADE,    /* durable: it may begin */
    MARK_STALE,   /* the delivery is no longer this attempt's */
    MARK_REFUSED, /* the store takes nothing now */
};

struct flight;

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
    struct note *note;      /* for a crash; NULL: none */
    bool cancelled;         /* the notification was cancelled while this one was being sent */

    /* What the courier writes. */
    uint64_t seen; /* by the last roll-call */
    enum ticket_result result;
    struct span back_in; /* 0 or less: at once */
    bool alone;          /* BACK: on its own account, others of its lane need not wait */
    struct wall began_at, ended_at;
    struct str provider;    /* ticket_judge copies it into `text` */
    struct str route;       /* which rule chose it, in words; stands in `text` */
    struct verdict verdict; /* its strings stand there, too */
    bool more_providers;    /* the rule has another one for the next attempt */
    bool receipt;           /* the sandbox: a `delivered` receipt follows at once */
    struct flight *flight;  /* that waits for the mark */
    uint32_t text_len;

    /* What the ledger writes: the answer to TICKET_MARK. */
    enum ticket_mark mark;

    /* The ledger's: who holds it (ledger_roll.c). */
    struct list out; /* of all that couriers hold, or of those that were lost */
    uint64_t handed; /* after this roll-call */
    bool lost;       /* nobody held it: the ledger has taken it back */
    bool found;      /* and then it came back after all */

    char text[TICKET_TEXT_MAX];

    /* The ledger's. */
    union {
        struct settle settle;
        struct mark mark_op;
    };
    struct receipt receipt_op;
};

static inline struct delivery_key ticket_key(const struct ticket *ticket)
{
    return (struct delivery_key){ticket->notification->id, ticket->delivery->ordinal};
}

/* Says how its provider was chosen: `words` and `more` together. Forgets any verdict. */
void ticket_route(struct ticket *ticket, struct str words, struct str more);
static inline void ticket_note_begun(struct ticket *ticket, bool begun)
{
    if (ticket->note)
        ticket->note->begun = begun;
}
/* Copies a verdict, and whose it is, into the ticket; what does not fit is cut at the end of a
 * character. */
void ticket_judge(struct ticket *ticket, const struct verdict *verdict);
