/* Replays every seed of every fuzz target, and every cut of each, through the same function. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "fuzz.h"

enum { SEED_BYTES_MAX = 1 << 20, CUTS_MAX = 300 };

struct target {
    const char *name;
    void (*run)(const uint8_t *bytes, size_t len);
};

static const struct target targets[] = {
#define TARGET(name) {#name, fuzz_##name},
#include "targets.def"
#undef TARGET
};

/* In memory of the exact size, so that the sanitizer minds the end. */
static void run_exact(const struct target *target, struct str seed)
{
    uint8_t *copy = malloc(seed.len ? seed.len : 1);
    assert_non_null(copy);
    memcpy(copy, seed.at, seed.len);
    target->run(copy, seed.len);
    free(copy);
}

static void replay(const struct target *target, const char *path)
{
    struct buf seed;
    char piece[4096];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    buf_init(&seed, SEED_BYTES_MAX);
    for (size_t len; (len = fread(piece, 1, sizeof piece, file)) > 0;)
        buf_add_bytes(&seed, piece, len);
    assert_int_equal(fclose(file), 0);
    assert_false(seed.failed);
    struct str whole = buf_str(&seed);
    run_exact(target, whole);
    for (size_t len = 0; len < whole.len && len < CUTS_MAX; len++)
        run_exact(target, str_slice(whole, 0, len));
    buf_done(&seed);
}

static void every_seed_is_survived(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        char path[4096];
        unsigned seeds = 0;
        (void)snprintf(path, sizeof path, "%s/%s", CORPUS, targets[i].name);
        DIR *folder = opendir(path);
        if (!folder)
            fail_msg("no corpus: %s", path);
        for (const struct dirent *entry; (entry = readdir(folder));) {
            if (entry->d_name[0] == '.')
                continue;
            (void)snprintf(path, sizeof path, "%s/%s/%s", CORPUS, targets[i].name, entry->d_name);
            replay(&targets[i], path);
            seeds++;
        }
        (void)closedir(folder);
        assert_true(seeds > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_seed_is_survived)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
