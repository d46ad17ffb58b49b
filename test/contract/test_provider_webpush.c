/* Web Push: every published answer, one VAPID credential an origin, and which endpoints are taken.
 */
#include "codec/base64.h"
#include "model/limits.h"
#include "provider_case.h"
#include <stdio.h>

#define GONE        FATE_NEVER, SCOPE_ADDRESS, EFFECT_RETIRE
#define NEVER_US    FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE
#define DOUBT       FATE_AMBIGUOUS, SCOPE_ORIGIN, EFFECT_NONE
#define REFRESH     FATE_AGAIN, SCOPE_ORIGIN, EFFECT_REFRESH
#define SENT        FATE_DONE, SCOPE_DELIVERY, EFFECT_NONE
#define ERRNO(n)    "{\"code\":400,\"errno\":" #n ",\"error\":\"E\",\"message\":\"said\"}"
#define APPLE(word) "{\"reason\":\"" word "\"}"

static void every_published_answer_has_its_meaning(void **state)
{
    (void)state;
    static const struct judgement rows[] = {
        {201, NULL, "", SENT, "201", NULL},
        {200, NULL, "", SENT, "200", NULL},
        {202, NULL, "", SENT, "202", NULL},
        {404, NULL, "", GONE, "404", "subscription_unknown"},
        {404, NULL, ERRNO(102), GONE, "404", "subscription_unknown"},
        {410, NULL, "gone", GONE, "410", "subscription_expired"},
        {410, NULL, ERRNO(103), GONE, "410", "subscription_expired"},
        {410, NULL, ERRNO(105), GONE, "410", "subscription_expired"},
        {410, NULL, ERRNO(106), GONE, "410", "subscription_expired"},
        {400, NULL, ERRNO(110), NEVER_US, "400", "refused"},
        {400, NULL, ERRNO(111), NEVER_US, "400", "refused"},
        {400, NULL, ERRNO(112), NEVER_US, "400", "refused"},
        {400, NULL, ERRNO(113), NEVER_US, "400", "refused"},
        {400, NULL, ERRNO(114), NEVER_US, "400", "refused"},
        {400, NULL, "malformed", NEVER_US, "400", "refused"},
        {400, NULL, APPLE("VapidPkHashMismatch"), GONE, "400", "other_vapid_key"},
        {403, NULL, APPLE("VapidPkHashMismatch"), GONE, "403", "other_vapid_key"},
        {403, NULL,
         "the VAPID credentials in the authorization header do not correspond to the credentials "
         "used to create the subscriptions.",
         GONE, "403", "other_vapid_key"},
        {401, NULL, "{\"errno\":109,\"message\":\"VAPID public key hash mismatch\"}", GONE, "401",
         "other_vapid_key"},
        {401, NULL, ERRNO(109), REFRESH, "401", "vapid_refused"},
        {401, NULL, "", REFRESH, "401", "vapid_refused"},
        {403, NULL, APPLE("BadJwtToken"), REFRESH, "403", "vapid_refused"},
        {401, NULL, APPLE("BadJwtToken"), REFRESH, "401", "vapid_refused"},
        {403, NULL, "", REFRESH, "403", "vapid_refused"},
        {413, NULL, ERRNO(104), NEVER_US, "413", "payload_too_large"},
        {413, NULL, APPLE("PayloadTooLarge"), NEVER_US, "413", "payload_too_large"},
        {413, NULL, "", NEVER_US, "413", "payload_too_large"},
        {429, "retry-after: 3", "", FATE_AGAIN, SCOPE_ORIGIN, EFFECT_THROTTLE, "429",
         "rate_limited"},
        {500, NULL, "", DOUBT, "500", "unavailable"},
        {502, NULL, "", DOUBT, "502", "unavailable"},
        {503, NULL, ERRNO(201), DOUBT, "503", "unavailable"},
        {503, NULL, ERRNO(202), DOUBT, "503", "unavailable"},
        {504, NULL, "", DOUBT, "504", "unavailable"},
        {301, NULL, "", FATE_AGAIN, SCOPE_ORIGIN, EFFECT_HOLD, "301", "redirected"},
        {418, NULL, "", NEVER_US, "418", "refused"},
    };
    check_judgements("webpush", rows, sizeof rows / sizeof *rows);
}

static void an_endpoint_that_the_transport_refuses_is_never_tried_again(void **state)
{
    (void)state;
    struct provider_case c;
    case_open(&c, "webpush", NULL);
    struct reply reply = {.exchange = EXCHANGE_UNSENT,
                          .error = STR("refused endpoint: 10.0.0.1 is private")};
    struct verdict verdict = c.ops->judge(c.self, &reply, &c.arena);
    assert_int_equal(verdict.fate, FATE_NEVER);
    assert_int_equal(verdict.scope, SCOPE_ADDRESS);
    assert_int_equal(verdict.effect, EFFECT_NONE);
    assert_true(str_eq(verdict.reason, STR("endpoint_refused")));
    reply.error = STR("no connection");
    verdict = c.ops->judge(c.self, &reply, &c.arena);
    assert_int_equal(verdict.fate, FATE_AGAIN);
    assert_int_equal(verdict.scope, SCOPE_ORIGIN);
    verdict = case_judge(&c, 201, "location: https://push.example/m/1\n", "");
    assert_true(str_eq(verdict.message_id, STR("https://push.example/m/1")));
    case_close(&c);
}

