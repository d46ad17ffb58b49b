/* flow/courier_senders.c - one provider as its courier sees it: its desk, breaker and pace, and the
 * age of its credential. */
#include "flow/courier_state.h"
#include "runtime/log.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    FETCH_ARENA_MAX = 1024 * 1024,
    HOLD_MS = 1000, /* a provider blocked for longer gives its tickets back to the calendar */
    REFRESH_LEAST_MS = 10 * 1000, /* between two credentials that are called stale */
};

void sender_adjust(struct sender *sender, const struct courier_provider *provider)
{
    must(str_copy(provider->name, sender->name, sizeof sender->name));
    sender->own = *provider;
    sender->own.name = str_of(sender->name);
    sender->provider = &sender->own;
    pace_limit(&sender->pace, provider->in_flight_max, provider->rate);
}

struct sender *sender_new(const struct courier_provider *provider)
{
    struct sender *sender = calloc(1, sizeof *sender);
    if (!sender)
        return NULL;
    pace_init(&sender->pace, provider->in_flight_max, provider->rate);
    sender_adjust(sender, provider);
    list_init(&sender->link);
    list_init(&sender->waiting);
    arena_init(&sender->fetch.arena, FETCH_ARENA_MAX);
    return sender;
}

void sender_join(struct sender *sender, struct courier *courier)
{
    sender->courier = courier;
    desk_init(&sender->desk, courier->hash_key);
    breaker_init(&sender->breaker, clock_now(&courier->config.clock).mono);
    origins_init(&sender->origins, courier->hash_key);
}

void sender_free(struct sender *sender)
{
    if (!sender)
        return;
    must(!sender->in_flight && !sender->fetching);
    list_remove(&sender->link);
    if (sender->courier) {
        desk_done(&sender->desk);
        origins_done(&sender->origins);
    }
    arena_done(&sender->fetch.arena);
    free(sender);
}

bool courier_senders_open(struct courier *courier, const struct courier_provider *providers)
{
    uint32_t count = courier->sender_count;
    courier->senders = calloc(count ? count : 1, sizeof(struct sender *));
    for (uint32_t i = 0; courier->senders && i < count; i++) {
        courier->senders[i] = sender_new(&providers[i]);
        if (!courier->senders[i])
            return false;
        sender_join(courier->senders[i], courier);
    }
    return courier->senders != NULL;
}

void courier_senders_close(struct courier *courier)
{
    for (uint32_t i = 0; courier->senders && i < courier->sender_count; i++)
        sender_free(courier->senders[i]);
    free(courier->senders);
}

/* ---------------------------------------------------------------------------- verdicts ---- */

/* Once more at once with a fresh credential; if that one is stale, too, it is not the credential's
 * age that is wrong. */
static void refresh(struct sender *sender, struct verdict *verdict, struct now now)
{
    const struct courier_provider *provider = sender->provider;
    if (sender->refreshed || !mono_reached(now.mono, sender->refresh_at)) {
        verdict->effect = EFFECT_HOLD;
    } else if (provider->ops->forget) {
        provider->ops->forget(provider->self, now.wall);
        sender->refresh_at = mono_add(now.mono, span_ms(REFRESH_LEAST_MS));
    }
    sender->refreshed = true;
}

static void remember_error(struct sender *sender, const struct verdict *verdict, struct now now)
{
    sender->last_error_at = now.wall;
    (void)snprintf(sender->last_error, sizeof sender->last_error, "%.*s%s%.*s%s%.*s",
                   STR_ARG(verdict->code), verdict->code.len && verdict->reason.len ? " " : "",
                   STR_ARG(verdict->reason), verdict->detail.len ? ": " : "",
                   STR_ARG(verdict->detail));
}

/* The provider's own fault, or that of our account with it; not a recipient's, nor a limit's. */
static bool is_fault(const struct verdict *verdict, enum scope scope)
{
    return verdict->fate != FATE_DONE && verdict->scope == scope &&
           (verdict->effect == EFFECT_NONE || verdict->effect == EFFECT_HOLD);
}

/* Whose endpoint it is; absent if no subscriber chose it. */
static struct str origin_of_ticket(const struct ticket *ticket)
{
    const struct delivery *delivery = ticket->delivery;
    return delivery->kind == KIND_WEB ? origin_of(delivery->address) : STR_NONE;
}

/* One line when it opens and one when it closes; probes that fail in between say nothing new. */
static void tell_breaker(const struct sender *sender, struct breaker_bucket window)
{
    const struct log *log = sender->courier->config.log;
    bool closed = sender->breaker.state == BREAKER_CLOSED;
    if (!log)
        return;
    log_write(log, closed ? LOG_INFO : LOG_WARN,
              "what=breaker provider=%.*s state=%s attempts=%u failures=%u",
              STR_ARG(sender->provider->name), closed ? "closed" : "open", window.attempts,
              window.failures);
}

