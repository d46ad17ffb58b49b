/* node_worker.h - the thread that calls providers: its loop, transport and courier. */
#pragma once
#include "conf/config.h"
#include "model/ids.h"
#include "port/clock.h"
#include "port/store.h"

struct worker;

/* Opens the configured providers and the loop; the inbox exists from here on. ERR_INPUT,
 * ERR_CRYPTO (a provider's settings), ERR_IO, ERR_MEMORY. */
enum err worker_open(const struct config *config, struct clock clock, const struct entropy *entropy,
                     struct worker **ret, struct why *why) must_use;
struct inbox worker_inbox(struct worker *worker);
/* Is there a provider of the sandbox driver, for test keys? */
bool worker_has_sandbox(const struct worker *worker);
/* Starts the thread. `ids` are the ledger's. */
enum err worker_start(struct worker *worker, struct store *store, struct inbox ledger,
                      struct ids ids, struct why *why) must_use;
/* Nothing may be under way. Ends the thread, closes the providers, frees. NULL is allowed. */
void worker_close(struct worker *worker);
