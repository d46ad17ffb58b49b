/* test/unit/ledger_case.h - one ledger over the memory store, with a courier that the test plays.
 *
 *     test -> ledger <-> memory store
 *               | ^
 *               v |
 *             `held` (the tickets the courier has) and what the test gives back
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flow/ledger_state.h"
#include "store/memory/memory_store.h"

struct ledger_case {
    struct now now;
    struct memory_disk *disk;
    struct store *store;
    struct ledger *ledger;
    struct inbox intake, courier;
    struct message *mail, **mail_end; /* to the ledger */
    struct list held;                 /* tickets, by the courier */
    uint32_t handed;                  /* in all */
    bool drops;                       /* tickets on their way to the courier are lost */
    bool deaf;                        /* the courier acknowledges nothing */
    bool stuck;                       /* the store completes nothing */
    bool refuses;                     /* the store refuses every group */
    struct list dropped;              /* tickets that are lost */
    struct job *answered;             /* the last job that came back */
    uint32_t app;
    int log_fd; /* what is logged */
    struct log *log;
    struct mono wake;
};

int ledger_case_setup(void **state);
int ledger_case_teardown(void **state);

/* Everything that can happen now happens. */
void ledger_case_run(struct ledger_case *c);
/* The same, and time goes on by so much, waking the ledger when it wants to be. */
void ledger_case_later(struct ledger_case *c, int64_t ms);
/* Accepts one for one phone number; its id. */
int64_t ledger_case_accept(struct ledger_case *c, enum guarantee guarantee, int64_t ttl_ms);
/* The courier gives its only ticket back, or says what became of it. */
struct ticket *ledger_case_take(struct ledger_case *c);
void ledger_case_return(struct ledger_case *c, struct ticket *ticket);
void ledger_case_judge(struct ledger_case *c, struct ticket *ticket, enum fate fate);
/* What the ledger reports; valid until the next. */
const struct job *ledger_case_report(struct ledger_case *c);
/* Was this logged since the last question? */
bool ledger_case_logged(struct ledger_case *c, const char *words);
/* The delivery's events so far. */
const struct event *const *ledger_case_events(struct ledger_case *c, int64_t id,
                                              uint32_t *ret_count);
