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

/* ------------------------------------------------------------------------------- order ---- */

/* The targets of a rule in the order of this delivery, and what each lets through. */
struct standing {
    const struct route_target *targets;
    uint32_t count;
    unsigned char order[ROUTE_TARGETS_MAX];
    enum breaker_door doors[ROUTE_TARGETS_MAX]; /* by place in the order */
    bool narrow[ROUTE_TARGETS_MAX];             /* open, and not drawn for its share */
};

static void swap(unsigned char *a, unsigned char *b)
{
    unsigned char c = *a;
    *a = *b;
    *b = c;
}

/* The place, from `from` on, that is drawn by weight. */
static uint32_t draw(const struct standing *all, uint32_t from, struct rng *rng)
{
    uint64_t sum = 0;
    for (uint32_t i = from; i < all->count; i++)
        sum += all->targets[all->order[i]].weight;
    if (sum == 0)
        return from;
    uint64_t at = rng_below(rng, sum);
    for (uint32_t i = from; i < all->count; i++) {
        uint32_t weight = all->targets[all->order[i]].weight;
        if (at < weight)
            return i;
        at -= weight;
    }
    never("weights add up");
}

/* Drawn one after another, each by its weight among those that are left. */
static void put_in_order(struct standing *all, struct rng *rng)
{
    for (uint32_t i = 0; i < all->count; i++)
        all->order[i] = (unsigned char)i;
    for (uint32_t i = 0; i + 1 < all->count; i++) {
        uint32_t drawn = draw(all, i, rng);
        for (; drawn > i; drawn--) /* the others keep theirs */
            swap(&all->order[drawn], &all->order[drawn - 1]);
    }
}

static void ask_gates(struct standing *all, const struct route_gates *gates, struct rng *rng)
{
    for (uint32_t i = 0; i < all->count; i++) {
        uint32_t provider = all->targets[all->order[i]].provider;
        all->doors[i] = gates ? gates->ask(gates->self, provider) : DOOR_OPEN;
        all->narrow[i] = false;
        if (!gates || all->doors[i] != DOOR_OPEN)
            continue;
        uint32_t share = gates->share(gates->self, provider);
        all->narrow[i] = share < BREAKER_SHARE_FULL && rng_below(rng, BREAKER_SHARE_FULL) >= share;
    }
}

static bool available(const struct standing *all, uint32_t place, bool narrow_too)
{
    return all->doors[place] == DOOR_OPEN && (narrow_too || !all->narrow[place]);
}

static uint32_t count_available(const struct standing *all, bool narrow_too)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < all->count; i++)
        count += available(all, i, narrow_too);
    return count;
}

/* ------------------------------------------------------------------------------ choice ---- */

static void choose_place(const struct standing *all, uint32_t place, bool narrow_too,
                         struct route_choice *ret)
{
    ret->provider = all->targets[all->order[place]].provider;
    for (uint32_t i = 0; i < place; i++) {
        unsigned bit = 1u << all->order[i];
        if (all->doors[i] != DOOR_OPEN)
            ret->shut |= bit;
        else if (available(all, i, narrow_too))
            ret->tried |= bit;
        else
            ret->narrow |= bit;
    }
}

/* The first, up to `end`, that lets a probe through; `end` if none does. */
static uint32_t find_probe(const struct standing *all, uint32_t end, enum breaker_door least)
{
    for (uint32_t i = 0; i < end; i++)
        if (all->doors[i] != DOOR_OPEN && all->doors[i] >= least)
            return i;
    return end;
}

static void choose(const struct standing *all, uint32_t attempt, struct route_choice *ret)
{
    /* What comes back takes more than its share only where nobody else is. */
    bool narrow_too = count_available(all, false) == 0;
    uint32_t count = count_available(all, narrow_too);
    uint32_t place = 0, turn = count ? (attempt - 1) % count : 0;
    if (!count) {
        place = find_probe(all, all->count, DOOR_LAST);
        if (place == all->count)
            return;
        ret->probe = true;
        choose_place(all, place, narrow_too, ret);
        return;
    }
    for (uint32_t left = turn; !available(all, place, narrow_too) || left-- > 0;)
        place++;
    ret->more = turn + 1 < count;
    uint32_t probe = attempt == 1 ? find_probe(all, place, DOOR_PROBE) : place;
    if (probe < place) {
        ret->probe = ret->more = true;
        place = probe;
    }
    choose_place(all, place, narrow_too, ret);
}

static void choose_of(const struct route_target *targets, uint32_t count,
                      const struct route_question *q, const struct route_gates *gates,
                      struct route_choice *ret)
{
    struct rng rng = rng_of(q->seed);
    struct standing all = {.targets = targets, .count = count};
    must(q->attempt >= 1 && count <= ROUTE_TARGETS_MAX);
    ret->targets = targets;
    ret->target_count = count;
    put_in_order(&all, &rng);
    ask_gates(&all, gates, &rng);
    choose(&all, q->attempt, ret);
}

struct route_choice route_choose(const struct routes *routes, const struct route_question *q,
                                 const struct route_gates *gates)
{
    struct route_choice choice = {.provider = ROUTE_NONE, .test_key = q->mode == MODE_TEST};
    if (choice.test_key) {
        choose_of(routes->sandboxes, routes->sandbox_count ? 1 : 0, q, gates, &choice);
        return choice;
    }
    for (uint32_t i = 0; i < routes->count; i++) {
        const struct route *route = &routes->list[i];
        if (!matches(route, q))
            continue;
        choice.rule = i + 1;
        choose_of(route->targets, route->target_count, q, gates, &choice);
        return choice;
    }
    return choice;
}
