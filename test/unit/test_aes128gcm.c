/* Web Push encryption: RFC 8291's own example byte for byte, the limits, and bad keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/aes128gcm.h"
#include "codec/base64.h"

/* RFC 8291 section 5 and appendix A. */
static const char plain[] = "When I grow up, I want to be a watermelon";
static const char scalar_text[] = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
static const char p256dh_text[] =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPj"
    "s7Vd8pZGH6SRpkNtoIAiw4";
static const char salt_text[] = "DGv6ra1nlYgDCS1FRnbzlw";
static const char auth_text[] = "BTBZMqHH6r4Tts7J_aSIgg";
static const char body_text[] =
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzA"
    "C8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";

struct fixture {
    struct sealer *sealer;
    struct push_keys keys;
    unsigned char scalar[PUSH_SCALAR_SIZE], salt[PUSH_SALT_SIZE];
    struct buf out;
    struct why why;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    size_t len;
    fixture.sealer = sealer_new();
    buf_init(&fixture.out, 8192);
    assert_non_null(fixture.sealer);
    assert_int_equal(push_keys_parse(fixture.sealer, str_of(p256dh_text), str_of(auth_text),
                                     &fixture.keys, &fixture.why),
                     OK);
    assert_true(base64url_decode(str_of(scalar_text), fixture.scalar, PUSH_SCALAR_SIZE, &len));
    assert_true(base64url_decode(str_of(salt_text), fixture.salt, PUSH_SALT_SIZE, &len));
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    sealer_free(f->sealer);
    buf_done(&f->out);
    return 0;
}

static void the_rfcs_example_comes_out(void **state)
{
    struct fixture *f = *state;
    struct buf text;
    buf_init(&text, 1000);
    buf_add(&f->out, STR("before"));
    assert_int_equal(
        push_seal(f->sealer, &f->keys, f->scalar, f->salt, str_of(plain), &f->out, &f->why), OK);
    base64url_add(&text, str_slice(buf_str(&f->out), 6, f->out.len));
    assert_true(str_eq(buf_str(&text), str_of(body_text)));
    buf_done(&text);
}

static void the_largest_text_fills_the_body_and_one_more_is_refused(void **state)
{
    struct fixture *f = *state;
    static char text[PUSH_PLAIN_MAX + 1];
    memset(text, 'x', sizeof text);
    assert_int_equal(PUSH_PLAIN_MAX, 3993);
    assert_int_equal(push_seal(f->sealer, &f->keys, f->scalar, f->salt,
                               (struct str){text, PUSH_PLAIN_MAX}, &f->out, &f->why),
                     OK);
    assert_int_equal(f->out.len, PUSH_BODY_MAX);
    assert_int_equal(push_seal(f->sealer, &f->keys, f->scalar, f->salt,
                               (struct str){text, sizeof text}, &f->out, &f->why),
                     ERR_LIMIT);
    assert_non_null(strstr(f->why.text, "3994"));
    assert_int_equal(f->out.len, PUSH_BODY_MAX);
    assert_int_equal(push_seal(f->sealer, &f->keys, f->scalar, f->salt, STR_NONE, &f->out, &f->why),
                     OK);
    assert_int_equal(f->out.len, PUSH_BODY_MAX + PUSH_HEAD_SIZE + 17);
}

static void only_the_curves_points_and_16_bytes_are_keys(void **state)
{
    struct fixture *f = *state;
    struct push_keys keys;
    /* The second has its last bit turned, the third is compressed, the fourth hybrid, the fifth
     * infinity in 65 bytes. */
    static const struct {
        const char *p256dh, *auth, *says;
    } rows[] = {
        {"", auth_text, "p256dh"},
        {"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw8",
         auth_text, "p256dh"},
        {"AiVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcx", auth_text, "p256dh"},
        {"BiVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
         auth_text, "p256dh"},
        {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
         auth_text, "p256dh"},
        {p256dh_text, "", "auth"},
        {p256dh_text, "BTBZMqHH6r4Tts7J_aSI", "auth"},
        {p256dh_text, "BTBZMqHH6r4Tts7J_aSIggAA", "auth"},
        {p256dh_text, "BTBZMqHH6r4Tts7J+aSIgg", "auth"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum err err = push_keys_parse(f->sealer, str_of(rows[i].p256dh), str_of(rows[i].auth),
                                       &keys, &f->why);
        if (err != ERR_INPUT || !strstr(f->why.text, rows[i].says))
            fail_msg("row %zu: %d %s", i, (int)err, f->why.text);
        assert_int_equal(push_point_ok(str_of(rows[i].p256dh)), strcmp(rows[i].says, "auth") == 0);
    }
    assert_int_equal(push_keys_parse(f->sealer, str_of(p256dh_text),
                                     STR("BTBZMqHH6r4Tts7J_aSIgg=="), &keys, &f->why),
                     OK);
}

static void a_scalar_is_below_the_order_and_not_zero(void **state)
{
    struct fixture *f = *state;
    /* SEC 2 section 2.4.2: the order n of secp256r1. */
    unsigned char order[PUSH_SCALAR_SIZE] = {0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,
                                             0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                             0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
                                             0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
    unsigned char zero[PUSH_SCALAR_SIZE] = {0};
    assert_false(push_scalar_ok(f->sealer, order));
    order[31]--;
    assert_true(push_scalar_ok(f->sealer, order));
    assert_false(push_scalar_ok(f->sealer, zero));
    zero[31] = 1;
    assert_true(push_scalar_ok(f->sealer, zero));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_rfcs_example_comes_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_largest_text_fills_the_body_and_one_more_is_refused,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_the_curves_points_and_16_bytes_are_keys, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_scalar_is_below_the_order_and_not_zero, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
