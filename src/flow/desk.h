/* flow/desk.h - what waits in front of one provider, and whose turn it is.
 *
 * Within a lane apps take turns, ticket by ticket. Critical goes first and has the last eighth of
 * the provider's places for itself; the other priorities share by weight (high 5, normal 2, low 1
 * of eight), what one does not use going to the next. Kinds of one priority take turns.
 * A turn helps only who waits: where several apps send, another eighth of the places is for those
 * that have few, so that who comes now and then finds one free beside a backlog that takes all
 * others as they become free. Threads: the courier's.
 */
#pragma once
#include "base/map.h"
#include "flow/ticket.h"

/* The tickets of one app in one lane. */
struct app_queue {
    struct list link; /* of the lane's turn; the queue exists only while it has tickets */
    struct list tickets;
    uint32_t app;
    char key[16];
};

struct desk {
    struct list lanes[LANE_COUNT]; /* of app_queues */
    struct map queues;             /* (lane, app) -> app_queue */
    uint32_t waiting;
    uint32_t turn;
    uint32_t kind_turn[PRIORITY_COUNT];
    struct map shares; /* app -> share: its places at the provider */
    uint32_t last_app;
    struct mono shared_until; /* several apps send */
};

/* Which of the provider's places are left. */
enum desk_places {
    DESK_ANY,
    DESK_NEWCOMERS, /* those kept for apps that have few, and for critical */
    DESK_CRITICAL,  /* those kept for critical */
};

void desk_init(struct desk *desk, const uint64_t hash_key[2]);
void desk_done(struct desk *desk); /* must be empty, and nobody at the provider */
/* False: out of memory. */
bool desk_add(struct desk *desk, struct ticket *ticket);
/* How the provider's places stand, of which so many are and may be taken. `few`: see desk_take. */
enum desk_places desk_places(const struct desk *desk, uint32_t taken, uint32_t most,
                             struct mono now, uint32_t *ret_few);
/* The next ticket that may have such a place, or NULL. DESK_NEWCOMERS: of an app with less than
 * `few` places. */
struct ticket *desk_take(struct desk *desk, enum desk_places places, uint32_t few);
/* An app's ticket has a place at the provider; it gives it back. */
void desk_enter(struct desk *desk, uint32_t app, struct mono now);
void desk_leave(struct desk *desk, uint32_t app);
void desk_each(struct desk *desk, void (*call)(struct ticket *ticket, void *self), void *self);
/* Moves all tickets for which `match` says so to `out`. */
void desk_remove(struct desk *desk, bool (*match)(const void *what, const struct ticket *ticket),
                 const void *what, struct list *out);
