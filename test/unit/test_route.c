/* Which provider sends, whose country a number is, and what policy allows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/policy.h"
#include "core/route.h"

#define assert_str(s, text) assert_true(str_eq((s), STR(text)))

static void a_number_has_the_country_of_its_longest_code(void **state)
{
    (void)state;
    static const struct {
        const char *phone, *country;
    } rows[] = {
        {"+821012345678", "KR"}, {"+818012345678", "JP"},  {"+14155550123", "US"},
        {"+14165550123", "CA"},  {"+18765550123", "JM"},   {"+74951234567", "RU"},
        {"+77011234567", "KZ"},  {"+4915112345678", "DE"}, {"+441632960961", "GB"},
        {"+35312345678", "IE"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_true(str_eq(phone_country(str_of(rows[i].phone)), str_of(rows[i].country)));
    assert_null(phone_country(STR("82101234")).at);
    assert_null(phone_country(STR("+9991234")).at);
    assert_null(phone_country(STR_NONE).at);
}

static const struct str asia[] = {STR_INIT("KR"), STR_INIT("JP")};
static const struct str bank[] = {STR_INIT("bank")};
static const struct route list[] = {
    {.kind = KIND_SMS,
     .countries = asia,
     .country_count = 2,
     .targets = {{3, 0}, {4, 0}},
     .target_count = 2},
    {.kind = KIND_SMS, .apps = bank, .app_count = 1, .targets = {{5, 0}}, .target_count = 1},
    {.kind = KIND_SMS, .targets = {{1, 80}, {2, 20}}, .target_count = 2},
    {.kind = KIND_EMAIL, .targets = {{6, 0}}, .target_count = 1},
};
static const struct route_target sandboxes[] = {{9, 0}};
static const struct routes routes = {
    .list = list, .count = 4, .sandboxes = sandboxes, .sandbox_count = 1};

/* What the gates of the tests let through, by provider. */
struct gates {
    enum breaker_door doors[10];
    uint32_t shares[10];
};

static enum breaker_door ask(void *self, uint32_t provider)
{
    return ((struct gates *)self)->doors[provider];
}

static uint32_t share(void *self, uint32_t provider)
{
    return ((struct gates *)self)->shares[provider];
}

static struct gates open_gates(void)
{
    struct gates gates;
    for (unsigned i = 0; i < 10; i++) {
        gates.doors[i] = DOOR_OPEN;
        gates.shares[i] = BREAKER_SHARE_FULL;
    }
    return gates;
}

static struct route_choice choose(const struct route_question *q, struct gates *gates)
{
    const struct route_gates by = {.ask = ask, .share = share, .self = gates};
    return route_choose(&routes, q, gates ? &by : NULL);
}

static struct route_question to_asia(uint32_t attempt)
{
    return (struct route_question){
        .kind = KIND_SMS, .attempt = attempt, .phone = STR("+818012345678")};
}

static void the_first_route_that_matches_wins(void **state)
{
    (void)state;
    struct route_question q = {
        .kind = KIND_SMS, .attempt = 1, .app = STR("bank"), .phone = STR("+821012345678")};
    assert_int_equal(choose(&q, NULL).provider, 3);
    q.phone = STR("+4915112345678");
    assert_int_equal(choose(&q, NULL).provider, 5);
    q.kind = KIND_IOS;
    assert_int_equal(choose(&q, NULL).provider, ROUTE_NONE);
    assert_int_equal(choose(&q, NULL).target_count, 0);
    q.kind = KIND_EMAIL;
    q.mode = MODE_TEST;
    assert_int_equal(choose(&q, NULL).provider, 9);
}

static struct route_question weighed(uint64_t seed)
{
    return (struct route_question){.kind = KIND_SMS,
                                   .attempt = 1,
                                   .app = STR("shop"),
                                   .phone = STR("+14155550123"),
                                   .seed = seed};
}

