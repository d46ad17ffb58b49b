/* test/sim/sim.c - runs seeds: each in a process of its own, so that a failed one names itself.
 *
 *     simulate [--seeds N] [--first SEED] [--verbose]
 */
#include "sim.h"
#include "core/calendar.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EVENTS_MAX = 2000000, SETTLE_HOURS = 200 };

static struct now read_clock(void *self)
{
    const struct sim *sim = self;
    return sim->now;
}

struct clock sim_clock(struct sim *sim)
{
    return (struct clock){.read = read_clock, .self = sim};
}

static void fill(void *self, void *at, size_t len)
{
    struct sim *sim = self;
    unsigned char *into = at;
    for (size_t i = 0; i < len; i++)
        into[i] = (unsigned char)rng_next(&sim->rng);
}

struct entropy sim_entropy(struct sim *sim)
{
    return (struct entropy){.fill = fill, .self = sim};
}

bool chance(struct sim *sim, uint32_t in)
{
    return rng_below(&sim->rng, in) == 0;
}

void sim_fail(const struct sim *sim, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fprintf(stderr, "seed %llu, event %u, %lld ms: ", (unsigned long long)sim->seed,
                  sim->events, (long long)(sim->now.mono.us / 1000));
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(1);
}

static void advance(struct sim *sim, struct mono to)
{
    int64_t us = to.us - sim->now.mono.us;
    if (us <= 0)
        return;
    sim->now.mono.us += us;
    sim->now.wall.ms = INT64_C(1790000000000) + sim->wall_off_ms + sim->now.mono.us / 1000;
}

/* Somebody sets the clock: an hour forward or back at most, or a day. */
static void step_clock(struct sim *sim)
{
    int64_t most = chance(sim, 3) ? 86400000 : 3600000;
    int64_t by = (int64_t)rng_below(&sim->rng, (uint64_t)most * 2) - most;
    if (by <= CALENDAR_STEP_MS && by >= -CALENDAR_STEP_MS)
        sim->drift_ms += by < 0 ? -by : by; /* which calendars follow */
    sim->wall_off_ms += by;
    sim->steps++;
    sim->now.wall.ms = INT64_C(1790000000000) + sim->wall_off_ms + sim->now.mono.us / 1000;
}

/* One event of somebody; false if nothing is enabled now. */
static bool anything(struct sim *sim)
{
    static bool (*const actors[])(struct sim *) = {node_event, world_event, clients_event};
    uint64_t first = rng_below(&sim->rng, 3);
    for (uint64_t i = 0; i < 3; i++)
        if (actors[(first + i) % 3](sim))
            return true;
    return false;
}

static struct mono next_time(const struct sim *sim)
{
    return mono_min(mono_min(node_next(sim), world_next(sim)), clients_next(sim));
}

static bool finished(const struct sim *sim)
{
    return sim->life == LIFE_RUNS && clients_done(sim) && node_at_rest(sim) &&
           list_empty(&sim->flying);
}

