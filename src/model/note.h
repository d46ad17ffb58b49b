/* model/note.h - where each delivery in hand stands, in memory that outlives the process.
 *
 * Written as work goes on, read by the next start if the process has crashed: what had not begun
 * loses no attempt, and what our own code was working on is suspected of the crash. A note costs
 * some stores to memory and no system call.
 * Threads: the ledger gives and takes notes; in between a note belongs to whoever holds its ticket,
 * and each of its flags is written by one thread at a time.
 */
#pragma once
#include "base/arena.h"
#include "model/ids.h"
#include "model/limits.h"

struct note {
    int64_t notification; /* 0: free */
    uint32_t ordinal;
    bool begun;      /* given to a transport: it may have been sent */
    bool at_courier; /* its courier is at work on it: rendering, judging */
    bool at_compose; /* the courier or a thread of the pool is composing it */
    uint8_t strikes; /* crashes while we were at work on it */
};

struct notes {
    bool overflow; /* some delivery in hand has no note */
    struct note suspects[SUSPECTS_MAX];
    struct note list[NOTED_MAX];
};

/* What a start has found, sorted by key; `at_*` has become a strike, and `fresh` is set. */
struct crash_note {
    struct delivery_key key;
    bool begun;
    bool fresh; /* the last strike is of this crash */
    uint32_t strikes;
};

struct crash_notes {
    bool known; /* every delivery in hand that is not listed had not begun */
    const struct crash_note *list;
    uint32_t count;
};

/* Reads what a process left behind. ERR_MEMORY: the arena. */
enum err notes_collect(const struct notes *notes, struct arena *arena,
                       struct crash_notes *ret) must_use;
/* For a new process: suspects stay suspects. The notes are zero so far, and the rest of them is not
 * touched: memory that is never used need not be there. */
void notes_begin(struct notes *notes, const struct crash_notes *found);
/* NULL: nothing is known of it. */
const struct crash_note *crash_notes_find(const struct crash_notes *notes, struct delivery_key key);