static void weights_share_the_traffic(void **state)
{
    (void)state;
    unsigned first = 0;
    for (uint64_t seed = 0; seed < 10000; seed++) {
        struct route_question q = weighed(seed);
        first += choose(&q, NULL).provider == 1;
    }
    assert_in_range(first, 7800, 8200);
}

static void weights_of_what_is_not_available_go_to_the_others(void **state)
{
    static const struct route three[] = {
        {.kind = KIND_SMS, .targets = {{0, 50}, {1, 30}, {2, 20}}, .target_count = 3}};
    static const struct routes weights = {.list = three, .count = 1};
    (void)state;
    struct gates gates = open_gates();
    const struct route_gates by = {.ask = ask, .share = share, .self = &gates};
    unsigned counts[3] = {0}, moved = 0;
    gates.doors[0] = DOOR_SHUT;
    for (uint64_t seed = 0; seed < 20000; seed++) {
        struct route_question q = {.kind = KIND_SMS, .attempt = 1, .seed = seed};
        uint32_t got = route_choose(&weights, &q, &by).provider;
        uint32_t rest = route_choose(&weights, &q, NULL).provider;
        counts[got]++;
        moved += rest != 0 && got != rest; /* only what was its own moves */
    }
    assert_int_equal(counts[0], 0);
    assert_in_range(counts[1], 11600, 12400);
    assert_int_equal(moved, 0);
}

static void each_attempt_goes_to_the_next_provider_of_the_rule(void **state)
{
    (void)state;
    static const struct {
        uint32_t attempt, provider;
        bool more; /* else the round is over: now the delay applies */
    } rows[] = {{1, 3, true}, {2, 4, false}, {3, 3, true}};
    for (size_t i = 0; i < 3; i++) {
        struct route_question q = to_asia(rows[i].attempt);
        assert_int_equal(choose(&q, NULL).provider, rows[i].provider);
        assert_int_equal(choose(&q, NULL).more, rows[i].more);
    }
    for (uint64_t seed = 0; seed < 100; seed++) { /* by weight: the same order for all attempts */
        struct route_question q = weighed(seed);
        uint32_t first = choose(&q, NULL).provider;
        q.attempt = 2;
        assert_int_equal(choose(&q, NULL).provider, 3 - first);
    }
}

static void what_is_shut_is_passed_over_and_is_no_next_one(void **state)
{
    (void)state;
    struct gates gates = open_gates();
    gates.doors[3] = DOOR_SHUT;
    for (uint32_t attempt = 1; attempt < 5; attempt++) {
        struct route_question q = to_asia(attempt);
        struct route_choice choice = choose(&q, &gates);
        assert_int_equal(choice.provider, 4);
        assert_false(choice.more);
        assert_int_equal(choice.shut, 1);
    }
    gates.doors[4] = DOOR_SHUT;
    struct route_question q = to_asia(1);
    assert_int_equal(choose(&q, &gates).provider, ROUTE_NONE);
    assert_int_equal(choose(&q, &gates).target_count, 2);
}

static void a_probe_is_taken_when_it_is_due_or_nobody_else_can(void **state)
{
    (void)state;
    struct gates gates = open_gates();
    struct route_question q = to_asia(1);
    gates.doors[3] = DOOR_LAST;
    assert_int_equal(choose(&q, &gates).provider, 4);
    gates.doors[3] = DOOR_PROBE;
    assert_int_equal(choose(&q, &gates).provider, 3);
    assert_true(choose(&q, &gates).probe);
    assert_true(choose(&q, &gates).more); /* if it fails, the other is there */
    q.attempt = 2;
    assert_int_equal(choose(&q, &gates).provider, 4);
    gates.doors[3] = DOOR_SHUT;
    gates.doors[4] = DOOR_LAST;
    assert_int_equal(choose(&q, &gates).provider, 4);
    assert_true(choose(&q, &gates).probe);
    gates.doors[3] = DOOR_OPEN; /* behind it: what is in order is not probed for its own sake */
    gates.doors[4] = DOOR_PROBE;
    q.attempt = 1;
    assert_int_equal(choose(&q, &gates).provider, 3);
}

