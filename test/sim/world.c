/* test/sim/world.c - providers and the network before them, with seeded weather.
 *
 * The provider's request carries what the oracle needs: the delivery's id as the path, the
 * recipient's address in a header, the rendered text as the body.
 */
#include "sim.h"
#include <stdio.h>
#include <stdlib.h>

static enum err compose(const void *self, const struct parcel *parcel, struct str credential,
                        const struct entropy *entropy, struct arena *arena, struct request *ret,
                        struct why *why)
{
    must(((const struct sim_token *)self)->sim); /* it is open */
    (void)entropy;
    (void)why;
    poison_compose(((const struct sim_token *)self)->sim, parcel->delivery_id);
    const struct content *content = parcel->content;
    *ret = (struct request){
        .wire = WIRE_HTTP,
        .method = STR("POST"),
        .origin =
            credential.at ? STR("https://token-provider.example") : STR("https://provider.example"),
        .path = arena_copy(arena, parcel->delivery_id),
        .headers = {{STR("address"), parcel->delivery->address},
                    {STR("channel"), channel_name(kind_channel(parcel->delivery->kind))},
                    {STR("guarantee"), guarantee_name(parcel->notification->guarantee)},
                    {STR("credential"), arena_copy(arena, credential)}},
        .header_count = credential.at ? 4 : 3,
        .body = content->text.at ? content->text : content->body,
    };
    return arena->failed ? ERR_MEMORY : OK;
}

/* The same, with a receipt to follow. */
static enum err compose_heavy(const void *self, const struct parcel *parcel, struct str credential,
                              const struct entropy *entropy, struct arena *arena,
                              struct request *ret, struct why *why)
{
    enum err err = compose(self, parcel, credential, entropy, arena, ret, why);
    ret->sandbox_receipt = true;
    ret->origin = STR("https://heavy.example");
    return err;
}

static enum err compose_foreign(const void *self, const struct parcel *parcel,
                                struct str credential, const struct entropy *entropy,
                                struct arena *arena, struct request *ret, struct why *why)
{
    const struct sim_token *token = self;
    sim_fail(token->sim, "I6: %.*s goes out with another app's credentials",
             STR_ARG(parcel->delivery_id));
    return compose(self, parcel, credential, entropy, arena, ret, why);
}

static struct verdict judge(const void *self, const struct reply *reply, struct arena *arena)
{
    static const struct ruling rulings[] = {
        {403, NULL, FATE_AGAIN, SCOPE_PROVIDER, EFFECT_REFRESH, "stale"},
        {410, NULL, FATE_NEVER, SCOPE_ADDRESS, EFFECT_RETIRE, "gone"},
        {0}};
    must(((const struct sim_token *)self)->sim);
    return rule(rulings, reply, STR_NONE, SCOPE_PROVIDER, arena);
}

/* -- a credential that is fetched ------------------------------------------------------------- */

static enum authorize authorize(void *self, const struct parcel *parcel, struct str *ret,
                                struct why *why)
{
    const struct sim_token *token = self;
    (void)why;
    if (!token->text[0] || wall_reached(parcel->now, token->ends_at))
        return AUTHORIZE_FETCH;
    *ret = str_of(token->text);
    return AUTHORIZED;
}

static enum err refresh_compose(void *self, struct wall now, struct arena *arena,
                                struct request *ret, struct why *why)
{
    struct sim *sim = ((struct sim_token *)self)->sim;
    (void)now;
    (void)arena;
    (void)why;
    if (sim->faults && chance(sim, 40))
        return ERR_MEMORY;
    *ret = (struct request){.wire = WIRE_HTTP,
                            .method = STR("POST"),
                            .origin = STR("https://token.example"),
                            .path = STR("/token")};
    return OK;
}

