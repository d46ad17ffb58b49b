/* core/route.c - see route.h. */
#include "core/route.h"
#include "base/err.h"

static bool listed(const struct str *list, uint32_t count, struct str value)
{
    for (uint32_t i = 0; i < count; i++)
        if (str_eq(list[i], value))
            return true;
    return count == 0;
}

static bool matches(const struct route *route, const struct route_question *q)
{
    return route->kind == q->kind && listed(route->apps, route->app_count, q->app) &&
           listed(route->bundle_ids, route->bundle_id_count, q->bundle_id) &&
           listed(route->categories, route->category_count, q->category) &&
           (route->country_count == 0 ||
            listed(route->countries, route->country_count, phone_country(q->phone)));
}

/* Where the first attempt goes. */
static uint32_t start_of(const struct route_target *targets, uint32_t count, uint64_t seed)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += targets[i].weight;
    if (sum == 0)
        return 0;
    struct rng rng = rng_of(seed);
    uint64_t at = rng_below(&rng, sum);
    for (uint32_t i = 0; i < count; i++) {
        if (at < targets[i].weight)
            return i;
        at -= targets[i].weight;
    }
    never("weights add up");
}

static uint32_t choose(const struct route_target *targets, uint32_t count,
                       const struct route_question *q, bool *ret_more)
{
    if (count == 0)
        return ROUTE_NONE;
    must(q->attempt >= 1);
    uint32_t turn = (q->attempt - 1) % count;
    *ret_more = turn + 1 < count;
    return targets[(start_of(targets, count, q->seed) + turn) % count].provider;
}

uint32_t route_choose(const struct routes *routes, const struct route_question *q, bool *ret_more)
{
    *ret_more = false;
    if (q->mode == MODE_TEST)
        return choose(routes->sandboxes, routes->sandbox_count ? 1 : 0, q, ret_more);
    for (uint32_t i = 0; i < routes->count; i++)
        if (matches(&routes->list[i], q))
            return choose(routes->list[i].targets, routes->list[i].target_count, q, ret_more);
    return ROUTE_NONE;
}
