/* test/contract/test_store_epoch.c - a store that is a copy, or was put back, says so until
 * somebody confirms it; one that was restarted or moved does not. */
#include "store/sqlite/identity.h"
#include "store_case.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const files[] = {"bongsu.db", "bongsu.db-wal", "bongsu.epoch"};

static void copy_file(const char *from_directory, const char *to_directory, const char *name)
{
    char from[512], to[512], bytes[65536];
    (void)snprintf(from, sizeof from, "%s/%s", from_directory, name);
    (void)snprintf(to, sizeof to, "%s/%s", to_directory, name);
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return;
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(out >= 0);
    for (ssize_t got; (got = read(in, bytes, sizeof bytes)) > 0;)
        assert_int_equal(write(out, bytes, (size_t)got), got);
    close(in);
    close(out);
}

static void copy_all(const char *from, const char *to)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        copy_file(from, to, files[i]);
}

/* A directory beside the case's own, empty. */
struct other {
    char path[160];
};

static struct other other_directory(const struct store_case *c, const char *name)
{
    struct other other;
    (void)snprintf(other.path, sizeof other.path, "%s-%s", c->directory, name);
    assert_int_equal(mkdir(other.path, 0700), 0);
    return other;
}

/* The case goes on in another directory; the old one is removed. */
static void move_to(struct store_case *c, const struct other *other)
{
    case_remove(c->directory);
    assert_true(str_copy(str_of(other->path), c->directory, sizeof c->directory));
}

static void accept_one(struct store_case *c)
{
    struct draft draft = {.app = 1, .place = PLACE_PENDING};
    (void)case_accept(c, &draft);
    case_later(c, 5);
}

/* Opens, and closes cleanly; is it unconfirmed, and why? */
static bool is_unconfirmed(struct store_case *c, const char *why)
{
    case_open(c);
    bool unconfirmed = c->state.unconfirmed;
    if (unconfirmed && !strstr(c->state.copied.text, why))
        fail_msg("\"%s\" instead of \"%s\"", c->state.copied.text, why);
    case_close(c);
    return unconfirmed;
}

static void confirm(struct store_case *c, bool was)
{
    struct confirm confirm = {.op.verb = VERB_CONFIRM};
    case_open(c);
    case_op(c, &confirm.op);
    assert_int_equal(confirm.was, was);
    case_close(c);
}

static void a_store_that_is_itself_is_known(void **state)
{
    struct store_case *c = *state;
    assert_false(c->state.unconfirmed);
    (void)case_app(c, "shop");
    accept_one(c);
    case_close(c);
    assert_false(is_unconfirmed(c, ""));
    assert_false(is_unconfirmed(c, ""));
    confirm(c, false);
    assert_false(is_unconfirmed(c, ""));
}

static void a_renamed_store_is_known(void **state)
{
    struct store_case *c = *state;
    char moved[160];
    (void)case_app(c, "shop");
    accept_one(c);
    case_close(c);
    (void)snprintf(moved, sizeof moved, "%s-moved", c->directory);
    assert_int_equal(rename(c->directory, moved), 0);
    assert_true(str_copy(str_of(moved), c->directory, sizeof c->directory));
    assert_false(is_unconfirmed(c, ""));
}

static void a_killed_store_is_known(void **state)
{
    struct store_case *c = *state;
    (void)case_app(c, "shop");
    case_close(c);
    for (int i = 0; i < 3; i++) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            case_open(c);
            accept_one(c);
            _exit(0); /* as kill -9 would: nothing is closed */
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        c->now.ms += 1000;
        case_open(c);
        assert_false(c->state.unconfirmed);
        case_close(c);
    }
}

static void a_copied_directory_is_noticed_until_confirmed(void **state)
{
    struct store_case *c = *state;
    (void)case_app(c, "shop");
    accept_one(c);
    case_close(c);
    struct other other = other_directory(c, "copy");
    copy_all(c->directory, other.path);
    assert_false(is_unconfirmed(c, "")); /* the original */
    move_to(c, &other);
    assert_true(is_unconfirmed(c, "copies"));
    assert_true(is_unconfirmed(c, "copies")); /* and no restart cures it */
    confirm(c, true);
    assert_false(is_unconfirmed(c, ""));
    confirm(c, false);
}

static void a_copy_of_a_running_store_is_noticed(void **state)
{
    struct store_case *c = *state;
    (void)case_app(c, "shop");
    accept_one(c);
    struct other other = other_directory(c, "copy");
    copy_all(c->directory, other.path);
    case_close(c);
    move_to(c, &other);
    assert_true(is_unconfirmed(c, "copies"));
}