static struct verdict refresh_judge(void *self, const struct reply *reply, struct arena *arena)
{
    struct sim_token *token = self;
    struct sim *sim = token->sim;
    struct verdict verdict = judge(self, reply, arena);
    if (verdict.fate != FATE_DONE)
        return verdict;
    /* Most last; one that has ended when it comes does not. */
    int64_t life_s = sim->faults && chance(sim, 10) ? 0 : 5 + (int64_t)rng_below(&sim->rng, 600);
    (void)snprintf(token->text, sizeof token->text, "token-%u", ++sim->token_count);
    token->ends_at = wall_add(sim->now.wall, span_s(life_s));
    return verdict;
}

static void forget(void *self, struct wall now)
{
    (void)now;
    ((struct sim_token *)self)->text[0] = '\0';
}

/* What it has is gone: whoever asks it afterwards is caught by the sanitizer. */
static void close_instance(void *self)
{
    free(self);
}

static const struct provider_ops kinds_of_provider[SIM_PROVIDERS] = {
    [SIM_PLAIN] = {.driver = STR_INIT("plain"),
                   .close = close_instance,
                   .kinds = (1u << KIND_COUNT) - 1,
                   .compose = compose,
                   .judge = judge},
    [SIM_TOKEN] = {.driver = STR_INIT("token"),
                   .close = close_instance,
                   .kinds = (1u << KIND_COUNT) - 1,
                   .authorize = authorize,
                   .refresh_compose = refresh_compose,
                   .refresh_judge = refresh_judge,
                   .forget = forget,
                   .compose = compose,
                   .judge = judge},
    [SIM_HEAVY] = {.driver = STR_INIT("heavy"),
                   .close = close_instance,
                   .kinds = (1u << KIND_COUNT) - 1,
                   .heavy = true,
                   .compose = compose_heavy,
                   .judge = judge},
    [SIM_FOREIGN] = {.driver = STR_INIT("foreign"),
                     .close = close_instance,
                     .kinds = (1u << KIND_COUNT) - 1,
                     .compose = compose_foreign,
                     .judge = judge},
};

/* -- the network ------------------------------------------------------------------------------ */

static unsigned room(struct transport *self, const struct request *request)
{
    (void)self;
    (void)request;
    return 100;
}

static struct sim *sim_of(struct transport *self)
{
    return list_of(self, struct sim, transport);
}

static uint32_t provider_of(const struct request *request)
{
    if (str_eq(request->origin, STR("https://heavy.example")))
        return SIM_HEAVY;
    return str_eq(request->origin, STR("https://token-provider.example")) ? SIM_TOKEN : SIM_PLAIN;
}

/* Now and then a provider fails for seconds or minutes, in one way or another; or all that it is
 * given is somebody's bad list, and no fault of its own. */
static bool outage(struct sim *sim, struct flying *flying)
{
    struct sim_provider *weather = &sim->weather[flying->provider];
    if (!sim->faults)
        return false;
    if (chance(sim, 50) && mono_reached(sim->now.mono, weather->fails_until)) {
        int64_t most_s = chance(sim, 2) ? 10 : 600;
        weather->fails_until =
            mono_add(sim->now.mono, span_s((int64_t)rng_below(&sim->rng, (uint64_t)most_s)));
        weather->fault = rng_below(&sim->rng, 5);
    }
    if (mono_reached(sim->now.mono, weather->fails_until))
        return false;
    flying->processed = false;
    flying->end = weather->fault == 0   ? EXCHANGE_UNSENT
                  : weather->fault == 1 ? EXCHANGE_CUT
                                        : EXCHANGE_WHOLE;
    flying->status = weather->fault == 2 ? 503 : weather->fault == 3 ? 401 : 400;
    int64_t delay_ms = weather->fault == 1 ? 10000 : 1 + (int64_t)rng_below(&sim->rng, 200);
    flying->answer_at = mono_add(sim->now.mono, span_ms(delay_ms));
    return true;
}

