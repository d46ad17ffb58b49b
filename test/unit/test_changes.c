/* What a reload finds changed, what becomes of each provider, and what it must refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "conf/changes.h"

/* The parts of a file; NULL: as in `usual`. */
struct parts {
    const char *root, *providers, *routes, *rest;
};

static const struct parts usual = {
    .root = "root_key: 0123456789abcdef0123456789abcdef\nstore: sqlite:/tmp/x\n",
    .providers = "  a: {driver: twilio, account_sid: AC00000000000000000000000000000000, "
                 "auth_token: t, from: '+14155550100', url: 'http://127.0.0.1:1'}\n"
                 "  b: {driver: sandbox, rate: 5}\n",
    .routes = "  - {kind: sms, match: {country: [KR]}, providers: [a, b]}\n"
              "  - {kind: email, providers: [b]}\n",
    .rest = "",
};

#define OR(part, usual) ((part) ? (part) : (usual))

static struct config *parse(const struct parts *parts)
{
    char text[4096];
    struct config_faults faults;
    struct config *config = NULL;
    int len = snprintf(text, sizeof text, "%sproviders:\n%sroutes:\n%s%s",
                       OR(parts->root, usual.root), OR(parts->providers, usual.providers),
                       OR(parts->routes, usual.routes), OR(parts->rest, usual.rest));
    assert_true(len > 0 && (size_t)len < sizeof text);
    config_faults_init(&faults);
    enum err err = config_parse(str_of(text), "x.yaml", &faults, &config);
    for (uint32_t i = 0; i < faults.count; i++)
        print_message("%u: %.*s\n", faults.list[i].place.line, STR_ARG(faults.list[i].what));
    config_faults_done(&faults);
    assert_int_equal(err, OK);
    return config;
}

static void what_has_changed_is_named(void **state)
{
    static const struct {
        struct parts next;
        const char *changed;
    } rows[] = {
        {{NULL}, "nothing"},
        {{.root = "root_key: 0123456789abcdef0123456789abcdeX\nstore: sqlite:/tmp/x\n"},
         "root_key"},
        {{.rest = "retention: {notifications: 3d, events: 3d}\n"}, "retention"},
        {{.rest = "limits: {in_flight: 7}\n"}, "limits"},
        {{.rest = "limits: {memory: 64MiB}\n"}, "limits"},
        {{.rest = "limits: {body_bytes: 64KiB}\n"}, "limits"},
        {{.rest = "retry: {low: {attempts: 2}}\n"}, "retry"},
        {{.rest = "retry: {high: {max: 9m}}\n"}, "retry"},
        {{.rest = "public_url: https://n.example\n"}, "providers,public_url"},
        {{.routes = "  - {kind: email, providers: [b]}\n"}, "routes"},
        {{.routes = "  - {kind: sms, match: {country: [JP]}, providers: [a, b]}\n"
                    "  - {kind: email, providers: [b]}\n"},
         "routes"},
        {{.routes = "  - {kind: sms, match: {country: [KR]}, providers: [b, a]}\n"
                    "  - {kind: email, providers: [b]}\n"},
         "routes"},
        {{.providers = "  b: {driver: sandbox, rate: 6}\n",
          .routes = "  - {kind: email, providers: [b]}\n"},
         "providers,routes"},
        /* Their order in the file is of no account. */
        {{.providers = "  b: {driver: sandbox, rate: 5}\n"
                       "  a: {driver: twilio, auth_token: t, from: '+14155550100', account_sid: "
                       "AC00000000000000000000000000000000, url: 'http://127.0.0.1:1'}\n"},
         "nothing"},
    };
    struct config *old = parse(&usual);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct config *next = parse(&rows[i].next);
        struct config_changes changes;
        char text[CONFIG_CHANGES_TEXT_MAX];
        config_compare(old, next, &changes);
        config_changes_format(&changes, text);
        if (!str_eq(str_of(text), str_of(rows[i].changed)))
            fail_msg("row %zu: %s, not %s", i, text, rows[i].changed);
        config_free(next);
    }
    config_free(old);
}

static void all_of_it_fits_the_line(void **state)
{
    (void)state;
    const struct config_changes all = {true, true, true, true, true, true, true, true};
    char text[CONFIG_CHANGES_TEXT_MAX];
    config_changes_format(&all, text);
    assert_string_equal(text, "providers,routes,retry,retention,limits,root_key,public_url,"
                              "certificates");
}

