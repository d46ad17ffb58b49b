/* runtime/pool.c - see pool.h. */
#include "runtime/pool.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { POOL_THREADS_MAX = 64 };

struct pool {
    pthread_mutex_t mutex;
    pthread_cond_t more;
    struct message *first, *last;
    bool stopping;
    unsigned count;
    pthread_t threads[POOL_THREADS_MAX];
};

/* The next task, waiting for one; NULL once the pool is empty and stopping. */
static struct task *take(struct pool *pool)
{
    must(pthread_mutex_lock(&pool->mutex) == 0);
    while (!pool->first && !pool->stopping)
        must(pthread_cond_wait(&pool->more, &pool->mutex) == 0);
    struct message *message = pool->first;
    if (message)
        pool->first = message->next;
    must(pthread_mutex_unlock(&pool->mutex) == 0);
    return (struct task *)message; /* a task begins with its message */
}

static void *run(void *self)
{
    struct pool *pool = self;
    for (struct task *task; (task = take(pool));) {
        task->work(task);
        inbox_post(&task->done, &task->message);
    }
    return NULL;
}

struct pool *pool_new(unsigned threads, struct why *why)
{
    must(threads >= 1 && threads <= POOL_THREADS_MAX);
    struct pool *pool = calloc(1, sizeof *pool);
    if (!pool) {
        (void)why_set(why, ERR_MEMORY, "no memory for a thread pool");
        return NULL;
    }
    must(pthread_mutex_init(&pool->mutex, NULL) == 0);
    must(pthread_cond_init(&pool->more, NULL) == 0);
    for (; pool->count < threads; pool->count++) {
        int result = pthread_create(&pool->threads[pool->count], NULL, run, pool);
        if (result) {
            (void)why_set(why, ERR_IO, "cannot start a thread: %s", strerror(result));
            pool_free(pool);
            return NULL;
        }
        (void)pthread_setname_np(pool->threads[pool->count], "crypto");
    }
    return pool;
}

void pool_post(struct pool *pool, struct task *task)
{
    task->message.next = NULL;
    must(pthread_mutex_lock(&pool->mutex) == 0);
    if (pool->first)
        pool->last->next = &task->message;
    else
        pool->first = &task->message;
    pool->last = &task->message;
    must(pthread_cond_signal(&pool->more) == 0);
    must(pthread_mutex_unlock(&pool->mutex) == 0);
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    must(pthread_mutex_lock(&pool->mutex) == 0);
    pool->stopping = true;
    must(pthread_cond_broadcast(&pool->more) == 0);
    must(pthread_mutex_unlock(&pool->mutex) == 0);
    for (unsigned i = 0; i < pool->count; i++)
        must(pthread_join(pool->threads[i], NULL) == 0);
    must(pthread_cond_destroy(&pool->more) == 0);
    must(pthread_mutex_destroy(&pool->mutex) == 0);
    free(pool);
}
