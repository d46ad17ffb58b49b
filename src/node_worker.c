/* node_worker.c - see node_worker.h. */
#include "node_worker.h"
#include "core/route.h"
#include "flow/courier.h"
#include "model/limits.h"
#include "net/transports.h"
#include "runtime/loop.h"
#include "runtime/pool.h"
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROUTES_ARENA_MAX = 4 * 1024 * 1024 };

struct worker {
    const struct config *config;
    struct clock clock;
    struct entropy entropy;
    struct arena arena;
    struct courier_provider *providers;
    struct routes routes;
    bool heavy;

    uv_loop_t loop;
    uv_async_t stop;
    struct actor_loop *attached;
    struct transport *transport;
    struct pool *pool;
    struct courier *courier;
    pthread_t thread;
    bool started;
};

static enum err open_providers(struct worker *worker, struct why *why)
{
    const struct config *config = worker->config;
    worker->providers = arena_array(&worker->arena, struct courier_provider,
                                    config->provider_count ? config->provider_count : 1);
    if (!worker->providers)
        return why_set(why, ERR_MEMORY, "no memory for the providers");
    for (uint32_t i = 0; i < config->provider_count; i++) {
        const struct config_provider *from = &config->providers[i];
        struct courier_provider *to = &worker->providers[i];
        struct why reason;
        enum err err = from->ops->open(&from->open, &to->self, &reason);
        if (err)
            return why_set(why, err, "provider %.*s: %.180s", STR_ARG(from->open.name),
                           reason.text);
        to->ops = from->ops;
        to->name = from->open.name;
        to->in_flight_max = (uint32_t)from->in_flight;
        to->rate = (uint32_t)from->rate;
        to->timeout = from->timeout;
        worker->heavy |= from->ops->heavy;
    }
    return OK;
}

static void convert_route(const struct config_route *from, struct route *to)
{
    *to = (struct route){
        .kind = from->kind,
        .apps = from->match.app.list,
        .app_count = from->match.app.count,
        .bundle_ids = from->match.bundle_id.list,
        .bundle_id_count = from->match.bundle_id.count,
        .countries = from->match.country.list,
        .country_count = from->match.country.count,
        .categories = from->match.category.list,
        .category_count = from->match.category.count,
        .target_count = from->choice_count,
    };
    for (uint32_t i = 0; i < from->choice_count; i++)
        to->targets[i] = (struct route_target){.provider = from->choices[i].provider,
                                               .weight = from->choices[i].weight};
}

static enum err make_routes(struct worker *worker, struct why *why)
{
    const struct config *config = worker->config;
    struct route *routes = arena_array(&worker->arena, struct route, config->route_count);
    struct route_target *sandboxes =
        arena_array(&worker->arena, struct route_target, config->provider_count);
    if (worker->arena.failed)
        return why_set(why, ERR_MEMORY, "no memory for the routes");
    for (uint32_t i = 0; i < config->route_count; i++) {
        if (config->routes[i].choice_count > ROUTE_TARGETS_MAX)
            return why_set(why, ERR_LIMIT, "line %u: a route names at most %d providers",
                           config->routes[i].place.line, ROUTE_TARGETS_MAX);
        convert_route(&config->routes[i], &routes[i]);
    }
    uint32_t sandbox_count = 0;
    for (uint32_t i = 0; i < config->provider_count; i++)
        if (str_eq(config->providers[i].ops->driver, STR("sandbox")))
            sandboxes[sandbox_count++] = (struct route_target){.provider = i};
    worker->routes = (struct routes){.list = routes,
                                     .count = config->route_count,
                                     .sandboxes = sandboxes,
                                     .sandbox_count = sandbox_count};
    return OK;
}

static void on_stop(uv_async_t *async)
{
    struct worker *worker = async->data;
    worker->transport->ops->close(worker->transport);
    worker->transport = NULL;
    actor_loop_close(worker->attached);
    worker->attached = NULL;
    uv_close((uv_handle_t *)async, NULL);
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
    if (!err && worker->heavy) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        worker->pool = pool_new(cores > 2 ? (unsigned)(cores > 16 ? 16 : cores) - 1 : 1, why);
        err = worker->pool ? OK : ERR_IO;
    }
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
    arena_init(&worker->arena, ROUTES_ARENA_MAX);
    enum err err = open_providers(worker, why);
    if (!err)
        err = make_routes(worker, why);
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

bool worker_has_sandbox(const struct worker *worker)
{
    return worker->routes.sandbox_count > 0;
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
                      struct ids ids, struct why *why)
{
    struct courier_config config = {
        .store = store,
        .inbox = actor_loop_inbox(worker->attached),
        .ledger = ledger,
        .transport = worker->transport,
        .clock = worker->clock,
        .entropy = worker->entropy,
        .pool = worker->pool,
        .providers = worker->providers,
        .provider_count = worker->config->provider_count,
        .routes = worker->routes,
        .ids = ids,
        .library_bytes_max = (size_t)worker->config->limits.memory / MEMORY_PARTS * LIBRARY_PARTS,
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
    for (uint32_t i = 0; worker->providers && i < worker->config->provider_count; i++)
        if (worker->providers[i].ops)
            worker->providers[i].ops->close(worker->providers[i].self);
    arena_done(&worker->arena);
    free(worker);
}
