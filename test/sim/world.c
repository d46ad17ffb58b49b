/* test/sim/world.c - a provider and the network before it, with seeded weather.
 *
 * The provider's request carries what the oracle needs: the delivery's id as the path, the
 * recipient's address in a header, the rendered text as the body.
 */
#include "sim.h"
#include <stdlib.h>

static enum err compose(const void *self, const struct parcel *parcel, struct str credential,
                        const struct entropy *entropy, struct arena *arena, struct request *ret,
                        struct why *why)
{
    (void)self;
    (void)credential;
    (void)entropy;
    (void)why;
    const struct content *content = parcel->content;
    *ret = (struct request){
        .wire = WIRE_HTTP,
        .method = STR("POST"),
        .origin = STR("https://provider.example"),
        .path = arena_copy(arena, parcel->delivery_id),
        .headers = {{STR("address"), parcel->delivery->address},
                    {STR("channel"), channel_name(kind_channel(parcel->delivery->kind))},
                    {STR("notification-expires"),
                     arena_printf(arena, "%lld", (long long)parcel->notification->expires_at.ms)}},
        .header_count = 3,
        .body = content->text.at ? content->text : content->body,
    };
    return arena->failed ? ERR_MEMORY : OK;
}

static struct verdict judge(const void *self, const struct reply *reply, struct arena *arena)
{
    static const struct ruling rulings[] = {
        {410, NULL, FATE_NEVER, SCOPE_ADDRESS, EFFECT_RETIRE, "gone"}, {0}};
    (void)self;
    return rule(rulings, reply, STR_NONE, SCOPE_PROVIDER, arena);
}

const struct provider_ops sim_provider = {
    .driver = STR_INIT("sim"),
    .kinds = (1u << KIND_COUNT) - 1,
    .compose = compose,
    .judge = judge,
};

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

/* Draws this request's fate. In good weather nearly everything is taken at once. */
static void draw(struct sim *sim, struct flying *flying)
{
    uint64_t fate = sim->faults ? rng_below(&sim->rng, 100) : 99;
    int64_t delay_ms = 1 + (int64_t)rng_below(&sim->rng, 200);
    flying->status = 200;
    flying->end = EXCHANGE_WHOLE;
    flying->processed = true;
    if (fate < 6) {
        flying->status = 500;
        flying->processed = false;
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
    }
    flying->answer_at = mono_add(sim->now.mono, span_ms(delay_ms));
}

static void begin(struct sim *sim, struct flying *flying)
{
    flying->call->begun = true;
    flying->sent = oracle_sent(sim, flying->call->request->path);
    flying->sent->begun++;
    oracle_begun(sim, flying->call->request, flying->sent);
    if (flying->processed)
        flying->sent->processed++;
    if (flying->end == EXCHANGE_CUT && flying->processed)
        flying->sent->doubtful++;
}

static void submit(struct transport *self, struct exchange_call *call)
{
    struct sim *sim = sim_of(self);
    struct flying *flying = calloc(1, sizeof *flying);
    must(flying);
    flying->call = call;
    call->work = flying;
    draw(sim, flying);
    list_add_last(&sim->flying, &flying->link);
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
    sim->provider = (struct courier_provider){
        .ops = &sim_provider,
        .name = STR("sim"),
        .in_flight_max = 4 + (uint32_t)rng_below(&sim->rng, 60),
        .timeout = span_s(15),
    };
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
    list_remove(&flying->link);
    free(flying);
    call->done(call, &reply);
}

bool world_event(struct sim *sim)
{
    list_each (at, &sim->flying) {
        struct flying *flying = list_of(at, struct flying, link);
        bool waits = !flying->call->begun && flying->end != EXCHANGE_UNSENT;
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
        bool waits = !flying->call->begun && flying->end != EXCHANGE_UNSENT;
        struct mono soon = mono_add(sim->now.mono, span_ms(1));
        next = mono_min(next, waits ? soon : flying->answer_at);
    }
    return next;
}

void world_crash(struct sim *sim)
{
    for (struct list *at; (at = list_take_first(&sim->flying));)
        free(list_of(at, struct flying, link));
}
