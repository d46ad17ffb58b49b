/* flow/desk.c - see desk.h. */
#include "flow/desk.h"
#include "model/limits.h"
#include <stdlib.h>

enum {
    SHARED_S = 60, /* so long after two apps took turns both are thought to send */
    EIGHTHS = 8,
};

/* The places that an app has at the provider; it exists while there are any. */
struct share {
    uint32_t app, places;
};

/* Eight turns; a priority with nothing to send passes its turn on. */
static const enum priority turns[] = {
    PRIORITY_HIGH, PRIORITY_NORMAL, PRIORITY_HIGH, PRIORITY_LOW,
    PRIORITY_HIGH, PRIORITY_NORMAL, PRIORITY_HIGH, PRIORITY_HIGH,
};

void desk_init(struct desk *desk, const uint64_t hash_key[2])
{
    *desk = (struct desk){0};
    for (unsigned i = 0; i < LANE_COUNT; i++)
        list_init(&desk->lanes[i]);
    map_init(&desk->queues, WINDOW_ALL_MAX * 2, hash_key);
    map_init(&desk->shares, WINDOW_ALL_MAX, hash_key);
    desk->shared_until = (struct mono){INT64_MIN};
}

void desk_done(struct desk *desk)
{
    must(!desk->waiting && !desk->shares.count);
    map_done(&desk->queues);
    map_done(&desk->shares);
}

static struct str key_of(unsigned lane, uint32_t app, char into[16])
{
    memcpy(into, &app, sizeof app);
    memcpy(into + sizeof app, &lane, sizeof lane);
    return (struct str){into, sizeof app + sizeof lane};
}

static struct app_queue *queue_of(struct desk *desk, unsigned lane, uint32_t app)
{
    char key[16];
    struct app_queue *queue = map_get(&desk->queues, key_of(lane, app, key));
    if (queue)
        return queue;
    queue = calloc(1, sizeof *queue);
    if (!queue)
        return NULL;
    queue->app = app;
    list_init(&queue->tickets);
    if (map_put(&desk->queues, key_of(lane, app, queue->key), queue, NULL)) {
        free(queue);
        return NULL;
    }
    list_add_last(&desk->lanes[lane], &queue->link);
    return queue;
}

static void drop_if_empty(struct desk *desk, unsigned lane, struct app_queue *queue)
{
    char key[16];
    if (!list_empty(&queue->tickets))
        return;
    (void)map_remove(&desk->queues, key_of(lane, queue->app, key));
    list_remove(&queue->link);
    free(queue);
}

bool desk_add(struct desk *desk, struct ticket *ticket)
{
    struct app_queue *queue = queue_of(desk, ticket->lane, ticket->notification->app);
    if (!queue)
        return false;
    list_add_last(&queue->tickets, &ticket->link);
    desk->waiting++;
    return true;
}

/* ------------------------------------------------------------------------------- places ---- */

static struct share *share_of(const struct desk *desk, uint32_t app)
{
    return map_get(&desk->shares, (struct str){(const char *)&app, sizeof app});
}

/* Without memory for it an app has no share on record, and is taken for a newcomer. */
void desk_enter(struct desk *desk, uint32_t app, struct mono now)
{
    struct share *share = share_of(desk, app);
    if (app != desk->last_app && desk->last_app)
        desk->shared_until = mono_add(now, span_s(SHARED_S));
    desk->last_app = app;
    if (!share && (share = calloc(1, sizeof *share)) != NULL) {
        share->app = app;
        if (map_put(&desk->shares, (struct str){(const char *)&share->app, sizeof share->app},
                    share, NULL) != OK) {
            free(share);
            return;
        }
    }
    if (share)
        share->places++;
}

void desk_leave(struct desk *desk, uint32_t app)
{
    struct share *share = share_of(desk, app);
    if (!share || --share->places)
        return;
    (void)map_remove(&desk->shares, (struct str){(const char *)&share->app, sizeof share->app});
    free(share);
}

