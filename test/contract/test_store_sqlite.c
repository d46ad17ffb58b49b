/* test/contract/test_store_sqlite.c - what only the embedded store promises: one server at a time,
 * no older program on a newer file, groups whole or not at all, and nothing acknowledged is lost to
 * kill -9. */
#include "base/rng.h"
#include "store_case.h"
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* -- the door --------------------------------------------------------------------------------- */

static void a_second_server_is_told_who_has_the_store(void **state)
{
    struct store_case *c = *state;
    struct why why;
    struct stat directory;
    char pid[32];
    struct store *first = c->store;
    assert_int_equal(case_try_open(c, &why), ERR_CONFLICT);
    (void)snprintf(pid, sizeof pid, "pid %ld", (long)getpid());
    assert_non_null(strstr(why.text, pid));
    c->store = first;
    case_close(c);
    case_open(c); /* and once it is closed there is nobody */
    assert_int_equal(stat(c->directory, &directory), 0);
    assert_int_equal(directory.st_mode & 0777, 0700);
}

static void the_directory_is_made_for_its_owner_alone(void **state)
{
    struct store_case *c = *state;
    struct stat directory;
    struct why why;
    char base[64];
    case_close(c);
    assert_true(str_copy(str_of(c->directory), base, sizeof base));
    (void)snprintf(c->directory, sizeof c->directory, "%s/made", base);
    case_open(c);
    case_close(c);
    assert_int_equal(stat(c->directory, &directory), 0);
    assert_int_equal(directory.st_mode & 0777, 0700);
    case_remove(c->directory);
    (void)snprintf(c->directory, sizeof c->directory, "%s/no/such", base);
    assert_int_equal(case_try_open(c, &why), ERR_IO);
    (void)str_copy(str_of(base), c->directory, sizeof c->directory);
}

static void run_sql(const struct store_case *c, const char *sql)
{
    char path[256];
    sqlite3 *sqlite;
    (void)snprintf(path, sizeof path, "%s/bongsu.db", c->directory);
    assert_int_equal(sqlite3_open(path, &sqlite), SQLITE_OK);
    assert_int_equal(sqlite3_exec(sqlite, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(sqlite), SQLITE_OK);
}

static void a_newer_file_is_refused_and_an_older_one_migrated(void **state)
{
    struct store_case *c = *state;
    struct why why;
    case_close(c);
    run_sql(c, "PRAGMA user_version=1000");
    assert_int_equal(case_try_open(c, &why), ERR_CONFLICT);
    assert_non_null(strstr(why.text, "schema 1000"));
    run_sql(c, "PRAGMA user_version=1; DROP INDEX suppression_age; DROP TABLE steer; "
               "ALTER TABLE event DROP COLUMN route; DROP TABLE follow; "
               "ALTER TABLE hand DROP COLUMN marked");
    case_open(c); /* and an older one is made newer */
}

static void what_is_no_database_is_refused(void **state)
{
    struct store_case *c = *state;
    struct why why;
    char path[256];
    case_close(c);
    (void)snprintf(path, sizeof path, "%s/bongsu.db", c->directory);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 1000; i++)
        (void)fputs("this is no database, it is a text ", file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(case_try_open(c, &why), ERR_CORRUPT);
}

/* -- whole or not at all ---------------------------------------------------------------------- */

struct waiting {
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool done;
};

static void post(void *self, struct message *message)
{
    struct waiting *waiting = self;
    (void)message;
    pthread_mutex_lock(&waiting->mutex);
    waiting->done = true;
    pthread_cond_signal(&waiting->wake);
    pthread_mutex_unlock(&waiting->mutex);
}

static void run_any(struct store_case *c, struct group *group)
{
    struct waiting waiting = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
    group->done = (struct inbox){post, &waiting};
    c->store->ops->submit(c->store, group);
    pthread_mutex_lock(&waiting.mutex);
    while (!waiting.done)
        pthread_cond_wait(&waiting.wake, &waiting.mutex);
    pthread_mutex_unlock(&waiting.mutex);
}

/* The redrive has no room for its answer: everything before it in the group goes with it. */
static void a_refused_group_leaves_nothing(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = {
        .app = app, .place = PLACE_PENDING, .event_id = "e1", .body = "b", .deliveries = 3};
    struct ids before = c->ids;
    struct accept_case *made = case_make_accept(c, &draft);
    struct redrive redrive = {
        .op.verb = VERB_REDRIVE, .filter = {.app = app}, .now = c->now, .due = c->now};
    struct sweep sweep = {
        .op.verb = VERB_SWEEP, .now = c->now, .retention = span_s(1), .rows_max = 10};
    struct op *ops[] = {&made->accept.op, &sweep.op, &redrive.op};
    for (int i = 0; i < 20; i++) {
        struct group group = {.ops = ops, .count = 3};
        arena_init(&group.arena, 16);
        run_any(c, &group);
        assert_int_equal(group.fate, GROUP_REFUSED);
        assert_true(strlen(group.why.text) > 0);
        arena_done(&group.arena);
    }
    struct probe probe = {.op.verb = VERB_PROBE, .idem = case_idem(c, &draft)};
    case_op(c, &probe.op);
    assert_int_equal(probe.result, IDEM_NEW);
    assert_int_equal(case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 9)->count, 0);
    case_op(c, &made->accept.op); /* and may be run again, with the same id */
    assert_int_equal(made->accept.result, IDEM_NEW);
    case_close(c);
    c->ids = before;
    case_open(c);
    assert_int_equal(case_depth(c, KIND_IOS, PRIORITY_CRITICAL, app), 3);
    case_op(c, &probe.op);
    assert_int_equal(probe.result, IDEM_REPLAY);
}

