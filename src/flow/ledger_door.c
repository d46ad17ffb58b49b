/* flow/ledger_door.c - what the store's condition does not allow: while its disk is nearly full
 * nothing that makes it grow, and while it is an unconfirmed copy nothing that leads to a send. */
#include "flow/ledger_state.h"
#include <stdlib.h>

#define FULL_TEXT "the store's disk is nearly full"
#define COPY_TEXT                                                                                  \
    "this store is a copy or was restored: nothing is taken on or sent until \"bongsu store "      \
    "confirm-epoch\" says that no other server sends from it"

struct str ledger_condition(const struct ledger *ledger)
{
    return ledger->unconfirmed ? STR(COPY_TEXT) : ledger->store_full ? STR(FULL_TEXT) : STR_NONE;
}

static bool grows(const struct job *job)
{
    return job->type == JOB_ACCEPT ||
           (job->type == JOB_REDRIVE && !job->redrive.delete_only && !job->redrive.preview) ||
           (job->type == JOB_CHANGE && change_grows(job->change.type));
}

/* What leads to a send. Opt-outs, cancellations and the rest may come before the confirmation. */
static bool sends(const struct job *job)
{
    return job->type == JOB_ACCEPT ||
           (job->type == JOB_REDRIVE && !job->redrive.delete_only && !job->redrive.preview);
}

bool ledger_turned_away(struct ledger *ledger, struct job *job)
{
    if (ledger->unconfirmed && sends(job)) {
        ledger_refuse_job(ledger, job, ERR_IO, COPY_TEXT);
        return true;
    }
    if (ledger->store_full && grows(job)) {
        ledger_refuse_job(ledger, job, ERR_FULL, FULL_TEXT);
        return true;
    }
    return false;
}

void ledger_take_confirm(struct ledger *ledger, struct job *job)
{
    job->confirm.was = false;
    if (!ledger->unconfirmed) {
        ledger_answer(ledger, job);
        return;
    }
    struct work *work = ledger_work(ledger, &ledger->urgent, job);
    if (!work)
        return;
    work->confirm = (struct confirm){.op = {.verb = VERB_CONFIRM, .owner = work}};
    op_queue_add(&ledger->urgent, &work->confirm.op);
}

/* The calendar goes on where it stood: what is overdue is claimed, and ends by its ttl. */
void ledger_confirmed(struct ledger *ledger, struct now now, struct work *work)
{
    ledger->unconfirmed = false;
    ledger->sweep_at = now.mono;
    work->job->confirm.was = work->confirm.was;
    ledger_answer(ledger, work->job);
    free(work);
}
