/* FCM: every published answer, the token's fetching and life, what a message holds. */
#include "codec/base64.h"
#include "codec/uri.h"
#include "provider_case.h"
#include <stdio.h>

#define FCM_DETAIL(code)                                                                           \
    "{\"@type\":\"type.googleapis.com/google.firebase.fcm.v1.FcmError\",\"errorCode\":\"" code "\"}"
#define VIOLATION(field)                                                                                \
    "{\"@type\":\"type.googleapis.com/google.rpc.BadRequest\",\"fieldViolations\":[{\"field\":\"" field \
    "\",\"description\":\"d\"}]}"
#define ERROR(status, message, details)                                                            \
    "{\"error\":{\"code\":1,\"message\":\"" message "\",\"status\":\"" status                      \
    "\",\"details\":[" details "]}}"

#define GONE     FATE_NEVER, SCOPE_ADDRESS, EFFECT_RETIRE
#define NEVER_US FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE
#define OPERATOR FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD
#define DOUBT    FATE_AMBIGUOUS, SCOPE_PROVIDER, EFFECT_NONE
#define SLOWER   FATE_AGAIN, SCOPE_PROVIDER, EFFECT_THROTTLE
#define REFRESH  FATE_AGAIN, SCOPE_PROVIDER, EFFECT_REFRESH

static void every_published_answer_has_its_meaning(void **state)
{
    (void)state;
    static const struct judgement rows[] = {
        {200, NULL, "{\"name\":\"projects/p/messages/1\"}", FATE_DONE, SCOPE_DELIVERY, EFFECT_NONE,
         "200", NULL},
        {404, NULL, ERROR("NOT_FOUND", "gone", FCM_DETAIL("UNREGISTERED")), GONE, "UNREGISTERED",
         "unregistered"},
        {404, NULL, ERROR("NOT_FOUND", "no project", ""), OPERATOR, "NOT_FOUND",
         "project_not_found"},
        {404, NULL, "<html>", OPERATOR, "404", "project_not_found"},
        {400, NULL,
         ERROR("INVALID_ARGUMENT", "The registration token is not a valid FCM registration token",
               FCM_DETAIL("INVALID_ARGUMENT")),
         GONE, "INVALID_ARGUMENT", "invalid_token"},
        {400, NULL,
         ERROR("INVALID_ARGUMENT", "bad",
               FCM_DETAIL("INVALID_ARGUMENT") "," VIOLATION("message.token")),
         GONE, "INVALID_ARGUMENT", "invalid_token"},
        {400, NULL,
         ERROR("INVALID_ARGUMENT", "bad",
               FCM_DETAIL("INVALID_ARGUMENT") "," VIOLATION("message.data[0].value")),
         NEVER_US, "INVALID_ARGUMENT", "invalid_argument"},
        {400, NULL, ERROR("INVALID_ARGUMENT", "Invalid value at 'message.android.ttl'", ""),
         NEVER_US, "INVALID_ARGUMENT", "invalid_argument"},
        /* Without FcmError's detail the sentence alone must not cost a registration. */
        {400, NULL, ERROR("INVALID_ARGUMENT", "not a valid FCM registration token", ""), NEVER_US,
         "INVALID_ARGUMENT", "invalid_argument"},
        {403, NULL, ERROR("PERMISSION_DENIED", "x", FCM_DETAIL("SENDER_ID_MISMATCH")), GONE,
         "SENDER_ID_MISMATCH", "sender_id_mismatch"},
        {403, NULL, ERROR("PERMISSION_DENIED", "API disabled", ""), OPERATOR, "PERMISSION_DENIED",
         "permission_denied"},
        {403, NULL, "", OPERATOR, "403", "forbidden"},
        {401, NULL, ERROR("UNAUTHENTICATED", "x", ""), REFRESH, "UNAUTHENTICATED",
         "unauthenticated"},
        {401, NULL, "", REFRESH, "401", "unauthenticated"},
        {401, NULL, ERROR("UNAUTHENTICATED", "x", FCM_DETAIL("THIRD_PARTY_AUTH_ERROR")), FATE_AGAIN,
         SCOPE_DELIVERY, EFFECT_HOLD, "THIRD_PARTY_AUTH_ERROR", "third_party_auth_error"},
        {401, NULL, ERROR("UNAUTHENTICATED", "x", FCM_DETAIL("APNS_AUTH_ERROR")), FATE_AGAIN,
         SCOPE_DELIVERY, EFFECT_HOLD, "APNS_AUTH_ERROR", "apns_auth_error"},
        {429, NULL, ERROR("RESOURCE_EXHAUSTED", "x", FCM_DETAIL("QUOTA_EXCEEDED")), SLOWER,
         "QUOTA_EXCEEDED", "quota_exceeded"},
        {429, NULL, ERROR("RESOURCE_EXHAUSTED", "x", ""), SLOWER, "RESOURCE_EXHAUSTED",
         "quota_exceeded"},
        {429, NULL, "", SLOWER, "429", "rate_limited"},
        {503, NULL, ERROR("UNAVAILABLE", "x", FCM_DETAIL("UNAVAILABLE")), DOUBT, "UNAVAILABLE",
         "unavailable"},
        {500, NULL, ERROR("INTERNAL", "x", FCM_DETAIL("INTERNAL")), DOUBT, "INTERNAL", "internal"},
        {502, NULL, "<html>", DOUBT, "502", "unavailable"},
        {418, NULL, "", NEVER_US, "418", "refused"},
        {301, NULL, "", OPERATOR, "301", "redirected"},
        /* A word of failure in a 200 changes nothing. */
        {200, NULL, ERROR("NOT_FOUND", "x", FCM_DETAIL("UNREGISTERED")), FATE_DONE, SCOPE_DELIVERY,
         EFFECT_NONE, "200", NULL},
    };
    check_judgements("fcm", rows, sizeof rows / sizeof *rows);
}

