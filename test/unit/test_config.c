/* A configuration is either whole, or refused with every fault in it, each at its place. */
#include "conf/config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* Drivers of the test's own: what conf asks of a driver is its kinds and its settings. */
static const struct setting_def push_settings[] = {{STR_INIT("team_id"), true, false},
                                                   {STR_INIT("key"), true, true},
                                                   {STR_INIT("allow"), false, false},
                                                   {STR_INIT("dkim.domain"), false, false},
                                                   {{NULL, 0}, false, false}};
static enum err push_open(const struct provider_config *config, void **ret, struct why *why)
{
    (void)ret;
    for (uint32_t i = 0; i < config->setting_count; i++)
        if (str_eq(config->settings[i].value, STR("bad")))
            return why_set(why, ERR_INPUT, "bad: write good");
    return OK;
}
static void push_close(void *self)
{
    (void)self;
}
static const struct provider_ops push_ops = {.driver = STR_INIT("push"),
                                             .open = push_open,
                                             .close = push_close,
                                             .kinds = 1u << KIND_IOS | 1u << KIND_ANDROID,
                                             .settings = push_settings};
static const struct provider_ops any_ops = {
    .driver = STR_INIT("any"), .open = push_open, .close = push_close, .kinds = 31};
static const struct provider_ops *const all_ops[] = {&push_ops, &any_ops};

const struct provider_ops *provider_find(struct str driver)
{
    for (size_t i = 0; i < 2; i++)
        if (str_eq(all_ops[i]->driver, driver))
            return all_ops[i];
    return NULL;
}
const struct provider_ops *const *provider_all(size_t *ret_count)
{
    *ret_count = 2;
    return all_ops;
}

#define KEY  "root_key: 0123456789abcdef0123456789abcdef\n"
#define BASE KEY "store: sqlite:/tmp/x\n"

static struct config *load(const char *text)
{
    struct config_faults faults;
    struct config *config = NULL;
    config_faults_init(&faults);
    enum err err = config_parse(str_of(text), "test.yaml", &faults, &config);
    for (uint32_t i = 0; i < faults.count; i++)
        print_message("%u:%u: %.*s\n", faults.list[i].place.line, faults.list[i].place.column,
                      STR_ARG(faults.list[i].what));
    config_faults_done(&faults);
    assert_int_equal(err, OK);
    return config;
}

static void assert_str(struct str got, const char *want)
{
    assert_true(str_eq(got, str_of(want)));
}

static void test_what_is_left_out_has_its_default(void **state)
{
    (void)state;
    struct config *config = load(BASE);
    assert_int_equal(config->listener_count, 1);
    assert_str(config->listeners[0].host, "127.0.0.1");
    assert_int_equal(config->listeners[0].port, 8080);
    assert_true(config->listeners[0].loopback);
    assert_true(config->roles.intake && config->roles.worker);
    assert_string_equal(config->store.path, "/tmp/x");
    assert_int_equal(config->retention.notifications.us, span_s(30 * 86400).us);
    assert_int_equal(config->limits.body_bytes, 1 << 20);
    assert_int_equal(config->limits.memory, 128 << 20);
    assert_int_equal(config->retry[PRIORITY_CRITICAL].max.us, span_s(60).us);
    assert_int_equal(config->retry[PRIORITY_LOW].first.us, span_s(30).us);
    assert_int_equal(config->retry[PRIORITY_NORMAL].attempts, 12);
    assert_null(config->public_url.at);
    config_free(config);
}

