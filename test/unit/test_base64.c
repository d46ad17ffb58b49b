/* base64 and hex: the RFC's vectors, round trips, and everything they refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "codec/base64.h"
#include "codec/hex.h"

/* RFC 4648 section 10, and the two characters in which the alphabets differ. */
static const struct {
    struct str bytes;
    const char *standard, *url;
} vectors[] = {
    {STR_INIT(""), "", ""},
    {STR_INIT("f"), "Zg==", "Zg"},
    {STR_INIT("fo"), "Zm8=", "Zm8"},
    {STR_INIT("foo"), "Zm9v", "Zm9v"},
    {STR_INIT("foob"), "Zm9vYg==", "Zm9vYg"},
    {STR_INIT("fooba"), "Zm9vYmE=", "Zm9vYmE"},
    {STR_INIT("foobar"), "Zm9vYmFy", "Zm9vYmFy"},
    {STR_INIT("\xfb\xff\xbf"), "+/+/", "-_-_"},
};

static void encodes_the_vectors_of_the_rfc(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct buf buf;
        buf_init(&buf, 100);
        base64_add(&buf, vectors[i].bytes);
        assert_true(str_eq(buf_str(&buf), str_of(vectors[i].standard)));
        assert_int_equal(buf.len, base64_len(vectors[i].bytes.len));
        buf_clear(&buf);
        base64url_add(&buf, vectors[i].bytes);
        assert_true(str_eq(buf_str(&buf), str_of(vectors[i].url)));
        assert_int_equal(buf.len, base64url_len(vectors[i].bytes.len));
        buf_done(&buf);
    }
}

static void decodes_with_padding_or_without(void **state)
{
    (void)state;
    char into[100];
    size_t len;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        assert_true(base64_decode(str_of(vectors[i].standard), into, sizeof into, &len));
        assert_true(str_eq((struct str){into, len}, vectors[i].bytes));
        assert_true(base64url_decode(str_of(vectors[i].url), into, sizeof into, &len));
        assert_true(str_eq((struct str){into, len}, vectors[i].bytes));
    }
    assert_true(base64_decode(STR("Zg"), into, sizeof into, &len));
    assert_true(base64url_decode(STR("Zg=="), into, sizeof into, &len));
}

static void refuses_what_no_encoder_writes(void **state)
{
    (void)state;
    static const char *const bad[] = {"Z",    "Zg=",  "Zg===",    "=",        "====",
                                      "Zh==", "Zm9=", "Zm9v=",    "Z m9v",    "Zm9v\n",
                                      "Zm-v", "Zm_v", "Zg==Zg==", "Zm9v====", "\xc3\xa9-A"};
    char into[100];
    size_t len = 77;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (base64_decode(str_of(bad[i]), into, sizeof into, &len))
            fail_msg("accepted '%s'", bad[i]);
    assert_false(base64url_decode(STR("Zm+v"), into, sizeof into, &len));
    assert_false(base64url_decode(STR("Zm/v"), into, sizeof into, &len));
    assert_false(base64_decode(STR("Zm9v"), into, 2, &len));
    assert_int_equal(len, 77);
}

static void round_trips_any_bytes(void **state)
{
    (void)state;
    struct rng rng = rng_of(1);
    for (int round = 0; round < 2000; round++) {
        char bytes[64], back[64];
        size_t len = rng_below(&rng, sizeof bytes + 1), back_len = 0;
        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)rng_next(&rng);
        struct buf buf;
        buf_init(&buf, 200);
        base64_add(&buf, (struct str){bytes, len});
        assert_true(base64_decode(buf_str(&buf), back, sizeof back, &back_len));
        assert_int_equal(back_len, len);
        assert_memory_equal(back, bytes, len);
        buf_clear(&buf);
        base64url_add(&buf, (struct str){bytes, len});
        assert_true(base64url_decode(buf_str(&buf), back, sizeof back, &back_len));
        assert_int_equal(back_len, len);
        assert_memory_equal(back, bytes, len);
        buf_clear(&buf);
        hex_add(&buf, (struct str){bytes, len});
        assert_true(hex_decode(buf_str(&buf), back, len));
        assert_memory_equal(back, bytes, len);
        buf_done(&buf);
    }
}

static void hex_takes_both_cases_and_exact_lengths(void **state)
{
    (void)state;
    char into[4] = {0}, text[9];
    assert_true(hex_decode(STR("00fFA5"), into, 3));
    assert_memory_equal(into, "\x00\xff\xa5", 3);
    hex_write("\x00\xff\xa5\x10", 4, text);
    assert_string_equal(text, "00ffa510");
    assert_false(hex_decode(STR("00ff"), into, 3));
    assert_false(hex_decode(STR("00ff0"), into, 2));
    assert_false(hex_decode(STR("00fg"), into, 2));
    assert_false(hex_decode(STR("0x10"), into, 2));
}

static void a_full_buffer_is_told_and_not_overrun(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 7);
    base64_add(&buf, STR("foobar"));
    assert_true(buf.failed);
    assert_int_equal(buf.len, 0);
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodes_the_vectors_of_the_rfc),
        cmocka_unit_test(decodes_with_padding_or_without),
        cmocka_unit_test(refuses_what_no_encoder_writes),
        cmocka_unit_test(round_trips_any_bytes),
        cmocka_unit_test(hex_takes_both_cases_and_exact_lengths),
        cmocka_unit_test(a_full_buffer_is_told_and_not_overrun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
