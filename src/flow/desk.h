/* flow/desk.h - what waits in front of one provider, and whose turn it is.
 *
 * Within a lane apps take turns, ticket by ticket. Critical goes first and has the last eighth of
 * the provider's places for itself; the other priorities share by weight (high 5, normal 2, low 1
 * of eight), what one does not use going to the next. Kinds of one priority take turns.
 * Threads: the courier's.
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
};

void desk_init(struct desk *desk, const uint64_t hash_key[2]);
void desk_done(struct desk *desk); /* must be empty */
/* False: out of memory. */
bool desk_add(struct desk *desk, struct ticket *ticket);
/* The next ticket, or NULL; `critical_only` when the other priorities' places are all taken. */
struct ticket *desk_take(struct desk *desk, bool critical_only);
void desk_each(struct desk *desk, void (*call)(struct ticket *ticket, void *self), void *self);
/* Moves all tickets for which `match` says so to `out`. */
void desk_remove(struct desk *desk, bool (*match)(const void *what, const struct ticket *ticket),
                 const void *what, struct list *out);
