/* APNs: every published answer, the token's life, what a payload holds, and what is refused. */
#include "provider_case.h"

#define REASON(word) "{\"reason\":\"" word "\"}"

static void every_published_answer_has_its_meaning(void **state)
{
    (void)state;
#define NEVER_US       FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE
#define NEVER_TOKEN    FATE_NEVER, SCOPE_ADDRESS, EFFECT_RETIRE
#define DOUBT          FATE_AMBIGUOUS, SCOPE_PROVIDER, EFFECT_NONE
#define AGAIN_OPERATOR FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD
#define AGAIN_REFRESH  FATE_AGAIN, SCOPE_PROVIDER, EFFECT_REFRESH
#define ROW(status, word, ...)                                                                     \
    {                                                                                              \
        status, NULL, REASON(word), __VA_ARGS__, #status, word                                     \
    }
    static const struct judgement rows[] = {
        {200, "apns-id: 1", "", FATE_DONE, SCOPE_DELIVERY, EFFECT_NONE, "200", NULL},
        ROW(400, "BadDeviceToken", NEVER_TOKEN),
        ROW(400, "DeviceTokenNotForTopic", NEVER_TOKEN),
        ROW(400, "BadTopic", AGAIN_OPERATOR),
        ROW(400, "MissingTopic", AGAIN_OPERATOR),
        ROW(400, "TopicDisallowed", AGAIN_OPERATOR),
        ROW(400, "BadCollapseId", NEVER_US),
        ROW(400, "BadExpirationDate", NEVER_US),
        ROW(400, "BadMessageId", NEVER_US),
        ROW(400, "BadPriority", NEVER_US),
        ROW(400, "InvalidPushType", NEVER_US),
        ROW(400, "PayloadEmpty", NEVER_US),
        ROW(400, "DuplicateHeaders", NEVER_US),
        ROW(400, "MissingDeviceToken", NEVER_US),
        ROW(400, "IdleTimeout", FATE_AGAIN, SCOPE_DELIVERY, EFFECT_NONE),
        ROW(403, "ExpiredProviderToken", AGAIN_REFRESH),
        ROW(403, "InvalidProviderToken", AGAIN_REFRESH),
        ROW(403, "MissingProviderToken", AGAIN_OPERATOR),
        ROW(403, "Forbidden", AGAIN_OPERATOR),
        ROW(403, "BadCertificate", AGAIN_OPERATOR),
        ROW(403, "BadCertificateEnvironment", AGAIN_OPERATOR),
        ROW(403, "UnrelatedKeyIdInToken", AGAIN_OPERATOR),
        ROW(403, "BadEnvironmentKeyIdInToken", AGAIN_OPERATOR),
        ROW(404, "BadPath", NEVER_US),
        ROW(405, "MethodNotAllowed", NEVER_US),
        ROW(410, "Unregistered", NEVER_TOKEN),
        ROW(410, "ExpiredToken", NEVER_TOKEN),
        ROW(413, "PayloadTooLarge", NEVER_US),
        ROW(429, "TooManyRequests", FATE_AGAIN, SCOPE_ADDRESS, EFFECT_THROTTLE),
        ROW(429, "TooManyProviderTokenUpdates", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_THROTTLE),
        ROW(500, "InternalServerError", DOUBT),
        ROW(503, "ServiceUnavailable", DOUBT),
        ROW(503, "Shutdown", DOUBT),
        /* What is not published is judged by its class. */
        ROW(400, "SomethingNew", NEVER_US),
        ROW(502, "SomethingNew", DOUBT),
        {410, NULL, "garbage", NEVER_TOKEN, "410", "unregistered"},
        {403, NULL, "", AGAIN_OPERATOR, "403", "forbidden"},
        {302, NULL, "", AGAIN_OPERATOR, "302", "redirected"},
        /* A word with a line end in it is no word. */
        {400, NULL, "{\"reason\":\"Bad\\nTopic\"}", NEVER_US, "400", "refused"},
    };
    check_judgements("apns", rows, sizeof rows / sizeof *rows);
}

static void an_answer_tells_its_id_and_since_when_a_token_is_gone(void **state)
{
    (void)state;
    struct provider_case c;
    case_open(&c, "apns", NULL);
    struct verdict verdict = case_judge(&c, 200, "apns-id: 77c7-1\n", "");
    assert_true(str_eq(verdict.message_id, STR("77c7-1")));
    verdict =
        case_judge(&c, 410, NULL, "{\"reason\":\"Unregistered\",\"timestamp\":1454402113000}");
    assert_int_equal(verdict.invalid_since.ms, 1454402113000);
    verdict = case_judge(&c, 410, NULL, "{\"reason\":\"Unregistered\",\"timestamp\":-5}");
    assert_int_equal(verdict.invalid_since.ms, 0);
    verdict = case_judge(&c, 400, NULL, REASON("BadDeviceToken"));
    assert_int_equal(verdict.invalid_since.ms, 0);
    /* Renewing too often is waited out; Apple gives no Retry-After, but one is honoured. */
    verdict = case_judge(&c, 429, NULL, REASON("TooManyProviderTokenUpdates"));
    assert_int_equal(verdict.retry_after.us, 120 * 1000000);
    verdict = case_judge(&c, 503, "retry-after: 7\n", REASON("Shutdown"));
    assert_int_equal(verdict.retry_after.us, 7 * 1000000);
    case_close(&c);
}