static void what_comes_back_gets_its_share(void **state)
{
    (void)state;
    struct gates gates = open_gates();
    unsigned first = 0;
    gates.shares[3] = 100;
    for (uint64_t seed = 0; seed < 10000; seed++) {
        struct route_question q = to_asia(1);
        q.seed = seed;
        first += choose(&q, &gates).provider == 3;
    }
    assert_in_range(first, 850, 1150);
    gates.doors[4] = DOOR_SHUT; /* all of it, where nobody else is */
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct route_question q = to_asia(1);
        q.seed = seed;
        assert_int_equal(choose(&q, &gates).provider, 3);
    }
}

/* Whatever stands open or shut: never a shut one while another is open, never a second probe, and
 * `more` only if the next attempt then goes elsewhere. */
static void no_choice_is_worse_than_it_must_be(void **state)
{
    (void)state;
    struct rng rng = rng_of(7);
    for (int round = 0; round < 20000; round++) {
        struct gates gates = open_gates();
        struct route route = {.kind = KIND_SMS,
                              .target_count = 1 + (uint32_t)rng_below(&rng, ROUTE_TARGETS_MAX)};
        bool by_weight = rng_below(&rng, 2);
        unsigned open = 0;
        for (uint32_t i = 0; i < route.target_count; i++) {
            route.targets[i].provider = i;
            route.targets[i].weight = by_weight ? (uint32_t)rng_below(&rng, 5) : 0;
            gates.doors[i] = (enum breaker_door)rng_below(&rng, 4);
            gates.shares[i] = rng_below(&rng, 3) ? BREAKER_SHARE_FULL : 200;
            open += gates.doors[i] == DOOR_OPEN;
        }
        const struct routes one = {.list = &route, .count = 1};
        const struct route_gates by = {.ask = ask, .share = share, .self = &gates};
        struct route_question q = {
            .kind = KIND_SMS, .attempt = 1 + (uint32_t)rng_below(&rng, 12), .seed = rng_next(&rng)};
        struct route_choice choice = route_choose(&one, &q, &by);
        if (choice.provider == ROUTE_NONE) {
            for (uint32_t i = 0; i < route.target_count; i++)
                assert_int_equal(gates.doors[i], DOOR_SHUT);
            continue;
        }
        enum breaker_door door = gates.doors[choice.provider];
        assert_int_not_equal(door, DOOR_SHUT);
        assert_int_equal(choice.probe, door != DOOR_OPEN);
        assert_true(door != DOOR_LAST || !open);
        if (choice.more && !choice.probe) {
            q.attempt++;
            assert_int_not_equal(route_choose(&one, &q, &by).provider, choice.provider);
        }
    }
}

static struct str name_of(const void *self, uint32_t provider)
{
    (void)self;
    static const struct str names[] = {STR_INIT("zero"),   STR_INIT("one"),   STR_INIT("two"),
                                       STR_INIT("korea"),  STR_INIT("japan"), STR_INIT("five"),
                                       STR_INIT("six"),    STR_INIT("seven"), STR_INIT("eight"),
                                       STR_INIT("sandbox")};
    return names[provider];
}

static void a_choice_is_told_in_words(void **state)
{
    (void)state;
    char text[ROUTE_TEXT_MAX];
    struct gates gates = open_gates();
    struct route_question q = to_asia(1);
    struct route_choice choice = choose(&q, &gates);
    assert_str(route_text(&routes, &choice, name_of, NULL, text), "rule 1 (country KR, JP)");
    q.attempt = 2;
    choice = choose(&q, &gates);
    assert_str(route_text(&routes, &choice, name_of, NULL, text),
               "rule 1 (country KR, JP), past korea: tried before");
    q.attempt = 1;
    gates.doors[3] = DOOR_SHUT;
    choice = choose(&q, &gates);
    assert_str(route_text(&routes, &choice, name_of, NULL, text),
               "rule 1 (country KR, JP), past korea: breaker open");
    gates.doors[3] = DOOR_PROBE;
    choice = choose(&q, &gates);
    assert_str(route_text(&routes, &choice, name_of, NULL, text),
               "rule 1 (country KR, JP), as a probe");
    q = (struct route_question){.kind = KIND_EMAIL, .attempt = 1};
    choice = choose(&q, &gates);
    assert_str(route_text(&routes, &choice, name_of, NULL, text), "rule 4");
    q.mode = MODE_TEST;
    choice = choose(&q, &gates);
    assert_str(route_text(&routes, &choice, name_of, NULL, text), "test key");
}

