/* test/contract/test_store_offline.c - what an operator does to a store: verify, migrate, back up.
 */
#include "base/rng.h"
#include "store/sqlite/offline.h"
#include "store_case.h"
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* -- some of everything ----------------------------------------------------------------------- */

static void fill(struct store_case *c, uint32_t app)
{
    struct rng rng = rng_of(11);
    int64_t user = case_user(c, app, "u1");
    case_device(c, app, "u1", "d1", "token-1");
    for (int i = 0; i < 60; i++) {
        char event[32];
        (void)snprintf(event, sizeof event, "event-%d", i);
        struct draft draft = {.app = app,
                              .user = i % 3 ? user : 0,
                              .user_id = i % 3 ? "u1" : NULL,
                              .deliveries = 1 + (uint32_t)rng_below(&rng, 3),
                              .event_id = i % 2 ? event : NULL,
                              .body = "b",
                              .place = i % 4 ? PLACE_HAND : PLACE_PENDING};
        struct delivery_key key = {case_accept(c, &draft), 0};
        case_later(c, 10);
        if (i % 4 == 1)
            case_settle(c, app, key, 1, i % 8 == 1 ? STATE_DEAD : STATE_SENT);
        if (i % 4 == 2)
            case_again(c, app, key, 1, wall_add(c->now, span_s(5)), 1);
        if (i % 4 == 3)
            case_back(c, app, key, 1, wall_add(c->now, span_s(7)));
        if (i % 8 == 5)
            assert_true(case_receipt(c, key, STATE_DELIVERED));
    }
    (void)case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 5);
}

struct found {
    uint64_t faults;
    char all[16384];
    size_t len;
};

static void note(void *self, const char *sentence)
{
    struct found *found = self;
    int len = snprintf(found->all + found->len, sizeof found->all - found->len, "%s\n", sentence);
    if (len > 0 && (size_t)len < sizeof found->all - found->len)
        found->len += (size_t)len;
}

static struct found verify(struct store_case *c)
{
    struct found found = {0};
    const struct offline_watch watch = {.fault = note, .self = &found};
    struct why why;
    if (offline_verify(str_of(c->directory), c->now, &watch, &found.faults, &why) != OK)
        fail_msg("%s", why.text);
    return found;
}

/* -- verify ----------------------------------------------------------------------------------- */

static void a_good_store_has_no_faults(void **state)
{
    struct store_case *c = *state;
    fill(c, case_app(c, "shop"));
    case_close(c);
    struct found found = verify(c);
    if (found.faults)
        fail_msg("%s", found.all);
    case_open(c); /* recovery puts back what was in hand */
    case_sweep(c, span_s(3600));
    case_close(c);
    found = verify(c);
    if (found.faults)
        fail_msg("after recovery: %s", found.all);
}

static void run_sql(const struct store_case *c, const char *sql)
{
    char path[256];
    sqlite3 *sqlite;
    (void)snprintf(path, sizeof path, "%s/bongsu.db", c->directory);
    assert_int_equal(sqlite3_open(path, &sqlite), SQLITE_OK);
    int code = sqlite3_exec(sqlite, sql, NULL, NULL, NULL);
    if (code != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(sqlite));
    assert_true(sqlite3_total_changes(sqlite) > 0);
    assert_int_equal(sqlite3_close(sqlite), SQLITE_OK);
}

