/* node_worker.h - the thread that calls providers: its loop, transport and courier. */
#pragma once
#include "conf/config.h"
#include "model/ids.h"
#include "port/clock.h"
#include "port/store.h"

struct log;
struct worker;

/* A node's configurations outlive their use here: the first until the worker is closed or a change
 * is done, the next likewise. */

/* Opens the configured providers and the loop; the inbox exists from here on. ERR_INPUT,
 * ERR_CRYPTO (a provider's settings), ERR_IO, ERR_MEMORY. */
enum err worker_open(const struct config *config, struct clock clock, const struct entropy *entropy,
                     struct worker **ret, struct why *why) must_use;
struct inbox worker_inbox(struct worker *worker);
/* Starts the thread. `ids` are the ledger's; `log` outlives the worker. */
enum err worker_start(struct worker *worker, struct store *store, struct inbox ledger,
                      struct ids ids, const struct log *log, struct why *why) must_use;
/* Nothing may be under way. Ends the thread, closes the providers, frees. NULL is allowed. */
void worker_close(struct worker *worker);

struct worker_change;

/* Makes ready all that the next configuration needs, so that nothing can fail afterwards: opens the
 * providers that are new or other. On any thread; one at a time. As worker_open. */
enum err worker_change_open(const struct worker *worker, const struct config *next,
                            struct worker_change **ret, struct why *why) must_use;
void worker_change_discard(struct worker_change *change); /* never posted; NULL is allowed */
/* The courier takes it in one step, and calls `done` on its own thread. */
void worker_change_post(struct worker *worker, struct worker_change *change,
                        void (*done)(void *self), void *self);
/* Behind `done`, on the thread of the others here: nothing uses the configuration before any more.
 */
void worker_change_done(struct worker *worker, struct worker_change *change);
