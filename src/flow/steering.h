/* flow/steering.h - the pauses and moves that stand, as one immutable list.
 *
 * The ledger owns the one that counts and makes a new one at every change; a courier keeps a copy
 * of the newest it has heard of. Few (STEERS_MAX), so everything is a linear search; what is asked
 * per ticket looks at the bits first.
 */
#pragma once
#include "base/arena.h"
#include "model/steer.h"

struct steering {
    struct arena arena; /* owns what the list points at, and the steering itself stands in it */
    struct steer *list;
    uint32_t count;
    uint64_t number;        /* of the change that made it: a smaller one is old news */
    unsigned paused, moved; /* bits (1 << kind) */
};

/* Those of `list` that stand at `now`. NULL: out of memory. */
struct steering *steering_new(const struct steer *list, uint32_t count, uint64_t number,
                              struct wall now);
struct steering *steering_copy(const struct steering *steering); /* NULL: out of memory */
/* The same in the memory of `arena`, for reading only: never freed. NULL: out of memory. */
const struct steering *steering_copy_into(const struct steering *steering, struct arena *arena);
void steering_free(struct steering *steering);
/* Instead of `old`: with this word over each of `kinds`, or without what it names (the type, and of
 * a move `from`). NULL: out of memory. */
struct steering *steering_with(const struct steering *old, const struct steer *steer,
                               unsigned kinds, struct wall now);
struct steering *steering_without(const struct steering *old, const struct steer *steer,
                                  unsigned kinds, struct wall now);

/* What stands over the kind, or NULL; `from` names the provider of a move. */
const struct steer *steering_find(const struct steering *steering, enum steer_type type,
                                  enum kind kind, struct str from);
/* When the next of them ends by itself; WALL_NEVER: none does. */
struct wall steering_next_end(const struct steering *steering);
