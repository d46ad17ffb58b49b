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

static void the_first_route_that_matches_wins(void **state)
{
    (void)state;
    bool more;
    struct route_question q = {
        .kind = KIND_SMS, .attempt = 1, .app = STR("bank"), .phone = STR("+821012345678")};
    assert_int_equal(route_choose(&routes, &q, &more), 3);
    q.phone = STR("+4915112345678");
    assert_int_equal(route_choose(&routes, &q, &more), 5);
    q.kind = KIND_IOS;
    assert_int_equal(route_choose(&routes, &q, &more), ROUTE_NONE);
    q.kind = KIND_EMAIL;
    q.mode = MODE_TEST;
    assert_int_equal(route_choose(&routes, &q, &more), 9);
}

static void weights_share_the_traffic(void **state)
{
    (void)state;
    bool more;
    struct route_question q = {
        .kind = KIND_SMS, .attempt = 1, .app = STR("shop"), .phone = STR("+14155550123")};
    unsigned first = 0;
    for (q.seed = 0; q.seed < 10000; q.seed++)
        first += route_choose(&routes, &q, &more) == 1;
    assert_in_range(first, 7800, 8200);
}

static void each_attempt_goes_to_the_next_provider_of_the_rule(void **state)
{
    (void)state;
    bool more;
    struct route_question q = {.kind = KIND_SMS, .attempt = 1, .phone = STR("+818012345678")};
    assert_int_equal(route_choose(&routes, &q, &more), 3);
    assert_true(more);
    q.attempt = 2;
    assert_int_equal(route_choose(&routes, &q, &more), 4);
    assert_false(more); /* the round is over: now the delay applies */
    q.attempt = 3;
    assert_int_equal(route_choose(&routes, &q, &more), 3);
    assert_true(more);
    q.phone = STR("+14155550123"); /* by weight: the same start for all attempts of a delivery */
    for (q.seed = 0; q.seed < 100; q.seed++) {
        q.attempt = 1;
        uint32_t first = route_choose(&routes, &q, &more);
        q.attempt = 2;
        assert_int_equal(route_choose(&routes, &q, &more), 3 - first);
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
        cmocka_unit_test(each_attempt_goes_to_the_next_provider_of_the_rule),
        cmocka_unit_test(policy_asks_the_most_exact_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
