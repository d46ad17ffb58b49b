/* test/sim/node.c - one life of the server: started over the disk, stepped, crashed. */
#include "codec/digest.h"
#include "flow/messages.h"
#include "sim.h"
#include <stdlib.h>

static void box_post(void *self, struct message *message)
{
    struct sim_box *box = self;
    message->next = NULL;
    if (box->first)
        box->last->next = message;
    else
        box->first = message;
    box->last = message;
}

static struct inbox inbox_of(struct sim_box *box)
{
    return (struct inbox){.post = box_post, .self = box};
}

static struct message *box_take(struct sim_box *box)
{
    struct message *message = box->first;
    if (message)
        box->first = message->next;
    return message;
}

static void kick(void *self)
{
    struct sim *sim = self;
    sim->courier_kicked = true;
}

static const struct retry_policy policy = {
    .delay_first = {2000000}, .delay_max = {60000000}, .attempts_max = 6};

static void start_courier(struct sim *sim)
{
    static const struct route_target target = {.provider = 0};
    static struct route routes[KIND_COUNT];
    for (unsigned i = 0; i < KIND_COUNT; i++)
        routes[i] = (struct route){.kind = (enum kind)i, .targets = {target}, .target_count = 1};
    const struct courier_config config = {
        .store = sim->store,
        .inbox = inbox_of(&sim->courier_box),
        .ledger = inbox_of(&sim->ledger_box),
        .transport = &sim->transport,
        .clock = sim_clock(sim),
        .entropy = sim_entropy(sim),
        .providers = &sim->provider,
        .provider_count = 1,
        .routes = {.list = routes, .count = KIND_COUNT},
        .ids = ledger_ids(sim->ledger),
        .library_bytes_max = 1 << 20,
        .seed = rng_next(&sim->rng),
        .kick = kick,
        .kick_self = sim,
    };
    sim->courier = courier_new(&config);
    must(sim->courier);
}

static void start_intake(struct sim *sim)
{
    const struct intake_config intake = {
        .store = sim->store,
        .ledger = inbox_of(&sim->ledger_box),
        .inbox = inbox_of(&sim->intake_box),
        .clock = sim_clock(sim),
        .entropy = sim_entropy(sim),
        .cache_bytes_max = 1 << 20,
    };
    sim->intake = intake_new(&intake);
    must(sim->intake);
    struct api_config api = {
        .intake = sim->intake,
        .ids = ledger_ids(sim->ledger),
        .has_root_key = true,
        .body_bytes_max = 1 << 20,
        .has_sandbox = true,
        .version = STR("sim"),
    };
    sha256(STR(SIM_ROOT_KEY), api.root_hash);
    sim->api = api_new(&api);
    must(sim->api);
}

void node_start(struct sim *sim)
{
    static struct inbox intakes[1], couriers[1];
    struct store_state state;
    arena_init(&sim->open_arena, 16 << 20);
    memory_store_open(sim->disk, &sim->open_arena, sim->now.wall, &state, &sim->store);
    memory_store_read_at_once(sim->store, false);
    intakes[0] = inbox_of(&sim->intake_box);
    couriers[0] = inbox_of(&sim->courier_box);
    struct ledger_config config = {
        .store = sim->store,
        .inbox = inbox_of(&sim->ledger_box),
        .intakes = intakes,
        .intake_count = 1,
        .couriers = couriers,
        .courier_count = 1,
        .retention = span_s(30 * 86400),
        .seed = rng_next(&sim->rng),
    };
    for (unsigned i = 0; i < PRIORITY_COUNT; i++)
        config.retry[i] = policy;
    sim->ledger = ledger_new(&config, &state, sim->now);
    must(sim->ledger);
    arena_done(&sim->open_arena);
    start_courier(sim);
    start_intake(sim);
    sim->ledger_wake = sim->courier_wake = sim->now.mono;
}

/* The power goes: what is in memory is gone (and left to the end of the process). */
void node_crash(struct sim *sim)
{
    sim->crashes++;
    oracle_crash(sim);
    world_crash(sim);
    clients_crash(sim);
    memory_store_crash(sim->store);
    sim->intake_box = sim->ledger_box = sim->courier_box = (struct sim_box){0};
    sim->courier_kicked = false;
}

bool node_at_rest(const struct sim *sim)
{
    struct memory_work work;
    return !sim->intake_box.first && !sim->ledger_box.first && !sim->courier_box.first &&
           !memory_store_pending(sim->store) && !memory_store_reads_pending(sim->store) &&
           !memory_disk_hand(sim->disk, 0, &work) && !memory_disk_pending(sim->disk, 0, &work) &&
           courier_at_rest(sim->courier);
}

static bool step_ledger(struct sim *sim)
{
    struct actor actor = ledger_actor(sim->ledger);
    struct message *message = box_take(&sim->ledger_box);
    if (!message && !mono_reached(sim->now.mono, sim->ledger_wake))
        return false;
    if (message)
        actor.step(actor.self, sim->now, message);
    sim->ledger_wake = actor.turn(actor.self, sim->now);
    return true;
}

static bool step_courier(struct sim *sim)
{
    struct actor actor = courier_actor(sim->courier);
    struct message *message = box_take(&sim->courier_box);
    if (!message && !sim->courier_kicked && !mono_reached(sim->now.mono, sim->courier_wake))
        return false;
    sim->courier_kicked = false;
    if (message)
        actor.step(actor.self, sim->now, message);
    sim->courier_wake = actor.turn(actor.self, sim->now);
    return true;
}

static bool step_intake(struct sim *sim)
{
    struct actor actor = intake_actor(sim->intake);
    struct message *message = box_take(&sim->intake_box);
    if (message)
        actor.step(actor.self, sim->now, message);
    return message != NULL;
}

static bool step_store(struct sim *sim)
{
    if (!memory_store_pending(sim->store))
        return false;
    if (sim->faults && sim->ready && chance(sim, 400)) {
        (void)memory_store_step(sim->store, STEP_LOSE_ANSWER);
        node_crash(sim);
        node_start(sim);
        return true;
    }
    bool refuse = sim->faults && sim->ready && chance(sim, 50);
    return memory_store_step(sim->store, refuse ? STEP_REFUSE : STEP_COMMIT);
}

static bool step_read(struct sim *sim)
{
    return memory_store_step_read(sim->store);
}

bool node_event(struct sim *sim)
{
    static bool (*const steps[])(struct sim *) = {step_ledger, step_courier, step_intake,
                                                  step_store, step_read};
    uint64_t first = rng_below(&sim->rng, 5);
    for (uint64_t i = 0; i < 5; i++)
        if (steps[(first + i) % 5](sim))
            return true;
    return false;
}

struct mono node_next(const struct sim *sim)
{
    return mono_min(sim->ledger_wake, sim->courier_wake);
}
