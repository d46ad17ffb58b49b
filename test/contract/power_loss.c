/* test/contract/power_loss.c - the embedded store on a disk that fails: nothing that was
 * acknowledged is lost, and what is there holds together.
 *
 *     power_loss [--images N] [--sync-errors N] [--disk-full N] [--seed S]
 *
 * Images: the power goes at any write of a life, opening and closing included, and sometimes again
 * while what was left is being recovered. Sync errors: a sync fails and its pages stay clean, the
 * process must end, and the power goes while the next life recovers. Disk full: what was taken on
 * is settled in the room of the reserve. The last line is "N passed, N failed".
 */
#include "disk_model.h"
#include "store/sqlite/offline.h"
#include "store_case.h"
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ACKS_MAX = 4096, IMAGES_A_RUN = 20, GROUPS_MAX = 400, EXIT_IO = 74, RESERVE = 1 << 20 };

/* What somebody was told. */
struct ack {
    int64_t id;
    uint32_t event;
    bool sent; /* its first delivery */
};

/* Shared with children that die. */
struct told {
    _Atomic uint32_t count;
    uint32_t passed, failed;
    struct ack acks[ACKS_MAX];
};

struct life {
    struct store_case *c;
    struct told *told;
    struct rng rng;
    uint32_t app, event;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool done, full;
};

static struct disk_model model;

/* -- directories ------------------------------------------------------------------------------ */

static void make_directory(char *into, size_t size)
{
    struct stat found;
    const char *base = stat("/dev/shm", &found) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(into, size, "%s/bongsu-disk-XXXXXX", base);
    if (!mkdtemp(into))
        abort();
}

static struct store_case *case_in(const char *directory, bool small)
{
    struct store_case *c = case_new(BACKEND_SQLITE);
    (void)rmdir(c->directory);
    must(str_copy(str_of(directory), c->directory, sizeof c->directory));
    if (small) {
        c->config.idem_open_max = 5;
        c->config.lookup_open_max = 7;
        c->config.checkpoint_frames = 4;
        c->config.gate_bytes = 16 * 8192;
    }
    return c;
}

/* Frees it and leaves its directory. */
static void case_forget(struct store_case *c)
{
    make_directory(c->directory, sizeof c->directory);
    case_free(c);
}

/* -- a life ----------------------------------------------------------------------------------- */

static void post(void *self, struct message *message)
{
    struct life *life = self;
    (void)message;
    pthread_mutex_lock(&life->mutex);
    life->done = true;
    pthread_cond_signal(&life->wake);
    pthread_mutex_unlock(&life->mutex);
}

static bool run(struct life *life, struct op **ops, uint32_t count)
{
    struct group group = {
        .done = {post, life}, .ops = ops, .count = count, .arena = life->c->arena};
    life->done = false;
    life->c->store->ops->submit(life->c->store, &group);
    pthread_mutex_lock(&life->mutex);
    while (!life->done)
        pthread_cond_wait(&life->wake, &life->mutex);
    pthread_mutex_unlock(&life->mutex);
    life->c->arena = group.arena;
    life->full = group.full;
    return group.fate == GROUP_COMMITTED;
}

static void tell(struct life *life, struct ack ack)
{
    uint32_t count = atomic_load(&life->told->count);
    must(count < ACKS_MAX);
    life->told->acks[count] = ack;
    atomic_store(&life->told->count, count + 1);
}

static const char *event_name(struct store_case *c, uint32_t event)
{
    return arena_printf(&c->arena, "event-%u%c", event, 0).at;
}

static bool settle(struct life *life, int64_t id, uint32_t event, uint64_t what)
{
    struct store_case *c = life->c;
    struct settle settle = {
        .op.verb = VERB_SETTLE,
        .key = {id, 0},
        .attempt = 1,
        .lane = lane_of(KIND_IOS, PRIORITY_CRITICAL),
        .app = life->app,
        .to = what < 6   ? SETTLE_END
              : what < 8 ? SETTLE_AGAIN
                         : SETTLE_BACK,
        .event = {.at = c->now, .attempt = 1, .began_at = c->now, .provider = STR("apns")},
        .due = wall_add(c->now, span_s(5)),
        .attempts = 1,
    };
    settle.event.state = what < 6 ? STATE_SENT : STATE_QUEUED;
    if (settle.to == SETTLE_AGAIN)
        settle.event.due = settle.due;
    struct op *op = &settle.op;
    if (!run(life, &op, 1))
        return false;
    if (what < 6)
        tell(life, (struct ack){id, event, true});
    return true;
}

