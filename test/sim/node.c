/* test/sim/node.c - one life of the server: started over the disk, stepped, crashed. */
#include "codec/digest.h"
#include "flow/ledger_state.h"
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

/* Another app's route comes first: whoever takes it sends with another's credentials. */
static const struct str other_app[] = {STR_INIT("other")}, own_app[] = {STR_INIT("shop")};
static const struct route routes[] = {
    {.kind = KIND_IOS,
     .apps = other_app,
     .app_count = 1,
     .targets = {{.provider = SIM_FOREIGN}},
     .target_count = 1},
    {.kind = KIND_IOS,
     .apps = own_app,
     .app_count = 1,
     .targets = {{.provider = SIM_TOKEN}},
     .target_count = 1},
    {.kind = KIND_IOS, .targets = {{.provider = SIM_FOREIGN}}, .target_count = 1},
    {.kind = KIND_ANDROID, .targets = {{.provider = SIM_HEAVY}}, .target_count = 1},
    {.kind = KIND_SMS,
     .targets = {{.provider = SIM_PLAIN, .weight = 3}, {.provider = SIM_TOKEN, .weight = 1}},
     .target_count = 2},
    {.kind = KIND_EMAIL, .targets = {{.provider = SIM_PLAIN}}, .target_count = 1},
};

_Static_assert(sizeof routes / sizeof *routes == SIM_ROUTES, "as sim.h says");

void node_routes(struct sim *sim, const uint32_t place[SIM_PROVIDERS],
                 struct route into[SIM_ROUTES])
{
    memcpy(into, routes, sizeof routes);
    for (uint32_t i = 0; i < SIM_ROUTES; i++)
        for (uint32_t k = 0; k < into[i].target_count; k++) {
            struct route_target *target = &into[i].targets[k];
            target->provider = place[target->provider];
            if (target->weight)
                target->weight = 1 + (uint32_t)rng_below(&sim->rng, 5);
        }
}

void node_policies(const struct sim *sim, struct retry_policy into[PRIORITY_COUNT])
{
    for (unsigned i = 0; i < PRIORITY_COUNT; i++) {
        into[i] = policy;
        if (sim->seed % 3 == 0) /* many dead letters */
            into[i].attempts_max = 1 + (uint32_t)(sim->seed / 3 % 3);
    }
}

void node_post_ledger(struct sim *sim, struct message *message)
{
    box_post(&sim->ledger_box, message);
}

void node_post_courier(struct sim *sim, struct message *message)
{
    box_post(&sim->courier_box, message);
}

static void start_courier(struct sim *sim)
{
    static const size_t library_bytes[] = {1, 4096, 1 << 20};
    const struct courier_config config = {
        .store = &sim->door,
        .pool = (struct pool *)(void *)sim,
        .inbox = inbox_of(&sim->courier_box),
        .ledger = inbox_of(&sim->ledger_box),
        .transport = &sim->transport,
        .clock = sim_clock(sim),
        .entropy = sim_entropy(sim),
        .providers = sim->providers,
        .provider_count = SIM_PROVIDERS,
        .routes = {.list = routes, .count = sizeof routes / sizeof *routes},
        .ids = ledger_ids(sim->ledger),
        .library_bytes_max = library_bytes[sim->seed % 3],
        .seed = rng_next(&sim->rng),
        .kick = kick,
        .kick_self = sim,
    };
    sim->courier = courier_new(&config);
    must(sim->courier);
}

