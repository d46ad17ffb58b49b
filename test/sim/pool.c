/* test/sim/pool.c - runtime/pool.h under virtual time: a task takes as long as the seed says. The
 * simulator is linked with this one instead of the threads. */
#include "sim.h"
#include <stdlib.h>

void pool_post(struct pool *pool, struct task *task)
{
    struct sim *sim = (struct sim *)(void *)pool;
    struct sim_task *waiting = calloc(1, sizeof *waiting);
    must(waiting);
    waiting->task = task;
    int64_t most_ms = chance(sim, 10) ? 3000 : 5;
    waiting->done_at =
        mono_add(sim->now.mono, span_ms((int64_t)rng_below(&sim->rng, (uint64_t)most_ms)));
    list_add_last(&sim->tasks, &waiting->link);
}

bool sim_pool_event(struct sim *sim)
{
    list_each (at, &sim->tasks) {
        struct sim_task *waiting = list_of(at, struct sim_task, link);
        if (!mono_reached(sim->now.mono, waiting->done_at))
            continue;
        struct task *task = waiting->task;
        list_remove(at);
        free(waiting);
        task->work(task);
        inbox_post(&task->done, &task->message);
        return true;
    }
    return false;
}

struct mono sim_pool_next(const struct sim *sim)
{
    struct mono next = MONO_NEVER;
    for (const struct list *at = sim->tasks.next; at != &sim->tasks; at = at->next) {
        const struct sim_task *waiting = (const struct sim_task *)(const void *)at;
        next = mono_min(next, waiting->done_at); /* `link` is its first member */
    }
    return next;
}

void sim_pool_crash(struct sim *sim)
{
    for (struct list *at; (at = list_take_first(&sim->tasks));)
        free(list_of(at, struct sim_task, link));
}
