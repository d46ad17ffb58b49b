/* store/sqlite/open_pairs.c - the newest pairs of an index, in memory. */
#include "store/sqlite/open_pairs.h"
#include <string.h>

enum { CAP_FIRST = 256 };

void open_pairs_init(struct open_pairs *open, bool hashed)
{
    *open = (struct open_pairs){.hashed = hashed};
}

void open_pairs_done(struct open_pairs *open)
{
    free(open->pairs);
    free(open->slots);
    open_pairs_init(open, open->hashed);
}

/* Linear probing: the slot of position `at`, or the free one where its key's chain ends. */
static uint32_t slot_of(const struct open_pairs *open, uint64_t key, uint32_t at)
{
    uint32_t mask = open->slot_count - 1, slot = (uint32_t)key & mask;
    while (open->slots[slot] && open->slots[slot] != at + 1)
        slot = (slot + 1) & mask;
    return slot;
}

static bool grow(struct open_pairs *open)
{
    uint32_t cap = open->cap ? open->cap * 2 : CAP_FIRST;
    struct pair *pairs = reallocarray(open->pairs, cap, sizeof *pairs);
    if (!pairs)
        return false;
    open->pairs = pairs;
    if (open->hashed) {
        uint32_t *slots = calloc((size_t)cap * 2, sizeof *slots);
        if (!slots)
            return false;
        free(open->slots);
        open->slots = slots;
        open->slot_count = cap * 2;
        for (uint32_t i = 0; i < open->count; i++)
            slots[slot_of(open, pairs[i].key, i)] = i + 1;
    }
    open->cap = cap;
    return true;
}

enum err open_pairs_add(struct open_pairs *open, struct pair pair)
{
    if (open->count == open->cap && !grow(open))
        return ERR_MEMORY;
    open->pairs[open->count] = pair;
    if (open->hashed)
        open->slots[slot_of(open, pair.key, open->count)] = open->count + 1;
    open->count++;
    return OK;
}

/* Newest first: no chain runs over a slot that was taken later, so clearing it breaks none. */
void open_pairs_cut(struct open_pairs *open, uint32_t count)
{
    must(count <= open->count);
    while (open->count > count) {
        open->count--;
        if (open->hashed)
            open->slots[slot_of(open, open->pairs[open->count].key, open->count)] = 0;
    }
}

const struct pair *open_pairs_find(const struct open_pairs *open, uint64_t key, uint32_t *at)
{
    must(open->hashed);
    if (!open->slot_count)
        return NULL;
    uint32_t mask = open->slot_count - 1;
    while (*at < open->slot_count) {
        uint32_t position = open->slots[((uint32_t)key + *at) & mask];
        if (!position)
            return NULL;
        (*at)++;
        if (open->pairs[position - 1].key == key)
            return &open->pairs[position - 1];
    }
    return NULL;
}
