/* test/sim/reload.c - SIGHUP: other providers and routes while the weather goes on.
 *
 * Each reload gives the providers other places and limits, and some of them another instance. The
 * instances are memory that goes when they are closed, so that whoever still asks one is caught;
 * what goes by a stale place reaches the foreign provider, and is caught by I6.
 */
#include "sim.h"
#include <stdlib.h>

struct sim_change {
    struct courier_change courier;
    struct courier_provider providers[SIM_PROVIDERS];
    int32_t kept[SIM_PROVIDERS];
    uint32_t place[SIM_PROVIDERS];
    struct route routes[SIM_ROUTES];
};

static struct sim_token *instance_new(struct sim *sim)
{
    struct sim_token *instance = calloc(1, sizeof *instance);
    must(instance);
    instance->sim = sim;
    return instance;
}

void reload_start(struct sim *sim)
{
    sim->table = sim->changing = NULL;
    sim->places_before = 0;
    for (uint32_t i = 0; i < SIM_PROVIDERS; i++) {
        sim->providers[i].self = instance_new(sim);
        sim->place[i] = i;
    }
}

void reload_close(struct sim *sim)
{
    if (sim->changing)
        sim_fail(sim, "stopped in the middle of a reload");
    for (uint32_t i = 0; i < SIM_PROVIDERS; i++)
        free(sim->providers[i].self);
    free(sim->table);
}

/* All have it: what the world knows of an instance goes with it. */
static void changed(void *self)
{
    struct sim *sim = self;
    struct sim_change *change = sim->changing;
    for (uint32_t i = 0; i < SIM_PROVIDERS; i++) {
        uint32_t place = change->place[i];
        sim->places_before += sim->providers[i].in_flight_max;
        sim->place[i] = place;
        sim->providers[i] = change->providers[place];
        if (change->kept[place] != PROVIDER_NEW)
            continue;
        sim->weather[i].generation++;
        sim->weather[i].hold_until = sim->weather[i].probed_at = (struct mono){0};
    }
    free(sim->table);
    sim->table = change;
    sim->changing = NULL;
}

static void ledger_changed(void *self)
{
    struct sim *sim = self;
    node_post_courier(sim, &sim->changing->courier.message);
}

static void draw_places(struct sim *sim, uint32_t place[SIM_PROVIDERS])
{
    for (uint32_t i = 0; i < SIM_PROVIDERS; i++) {
        uint32_t j = (uint32_t)rng_below(&sim->rng, i + 1);
        place[i] = place[j];
        place[j] = i;
    }
}

static void draw_providers(struct sim *sim, struct sim_change *change)
{
    for (uint32_t i = 0; i < SIM_PROVIDERS; i++) {
        struct courier_provider *provider = &change->providers[change->place[i]];
        bool kept = !chance(sim, 3);
        *provider = sim->providers[i];
        provider->in_flight_max = 1 + (uint32_t)rng_below(&sim->rng, 60);
        if (!kept)
            provider->self = instance_new(sim);
        change->kept[change->place[i]] = kept ? (int32_t)sim->place[i] : PROVIDER_NEW;
    }
}

void sim_reload(struct sim *sim)
{
    if (sim->changing)
        return;
    struct sim_change *change = calloc(1, sizeof *change);
    must(change);
    draw_places(sim, change->place);
    draw_providers(sim, change);
    node_routes(sim, change->place, change->routes);
    change->courier = (struct courier_change){
        .message = {.type = COURIER_CONFIG},
        .providers = change->providers,
        .kept = change->kept,
        .provider_count = SIM_PROVIDERS,
        .routes = {.list = change->routes, .count = SIM_ROUTES},
        .library_bytes_max = (size_t)1 << rng_below(&sim->rng, 20),
        .done = changed,
        .self = sim,
    };
    must(courier_change_prepare(&change->courier));
    sim->changing = change;
    sim->ledger_change = (struct ledger_change){
        .message = {.type = LEDGER_CONFIG},
        .retention = span_s(30 * 86400),
        .window_bytes_max = (size_t)1 << (12 + rng_below(&sim->rng, 14)),
        .done = ledger_changed,
        .self = sim,
    };
    node_policies(sim, sim->ledger_change.retry);
    intake_resize(sim->intake, (size_t)1 << rng_below(&sim->rng, 20), 1 << 20);
    node_post_ledger(sim, &sim->ledger_change.message);
    sim->reloads++;
}
