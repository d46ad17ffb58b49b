/* node_memory.c - gives memory that a busy time has left free back to the system (malloc_trim(3)).
 *
 * The allocator keeps what it once had: after a load of half a minute a hundred MiB, of which two
 * are in use. Giving it back takes some ms with the allocator's locks held, so it is done once
 * after each busy time, when the node has had nothing to do for an interval.
 */
#include "node_state.h"
#include <malloc.h>

enum { INTERVAL_MS = 20 * 1000, IDLE_US = INTERVAL_MS * 10 /* a hundredth of a core */ };

static int64_t cpu_us(void)
{
    uv_rusage_t used;
    if (uv_getrusage(&used) != 0)
        return 0;
    return (int64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
           used.ru_utime.tv_usec + used.ru_stime.tv_usec;
}

static void on_timer(uv_timer_t *timer)
{
    struct node *node = timer->data;
    int64_t used = cpu_us();
    bool idle = used - node->memory.cpu_us < IDLE_US;
    node->memory.cpu_us = used;
    if (!idle) {
        node->memory.untidy = true;
    } else if (node->memory.untidy) {
        node->memory.untidy = false;
        (void)malloc_trim(0);
    }
}

void node_memory_open(struct node *node)
{
    must(uv_timer_init(&node->loop, &node->memory.timer) == 0);
    node->memory.timer.data = node;
}

void node_memory_start(struct node *node)
{
    must(uv_timer_start(&node->memory.timer, on_timer, INTERVAL_MS, INTERVAL_MS) == 0);
}
