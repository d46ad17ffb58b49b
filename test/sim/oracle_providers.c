/* test/sim/oracle_providers.c - breakers and limits: when a provider may be asked, and when its
 * breaker may open.
 */
#include "flow/courier_state.h"
#include "sim.h"

enum {
    SLACK_US = 1000000,
    PROBES_APART_US = 900000,
    HEARD_US = 5000,
    FAULTS_LEAST = 3, /* before a breaker opens, whatever it was before */
    FAULTS_WITHIN_S = 90,
};

/* C3: an open breaker lets nothing through, a half open one single probes. What was under way when
 * it opened has a moment to come back. */
void oracle_asked(struct sim *sim, uint32_t provider)
{
    const struct breaker *breaker = &sim->courier->senders[sim->place[provider]]->breaker;
    struct sim_provider *weather = &sim->weather[provider];
    if (breaker->state == BREAKER_CLOSED)
        return;
    if (breaker->state == BREAKER_OPEN) {
        if (mono_since(breaker->since, sim->now.mono).us > SLACK_US)
            sim_fail(sim, "C3: %.*s is asked %lld ms after its breaker opened",
                     STR_ARG(sim->providers[provider].name),
                     (long long)(mono_since(breaker->since, sim->now.mono).us / 1000));
        return;
    }
    if (weather->probed_at.us > breaker->since.us &&
        mono_since(weather->probed_at, sim->now.mono).us < PROBES_APART_US)
        sim_fail(sim, "C3: two probes of %.*s within %lld ms",
                 STR_ARG(sim->providers[provider].name),
                 (long long)(mono_since(weather->probed_at, sim->now.mono).us / 1000));
    weather->probed_at = sim->now.mono;
}

/* C5: nothing reaches a provider that said "not before". */
void oracle_held(struct sim *sim, uint32_t provider)
{
    const struct sim_provider *weather = &sim->weather[provider];
    if (sim->now.mono.us > weather->told_at.us + HEARD_US &&
        sim->now.mono.us + 2000 < weather->hold_until.us)
        sim_fail(sim, "C5: %.*s is sent to %lld ms before its Retry-After",
                 STR_ARG(sim->providers[provider].name),
                 (long long)((weather->hold_until.us - sim->now.mono.us) / 1000));
}

/* What is its own fault, or that of our account with it: as test/sim/world.c answers. */
void oracle_judged(struct sim *sim, uint32_t provider, enum exchange_end end, int status)
{
    struct sim_provider *weather = &sim->weather[provider];
    bool whole = end == EXCHANGE_WHOLE;
    if (!whole || status >= 500 || status == 401 || status == 403)
        weather->failed_at[weather->failures++ % FAULTS_LEAST] = sim->now.mono;
}

void oracle_breakers(struct sim *sim)
{
    for (uint32_t i = 0; i < SIM_PROVIDERS; i++) {
        struct sim_provider *weather = &sim->weather[i];
        const struct sender *sender = sim->courier->senders[sim->place[i]];
        bool open = sender->breaker.state != BREAKER_CLOSED, was_open = weather->was_open;
        struct mono oldest = weather->failed_at[weather->failures % FAULTS_LEAST];
        weather->was_open = open;
        if (!open || was_open || i == SIM_TOKEN) /* it fails without its credential, too */
            continue;
        if (weather->failures < FAULTS_LEAST ||
            mono_since(oldest, sim->now.mono).us > span_s(FAULTS_WITHIN_S).us)
            sim_fail(sim, "C3: the breaker of %.*s opens, and it has not failed",
                     STR_ARG(sim->providers[i].name));
    }
}
