/* test/unit/test_outgoing.c - the last door: what may not go out, whoever composed it; and origins.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/origin.h"
#include "net/outgoing.h"

static struct request good_http(void)
{
    return (struct request){.wire = WIRE_HTTP,
                            .method = STR("POST"),
                            .origin = STR("https://push.example"),
                            .path = STR("/3/device/ab?x=1"),
                            .headers = {{STR("content-type"), STR("application/json")}},
                            .header_count = 1,
                            .body = STR("{}")};
}

static struct request good_mail(void)
{
    return (struct request){.wire = WIRE_SMTP,
                            .origin = STR("smtp://mail.example:587"),
                            .mail_from = STR("bounce+1@example.org"),
                            .mail_to = STR("user@example.net"),
                            .body = STR("Subject: x\r\n\r\nhello\r\n")};
}

static void ordinary_requests_pass(void **state)
{
    (void)state;
    struct why why;
    struct request http = good_http(), mail = good_mail();
    assert_true(outgoing_allowed(&http, &why));
    http.wire = WIRE_H2;
    assert_true(outgoing_allowed(&http, &why));
    assert_true(outgoing_allowed(&mail, &why));
    mail.mail_from = STR("");
    mail.path = STR("/node.example");
    assert_true(outgoing_allowed(&mail, &why));
    struct request sandbox = {.wire = WIRE_SANDBOX};
    assert_true(outgoing_allowed(&sandbox, &why));
}

static void lines_cannot_be_split(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *name, *value;
    } rows[] = {
        {"POST\r\nX", "/", "a", "b"},
        {"", "/", "a", "b"},
        {"GET /", "/", "a", "b"},
        {"POST", "", "a", "b"},
        {"POST", "no-slash", "a", "b"},
        {"POST", "/a b", "a", "b"},
        {"POST", "/a\r\nHost: x", "a", "b"},
        {"POST", "/a\n", "a", "b"},
        {"POST", "/a#fragment", "a", "b"},
        {"POST", "/caf\xc3\xa9", "a", "b"},
        {"POST", "/", "", "b"},
        {"POST", "/", "Upper", "b"},
        {"POST", "/", "a b", "b"},
        {"POST", "/", "a:", "b"},
        {"POST", "/", ":path", "b"},
        {"POST", "/", "a\r\nx", "b"},
        {"POST", "/", "host", "b"},
        {"POST", "/", "content-length", "5"},
        {"POST", "/", "transfer-encoding", "chunked"},
        {"POST", "/", "connection", "close"},
        {"POST", "/", "expect", "100-continue"},
        {"POST", "/", "a", "b\r\nc: d"},
        {"POST", "/", "a", "b\n"},
        {"POST", "/", "a", "\x7f"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct request request = good_http();
        struct why why;
        request.method = str_of(rows[i].method);
        request.path = str_of(rows[i].path);
        request.headers[0] = (struct header){str_of(rows[i].name), str_of(rows[i].value)};
        if (outgoing_allowed(&request, &why))
            fail_msg("row %zu passed", i);
    }
    struct request request = good_http();
    struct why why;
    request.headers[0].value = (struct str){"a\0b", 3};
    assert_false(outgoing_allowed(&request, &why));
}

static void mail_cannot_be_smuggled(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *path, *body;
    } rows[] = {
        {"a@b\r\nRCPT TO:<x@y>", "u@x", "", "t\r\n"},
        {"a@b> SIZE=1", "u@x", "", "t\r\n"},
        {"a@b", "", "", "t\r\n"},
        {"a@b", "u@x\r\nDATA", "", "t\r\n"},
        {"a@b", "<u@x>", "", "t\r\n"},
        {"a@b", "u x@y", "", "t\r\n"},
        {"a@b", "u@x", "/host\r\nMAIL", "t\r\n"},
        {"a@b", "u@x", "", "t\n.\nMAIL FROM:<x>\r\n"},
        {"a@b", "u@x", "", "t\r.\r\n"},
        {"a@b", "u@x", "", "t\r\n\n"},
        {"a@b", "u@x", "", "t\r\r\n"},
        {"a@b", "u@x", "", "t\n"},
        {"a@b", "u@x", "", "t\r"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct request request = good_mail();
        struct why why;
        request.mail_from = str_of(rows[i].from);
        request.mail_to = str_of(rows[i].to);
        request.path = str_of(rows[i].path);
        request.body = str_of(rows[i].body);
        if (outgoing_allowed(&request, &why))
            fail_msg("row %zu passed", i);
    }
}

static void origins_are_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host, *authority;
        enum scheme scheme;
        uint16_t port; /* 0: no origin */
        bool loopback;
    } rows[] = {
        {"https://api.push.apple.com", "api.push.apple.com", "api.push.apple.com", SCHEME_HTTPS,
         443, false},
        {"https://localhost:2197", "localhost", "localhost:2197", SCHEME_HTTPS, 2197, true},
        {"http://[::1]:80", "::1", "[::1]:80", SCHEME_HTTP, 80, true},
        {"http://[::1]", "::1", "[::1]", SCHEME_HTTP, 80, true},
        {"smtp://mail.example", "mail.example", "mail.example", SCHEME_SMTP, 587, false},
        {"smtps://127.0.0.9", "127.0.0.9", "127.0.0.9", SCHEME_SMTPS, 465, true},
        {"http://a.localhost", "a.localhost", "a.localhost", SCHEME_HTTP, 80, true},
        {"http://localhost.example", "localhost.example", "localhost.example", SCHEME_HTTP, 80,
         false},
        {"HTTPS://x", NULL, NULL, 0, 0, false},
        {"https://", NULL, NULL, 0, 0, false},
        {"https://:443", NULL, NULL, 0, 0, false},
        {"https://x:", NULL, NULL, 0, 0, false},
        {"https://x:0", NULL, NULL, 0, 0, false},
        {"https://x:65536", NULL, NULL, 0, 0, false},
        {"https://x:4 43", NULL, NULL, 0, 0, false},
        {"https://x/", NULL, NULL, 0, 0, false},
        {"https://x?y", NULL, NULL, 0, 0, false},
        {"https://u@x", NULL, NULL, 0, 0, false},
        {"https://u:p@x", NULL, NULL, 0, 0, false},
        {"https://[::1", NULL, NULL, 0, 0, false},
        {"https://[fe80::1%25eth0]", NULL, NULL, 0, 0, false},
        {"https://x%2ey", NULL, NULL, 0, 0, false},
        {"https://caf\xc3\xa9", NULL, NULL, 0, 0, false},
        {"ftp://x", NULL, NULL, 0, 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct origin origin;
        bool parsed = origin_parse(str_of(rows[i].text), &origin);
        if (parsed != (rows[i].port != 0))
            fail_msg("%s", rows[i].text);
        if (!parsed)
            continue;
        assert_int_equal(origin.scheme, rows[i].scheme);
        assert_int_equal(origin.port, rows[i].port);
        assert_true(str_eq(origin.host, str_of(rows[i].host)));
        assert_true(str_eq(origin.authority, str_of(rows[i].authority)));
        assert_int_equal(origin_is_loopback(&origin), rows[i].loopback);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_requests_pass),
        cmocka_unit_test(lines_cannot_be_split),
        cmocka_unit_test(mail_cannot_be_smuggled),
        cmocka_unit_test(origins_are_taken_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
