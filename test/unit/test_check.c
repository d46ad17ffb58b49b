/* Texts from outside: which are names, addresses, tags and tokens, and which only look like it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "model/check.h"

struct row {
    const char *text;
    bool good;
};

static void run(bool (*ok)(struct str), const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ok(str_of(rows[i].text)) != rows[i].good)
            fail_msg("row %zu: %s", i, rows[i].text ? rows[i].text : "(absent)");
}
#define RUN(ok, rows) run((ok), (rows), sizeof(rows) / sizeof *(rows))

/* `count` times `c` between two texts. */
static bool with_many(bool (*ok)(struct str), const char *before, char c, size_t count,
                      const char *after)
{
    struct buf buf;
    buf_init(&buf, 1 << 16);
    buf_add(&buf, str_of(before));
    for (size_t i = 0; i < count; i++)
        buf_add_char(&buf, c);
    buf_add(&buf, str_of(after));
    bool good = ok(buf_str(&buf));
    buf_done(&buf);
    return good;
}

static void names(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a", true},          {"9", true},    {"A_b.c:d@e-f", true}, {"", false},    {NULL, false},
        {"_a", false},        {".a", false},  {"-a", false},         {"a b", false}, {"a/b", false},
        {"a\xc3\xa9", false}, {"a\n", false}, {"a%", false},         {"a+b", false},
    };
    RUN(name_ok, rows);
    assert_false(name_ok((struct str){"a\0b", 3}));
    assert_true(with_many(name_ok, "", 'a', 128, ""));
    assert_false(with_many(name_ok, "", 'a', 129, ""));
    assert_true(with_many(app_name_ok, "", 'a', 64, ""));
    assert_false(with_many(app_name_ok, "", 'a', 65, ""));
}

static void event_ids_and_collapse_keys(void **state)
{
    (void)state;
    static const struct row events[] = {
        {"order-42/shipped #1", true},
        {"~", true},
        {"", false},
        {NULL, false},
        {" a", false},
        {"a ", false},
        {"a\tb", false},
        {"\xea\xb0\x80", false},
        {"a\x7f", false},
    };
    RUN(event_id_ok, events);
    assert_true(with_many(event_id_ok, "", 'a', 256, ""));
    assert_false(with_many(event_id_ok, "", 'a', 257, ""));
    static const struct row keys[] = {
        {"order 42", true}, {"\xec\xa3\xbc\xeb\xac\xb8", true},
        {"", false},        {"a\n", false},
        {"\xff", false},    {NULL, false},
    };
    RUN(collapse_key_ok, keys);
    assert_true(with_many(collapse_key_ok, "", 'a', 64, ""));
    assert_false(with_many(collapse_key_ok, "", 'a', 65, ""));
}

static void emails(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a@b.example", true},
        {"first.last+tag@mail.example.co.kr", true},
        {"!#$%&'*+-/=?^_`{|}~@b.example", true},
        {"a@xn--9n2bp8q.xn--9t4b11yi5a", true},
        {"A@9.example", true},
        {"", false},
        {NULL, false},
        {"a", false},
        {"@b.example", false},
        {"a@", false},
        {"a@b", false},
        {"a@b@c.example", false},
        {"a b@c.example", false},
        {"a@b c.example", false},
        {"\"a b\"@c.example", false},
        {".a@b.example", false},
        {"a.@b.example", false},
        {"a..b@c.example", false},
        {"a@.example", false},
        {"a@b..example", false},
        {"a@b.example.", false},
        {"a@-b.example", false},
        {"a@b-.example", false},
        {"a@b_c.example", false},
        {"a@127.0.0.1", false},
        {"a@[127.0.0.1]", false},
        {"<a@b.example>", false},
        {"A <a@b.example>", false},
        {"a@b.example\n", false},
        {"a@b.example\r\nBcc: c@d.example", false},
        {"a,c@b.example", false},
        {"\xea\xb0\x80@b.example", false},
        {"a@\xea\xb0\x80.example", false},
    };
    RUN(email_ok, rows);
    assert_false(email_ok((struct str){"a\0@b.example", 12}));
    assert_true(with_many(email_ok, "", 'a', 64, "@b.example"));
    assert_false(with_many(email_ok, "", 'a', 65, "@b.example"));
    assert_true(with_many(email_ok, "a@", 'b', 63, ".example"));
    assert_false(with_many(email_ok, "a@", 'b', 64, ".example"));
}

static void phones(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"+821012345678", true},
        {"+14155550123", true},
        {"+123456789012345", true},
        {"+1234567", true},
        {"", false},
        {NULL, false},
        {"+", false},
        {"821012345678", false},
        {"+0123456789", false},
        {"+82 10 1234", false},
        {"+1234567890123456", false},
        {"+123456", false},
        {"+8210123456a8", false},
        {"++8210123456", false},
        {"+821012345678\n", false},
    };
    RUN(phone_ok, rows);
}

