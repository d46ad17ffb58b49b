/* base/heap.h - a binary min-heap of intrusive nodes ordered by an int64 key.
 *
 * A node knows its place, so that it can be moved or taken out in O(log n). Equal keys come out in
 * no particular order. Owns the array of pointers, not the nodes.
 */
#pragma once
#include "base/err.h"
#include <stdint.h>

#define HEAP_OUT SIZE_MAX

struct heap_node {
    int64_t key;
    size_t place; /* HEAP_OUT while in no heap */
};

struct heap {
    struct heap_node **nodes;
    size_t count, cap;
};

void heap_init(struct heap *heap);
void heap_done(struct heap *heap);
static inline void heap_node_init(struct heap_node *node)
{
    node->place = HEAP_OUT;
}
/* Puts the node in with this key, or moves it if it is in already. ERR_MEMORY. */
enum err heap_put(struct heap *heap, struct heap_node *node, int64_t key) must_use;
void heap_remove(struct heap *heap, struct heap_node *node); /* nothing if it is out */
struct heap_node *heap_first(const struct heap *heap);       /* NULL if empty */