static void test_every_section_is_read(void **state)
{
    (void)state;
    setenv("TEST_CONFIG_KEY", "from the environment", 1);
    struct config *config = load(
        "# a comment\n" BASE "listen: [localhost:0, {address: \"[::1]:8443\"}]\n"
        "public_url: https://notify.example/\n"
        "limits: {body_bytes: 64KiB, in_flight: 7}\n"
        "retention: {notifications: 36h}\n"
        "providers:\n"
        "  one: {driver: push, team_id: T, key: env:TEST_CONFIG_KEY, allow: [127.0.0.0/8, a],\n"
        "        rate: 5, timeout: 2s, url: https://x.example, dkim: {domain: d}}\n"
        "  two: {driver: any, in_flight: 3}\n"
        "routes:\n"
        "  - {kind: ios, match: {app: shop, bundle_id: [a, b], category: c}, providers: [one]}\n"
        "  - {kind: sms, match: {country: [KR, JP]}, providers: two}\n"
        "  - {kind: android, providers: [{name: one, weight: 80}, {name: two, weight: 20}]}\n"
        "retry:\n  high: {first: 3s, max: 5s}\n");
    assert_int_equal(config->listener_count, 2);
    assert_int_equal(config->listeners[0].port, 0);
    assert_str(config->listeners[0].host, "127.0.0.1");
    assert_str(config->listeners[1].host, "::1");
    assert_int_equal(config->listeners[1].port, 8443);
    assert_str(config->public_url, "https://notify.example");
    assert_int_equal(config->limits.body_bytes, 65536);
    assert_int_equal(config->limits.in_flight, 7);
    assert_int_equal(config->retention.events.us, span_s(36 * 3600).us);
    assert_int_equal(config->provider_count, 2);
    const struct config_provider *one = &config->providers[0];
    assert_ptr_equal(one->ops, &push_ops);
    assert_str(one->open.name, "one");
    assert_str(one->open.public_url, "https://notify.example");
    assert_int_equal(one->place.line, 9);
    assert_int_equal(one->rate, 5);
    assert_int_equal(one->timeout.us, span_s(2).us);
    assert_int_equal(one->in_flight, 1000);
    static const char *const settings[][2] = {{"team_id", "T"},
                                              {"key", "from the environment"},
                                              {"allow", "127.0.0.0/8,a"},
                                              {"url", "https://x.example"},
                                              {"dkim.domain", "d"},
                                              {"timeout", "2s"},
                                              {"rate", "5"}};
    assert_int_equal(one->open.setting_count, 7);
    for (size_t i = 0; i < 7; i++) {
        bool found = false;
        for (uint32_t j = 0; j < one->open.setting_count; j++)
            if (str_eq(one->open.settings[j].name, str_of(settings[i][0]))) {
                assert_str(one->open.settings[j].value, settings[i][1]);
                found = true;
            }
        assert_true(found);
    }
    assert_int_equal(config->route_count, 3);
    assert_int_equal(config->routes[0].match.bundle_id.count, 2);
    assert_str(config->routes[0].match.app.list[0], "shop");
    assert_int_equal(config->routes[1].kind, KIND_SMS);
    assert_int_equal(config->routes[1].choices[0].provider, 1);
    assert_int_equal(config->routes[1].choices[0].weight, 0);
    assert_int_equal(config->routes[2].choices[1].weight, 20);
    assert_int_equal(config->retry[PRIORITY_HIGH].max.us, span_s(5).us);
    assert_int_equal(config->retry[PRIORITY_HIGH].attempts, 12);
    config_free(config);
}

#define P "providers:\n  p: {driver: push, team_id: T, key: k}\n  q: {driver: any}\n"

