/* Arenas: zeroed, aligned, bounded, and emptied at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/rng.h"

static void memory_is_zeroed_and_aligned(void **state)
{
    (void)state;
    struct arena arena;
    struct rng rng = rng_of(5);
    arena_init(&arena, 16 << 20);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 2000; i++) {
            size_t size = rng_below(&rng, rng_below(&rng, 50) ? 200 : 20000);
            char *at = arena_take(&arena, size);
            assert_non_null(at);
            assert_int_equal((uintptr_t)at % 16, 0);
            for (size_t j = 0; j < size; j++)
                assert_int_equal(at[j], 0);
            memset(at, 0x5a, size); /* what the next round must not see */
        }
        arena_reset(&arena);
    }
    arena_done(&arena);
}

static void the_maximum_is_kept_and_remembered(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 10000);
    size_t taken = 0;
    while (arena_take(&arena, 160))
        taken += 160;
    assert_true(arena.failed);
    assert_in_range(taken, 9000, 10000);
    assert_true(arena.used <= 10000);
    assert_null(arena_take(&arena, SIZE_MAX));
    assert_null(arena_take_array(&arena, SIZE_MAX / 2, 3));
    assert_null(arena_printf(&arena, "%200d", 1).at);
    arena_reset(&arena);
    assert_false(arena.failed);
    assert_non_null(arena_take(&arena, 160));
    arena_done(&arena);
}

static void copies_keep_absence(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 16);
    assert_null(arena_copy(&arena, STR_NONE).at);
    assert_non_null(arena_copy(&arena, STR("")).at);
    struct str source = STR("abc"), copy = arena_copy(&arena, source);
    assert_true(str_eq(copy, source));
    assert_ptr_not_equal(copy.at, source.at);
    assert_string_equal(arena_text(&arena, source), "abc");
    assert_string_equal(arena_text(&arena, STR_NONE), "");
    assert_true(str_eq(arena_printf(&arena, "%d-%s", 7, "x"), STR("7-x")));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_and_aligned),
        cmocka_unit_test(the_maximum_is_kept_and_remembered),
        cmocka_unit_test(copies_keep_absence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
