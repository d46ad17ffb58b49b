/* Percent-encoding, forms and URLs: exact bytes out, and nothing doubtful in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "codec/uri.h"

static void encodes_all_but_the_unreserved(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    uri_add_component(&buf, STR("AZaz09-._~"));
    uri_add_component(&buf, STR(" +&=/?%\r\n\0\xc3\xa9"));
    assert_true(str_eq(buf_str(&buf), STR("AZaz09-._~%20%2B%26%3D%2F%3F%25%0D%0A%00%C3%A9")));
    buf_done(&buf);
}

static void forms_are_written_and_read_back(void **state)
{
    (void)state;
    struct buf buf;
    struct arena arena;
    bool bad = false;
    buf_init(&buf, 1000);
    arena_init(&arena, 10000);
    form_add(&buf, STR("To"), STR("+15005550006"));
    form_add(&buf, STR("Body"), STR("a b&c=d"));
    assert_true(str_eq(buf_str(&buf), STR("To=%2B15005550006&Body=a%20b%26c%3Dd")));

    struct str rest = STR("a=1&&b=x+y%2Bz&c&=d&e=f=g"), name, value;
    static const char *const want[][2] = {
        {"a", "1"}, {"b", "x y+z"}, {"c", ""}, {"", "d"}, {"e", "f=g"}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        assert_true(form_next(&rest, &arena, &name, &value, &bad));
        assert_true(str_eq(name, str_of(want[i][0])));
        assert_true(str_eq(value, str_of(want[i][1])));
        assert_non_null(value.at);
    }
    assert_false(form_next(&rest, &arena, &name, &value, &bad));
    assert_false(bad);
    rest = STR_NONE;
    assert_false(form_next(&rest, &arena, &name, &value, &bad));
    arena_done(&arena);
    buf_done(&buf);
}

static void refuses_broken_escapes(void **state)
{
    (void)state;
    static const char *const texts[] = {"%", "a%2", "%zz", "%00", "%%20", "x%2g"};
    struct arena arena;
    struct str out = STR("untouched"), name, value;
    arena_init(&arena, 10000);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        bool bad = false;
        struct str rest = str_of(texts[i]);
        assert_false(uri_decode(rest, false, &arena, &out));
        assert_false(form_next(&rest, &arena, &name, &value, &bad));
        assert_true(bad);
    }
    assert_true(uri_decode(STR("a+b"), false, &arena, &out));
    assert_true(str_eq(out, STR("a+b")));
    arena_done(&arena);
}

static void any_bytes_survive_the_round_trip(void **state)
{
    (void)state;
    struct rng rng = rng_of(2);
    for (int round = 0; round < 1000; round++) {
        char bytes[40];
        size_t len = rng_below(&rng, sizeof bytes);
        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)(1 + rng_below(&rng, 255));
        struct buf buf;
        struct arena arena;
        struct str back;
        buf_init(&buf, 1000);
        arena_init(&arena, 10000);
        uri_add_component(&buf, (struct str){bytes, len});
        assert_true(uri_decode(buf_str(&buf), round & 1, &arena, &back));
        assert_true(str_eq(back, (struct str){bytes, len}));
        arena_done(&arena);
        buf_done(&buf);
    }
}

static void urls_come_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text, *scheme, *host, *origin, *path;
        unsigned port;
    } rows[] = {
        {"https://a.example", "https", "a.example", "https://a.example", NULL, 0},
        {"https://a.example/", "https", "a.example", "https://a.example", "/", 0},
        {"HTTP://[::1]:8080/x?y=z:1/2", "HTTP", "[::1]", "HTTP://[::1]:8080", "/x?y=z:1/2", 8080},
        {"smtp://127.0.0.1:25", "smtp", "127.0.0.1", "smtp://127.0.0.1:25", NULL, 25},
        {"https://a?b", "https", "a", "https://a", "?b", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct url url;
        assert_true(url_parse(str_of(rows[i].text), &url));
        assert_true(str_eq(url.scheme, str_of(rows[i].scheme)));
        assert_true(str_eq(url.host, str_of(rows[i].host)));
        assert_true(str_eq(url.origin, str_of(rows[i].origin)));
        assert_true(str_eq(url.path, str_of(rows[i].path)));
        assert_int_equal(url.port, rows[i].port);
    }
}

static void doubtful_urls_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "a.example",
        "//a.example",
        "https:a.example",
        "https://",
        "https:///x",
        "https://a.example:",
        "https://a.example:0",
        "https://a.example:65536",
        "https://a.example:99999999999",
        "https://user@a.example",
        "https://user:pw@a.example/",
        "https://a.example@b.example/",
        "https://a.example/#f",
        "https://a b.example/",
        "https://a.example/\r\nx: y",
        "https://a.example/\\x",
        "https://[::1",
        "https://[zz]/",
        "https://::1/",
        "https://\xc3\xa9.example/",
        "1ttp://a.example",
    };
    struct url url;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (url_parse(str_of(texts[i]), &url))
            fail_msg("accepted '%s'", texts[i]);
    assert_false(url_parse(STR("https://a.example/\0x"), &url));
}

static void loopback_is_told_by_its_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool loopback;
    } rows[] = {
        {"http://localhost", true},
        {"http://LOCALHOST:1", true},
        {"http://127.0.0.1", true},
        {"http://127.255.255.254", true},
        {"http://[::1]:9", true},
        {"http://128.0.0.1", false},
        {"http://127.1", false},
        {"http://0x7f000001", false},
        {"http://localhost.example", false},
        {"http://[::2]", false},
        {"http://[::ffff:127.0.0.1]", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct url url;
        assert_true(url_parse(str_of(rows[i].text), &url));
        assert_int_equal(url_is_loopback(&url), rows[i].loopback);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodes_all_but_the_unreserved),
        cmocka_unit_test(forms_are_written_and_read_back),
        cmocka_unit_test(refuses_broken_escapes),
        cmocka_unit_test(any_bytes_survive_the_round_trip),
        cmocka_unit_test(urls_come_apart),
        cmocka_unit_test(doubtful_urls_are_refused),
        cmocka_unit_test(loopback_is_told_by_its_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