/* A text, and the faults that it must have, all of them, in the order of the file. */
static const struct refused {
    const char *text;
    const char *faults[4]; /* "line:column: what | remedy" begins like this; remedy may be cut */
} refused[] = {
    {"", {"1:1: root_key is missing", "1:1: store is missing"}},
    {"- a\n", {"1:1: a list stands where a mapping should"}},
    {"a: [\n", {"2:1: not YAML"}},
    {"a: \"\xff\"\n", {"1:1: not YAML"}},
    {BASE "limts: {}\n", {"3:1: unknown key \"limts\" | did you mean \"limits\"?"}},
    {BASE "zzzzz: 1\n", {"3:1: unknown key \"zzzzz\" | known are: listen, "}},
    {BASE "queue: embedded\nqueue: embedded\n",
     {"4:1: \"queue\" stands here twice (line 3) | keep one of them"}},
    {BASE "limits: &a {in_flight: 1}\n", {"3:9: anchors are not supported"}},
    {BASE "limits: *a\n", {"3:9: aliases are not supported"}},
    {BASE "limits: !!map {}\n", {"3:9: tags are not supported"}},
    {BASE "---\na: b\n", {"3:1: a second document"}},
    {"root_key: short\nstore: sqlite:/x\n",
     {"1:11: root_key has 5 characters, and needs at least 32"}},
    {"root_key: env:NO_SUCH_VARIABLE\nstore: sqlite:/x\n",
     {"1:11: the environment variable NO_SUCH_VARIABLE is not set"}},
    {"root_key: file:/no/such/file\nstore: sqlite:/x\n",
     {"1:11: /no/such/file: No such file or directory | name a file that the server's user may"}},
    {"root_key: file:/tmp\nstore: sqlite:/x\n", {"1:11: /tmp: not a regular file"}},
    {BASE "listen: 0.0.0.0:80\n",
     {"1:11: a secret stands in the file, and a listener is not on loopback | write env:NAME"}},
    {BASE "listen: localhost\n", {"3:9: \"localhost\" is no address to listen on"}},
    {BASE "listen: [127.0.0.1:1, 127.0.0.1:1]\n", {"3:23: \"127.0.0.1:1\" stands here twice"}},
    {BASE "listen: ::1:80\n", {"3:9: \"::1:80\" is no address"}},
    {BASE "listen: 127.0.0.1:65536\n", {"3:9: \"127.0.0.1:65536\" is no address"}},
    {BASE "listen: {address: 127.0.0.1:1, tls: {cert: /no/such}}\n",
     {"3:37: key is missing", "3:44: /no/such: No such file"}},
    {BASE "limits: {body_bytes: 1MB, in_flight: 0}\n",
     {"3:22: body_bytes cannot be \"1MB\" | write a whole number and a unit: 512B",
      "3:38: in_flight is out of range: \"0\" | write a value from 1 to 65536"}},
    {BASE "retention: {events: 30}\n", {"3:21: events cannot be \"30\""}},
    {BASE "retention: {events: 5m}\n",
     {"3:21: events is out of range: \"5m\" | write a value from 1h to 3650d"}},
    {BASE "retention: {notifications: 2d, events: 1d}\n",
     {"3:40: events kept for another time than their notifications are not supported yet"}},
    {BASE "public_url: notify.example\n", {"3:13: \"notify.example\" is no http or https URL"}},
    {BASE "public_url: https://a/?x\n", {"3:13: \"https://a/?x\" is no http"}},
    {KEY "store: postgres://u@h/d\n", {"2:8: a store in PostgreSQL is not supported yet"}},
    {KEY "store: /var\n", {"2:8: no store \"/var\" | write sqlite:DIRECTORY"}},
    {BASE "queue: postgres\n", {"3:8: this queue is not supported yet"}},
    {BASE "queue: amqp://u:p@h\n", {"3:8: this queue is not supported yet"}},
    {BASE "roles: [intake]\n", {"3:8: a node of one role needs a store that nodes share; not"}},
    {BASE "roles: [intake, cook]\n", {"3:17: no role \"cook\""}},
    {BASE "retry: {high: {first: 2m, max: 1m, attempts: 101}}\n",
     {"3:15: first is longer than max", "3:46: attempts is out of range: \"101\""}},
    {BASE "retry: {hgih: {}}\n", {"3:9: unknown key \"hgih\" | did you mean \"high\"?"}},
    {BASE "providers: {a: {driver: nope}}\n",
     {"3:25: unknown driver \"nope\" | there are push, any"}},
    {BASE "providers: {a: {}}\n", {"3:16: driver is missing"}},
    {BASE "providers: {a: {driver: push, team_id: T}}\n",
     {"3:16: key is missing: driver push needs it"}},
    {BASE "providers: {a: {driver: any, keey: 1}}\n",
     {"3:30: unknown key \"keey\" | known are: driver"}},
    {BASE "providers: {a: {driver: push, team_id: T, keey: k}}\n",
     {"3:16: key is missing", "3:43: unknown key \"keey\" | did you mean \"key\"?"}},
    {BASE "providers: {a: {driver: any}, a: {driver: any}}\n",
     {"3:31: a second provider \"a\" (the first is on line 3)"}},
    {BASE "providers: {\"a b\": {driver: any}}\n", {"3:13: \"a b\" is no name for a provider"}},
    {BASE "providers: {a: {driver: any, timeout: 0s, rate: -1, ca: /no/such}}\n",
     {"3:39: timeout is out of range", "3:49: rate cannot be \"-1\"", "3:57: /no/such: No such"}},
    {BASE "providers:\n  a: {driver: push, team_id: bad, key: k}\nroutes: [{}]\n",
     {"4:3: provider a: bad: write good", "5:10: kind is missing", "5:10: providers is missing"}},
    {BASE "listen: 10.0.0.1:80\nproviders: {a: {driver: push, team_id: T, key: literal}}\n",
     {"1:11: a secret stands", "4:48: a secret stands"}},
    {BASE P "routes:\n  - {kind: ios, providers: []}\n", {"7:28: a rule with 0 providers"}},
    {BASE P "routes:\n  - {kind: ios}\n", {"7:5: providers is missing"}},
    {BASE P "routes:\n  - {kind: ios, providers: [x]}\n", {"7:29: no provider \"x\""}},
    {BASE "routes:\n  - {kind: ios, providers: [x]}\n",
     {"4:29: no provider \"x\" | add it under providers"}},
    {BASE P "routes:\n  - {kind: pager, providers: [q]}\n", {"7:12: no kind \"pager\""}},
    {BASE P "routes:\n  - {kind: sms, providers: [p]}\n",
     {"7:28: \"p\" (driver push) does not serve sms"}},
    {BASE P "routes:\n  - {kind: ios, providers: [p, p]}\n", {"7:32: \"p\" stands here twice"}},
    {BASE P "routes:\n  - {kind: ios, providers: [p, {name: q, weight: 1}]}\n",
     {"7:28: 1 of 2 providers have a weight"}},
    {BASE P "routes:\n  - {kind: ios, match: {country: KR}, providers: [p]}\n",
     {"7:34: a rule of kind ios cannot match a country"}},
    {BASE P "routes:\n  - {kind: sms, match: {country: [kr], bundle_id: x}, providers: [q]}\n",
     {"7:35: \"kr\" is no country", "7:51: a rule of kind sms cannot match a bundle_id"}},
    {BASE P "routes: {kind: ios}\n", {"6:9: no list of rules"}},
};