static struct str credential(struct provider_case *c, const char *endpoint, int64_t seconds)
{
    struct str text;
    c->delivery.address = str_of(endpoint);
    c->parcel.now.ms = NOW_MS + seconds * 1000;
    assert_int_equal(c->ops->authorize(c->self, &c->parcel, &text, &c->why), AUTHORIZED);
    return arena_copy(&c->arena, text);
}

static void one_credential_serves_an_origin_for_half_a_day(void **state)
{
    (void)state;
    struct provider_case c;
    char claims[300];
    size_t len;
    case_open(&c, "webpush", NULL);
    struct str first = credential(&c, "https://PUSH.example:443/a", 0);
    struct str rest = str_slice(first, 8, first.len);
    str_cut(&rest, '.');
    assert_true(base64url_decode(str_cut(&rest, '.'), claims, sizeof claims, &len));
    assert_true(str_eq((struct str){claims, len},
                       STR("{\"aud\":\"https://push.example\",\"exp\":1796158800,"
                           "\"sub\":\"mailto:ops@example.com\"}")));
    assert_true(str_eq(credential(&c, "https://push.example/b?c", 11 * 3600), first));
    assert_false(str_eq(credential(&c, "https://push.example:8443/a", 0), first));
    assert_false(str_eq(credential(&c, "https://push.example/a", 11 * 3600 + 1), first));
    /* A clock set back: `exp` would be further off than services take. */
    struct str late = credential(&c, "https://push.example/a", 11 * 3600 + 1);
    assert_false(str_eq(credential(&c, "https://push.example/a", 0), late));
    case_close(&c);
}

static void forgetting_is_limited_since_any_endpoint_can_ask_for_it(void **state)
{
    (void)state;
    struct provider_case c;
    case_open(&c, "webpush", NULL);
    struct str first = credential(&c, "https://push.example/a", 0);
    c.ops->forget(c.self, (struct wall){NOW_MS});
    struct str second = credential(&c, "https://push.example/a", 1);
    assert_false(str_eq(first, second));
    c.ops->forget(c.self, (struct wall){NOW_MS + 59999});
    assert_true(str_eq(credential(&c, "https://push.example/a", 2), second));
    c.ops->forget(c.self, (struct wall){NOW_MS + 60000});
    assert_false(str_eq(credential(&c, "https://push.example/a", 3), second));
    case_close(&c);
}

static void origins_are_bounded_and_the_longest_unused_goes_first(void **state)
{
    (void)state;
    struct provider_case c;
    char url[64];
    case_open(&c, "webpush", NULL);
    struct str kept = credential(&c, "https://kept.example/a", 0);
    struct str lost = credential(&c, "https://lost.example/a", 0);
    for (int i = 0; i < ORIGINS_MAX - 1; i++) {
        snprintf(url, sizeof url, "https://p%d.example/a", i);
        credential(&c, url, 0);
        if (i == 100)
            assert_true(str_eq(credential(&c, "https://kept.example/a", 0), kept));
    }
    assert_true(str_eq(credential(&c, "https://kept.example/a", 0), kept));
    assert_false(str_eq(credential(&c, "https://lost.example/a", 0), lost));
    case_close(&c);
}

