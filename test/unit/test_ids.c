/* Ids: minted upwards only, spelled one way only, and telling nothing of their order in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "model/ids.h"

static const struct wall noon = {INT64_C(1796115600000)}; /* 2026-12-01T09:00:00Z */

static struct ids ids_of(uint16_t node)
{
    return (struct ids){.secret = {11, 22}, .node = node};
}

static uint16_t node_of(int64_t id)
{
    return (uint16_t)(id >> 12 & 1023);
}

static void minted_ids_rise_and_keep_their_node(void **state)
{
    (void)state;
    struct ids ids = ids_of(7);
    int64_t last = -1;
    struct wall now = noon;
    for (int i = 0; i < 20000; i++) {
        if (i % 5000 == 4999)
            now.ms -= 3; /* the clock may step back */
        int64_t id = ids_mint(&ids, now);
        assert_true(id > last);
        assert_int_equal(node_of(id), 7);
        last = id;
    }
    /* 20,000 in one millisecond have borrowed four more. */
    assert_int_equal(id_time(last).ms, noon.ms + 4);
}

static void another_nodes_id_is_passed_without_taking_its_place(void **state)
{
    (void)state;
    struct ids low = ids_of(1), high = ids_of(1023);
    for (int i = 0; i < 4096; i++)
        high.last = ids_mint(&high, noon);
    low.last = high.last;
    int64_t id = ids_mint(&low, noon);
    assert_true(id > high.last);
    assert_int_equal(node_of(id), 1);
    id = ids_mint(&high, noon);
    assert_int_equal(node_of(id), 1023);
    assert_int_equal(id_time(id).ms, noon.ms + 1);
}

static void an_id_has_its_time(void **state)
{
    (void)state;
    struct ids ids = ids_of(3);
    int64_t id = ids_mint(&ids, noon);
    assert_int_equal(id_time(id).ms, noon.ms);
    assert_true(id_floor(noon) <= id);
    assert_true(id_floor((struct wall){noon.ms + 1}) > id);
    assert_true(id_floor((struct wall){0}) == 0);
    assert_true(id_floor(WALL_NEVER) > 0);
}

static void every_form_round_trips(void **state)
{
    (void)state;
    struct ids ids = ids_of(0);
    struct rng rng = rng_of(9);
    static const uint32_t ordinals[] = {0, 1, 31, 32, 9999, UINT32_MAX};
    for (int i = 0; i < 5000; i++) {
        int64_t id = i == 0 ? 0 : i == 1 ? INT64_MAX : (int64_t)(rng_next(&rng) >> 1), back;
        char text[ID_TEXT_SIZE];
        struct str ntf = ntf_format(&ids, id, text);
        assert_int_equal(ntf.len, 17);
        assert_true(ntf_parse(&ids, ntf, &back));
        assert_true(back == id);
        struct delivery_key key = {id, ordinals[i % 6]}, key_back;
        struct str dlv = dlv_format(&ids, key, text);
        assert_int_equal(dlv.len, 24);
        assert_true(dlv_parse(&ids, dlv, &key_back));
        assert_true(key_back.notification == id && key_back.ordinal == key.ordinal);
        assert_false(ntf_parse(&ids, dlv, &back));
        assert_int_equal(evt_format(&ids, key, 77, text).len, 28);
    }
}