void sim_run(struct sim *sim)
{
    node_start(sim);
    clients_prepare(sim);
    struct mono deadline = MONO_NEVER;
    for (;;) {
        if (++sim->events > EVENTS_MAX)
            sim_fail(sim, "it does not come to rest");
        if (poison_event(sim))
            continue;
        if (sim->faults && sim->ready && chance(sim, 3000)) {
            node_crash(sim);
            node_copy(sim);
            node_start(sim);
        }
        if (sim->faults && sim->ready && sim->life == LIFE_RUNS && chance(sim, 4000))
            node_stop(sim);
        if (sim->faults && sim->ready && chance(sim, 4000))
            step_clock(sim);
        if (sim->faults && sim->ready && sim->life == LIFE_RUNS && chance(sim, 1500))
            sim_reload(sim);
        if (sim->faults && sim->ready && chance(sim, sim->full ? 1500 : 4000))
            node_fill(sim, !sim->full);
        if (anything(sim)) {
            advance(sim, mono_add(sim->now.mono, (struct span){(int64_t)rng_below(&sim->rng, 40)}));
            continue;
        }
        if (clients_done(sim) && sim->faults) {
            sim->faults = false; /* the weather turns; now everything must settle */
            deadline = mono_add(sim->now.mono, span_s((int64_t)SETTLE_HOURS * 3600));
        }
        if (finished(sim)) {
            if (!sim->full && sim->redriven)
                return;
            if (sim->full)
                clients_last(sim); /* all has settled on a full disk; now there is room */
            else
                clients_redrive(sim);
            continue;
        }
        struct mono next = next_time(sim);
        if (next.us == MONO_NEVER.us)
            sim_fail(sim, "it waits for nothing");
        if (mono_reached(next, deadline))
            sim_fail(sim, "not settled %d hours after the last fault", SETTLE_HOURS);
        advance(sim, next);
    }
}

static int run_seed(uint64_t seed, bool verbose)
{
    static struct sim sim; /* zeroed, and large; one a process */
    sim.seed = seed;
    sim.rng = rng_of(seed);
    sim.faults = true;
    sim.verbose = verbose;
    sim.now.mono.us = 1000000;
    sim.now.wall.ms = INT64_C(1790000000000) + 1000; /* as advance has it */
    sim.to_ask = 40 + (uint32_t)rng_below(&sim.rng, 160);
    sim.disk = memory_disk_new(rng_next(&sim.rng));
    list_init(&sim.asking);
    world_init(&sim);
    poison_init(&sim);
    sim_run(&sim);
    oracle_finish(&sim);
    if (verbose)
        (void)printf("seed %llu: %u events, %u requests, %u deliveries sent, %u crashes, %u clean "
                     "stops, %u clock steps, %u times full, %u copies, %u reloads, "
                     "%u things lost, %u poisonings\n",
                     (unsigned long long)seed, sim.events, sim.asked, sim.sent_count, sim.crashes,
                     sim.stops, sim.steps, sim.fills, sim.copies, sim.reloads, sim.lost,
                     sim.poisonings);
    return 0;
}

static bool seed_passes(uint64_t seed, bool verbose)
{
    (void)fflush(stdout);
    pid_t child = fork();
    if (child < 0) {
        perror("fork");
        exit(2);
    }
    if (child == 0) {
        int result = run_seed(seed, verbose);
        (void)fflush(stdout);
        _exit(result);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child)
        return false;
    if (WIFSIGNALED(status))
        (void)fprintf(stderr, "seed %llu: signal %d\n", (unsigned long long)seed, WTERMSIG(status));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv)
{
    uint64_t first = 1, seeds = 100, failed = 0;
    bool verbose = false;
    for (int i = 1; i < argc; i++) {
        struct str arg = str_of(argv[i]);
        bool has_value = i + 1 < argc;
        if (str_eq(arg, STR("--verbose")))
            verbose = true;
        else if (str_eq(arg, STR("--seeds")) && has_value &&
                 str_to_u64(str_of(argv[i + 1]), &seeds))
            i++;
        else if (str_eq(arg, STR("--first")) && has_value &&
                 str_to_u64(str_of(argv[i + 1]), &first))
            i++;
        else {
            (void)fprintf(stderr, "usage: simulate [--seeds N] [--first SEED] [--verbose]\n");
            return 64;
        }
    }
    for (uint64_t seed = first; seed < first + seeds; seed++)
        if (!seed_passes(seed, verbose)) {
            (void)fprintf(stderr, "replay: simulate --first %llu --seeds 1 --verbose\n",
                          (unsigned long long)seed);
            failed++;
        }
    (void)printf("%llu passed, %llu failed\n", (unsigned long long)(seeds - failed),
                 (unsigned long long)failed);
    return failed ? 1 : 0;
}