/* Some acceptances in one group, sometimes with a sweep, and what becomes of them. */
static bool one_round(struct life *life, bool settles)
{
    struct store_case *c = life->c;
    struct op *ops[8];
    int64_t ids[6];
    uint32_t count = 1 + (uint32_t)rng_below(&life->rng, 6), first = life->event;
    struct sweep sweep = {
        .op.verb = VERB_SWEEP, .now = c->now, .retention = span_s(86400), .rows_max = 20};
    for (uint32_t i = 0; i < count; i++) {
        struct draft draft = {.app = life->app,
                              .place = PLACE_HAND,
                              .deliveries = 2,
                              .event_id = event_name(c, life->event++),
                              .body = "body"};
        struct accept_case *made = case_make_accept(c, &draft);
        ops[i] = &made->accept.op;
        ids[i] = made->notification.id;
    }
    ops[count] = &sweep.op;
    bool good = run(life, ops, count + (rng_below(&life->rng, 2) ? 1 : 0));
    for (uint32_t i = 0; good && i < count; i++)
        tell(life, (struct ack){ids[i], first + i, false});
    for (uint32_t i = 0; good && settles && i < count; i++)
        if (rng_below(&life->rng, 2))
            good = settle(life, ids[i], first + i, rng_below(&life->rng, 10));
    case_later(c, 3);
    arena_reset(&c->arena);
    return good;
}

static struct life life_new(const char *directory, struct told *told, uint64_t seed)
{
    struct life life = {.told = told, .rng = rng_of(seed), .app = 1};
    pthread_mutex_init(&life.mutex, NULL);
    pthread_cond_init(&life.wake, NULL);
    life.c = case_in(directory, seed % 3 != 0);
    atomic_store(&told->count, 0);
    return life;
}

static void life_prepare(struct life *life)
{
    case_open(life->c);
    must(case_app(life->c, "shop") == life->app);
    case_close(life->c);
}

/* -- checking --------------------------------------------------------------------------------- */

static void print_fault(void *self, const char *sentence)
{
    (void)fprintf(stderr, "%s: %s\n", (const char *)self, sentence);
}

/* Each by a look at the rows, which costs little; the last ones by asking the store. */
static void check_rows(const char *directory, const struct told *told, uint32_t count)
{
    char path[MODEL_PATH_MAX + 80];
    sqlite3 *sqlite;
    sqlite3_stmt *row, *sent;
    (void)snprintf(path, sizeof path, "%s/bongsu.db", directory);
    must(sqlite3_open(path, &sqlite) == SQLITE_OK);
    must(sqlite3_prepare_v2(sqlite, "SELECT 1 FROM notification WHERE id=?1", -1, &row, NULL) ==
         SQLITE_OK);
    must(sqlite3_prepare_v2(sqlite, "SELECT 1 FROM event WHERE ntf=?1 AND ord=0 AND facts&15=?2",
                            -1, &sent, NULL) == SQLITE_OK);
    for (uint32_t i = 0; i < count; i++) {
        sqlite3_stmt *stmt = told->acks[i].sent ? sent : row;
        must(sqlite3_bind_int64(stmt, 1, told->acks[i].id) == SQLITE_OK);
        if (told->acks[i].sent)
            must(sqlite3_bind_int64(stmt, 2, STATE_SENT) == SQLITE_OK);
        if (sqlite3_step(stmt) != SQLITE_ROW)
            fail_msg("%s: acknowledgement %u of %u is lost%s", directory, i, count,
                     told->acks[i].sent ? " (sent)" : "");
        (void)sqlite3_reset(stmt);
    }
    (void)sqlite3_finalize(row);
    (void)sqlite3_finalize(sent);
    must(sqlite3_close(sqlite) == SQLITE_OK);
}

static void check_answers(struct store_case *c, const struct told *told, uint32_t count)
{
    for (uint32_t i = count > 6 ? count - 6 : 0; i < count; i++) {
        const struct ack *ack = &told->acks[i];
        struct draft draft = {.app = 1, .event_id = event_name(c, ack->event), .body = "body"};
        struct probe probe = {.op.verb = VERB_PROBE, .idem = case_idem(c, &draft)};
        case_op(c, &probe.op);
        assert_int_equal(probe.result, IDEM_REPLAY);
        assert_int_equal(probe.replay_id, ack->id);
        if (ack->sent)
            assert_int_equal(case_state(c, ack->id, 0), STATE_SENT);
    }
}

