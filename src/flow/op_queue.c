/* flow/op_queue.c - a ring of ops that wait for the ledger's next group. */
#include "flow/ledger_state.h"
#include <stdlib.h>

bool op_queue_reserve(struct op_queue *queue, size_t more)
{
    if (queue->count + more <= queue->cap)
        return true;
    size_t cap = queue->cap ? queue->cap : 64;
    while (cap < queue->count + more)
        cap *= 2;
    struct op **at = malloc(cap * sizeof(struct op *));
    if (!at)
        return false;
    for (size_t i = 0; i < queue->count; i++)
        at[i] = queue->at[(queue->head + i) & (queue->cap - 1)];
    free(queue->at);
    *queue = (struct op_queue){.at = at, .count = queue->count, .cap = cap};
    return true;
}

void op_queue_add(struct op_queue *queue, struct op *op)
{
    must(queue->count < queue->cap);
    queue->at[(queue->head + queue->count++) & (queue->cap - 1)] = op;
}

void op_queue_add_first(struct op_queue *queue, struct op *op)
{
    must(queue->count < queue->cap);
    queue->head = (queue->head - 1) & (queue->cap - 1);
    queue->at[queue->head] = op;
    queue->count++;
}

struct op *op_queue_take(struct op_queue *queue)
{
    if (!queue->count)
        return NULL;
    struct op *op = queue->at[queue->head];
    queue->head = (queue->head + 1) & (queue->cap - 1);
    queue->count--;
    return op;
}