/* Draws this request's fate. In good weather nearly everything is taken at once. */
static void draw(struct sim *sim, struct flying *flying)
{
    if (outage(sim, flying))
        return;
    uint64_t fate = sim->faults ? rng_below(&sim->rng, 100) : 99;
    int64_t delay_ms = 1 + (int64_t)rng_below(&sim->rng, 200);
    flying->status = 200;
    flying->end = EXCHANGE_WHOLE;
    flying->processed = true;
    if (fate < 6) { /* it may have failed behind the point where it was taken */
        flying->status = 500;
        flying->processed = chance(sim, 4);
    } else if (fate < 10) {
        flying->status = 429;
        flying->processed = false;
    } else if (fate < 13) {
        flying->status = 410;
        flying->processed = false;
    } else if (fate < 15) {
        flying->status = 400;
        flying->processed = false;
    } else if (fate < 20) { /* the answer is lost; perhaps the request, too */
        flying->end = EXCHANGE_CUT;
        flying->processed = chance(sim, 2);
        delay_ms = 10000;
    } else if (fate < 24) {
        flying->end = EXCHANGE_REFUSED;
        flying->processed = false;
    } else if (fate < 28) {
        flying->end = EXCHANGE_UNSENT;
        flying->processed = false;
    } else if (fate < 30) {
        flying->status = 403;
        flying->processed = false;
    }
    flying->answer_at = mono_add(sim->now.mono, span_ms(delay_ms));
}

/* The token endpoint is slow at times, and fails at others. */
static void draw_fetch(struct sim *sim, struct flying *flying)
{
    uint64_t fate = sim->faults ? rng_below(&sim->rng, 100) : 99;
    flying->status = fate < 15 ? 500 : 200;
    flying->end = fate >= 15 && fate < 22   ? EXCHANGE_CUT
                  : fate >= 22 && fate < 27 ? EXCHANGE_UNSENT
                                            : EXCHANGE_WHOLE;
    int64_t most_ms = fate < 35 ? 14000 : 300;
    flying->answer_at =
        mono_add(sim->now.mono, span_ms((int64_t)rng_below(&sim->rng, (uint64_t)most_ms)));
    flying->call->begun = flying->end != EXCHANGE_UNSENT;
}

static void begin(struct sim *sim, struct flying *flying)
{
    if (memory_disk_unconfirmed(sim->disk))
        sim_fail(sim, "J3: sent from a store that is a copy");
    flying->call->begun = true;
    oracle_held(sim, flying->provider);
    flying->sent = oracle_sent(sim, flying->call->request->path);
    flying->sent->begun++;
    oracle_begun(sim, flying->call->request, flying->sent);
    if (flying->processed)
        flying->sent->processed++;
    bool said = flying->end == EXCHANGE_WHOLE && flying->status == 200;
    if (flying->processed && !said)
        flying->sent->doubtful++;
}

static void submit(struct transport *self, struct exchange_call *call)
{
    struct sim *sim = sim_of(self);
    struct flying *flying = calloc(1, sizeof *flying);
    must(flying);
    flying->call = call;
    call->work = flying;
    if (sim->dies) { /* and has not come so far */
        free(flying);
        return;
    }
    list_add_last(&sim->flying, &flying->link);
    flying->fetch = str_eq(call->request->path, STR("/token"));
    if (flying->fetch) {
        draw_fetch(sim, flying);
        return;
    }
    flying->provider = provider_of(call->request);
    flying->generation = sim->weather[flying->provider].generation;
    oracle_asked(sim, flying->provider);
    draw(sim, flying);
    /* Some wait inside the transport for a connection, and can still be withdrawn. */
    if (flying->end != EXCHANGE_UNSENT && !chance(sim, 4))
        begin(sim, flying);
}

static bool withdraw(struct transport *self, struct exchange_call *call)
{
    struct flying *flying = call->work;
    (void)self;
    if (call->begun)
        return false;
    list_remove(&flying->link);
    free(flying);
    return true;
}

static void close_transport(struct transport *self)
{
    (void)self;
}

