/* flow/lanes.h - windows and turns: what may be in hand, and whose work comes next.
 *
 * The backlog stays in the store; a lane holds a bounded window of it in memory. A (lane, app) that
 * has anything at all is a shelf. Two rules keep apps and priorities apart:
 *   - a shelf may hold at most as much of its lane's window as it leaves free (a dynamic threshold
 *     of one: Choudhury and Hahne, "Dynamic Queue Length Thresholds", 1998), so that one app can
 *     never fill a lane before another comes; and a lane at most as much of the common window, so
 *     that lanes whose providers are slow leave room for the others; both hold for bytes, too;
 *   - shelves with due work are claimed in turns, a bounded number each.
 * Every lane has a window of its own, so that bulk and `critical` never share one.
 * Threads: the ledger's. Memory: one small record a shelf that has work or had it lately.
 */
#pragma once
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/time.h"
#include "model/limits.h"
#include "model/names.h"

/* How often a second, decaying over a minute. */
struct meter {
    double rate;
    struct mono at;
};

struct shelf {
    struct heap_node due_node; /* in its lane's heap, by next_due, while depth > 0 and not due */
    struct list due_link;      /* in its lane's ring once due */
    unsigned lane;
    uint32_t app;
    char key[12];           /* (lane, app) as the map has it */
    uint32_t depth;         /* pending in the store */
    uint32_t in_hand;       /* claimed, or reserved for a claim or an acceptance under way */
    size_t bytes;           /* of bundles of which it holds something */
    struct wall next_due;   /* of what is pending; WALL_NEVER: nothing, or a claim will tell */
    struct wall rest_until; /* its provider is blocked: not claimed before */
    bool claiming;
    uint64_t counted; /* by this pass of the census, or changed since it began */
    struct meter meter;
};

struct lane {
    uint32_t in_hand;
    bool paused;  /* nothing of it is taken or claimed */
    size_t bytes; /* of bundles of which it holds something; another lane may hold them, too */
    struct heap later;
    struct list due; /* shelves in turn */
    uint32_t claims; /* under way */
    /* us == 0: never in this life of the node. */
    struct mono busy_since; /* something is in a window or at a provider; 0: nothing is */
    struct mono moved_at;   /* when an attempt of it last came to something */
    struct mono claimed_at; /* when something of it was last claimed */
    /* When what was claimed first came back untried since then, and when it last did. */
    struct mono stuck_since, stuck_at;
};

struct lanes {
    struct lane list[LANE_COUNT];
    struct map shelves;
    uint64_t pass; /* of the census */
    uint32_t in_hand;
    size_t bytes; /* of bundles in hand */
    uint32_t window_lane, window_all;
    size_t window_bytes;
};

void lanes_init(struct lanes *lanes, const uint64_t hash_key[2]);
void lanes_done(struct lanes *lanes);

/* The shelf of (lane, app), made if there is none; NULL if memory is short. */
struct shelf *lanes_shelf(struct lanes *lanes, unsigned lane, uint32_t app);

/* Takes a place in hand for a delivery that is being accepted: only if the window has room for
 * this app, and nothing of it is due already, which would be overtaken. */
bool lanes_take(struct lanes *lanes, struct shelf *shelf, struct wall now);
/* Gives `count` places back. */
void lanes_give(struct lanes *lanes, struct shelf *shelf, uint32_t count);
/* The store has `delta` more (or fewer) pending, the first of what was added due at `due`. */
void lanes_pending(struct lanes *lanes, struct shelf *shelf, int32_t delta, struct wall due,
                   struct wall now);

/* A bundle of an app, of so many bytes, gets its first ticket (`new_bundle`), or its first in this
 * lane; and the same for the last of each. The shelf exists. */
void lanes_hold(struct lanes *lanes, unsigned lane, uint32_t app, size_t bytes, bool new_bundle,
                bool new_here);
void lanes_release(struct lanes *lanes, unsigned lane, uint32_t app, size_t bytes, bool last,
                   bool last_here);
/* What was claimed has come back to wait: the next claim pauses, so that a backlog before a blocked
 * provider is not claimed and given back as fast as the store can write. */
void lanes_rest(struct lanes *lanes, struct shelf *shelf, struct now now);
/* The lanes of these kinds (bits 1 << kind) wait; the others go on. */
void lanes_pause(struct lanes *lanes, unsigned kinds);
/* An attempt of this lane has come to something. */
void lanes_moved(struct lanes *lanes, unsigned lane, struct mono now);
/* The windows have no place for this app in this lane. */
bool lanes_full(const struct lanes *lanes, const struct shelf *shelf);

/* Whose turn it is in this lane to be claimed, with *ret_limit places taken for it; NULL: nobody
 * has due work, or the window is nearly full. */
struct shelf *lanes_turn(struct lanes *lanes, unsigned lane, struct wall now, uint32_t *ret_limit);
/* The claim is back: of `limit` places taken `got` are used, and `next_due` is what is left. */
void lanes_claimed(struct lanes *lanes, struct shelf *shelf, uint32_t limit, uint32_t got,
                   struct wall next_due, struct wall now);
/* When something pending is next due in any lane that could be claimed then; not in a paused one.
 */
struct wall lanes_next_due(const struct lanes *lanes);

/* What the store says that there is, at a moment when nothing is on its way: true if the shelf knew
 * it otherwise and has been put right. */
bool lanes_correct(struct lanes *lanes, struct shelf *shelf, uint32_t depth, struct wall first_due,
                   struct wall now);

void lanes_settled(struct shelf *shelf, struct mono now);
void meter_count(struct meter *meter, struct mono now);
double meter_read(const struct meter *meter, struct mono now);
