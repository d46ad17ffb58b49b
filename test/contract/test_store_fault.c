/* test/contract/test_store_fault.c - the embedded store when the disk fails: no room refuses a
 * group whole and passes by itself; a failed sync ends the process before anything is said. */
#include "failing_vfs.h"
#include "store_case.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_IO = 74, EXIT_SAID = 3 };

struct answer {
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool done;
};

static void post(void *self, struct message *message)
{
    struct answer *answer = self;
    (void)message;
    pthread_mutex_lock(&answer->mutex);
    answer->done = true;
    pthread_cond_signal(&answer->wake);
    pthread_mutex_unlock(&answer->mutex);
}

static enum group_fate run(struct store_case *c, struct op *op)
{
    struct answer answer = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
    struct op *ops[] = {op};
    struct group group = {.done = {post, &answer}, .ops = ops, .count = 1};
    c->store->ops->submit(c->store, &group);
    pthread_mutex_lock(&answer.mutex);
    while (!answer.done)
        pthread_cond_wait(&answer.wake, &answer.mutex);
    pthread_mutex_unlock(&answer.mutex);
    return group.fate;
}

static enum group_fate run_accept(struct store_case *c, const struct draft *draft, int64_t *ret_id)
{
    struct accept_case *made = case_make_accept(c, draft);
    *ret_id = made->notification.id;
    return run(c, &made->accept.op);
}

static struct failing_vfs *install(void)
{
    struct failing_vfs *control = calloc(1, sizeof *control);
    assert_non_null(control);
    failing_vfs_install(control);
    return control;
}

/* The fixture's own store is on the real disk; this one is opened behind the failing one. */
static void a_full_disk_refuses_and_passes(void **state)
{
    struct store_case *c = *state;
    int64_t id, refused = 0;
    case_close(c);
    struct failing_vfs *control = install();
    case_open(c);
    uint32_t app = case_app(c, "shop");
    struct draft draft = {.app = app, .place = PLACE_PENDING, .event_id = "e1", .body = "b"};
    assert_int_equal(run_accept(c, &draft, &id), GROUP_COMMITTED);
    case_close(c); /* the log begins anew: every write is behind its end */
    case_open(c);
    atomic_store(&control->disk_full, true);
    draft.event_id = "e2";
    for (int i = 0; i < 3; i++)
        assert_int_equal(run_accept(c, &draft, &refused), GROUP_REFUSED);
    assert_int_equal(case_state(c, id, 0), STATE_QUEUED); /* reads go on */
    struct probe probe = {.op.verb = VERB_PROBE, .idem = case_idem(c, &draft)};
    case_op(c, &probe.op);
    assert_int_equal(probe.result, IDEM_NEW);
    struct query query = {.type = QUERY_NOTIFICATION, .app = app, .id = refused};
    assert_int_equal(case_ask(c, query)->err, ERR_MISSING);
    atomic_store(&control->disk_full, false);
    assert_int_equal(run_accept(c, &draft, &id), GROUP_COMMITTED);
    assert_int_equal(case_state(c, id, 0), STATE_QUEUED);
    case_close(c);
    case_open(c);
    assert_int_equal(case_depth(c, KIND_IOS, PRIORITY_CRITICAL, app), 2);
}

/* A mark that was refused has not been made: it is known that nothing was sent. */
static void a_refused_mark_leaves_no_doubt(void **state)
{
    struct store_case *c = *state;
    case_close(c);
    struct failing_vfs *control = install();
    case_open(c);
    uint32_t app = case_app(c, "shop");
    struct draft draft = {
        .app = app, .place = PLACE_HAND, .guarantee = GUARANTEE_AT_MOST_ONCE, .deliveries = 500};
    struct mark mark = {.op.verb = VERB_MARK, .key = {case_accept(c, &draft), 0}, .attempt = 1};
    int64_t id = mark.key.notification;
    atomic_store(&control->disk_full, true);
    while (run(c, &mark.op) == GROUP_COMMITTED) /* as many as the log has room for */
        mark.key.ordinal++;
    uint32_t refused = mark.key.ordinal++;
    atomic_store(&control->disk_full, false);
    assert_true(refused < 499);
    assert_int_equal(run(c, &mark.op), GROUP_COMMITTED);
    case_close(c);
    case_open(c);
    assert_int_equal(c->state.cut_off, refused + 1);
    assert_int_equal(case_state(c, id, refused), STATE_QUEUED);
    assert_int_equal(case_state(c, id, refused + 1), STATE_UNKNOWN);
}

/* In the child nothing may be said after the sync failed; in the parent the store opens again. */
static void a_failed_sync_ends_the_process_unsaid(void **state)
{
    struct store_case *c = *state;
    int64_t id;
    int status;
    uint32_t app = case_app(c, "shop");
    struct draft draft = {.app = app, .place = PLACE_PENDING};
    assert_int_equal(run_accept(c, &draft, &id), GROUP_COMMITTED);
    case_close(c);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int64_t unsaid;
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        struct failing_vfs *control = install();
        case_open(c);
        atomic_store(&control->sync_fails, true);
        (void)run_accept(c, &draft, &unsaid);
        _exit(EXIT_SAID);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_IO);
    case_open(c);
    assert_int_equal(case_state(c, id, 0), STATE_QUEUED);
    assert_int_equal(run_accept(c, &draft, &id), GROUP_COMMITTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SQLITE_TEST(a_failed_sync_ends_the_process_unsaid),
        SQLITE_TEST(a_full_disk_refuses_and_passes),
        SQLITE_TEST(a_refused_mark_leaves_no_doubt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
