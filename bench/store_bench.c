/* bench/store_bench.c - what one notification costs in the embedded store.
 *
 * A lifecycle: accepted straight into hand (event id on, 100-byte payload), then settled as sent;
 * in groups of 200, each carrying the outcomes of the group before. Prints one JSON object: CPU of
 * the whole process and wall time a lifecycle, bytes on disk a notification, commits. A benchmark
 * is no test: nothing fails by the clock.
 *
 *   store_bench DIRECTORY [LIFECYCLES [PENDING]]    DIRECTORY must not exist yet
 */
#include "base/rng.h"
#include "store/sqlite/sqlite_store.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { GROUP = 200, SWEEP_EVERY = 10, APPS = 20 };

/* -- a waiting inbox -------------------------------------------------------------------------- */

struct waiter {
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct message *done;
};

static void waiter_post(void *self, struct message *message)
{
    struct waiter *waiter = self;
    pthread_mutex_lock(&waiter->mutex);
    waiter->done = message;
    pthread_cond_signal(&waiter->wake);
    pthread_mutex_unlock(&waiter->mutex);
}

static void wait_done(struct waiter *waiter)
{
    pthread_mutex_lock(&waiter->mutex);
    while (!waiter->done)
        pthread_cond_wait(&waiter->wake, &waiter->mutex);
    waiter->done = NULL;
    pthread_mutex_unlock(&waiter->mutex);
}

/* -- the load --------------------------------------------------------------------------------- */

struct item {
    struct notification notification;
    struct delivery delivery;
    unsigned char place;
    char event_id[32], user_id[16], device[24], token[65], request[512];
    struct accept accept;
    struct settle settle;
    char message_id[40];
};

struct bench {
    struct store *store;
    struct waiter waiter;
    struct rng rng;
    struct ids ids;
    struct wall now;
    uint64_t made, groups;
    struct item items[2][GROUP];
    struct op *ops[2 * GROUP + 1];
    struct sweep sweep;
};

static void make_item(struct bench *bench, struct item *item, bool pending)
{
    uint64_t n = bench->made++, user = rng_below(&bench->rng, 1000000) + 1;
    uint32_t app = (uint32_t)(n % APPS) + 1;
    int len = snprintf(item->event_id, sizeof item->event_id, "order-%llu", (unsigned long long)n);
    struct str event_id = {item->event_id, (size_t)len};
    len = snprintf(item->user_id, sizeof item->user_id, "u%llu", (unsigned long long)user);
    struct str user_id = {item->user_id, (size_t)len};
    for (int i = 0; i < 4; i++)
        (void)snprintf(item->token + i * 16, 17, "%016llx",
                       (unsigned long long)rng_next(&bench->rng));
    (void)snprintf(item->message_id, sizeof item->message_id, "%016llx-%016llx",
                   (unsigned long long)rng_next(&bench->rng), (unsigned long long)n);
    len = snprintf(item->request, sizeof item->request,
                   "{\"to\":[{\"user_id\":\"%s\"}],\"data\":{\"payload\":\"%0100llu\"}}",
                   item->user_id, (unsigned long long)n);
    item->notification = (struct notification){
        .id = ids_mint(&bench->ids, bench->now),
        .app = app,
        .priority = PRIORITY_NORMAL,
        .expires_at = wall_add(bench->now, span_s(86400)),
        .category = STR("default"),
        .template_name = STR("order_shipped"),
        .template_version = 3,
        .event_id = event_id,
        .request = {item->request, (size_t)len},
        .delivery_count = 1,
    };
    item->delivery = (struct delivery){
        .user = (int64_t)user,
        .user_id = user_id,
        .kind = KIND_IOS,
        .device_id = STR("phone"),
        .address = {item->token, 64},
        .bundle_id = STR("com.example.shop"),
        .state = STATE_QUEUED,
    };
    item->place = pending ? PLACE_PENDING : PLACE_HAND;
    item->accept = (struct accept){
        .op.verb = VERB_ACCEPT,
        .idem = {.present = true, .app = app, .now = bench->now},
        .notification = &item->notification,
        .deliveries = &item->delivery,
        .places = &item->place,
        .now = bench->now,
    };
    for (size_t i = 0; i < IDEM_KEY_SIZE; i++)
        item->accept.idem.key[i] = (unsigned char)rng_next(&bench->rng);
    item->settle = (struct settle){
        .op.verb = VERB_SETTLE,
        .key = {item->notification.id, 0},
        .attempt = 1,
        .lane = lane_of(KIND_IOS, PRIORITY_NORMAL),
        .app = app,
        .to = SETTLE_END,
        .event = {.at = wall_add(bench->now, span_ms(80)),
                  .state = STATE_SENT,
                  .attempt = 1,
                  .began_at = wall_add(bench->now, span_ms(10)),
                  .provider = STR("apns-main"),
                  .code = STR("200"),
                  .message_id = {item->message_id, 33}},
    };
}

static void run_group(struct bench *bench, uint32_t count)
{
    struct group group = {.done = {waiter_post, &bench->waiter}, .ops = bench->ops, .count = count};
    arena_init(&group.arena, 1024 * 1024);
    bench->store->ops->submit(bench->store, &group);
    wait_done(&bench->waiter);
    if (group.fate != GROUP_COMMITTED) {
        (void)fprintf(stderr, "refused: %s\n", group.why.text);
        exit(1);
    }
    arena_done(&group.arena);
    bench->groups++;
}

static uint32_t add_sweep(struct bench *bench, uint32_t count)
{
    if (bench->groups % SWEEP_EVERY != 0)
        return count;
    bench->sweep = (struct sweep){
        .op.verb = VERB_SWEEP, .now = bench->now, .retention = span_s(30 * 86400), .rows_max = 200};
    bench->ops[count] = &bench->sweep.op;
    return count + 1;
}