static void check_directory(const char *directory, bool small, const struct told *told,
                            uint32_t count)
{
    struct store_case *c = case_in(directory, small);
    const struct offline_watch watch = {.fault = print_fault, .self = c->directory};
    struct why why;
    uint64_t faults = 0;
    c->now.ms += INT64_C(3600000);
    case_open(c);
    check_answers(c, told, count);
    case_close(c);
    check_rows(directory, told, count);
    if (offline_verify(str_of(directory), c->now, &watch, &faults, &why) != OK)
        fail_msg("%s: %s", directory, why.text);
    assert_int_equal(faults, 0);
    case_free(c);
}

/* -- power loss ------------------------------------------------------------------------------- */

struct left {
    char directory[64];
    uint32_t acknowledged;
};

static void plan_images(struct rng *rng, uint32_t count, uint64_t gap)
{
    uint64_t at = 0;
    for (uint32_t i = 0; i < count; i++)
        model.image_at[i] = at += 1 + rng_below(rng, gap);
    model.image_at_count = count;
}

/* Every image in a directory of its own; the model is free again. */
static uint32_t write_images(struct left *left)
{
    uint32_t count = model.image_count;
    for (uint32_t i = 0; i < count; i++) {
        make_directory(left[i].directory, sizeof left[i].directory);
        left[i].acknowledged = model.images[i].acknowledged;
        model_image_write(&model.images[i], left[i].directory);
    }
    disk_model_forget(&model);
    return count;
}

/* Recovers it; now and then the power goes again meanwhile. */
static void check_left(struct rng *rng, struct left *left, bool small, const struct told *told)
{
    struct left again[1];
    if (rng_below(rng, 4) == 0) {
        disk_model_start(&model, left->directory, NULL, rng_next(rng));
        plan_images(rng, 1, 60);
        struct store_case *c = case_in(left->directory, small);
        c->now.ms += INT64_C(3600000);
        case_open(c);
        case_close(c);
        case_forget(c);
        if (write_images(again))
            check_directory(again[0].directory, small, told, left->acknowledged);
    }
    check_directory(left->directory, small, told, left->acknowledged);
}

static uint32_t lose_power(uint64_t seed, uint32_t want, struct told *told)
{
    char directory[64];
    struct left left[IMAGES_A_RUN];
    make_directory(directory, sizeof directory);
    struct life life = life_new(directory, told, seed);
    bool small = seed % 3 != 0;
    life_prepare(&life);
    disk_model_start(&model, directory, NULL, rng_next(&life.rng));
    model.acknowledged = &told->count;
    plan_images(&life.rng, want, 60);
    case_open(life.c);
    for (int i = 0; i < GROUPS_MAX && model.image_count < want; i++)
        must(one_round(&life, true));
    case_close(life.c);
    uint32_t count = write_images(left);
    for (uint32_t i = 0; i < count; i++)
        check_left(&life.rng, &left[i], small, told);
    case_free(life.c);
    return count;
}

/* -- failed syncs ----------------------------------------------------------------------------- */

static void live_until_a_sync_fails(struct life *life, const char *durable)
{
    if (!freopen("/dev/null", "w", stderr))
        _exit(1);
    disk_model_start(&model, life->c->directory, NULL, rng_next(&life->rng));
    model.durable_to = durable;
    model.sync_fails_at = 1 + rng_below(&life->rng, 80);
    case_open(life->c);
    for (int i = 0; i < GROUPS_MAX; i++)
        (void)one_round(life, true);
    _exit(0);
}

/* The next life reads what the cache has; the disk has less, and the power goes once more. */
static uint32_t fail_a_sync(uint64_t seed, uint32_t want, struct told *told)
{
    char directory[64], durable[64];
    struct left left[IMAGES_A_RUN];
    int status;
    (void)want;
    make_directory(directory, sizeof directory);
    make_directory(durable, sizeof durable);
    struct life life = life_new(directory, told, seed);
    bool small = seed % 3 != 0;
    life_prepare(&life);
    pid_t child = fork();
    if (child == 0)
        live_until_a_sync_fails(&life, durable);
    must(child > 0 && waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) == 0)
        fail_msg("seed %llu: it went on after a failed sync", (unsigned long long)seed);
    struct rng rng = rng_of(seed + 1);
    disk_model_start(&model, directory, durable, rng_next(&rng));
    model.acknowledged = &told->count;
    plan_images(&rng, 6, 12);
    life.c->now.ms += INT64_C(1000000);
    case_open(life.c);
    life.c->ids.last = life.c->state.last_id;
    uint32_t told_before = atomic_load(&told->count);
    case_close(life.c);
    disk_model_take(&model);
    uint32_t count = write_images(left);
    for (uint32_t i = 0; i < count; i++) {
        left[i].acknowledged = told_before;
        check_directory(left[i].directory, small, told, told_before);
    }
    check_directory(directory, small, told, told_before);
    case_free(life.c);
    case_remove(durable);
    return 1;
}

