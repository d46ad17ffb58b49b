/* test/unit/test_pin.c - which addresses a subscriber may lead us to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/pin.h"
#include <arpa/inet.h>
#include <stdio.h>

static const struct sockaddr *address(const char *text, struct sockaddr_storage *into)
{
    memset(into, 0, sizeof *into);
    struct sockaddr_in *v4 = (struct sockaddr_in *)into;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)into;
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
        into->ss_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
        into->ss_family = AF_INET6;
    else
        fail_msg("%s", text);
    return (const struct sockaddr *)into;
}

static void every_class_of_address_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_public;
    } rows[] = {
        {"0.0.0.0", false},
        {"0.255.255.255", false},
        {"1.1.1.1", true},
        {"9.255.255.255", true},
        {"10.0.0.0", false},
        {"10.255.255.255", false},
        {"11.0.0.0", true},
        {"100.63.255.255", true},
        {"100.64.0.0", false},
        {"100.127.255.255", false},
        {"100.128.0.0", true},
        {"126.255.255.255", true},
        {"127.0.0.1", false},
        {"127.255.255.255", false},
        {"128.0.0.0", true},
        {"169.253.255.255", true},
        {"169.254.169.254", false},
        {"169.255.0.0", true},
        {"172.15.255.255", true},
        {"172.16.0.0", false},
        {"172.31.255.255", false},
        {"172.32.0.0", true},
        {"192.0.0.170", false},
        {"192.0.1.0", true},
        {"192.0.2.1", false},
        {"192.88.99.1", false},
        {"192.167.255.255", true},
        {"192.168.0.1", false},
        {"192.169.0.0", true},
        {"198.17.255.255", true},
        {"198.18.0.0", false},
        {"198.19.255.255", false},
        {"198.20.0.0", true},
        {"198.51.100.7", false},
        {"203.0.113.7", false},
        {"223.255.255.255", true},
        {"224.0.0.1", false},
        {"239.255.255.255", false},
        {"240.0.0.0", false},
        {"255.255.255.255", false},
        {"::", false},
        {"::1", false},
        {"::7f00:1", false},         /* compatible */
        {"::808:808", false},        /* compatible, whatever it holds */
        {"::ffff:127.0.0.1", false}, /* mapped */
        {"::ffff:10.1.2.3", false},
        {"::ffff:8.8.8.8", true},
        {"64:ff9b::7f00:1", false}, /* NAT64 */
        {"64:ff9b::a00:1", false},
        {"64:ff9b::808:808", true},
        {"64:ff9b:1::808:808", false}, /* local-use NAT64 */
        {"100::1", false},             /* discard */
        {"2001::1", false},            /* Teredo */
        {"2001:10::1", false},         /* ORCHID */
        {"2001:1ff:ffff::1", false},
        {"2001:200::1", true},
        {"2001:db8::1", false},
        {"2001:4860:4860::8888", true},
        {"2002:7f00:1::1", false}, /* 6to4 */
        {"2002:a00:1::1", false},
        {"2002:808:808::1", true},
        {"2606:4700:4700::1111", true},
        {"3fff::1", false},
        {"3fff:1000::1", true},
        {"4000::1", false},
        {"5f00::1", false},
        {"fc00::1", false},
        {"fdff::1", false},
        {"fe80::1", false},
        {"fec0::1", false},
        {"ff02::1", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sockaddr_storage storage;
        if (pin_is_public(address(rows[i].text, &storage)) != rows[i].is_public)
            fail_msg("%s should be %s", rows[i].text, rows[i].is_public ? "public" : "refused");
    }
}

static void other_families_are_refused(void **state)
{
    (void)state;
    struct sockaddr_storage storage = {.ss_family = AF_UNIX};
    assert_false(pin_is_public((const struct sockaddr *)&storage));
    assert_false(pin_is_within((const struct sockaddr *)&storage, STR("0.0.0.0/0, ::/0")));
}

static void networks_are_matched_by_their_bits(void **state)
{
    (void)state;
    static const struct {
        const char *text, *networks;
        bool within;
    } rows[] = {
        {"127.0.0.1", "127.0.0.0/8", true},
        {"127.9.9.9", "10.0.0.0/8, 127.0.0.0/8", true},
        {"126.0.0.1", "127.0.0.0/8", false},
        {"::ffff:127.0.0.1", "127.0.0.0/8", true},
        {"64:ff9b::7f00:1", "127.0.0.0/8", false}, /* it leads elsewhere */
        {"10.1.2.3", "10.1.2.3", true},
        {"10.1.2.4", "10.1.2.3", false},
        {"10.1.2.4", "10.1.2.0/29", true},
        {"10.1.2.8", "10.1.2.0/29", false},
        {"10.1.2.8", "0.0.0.0/0", true},
        {"::1", "0.0.0.0/0", false},
        {"::1", "::1/128", true},
        {"::1", "::1", true},
        {"fd00::5", "fd00::/8 ", true},
        {"fe80::5", "fd00::/8", false},
        {"10.0.0.1", "", false},
        {"10.0.0.1", "10.0.0.0/33", false},
        {"10.0.0.1", "10.0.0.0/", false},
        {"10.0.0.1", "10.0.0.0/-1", false},
        {"10.0.0.1", "10/8", false},
        {"10.0.0.1", "everything,,10.0.0.0/8", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sockaddr_storage storage;
        if (pin_is_within(address(rows[i].text, &storage), str_of(rows[i].networks)) !=
            rows[i].within)
            fail_msg("%s in \"%s\"", rows[i].text, rows[i].networks);
    }
    struct sockaddr_storage storage;
    assert_false(pin_is_within(address("127.0.0.1", &storage), STR_NONE));
}

static void only_allowed_networks_do_without_tls(void **state)
{
    (void)state;
    struct sockaddr_storage storage;
    assert_true(pin_allows(address("8.8.8.8", &storage), STR_NONE, true));
    assert_false(pin_allows(address("8.8.8.8", &storage), STR_NONE, false));
    assert_false(pin_allows(address("127.0.0.1", &storage), STR_NONE, true));
    assert_true(pin_allows(address("127.0.0.1", &storage), STR("127.0.0.0/8"), false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_class_of_address_is_known),
        cmocka_unit_test(other_families_are_refused),
        cmocka_unit_test(networks_are_matched_by_their_bits),
        cmocka_unit_test(only_allowed_networks_do_without_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