enum desk_places desk_places(const struct desk *desk, uint32_t taken, uint32_t most,
                             struct mono now, uint32_t *ret_few)
{
    uint32_t ordinary = most - most / EIGHTHS;
    *ret_few = mono_reached(now, desk->shared_until) ? 0 : most / EIGHTHS;
    return taken >= ordinary              ? DESK_CRITICAL
           : taken >= ordinary - *ret_few ? DESK_NEWCOMERS
                                          : DESK_ANY;
}

/* -------------------------------------------------------------------------------- turns ---- */

/* The first in turn that has less than `few` places; UINT32_MAX: any. */
static struct app_queue *first_of(const struct desk *desk, unsigned lane, uint32_t few)
{
    list_each (at, &desk->lanes[lane]) {
        struct app_queue *queue = list_of(at, struct app_queue, link);
        const struct share *share = few == UINT32_MAX ? NULL : share_of(desk, queue->app);
        if (!share || share->places < few)
            return queue;
    }
    return NULL;
}

static struct ticket *take_lane(struct desk *desk, unsigned lane, uint32_t few)
{
    struct app_queue *queue = first_of(desk, lane, few);
    if (!queue)
        return NULL;
    list_remove(&queue->link);
    list_add_last(&desk->lanes[lane], &queue->link); /* the next app's turn */
    struct ticket *ticket = list_of(list_take_first(&queue->tickets), struct ticket, link);
    desk->waiting--;
    drop_if_empty(desk, lane, queue);
    return ticket;
}

static struct ticket *take_priority(struct desk *desk, enum priority priority, uint32_t few)
{
    for (uint32_t i = 0; i < KIND_COUNT; i++) {
        uint32_t kind = desk->kind_turn[priority]++ % KIND_COUNT;
        struct ticket *ticket = take_lane(desk, lane_of((enum kind)kind, priority), few);
        if (ticket)
            return ticket;
    }
    return NULL;
}

struct ticket *desk_take(struct desk *desk, enum desk_places places, uint32_t few)
{
    if (!desk->waiting)
        return NULL;
    struct ticket *ticket = take_priority(desk, PRIORITY_CRITICAL, UINT32_MAX);
    if (ticket || places == DESK_CRITICAL)
        return ticket;
    if (places == DESK_ANY)
        few = UINT32_MAX;
    ticket = take_priority(desk, turns[desk->turn++ % (sizeof turns / sizeof *turns)], few);
    for (enum priority p = PRIORITY_HIGH; !ticket && p <= PRIORITY_LOW; p++)
        ticket = take_priority(desk, p, few);
    return ticket;
}

void desk_each(struct desk *desk, void (*call)(struct ticket *ticket, void *self), void *self)
{
    for (unsigned lane = 0; desk->waiting && lane < LANE_COUNT; lane++)
        list_each (at, &desk->lanes[lane])
            list_each (link, &list_of(at, struct app_queue, link)->tickets)
                call(list_of(link, struct ticket, link), self);
}

static void remove_from(struct desk *desk, struct app_queue *queue,
                        bool (*match)(const void *what, const struct ticket *ticket),
                        const void *what, struct list *out)
{
    struct list *next;
    for (struct list *at = queue->tickets.next; at != &queue->tickets; at = next) {
        next = at->next;
        if (!match(what, list_of(at, struct ticket, link)))
            continue;
        list_remove(at);
        list_add_last(out, at);
        desk->waiting--;
    }
}

void desk_remove(struct desk *desk, bool (*match)(const void *what, const struct ticket *ticket),
                 const void *what, struct list *out)
{
    if (!desk->waiting)
        return;
    for (unsigned lane = 0; lane < LANE_COUNT; lane++) {
        struct list *next;
        for (struct list *at = desk->lanes[lane].next; at != &desk->lanes[lane]; at = next) {
            next = at->next;
            struct app_queue *queue = list_of(at, struct app_queue, link);
            remove_from(desk, queue, match, what, out);
            drop_if_empty(desk, lane, queue);
        }
    }
}
