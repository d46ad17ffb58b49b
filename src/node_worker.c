/* node_worker.c - see node_worker.h. */
#include "node_worker.h"
#include "flow/messages.h"
#include "model/limits.h"
#include "net/transports.h"
#include "node_table.h"
#include "runtime/loop.h"
#include "runtime/pool.h"
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct worker {
    const struct config *config;
    struct clock clock;
    struct entropy entropy;
    struct provider_table *table;

    uv_loop_t loop;
    uv_async_t stop;
    struct actor_loop *attached;
    struct transport *transport;
    struct pool *pool;
    struct courier *courier;
    pthread_t thread;
    bool started;
};

static void on_stop(uv_async_t *async)
{
    struct worker *worker = async->data;
    worker->transport->ops->close(worker->transport);
    worker->transport = NULL;
    actor_loop_close(worker->attached);
    worker->attached = NULL;
    uv_close((uv_handle_t *)async, NULL);
}

static enum err open_pool(struct pool **ret, struct why *why)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    *ret = pool_new(cores > 2 ? (unsigned)(cores > 16 ? 16 : cores) - 1 : 1, why);
    return *ret ? OK : ERR_IO;
}

static enum err open_loop(struct worker *worker, struct why *why)
{
    if (uv_loop_init(&worker->loop) != 0)
        return why_set(why, ERR_IO, "cannot open an event loop");
    must(uv_async_init(&worker->loop, &worker->stop, on_stop) == 0);
    worker->stop.data = worker;
    worker->attached = actor_loop_new(&worker->loop, worker->clock);
    if (!worker->attached)
        return why_set(why, ERR_MEMORY, "no memory for an event loop");
    enum err err =
        transports_new(&worker->loop, worker->clock, &worker->entropy, &worker->transport, why);
    if (!err && worker->table->heavy)
        err = open_pool(&worker->pool, why);
    return err;
}

enum err worker_open(const struct config *config, struct clock clock, const struct entropy *entropy,
                     struct worker **ret, struct why *why)
{
    struct worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        return why_set(why, ERR_MEMORY, "no memory for the courier");
    worker->config = config;
    worker->clock = clock;
    worker->entropy = *entropy;
    enum err err = provider_table_open(config, NULL, NULL, &worker->table, why);
    if (!err)
        err = open_loop(worker, why);
    if (err) {
        worker_close(worker);
        return err;
    }
    *ret = worker;
    return OK;
}

struct inbox worker_inbox(struct worker *worker)
{
    return actor_loop_inbox(worker->attached);
}

static size_t library_bytes(const struct config *config)
{
    return (size_t)config->limits.memory / MEMORY_PARTS * LIBRARY_PARTS;
}

static void kick(void *self)
{
    struct worker *worker = self;
    if (worker->attached)
        actor_loop_kick(worker->attached);
}

static void *run(void *self)
{
    struct worker *worker = self;
    (void)uv_run(&worker->loop, UV_RUN_DEFAULT);
    return NULL;
}

enum err worker_start(struct worker *worker, struct store *store, struct inbox ledger,
                      struct ids ids, const struct log *log, struct why *why)
{
    struct courier_config config = {
        .store = store,
        .inbox = actor_loop_inbox(worker->attached),
        .ledger = ledger,
        .transport = worker->transport,
        .clock = worker->clock,
        .entropy = worker->entropy,
        .pool = worker->pool,
        .providers = worker->table->providers,
        .provider_count = worker->table->count,
        .routes = worker->table->routes,
        .ids = ids,
        .library_bytes_max = library_bytes(worker->config),
        .log = log,
        .kick = kick,
        .kick_self = worker,
    };
    entropy_fill(&worker->entropy, &config.seed, sizeof config.seed);
    worker->courier = courier_new(&config);
    if (!worker->courier)
        return why_set(why, ERR_MEMORY, "no memory for the courier");
    actor_loop_start(worker->attached, courier_actor(worker->courier));
    int result = pthread_create(&worker->thread, NULL, run, worker);
    if (result)
        return why_set(why, ERR_IO, "cannot start a thread: %s", strerror(result));
    (void)pthread_setname_np(worker->thread, "courier");
    worker->started = true;
    return OK;
}

static void close_loop(struct worker *worker)
{
    if (!worker->stop.data)
        return; /* never opened */
    if (worker->started) {
        must(uv_async_send(&worker->stop) == 0);
        must(pthread_join(worker->thread, NULL) == 0);
    } else {
        if (worker->transport)
            worker->transport->ops->close(worker->transport);
        if (worker->attached)
            actor_loop_close(worker->attached);
        uv_close((uv_handle_t *)&worker->stop, NULL);
        (void)uv_run(&worker->loop, UV_RUN_DEFAULT);
    }
    must(uv_loop_close(&worker->loop) == 0);
}

void worker_close(struct worker *worker)
{
    if (!worker)
        return;
    pool_free(worker->pool);
    close_loop(worker);
    courier_free(worker->courier);
    provider_table_close(worker->table);
    free(worker);
}

/* ------------------------------------------------------------------------------- changes ---- */

struct worker_change {
    struct courier_change change;
    const struct config *config;
    struct provider_table *table;
    struct pool *pool; /* the first; NULL: there is one, or none is needed */
};

enum err worker_change_open(const struct worker *worker, const struct config *next,
                            struct worker_change **ret, struct why *why)
{
    struct worker_change *change = calloc(1, sizeof *change);
    if (!change)
        return why_set(why, ERR_MEMORY, "no memory for the providers");
    change->config = next;
    enum err err = provider_table_open(next, worker->config, worker->table, &change->table, why);
    if (!err && change->table->heavy && !worker->pool)
        err = open_pool(&change->pool, why);
    if (!err) {
        change->change = (struct courier_change){
            .message = {.type = COURIER_CONFIG},
            .providers = change->table->providers,
            .kept = change->table->kept,
            .provider_count = change->table->count,
            .routes = change->table->routes,
            .pool = change->pool,
            .library_bytes_max = library_bytes(next),
        };
        if (!courier_change_prepare(&change->change))
            err = why_set(why, ERR_MEMORY, "no memory for the providers");
    }
    if (err) {
        worker_change_discard(change);
        return err;
    }
    *ret = change;
    return OK;
}

void worker_change_discard(struct worker_change *change)
{
    if (!change)
        return;
    courier_change_discard(&change->change);
    provider_table_discard(change->table);
    pool_free(change->pool);
    free(change);
}

void worker_change_post(struct worker *worker, struct worker_change *change,
                        void (*done)(void *self), void *self)
{
    struct inbox inbox = worker_inbox(worker);
    change->change.done = done;
    change->change.self = self;
    inbox_post(&inbox, &change->change.message);
}

void worker_change_done(struct worker *worker, struct worker_change *change)
{
    provider_table_free(worker->table);
    worker->table = change->table;
    worker->config = change->config;
    if (change->pool)
        worker->pool = change->pool;
    free(change);
}
