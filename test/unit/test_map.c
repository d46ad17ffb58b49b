/* The hash map: a model that is checked against a plain array, its maximum, and SipHash's vectors
 * (the reference's own; 1-3 as OpenSSL computes it). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/map.h"
#include "base/rng.h"

static const uint64_t key[2] = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};

static void siphash_gives_the_published_values(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        uint64_t half;     /* SipHash-1-3, 64 bits */
        uint64_t whole[2]; /* SipHash-2-4, 128 bits */
    } rows[] = {
        {0, 0xabac0158050fc4dcu, {0xe6a825ba047f81a3u, 0x930255c71472f66du}},
        {1, 0xc9f49bf37d57ca93u, {0x44af996bd8c187dau, 0x45fc229b11597634u}},
        {7, 0xd3927d989bb11140u, {0x53c1dbd8beebf1a1u, 0x3982f01fa64ab8c0u}},
        {8, 0x369095118d299a8eu, {0x61f55862baa9623bu, 0xb49714f364e2830fu}},
        {15, 0xd320d86d2a519956u, {0x11a8b03399e99354u, 0xd9c3cf970fec087eu}},
    };
    unsigned char in[16];
    for (unsigned char i = 0; i < sizeof in; i++)
        in[i] = i;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t whole[2];
        siphash24_128(key, in, rows[i].len, whole);
        assert_true(siphash13(key, in, rows[i].len) == rows[i].half);
        assert_true(whole[0] == rows[i].whole[0] && whole[1] == rows[i].whole[1]);
    }
}

static void what_is_put_is_found_until_removed(void **state)
{
    (void)state;
    struct map map;
    map_init(&map, 10, key);
    int a, b;
    void *old = &a;
    assert_null(map_get(&map, STR("x")));
    assert_null(map_remove(&map, STR("x")));
    assert_int_equal(map_put(&map, STR("x"), &a, &old), OK);
    assert_null(old);
    assert_int_equal(map_put(&map, STR(""), &b, NULL), OK);
    assert_ptr_equal(map_get(&map, STR("x")), &a);
    assert_ptr_equal(map_get(&map, STR_NONE), &b);
    assert_int_equal(map_put(&map, STR("x"), &b, &old), OK);
    assert_ptr_equal(old, &a);
    assert_int_equal(map.count, 2);
    assert_ptr_equal(map_remove(&map, STR("x")), &b);
    assert_null(map_get(&map, STR("x")));
    map_done(&map);
    assert_int_equal(map.count, 0);
    assert_int_equal(map_put(&map, STR("again"), &a, NULL), OK);
    map_done(&map);
}

static void the_maximum_holds_but_replacing_goes_on(void **state)
{
    (void)state;
    struct map map;
    map_init(&map, 2, key);
    int a;
    assert_int_equal(map_put(&map, STR("1"), &a, NULL), OK);
    assert_int_equal(map_put(&map, STR("2"), &a, NULL), OK);
    assert_int_equal(map_put(&map, STR("3"), &a, NULL), ERR_FULL);
    assert_null(map_get(&map, STR("3")));
    assert_int_equal(map_put(&map, STR("2"), &a, NULL), OK);
    map_done(&map);
}

enum { NAMES = 500 };
struct named {
    char name[16];
    bool in;
};

static struct str name_of(const struct named *named)
{
    return str_of(named->name);
}

static void it_behaves_as_a_plain_set(void **state)
{
    (void)state;
    static struct named all[NAMES];
    struct rng rng = rng_of(1);
    struct map map;
    map_init(&map, NAMES, key);
    size_t count = 0;
    for (int i = 0; i < NAMES; i++) {
        all[i] = (struct named){0};
        (void)snprintf(all[i].name, sizeof all[i].name, "n%d", i);
    }
    for (int i = 0; i < 50000; i++) {
        struct named *one = &all[rng_below(&rng, NAMES)];
        /* Long phases of growing and of shrinking. */
        if (rng_below(&rng, 10) < (i / 5000 % 2 ? 3 : 7)) {
            assert_int_equal(map_put(&map, name_of(one), one, NULL), OK);
            count += !one->in;
            one->in = true;
        } else {
            assert_ptr_equal(map_remove(&map, name_of(one)), one->in ? one : NULL);
            count -= one->in;
            one->in = false;
        }
        one = &all[rng_below(&rng, NAMES)];
        assert_ptr_equal(map_get(&map, name_of(one)), one->in ? one : NULL);
        assert_int_equal(map.count, count);
    }
    size_t at = 0, walked = 0;
    for (struct named *one; (one = map_each(&map, &at)); walked++)
        assert_true(one->in);
    assert_int_equal(walked, count);
    map_done(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash_gives_the_published_values),
        cmocka_unit_test(what_is_put_is_found_until_removed),
        cmocka_unit_test(the_maximum_holds_but_replacing_goes_on),
        cmocka_unit_test(it_behaves_as_a_plain_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