static void too_many_waiting_reads_are_told_so(void **state)
{
    struct store_case *c = *state;
    case_close(c);
    c->config.reads_max = 0;
    case_open(c);
    struct query *got = case_ask(c, (struct query){.type = QUERY_APPS});
    assert_int_equal(got->err, ERR_FULL);
    case_close(c);
    c->config = sqlite_config_default();
    c->config.wal_bytes_max = 0;
    case_open(c);
    case_app(c, "shop");
    got = case_ask(c, (struct query){.type = QUERY_APPS});
    assert_int_equal(got->err, ERR_FULL);
    case_close(c);
    c->config = sqlite_config_default();
    case_open(c);
    assert_int_equal(case_get(c, (struct query){.type = QUERY_APPS})->count, 1);
}

/* A read that is asked again as soon as it is answered. */
struct busy_read {
    struct query query;
    _Atomic bool answered;
};

static void read_answered(void *self, struct message *message)
{
    struct busy_read *busy = self;
    (void)message;
    atomic_store(&busy->answered, true);
}

static void keep_busy(struct store_case *c, struct busy_read *busy, int64_t id)
{
    if (!atomic_load(&busy->answered))
        return;
    arena_done(&busy->query.arena);
    busy->query = (struct query){
        .type = QUERY_NOTIFICATION, .id = id, .any_mode = true, .done = {read_answered, busy}};
    arena_init(&busy->query.arena, 1024 * 1024);
    atomic_store(&busy->answered, false);
    c->store->ops->read(c->store, &busy->query);
}

/* Two readers that are always in a transaction: only the gate lets the log be reset. */
static void the_log_stays_short_under_reads(void **state)
{
    struct store_case *c = *state;
    struct store_metrics metrics;
    struct busy_read busy[4] = {
        {.answered = true}, {.answered = true}, {.answered = true}, {.answered = true}};
    case_close(c);
    c->config.checkpoint_frames = 8;
    c->config.gate_bytes = 8 * 8192;
    c->config.readers = 2;
    case_open(c);
    uint32_t app = case_app(c, "shop");
    struct draft many = {.app = app, .place = PLACE_PENDING, .deliveries = 2000};
    int64_t id = case_accept(c, &many);
    uint64_t longest = 0;
    for (int i = 0; i < 300; i++) {
        struct draft draft = {.app = app, .place = PLACE_PENDING};
        for (size_t k = 0; k < 4; k++)
            keep_busy(c, &busy[k], id);
        case_accept(c, &draft);
        c->store->ops->measure(c->store, &metrics);
        if (i > 20)
            longest = metrics.wal_bytes > longest ? metrics.wal_bytes : longest;
    }
    case_close(c); /* answers what waits */
    for (size_t k = 0; k < 4; k++) {
        assert_int_equal(busy[k].query.err, OK);
        assert_int_equal(busy[k].query.notifications->counts[STATE_QUEUED], 2000);
        arena_done(&busy[k].query.arena);
    }
    assert_true(metrics.checkpoints > 5);
    assert_in_range(longest, 8192, 400 * 8192);
}

/* -- kill -9 ---------------------------------------------------------------------------------- */

enum { ROUNDS = 20, ACKS_MAX = 20000, BATCH = 5 };

/* What the child says once a group is durable. */
struct ack {
    int64_t id;
    uint32_t event;
    uint32_t settled; /* how many of this event's deliveries (two) have ended */
};

struct child {
    struct store_case *c;
    uint32_t app, event;
    int pipe;
};

static void tell(const struct child *child, struct ack ack)
{
    if (write(child->pipe, &ack, sizeof ack) != sizeof ack)
        _exit(1);
}