static void a_database_alone_is_noticed(void **state)
{
    struct store_case *c = *state;
    (void)case_app(c, "shop");
    accept_one(c);
    case_close(c);
    struct other other = other_directory(c, "alone");
    copy_file(c->directory, other.path, "bongsu.db");
    move_to(c, &other);
    assert_true(is_unconfirmed(c, "without its directory's"));
    confirm(c, true);
    assert_false(is_unconfirmed(c, ""));
}

static void put_back(struct store_case *c, const struct other *saved)
{
    char wal[256];
    (void)snprintf(wal, sizeof wal, "%s/bongsu.db-wal", c->directory);
    (void)unlink(wal);
    copy_file(saved->path, c->directory, "bongsu.db");
    copy_file(saved->path, c->directory, "bongsu.db-wal");
}

static void an_older_database_put_back_is_noticed(void **state)
{
    struct store_case *c = *state;
    (void)case_app(c, "shop");
    accept_one(c);
    case_close(c);
    struct other saved = other_directory(c, "saved");
    copy_all(c->directory, saved.path);
    case_open(c);
    case_close(c); /* one start is enough, though nothing happened in it */
    put_back(c, &saved);
    assert_true(is_unconfirmed(c, "not the one that was last here"));
    confirm(c, true);
    assert_false(is_unconfirmed(c, ""));
    case_remove(saved.path);
}

/* Saved and put back within one life, which ends without a clean stop. */
static void a_database_of_earlier_in_the_same_run_is_noticed(void **state)
{
    struct store_case *c = *state;
    int status;
    (void)case_app(c, "shop");
    case_close(c);
    struct other saved = other_directory(c, "saved");
    pid_t child = fork();
    if (child == 0) {
        case_open(c);
        accept_one(c);
        copy_all(c->directory, saved.path);
        accept_one(c);
        /* What was accepted is noted within a second or so; a group wakes the writer. */
        for (;;) {
            char path[256];
            int64_t noted = 0;
            struct probe probe = {.op.verb = VERB_PROBE};
            (void)snprintf(path, sizeof path, "%s/bongsu.epoch", c->directory);
            case_op(c, &probe.op);
            int fd = open(path, O_RDONLY | O_CLOEXEC);
            if (pread(fd, &noted, sizeof noted, 512) == sizeof noted && noted == c->ids.last)
                _exit(0);
            close(fd);
        }
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    put_back(c, &saved);
    assert_true(is_unconfirmed(c, ""));
    case_remove(saved.path);
}

static void the_newest_database_put_back_is_known(void **state)
{
    struct store_case *c = *state;
    (void)case_app(c, "shop");
    accept_one(c);
    case_close(c);
    struct other saved = other_directory(c, "saved");
    copy_all(c->directory, saved.path);
    put_back(c, &saved);
    assert_false(is_unconfirmed(c, ""));
    case_remove(saved.path);
}

/* -- what a file is --------------------------------------------------------------------------- */

static void only_what_a_copy_cannot_carry_differs(void **state)
{
    static const struct {
        struct identity then, now;
        bool differs;
    } rows[] = {
        {{1, 5, 7, "virtio:a"}, {1, 5, 7, "virtio:a"}, false},
        {{1, 5, 7, "virtio:a"}, {2, 5, 7, "virtio:a"}, true},
        {{1, 5, 7, "virtio:a"}, {1, 6, 7, "virtio:a"}, true},
        {{1, 5, 7, "virtio:a"}, {1, 5, 8, "virtio:a"}, true},
        {{1, 5, 7, "virtio:a"}, {1, 5, 7, "virtio:b"}, true},
        {{1, 5, 7, "virtio:a"}, {1, 5, 7, "scsi:b"}, false}, /* attached in another way */
        {{1, 5, 7, "virtio:a"}, {1, 5, 7, ""}, false},
        {{1, 5, 7, ""}, {1, 5, 7, "virtio:b"}, false},
        {{1, 5, 0, ""}, {1, 5, 7, ""}, false},
        {{1, 0, 0, ""}, {1, 5, 0, ""}, false}, /* a newer kernel knows more */
        {{1, 0, 0, ""}, {2, 0, 0, ""}, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if ((identity_differs(&rows[i].then, &rows[i].now) != NULL) != rows[i].differs)
            fail_msg("row %zu", i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_a_copy_cannot_carry_differs),
        SQLITE_TEST(a_store_that_is_itself_is_known),
        SQLITE_TEST(a_renamed_store_is_known),
        SQLITE_TEST(a_killed_store_is_known),
        SQLITE_TEST(a_copied_directory_is_noticed_until_confirmed),
        SQLITE_TEST(a_copy_of_a_running_store_is_noticed),
        SQLITE_TEST(a_database_alone_is_noticed),
        SQLITE_TEST(an_older_database_put_back_is_noticed),
        SQLITE_TEST(a_database_of_earlier_in_the_same_run_is_noticed),
        SQLITE_TEST(the_newest_database_put_back_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