/* What `authorize` gives at so many seconds after NOW, copied. */
static struct str credential_at(struct provider_case *c, int64_t seconds)
{
    struct str credential;
    c->parcel.now.ms = NOW_MS + seconds * 1000;
    assert_int_equal(c->ops->authorize(c->self, &c->parcel, &credential, &c->why), AUTHORIZED);
    return arena_copy(&c->arena, credential);
}

static void a_token_lives_50_minutes_and_is_never_renewed_within_20(void **state)
{
    (void)state;
    struct provider_case c;
    case_open(&c, "apns", NULL);
    struct str first = credential_at(&c, 0);
    /* {"alg":"ES256","kid":"FGHIJ67890"} . {"iss":"ABCDE12345","iat":1796115600} */
    assert_true(str_starts(first, STR("bearer eyJhbGciOiJFUzI1NiIsImtpZCI6IkZHSElKNjc4OTAifQ."
                                      "eyJpc3MiOiJBQkNERTEyMzQ1IiwiaWF0IjoxNzk2MTE1NjAwfQ.")));
    assert_true(str_eq(credential_at(&c, 2999), first));
    struct str second = credential_at(&c, 3000);
    assert_false(str_eq(second, first));
    /* Called stale too early: kept. */
    c.ops->forget(c.self, (struct wall){NOW_MS + (3000 + 1199) * 1000});
    assert_true(str_eq(credential_at(&c, 3000 + 1199), second));
    c.ops->forget(c.self, (struct wall){NOW_MS + (3000 + 1200) * 1000});
    struct str third = credential_at(&c, 3000 + 1200);
    assert_false(str_eq(third, second));
    assert_true(str_eq(credential_at(&c, 3000 + 1300), third));
    /* A clock that was set back by more than that would have signed in the future. */
    assert_false(str_eq(credential_at(&c, 0), third));
    case_close(&c);
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
    case_open(&c, "apns", NULL);
    static const struct {
        enum priority priority;
        const char *want;
    } priorities[] = {{PRIORITY_CRITICAL, "10"},
                      {PRIORITY_HIGH, "10"},
                      {PRIORITY_NORMAL, "10"},
                      {PRIORITY_LOW, "5"}};
    for (size_t i = 0; i < 4; i++) {
        c.notification.priority = priorities[i].priority;
        assert_int_equal(case_compose(&c), OK);
        assert_true(str_eq(header(&c, "apns-priority"), str_of(priorities[i].want)));
    }
    /* Data alone is a background push: priority 5, or Apple refuses it. */
    case_reset(&c);
    c.content = (struct content){.data = c.content.data};
    c.notification.priority = PRIORITY_CRITICAL;
    assert_int_equal(case_compose(&c), OK);
    assert_true(str_eq(header(&c, "apns-push-type"), STR("background")));
    assert_true(str_eq(header(&c, "apns-priority"), STR("5")));
    assert_true(
        str_eq(c.request.body, STR("{\"aps\":{\"content-available\":1},\"k\":\"v\",\"n\":\"2\"}")));
    case_close(&c);
}

static void each_attempt_has_its_own_id_and_a_repeat_the_same(void **state)
{
    (void)state;
    struct provider_case c;
    case_open(&c, "apns", NULL);
    assert_int_equal(case_compose(&c), OK);
    struct str first = header(&c, "apns-id");
    c.parcel.now.ms += 5000;
    assert_int_equal(case_compose(&c), OK);
    assert_true(str_eq(header(&c, "apns-id"), first));
    c.parcel.attempt = 2;
    assert_int_equal(case_compose(&c), OK);
    assert_false(str_eq(header(&c, "apns-id"), first));
    case_close(&c);
}

static void a_repeat_collapses_whatever_the_key(void **state)
{
    (void)state;
    struct provider_case c;
    case_open(&c, "apns", NULL);
    c.notification.collapse_key = STR_NONE;
    assert_int_equal(case_compose(&c), OK);
    assert_true(str_eq(header(&c, "apns-collapse-id"), c.parcel.delivery_id));
    c.notification.collapse_key = case_xs(&c, 64);
    assert_int_equal(case_compose(&c), OK);
    assert_true(str_eq(header(&c, "apns-collapse-id"), c.notification.collapse_key));
    struct str odd[] = {STR("\xed\x95\x9c"), STR("a b"), STR("a\r\nx: y"), case_xs(&c, 65)};
    for (size_t i = 0; i < 4; i++) {
        c.notification.collapse_key = odd[i];
        assert_int_equal(case_compose(&c), OK);
        assert_int_equal(header(&c, "apns-collapse-id").len, 43);
    }
    case_close(&c);
}

