/* base/map.c - see map.h. A removal moves later entries back, so no tombstones gather. */
#include "base/map.h"
#include <stdlib.h>

enum { SLOTS_FIRST = 16 };

struct map_slot {
    struct str key;
    void *value; /* NULL: free */
    uint64_t hash;
};

void map_init(struct map *map, size_t max, const uint64_t key[2])
{
    *map = (struct map){.max = max, .key = {key[0], key[1]}};
}

void map_done(struct map *map)
{
    free(map->slots);
    *map = (struct map){.max = map->max, .key = {map->key[0], map->key[1]}};
}

/* The slot that holds the key, or the free one where it would go. Needs a free slot. */
static struct map_slot *find(const struct map *map, struct str key, uint64_t hash)
{
    for (size_t at = hash & (map->cap - 1);; at = (at + 1) & (map->cap - 1)) {
        struct map_slot *slot = &map->slots[at];
        if (!slot->value || (slot->hash == hash && str_eq(slot->key, key)))
            return slot;
    }
}

void *map_get(const struct map *map, struct str key)
{
    return map->count ? find(map, key, siphash13(map->key, key.at, key.len))->value : NULL;
}

static enum err grow(struct map *map)
{
    struct map bigger = *map;
    bigger.cap = map->cap ? map->cap * 2 : SLOTS_FIRST;
    bigger.slots = calloc(bigger.cap, sizeof *bigger.slots);
    if (!bigger.slots)
        return ERR_MEMORY;
    for (size_t i = 0; i < map->cap; i++)
        if (map->slots[i].value)
            *find(&bigger, map->slots[i].key, map->slots[i].hash) = map->slots[i];
    free(map->slots);
    *map = bigger;
    return OK;
}

enum err map_put(struct map *map, struct str key, void *value, void **ret_old)
{
    must(value);
    uint64_t hash = siphash13(map->key, key.at, key.len);
    struct map_slot *slot = map->cap ? find(map, key, hash) : NULL;
    void *old = slot ? slot->value : NULL;
    if (!old) {
        if (map->count >= map->max)
            return ERR_FULL;
        if (map->count >= map->cap / 4 * 3) { /* at most three quarters full */
            enum err err = grow(map);
            if (err)
                return err;
            slot = find(map, key, hash);
        }
        map->count++;
    }
    *slot = (struct map_slot){.key = key, .value = value, .hash = hash};
    if (ret_old)
        *ret_old = old;
    return OK;
}

void *map_remove(struct map *map, struct str key)
{
    if (!map->count)
        return NULL;
    struct map_slot *slot = find(map, key, siphash13(map->key, key.at, key.len));
    void *value = slot->value;
    if (!value)
        return NULL;
    size_t mask = map->cap - 1, hole = (size_t)(slot - map->slots);
    for (size_t at = (hole + 1) & mask; map->slots[at].value; at = (at + 1) & mask) {
        size_t home = map->slots[at].hash & mask;
        /* It may fill the hole unless its home lies behind the hole. */
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            map->slots[hole] = map->slots[at];
            hole = at;
        }
    }
    map->slots[hole] = (struct map_slot){0};
    map->count--;
    return value;
}

void *map_each(const struct map *map, size_t *at)
{
    while (*at < map->cap) {
        void *value = map->slots[(*at)++].value;
        if (value)
            return value;
    }
    return NULL;
}