static struct draft crash_draft(struct store_case *c, uint32_t app, uint32_t event)
{
    return (struct draft){.app = app,
                          .place = PLACE_HAND,
                          .deliveries = 2,
                          .event_id = arena_printf(&c->arena, "event-%u%c", event, 0).at,
                          .body = "body"};
}

static void one_batch(struct child *child)
{
    struct store_case *c = child->c;
    struct op *ops[BATCH + 1];
    int64_t ids[BATCH];
    struct sweep sweep = {
        .op.verb = VERB_SWEEP, .now = c->now, .retention = span_s(86400), .rows_max = 20};
    for (int i = 0; i < BATCH; i++) {
        struct draft draft = crash_draft(c, child->app, child->event + (uint32_t)i);
        struct accept_case *made = case_make_accept(c, &draft);
        ops[i] = &made->accept.op;
        ids[i] = made->notification.id;
    }
    ops[BATCH] = &sweep.op;
    case_run(c, ops, BATCH + 1);
    for (int i = 0; i < BATCH; i++)
        tell(child, (struct ack){ids[i], child->event + (uint32_t)i, 0});
    for (int i = 0; i < BATCH; i++) {
        case_settle(c, child->app, (struct delivery_key){ids[i], 0}, 1, STATE_SENT);
        tell(child, (struct ack){ids[i], child->event + (uint32_t)i, 1});
    }
    child->event += BATCH;
    case_later(c, 1);
    arena_reset(&c->arena);
}

static pid_t start_child(struct store_case *c, uint32_t app, uint32_t event, int *ret_pipe)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct child child = {c, app, event, ends[1]};
        close(ends[0]);
        case_open(c);
        for (;;)
            one_batch(&child);
    }
    close(ends[1]);
    *ret_pipe = ends[0];
    return pid;
}

/* Reads what was acknowledged; kills the child after `count` of them. */
static uint32_t read_acks(int pipe_end, pid_t child, uint32_t count, struct ack *acks,
                          uint32_t have)
{
    struct ack ack;
    uint32_t read_now = 0;
    while (read(pipe_end, &ack, sizeof ack) == sizeof ack) {
        assert_true(have < ACKS_MAX);
        acks[have++] = ack;
        if (++read_now == count)
            assert_int_equal(kill(child, SIGKILL), 0);
    }
    close(pipe_end);
    return have;
}

static void check_ack(struct store_case *c, uint32_t app, const struct ack *ack)
{
    struct draft draft = crash_draft(c, app, ack->event);
    struct probe probe = {.op.verb = VERB_PROBE, .idem = case_idem(c, &draft)};
    case_op(c, &probe.op);
    assert_int_equal(probe.result, IDEM_REPLAY);
    assert_int_equal(probe.replay_id, ack->id);
    assert_int_equal(probe.replay_deliveries, 2);
    if (ack->settled)
        assert_int_equal(case_state(c, ack->id, 0), STATE_SENT);
    else
        assert_int_equal(case_state(c, ack->id, 1), STATE_QUEUED);
}

static void nothing_acknowledged_is_lost_to_kill_9(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop"), have = 0, checked = 0, event = 0;
    struct ack *acks = calloc(ACKS_MAX, sizeof *acks);
    struct rng rng = rng_of(3);
    assert_non_null(acks);
    case_close(c);
    for (int round = 0; round < ROUNDS; round++) {
        int pipe_end, status;
        pid_t child = start_child(c, app, event, &pipe_end);
        have = read_acks(pipe_end, child, 1 + (uint32_t)rng_below(&rng, 120), acks, have);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        event = have ? acks[have - 1].event + 2 * BATCH : 0;
        case_open(c);
        for (; checked < have; checked++)
            check_ack(c, app, &acks[checked]);
        c->now.ms = id_time(c->ids.last).ms + 10;
        case_close(c);
        arena_reset(&c->arena);
    }
    case_open(c);
    uint32_t depth = 0;
    for (uint32_t i = 0; i < c->state.depth_count; i++)
        depth += c->state.depths[i].depth;
    uint32_t rows = 0;
    for (struct claim *claim; (claim = case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 200))->count;
         arena_reset(&c->arena))
        rows += claim->count;
    assert_int_equal(rows, depth);
    assert_true(rows >= have / 2);
    free(acks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SQLITE_TEST(a_second_server_is_told_who_has_the_store),
        SQLITE_TEST(the_directory_is_made_for_its_owner_alone),
        SQLITE_TEST(a_newer_file_is_refused_and_an_older_one_migrated),
        SQLITE_TEST(what_is_no_database_is_refused),
        SQLITE_TEST(a_refused_group_leaves_nothing),
        SQLITE_TEST(too_many_waiting_reads_are_told_so),
        SQLITE_TEST(the_log_stays_short_under_reads),
        SQLITE_TEST(nothing_acknowledged_is_lost_to_kill_9),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
