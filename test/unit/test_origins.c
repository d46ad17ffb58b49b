/* Push services that subscribers chose: each delays its own endpoints and nobody else's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "flow/origins.h"
#include "model/limits.h"

struct fixture {
    struct origins origins;
    struct rng rng;
    struct mono now, next;
};

static const struct verdict done = {.fate = FATE_DONE};
static const struct verdict fault = {.fate = FATE_AGAIN, .scope = SCOPE_ORIGIN};
static const struct verdict gone = {
    .fate = FATE_NEVER, .scope = SCOPE_ADDRESS, .effect = EFFECT_RETIRE};
static const struct str bad = STR_INIT("https://bad.example"),
                        good = STR_INIT("https://good.example");

static int setup(void **state)
{
    static const uint64_t key[2] = {1, 2};
    static struct fixture f;
    f = (struct fixture){.rng = rng_of(1), .now = {1000000}};
    origins_init(&f.origins, key);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    origins_done(&f->origins);
    return 0;
}

static bool admits(struct fixture *f, struct str origin)
{
    return origins_admit(&f->origins, origin, f->now, &f->rng, &f->next);
}

static void note(struct fixture *f, struct str origin, const struct verdict *verdict)
{
    origins_note(&f->origins, origin, verdict, f->now, f->now, &f->rng);
}

static void an_endpoint_has_the_origin_before_its_path(void **state)
{
    static const struct {
        const char *endpoint, *origin;
    } rows[] = {{"https://push.example/wpush/v2/x", "https://push.example"},
                {"https://push.example:8443/a/b", "https://push.example:8443"},
                {"http://[::1]:80", "http://[::1]:80"},
                {"https://push.example", "https://push.example"},
                {"no url", NULL},
                {"", NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_true(str_eq(origin_of(str_of(rows[i].endpoint)), str_of(rows[i].origin)));
}

static void an_outage_stops_its_own_endpoints_only(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 30; i++) {
        note(f, bad, &fault);
        note(f, good, &done);
    }
    assert_false(admits(f, bad));
    assert_true(f->next.us > f->now.us);
    assert_true(admits(f, good));
    assert_int_equal(origins_blocked(&f->origins, f->now), 1);
    assert_int_equal(f->origins.count, 1); /* one that never failed is not remembered */
}

static void dead_subscriptions_stop_nothing(void **state)
{
    struct fixture *f = *state;
    note(f, bad, &fault);
    for (int i = 0; i < 1000; i++)
        note(f, bad, &gone);
    assert_true(admits(f, bad));
}

static void a_limit_holds_its_own_endpoints_until_then(void **state)
{
    struct fixture *f = *state;
    const struct verdict slower = {.fate = FATE_AGAIN,
                                   .scope = SCOPE_ORIGIN,
                                   .effect = EFFECT_THROTTLE,
                                   .retry_after = {30000000}};
    note(f, bad, &slower);
    assert_false(admits(f, bad));
    assert_int_equal(f->next.us, f->now.us + 30000000);
    assert_true(admits(f, good));
    f->now.us += 30000000;
    assert_true(admits(f, bad));
    assert_int_equal(origins_blocked(&f->origins, f->now), 0);
}

static void it_is_probed_and_comes_back(void **state)
{
    struct fixture *f = *state;
    uint32_t probes = 0, admitted = 0;
    for (int i = 0; i < 30; i++)
        note(f, bad, &fault);
    for (int i = 0; i < 60000; i++) { /* a minute of faults, a thousand a second */
        f->now.us += 1000;
        if (!admits(f, bad))
            continue;
        probes++;
        note(f, bad, &fault);
    }
    assert_true(probes >= 3 && probes <= 8);
    for (int i = 0; i < 120000; i++) {
        f->now.us += 1000;
        if (admits(f, bad))
            note(f, bad, &done);
    }
    for (int i = 0; i < 1000; i++)
        admitted += admits(f, bad);
    assert_int_equal(admitted, 1000);
    f->now.us += 600000000;
    note(f, bad, &done);
    assert_int_equal(f->origins.count, 0); /* well again, and forgotten */
}

static void strangers_do_not_fill_the_memory(void **state)
{
    struct fixture *f = *state;
    char text[64];
    for (int i = 0; i < 3 * ORIGINS_MAX; i++) {
        (void)snprintf(text, sizeof text, "https://x%d.example", i);
        note(f, str_of(text), &fault);
        if (i % 100 == 0)
            note(f, bad, &fault); /* used now and then: it stays */
    }
    assert_int_equal(f->origins.count, ORIGINS_MAX);
    for (int i = 0; i < 30; i++)
        note(f, bad, &fault);
    assert_false(admits(f, bad));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_endpoint_has_the_origin_before_its_path),
        cmocka_unit_test_setup_teardown(an_outage_stops_its_own_endpoints_only, setup, teardown),
        cmocka_unit_test_setup_teardown(dead_subscriptions_stop_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_limit_holds_its_own_endpoints_until_then, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(it_is_probed_and_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(strangers_do_not_fill_the_memory, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