static void note_breaker(struct sender *sender, bool fault, struct mono began, struct now now)
{
    struct breaker *breaker = &sender->breaker;
    bool was_closed = breaker->state == BREAKER_CLOSED;
    struct breaker_bucket window = {0};
    if (was_closed && fault) { /* opening forgets it */
        window = breaker_window(breaker, now.mono);
        window.attempts++;
        window.failures++;
    }
    sender->spill |= breaker_note(breaker, began, fault, now.mono, &sender->courier->rng);
    if (was_closed != (breaker->state == BREAKER_CLOSED))
        tell_breaker(sender, window);
}

void sender_note(struct sender *sender, const struct ticket *ticket, struct verdict *verdict,
                 struct mono began, struct now now)
{
    struct rng *rng = &sender->courier->rng;
    bool done = verdict->fate == FATE_DONE;
    meter_count(&sender->meter, now.mono);
    if (done) {
        sender->refreshed = false;
        pace_worked(&sender->pace, sender->in_flight, now.mono);
    }
    if (verdict->effect == EFFECT_THROTTLE && verdict->scope == SCOPE_PROVIDER) {
        pace_throttled(&sender->pace, began, sender->in_flight, verdict->retry_after, now.mono);
        sender->recall = true;
    }
    if (verdict->effect == EFFECT_REFRESH)
        refresh(sender, verdict, now);
    if (!done && (verdict->scope == SCOPE_PROVIDER || verdict->scope == SCOPE_ORIGIN))
        remember_error(sender, verdict, now);
    bool fault = is_fault(verdict, SCOPE_PROVIDER);
    if (done || fault)
        note_breaker(sender, fault, began, now);
    if (sender->origins.count || verdict->scope == SCOPE_ORIGIN)
        origins_note(&sender->origins, origin_of_ticket(ticket), verdict, began, now.mono, rng);
}

/* ------------------------------------------------------------------------------ serving ---- */

static bool is_any(const void *what, const struct ticket *ticket)
{
    (void)what;
    (void)ticket;
    return true;
}

/* What must wait longer than a moment waits in the calendar, not in a window. */
static void hold(struct sender *sender, struct now now)
{
    struct span left = mono_since(now.mono, sender->pace.blocked_until);
    struct list out;
    if (left.us <= HOLD_MS * 1000)
        return;
    list_init(&out);
    desk_remove(&sender->desk, is_any, NULL, &out);
    for (struct list *at; (at = list_take_first(&out));)
        courier_give_back(sender->courier, list_of(at, struct ticket, link), left);
}

uint32_t sender_room(struct sender *sender, struct now now)
{
    uint32_t most = pace_in_flight(&sender->pace);
    uint32_t share = breaker_share(&sender->breaker, now.mono);
    if (sender->breaker.state != BREAKER_CLOSED || share == BREAKER_SHARE_FULL)
        return most;
    most = (uint32_t)((uint64_t)most * share / BREAKER_SHARE_FULL);
    return most ? most : 1;
}

/* Its own push service is not to be sent to now: it waits for that, and nobody else does. */
static bool held_by_origin(struct sender *sender, struct ticket *ticket, struct now now)
{
    struct courier *courier = sender->courier;
    struct mono next;
    if (!sender->origins.count ||
        origins_admit(&sender->origins, origin_of_ticket(ticket), now.mono, &courier->rng, &next))
        return false;
    ticket->alone = true;
    courier_give_back_until(courier, ticket, next, now);
    return true;
}

struct mono sender_serve(struct sender *sender, struct now now)
{
    struct courier *courier = sender->courier;
    if (!sender->desk.waiting)
        return MONO_NEVER;
    if (!mono_reached(now.mono, sender->pace.blocked_until)) {
        hold(sender, now);
        return sender->desk.waiting ? sender->pace.blocked_until : MONO_NEVER;
    }
    uint32_t most = sender_room(sender, now);
    while (sender->desk.waiting && sender->in_flight < most && !sender->fetching) {
        struct mono allowed = pace_allows_at(&sender->pace);
        if (!mono_reached(now.mono, allowed))
            return allowed;
        uint32_t few;
        enum desk_places places =
            desk_places(&sender->desk, sender->in_flight, most, now.mono, &few);
        struct ticket *ticket = desk_take(&sender->desk, places, few);
        if (!ticket)
            break; /* the places left are kept for others */
        if (mono_reached(now.mono, ticket->expires)) {
            ticket->result = TICKET_EXPIRED;
            courier_return(courier, ticket);
            continue;
        }
        if (held_by_origin(sender, ticket, now))
            continue;
        pace_begin(&sender->pace, now.mono);
        flight_begin(courier, sender, ticket, now);
    }
    /* An answer makes room, and is an event; so is a larger share. */
    bool grows = sender->desk.waiting && sender->breaker.state == BREAKER_CLOSED &&
                 sender->breaker.share < BREAKER_SHARE_FULL;
    return grows ? sender->breaker.step_at : MONO_NEVER;
}