static void the_environment_and_the_settings_choose_host_and_topic(void **state)
{
    (void)state;
    struct provider_case c;
    setting_change changes[] = {{"url", "http://127.0.0.1:8443/gw/"},
                                {"sandbox_url", "https://sandbox.example:2197"},
                                {"bundle_id", "com.example.fallback"},
                                {NULL, NULL}};
    case_open(&c, "apns", changes);
    c.delivery.bundle_id = STR_NONE;
    c.delivery.address = STR("ab/../cd\r\n");
    assert_int_equal(case_compose(&c), OK);
    assert_true(str_eq(c.request.origin, STR("http://127.0.0.1:8443")));
    assert_true(str_eq(c.request.path, STR("/gw/3/device/ab%2F..%2Fcd%0D%0A")));
    assert_true(str_eq(header(&c, "apns-topic"), STR("com.example.fallback")));
    c.delivery.sandbox = true;
    assert_int_equal(case_compose(&c), OK);
    assert_true(str_eq(c.request.origin, STR("https://sandbox.example:2197")));
    case_close(&c);

    case_open(&c, "apns", NULL);
    c.delivery.bundle_id = STR_NONE;
    assert_int_equal(case_compose(&c), ERR_INPUT);
    assert_non_null(strstr(c.why.text, "bundle_id"));
    case_close(&c);
}

static void data_may_not_touch_what_is_apples_or_ours(void **state)
{
    (void)state;
    struct provider_case c;
    case_open(&c, "apns", NULL);
    case_data(&c, "{\"aps\":\"x\"}");
    assert_int_equal(case_compose(&c), ERR_INPUT);
    case_data(&c, "{\"url\":\"theirs\",\"image\":\"theirs\",\"a\":\"1\"}");
    assert_int_equal(case_compose(&c), OK);
    assert_true(str_contains(c.request.body, "\"url\":\"https://shop.example/o/42\""));
    assert_false(str_contains(c.request.body, "theirs"));
    c.content.url = c.content.image = STR_NONE;
    assert_int_equal(case_compose(&c), OK);
    assert_true(str_contains(c.request.body, "\"url\":\"theirs\",\"image\":\"theirs\""));
    assert_false(str_contains(c.request.body, "mutable-content"));
    case_close(&c);
}

static void a_payload_of_4096_bytes_goes_and_one_more_does_not(void **state)
{
    (void)state;
    struct provider_case c;
    case_open(&c, "apns", NULL);
    c.content = (struct content){.body = STR("")};
    c.content.title = STR("t");
    assert_int_equal(case_compose(&c), OK);
    size_t around = c.request.body.len;
    c.content.body = case_xs(&c, 4096 - around);
    assert_int_equal(case_compose(&c), OK);
    assert_int_equal(c.request.body.len, 4096);
    c.content.body = case_xs(&c, 4097 - around);
    assert_int_equal(case_compose(&c), ERR_LIMIT);
    assert_non_null(strstr(c.why.text, "4097 bytes"));
    c.content.body = case_xs(&c, 1000000);
    assert_int_equal(case_compose(&c), ERR_LIMIT);
    case_close(&c);
}

static void settings_are_checked_when_it_opens(void **state)
{
    (void)state;
    static const struct refusal rows[] = {
        {"team_id", "", "`team_id` is missing"},
        {"team_id", "AB\"CD", "letters and digits"},
        {"key_id", "", "`key_id` is missing"},
        {"key_id", "a b", "letters and digits"},
        {"key", "", ".p8 file"},
        {"key", "no pem", "-----BEGIN PRIVATE KEY-----"},
        {"bundle_id", "a\nb", "`bundle_id`"},
        {"url", "http://api.push.apple.com", "loopback only"},
        {"url", "ftp://127.0.0.1", "write https://"},
        {"url", "api.push.apple.com", "no URL"},
        {"url", "https://a.example/?q", "query"},
        {"sandbox_url", "http://10.0.0.1", "loopback only"},
    };
    check_refusals("apns", rows, sizeof rows / sizeof *rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_published_answer_has_its_meaning),
        cmocka_unit_test(an_answer_tells_its_id_and_since_when_a_token_is_gone),
        cmocka_unit_test(a_token_lives_50_minutes_and_is_never_renewed_within_20),
        cmocka_unit_test(headers_follow_the_message),
        cmocka_unit_test(each_attempt_has_its_own_id_and_a_repeat_the_same),
        cmocka_unit_test(a_repeat_collapses_whatever_the_key),
        cmocka_unit_test(the_environment_and_the_settings_choose_host_and_topic),
        cmocka_unit_test(data_may_not_touch_what_is_apples_or_ours),
        cmocka_unit_test(a_payload_of_4096_bytes_goes_and_one_more_does_not),
        cmocka_unit_test(settings_are_checked_when_it_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
