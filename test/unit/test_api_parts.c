/* The API's small parts: headers, cursors, masks, durations, routes, fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/address.h"
#include "api/cursor.h"
#include "api/fields.h"
#include "api/headers.h"
#include "api/mask.h"
#include "api/route.h"
#include "api/views.h"
#include "codec/digest.h"
#include <stdio.h>

static struct arena arena;

static int start(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

struct row {
    const char *text;
    bool good;
};

static void run(bool (*ok)(struct str), const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ok(str_of(rows[i].text)) != rows[i].good)
            fail_msg("%s is %s", rows[i].text, rows[i].good ? "refused" : "taken");
}
#define RUN(ok, rows) run(ok, rows, sizeof(rows) / sizeof *(rows))

static void traceparents_are_taken_as_w3c_has_them(void **state)
{
    static const struct row rows[] = {
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff", true},
        {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes", true},
        {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x", false},
        {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x", false},
        {"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
        {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", false},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false},
        {"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false},
        {"00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01", false},
        {"0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", false},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g", false},
        {"", false},
    };
    (void)state;
    RUN(traceparent_ok, rows);
}

static void media_types_are_json_in_utf_8(void **state)
{
    static const struct row rows[] = {
        {"application/json", true},
        {"APPLICATION/JSON", true},
        {" application/json ", true},
        {"application/json;", true},
        {"application/json; charset=UTF-8; x=y", true},
        {"application/json; charset=\"utf-8\"", true},
        {"application/json; charset=utf-16", false},
        {"application/json; charset", false},
        {"application/problem+json", false},
        {"application/ld+json", false},
        {"json", false},
        {"application", false},
    };
    (void)state;
    RUN(content_type_is_json, rows);
}

static void credentials_are_read_and_hashed(void **state)
{
    struct credentials found;
    unsigned char hash[SHA256_SIZE];
    (void)state;
    credentials_read(STR("Basic a2V5X2E6c2VjOnJldA=="), &arena, &found); /* key_a:sec:ret */
    assert_int_equal(found.scheme, SCHEME_BASIC);
    assert_true(str_eq(found.name, STR("key_a")));
    sha256(STR("sec:ret"), hash);
    assert_memory_equal(found.secret_hash, hash, sizeof hash);
    credentials_read(STR("bAsIc a2V5X2E6"), &arena, &found); /* key_a: */
    assert_int_equal(found.scheme, SCHEME_BASIC);
    credentials_read(STR("bearer  abc "), &arena, &found);
    assert_int_equal(found.scheme, SCHEME_BEARER);
    sha256(STR("abc"), hash);
    assert_memory_equal(found.secret_hash, hash, sizeof hash);
    credentials_read(STR_NONE, &arena, &found);
    assert_int_equal(found.scheme, SCHEME_NONE);
    credentials_read(STR("Basic a2V5AGE6c2VjcmV0"), &arena, &found); /* key NUL a:secret */
    assert_int_equal(found.scheme, SCHEME_WRONG);
    credentials_read(STR("Negotiate abc"), &arena, &found);
    assert_int_equal(found.scheme, SCHEME_WRONG);
}

static void a_cursor_goes_on_in_its_own_query_only(void **state)
{
    static const struct position positions[] = {
        {.name = STR_INIT("")},
        {.name = STR_INIT("a name with spaces")},
        {.name = STR_INIT("x"), .notification = 123456789012345, .ordinal = 7, .seq = 4000000000},
        {.name = STR_INIT(""), .ordinal = 4294967295},
    };
    struct ids ids = {.secret = {1, 2}}, others = {.secret = {1, 3}};
    (void)state;
    for (size_t i = 0; i < sizeof positions / sizeof *positions; i++) {
        struct position got;
        struct str text = cursor_write(&ids, STR("q1"), &positions[i], &arena);
        assert_true(cursor_read(&ids, STR("q1"), text, &arena, &got));
        assert_true(str_eq(got.name, positions[i].name));
        assert_int_equal(got.notification, positions[i].notification);
        assert_int_equal(got.ordinal, positions[i].ordinal);
        assert_int_equal(got.seq, positions[i].seq);
        assert_false(cursor_read(&ids, STR("q2"), text, &arena, &got));
        assert_false(cursor_read(&ids, STR(""), text, &arena, &got));
        assert_false(cursor_read(&others, STR("q1"), text, &arena, &got));
        char *bent = arena_text(&arena, text);
        for (size_t k = 0; k < text.len; k++) {
            char was = bent[k];
            bent[k] = was == 'A' ? 'B' : 'A';
            assert_false(cursor_read(&ids, STR("q1"), str_of(bent), &arena, &got));
            bent[k] = was;
        }
    }
    struct position got;
    assert_false(cursor_read(&ids, STR("q1"), STR(""), &arena, &got));
    assert_false(cursor_read(&ids, STR("q1"), STR("AAAAAAAAAAA"), &arena, &got));
}

