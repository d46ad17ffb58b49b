/* flow/steering.c - see steering.h. */
#include "flow/steering.h"
#include "model/limits.h"
#include <stdlib.h>

enum { STEERING_BYTES_MAX = 1024 * 1024 };

static struct steering *blank(uint32_t most, uint64_t number)
{
    struct arena arena;
    arena_init(&arena, STEERING_BYTES_MAX);
    struct steering *steering = arena_new(&arena, struct steering);
    struct steer *list = arena_array(&arena, struct steer, most ? most : 1);
    if (!steering || !list) {
        arena_done(&arena);
        return NULL;
    }
    *steering = (struct steering){.arena = arena, .list = list, .number = number};
    return steering;
}

static void add_in(struct arena *arena, struct steering *steering, const struct steer *steer)
{
    struct steer *to = &steering->list[steering->count++];
    *to = *steer;
    to->from = arena_copy(arena, steer->from);
    to->to = arena_copy(arena, steer->to);
    to->reason = arena_copy(arena, steer->reason);
    to->by = arena_copy(arena, steer->by);
    unsigned bit = 1u << steer->kind;
    steering->paused |= steer->type == STEER_PAUSE ? bit : 0;
    steering->moved |= steer->type == STEER_MOVE ? bit : 0;
}

static void add(struct steering *steering, const struct steer *steer)
{
    add_in(&steering->arena, steering, steer);
}

/* NULL, and all freed, if a copy did not fit. */
static struct steering *whole(struct steering *steering)
{
    if (!steering->arena.failed)
        return steering;
    steering_free(steering);
    return NULL;
}

struct steering *steering_new(const struct steer *list, uint32_t count, uint64_t number,
                              struct wall now)
{
    struct steering *steering = blank(count, number);
    if (!steering)
        return NULL;
    for (uint32_t i = 0; i < count; i++)
        if (steer_stands(&list[i], now))
            add(steering, &list[i]);
    return whole(steering);
}

struct steering *steering_copy(const struct steering *steering)
{
    const struct wall before_all = {INT64_MIN};
    return steering_new(steering->list, steering->count, steering->number, before_all);
}

const struct steering *steering_copy_into(const struct steering *steering, struct arena *arena)
{
    struct steering *copy = arena_new(arena, struct steering);
    struct steer *list = arena_array(arena, struct steer, steering->count);
    if (!copy || !list)
        return NULL;
    *copy = (struct steering){.list = list, .number = steering->number};
    for (uint32_t i = 0; i < steering->count; i++)
        add_in(arena, copy, &steering->list[i]);
    return arena->failed ? NULL : copy;
}

void steering_free(struct steering *steering)
{
    if (!steering)
        return;
    struct arena arena = steering->arena; /* it stands in its own arena */
    arena_done(&arena);
}

static bool is_same(const struct steer *a, const struct steer *b)
{
    return a->type == b->type && (a->type == STEER_PAUSE || str_eq(a->from, b->from));
}

/* A new list with what stands of the old one, less what `steer` names of these kinds. */
static struct steering *rest_of(const struct steering *old, const struct steer *steer,
                                unsigned kinds, struct wall now)
{
    struct steering *steering = blank(old->count + KIND_COUNT, old->number + 1);
    for (uint32_t i = 0; steering && i < old->count; i++) {
        bool named = (kinds & 1u << old->list[i].kind) && is_same(&old->list[i], steer);
        if (!named && steer_stands(&old->list[i], now))
            add(steering, &old->list[i]);
    }
    return steering;
}

struct steering *steering_with(const struct steering *old, const struct steer *steer,
                               unsigned kinds, struct wall now)
{
    struct steering *steering = rest_of(old, steer, kinds, now);
    struct steer one = *steer;
    for (unsigned kind = 0; steering && kind < KIND_COUNT; kind++) {
        one.kind = (enum kind)kind;
        if (kinds & 1u << kind)
            add(steering, &one);
    }
    return steering ? whole(steering) : NULL;
}

struct steering *steering_without(const struct steering *old, const struct steer *steer,
                                  unsigned kinds, struct wall now)
{
    struct steering *steering = rest_of(old, steer, kinds, now);
    return steering ? whole(steering) : NULL;
}

const struct steer *steering_find(const struct steering *steering, enum steer_type type,
                                  enum kind kind, struct str from)
{
    const struct steer wanted = {.type = type, .from = from};
    for (uint32_t i = 0; i < steering->count; i++)
        if (steering->list[i].kind == kind && is_same(&steering->list[i], &wanted))
            return &steering->list[i];
    return NULL;
}

struct wall steering_next_end(const struct steering *steering)
{
    struct wall next = WALL_NEVER;
    for (uint32_t i = 0; i < steering->count; i++)
        next = wall_min(next, steering->list[i].until);
    return next;
}