static void other_spellings_are_refused(void **state)
{
    (void)state;
    struct ids ids = ids_of(0);
    static const char *const bad_ntf[] = {
        "",
        "ntf_",
        "ntf_000000000000",   /* short */
        "ntf_00000000000000", /* long */
        "ntf_8000000000000",  /* over 63 bits */
        "ntf_g000000000000",
        "ntf_zzzzzzzzzzzzz",
        "ntf_000000000000A", /* upper case */
        "ntf_000000000000i",
        "ntf_000000000000l",
        "ntf_000000000000o",
        "ntf_000000000000u",
        "ntf_000000000000-",
        "NTF_0000000000000",
        "dlv_0000000000000",
        " ntf_000000000000",
    };
    static const char *const bad_dlv[] = {
        "dlv_0000000000000",        "dlv_00000000000000000000000", /* long */
        "dlv_00000000000004000000",                                /* over 32 bits */
        "dlv_0000000000000000000o", "dlv_80000000000000000000",    "ntf_00000000000000000000",
    };
    int64_t id = 42;
    struct delivery_key key = {.notification = 42};
    for (size_t i = 0; i < sizeof bad_ntf / sizeof *bad_ntf; i++)
        assert_false(ntf_parse(&ids, str_of(bad_ntf[i]), &id));
    for (size_t i = 0; i < sizeof bad_dlv / sizeof *bad_dlv; i++)
        assert_false(dlv_parse(&ids, str_of(bad_dlv[i]), &key));
    assert_int_equal(id, 42);
    assert_int_equal(key.notification, 42);
    assert_true(ntf_parse(&ids, STR("ntf_7zzzzzzzzzzzz"), &id));
    assert_true(ntf_parse(&ids, (struct str){"ntf_0000000000000?", 17}, &id));
    assert_true(dlv_parse(&ids, STR("dlv_00000000000003zzzzzz"), &key));
    assert_true(key.ordinal == UINT32_MAX);
    assert_false(ntf_parse(&ids, (struct str){"ntf_000000000000\0", 17}, &id));
}

/* The number that the outside form spells. */
static int64_t outside(const struct ids *ids, int64_t id)
{
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    char text[ID_TEXT_SIZE];
    struct str s = ntf_format(ids, id, text);
    uint64_t value = 0;
    for (size_t i = 4; i < s.len; i++)
        value = value << 5 | (uint64_t)(strchr(digits, s.at[i]) - digits);
    return (int64_t)value;
}

static void outside_the_time_is_in_order_and_the_sequence_is_not(void **state)
{
    (void)state;
    struct ids ids = ids_of(0);
    int64_t base = id_floor(noon);
    unsigned rising = 0, repeated = 0;
    for (int i = 0; i < 1000; i++) {
        int64_t a = outside(&ids, base + i), b = outside(&ids, base + i + 1);
        assert_true(a >> 22 == base >> 22);
        rising += b > a;
        /* An idle node mints sequence 0 each time: that must not show. */
        int64_t ms = (int64_t)i << 22;
        repeated += (outside(&ids, base + ms) & 0x3fffff) == (outside(&ids, base) & 0x3fffff);
        assert_true(outside(&ids, base + ms + (1 << 22)) > outside(&ids, base + ms));
    }
    assert_in_range(rising, 350, 650);
    assert_in_range(repeated, 1, 5);
}

static void the_low_bits_are_permuted_not_hashed(void **state)
{
    (void)state;
    static unsigned char seen[(1 << 22) / 8];
    memset(seen, 0, sizeof seen);
    struct ids ids = ids_of(0);
    int64_t base = id_floor(noon);
    for (int64_t i = 0; i < 1 << 22; i += 7) {
        uint32_t low = (uint32_t)outside(&ids, base + i) & 0x3fffff;
        assert_false(seen[low / 8] >> (low % 8) & 1);
        seen[low / 8] |= (unsigned char)(1 << (low % 8));
    }
    struct ids other = {.secret = {11, 23}};
    assert_true(outside(&ids, base) != outside(&other, base));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(minted_ids_rise_and_keep_their_node),
        cmocka_unit_test(another_nodes_id_is_passed_without_taking_its_place),
        cmocka_unit_test(an_id_has_its_time),
        cmocka_unit_test(every_form_round_trips),
        cmocka_unit_test(other_spellings_are_refused),
        cmocka_unit_test(outside_the_time_is_in_order_and_the_sequence_is_not),
        cmocka_unit_test(the_low_bits_are_permuted_not_hashed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