static void a_provider_stays_who_it_is_while_only_its_limits_change(void **state)
{
    static const struct {
        const char *a;
        enum provider_change want;
    } rows[] = {
        {"{driver: sandbox, rate: 5}", PROVIDER_KEPT},
        {"{driver: sandbox, rate: 6}", PROVIDER_ADJUSTED},
        {"{driver: sandbox}", PROVIDER_ADJUSTED},
        {"{driver: sandbox, rate: 5, in_flight: 3}", PROVIDER_ADJUSTED},
        {"{driver: sandbox, rate: 5, timeout: 3s}", PROVIDER_ADJUSTED},
        {"{driver: twilio, account_sid: AC00000000000000000000000000000000, auth_token: t, "
         "from: '+14155550100', url: 'http://127.0.0.1:1'}",
         PROVIDER_REPLACED},
    };
    (void)state;
    const struct parts first = {.providers = "  b: {driver: sandbox, rate: 5}\n",
                                .routes = "  - {kind: email, providers: [b]}\n"};
    struct config *old = parse(&first);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[512];
        (void)snprintf(text, sizeof text, "  b: %s\n", rows[i].a);
        const struct parts parts = {.providers = text,
                                    .routes = "  - {kind: sms, providers: [b]}\n"};
        struct config *next = parse(&parts);
        assert_int_equal(config_provider_compare(&old->providers[0], &next->providers[0]),
                         rows[i].want);
        config_free(next);
    }
    assert_int_equal(config_provider_find(old, STR("b")), 0);
    assert_int_equal(config_provider_find(old, STR("c")), UINT32_MAX);
    config_free(old);
}

static void another_secret_or_address_is_another_provider(void **state)
{
    static const char *const others[] = {
        "auth_token: u, url: 'http://127.0.0.1:1'",
        "auth_token: t, url: 'http://127.0.0.1:2'",
        "auth_token: t",
    };
    (void)state;
    struct config *old = parse(&usual);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char text[512];
        (void)snprintf(text, sizeof text,
                       "  a: {driver: twilio, account_sid: AC00000000000000000000000000000000, "
                       "from: '+14155550100', %s}\n  b: {driver: sandbox, rate: 5}\n",
                       others[i]);
        const struct parts parts = {.providers = text};
        struct config *next = parse(&parts);
        assert_int_equal(config_provider_compare(&old->providers[0], &next->providers[0]),
                         PROVIDER_REPLACED);
        assert_int_equal(config_provider_compare(&old->providers[1], &next->providers[1]),
                         PROVIDER_KEPT);
        config_free(next);
    }
    config_free(old);
}

static void what_needs_a_restart_is_refused_with_its_place(void **state)
{
    static const struct {
        struct parts next;
        const char *word;
    } rows[] = {
        {{.rest = "listen: 127.0.0.1:9999\n"}, "listen"},
        {{.rest = "listen: [127.0.0.1:8080, 127.0.0.1:8081]\n"}, "listen"},
        {{.root = "root_key: 0123456789abcdef0123456789abcdef\nstore: sqlite:/tmp/y\n"}, "store"},
        {{.rest = "limits: {disk_reserve: 9MiB}\n"}, "disk_reserve"},
    };
    (void)state;
    struct config *old = parse(&usual);
    struct config_faults faults;
    config_faults_init(&faults);
    assert_true(config_can_reload(old, old, &faults));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct config *next = parse(&rows[i].next);
        assert_false(config_can_reload(old, next, &faults));
        assert_int_equal(faults.count, i + 1);
        bool found = false;
        for (uint32_t k = 0; k < faults.count; k++)
            found |= memmem(faults.list[k].what.at, faults.list[k].what.len, rows[i].word,
                            strlen(rows[i].word)) != NULL &&
                     faults.list[k].remedy.len;
        assert_true(found);
        config_free(next);
    }
    config_faults_done(&faults);
    config_free(old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_changed_is_named),
        cmocka_unit_test(all_of_it_fits_the_line),
        cmocka_unit_test(a_provider_stays_who_it_is_while_only_its_limits_change),
        cmocka_unit_test(another_secret_or_address_is_another_provider),
        cmocka_unit_test(what_needs_a_restart_is_refused_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