void world_init(struct sim *sim)
{
    static const struct transport_ops ops = {
        .room = room, .submit = submit, .withdraw = withdraw, .close = close_transport};
    sim->transport.ops = &ops;
    list_init(&sim->flying);
    list_init(&sim->tasks);
    for (uint32_t i = 0; i < SIM_PROVIDERS; i++)
        sim->providers[i] = (struct courier_provider){
            .ops = &kinds_of_provider[i],
            .name = kinds_of_provider[i].driver,
            .in_flight_max = 1 + (uint32_t)rng_below(&sim->rng, 60),
            .rate = chance(sim, 4) ? 1 + (uint32_t)rng_below(&sim->rng, 50) : 0,
            .timeout = span_s(15),
        };
}

void world_start(struct sim *sim)
{
    reload_start(sim);
    for (uint32_t i = 0; i < SIM_PROVIDERS; i++) /* what it was told is forgotten */
        sim->weather[i].hold_until = sim->weather[i].probed_at = (struct mono){0};
}

static void answer(struct sim *sim, struct flying *flying)
{
    struct exchange_call *call = flying->call;
    const struct header retry = {STR("retry-after"), STR("3")};
    const struct reply reply = {
        .exchange = flying->end,
        .status = flying->end == EXCHANGE_WHOLE ? flying->status : 0,
        .headers = &retry,
        .header_count = flying->status == 429 ? 1 : 0,
        .error = flying->end == EXCHANGE_WHOLE ? STR_NONE : STR("the simulated network"),
        .at = sim->now.wall,
    };
    if (!flying->fetch && reply.status == 429) {
        struct sim_provider *weather = &sim->weather[flying->provider];
        if (flying->generation == weather->generation) {
            weather->told_at = sim->now.mono;
            weather->hold_until = mono_add(sim->now.mono, span_s(3));
        }
    }
    if (flying->sent && reply.status == 429) {
        flying->sent->not_before = mono_add(sim->now.mono, span_s(3));
    }
    if (flying->sent)
        oracle_answered(flying->sent, flying->end, reply.status);
    if (!flying->fetch)
        oracle_judged(sim, flying->provider, flying->end, reply.status);
    if (flying->sent && reply.status == 200)
        flying->sent->receipt |= call->request->sandbox_receipt;
    list_remove(&flying->link);
    free(flying);
    call->done(call, &reply);
}

bool world_event(struct sim *sim)
{
    list_each (at, &sim->flying) {
        struct flying *flying = list_of(at, struct flying, link);
        bool waits = !flying->call->begun && flying->end != EXCHANGE_UNSENT && !flying->fetch;
        if (waits && chance(sim, 3)) {
            begin(sim, flying);
            return true;
        }
        if (!waits && mono_reached(sim->now.mono, flying->answer_at)) {
            answer(sim, flying);
            return true;
        }
    }
    return false;
}

struct mono world_next(const struct sim *sim)
{
    struct mono next = MONO_NEVER;
    for (const struct list *at = sim->flying.next; at != &sim->flying; at = at->next) {
        const struct flying *flying =
            (const struct flying *)(const void *)((const char *)at - offsetof(struct flying, link));
        bool waits = !flying->call->begun && flying->end != EXCHANGE_UNSENT && !flying->fetch;
        struct mono soon = mono_add(sim->now.mono, span_ms(1));
        next = mono_min(next, waits ? soon : flying->answer_at);
    }
    return next;
}

void world_close(struct sim *sim)
{
    while (!list_empty(&sim->flying)) {
        struct flying *flying = list_of(sim->flying.next, struct flying, link);
        if (!flying->fetch)
            sim_fail(sim, "drained with a request under way");
        flying->end = EXCHANGE_CUT;
        answer(sim, flying);
    }
}

void world_crash(struct sim *sim)
{
    for (struct list *at; (at = list_take_first(&sim->flying));)
        free(list_of(at, struct flying, link));
}