static void words_that_do_not_fit_are_left_out(void **state)
{
    static struct str many[ROUTE_MATCHES_MAX];
    (void)state;
    char text[ROUTE_TEXT_MAX];
    struct route route = {.kind = KIND_SMS, .targets = {{0, 0}}, .target_count = 1};
    for (uint32_t count = 1; count <= ROUTE_MATCHES_MAX; count++) {
        many[count - 1] = STR("FR");
        route.countries = many;
        route.country_count = count;
        const struct routes one = {.list = &route, .count = 1};
        struct route_question q = {.kind = KIND_SMS, .attempt = 1, .phone = STR("+33612345678")};
        struct route_choice choice = route_choose(&one, &q, NULL);
        struct str got = route_text(&one, &choice, name_of, NULL, text);
        assert_true(got.len <= ROUTE_TEXT_MAX);
        assert_true(str_starts(got, STR("rule 1")));
        assert_true(got.len == 6 || str_ends(got, STR("FR)")));
    }
}

static void policy_asks_the_most_exact_choice(void **state)
{
    (void)state;
    struct category marketing = category_default();
    marketing.name = STR("marketing");
    struct category_choice choice = {
        .category = STR("marketing"),
        .channels = {[CHANNEL_SMS] = CHOICE_YES, [CHANNEL_EMAIL] = CHOICE_NO}};
    struct preferences preferences = {
        .channels = {[CHANNEL_SMS] = CHOICE_NO}, .categories = &choice, .category_count = 1};
    struct policy_question q = {.category = &marketing,
                                .preferences = &preferences,
                                .channel = CHANNEL_SMS,
                                .has_address = true};
    assert_null(policy_ask(&q).at); /* in this category yes, though SMS in general no */
    q.channel = CHANNEL_EMAIL;
    assert_str(policy_ask(&q), "opted_out");
    q.channel = CHANNEL_PUSH;
    assert_null(policy_ask(&q).at);
    struct category other = category_default();
    q.category = &other;
    q.channel = CHANNEL_SMS;
    assert_str(policy_ask(&q), "opted_out");
    other.mandatory = true;
    assert_null(policy_ask(&q).at);
    q.suppressed = true; /* a mandatory category ignores opt-outs, never suppressions */
    assert_str(policy_ask(&q), "suppression_list");
    q.suppressed = false;
    q.invalid = true;
    assert_str(policy_ask(&q), "invalid_token");
    q.has_address = false;
    assert_str(policy_ask(&q), "no_address");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_has_the_country_of_its_longest_code),
        cmocka_unit_test(the_first_route_that_matches_wins),
        cmocka_unit_test(weights_share_the_traffic),
        cmocka_unit_test(weights_of_what_is_not_available_go_to_the_others),
        cmocka_unit_test(what_is_shut_is_passed_over_and_is_no_next_one),
        cmocka_unit_test(a_probe_is_taken_when_it_is_due_or_nobody_else_can),
        cmocka_unit_test(what_comes_back_gets_its_share),
        cmocka_unit_test(no_choice_is_worse_than_it_must_be),
        cmocka_unit_test(a_choice_is_told_in_words),
        cmocka_unit_test(words_that_do_not_fit_are_left_out),
        cmocka_unit_test(each_attempt_goes_to_the_next_provider_of_the_rule),
        cmocka_unit_test(policy_asks_the_most_exact_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
