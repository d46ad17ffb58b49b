/* Whom to talk to and as whom: the option wins over the environment, that over the file. */
#include "cli/credentials.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    char home[32], path[64];
    struct arena arena;
};

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    snprintf(world->home, sizeof world->home, "/tmp/test-credentials-XXXXXX");
    assert_non_null(mkdtemp(world->home));
    snprintf(world->path, sizeof world->path, "%s/bongsu", world->home);
    assert_int_equal(mkdir(world->path, 0700), 0);
    snprintf(world->path, sizeof world->path, "%s/bongsu/config", world->home);
    setenv("XDG_CONFIG_HOME", world->home, 1);
    unsetenv("BONGSU_URL");
    unsetenv("BONGSU_APP_KEY");
    unsetenv("BONGSU_APP_SECRET");
    unsetenv("BONGSU_ROOT_KEY");
    arena_init(&world->arena, 1024 * 1024);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    unlink(world->path);
    arena_done(&world->arena);
    snprintf(world->path, sizeof world->path, "%s/bongsu", world->home);
    rmdir(world->path);
    rmdir(world->home);
    free(world);
    return 0;
}

static void put(const struct world *world, const char *text, unsigned mode)
{
    int fd = open(world->path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void assert_str(struct str got, const char *want)
{
    assert_true(want ? str_eq(got, str_of(want)) : got.at == NULL);
}

static void test_without_anything_it_is_the_local_server(void **state)
{
    struct world *world = *state;
    struct credentials credentials;
    struct why why;
    assert_int_equal(credentials_load(NULL, &world->arena, &credentials, &why), OK);
    assert_str(credentials.url, "http://127.0.0.1:8080");
    assert_str(credentials.app_key, NULL);
    assert_str(credentials.root_key, NULL);
}

static void test_the_option_wins_over_the_environment_and_that_over_the_file(void **state)
{
    struct world *world = *state;
    struct credentials credentials;
    struct why why;
    put(world, "# mine\nurl = https://file/\r\n\napp_key=k\napp_secret = a = b \nroot_key = r\n",
        0600);
    assert_int_equal(credentials_load(NULL, &world->arena, &credentials, &why), OK);
    assert_str(credentials.url, "https://file");
    assert_str(credentials.app_key, "k");
    assert_str(credentials.app_secret, "a = b");
    assert_str(credentials.root_key, "r");
    setenv("BONGSU_URL", "https://environment", 1);
    setenv("BONGSU_ROOT_KEY", "r2", 1);
    assert_int_equal(credentials_load(NULL, &world->arena, &credentials, &why), OK);
    assert_str(credentials.url, "https://environment");
    assert_str(credentials.root_key, "r2");
    assert_int_equal(credentials_load("http://option//", &world->arena, &credentials, &why), OK);
    assert_str(credentials.url, "http://option");
}

static void test_a_file_that_others_may_read_is_refused(void **state)
{
    struct world *world = *state;
    struct credentials credentials;
    struct why why;
    put(world, "root_key = r\n", 0640);
    assert_int_equal(credentials_load(NULL, &world->arena, &credentials, &why), ERR_DENIED);
    assert_non_null(strstr(why.text, "chmod 600"));
}

static void test_what_is_not_understood_is_refused(void **state)
{
    struct world *world = *state;
    struct credentials credentials;
    struct why why;
    put(world, "\nnonsense\n", 0600);
    assert_int_equal(credentials_load(NULL, &world->arena, &credentials, &why), ERR_INPUT);
    assert_non_null(strstr(why.text, "line 2"));
    put(world, "rootkey = r\n", 0600);
    assert_int_equal(credentials_load(NULL, &world->arena, &credentials, &why), ERR_INPUT);
    put(world, "", 0600);
    assert_int_equal(credentials_load("ftp://x", &world->arena, &credentials, &why), ERR_INPUT);
    setenv("BONGSU_APP_KEY", "half", 1);
    assert_int_equal(credentials_load(NULL, &world->arena, &credentials, &why), ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_without_anything_it_is_the_local_server, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_the_option_wins_over_the_environment_and_that_over_the_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_that_others_may_read_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_not_understood_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
