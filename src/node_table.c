/* node_table.c - see node_table.h. */
#include "node_table.h"
#include "conf/changes.h"
#include <stdlib.h>

enum { TABLE_ARENA_MAX = 4 * 1024 * 1024 };

static int32_t kept_of(const struct config *old, const struct config_provider *next)
{
    uint32_t at = old ? config_provider_find(old, next->open.name) : UINT32_MAX;
    if (at == UINT32_MAX || config_provider_compare(&old->providers[at], next) == PROVIDER_REPLACED)
        return PROVIDER_NEW;
    return (int32_t)at;
}

static enum err open_provider(const struct config_provider *from, int32_t kept,
                              const struct provider_table *before, struct courier_provider *to,
                              struct why *why)
{
    struct why reason;
    *to = (struct courier_provider){
        .name = from->open.name,
        .in_flight_max = (uint32_t)from->in_flight,
        .rate = (uint32_t)from->rate,
        .timeout = from->timeout,
    };
    if (kept != PROVIDER_NEW) {
        to->self = before->providers[kept].self;
    } else {
        enum err err = from->ops->open(&from->open, &to->self, &reason);
        if (err)
            return why_set(why, err, "provider %.*s: %.180s", STR_ARG(from->open.name),
                           reason.text);
    }
    to->ops = from->ops;
    return OK;
}

static enum err open_providers(struct provider_table *table, const struct config *config,
                               const struct config *old, const struct provider_table *before,
                               struct why *why)
{
    uint32_t count = config->provider_count ? config->provider_count : 1;
    table->providers = arena_array(&table->arena, struct courier_provider, count);
    table->kept = arena_array(&table->arena, int32_t, count);
    if (table->arena.failed)
        return why_set(why, ERR_MEMORY, "no memory for the providers");
    for (uint32_t i = 0; i < config->provider_count; i++) {
        const struct config_provider *from = &config->providers[i];
        table->kept[i] = kept_of(old, from);
        enum err err = open_provider(from, table->kept[i], before, &table->providers[i], why);
        if (err)
            return err;
        table->count++;
        table->heavy |= from->ops->heavy;
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

static enum err make_routes(struct provider_table *table, const struct config *config,
                            struct why *why)
{
    struct route *routes = arena_array(&table->arena, struct route, config->route_count);
    struct route_target *sandboxes =
        arena_array(&table->arena, struct route_target, config->provider_count);
    if (table->arena.failed)
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
    table->routes = (struct routes){.list = routes,
                                    .count = config->route_count,
                                    .sandboxes = sandboxes,
                                    .sandbox_count = sandbox_count};
    return OK;
}

enum err provider_table_open(const struct config *config, const struct config *old,
                             const struct provider_table *before, struct provider_table **ret,
                             struct why *why)
{
    struct provider_table *table = calloc(1, sizeof *table);
    if (!table)
        return why_set(why, ERR_MEMORY, "no memory for the providers");
    arena_init(&table->arena, TABLE_ARENA_MAX);
    enum err err = open_providers(table, config, old, before, why);
    if (!err)
        err = make_routes(table, config, why);
    if (err) {
        provider_table_discard(table);
        return err;
    }
    *ret = table;
    return OK;
}

void provider_table_free(struct provider_table *table)
{
    if (!table)
        return;
    arena_done(&table->arena);
    free(table);
}

void provider_table_discard(struct provider_table *table)
{
    for (uint32_t i = 0; table && i < table->count; i++)
        if (table->kept[i] == PROVIDER_NEW)
            table->providers[i].ops->close(table->providers[i].self);
    provider_table_free(table);
}

void provider_table_close(struct provider_table *table)
{
    for (uint32_t i = 0; table && i < table->count; i++)
        table->providers[i].ops->close(table->providers[i].self);
    provider_table_free(table);
}
