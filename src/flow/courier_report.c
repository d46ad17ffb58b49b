/* flow/courier_report.c - what a courier tells of its providers: flow/report.h. */
#include "flow/courier_state.h"
#include "flow/report.h"
#include <string.h>

static struct wall wall_of(struct mono at, struct now now)
{
    return wall_add(now.wall, mono_since(now.mono, at));
}

static void tell_breaker(struct provider_report *ret, struct sender *sender, struct now now)
{
    struct breaker *breaker = &sender->breaker;
    struct breaker_bucket window = breaker_window(breaker, now.mono);
    uint32_t share = breaker_share(breaker, now.mono);
    bool closed = breaker->state == BREAKER_CLOSED;
    ret->state = breaker->state;
    ret->since = wall_of(closed ? breaker->since : breaker->opened, now);
    ret->next_probe = closed ? (struct wall){0} : wall_of(breaker->probe_at, now);
    ret->share = (double)share / BREAKER_SHARE_FULL;
    ret->window_attempts = window.attempts;
    ret->success_ratio =
        window.attempts ? 1 - (double)window.failures / (double)window.attempts : 1;
}

/* The name is copied: a change may free it before the asker has read it. */
static void tell(struct provider_report *ret, struct sender *sender, struct arena *arena,
                 struct now now)
{
    const struct courier_provider *provider = sender->provider;
    *ret = (struct provider_report){
        .name = arena_copy(arena, provider->name),
        .driver = provider->ops->driver,
        .kinds = provider->ops->kinds,
        .waiting = sender->desk.waiting,
        .in_flight = sender->in_flight,
        .in_flight_max = sender_room(sender, now),
        .rate_1m = meter_read(&sender->meter, now.mono),
        .rate_max = sender->pace.rate,
        .p50 = latency_quantile(&sender->latency, 500, now.mono),
        .p99 = latency_quantile(&sender->latency, 990, now.mono),
        .last_error_at = sender->last_error_at,
        .origins_blocked = origins_blocked(&sender->origins, now.mono),
    };
    if (!mono_reached(now.mono, sender->pace.blocked_until))
        ret->paused_until = wall_of(sender->pace.blocked_until, now);
    memcpy(ret->last_error, sender->last_error, sizeof ret->last_error);
    tell_breaker(ret, sender, now);
}

/* The kinds for which some rule leads to the provider at this place. */
static unsigned routed_to(const struct routes *routes, uint32_t place)
{
    unsigned kinds = 0;
    for (uint32_t i = 0; i < routes->count; i++)
        for (uint32_t k = 0; k < routes->list[i].target_count; k++)
            if (routes->list[i].targets[k].provider == place)
                kinds |= 1u << routes->list[i].kind;
    return kinds;
}

void courier_report(struct courier *courier, struct report *report, struct now now)
{
    uint32_t count = courier->sender_count;
    report->list = arena_array(report->arena, struct provider_report, count ? count : 1);
    report->err = report->list ? OK : ERR_MEMORY;
    report->count = report->list ? count : 0;
    for (uint32_t i = 0; i < report->count; i++) {
        tell(&report->list[i], courier->senders[i], report->arena, now);
        report->list[i].routed = routed_to(&courier->config.routes, i);
    }
    if (report->arena->failed)
        report->err = ERR_MEMORY;
    report->message.type = INTAKE_REPORT;
    inbox_post(&report->done, &report->message);
}
