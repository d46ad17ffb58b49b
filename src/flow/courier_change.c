/* flow/courier_change.c - other providers and routes, while flights are in the air. */
#include "flow/courier_state.h"
#include <stdlib.h>

bool courier_change_prepare(struct courier_change *change)
{
    uint32_t count = change->provider_count;
    change->senders = calloc(count ? count : 1, sizeof(struct sender *));
    change->apps = courier_apps_named(&change->routes, &change->app_count);
    bool good = change->senders && change->apps;
    for (uint32_t i = 0; good && i < count; i++) {
        if (change->kept[i] == PROVIDER_NEW)
            change->senders[i] = sender_new(&change->providers[i]);
        good = change->kept[i] != PROVIDER_NEW || change->senders[i];
    }
    if (!good)
        courier_change_discard(change);
    return good;
}

void courier_change_discard(struct courier_change *change)
{
    for (uint32_t i = 0; change->senders && i < change->provider_count; i++)
        sender_free(change->senders[i]);
    free(change->senders);
    free(change->apps);
    change->senders = NULL;
    change->apps = NULL;
}

static bool is_any(const void *what, const struct ticket *ticket)
{
    (void)what;
    (void)ticket;
    return true;
}

/* What has begun is waited for; what has not comes back at once, to be routed anew. */
static void retire(struct courier *courier, struct sender *sender)
{
    struct list *next;
    list_add_last(&courier->retired, &sender->link);
    for (struct list *at = courier->flights.next; at != &courier->flights; at = next) {
        struct flight *flight = list_of(at, struct flight, link);
        next = at->next;
        if (flight->sender == sender)
            flight_withdraw(flight);
    }
}

/* Kept ones move to their new places; new ones join; the rest is left out. */
static void swap_senders(struct courier *courier, struct courier_change *change)
{
    struct sender **old = courier->senders;
    for (uint32_t i = 0; i < courier->sender_count; i++)
        desk_remove(&old[i]->desk, is_any, NULL, &courier->arrivals);
    for (uint32_t i = 0; i < change->provider_count; i++) {
        int32_t kept = change->kept[i];
        if (kept == PROVIDER_NEW) {
            sender_join(change->senders[i], courier);
            continue;
        }
        must((uint32_t)kept < courier->sender_count && old[kept]);
        change->senders[i] = old[kept];
        old[kept] = NULL;
        sender_adjust(change->senders[i], &change->providers[i]);
    }
    for (uint32_t i = 0; i < courier->sender_count; i++)
        if (old[i])
            retire(courier, old[i]);
    free(old);
    courier->senders = change->senders;
    courier->sender_count = change->provider_count;
}

void courier_change_now(struct courier *courier, struct now now)
{
    struct courier_change *change = courier->change;
    if (!change)
        return;
    courier->change = NULL;
    swap_senders(courier, change);
    courier->config.routes = change->routes;
    if (change->pool)
        courier->config.pool = change->pool;
    library_resize(courier->library, change->library_bytes_max);
    readings_resize(&courier->readings, change->library_bytes_max);
    courier_apps_replace(courier, change->apps, change->app_count);
    change->done(change->self);
    if (!courier_apps_wait(courier))
        courier_apps_known(courier, now);
}

void courier_take_change(struct courier *courier, struct courier_change *change, struct now now)
{
    must(!courier->change);
    courier->change = change;
    if (!courier->apps_asked)
        courier_change_now(courier, now);
}

void courier_close_retired(struct courier *courier)
{
    struct list *next;
    for (struct list *at = courier->retired.next; at != &courier->retired; at = next) {
        struct sender *sender = list_of(at, struct sender, link);
        struct courier_provider provider = sender->own;
        next = at->next;
        if (sender->in_flight || sender->fetching)
            continue;
        sender_free(sender);
        provider.ops->close(provider.self);
    }
}