static void check_refused(const struct refused *row)
{
    struct config_faults faults;
    struct config *config = NULL;
    config_faults_init(&faults);
    enum err err = config_parse(str_of(row->text), "test.yaml", &faults, &config);
    if (err != ERR_INPUT)
        fail_msg("not refused:\n%s", row->text);
    uint32_t want = 0;
    for (; want < 4 && row->faults[want]; want++) {
        char got[1024] = "no more";
        if (want < faults.count) {
            const struct config_fault *fault = &faults.list[want];
            snprintf(got, sizeof got, "%u:%u: %.*s | %.*s", fault->place.line, fault->place.column,
                     STR_ARG(fault->what), STR_ARG(fault->remedy));
        }
        if (!str_starts(str_of(got), str_of(row->faults[want])) && !strstr(got, row->faults[want]))
            fail_msg("%s\nwant: %s\ngot:  %s", row->text, row->faults[want], got);
    }
    if (faults.count != want)
        fail_msg("%s\n%u faults more than wanted: %.*s", row->text, faults.count - want,
                 STR_ARG(faults.list[want].what));
    config_faults_done(&faults);
}

static void test_every_fault_is_listed_at_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        check_refused(&refused[i]);
}

static void test_a_secret_comes_from_a_file_without_its_line_end(void **state)
{
    (void)state;
    char path[] = "/tmp/test-config-XXXXXX", text[256];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "0123456789abcdef0123456789abcdef\n", 33), 33);
    close(fd);
    snprintf(text, sizeof text, "root_key: file:%s\nstore: sqlite:/x\nlisten: 0.0.0.0:80\n", path);
    struct config *config = load(text);
    unlink(path);
    assert_str(config->root_key, "0123456789abcdef0123456789abcdef");
    assert_false(config->listeners[0].loopback);
    config_free(config);
}

static void test_a_file_that_is_not_there_is_a_fault_of_the_file(void **state)
{
    (void)state;
    struct config_faults faults;
    struct config *config = NULL;
    config_faults_init(&faults);
    assert_int_equal(config_load("/no/such/file.yaml", &faults, &config), ERR_INPUT);
    assert_int_equal(faults.count, 1);
    assert_int_equal(faults.list[0].place.line, 0);
    assert_str(faults.list[0].what, "No such file or directory");
    config_faults_done(&faults);
}

static void test_nesting_has_a_bound(void **state)
{
    (void)state;
    char text[512] = "a: ";
    for (size_t i = 0; i < 200; i++)
        strncat(text, "[", sizeof text - strlen(text) - 1);
    struct config_faults faults;
    struct config *config = NULL;
    config_faults_init(&faults);
    assert_int_equal(config_parse(str_of(text), "x", &faults, &config), ERR_INPUT);
    assert_str(faults.list[0].what, "nested too deeply");
    config_faults_done(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_left_out_has_its_default),
        cmocka_unit_test(test_every_section_is_read),
        cmocka_unit_test(test_every_fault_is_listed_at_its_place),
        cmocka_unit_test(test_a_secret_comes_from_a_file_without_its_line_end),
        cmocka_unit_test(test_a_file_that_is_not_there_is_a_fault_of_the_file),
        cmocka_unit_test(test_nesting_has_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