static void waits_are_the_services_own_or_the_documented_ones(void **state)
{
    (void)state;
    struct provider_case c;
    case_open(&c, "fcm", NULL);
    static const struct {
        int status;
        const char *headers;
        int64_t seconds;
    } rows[] = {{429, NULL, 60}, {429, "retry-after: 5\n", 5}, {500, NULL, 10},
                {503, NULL, 0},  {503, "retry-after: 9\n", 9}, {400, "retry-after: 9\n", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(case_judge(&c, rows[i].status, rows[i].headers, "").retry_after.us,
                         rows[i].seconds * 1000000);
    struct verdict verdict = case_judge(&c, 200, NULL, "{\"name\":\"projects/p/messages/1\"}");
    assert_true(str_eq(verdict.message_id, STR("projects/p/messages/1")));
    verdict =
        case_judge(&c, 404, NULL, ERROR("NOT_FOUND", "gone away", FCM_DETAIL("UNREGISTERED")));
    assert_true(str_eq(verdict.detail, STR("gone away")));
    case_close(&c);
}

static enum authorize authorize_at(struct provider_case *c, int64_t seconds, struct str *ret)
{
    c->parcel.now.ms = NOW_MS + seconds * 1000;
    return c->ops->authorize(c->self, &c->parcel, ret, &c->why);
}

static struct verdict fetch(struct provider_case *c, int64_t seconds, int status, const char *body)
{
    struct wall now = {NOW_MS + seconds * 1000};
    struct reply reply = case_reply(c, status, NULL, body);
    assert_int_equal(c->ops->refresh_compose(c->self, now, &c->arena, &c->request, &c->why), OK);
    return c->ops->refresh_judge(c->self, &reply, &c->arena);
}

static void a_token_is_fetched_with_a_signed_assertion(void **state)
{
    (void)state;
    struct provider_case c;
    struct str credential, name, value, claims;
    char json[1000];
    size_t len;
    bool bad = false;
    case_open(&c, "fcm", NULL);
    assert_int_equal(authorize_at(&c, 0, &credential), AUTHORIZE_FETCH);
    assert_int_equal(
        fetch(&c, 0, 200,
              "{\"access_token\":\"ya29.a\",\"expires_in\":3599,\"token_type\":\"Bearer\"}")
            .fate,
        FATE_DONE);
    assert_int_equal(c.request.wire, WIRE_HTTP);
    assert_true(str_eq(c.request.origin, STR("https://oauth2.googleapis.com")));
    assert_true(str_eq(c.request.path, STR("/token")));
    assert_true(str_eq(c.request.headers[0].value, STR("application/x-www-form-urlencoded")));
    struct str rest = c.request.body;
    assert_true(form_next(&rest, &c.arena, &name, &value, &bad));
    assert_true(str_eq(name, STR("grant_type")));
    assert_true(str_eq(value, STR("urn:ietf:params:oauth:grant-type:jwt-bearer")));
    assert_true(form_next(&rest, &c.arena, &name, &value, &bad));
    assert_true(str_eq(name, STR("assertion")));
    assert_true(base64url_decode(str_cut(&value, '.'), json, sizeof json, &len));
    assert_true(str_eq((struct str){json, len},
                       STR("{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"kid1\"}")));
    claims = str_cut(&value, '.');
    assert_true(base64url_decode(claims, json, sizeof json, &len));
    assert_true(str_eq((struct str){json, len},
                       STR("{\"iss\":\"sender@demo-project.iam.gserviceaccount.com\",\"scope\":\""
                           "https://www.googleapis.com/auth/firebase.messaging\",\"aud\":\""
                           "https://oauth2.googleapis.com/token\",\"iat\":1796115600,"
                           "\"exp\":1796119200}")));
    assert_int_equal(authorize_at(&c, 1, &credential), AUTHORIZED);
    assert_true(str_eq(credential, STR("Bearer ya29.a")));
    case_close(&c);
}

#define GOOD "{\"access_token\":\"t1\",\"expires_in\":1000}"

static void a_token_is_renewed_at_85_percent_and_used_to_its_end(void **state)
{
    (void)state;
    struct provider_case c;
    struct str credential;
    case_open(&c, "fcm", NULL);
    assert_int_equal(fetch(&c, 0, 200, GOOD).fate, FATE_DONE);
    assert_int_equal(authorize_at(&c, 849, &credential), AUTHORIZED);
    assert_int_equal(authorize_at(&c, 850, &credential), AUTHORIZE_FETCH);
    /* The fetch fails: the old one serves on, and the next try comes 30 s later. */
    assert_int_equal(fetch(&c, 850, 503, "").fate, FATE_AGAIN);
    assert_int_equal(authorize_at(&c, 851, &credential), AUTHORIZED);
    assert_true(str_eq(credential, STR("Bearer t1")));
    assert_int_equal(authorize_at(&c, 880, &credential), AUTHORIZE_FETCH);
    assert_int_equal(fetch(&c, 990, 503, "").fate, FATE_AGAIN);
    assert_int_equal(authorize_at(&c, 999, &credential), AUTHORIZED);
    assert_int_equal(authorize_at(&c, 1000, &credential), AUTHORIZE_FETCH);
    /* Called stale: fetched anew. */
    assert_int_equal(fetch(&c, 1000, 200, "{\"access_token\":\"t2\",\"expires_in\":1000}").fate,
                     FATE_DONE);
    assert_int_equal(authorize_at(&c, 1001, &credential), AUTHORIZED);
    assert_true(str_eq(credential, STR("Bearer t2")));
    c.ops->forget(c.self, (struct wall){NOW_MS + 1001000});
    assert_int_equal(authorize_at(&c, 1002, &credential), AUTHORIZE_FETCH);
    case_close(&c);
}

static void a_fetch_that_fails_is_told_apart(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum effect effect;
        const char *reason;
    } rows[] = {
        {400, "{\"error\":\"invalid_grant\",\"error_description\":\"clock\"}", EFFECT_HOLD,
         "invalid_grant"},
        {401, "{\"error\":\"invalid_client\"}", EFFECT_HOLD, "invalid_client"},
        {401, "", EFFECT_HOLD, "unauthorized"},
        {400, "", EFFECT_HOLD, "token_refused"},
        {403, "", EFFECT_HOLD, "token_refused"},
        {404, "", EFFECT_HOLD, "token_refused"},
        {302, "", EFFECT_HOLD, "redirected"},
        {429, "", EFFECT_NONE, "token_rate_limited"},
        {500, "", EFFECT_NONE, "unavailable"},
        {503, "", EFFECT_NONE, "unavailable"},
        {200, "", EFFECT_NONE, "no_token_in_reply"},
        {200, "{\"access_token\":\"a\"}", EFFECT_NONE, "no_token_in_reply"},
        {200, "{\"access_token\":\"a\",\"expires_in\":0}", EFFECT_NONE, "no_token_in_reply"},
        {200, "{\"access_token\":\"\",\"expires_in\":9}", EFFECT_NONE, "no_token_in_reply"},
        {200, "{\"access_token\":\"a b\",\"expires_in\":9}", EFFECT_NONE, "no_token_in_reply"},
        {200, "{\"access_token\":\"a\\r\\nx: y\",\"expires_in\":9}", EFFECT_NONE,
         "no_token_in_reply"},
    };
    struct provider_case c;
    struct str credential;
    case_open(&c, "fcm", NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct verdict verdict = fetch(&c, 0, rows[i].status, rows[i].body);
        if (verdict.fate != FATE_AGAIN || verdict.scope != SCOPE_PROVIDER ||
            verdict.effect != rows[i].effect || !str_eq(verdict.reason, str_of(rows[i].reason)))
            fail_msg("row %zu: fate %d effect %d reason '%.*s'", i, (int)verdict.fate,
                     (int)verdict.effect, STR_ARG(verdict.reason));
        assert_int_equal(authorize_at(&c, 1, &credential), AUTHORIZE_FETCH);
    }
    assert_true(str_eq(fetch(&c, 0, 400, rows[0].body).detail, STR("clock")));
    case_close(&c);
}

static void messages_say_what_their_content_has(void **state)
{
    (void)state;
    struct provider_case c;
    case_open(&c, "fcm", NULL);
    /* Data alone: nothing for the device to show by itself. */
    c.content = (struct content){.data = c.content.data};
    c.notification.collapse_key = STR_NONE;
    c.notification.priority = PRIORITY_CRITICAL;
    c.parcel.expires_at.ms = NOW_MS + 30999;
    assert_int_equal(case_compose(&c), OK);
    assert_true(
        str_eq(c.request.body,
               STR("{\"message\":{\"token\":\"bk3RNwTe3H0:CI2k_HHwgIpoDKCIZvvDMExUdFQ3P1\","
                   "\"data\":{\"k\":\"v\",\"n\":\"2\"},\"android\":{\"collapseKey\":"
                   "\"dlv_0123456789abc0000001\",\"priority\":\"HIGH\",\"ttl\":\"30s\"}}}")));
    static const struct {
        int64_t expires_ms;
        const char *ttl;
    } ttls[] = {{NOW_MS - 5, "\"ttl\":\"0s\""},
                {NOW_MS + 999, "\"ttl\":\"0s\""},
                {NOW_MS + 90ll * 86400000, "\"ttl\":\"2419200s\""},
                {INT64_MAX, "\"ttl\":\"2419200s\""},
                {0, "\"ttl\":\"2419200s\""}};
    for (size_t i = 0; i < sizeof ttls / sizeof *ttls; i++) {
        c.parcel.expires_at.ms = ttls[i].expires_ms;
        assert_int_equal(case_compose(&c), OK);
        assert_true(str_contains(c.request.body, ttls[i].ttl));
    }
    for (enum priority p = PRIORITY_CRITICAL; p <= PRIORITY_LOW; p++) {
        c.notification.priority = p;
        assert_int_equal(case_compose(&c), OK);
        assert_true(str_contains(c.request.body, p <= PRIORITY_HIGH ? "\"HIGH\"" : "\"NORMAL\""));
    }
    case_close(&c);
}

static void reserved_data_names_are_refused_by_name(void **state)
{
    (void)state;
    struct provider_case c;
    case_open(&c, "fcm", NULL);
    static const char *const names[] = {"from",       "message_type", "google",
                                        "google.c.a", "gcm",          "gcm.n.e"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char json[100];
        snprintf(json, sizeof json, "{\"%s\":\"1\"}", names[i]);
        case_data(&c, json);
        assert_int_equal(case_compose(&c), ERR_INPUT);
        assert_non_null(strstr(c.why.text, names[i]));
    }
    case_data(&c, "{\"from_us\":\"1\",\"Google\":\"1\",\"url\":\"theirs\"}");
    assert_int_equal(case_compose(&c), OK);
    assert_false(str_contains(c.request.body, "theirs"));
    case_close(&c);
}

static void keys_and_values_of_4096_bytes_go_and_one_more_does_not(void **state)
{
    (void)state;
    struct provider_case c;
    case_open(&c, "fcm", NULL);
    c.content = (struct content){.title = STR("t"), .body = case_xs(&c, 4095)};
    assert_int_equal(case_compose(&c), OK);
    c.content.body = case_xs(&c, 4096);
    assert_int_equal(case_compose(&c), ERR_LIMIT);
    assert_non_null(strstr(c.why.text, "4097 bytes"));
    /* Quotes and controls cost more in JSON, not in FCM's count. */
    char *at = arena_take(&c.arena, 4095);
    memset(at, 1, 4095);
    c.content.body = (struct str){at, 4095};
    assert_int_equal(case_compose(&c), OK);
    case_close(&c);
}

static void https_goes_over_h2_and_loopback_http_over_http(void **state)
{
    (void)state;
    struct provider_case c;
    setting_change changes[] = {{"url", "http://[::1]:9099/fcm"},
                                {"token_url", "http://localhost:9098/token"},
                                {NULL, NULL}};
    case_open(&c, "fcm", changes);
    assert_int_equal(case_compose(&c), OK);
    assert_int_equal(c.request.wire, WIRE_HTTP);
    assert_true(str_eq(c.request.origin, STR("http://[::1]:9099")));
    assert_true(str_eq(c.request.path, STR("/fcm/v1/projects/demo-project/messages:send")));
    fetch(&c, 0, 200, GOOD);
    assert_true(str_eq(c.request.origin, STR("http://localhost:9098")));
    case_close(&c);
    case_open(&c, "fcm", NULL);
    assert_int_equal(case_compose(&c), OK);
    assert_int_equal(c.request.wire, WIRE_H2);
    case_close(&c);
}

static void settings_are_checked_when_it_opens(void **state)
{
    (void)state;
    static const struct refusal rows[] = {
        {"service_account", "", "`service_account` is missing"},
        {"service_account", "{", "no JSON"},
        {"service_account", "[]", "no project_id"},
        {"service_account", "{\"project_id\":\"p\"}", "no client_email"},
        {"service_account", "{\"project_id\":\"p\",\"client_email\":\"e\"}", "no token_uri"},
        {"service_account",
         "{\"project_id\":\"p\",\"client_email\":\"e\",\"token_uri\":\"http://a.example\"}",
         "`token_uri` is plain http"},
        {"service_account",
         "{\"project_id\":\"../p\",\"client_email\":\"e\",\"token_uri\":\"https://a.example\"}",
         "project_id that is none"},
        {"service_account",
         "{\"project_id\":\"p\",\"client_email\":\"e\",\"token_uri\":\"https://a.example\","
         "\"private_key\":\"no\"}",
         "no PEM text"},
        {"service_account",
         "{\"project_id\":\"p\",\"client_email\":\"e\\n\",\"token_uri\":\"https://a.example\"}",
         "no client_email"},
        {"token_url", "http://a.example/token", "`token_url` is plain http"},
        {"url", "http://fcm.googleapis.com", "loopback only"},
        {"url", "fcm", "no URL"},
    };
    check_refusals("fcm", rows, sizeof rows / sizeof *rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_published_answer_has_its_meaning),
        cmocka_unit_test(waits_are_the_services_own_or_the_documented_ones),
        cmocka_unit_test(a_token_is_fetched_with_a_signed_assertion),
        cmocka_unit_test(a_token_is_renewed_at_85_percent_and_used_to_its_end),
        cmocka_unit_test(a_fetch_that_fails_is_told_apart),
        cmocka_unit_test(messages_say_what_their_content_has),
        cmocka_unit_test(reserved_data_names_are_refused_by_name),
        cmocka_unit_test(keys_and_values_of_4096_bytes_go_and_one_more_does_not),
        cmocka_unit_test(https_goes_over_h2_and_loopback_http_over_http),
        cmocka_unit_test(settings_are_checked_when_it_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
