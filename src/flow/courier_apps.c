/* flow/courier_apps.c - the numbers of the apps that routes name.
 *
 * Asked of the store at start and whenever an app has come or gone; in between, tickets wait a
 * moment rather than take a route that is not theirs.
 */
#include "flow/courier_state.h"
#include <stdlib.h>

enum { QUERY_BYTES_MAX = 64 * 1024, ASK_AGAIN_MS = 250 };

static const struct named_app *find(const struct named_app *apps, uint32_t count, struct str name)
{
    for (uint32_t i = 0; i < count; i++)
        if (str_eq(apps[i].name, name))
            return &apps[i];
    return NULL;
}

struct named_app *courier_apps_named(const struct routes *routes, uint32_t *ret_count)
{
    uint32_t most = 0, count = 0;
    for (uint32_t i = 0; i < routes->count; i++)
        most += routes->list[i].app_count;
    struct named_app *apps = calloc(most ? most : 1, sizeof *apps);
    if (!apps)
        return NULL;
    for (uint32_t i = 0; i < routes->count; i++)
        for (uint32_t j = 0; j < routes->list[i].app_count; j++)
            if (!find(apps, count, routes->list[i].apps[j]))
                apps[count++].name = routes->list[i].apps[j];
    *ret_count = count;
    return apps;
}

bool courier_apps_open(struct courier *courier)
{
    courier->apps = courier_apps_named(&courier->config.routes, &courier->app_count);
    return courier->apps != NULL;
}

void courier_apps_replace(struct courier *courier, struct named_app *apps, uint32_t count)
{
    must(!courier->apps_asked);
    bool known = courier->apps_at.us == MONO_NEVER.us;
    for (uint32_t i = 0; i < count; i++) {
        const struct named_app *old = find(courier->apps, courier->app_count, apps[i].name);
        if (old)
            apps[i].number = old->number;
        known = known && old;
    }
    free(courier->apps);
    courier->apps = apps;
    courier->app_count = count;
    if (!known && !courier->draining)
        courier_apps_ask(courier);
}

void courier_apps_close(struct courier *courier)
{
    free(courier->apps);
}

static void answered(struct query *query)
{
    struct courier *courier = query->owner;
    struct named_app *app = list_of(query, struct named_app, query);
    if (!query->err)
        app->number = query->apps[0].number;
    else if (query->err == ERR_MISSING)
        app->number = 0;
    else /* a route chosen without it would be another's */
        courier->apps_failed = true;
    arena_done(&query->arena);
    if (--courier->apps_asked)
        return;
    struct now now = clock_now(&courier->config.clock);
    if (courier->change) {
        if (!courier->draining)
            courier->apps_at = now.mono; /* whatever these answers are: the change asks again */
        courier_change_now(courier, now);
    } else if (courier->draining) {
        courier_apps_known(courier, now); /* whatever they are: all goes back */
    } else if (courier->apps_stale) {
        courier->apps_stale = false;
        courier_apps_ask(courier);
    } else if (courier->apps_failed) {
        courier->apps_at = mono_add(now.mono, span_ms(ASK_AGAIN_MS));
    } else {
        courier_apps_known(courier, now);
    }
}

bool courier_apps_wait(const struct courier *courier)
{
    return courier->apps_asked || courier->apps_at.us != MONO_NEVER.us;
}

void courier_apps_ask(struct courier *courier)
{
    if (courier->apps_asked) {
        courier->apps_stale = true; /* what is under way may have begun before the change */
        return;
    }
    courier->apps_at = MONO_NEVER;
    courier->apps_failed = false;
    courier->apps_asked = courier->app_count;
    for (uint32_t i = 0; i < courier->app_count; i++) {
        struct named_app *app = &courier->apps[i];
        app->query = (struct query){
            .message = {.type = COURIER_QUERY},
            .done = courier->config.inbox,
            .type = QUERY_APP,
            .owner = courier,
            .finish = answered,
            .name = app->name,
        };
        arena_init(&app->query.arena, QUERY_BYTES_MAX);
        courier->config.store->ops->read(courier->config.store, &app->query);
    }
}

struct str courier_app_name(const struct courier *courier, uint32_t number)
{
    for (uint32_t i = 0; i < courier->app_count; i++)
        if (courier->apps[i].number == number)
            return courier->apps[i].name;
    return STR_NONE;
}
