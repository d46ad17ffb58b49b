/* store/memory/memory_store.h - the whole store in memory, for the simulator and as the oracle.
 *
 * `struct memory_disk` is what survives: a crash, a close, the next open. A store over it commits
 * nothing by itself: groups queue until a step decides what becomes of the oldest, so that a test
 * may crash before a commit, after it, or between the commit and its answer. Deterministic.
 *
 * Threads: one. Errors: none of its own; memory is the disk, so running out of it aborts, and so
 * does the arena of a group of cancel, redrive or change that cannot hold the results.
 */
#pragma once
#include "port/store.h"

struct memory_disk;
struct memory_disk *memory_disk_new(uint64_t seed); /* of the id secret */
void memory_disk_free(struct memory_disk *disk);    /* no store may be open over it */
/* It is nearly full, or has room again: while it is, every completion says so, and a group with an
 * op that grows the store is refused. */
void memory_disk_fill(struct memory_disk *disk, bool full);
/* It is a copy, as the next open will find; until it is confirmed. */
void memory_disk_copied(struct memory_disk *disk);
/* What the next open is to know of a crash; borrowed until then. NULL: nothing. */
void memory_disk_notes(struct memory_disk *disk, const struct crash_notes *notes);
bool memory_disk_unconfirmed(const struct memory_disk *disk);

/* Puts back what was in hand. Lists of `ret_state` live in `arena`. */
void memory_store_open(struct memory_disk *disk, struct arena *arena, struct wall now,
                       struct store_state *ret_state, struct store **ret);
/* Forgets what was submitted, posts nothing, closes: the power went. The submitter still owns its
 * groups and queries. */
void memory_store_crash(struct store *store);

enum memory_step {
    STEP_COMMIT,
    STEP_LOSE_ANSWER, /* committed, but the completion is never posted: crash after it */
    STEP_REFUSE,      /* nothing of it happens */
};
/* Handles the oldest group; false if there is none. */
bool memory_store_step(struct store *store, enum memory_step step);
uint32_t memory_store_pending(const struct store *store); /* groups not yet handled */

/* Reads are answered inside `read` (the default), or queue for memory_store_step_read. */
void memory_store_read_at_once(struct store *store, bool at_once);
bool memory_store_step_read(struct store *store); /* false if there is none */
uint32_t memory_store_reads_pending(const struct store *store);

/* -- what stands on the disk, for oracles; borrowed until the next step ---------------------- */

struct memory_notification {
    const struct notification *notification;
    struct wall accepted_at;
    bool cancelled;
};
/* In the order of ids; false past the end. */
bool memory_disk_notification(const struct memory_disk *disk, size_t index,
                              struct memory_notification *ret);
/* NULL if there is no such delivery. `ret_events`: ret_count of them, by seq. */
const struct delivery *memory_disk_delivery(const struct memory_disk *disk, struct delivery_key key,
                                            const struct event *const **ret_events,
                                            uint32_t *ret_count);

/* A row of hand, pending or the dead letters. */
struct memory_work {
    struct delivery_key key;
    unsigned lane;
    uint32_t app;
    uint32_t attempts; /* hand: the one being made; pending: used */
    uint32_t seq;      /* of the next event */
    struct wall due;   /* pending; dead: since when */
    struct wall expires_at;
    bool marked; /* hand */
};
/* Does the user of this number exist? */
bool memory_disk_user(const struct memory_disk *disk, int64_t number);
/* Is a channel of strategy `first` still to be followed? */
bool memory_disk_following(const struct memory_disk *disk);
bool memory_disk_hand(const struct memory_disk *disk, size_t index, struct memory_work *ret);
bool memory_disk_pending(const struct memory_disk *disk, size_t index, struct memory_work *ret);
bool memory_disk_dead(const struct memory_disk *disk, size_t index, struct memory_work *ret);
