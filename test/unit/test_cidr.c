/* Networks: what they hold, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/cidr.h"

static void a_network_holds_its_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *network, *host;
        bool holds;
    } rows[] = {
        {"127.0.0.0/8", "127.255.255.255", true},
        {"127.0.0.0/8", "128.0.0.0", false},
        {"127.0.0.0/8", "[::ffff:127.0.0.1]", true},
        {"10.1.2.3", "10.1.2.3", true},
        {"10.1.2.3", "10.1.2.2", false},
        {"172.16.0.0/12", "172.31.0.1", true},
        {"172.16.0.0/12", "172.32.0.1", false},
        {"0.0.0.0/0", "255.1.2.3", true},
        {"0.0.0.0/0", "::1", false},
        {"::/0", "10.0.0.1", true},
        {"fd00::/8", "[fdab::1]", true},
        {"fd00::/8", "fe80::1", false},
        {"::1", "[::1]", true},
        {"127.0.0.0/8", "localhost", false},
        {"127.0.0.0/8", "", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cidr network;
        assert_true(cidr_parse(str_of(rows[i].network), &network));
        if (cidr_has(&network, str_of(rows[i].host)) != rows[i].holds)
            fail_msg("row %zu", i);
    }
}

static void what_is_no_network_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",           "localhost", "127.0.0.1/8", "10.0.0.0/33",
                                      "10.0.0.0/",  "/8",        "10.0.0/8",    "::/129",
                                      "fd00::1/64", "[::1]",     "10.0.0.0/+8", "10.0.0.0/8/8"};
    struct cidr network;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (cidr_parse(str_of(bad[i]), &network))
            fail_msg("accepted '%s'", bad[i]);
    assert_false(cidr_parse(STR("10.0.0.1\0x"), &network));
}

static void a_list_is_walked_to_its_end_or_its_fault(void **state)
{
    (void)state;
    struct cidr network;
    bool bad = false;
    struct str list = STR(" 10.0.0.0/8 ,, ::1");
    assert_true(cidr_next(&list, &network, &bad));
    assert_int_equal(network.bits, 104);
    assert_true(cidr_next(&list, &network, &bad));
    assert_int_equal(network.bits, 128);
    assert_false(cidr_next(&list, &network, &bad));
    assert_false(bad);
    list = STR("10.0.0.0/8, all");
    assert_true(cidr_next(&list, &network, &bad));
    assert_false(cidr_next(&list, &network, &bad));
    assert_true(bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_holds_its_addresses),
        cmocka_unit_test(what_is_no_network_is_refused),
        cmocka_unit_test(a_list_is_walked_to_its_end_or_its_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
