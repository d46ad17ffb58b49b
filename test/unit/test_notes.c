/* What a process notes of its work, and what the next one makes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/notes_file.h"

struct fixture {
    struct notes notes;
    struct arena arena;
    struct crash_notes found;
    char directory[64], path[128];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    arena_init(&f->arena, 8 << 20);
    (void)snprintf(f->directory, sizeof f->directory, "/tmp/test-notes-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    (void)snprintf(f->path, sizeof f->path, "%s/bongsu.notes", f->directory);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    (void)unlink(f->path);
    (void)rmdir(f->directory);
    arena_done(&f->arena);
    free(f);
    return 0;
}

static const struct crash_note *find(const struct fixture *f, int64_t notification,
                                     uint32_t ordinal)
{
    return crash_notes_find(&f->found, (struct delivery_key){notification, ordinal});
}

static void each_is_found_as_it_stood(void **state)
{
    struct fixture *f = *state;
    f->notes.list[7] = (struct note){.notification = 9, .ordinal = 1};
    f->notes.list[3] = (struct note){.notification = 9, .begun = true};
    f->notes.list[NOTED_MAX - 1] = (struct note){.notification = 2, .at_compose = true};
    f->notes.list[0] = (struct note){.notification = 5, .at_courier = true, .begun = true};
    assert_int_equal(notes_collect(&f->notes, &f->arena, &f->found), OK);
    assert_true(f->found.known);
    assert_int_equal(f->found.count, 4);
    assert_false(find(f, 9, 1)->begun);
    assert_true(find(f, 9, 0)->begun);
    assert_int_equal(find(f, 9, 0)->strikes, 0);
    assert_true(find(f, 2, 0)->begun && find(f, 2, 0)->fresh);
    assert_int_equal(find(f, 2, 0)->strikes, 1);
    assert_int_equal(find(f, 5, 0)->strikes, 1);
    assert_null(find(f, 5, 1));
    f->notes.overflow = true;
    assert_int_equal(notes_collect(&f->notes, &f->arena, &f->found), OK);
    assert_false(f->found.known);
}

static void begin_again(struct fixture *f)
{
    f->notes = (struct notes){0};
    notes_begin(&f->notes, &f->found);
}

static void strikes_add_up_and_fade_only_with_the_boot(void **state)
{
    struct fixture *f = *state;
    f->notes.list[0] = (struct note){.notification = 5, .at_compose = true};
    f->notes.list[1] = (struct note){.notification = 6, .begun = true};
    assert_int_equal(notes_collect(&f->notes, &f->arena, &f->found), OK);
    begin_again(f);
    assert_int_equal(f->notes.list[0].notification, 0);
    assert_int_equal(notes_collect(&f->notes, &f->arena, &f->found), OK);
    assert_int_equal(f->found.count, 1); /* the suspect, not in hand this time */
    assert_false(find(f, 5, 0)->fresh);
    assert_int_equal(find(f, 5, 0)->strikes, 1);
    begin_again(f);
    f->notes.list[4] = (struct note){.notification = 5, .at_courier = true};
    assert_int_equal(notes_collect(&f->notes, &f->arena, &f->found), OK);
    assert_int_equal(f->found.count, 1);
    assert_true(find(f, 5, 0)->fresh);
    assert_int_equal(find(f, 5, 0)->strikes, 2);
}

static void the_newest_suspects_are_kept(void **state)
{
    struct fixture *f = *state;
    for (uint32_t i = 0; i < SUSPECTS_MAX + 10; i++)
        f->notes.list[i] = (struct note){.notification = 100 + i, .at_compose = true};
    assert_int_equal(notes_collect(&f->notes, &f->arena, &f->found), OK);
    assert_int_equal(f->found.count, SUSPECTS_MAX + 10);
    begin_again(f);
    assert_int_equal(notes_collect(&f->notes, &f->arena, &f->found), OK);
    assert_int_equal(f->found.count, SUSPECTS_MAX);
    assert_null(find(f, 100, 0));
    assert_non_null(find(f, 100 + SUSPECTS_MAX + 9, 0));
}

/* In a child: opens, notes, and ends by a signal. */
static void crash_with(const struct fixture *f, struct note note)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct notes_file *file;
        struct why why;
        if (notes_file_open(f->directory, &f->found, &file, &why) != OK)
            _exit(1);
        notes_file_notes(file)->list[11] = note;
        (void)raise(SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static void the_file_outlives_a_process_that_is_killed(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(notes_file_read(f->directory, &f->arena, &f->found), OK);
    assert_false(f->found.known); /* there is none */
    crash_with(f, (struct note){.notification = 77, .ordinal = 3, .at_compose = true});
    assert_int_equal(notes_file_read(f->directory, &f->arena, &f->found), OK);
    assert_true(f->found.known);
    assert_int_equal(f->found.count, 1);
    assert_int_equal(find(f, 77, 3)->strikes, 1);
    crash_with(f, (struct note){.notification = 77, .ordinal = 3, .at_courier = true});
    assert_int_equal(notes_file_read(f->directory, &f->arena, &f->found), OK);
    assert_int_equal(find(f, 77, 3)->strikes, 2);
}

static void what_cannot_be_believed_is_not(void **state)
{
    struct fixture *f = *state;
    static const off_t places[] = {0, 20}; /* the magic, the boot */
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        f->found = (struct crash_notes){0};
        crash_with(f, (struct note){.notification = 77});
        int fd = open(f->path, O_WRONLY);
        assert_int_equal(pwrite(fd, "?", 1, places[i]), 1);
        (void)close(fd);
        assert_int_equal(notes_file_read(f->directory, &f->arena, &f->found), OK);
        assert_false(f->found.known);
    }
    f->found = (struct crash_notes){0};
    crash_with(f, (struct note){.notification = 77});
    assert_int_equal(truncate(f->path, 100000), 0);
    assert_int_equal(notes_file_read(f->directory, &f->arena, &f->found), OK);
    assert_false(f->found.known);
}

static void a_directory_that_is_not_there_is_an_ordinary_failure(void **state)
{
    struct fixture *f = *state;
    struct notes_file *file;
    struct why why;
    assert_int_equal(notes_file_open("/nowhere/at/all", &f->found, &file, &why), ERR_IO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_is_found_as_it_stood),
        TEST(strikes_add_up_and_fade_only_with_the_boot),
        TEST(the_newest_suspects_are_kept),
        TEST(the_file_outlives_a_process_that_is_killed),
        TEST(what_cannot_be_believed_is_not),
        TEST(a_directory_that_is_not_there_is_an_ordinary_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
