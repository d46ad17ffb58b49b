/* flow/ledger.h - the actor that owns the store's write handle: everything durable passes here.
 *
 * Drains its inbox, decides, submits one group at a time, and acts on the group's completion: only
 * then are callers answered and tickets handed out. Group commit without a timer: whatever is
 * waiting when the last commit returns goes into the next. It is also the calendar: retries that
 * have come due, expiry, sweeps in small steps when nothing else waits.
 * Threads: its own; others post to its inbox.
 */
#pragma once
#include "core/retry.h"
#include "model/ids.h"
#include "port/store.h"
#include "runtime/actor.h"

struct ledger;
struct log;

struct ledger_config {
    struct store *store;
    struct inbox inbox; /* its own: completions of groups */
    const struct inbox *intakes;
    uint32_t intake_count;
    const struct inbox *couriers; /* a kind goes to courier (kind mod count) */
    uint32_t courier_count;
    struct retry_policy retry[PRIORITY_COUNT];
    struct span retention;
    size_t window_bytes_max; /* of what is in hand; 0: WINDOW_BYTES_MAX */
    uint64_t seed;           /* of jitter and of the hash maps */
    const struct log *log;   /* NULL: silent */
    struct notes *notes;     /* empty; outlive the process. NULL: none */
};

/* What a reload changes: LEDGER_CONFIG, the sender's until `done` is called on the ledger's thread.
 * Deliveries that wait for a retry keep the time they were given. */
struct ledger_change {
    struct message message;
    struct retry_policy retry[PRIORITY_COUNT];
    struct span retention;
    size_t window_bytes_max;
    void (*done)(void *self);
    void *self;
};

/* `state` is what opening the store said; it may be freed afterwards. NULL if memory is short. */
struct ledger *ledger_new(const struct ledger_config *config, const struct store_state *state,
                          struct now now);
/* Nothing may be in hand or in flight. */
void ledger_free(struct ledger *ledger);
struct actor ledger_actor(struct ledger *ledger);
/* The ids, for formatting outside; the secret never changes. */
struct ids ledger_ids(const struct ledger *ledger);
