/* store/sqlite/pair.h - what the derived indexes are made of: (key, notification id). */
#pragma once
#include <stdint.h>
#include <stdlib.h>

struct pair {
    uint64_t key;
    int64_t value;
};

static inline int pair_order(const struct pair *a, const struct pair *b)
{
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return (a->value > b->value) - (a->value < b->value);
}

static inline int pair_compare(const void *a, const void *b)
{
    return pair_order(a, b);
}