static void endpoints_are_https_unless_their_network_is_allowed(void **state)
{
    (void)state;
    struct provider_case c;
    static const struct {
        const char *allow, *endpoint;
        enum err err;
    } rows[] = {
        {"", "https://push.example/a", OK},
        {"", "http://push.example/a", ERR_INPUT},
        {"", "http://127.0.0.1/a", ERR_INPUT},
        {"", "http://localhost/a", ERR_INPUT},
        {"", "ftp://push.example/a", ERR_INPUT},
        {"", "https://u:p@push.example/a", ERR_INPUT},
        {"", "https://push.example/a b", ERR_INPUT},
        {"", "", ERR_INPUT},
        {"127.0.0.0/8", "http://127.0.0.1:81/a", OK},
        {"127.0.0.0/8", "http://localhost:81/a", OK},
        {"127.0.0.0/8", "http://128.0.0.1/a", ERR_INPUT},
        {"127.0.0.0/8", "http://push.example/a", ERR_INPUT},
        {"127.0.0.0/8", "http://[::1]/a", ERR_INPUT},
        {"127.0.0.0/8, ::1", "http://[::1]/a", OK},
        {"10.1.0.0/16", "http://[::ffff:10.1.2.3]/a", OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        setting_change changes[] = {{"allow_endpoints", rows[i].allow}, {NULL, NULL}};
        struct str text;
        case_open(&c, "webpush", changes);
        c.delivery.address = str_of(rows[i].endpoint);
        if (case_compose(&c) != rows[i].err)
            fail_msg("row %zu: %s", i, c.why.text);
        /* Authorizing leaves the refusal to composing. */
        assert_int_equal(c.ops->authorize(c.self, &c.parcel, &text, &c.why), AUTHORIZED);
        if (rows[i].err == OK) {
            assert_true(c.request.subscriber_chosen);
            assert_true(str_eq(c.request.pins_allowed, str_of(rows[i].allow)));
            assert_int_equal(!c.request.pins_allowed.at, !rows[i].allow[0]);
        }
        case_close(&c);
    }
}

static struct str header(const struct provider_case *c, const char *name)
{
    for (uint32_t i = 0; i < c->request.header_count; i++)
        if (str_eq(c->request.headers[i].name, str_of(name)))
            return c->request.headers[i].value;
    return STR_NONE;
}

static void headers_follow_the_message(void **state)
{
    (void)state;
    struct provider_case c;
    static const char *const urgencies[] = {"high", "high", "normal", "low"};
    case_open(&c, "webpush", NULL);
    for (enum priority p = PRIORITY_CRITICAL; p <= PRIORITY_LOW; p++) {
        c.notification.priority = p;
        assert_int_equal(case_compose(&c), OK);
        assert_true(str_eq(header(&c, "urgency"), str_of(urgencies[p])));
    }
    struct str topic = header(&c, "topic");
    assert_int_equal(topic.len, 32);
    c.parcel.attempt = 2;
    assert_int_equal(case_compose(&c), OK);
    assert_true(str_eq(header(&c, "topic"), topic));
    c.notification.collapse_key = STR_NONE;
    assert_int_equal(case_compose(&c), OK);
    assert_false(str_eq(header(&c, "topic"), topic));
    c.parcel.expires_at.ms = NOW_MS - 1;
    assert_int_equal(case_compose(&c), OK);
    assert_true(str_eq(header(&c, "ttl"), STR("0")));
    c.parcel.expires_at = WALL_NEVER;
    assert_int_equal(case_compose(&c), OK);
    assert_true(str_eq(header(&c, "ttl"), STR("2592000")));
    c.delivery.address = STR("https://push.example?x");
    assert_int_equal(case_compose(&c), OK);
    assert_true(str_eq(c.request.path, STR("/?x")));
    case_close(&c);
}

static void a_text_of_3993_bytes_goes_and_one_more_does_not(void **state)
{
    (void)state;
    struct provider_case c;
    case_open(&c, "webpush", NULL);
    size_t around = sizeof "{\"title\":\"t\",\"body\":\"\"}" - 1;
    c.content = (struct content){.title = STR("t"), .body = case_xs(&c, 3993 - around)};
    assert_int_equal(case_compose(&c), OK);
    assert_int_equal(c.request.body.len, 4096);
    c.content.body = case_xs(&c, 3994 - around);
    assert_int_equal(case_compose(&c), ERR_LIMIT);
    assert_non_null(strstr(c.why.text, "3994 bytes"));
    c.content.body = case_xs(&c, 500000);
    assert_int_equal(case_compose(&c), ERR_LIMIT);
    case_close(&c);
}

static void keys_that_are_none_fail_for_good(void **state)
{
    (void)state;
    struct provider_case c;
    case_open(&c, "webpush", NULL);
    c.delivery.p256dh = STR("BAAA");
    assert_int_equal(case_compose(&c), ERR_INPUT);
    case_reset(&c);
    c.delivery.auth = STR_NONE;
    assert_int_equal(case_compose(&c), ERR_INPUT);
    case_close(&c);
}

static void settings_are_checked_when_it_opens(void **state)
{
    (void)state;
    static const struct refusal rows[] = {
        {"vapid_key", "", "`vapid_key` is missing"},
        {"vapid_key", "x", "-----BEGIN PRIVATE KEY-----"},
        {"subject", "", "`subject` is missing"},
        {"subject", "ops@example.com", "mailto:you@example.com"},
        {"subject", "mailto: <ops@example.com>", "mailto:you@example.com"},
        {"allow_endpoints", "localhost", "127.0.0.0/8"},
        {"allow_endpoints", "127.0.0.1/8", "127.0.0.0/8"},
        {"allow_endpoints", "127.0.0.0/8,10.0.0.0/33", "127.0.0.0/8"},
    };
    check_refusals("webpush", rows, sizeof rows / sizeof *rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_published_answer_has_its_meaning),
        cmocka_unit_test(an_endpoint_that_the_transport_refuses_is_never_tried_again),
        cmocka_unit_test(one_credential_serves_an_origin_for_half_a_day),
        cmocka_unit_test(forgetting_is_limited_since_any_endpoint_can_ask_for_it),
        cmocka_unit_test(origins_are_bounded_and_the_longest_unused_goes_first),
        cmocka_unit_test(endpoints_are_https_unless_their_network_is_allowed),
        cmocka_unit_test(headers_follow_the_message),
        cmocka_unit_test(a_text_of_3993_bytes_goes_and_one_more_does_not),
        cmocka_unit_test(keys_that_are_none_fail_for_good),
        cmocka_unit_test(settings_are_checked_when_it_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