static void masks_show_enough_to_recognise_and_no_more(void **state)
{
    static const struct {
        enum kind kind;
        const char *address, *masked;
    } rows[] = {
        {KIND_EMAIL, "anna@shop.example", "a***@shop.example"},
        {KIND_EMAIL, "a@shop.example", "***@shop.example"},
        {KIND_SMS, "+4915112345678", "+4***78"},
        {KIND_SMS, "+1", "***"},
        {KIND_IOS, "0123456789abcdef0123456789abcdef", "0123***cdef"},
        {KIND_IOS, "abcdef", "a***f"},
        {KIND_ANDROID, "ab", "***"},
        {KIND_ANDROID, "", "***"},
        {KIND_WEB, "https://push.example/send/0123456789abcdef", "https://push.example/***cdef"},
        {KIND_WEB, "https://push.example/x", "https://push.example/***"},
        {KIND_WEB, "no url at all", "no***ll"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str found = mask_address(&arena, rows[i].kind, str_of(rows[i].address));
        if (!str_eq(found, str_of(rows[i].masked)))
            fail_msg("%s: %.*s", rows[i].address, STR_ARG(found));
    }
    assert_null(mask_address(&arena, KIND_IOS, STR_NONE).at);
}

static void durations_are_said_in_the_largest_unit_that_is_exact(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {{0, "0s"},         {1, "1ms"},        {1000, "1s"},      {1500, "1500ms"},
                {90000, "90s"},    {120000, "2m"},    {5400000, "90m"},  {3600000, "1h"},
                {86400000, "24h"}, {90000000, "25h"}, {172800000, "2d"}, {604800000, "7d"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char into[SPAN_TEXT_SIZE];
        struct span back;
        struct str text = span_format(span_ms(rows[i].ms), into);
        assert_true(str_eq(text, str_of(rows[i].text)));
        assert_true(span_parse(text, &back));
        assert_int_equal(back.us, rows[i].ms * 1000);
    }
}

static void every_route_finds_itself(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < route_count; i++) {
        struct route_match match;
        route_find(routes[i].method, str_of(routes[i].pattern), &arena, &match);
        /* "{user_id}" is not a name, but it is a segment. */
        assert_ptr_equal(match.route, &routes[i]);
        for (uint32_t k = 0; k < i; k++)
            assert_false(routes[i].method == routes[k].method &&
                         strcmp(routes[i].pattern, routes[k].pattern) == 0);
    }
}

static void addresses_are_kept_in_one_spelling(void **state)
{
    (void)state;
    assert_true(
        str_eq(address_normal(&arena, CHANNEL_EMAIL, STR("A.B@C.Example")), STR("A.B@c.example")));
    assert_true(str_eq(address_normal(&arena, CHANNEL_SMS, STR("+123")), STR("+123")));
    assert_true(timezone_known(STR("Asia/Seoul")));
    assert_false(timezone_known(STR("Asia")));
    assert_false(timezone_known(STR("Asia/Atlantis")));
    assert_false(timezone_known(STR("../zoneinfo/Asia/Seoul")));
    assert_false(timezone_known(STR("tzdata.zi")));
}

static const struct json *parse(const char *text)
{
    static const struct json_limits limits = {8, 1000};
    const struct json *json = NULL;
    struct json_fault fault;
    assert_int_equal(json_parse(str_of(text), &limits, &arena, &json, &fault), OK);
    return json;
}

static void members_beyond_the_sixty_fourth_are_known_too(void **state)
{
    struct buf text;
    struct faults faults;
    struct fields fields;
    struct str last = STR_NONE;
    (void)state;
    buf_init(&text, 1 << 16);
    buf_add(&text, STR("{\"m0\":\"\""));
    for (int i = 1; i < 80; i++)
        buf_printf(&text, ",\"m%d\":\"v%d\"", i, i);
    buf_add(&text, STR("}"));
    buf_add_char(&text, '\0');
    faults_init(&faults, &arena);
    assert_true(fields_init(&fields, parse(text.at), NULL, &faults));
    for (int i = 0; i < 79; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "m%d", i);
        assert_true(fields_str(&fields, str_of(name), 10, &last));
    }
    fields_done(&fields);
    assert_int_equal(faults.count, 1);
    assert_true(str_eq(faults.list[0].pointer, STR("/m79")));
    buf_done(&text);
}

static void null_counts_as_absent(void **state)
{
    struct faults faults;
    struct fields fields;
    bool flag = true;
    int64_t number = 1;
    struct span span;
    struct wall wall;
    (void)state;
    faults_init(&faults, &arena);
    assert_true(fields_init(
        &fields, parse("{\"a\":null,\"b\":null,\"c\":null,\"d\":null,\"e\":null}"), NULL, &faults));
    assert_false(fields_bool(&fields, STR("a"), &flag));
    assert_false(fields_i64(&fields, STR("b"), 0, 1, &number));
    assert_false(fields_span(&fields, STR("c"), &span));
    assert_false(fields_wall(&fields, STR("d"), &wall));
    fields_later(&fields, STR("e"));
    fields_done(&fields);
    assert_int_equal(faults.count, 0);
    fields_needed(&fields, STR("a"));
    assert_int_equal(faults.count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(traceparents_are_taken_as_w3c_has_them),
        TEST(media_types_are_json_in_utf_8),
        TEST(credentials_are_read_and_hashed),
        TEST(a_cursor_goes_on_in_its_own_query_only),
        TEST(masks_show_enough_to_recognise_and_no_more),
        TEST(durations_are_said_in_the_largest_unit_that_is_exact),
        TEST(every_route_finds_itself),
        TEST(addresses_are_kept_in_one_spelling),
        TEST(members_beyond_the_sixty_fourth_are_known_too),
        TEST(null_counts_as_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