static void lifecycles(struct bench *bench, uint64_t count)
{
    uint64_t groups = count / GROUP;
    for (uint64_t at = 0; at <= groups; at++) {
        struct item *fresh = bench->items[at % 2], *sent = bench->items[1 - at % 2];
        uint32_t ops = 0;
        bench->now.ms += 5;
        for (int i = 0; i < GROUP && at > 0; i++)
            bench->ops[ops++] = &sent[i].settle.op;
        for (int i = 0; i < GROUP && at < groups; i++) {
            make_item(bench, &fresh[i], false);
            bench->ops[ops++] = &fresh[i].accept.op;
        }
        run_group(bench, add_sweep(bench, ops));
    }
}

static void preload(struct bench *bench, uint64_t count)
{
    for (uint64_t at = 0; at < count; at += GROUP) {
        bench->now.ms += 5;
        for (int i = 0; i < GROUP; i++) {
            make_item(bench, &bench->items[0][i], true);
            bench->ops[i] = &bench->items[0][i].accept.op;
        }
        run_group(bench, add_sweep(bench, GROUP));
    }
}

/* -- measuring -------------------------------------------------------------------------------- */

struct cpu {
    double user, system; /* microseconds */
};

static struct cpu cpu_us(void)
{
    struct rusage usage;
    must(getrusage(RUSAGE_SELF, &usage) == 0);
    return (struct cpu){(double)usage.ru_utime.tv_sec * 1e6 + (double)usage.ru_utime.tv_usec,
                        (double)usage.ru_stime.tv_sec * 1e6 + (double)usage.ru_stime.tv_usec};
}

static double wall_us(void)
{
    struct timespec at;
    must(clock_gettime(CLOCK_MONOTONIC, &at) == 0);
    return (double)at.tv_sec * 1e6 + (double)at.tv_nsec / 1e3;
}

static double file_bytes(const char *directory, const char *name)
{
    char path[4096];
    struct stat file;
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    return stat(path, &file) == 0 ? (double)file.st_size : 0;
}

static void fill(void *self, void *at, size_t len)
{
    memset(at, 7, len);
    (void)self;
}

/* From the call to a store that serves; the last life left its groups committed. */
static double open_us(struct bench *bench, const char *directory)
{
    struct entropy entropy = {fill, NULL};
    struct sqlite_config config = sqlite_config_default();
    struct store_state state;
    struct arena arena;
    struct why why;
    arena_init(&arena, 1 << 20);
    double began = wall_us();
    if (sqlite_store_open(str_of(directory), &config, bench->now, &entropy, &arena, &state,
                          &bench->store, &why) != OK) {
        (void)fprintf(stderr, "%s\n", why.text);
        exit(74);
    }
    began = wall_us() - began;
    arena_done(&arena);
    return began;
}

/* What the generator itself costs is measured without the store and taken off. */
static double generator_us(struct bench *bench, uint64_t count)
{
    double began = cpu_us().user;
    for (uint64_t i = 0; i < count; i++)
        make_item(bench, &bench->items[0][i % GROUP], false);
    return (cpu_us().user - began) / (double)count;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 64;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
    uint64_t pending = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
    struct bench *bench = calloc(1, sizeof *bench);
    must(bench && pthread_mutex_init(&bench->waiter.mutex, NULL) == 0 &&
         pthread_cond_init(&bench->waiter.wake, NULL) == 0);
    bench->rng = rng_of(1);
    bench->now.ms = INT64_C(1790000000000);
    double generator = generator_us(bench, 200000);
    (void)open_us(bench, argv[1]);
    double filled = wall_us();
    preload(bench, pending);
    filled = wall_us() - filled;
    double before = file_bytes(argv[1], "bongsu.db");
    struct cpu cpu = cpu_us();
    double wall = wall_us();
    lifecycles(bench, count);
    struct cpu done = cpu_us();
    double user = (done.user - cpu.user) / (double)count - generator;
    double system = (done.system - cpu.system) / (double)count;
    wall = wall_us() - wall;
    struct store_metrics metrics;
    bench->store->ops->measure(bench->store, &metrics);
    struct rusage usage;
    must(getrusage(RUSAGE_SELF, &usage) == 0);
    bench->store->ops->close(bench->store);
    double after = file_bytes(argv[1], "bongsu.db");
    double reopened = open_us(bench, argv[1]);
    bench->store->ops->close(bench->store);
    printf(
        "{\"scenario\":\"store_lifecycle\",\"lifecycles\":%llu,\"pending\":%llu,"
        "\"cpu_us\":%.2f,\"user_us\":%.2f,\"system_us\":%.2f,\"wall_us\":%.2f,\"bytes\":%.0f,\"preload_us\":%.2f,"
        "\"commit_mean_us\":%.0f,\"commit_max_us\":%lld,\"checkpoints\":%llu,"
        "\"checkpoint_mean_us\":%.0f,\"checkpoint_max_us\":%lld,\"index_bytes\":%llu,"
        "\"open_us\":%.0f,\"resident_kib\":%ld}\n",
        (unsigned long long)count, (unsigned long long)pending, user + system, user, system,
        wall / (double)count, (after - before) / (double)count,
        pending ? filled / (double)pending : 0,
        (double)metrics.commit_total.us / (double)metrics.groups, (long long)metrics.commit_max.us,
        (unsigned long long)metrics.checkpoints,
        metrics.checkpoints ? (double)metrics.checkpoint_total.us / (double)metrics.checkpoints : 0,
        (long long)metrics.checkpoint_max.us, (unsigned long long)metrics.index_bytes, reopened,
        usage.ru_maxrss);
    free(bench);
    return 0;
}
