/* flow/courier_senders.c - one provider as its courier sees it: its desk, its pace, its
 * credential's age. */
#include "flow/courier_state.h"
#include <stdlib.h>

enum {
    FETCH_ARENA_MAX = 1024 * 1024,
    RATE_BURST_MS = 100, /* what a rate may send at once after a pause */
    HOLD_MS = 1000,      /* a provider blocked for longer gives its tickets back to the calendar */
    THROTTLE_LEAST_MS = 1000,
    THROTTLE_MOST_MS = 3600 * 1000, /* a longer Retry-After is asked about again after an hour */
    REFRESH_LEAST_MS = 10 * 1000,   /* between two credentials that are called stale */
};

bool courier_senders_open(struct courier *courier, const uint64_t hash_key[2])
{
    const struct courier_config *config = &courier->config;
    courier->senders =
        calloc(config->provider_count ? config->provider_count : 1, sizeof *courier->senders);
    if (!courier->senders)
        return false;
    for (uint32_t i = 0; i < config->provider_count; i++) {
        struct sender *sender = &courier->senders[i];
        sender->courier = courier;
        sender->provider = &config->providers[i];
        list_init(&sender->waiting);
        desk_init(&sender->desk, hash_key);
        arena_init(&sender->fetch.arena, FETCH_ARENA_MAX);
    }
    return true;
}

void courier_senders_close(struct courier *courier)
{
    for (uint32_t i = 0; courier->senders && i < courier->config.provider_count; i++) {
        desk_done(&courier->senders[i].desk);
        arena_done(&courier->senders[i].fetch.arena);
    }
    free(courier->senders);
}

void sender_note(struct sender *sender, struct verdict *verdict, struct now now)
{
    if (verdict->fate == FATE_DONE)
        sender->refreshed = false;
    if (verdict->effect == EFFECT_THROTTLE && verdict->scope == SCOPE_PROVIDER) {
        struct span wait =
            verdict->retry_after.us > 0 ? verdict->retry_after : span_ms(THROTTLE_LEAST_MS);
        if (wait.us > span_ms(THROTTLE_MOST_MS).us)
            wait = span_ms(THROTTLE_MOST_MS);
        struct mono until = mono_add(now.mono, wait);
        if (until.us > sender->blocked_until.us)
            sender->blocked_until = until;
    }
    if (verdict->effect == EFFECT_REFRESH) {
        /* Once more at once with a fresh credential; if that one is stale, too, it is not the
         * credential's age that is wrong. */
        if (sender->refreshed || !mono_reached(now.mono, sender->refresh_at)) {
            verdict->effect = EFFECT_HOLD;
        } else if (sender->provider->ops->forget) {
            sender->provider->ops->forget(sender->provider->self, now.wall);
            sender->refresh_at = mono_add(now.mono, span_ms(REFRESH_LEAST_MS));
        }
        sender->refreshed = true;
    }
}

/* When the rate next allows a sending; it is now if that is past. */
static struct mono rate_allows_at(const struct sender *sender)
{
    return sender->provider->rate ? mono_add(sender->send_at, span_ms(-RATE_BURST_MS))
                                  : (struct mono){0};
}

static void rate_charge(struct sender *sender, struct now now)
{
    if (!sender->provider->rate)
        return;
    int64_t gap = 1000000 / (int64_t)sender->provider->rate;
    if (sender->send_at.us < now.mono.us)
        sender->send_at = now.mono;
    sender->send_at.us += gap > 0 ? gap : 1;
}

static bool is_any(const void *what, const struct ticket *ticket)
{
    (void)what;
    (void)ticket;
    return true;
}

/* What must wait longer than a moment waits in the calendar, not in a window. */
static void hold(struct courier *courier, struct sender *sender, struct now now)
{
    struct span left = mono_since(now.mono, sender->blocked_until);
    struct list out;
    if (left.us <= HOLD_MS * 1000)
        return;
    list_init(&out);
    desk_remove(&sender->desk, is_any, NULL, &out);
    for (struct list *at; (at = list_take_first(&out));)
        courier_give_back(courier, list_of(at, struct ticket, link), wall_add(now.wall, left));
}

struct mono sender_serve(struct sender *sender, struct now now)
{
    struct courier *courier = sender->courier;
    uint32_t most = sender->provider->in_flight_max;
    uint32_t reserved = most / 8;
    if (!mono_reached(now.mono, sender->blocked_until)) {
        hold(courier, sender, now);
        return sender->desk.waiting ? sender->blocked_until : MONO_NEVER;
    }
    while (sender->desk.waiting && sender->in_flight < most && !sender->fetching) {
        if (!mono_reached(now.mono, rate_allows_at(sender)))
            return rate_allows_at(sender);
        struct ticket *ticket = desk_take(&sender->desk, sender->in_flight + reserved >= most);
        if (!ticket)
            break; /* what waits is not critical, and the places left are */
        if (wall_reached(now.wall, ticket->expires_at)) {
            ticket->result = TICKET_EXPIRED;
            courier_return(courier, ticket);
            continue;
        }
        rate_charge(sender, now);
        flight_begin(courier, sender, ticket, now);
        if (!mono_reached(now.mono, sender->blocked_until))
            return sender->blocked_until;
    }
    return MONO_NEVER; /* an answer makes room, and is an event */
}
