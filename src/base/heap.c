/* base/heap.c - see heap.h. */
#include "base/heap.h"
#include <stdlib.h>

enum { NODES_FIRST = 16 };

void heap_init(struct heap *heap)
{
    *heap = (struct heap){0};
}

void heap_done(struct heap *heap)
{
    for (size_t i = 0; i < heap->count; i++)
        heap->nodes[i]->place = HEAP_OUT;
    free(heap->nodes);
    heap_init(heap);
}

static void set(struct heap *heap, size_t place, struct heap_node *node)
{
    heap->nodes[place] = node;
    node->place = place;
}

static void sift_up(struct heap *heap, struct heap_node *node, size_t place)
{
    while (place) {
        size_t above = (place - 1) / 2;
        if (heap->nodes[above]->key <= node->key)
            break;
        set(heap, place, heap->nodes[above]);
        place = above;
    }
    set(heap, place, node);
}

static void sift_down(struct heap *heap, struct heap_node *node, size_t place)
{
    for (;;) {
        size_t below = 2 * place + 1;
        if (below >= heap->count)
            break;
        if (below + 1 < heap->count && heap->nodes[below + 1]->key < heap->nodes[below]->key)
            below++;
        if (node->key <= heap->nodes[below]->key)
            break;
        set(heap, place, heap->nodes[below]);
        place = below;
    }
    set(heap, place, node);
}

static void settle(struct heap *heap, struct heap_node *node, size_t place)
{
    sift_up(heap, node, place);
    sift_down(heap, node, node->place);
}

enum err heap_put(struct heap *heap, struct heap_node *node, int64_t key)
{
    size_t place = node->place;
    if (place == HEAP_OUT) {
        if (heap->count == heap->cap) {
            size_t cap = heap->cap ? heap->cap * 2 : NODES_FIRST;
            struct heap_node **nodes = reallocarray(heap->nodes, cap, sizeof(struct heap_node *));
            if (!nodes)
                return ERR_MEMORY;
            heap->nodes = nodes;
            heap->cap = cap;
        }
        place = heap->count++;
        set(heap, place, node);
    }
    must(place < heap->count && heap->nodes[place] == node);
    node->key = key;
    settle(heap, node, place);
    return OK;
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    size_t place = node->place;
    if (place == HEAP_OUT)
        return;
    must(place < heap->count && heap->nodes[place] == node);
    node->place = HEAP_OUT;
    struct heap_node *last = heap->nodes[--heap->count];
    if (last != node)
        settle(heap, last, place);
}

struct heap_node *heap_first(const struct heap *heap)
{
    return heap->count ? heap->nodes[0] : NULL;
}