static void each_thing_that_does_not_hold_is_named(void **state)
{
    static const struct {
        const char *sql, *says;
    } rows[] = {
        {"DELETE FROM pending WHERE (place,due,ntf,ord)="
         "(SELECT place,due,ntf,ord FROM pending LIMIT 1)",
         "depth"},
        {"DELETE FROM event WHERE (ntf,ord) IN (SELECT ntf,ord FROM event WHERE seq=1) AND seq=0",
         "event 0 is missing"},
        {"UPDATE event SET facts=5 WHERE seq=0 AND facts&15=3", "says opened after queued"},
        {"INSERT INTO hand(ntf,ord,place,attempt,seq) SELECT ntf,ord,place,1,seq FROM pending "
         "LIMIT 1",
         "pending has"},
        {"UPDATE depth SET count=count+1", "depth"},
        {"DELETE FROM notification WHERE id=(SELECT max(ntf) FROM event)", "has events"},
        {"DELETE FROM delivery WHERE (ntf,ord)=(SELECT ntf,ord FROM delivery LIMIT 1)",
         "it is not there"},
        {"DELETE FROM pair_log; DELETE FROM run", "is not in the list"},
        {"UPDATE notification SET idem=randomblob(32) WHERE idem IS NOT NULL",
         "does not lead to it"},
        {"INSERT INTO dead(ntf,ord,app,mode,channel,place,at) SELECT ntf,ord,1,0,0,place,0 FROM "
         "pending LIMIT 1",
         "it is a dead letter, and queued"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct store_case *c = case_new(BACKEND_SQLITE);
        case_open(c);
        fill(c, case_app(c, "shop"));
        case_close(c);
        run_sql(c, rows[i].sql);
        struct found found = {0};
        const struct offline_watch watch = {.fault = note, .self = &found};
        struct why why;
        assert_int_equal(offline_verify(str_of(c->directory), c->now, &watch, &found.faults, &why),
                         OK);
        if (!found.faults || !strstr(found.all, rows[i].says))
            fail_msg("row %zu: %llu faults: %s", i, (unsigned long long)found.faults, found.all);
        case_free(c);
    }
}

static void a_torn_page_is_named(void **state)
{
    struct store_case *c = *state;
    char path[256];
    fill(c, case_app(c, "shop"));
    case_close(c);
    (void)snprintf(path, sizeof path, "%s/bongsu.db", c->directory);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    const char rubbish[64] = "this was written by somebody else";
    assert_int_equal(pwrite(fd, rubbish, sizeof rubbish, 8192 * 4), sizeof rubbish);
    close(fd);
    struct found found = {0};
    const struct offline_watch watch = {.fault = note, .self = &found};
    struct why why;
    enum err err = offline_verify(str_of(c->directory), c->now, &watch, &found.faults, &why);
    assert_true(err == ERR_CORRUPT || found.faults > 0);
}

static void an_open_store_is_left_alone(void **state)
{
    struct store_case *c = *state;
    struct found found = {0};
    const struct offline_watch watch = {.fault = note, .self = &found};
    struct why why;
    uint32_t from, to;
    char pid[32];
    (void)snprintf(pid, sizeof pid, "pid %ld", (long)getpid());
    assert_int_equal(offline_verify(str_of(c->directory), c->now, &watch, &found.faults, &why),
                     ERR_CONFLICT);
    assert_non_null(strstr(why.text, pid));
    assert_int_equal(offline_migrate(str_of(c->directory), &from, &to, &why), ERR_CONFLICT);
    assert_int_equal(offline_migrate(STR("/no/such/store"), &from, &to, &why), ERR_MISSING);
}

static void migrating_says_from_where_to_where(void **state)
{
    struct store_case *c = *state;
    struct why why;
    uint32_t from, last;
    case_close(c);
    assert_int_equal(offline_migrate(str_of(c->directory), &from, &last, &why), OK);
    assert_int_equal(from, last);
    run_sql(c, "INSERT INTO meta VALUES('x',1); PRAGMA user_version=1; DROP INDEX suppression_age");
    struct found found = {0};
    const struct offline_watch watch = {.fault = note, .self = &found};
    assert_int_equal(offline_verify(str_of(c->directory), c->now, &watch, &found.faults, &why),
                     ERR_CONFLICT);
    assert_non_null(strstr(why.text, "migrate"));
}

/* -- backup ----------------------------------------------------------------------------------- */

static struct store_look wait_for_backup(struct store_case *c)
{
    struct store_look look;
    do {
        struct probe probe = {.op.verb = VERB_PROBE};
        case_op(c, &probe.op); /* each group is followed by a step */
        c->store->ops->look(c->store, &look);
    } while (look.backup == BACKUP_RUNNING);
    return look;
}

/* Opens the file as a store of its own. */
static struct store_case *restore(const struct store_case *c, const char *file)
{
    struct store_case *other = case_new(BACKEND_SQLITE);
    char path[256];
    (void)snprintf(path, sizeof path, "%s/bongsu.db", other->directory);
    assert_int_equal(rename(file, path), 0);
    other->now = c->now;
    return other;
}

static void a_backup_made_under_load_is_whole_and_unconfirmed(void **state)
{
    struct store_case *c = *state;
    struct why why;
    struct stat found;
    char file[256], beside[300];
    uint32_t app = case_app(c, "shop");
    fill(c, app);
    (void)snprintf(file, sizeof file, "%s-backup.db", c->directory);
    assert_int_equal(c->store->ops->backup(c->store, str_of(file), &why), OK);
    assert_int_equal(c->store->ops->backup(c->store, str_of(file), &why), ERR_CONFLICT);
    struct draft draft = {.app = app, .place = PLACE_PENDING};
    for (int i = 0; i < 20; i++) {
        (void)case_accept(c, &draft);
        case_later(c, 1);
    }
    struct store_look look = wait_for_backup(c);
    if (look.backup != BACKUP_DONE)
        fail_msg("%s", look.why.text);
    assert_int_equal(look.pages, look.pages_done);
    assert_int_equal(stat(file, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
    (void)snprintf(beside, sizeof beside, "%s-wal", file);
    assert_int_not_equal(stat(beside, &found), 0);
    (void)snprintf(beside, sizeof beside, "%s-journal", file);
    assert_int_not_equal(stat(beside, &found), 0);

    struct store_case *other = restore(c, file);
    struct found faults = verify(other);
    if (faults.faults)
        fail_msg("%s", faults.all);
    case_open(other);
    assert_true(other->state.unconfirmed);
    assert_non_null(strstr(other->state.copied.text, "backup"));
    case_free(other);
}

static void a_file_that_is_there_is_never_overwritten(void **state)
{
    struct store_case *c = *state;
    struct why why;
    char file[256], byte = 0;
    (void)snprintf(file, sizeof file, "%s-there", c->directory);
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "x", 1), 1);
    assert_int_equal(c->store->ops->backup(c->store, str_of(file), &why), OK);
    struct store_look look = wait_for_backup(c);
    assert_int_equal(look.backup, BACKUP_FAILED);
    assert_non_null(strstr(look.why.text, "exists"));
    assert_int_equal(pread(fd, &byte, 1, 0), 1);
    assert_int_equal(byte, 'x');
    close(fd);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(c->store->ops->backup(c->store, STR("relative.db"), &why), ERR_INPUT);
    assert_int_equal(c->store->ops->backup(c->store, STR("/no/such/place.db"), &why), OK);
    assert_int_equal(wait_for_backup(c).backup, BACKUP_FAILED);
}

static void a_closed_store_is_backed_up_and_confirmed_without_a_server(void **state)
{
    struct store_case *c = *state;
    const struct entropy entropy = {case_entropy, NULL};
    struct why why;
    char file[256];
    bool was = false;
    fill(c, case_app(c, "shop"));
    (void)snprintf(file, sizeof file, "%s-offline.db", c->directory);
    assert_int_equal(offline_backup(str_of(c->directory), str_of(file), &why), ERR_CONFLICT);
    case_close(c);
    assert_int_equal(offline_backup(str_of(c->directory), str_of(file), &why), OK);
    assert_int_equal(offline_confirm(str_of(c->directory), &entropy, &was, &why), OK);
    assert_false(was);
    struct store_case *other = restore(c, file);
    case_open(other);
    assert_true(other->state.unconfirmed);
    case_close(other);
    assert_int_equal(offline_confirm(str_of(other->directory), &entropy, &was, &why), OK);
    assert_true(was);
    case_open(other);
    assert_false(other->state.unconfirmed);
    case_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SQLITE_TEST(a_good_store_has_no_faults),
        cmocka_unit_test(each_thing_that_does_not_hold_is_named),
        SQLITE_TEST(a_torn_page_is_named),
        SQLITE_TEST(an_open_store_is_left_alone),
        SQLITE_TEST(migrating_says_from_where_to_where),
        SQLITE_TEST(a_backup_made_under_load_is_whole_and_unconfirmed),
        SQLITE_TEST(a_file_that_is_there_is_never_overwritten),
        SQLITE_TEST(a_closed_store_is_backed_up_and_confirmed_without_a_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
