/* store/sqlite/lookup.h - the newest notifications of a user or an app, for the readers.
 *
 * Built behind the hot path (index.h): runs, and the log of what is not in a run yet. A read takes
 * a bounded number from each and merges them.
 */
#pragma once
#include "store/sqlite/index.h"

enum { PICK_MAX = 256 }; /* from each run */

struct picks {
    int64_t *ids; /* newest first, each once; malloc'ed */
    uint32_t count;
    bool more; /* there may be others behind the last */
};

/* Ids of `key` below `below`. The caller frees ret->ids. False without memory. */
bool lookup_pick(struct db *db, uint64_t key, int64_t below, struct picks *ret);