static void locales(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"ko", true},
        {"ko-KR", true},
        {"fil", true},
        {"zh-Hant-TW", true},
        {"zh-cmn-Hans-CN", true},
        {"es-419", true},
        {"sl-rozaj-biske", true},
        {"de-CH-1901", true},
        {"en-u-ca-buddhist", true},
        {"en-a-bbb-x-a-ccc", true},
        {"qaa-Qaaa-QM-x-southern", true},
        {"", false},
        {NULL, false},
        {"k", false},
        {"ko_KR", false},
        {"ko-", false},
        {"-ko", false},
        {"ko--KR", false},
        {"ko-KR-", false},
        {"123", false},
        {"abcdefghi", false},
        {"en-u", false},
        {"en-x", false},
        {"en-a", false},
        {"x-private", false},
        {"ko-KR-KR", false},
        {"ko KR", false},
        {"../etc", false},
        {"en-x-123456789", false},
        {"abcdefgh-abcdefgh-abcdefgh-abcdefghi", false},
    };
    RUN(locale_ok, rows);
}

static void timezones(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"Asia/Seoul", true},
        {"UTC", true},
        {"America/Argentina/Buenos_Aires", true},
        {"Etc/GMT+9", true},
        {"EST5EDT", true},
        {"America/Port-au-Prince", true},
        {"", false},
        {NULL, false},
        {"/etc/passwd", false},
        {"../../etc", false},
        {"Asia/", false},
        {"Asia//Seoul", false},
        {"Asia/../Seoul", false},
        {"Asia Seoul", false},
        {"+09:00", false},
        {"9", false},
    };
    RUN(timezone_ok, rows);
}

static void https_urls(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"https://push.example/send/abc-_", true},
        {"https://push.example", true},
        {"https://push.example:8443/a?b=c&d=%20", true},
        {"https://127.0.0.1:9/x", true},
        {"https://[::1]:9/x", true},
        {"https://localhost/x", true},
        {"https://push.example?x", true},
        {"https://push.example/@a:b", true},
        {"", false},
        {NULL, false},
        {"https://", false},
        {"https:///x", false},
        {"http://push.example/", false},
        {"HTTPS://push.example/", false},
        {"https://user@push.example/", false},
        {"https://user:pw@push.example/", false},
        {"https://push.example/#f", false},
        {"https://push.example/a b", false},
        {"https://push.example/\r\nX: y", false},
        {"https://push.example/\xea\xb0\x80", false},
        {"https://push.example\\@evil.example/", false},
        {"https://push.example:/", false},
        {"https://push.example:0/", false},
        {"https://push.example:65536/", false},
        {"https://push.example:99999999999/", false},
        {"https://push.example:8x/", false},
        {"https://-push.example/", false},
        {"https://push..example/", false},
        {"https://[::1/x", false},
        {"https://[::1]x/", false},
        {"https://[evil.example]/", false},
        {"https://[]/", false},
        {"javascript:alert(1)", false},
    };
    RUN(https_url_ok, rows);
    assert_true(with_many(https_url_ok, "https://a.example/", 'a', 2048 - 18, ""));
    assert_false(with_many(https_url_ok, "https://a.example/", 'a', 2049 - 18, ""));
}

static void tokens(void **state)
{
    (void)state;
    assert_true(with_many(apns_token_ok, "", 'a', 64, ""));
    assert_true(with_many(apns_token_ok, "", 'F', 160, ""));
    assert_false(with_many(apns_token_ok, "", 'a', 65, ""));
    assert_false(with_many(apns_token_ok, "", 'a', 62, ""));
    assert_false(with_many(apns_token_ok, "", 'g', 64, ""));
    assert_false(with_many(apns_token_ok, "", 'a', 63, "/"));
    assert_false(with_many(apns_token_ok, "", 'a', 4098, ""));
    assert_true(fcm_token_ok(STR("dGVz:APA91b-_x.y")));
    assert_false(fcm_token_ok(STR("")));
    assert_false(fcm_token_ok(STR_NONE));
    assert_false(fcm_token_ok(STR("a b")));
    assert_false(fcm_token_ok(STR("a/b")));
    assert_true(with_many(fcm_token_ok, "", 'a', 4096, ""));
    assert_false(with_many(fcm_token_ok, "", 'a', 4097, ""));
}

static void base64url_of_a_known_size(void **state)
{
    (void)state;
    assert_true(base64url_ok(STR("AAAAAAAAAAAAAAAAAAAAAA"), 16));
    assert_true(base64url_ok(STR("AAAAAAAAAAAAAAAAAAAAAA=="), 16));
    assert_false(base64url_ok(STR("AAAAAAAAAAAAAAAAAAAAA="), 16));
    assert_false(base64url_ok(STR("AAAAAAAAAAAAAAAAAAAAAA="), 16));
    assert_false(base64url_ok(STR("AAAAAAAAAAAAAAAAAAAAA+"), 16));
    assert_false(base64url_ok(STR("AAAAAAAAAAAAAAAAAAAAA"), 16));
    assert_false(base64url_ok(STR("======================"), 16));
    assert_true(base64url_ok(STR("-_-_"), 3));
    assert_false(base64url_ok(STR_NONE, 16));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(event_ids_and_collapse_keys),
        cmocka_unit_test(emails),
        cmocka_unit_test(phones),
        cmocka_unit_test(locales),
        cmocka_unit_test(timezones),
        cmocka_unit_test(https_urls),
        cmocka_unit_test(tokens),
        cmocka_unit_test(base64url_of_a_known_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