static void start_intake(struct sim *sim)
{
    sim->courier_inbox = inbox_of(&sim->courier_box);
    const struct intake_config intake = {
        .store = &sim->door,
        .ledger = inbox_of(&sim->ledger_box),
        .couriers = &sim->courier_inbox,
        .courier_count = 1,
        .inbox = inbox_of(&sim->intake_box),
        .clock = sim_clock(sim),
        .entropy = sim_entropy(sim),
        .cache_bytes_max = 1 << 20,
        .waiting_bytes_max = sim->seed % 4 == 0 ? 64 << 10 : 1 << 20,
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

static struct sim *sim_of(struct store *self)
{
    return list_of(self, struct sim, door);
}

static void door_submit(struct store *self, struct group *group)
{
    struct store *store = sim_of(self)->store;
    oracle_group(sim_of(self), group);
    store->ops->submit(store, group);
}

/* Reads may be held back, at any time. */
static void door_read(struct store *self, struct query *query)
{
    struct sim *sim = sim_of(self);
    if (sim->faults && sim->ready && chance(sim, 60)) {
        query->err = ERR_FULL;
        inbox_post(&query->done, &query->message);
        return;
    }
    sim->store->ops->read(sim->store, query);
}

static void door_measure(struct store *self, struct store_metrics *ret)
{
    struct store *store = sim_of(self)->store;
    store->ops->measure(store, ret);
}

static const struct store_ops door_ops = {
    .submit = door_submit, .read = door_read, .measure = door_measure};

void node_start(struct sim *sim)
{
    static struct inbox intakes[1], couriers[1];
    struct store_state state;
    arena_init(&sim->open_arena, 16 << 20);
    poison_open(sim, &sim->open_arena);
    memory_store_open(sim->disk, &sim->open_arena, sim->now.wall, &state, &sim->store);
    memory_store_read_at_once(sim->store, false);
    sim->door.ops = &door_ops;
    sim->life = LIFE_RUNS;
    sim->lost_before = sim->lost;
    sim->slow_until = (struct mono){0};
    world_start(sim);
    intakes[0] = inbox_of(&sim->intake_box);
    couriers[0] = inbox_of(&sim->courier_box);
    struct ledger_config config = {
        .store = &sim->door,
        .inbox = inbox_of(&sim->ledger_box),
        .intakes = intakes,
        .intake_count = 1,
        .couriers = couriers,
        .courier_count = 1,
        .retention = span_s(30 * 86400),
        .seed = rng_next(&sim->rng),
        .notes = sim->notes,
    };
    poison_opened(sim);
    node_policies(sim, config.retry);
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
    sim_pool_crash(sim);
    clients_crash(sim);
    memory_store_crash(sim->store);
    sim->intake_box = sim->ledger_box = sim->courier_box = (struct sim_box){0};
    sim->courier_kicked = false;
}

void node_copy(struct sim *sim)
{
    if (!sim->faults || !sim->ready || !chance(sim, 5))
        return;
    sim->copies++;
    memory_disk_copied(sim->disk);
}

void node_fill(struct sim *sim, bool full)
{
    sim->fills += full;
    sim->full = full;
    memory_disk_fill(sim->disk, full);
}

bool node_at_rest(const struct sim *sim)
{
    struct memory_work work;
    return !sim->intake_box.first && !sim->ledger_box.first && !sim->courier_box.first &&
           !memory_store_pending(sim->store) && !memory_store_reads_pending(sim->store) &&
           !memory_disk_hand(sim->disk, 0, &work) && !memory_disk_pending(sim->disk, 0, &work) &&
           !memory_disk_following(sim->disk) && courier_at_rest(sim->courier) &&
           list_empty(&sim->tasks);
}

enum { SPINS_MAX = 200 };

/* A bug of ours: tickets on their way are lost, with what became of them. */
static struct message *lose(struct sim *sim, struct message *message)
{
    struct tickets *tickets = (struct tickets *)(void *)message;
    bool may = message && (message->type == COURIER_TICKETS || message->type == LEDGER_TICKETS);
    if (!may || !sim->faults || !sim->ready || !chance(sim, 200))
        return message;
    for (struct list *at; (at = list_take_first(&tickets->list));)
        oracle_lost(sim, list_of(at, struct ticket, link));
    free(tickets);
    return NULL;
}

/* Another bug of ours: a lane forgets that something of it is due. */
static void forget(struct sim *sim)
{
    struct lanes *lanes = &sim->ledger->lanes;
    size_t at = 0;
    if (!sim->faults || !sim->ready || !chance(sim, 1500))
        return;
    for (struct shelf *shelf; (shelf = map_each(&lanes->shelves, &at));) {
        if (shelf->claiming || !shelf->depth || !chance(sim, 3))
            continue;
        heap_remove(&lanes->list[shelf->lane].later, &shelf->due_node);
        list_remove(&shelf->due_link);
        shelf->next_due = WALL_NEVER;
        sim->lost++;
    }
}

static bool step_ledger(struct sim *sim)
{
    forget(sim);
    struct actor actor = ledger_actor(sim->ledger);
    struct message *message = lose(sim, box_take(&sim->ledger_box));
    if (!message && !mono_reached(sim->now.mono, sim->ledger_wake))
        return false;
    if (message)
        actor.step(actor.self, sim->now, message);
    sim->ledger_wake = actor.turn(actor.self, sim->now);
    sim->spins = message ? 0 : sim->spins + 1;
    if (sim->spins > SPINS_MAX && mono_reached(sim->now.mono, sim->ledger_wake))
        sim_fail(sim, "the ledger spins");
    oracle_depths(sim);
    return true;
}

static bool step_courier(struct sim *sim)
{
    struct actor actor = courier_actor(sim->courier);
    struct message *message = lose(sim, box_take(&sim->courier_box));
    if (!message && !sim->courier_kicked && !mono_reached(sim->now.mono, sim->courier_wake))
        return false;
    sim->courier_kicked = false;
    if (message)
        actor.step(actor.self, sim->now, message);
    sim->courier_wake = actor.turn(actor.self, sim->now);
    oracle_breakers(sim);
    return true;
}

static bool step_intake(struct sim *sim)
{
    struct actor actor = intake_actor(sim->intake);
    struct message *message = box_take(&sim->intake_box);
    if (!message && sim->life != LIFE_ANSWERS)
        return false;
    if (message)
        actor.step(actor.self, sim->now, message);
    (void)actor.turn(actor.self, sim->now);
    return message != NULL || sim->life != LIFE_ANSWERS;
}

/* -- a clean stop ----------------------------------------------------------------------------- */

enum { STOP_S = 60 };

static void drained(void *self)
{
    struct sim *sim = self;
    sim->life = LIFE_DRAINED;
}

static void answered_all(void *self)
{
    struct sim *sim = self;
    sim->life = LIFE_DRAINS;
    sim->drain = (struct drain){.message = {.type = LEDGER_DRAIN}, .done = drained, .self = sim};
    box_post(&sim->ledger_box, &sim->drain.message);
}

void node_stop(struct sim *sim)
{
    sim->life = LIFE_ANSWERS;
    sim->stops++;
    sim->stop_deadline = mono_add(sim->now.mono, span_s(STOP_S));
    intake_drain(sim->intake, answered_all, sim);
}

/* Everything is closed and freed, in the order of the real node; then the next life. */
static void close_node(struct sim *sim)
{
    struct memory_work work;
    if (memory_disk_hand(sim->disk, 0, &work))
        sim_fail(sim, "drained with deliveries in hand");
    if (clients_wait(sim))
        sim_fail(sim, "stopped with requests that nobody has answered");
    oracle_stop(sim);
    world_close(sim);
    while (sim->courier_box.first)
        if (!step_courier(sim))
            break;
    if (sim->intake_box.first || sim->ledger_box.first || sim->courier_box.first)
        sim_fail(sim, "stopped with messages that nobody takes");
    courier_free(sim->courier);
    reload_close(sim);
    sim->store->ops->close(sim->store);
    api_free(sim->api);
    intake_free(sim->intake);
    ledger_free(sim->ledger);
    node_copy(sim);
    node_start(sim);
}

static bool step_stop(struct sim *sim)
{
    if (sim->life == LIFE_RUNS)
        return false;
    if (mono_reached(sim->now.mono, sim->stop_deadline))
        sim_fail(sim, "it does not stop");
    if (sim->life != LIFE_DRAINED)
        return false;
    close_node(sim);
    return true;
}

/* Now and then the disk takes its time with a group: a moment, or seconds. */
static bool is_slow(struct sim *sim)
{
    uint32_t in = sim->seed % 5 == 1 ? 8 : 100; /* or often */
    if (sim->faults && sim->ready && !sim->slow_until.us && chance(sim, in)) {
        uint64_t most_ms = chance(sim, 2) ? 200 : 5000;
        sim->slow_until =
            mono_add(sim->now.mono, span_ms(1 + (int64_t)rng_below(&sim->rng, most_ms)));
    }
    if (!mono_reached(sim->now.mono, sim->slow_until))
        return true;
    sim->slow_until = (struct mono){0};
    return false;
}

static bool step_store(struct sim *sim)
{
    if (!memory_store_pending(sim->store) || is_slow(sim))
        return false;
    if (sim->faults && sim->ready && chance(sim, 400)) {
        (void)memory_store_step(sim->store, STEP_LOSE_ANSWER);
        node_crash(sim);
        node_copy(sim);
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
    static bool (*const steps[])(struct sim *) = {
        step_ledger, step_courier, step_intake, step_store, step_read, sim_pool_event, step_stop};
    enum { STEPS = sizeof steps / sizeof *steps };
    uint64_t first = rng_below(&sim->rng, STEPS);
    for (uint64_t i = 0; i < STEPS; i++)
        if (steps[(first + i) % STEPS](sim))
            return true;
    return false;
}

struct mono node_next(const struct sim *sim)
{
    struct mono store = sim->slow_until.us ? sim->slow_until : MONO_NEVER;
    return mono_min(mono_min(sim_pool_next(sim), store),
                    mono_min(sim->ledger_wake, sim->courier_wake));
}