/* -- full disk -------------------------------------------------------------------------------- */

static void settle_all(struct life *life)
{
    uint32_t count = atomic_load(&life->told->count);
    for (uint32_t i = 0; i < count; i++) {
        struct ack ack = life->told->acks[i];
        if (!settle(life, ack.id, ack.event, 0) && !settle(life, ack.id, ack.event, 0))
            fail_msg("no room to settle %u of %u", i, count);
    }
}

static uint32_t fill_disk(uint64_t seed, uint32_t want, struct told *told)
{
    char directory[64];
    (void)want;
    make_directory(directory, sizeof directory);
    struct life life = life_new(directory, told, seed);
    life.c->config.reserve_bytes = RESERVE;
    life_prepare(&life);
    disk_model_start(&model, directory, NULL, rng_next(&life.rng));
    case_open(life.c);
    atomic_store(&model.room, RESERVE + 3 * RESERVE / 4 + (int64_t)rng_below(&life.rng, RESERVE));
    int rounds = 0;
    while (one_round(&life, false) && !life.full) /* as the ledger does */
        must(++rounds < GROUPS_MAX * 4);
    assert_true(life.full);
    settle_all(&life);
    atomic_store(&model.room, -1);
    if (!one_round(&life, true) && !one_round(&life, true))
        fail_msg("refused with room on the disk");
    uint32_t count = atomic_load(&told->count);
    case_close(life.c);
    disk_model_forget(&model);
    check_directory(directory, seed % 3 != 0, told, count);
    case_free(life.c);
    return 1;
}

/* -- runs ------------------------------------------------------------------------------------- */

typedef uint32_t campaign(uint64_t seed, uint32_t want, struct told *told);

/* Each run in a process of its own, which says how many images it has looked at. */
static void run_one(campaign *what, uint64_t seed, uint32_t want, struct told *told)
{
    int status;
    told->passed = 0;
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        disk_model_install(&model);
        told->passed = what(seed, want, told);
        _exit(0);
    }
    must(child > 0 && waitpid(child, &status, 0) == child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    told->passed = 0;
    told->failed++;
    (void)fprintf(stderr, "seed %llu: it ended with status %x\n", (unsigned long long)seed,
                  (unsigned)status);
}

static void run_all(campaign *what, uint64_t seed, uint64_t runs, struct told *told,
                    uint64_t *passed)
{
    for (uint64_t done = 0; done < runs; seed++) {
        uint64_t left = runs - done;
        uint32_t before = told->failed;
        run_one(what, seed, left < IMAGES_A_RUN ? (uint32_t)left : IMAGES_A_RUN, told);
        *passed += told->passed;
        done += told->failed > before ? 1 : told->passed;
        must(told->passed || told->failed > before);
    }
}

int main(int argc, char **argv)
{
    uint64_t images = 0, syncs = 0, full = 0, seed = 1, passed = 0;
    const struct {
        const char *name;
        uint64_t *value;
    } options[] = {{"--images", &images},
                   {"--sync-errors", &syncs},
                   {"--disk-full", &full},
                   {"--seed", &seed}};
    for (int i = 1; i < argc; i += 2) {
        size_t k = 0;
        while (k < 4 && strcmp(argv[i], options[k].name) != 0)
            k++;
        if (k == 4 || i + 1 == argc || !str_to_u64(str_of(argv[i + 1]), options[k].value)) {
            (void)fprintf(stderr, "usage: power_loss [--images N] [--sync-errors N] "
                                  "[--disk-full N] [--seed S]\n");
            return 64;
        }
    }
    struct told *told =
        mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(told != MAP_FAILED);
    run_all(lose_power, seed, images, told, &passed);
    run_all(fail_a_sync, seed, syncs, told, &passed);
    run_all(fill_disk, seed, full, told, &passed);
    (void)printf("%llu passed, %u failed\n", (unsigned long long)passed, told->failed);
    return told->failed ? 1 : 0;
}
