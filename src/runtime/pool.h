/* runtime/pool.h - threads that do arithmetic for an actor: a task goes in, and comes back. */
#pragma once
#include "base/err.h"
#include "port/inbox.h"

struct pool;

/* The message comes back to `done` once `work` has run on a thread of the pool. */
struct task {
    struct message message;
    struct inbox done;
    void (*work)(struct task *task);
};

struct pool *pool_new(unsigned threads, struct why *why); /* NULL: see why */
void pool_post(struct pool *pool, struct task *task);
/* Finishes what was posted, then ends the threads. */
void pool_free(struct pool *pool);
