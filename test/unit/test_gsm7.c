/* SMS: which encoding, how many units, how many parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "codec/gsm7.h"

/* `before` times 'a', the text, `after` times 'a'. */
static struct sms_shape measure(unsigned before, const char *text, unsigned after)
{
    struct buf buf;
    struct sms_shape shape;
    buf_init(&buf, 10000);
    for (unsigned i = 0; i < before; i++)
        buf_add_char(&buf, 'a');
    buf_add(&buf, str_of(text));
    for (unsigned i = 0; i < after; i++)
        buf_add_char(&buf, 'a');
    assert_true(sms_measure(buf_str(&buf), &shape));
    buf_done(&buf);
    return shape;
}

/* Each row was checked against Twilio's sms-segments-calculator 1.3.0. */
static void counts_as_twilio_does(void **state)
{
    (void)state;
    static const struct {
        unsigned before;
        const char *text;
        unsigned after;
        enum sms_encoding encoding;
        unsigned units, parts;
    } rows[] = {
        {0, "", 0, SMS_GSM7, 0, 1},
        {160, "", 0, SMS_GSM7, 160, 1},
        {161, "", 0, SMS_GSM7, 161, 2},
        {306, "", 0, SMS_GSM7, 306, 2},
        {307, "", 0, SMS_GSM7, 307, 3},
        {0, "^{}\\[~]|\xe2\x82\xac\f", 0, SMS_GSM7, 20, 1},
        {158, "\xe2\x82\xac", 0, SMS_GSM7, 160, 1},
        {159, "\xe2\x82\xac", 0, SMS_GSM7, 161, 2},
        {152, "\xe2\x82\xac", 152, SMS_GSM7, 306, 3}, /* the pair may not straddle */
        {151, "\xe2\x82\xac", 153, SMS_GSM7, 306, 2},
        {0, "\xc3\x87", 0, SMS_GSM7, 1, 1}, /* capital C cedilla is GSM-7 */
        {0, "\xc3\xa7", 0, SMS_UCS2, 1, 1}, /* the small one is not */
        {0, "`", 0, SMS_UCS2, 1, 1},
        {0, "\t", 0, SMS_UCS2, 1, 1},
        {0, "\xe2\x80\x99", 0, SMS_UCS2, 1, 1}, /* a curly quote */
        {69, "\xed\x95\x9c", 0, SMS_UCS2, 70, 1},
        {70, "\xed\x95\x9c", 0, SMS_UCS2, 71, 2},
        {133, "\xed\x95\x9c", 0, SMS_UCS2, 134, 2},
        {134, "\xed\x95\x9c", 0, SMS_UCS2, 135, 3},
        {68, "\xf0\x9f\x98\x80", 0, SMS_UCS2, 70, 1},
        {66, "\xf0\x9f\x98\x80", 66, SMS_UCS2, 134, 3}, /* nor may a surrogate pair */
        {65, "\xf0\x9f\x98\x80", 67, SMS_UCS2, 134, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sms_shape shape = measure(rows[i].before, rows[i].text, rows[i].after);
        if (shape.encoding != rows[i].encoding || shape.units != rows[i].units ||
            shape.parts != rows[i].parts)
            fail_msg("row %zu: encoding %d, %u units, %u parts", i, (int)shape.encoding,
                     shape.units, shape.parts);
    }
}

static void the_whole_default_alphabet_is_gsm7(void **state)
{
    (void)state;
    static const char alphabet[] =
        "@\xc2\xa3$\xc2\xa5\xc3\xa8\xc3\xa9\xc3\xb9\xc3\xac\xc3\xb2\xc3\x87\n\xc3\x98\xc3\xb8\r"
        "\xc3\x85\xc3\xa5\xce\x94_\xce\xa6\xce\x93\xce\x9b\xce\xa9\xce\xa0\xce\xa8\xce\xa3\xce\x98"
        "\xce\x9e\xc3\x86\xc3\xa6\xc3\x9f\xc3\x89 !\"#\xc2\xa4%&'()*+,-./0123456789:;<=>?\xc2\xa1"
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ\xc3\x84\xc3\x96\xc3\x91\xc3\x9c\xc2\xa7\xc2\xbf"
        "abcdefghijklmnopqrstuvwxyz\xc3\xa4\xc3\xb6\xc3\xb1\xc3\xbc\xc3\xa0";
    struct sms_shape shape;
    assert_true(sms_measure(str_of(alphabet), &shape));
    assert_int_equal(shape.encoding, SMS_GSM7);
    assert_int_equal(shape.units, 127); /* 128 places less ESC */
    assert_true(str_eq(sms_encoding_name(SMS_GSM7), STR("GSM-7")));
    assert_true(str_eq(sms_encoding_name(SMS_UCS2), STR("UCS-2")));
}

static void broken_utf8_is_refused(void **state)
{
    (void)state;
    struct sms_shape shape;
    assert_false(sms_measure(STR("a\xff"), &shape));
    assert_false(sms_measure(STR("\xed\xa0\x80"), &shape));
    assert_false(sms_measure(STR("\xe2\x82"), &shape));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_as_twilio_does),
        cmocka_unit_test(the_whole_default_alphabet_is_gsm7),
        cmocka_unit_test(broken_utf8_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
