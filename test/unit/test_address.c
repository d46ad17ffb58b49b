/* Addresses as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/address.h"

static void addresses_are_read_and_written(void **state)
{
    (void)state;
    static const struct {
        const char *text, *again;
        bool loopback;
    } rows[] = {
        {"127.0.0.1:8080", "127.0.0.1:8080", true},
        {"127.9.9.9:0", "127.9.9.9:0", true},
        {"localhost:80", "127.0.0.1:80", true},
        {"[::1]:443", "[::1]:443", true},
        {"[::ffff:127.0.0.1]:1", "[::ffff:127.0.0.1]:1", true},
        {"0.0.0.0:65535", "0.0.0.0:65535", false},
        {"[::]:80", "[::]:80", false},
        {"10.0.0.1:080", "10.0.0.1:80", false},
        {"[::ffff:10.0.0.1]:1", "[::ffff:10.0.0.1]:1", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct address address;
        struct why why;
        char text[ADDRESS_TEXT_SIZE];
        assert_int_equal(address_parse(str_of(rows[i].text), &address, &why), OK);
        address_format(&address, text);
        assert_string_equal(text, rows[i].again);
        assert_int_equal(address_is_loopback(&address), rows[i].loopback);
    }
}

static void anything_else_is_refused_with_a_remedy(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        ":",
        ":80",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:+1",
        "127.0.0.1:8 ",
        "127.0.0.1:000080",
        "::1:80",
        "[::1]",
        "[::1:80",
        "[]:80",
        "example.com:80",
        "127.1:80",
        "[127.0.0.1:80",
        "1.2.3.4.5:80",
        "[::1]x:80",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct address address;
        struct why why = {""};
        assert_int_equal(address_parse(str_of(bad[i]), &address, &why), ERR_INPUT);
        assert_true(strlen(why.text) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_and_written),
        cmocka_unit_test(anything_else_is_refused_with_a_remedy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
