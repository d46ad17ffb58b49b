/* Twilio: every published code, the form it is sent, and its settings. */
#include "provider_case.h"

#define CODE(n)      "{\"code\":" #n ",\"message\":\"said\",\"status\":400}"
#define OPERATOR     FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD
#define DOUBT        FATE_AMBIGUOUS, SCOPE_PROVIDER, EFFECT_NONE
#define SLOWER       FATE_AGAIN, SCOPE_PROVIDER, EFFECT_THROTTLE
#define LATER        FATE_AGAIN, SCOPE_DELIVERY, EFFECT_NONE
#define NEVER_US     FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE
#define NOT_BY_US    FATE_NEVER, SCOPE_DELIVERY, EFFECT_ELSEWHERE
#define NEVER_NUMBER FATE_NEVER, SCOPE_ADDRESS, EFFECT_SUPPRESS

static void every_published_code_has_its_meaning(void **state)
{
    (void)state;
#define ROW(status, code, ...)                                                                     \
    {                                                                                              \
        status, NULL, CODE(code), __VA_ARGS__                                                      \
    }
    static const struct judgement rows[] = {
        {201, NULL, "{\"sid\":\"SM1\",\"status\":\"queued\",\"error_code\":null}", FATE_DONE,
         SCOPE_DELIVERY, EFFECT_NONE, "201", NULL},
        ROW(401, 20003, OPERATOR, "20003", "wrong_credentials"),
        ROW(403, 20005, OPERATOR, "20005", "account_suspended"),
        ROW(403, 30002, OPERATOR, "30002", "account_suspended"),
        ROW(429, 20429, SLOWER, "20429", "rate_limited"),
        ROW(400, 14107, SLOWER, "14107", "rate_limited"),
        ROW(400, 21610, NEVER_NUMBER, "21610", "stop"),
        ROW(400, 21211, NEVER_NUMBER, "21211", "invalid"),
        ROW(400, 21614, NEVER_NUMBER, "21614", "invalid"),
        ROW(400, 21217, NEVER_NUMBER, "21217", "invalid"),
        ROW(400, 21635, NEVER_NUMBER, "21635", "invalid"),
        ROW(400, 21408, OPERATOR, "21408", "region_not_enabled"),
        ROW(400, 21606, OPERATOR, "21606", "from_not_usable"),
        ROW(400, 21212, OPERATOR, "21212", "from_not_usable"),
        ROW(400, 21659, OPERATOR, "21659", "from_not_usable"),
        ROW(400, 21603, OPERATOR, "21603", "from_missing"),
        ROW(400, 21703, OPERATOR, "21703", "service_without_number"),
        ROW(400, 21704, OPERATOR, "21704", "service_without_number"),
        ROW(400, 21608, OPERATOR, "21608", "trial_account"),
        ROW(400, 21602, NEVER_US, "21602", "body_missing"),
        ROW(400, 21605, NEVER_US, "21605", "body_too_long"),
        ROW(400, 21617, NEVER_US, "21617", "body_too_long"),
        ROW(400, 21620, NEVER_US, "21620", "media_invalid"),
        ROW(400, 21612, NOT_BY_US, "21612", "unroutable"),
        ROW(400, 21611, LATER, "21611", "queue_full"),
        ROW(400, 30001, LATER, "30001", "queue_full"),
        ROW(404, 20404, OPERATOR, "20404", "not_found"),
        ROW(500, 20500, DOUBT, "20500", "unavailable"),
        ROW(503, 20503, DOUBT, "20503", "unavailable"),
        /* What is not published is judged by its class. */
        ROW(400, 99999, NEVER_US, "99999", "refused"),
        {401, NULL, "", OPERATOR, "401", "unauthorized"},
        {404, NULL, "<html>", OPERATOR, "404", "not_found"},
        {429, NULL, "", SLOWER, "429", "rate_limited"},
        {500, NULL, "<html>", DOUBT, "500", "unavailable"},
        {400, NULL, "{\"code\":\"21610\"}", NEVER_US, "400", "refused"},
        {302, NULL, "", OPERATOR, "302", "redirected"},
        {201, NULL, CODE(21610), FATE_DONE, SCOPE_DELIVERY, EFFECT_NONE, "201", NULL},
    };
    check_judgements("twilio", rows, sizeof rows / sizeof *rows);
}

static void an_answer_tells_its_id_its_sentence_and_its_wait(void **state)
{
    (void)state;
    struct provider_case c;
    case_open(&c, "twilio", NULL);
    assert_true(str_eq(case_judge(&c, 201, NULL, "{\"sid\":\"SM1\"}").message_id, STR("SM1")));
    struct verdict verdict = case_judge(&c, 429, "retry-after: 2\n", CODE(20429));
    assert_int_equal(verdict.retry_after.us, 2000000);
    assert_true(str_eq(verdict.detail, STR("said")));
    case_close(&c);
}

static void receipts_are_asked_for_where_twilio_can_send_them(void **state)
{
    (void)state;
    static const struct {
        const char *public_url, *url, *callback;
    } rows[] = {
        {NULL, "", NULL},
        {"https://n.example", "",
         "&StatusCallback=https%3A%2F%2Fn.example%2Freceipts%2Fmain%3Fd%3Ddlv_0123456789abc0000001"},
        {"https://n.example/base/", "", "https%3A%2F%2Fn.example%2Fbase%2Freceipts%2Fmain%3Fd%3D"},
        {"http://127.0.0.1:8080", "", NULL},
        {"http://127.0.0.1:8080", "http://127.0.0.1:9", "http%3A%2F%2F127.0.0.1%3A8080%2Freceipts"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct provider_case opened, c;
        setting_change changes[] = {{"url", rows[i].url}, {NULL, NULL}};
        assert_int_equal(case_try(&opened, "twilio", rows[i].public_url, changes), OK);
        case_open(&c, "twilio", NULL);
        c.ops->close(c.self);
        c.self = opened.self;
        assert_int_equal(case_compose(&c), OK);
        if (rows[i].callback)
            assert_true(str_contains(c.request.body, rows[i].callback));
        else
            assert_false(str_contains(c.request.body, "StatusCallback"));
        case_close(&c);
    }
}

static void a_message_stays_valid_as_long_as_its_ttl(void **state)
{
    (void)state;
    struct provider_case c;
    static const struct {
        int64_t left_ms;
        const char *want;
    } rows[] = {{-1, "ValidityPeriod=1"},
                {999, "ValidityPeriod=1"},
                {61000, "ValidityPeriod=61"},
                {86400000, "ValidityPeriod=36000"}};
    case_open(&c, "twilio", NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        c.parcel.expires_at.ms = NOW_MS + rows[i].left_ms;
        assert_int_equal(case_compose(&c), OK);
        assert_true(str_ends(c.request.body, str_of(rows[i].want)));
    }
    case_close(&c);
}

static void texts_of_1600_characters_go_and_one_more_does_not(void **state)
{
    (void)state;
    struct provider_case c;
    struct buf text;
    case_open(&c, "twilio", NULL);
    buf_init(&text, 10000);
    for (int i = 0; i < 1600; i++)
        buf_add(&text, STR("\xf0\x9f\x98\x80"));
    c.content.text = buf_str(&text);
    assert_int_equal(case_compose(&c), OK);
    assert_true(c.request.body.len > 1600 * 12);
    buf_add(&text, STR("x"));
    c.content.text = buf_str(&text);
    assert_int_equal(case_compose(&c), ERR_LIMIT);
    assert_non_null(strstr(c.why.text, "1601 characters"));
    c.content.text = STR("");
    assert_int_equal(case_compose(&c), ERR_INPUT);
    buf_done(&text);
    case_close(&c);
}

static void a_messaging_service_stands_in_for_the_sender(void **state)
{
    (void)state;
    struct provider_case c;
    setting_change changes[] = {{"from", ""},
                                {"messaging_service_sid", "MG1"},
                                {"url", "https://gw.example/tw/"},
                                {NULL, NULL}};
    case_open(&c, "twilio", changes);
    assert_int_equal(case_compose(&c), OK);
    assert_true(str_starts(c.request.body, STR("To=%2B15005550009&MessagingServiceSid=MG1&Body=")));
    assert_true(str_eq(c.request.path, STR("/tw/2010-04-01/Accounts/"
                                           "AC0123456789abcdef0123456789abcdef/Messages.json")));
    case_close(&c);
}

static void settings_are_checked_when_it_opens(void **state)
{
    (void)state;
    static const struct refusal rows[] = {
        {"account_sid", "", "`account_sid` is missing"},
        {"account_sid", "A:C", "':'"},
        {"account_sid", "AC\n", "line end"},
        {"auth_token", "", "`auth_token` is missing"},
        {"auth_token", "token\n", "line end"},
        {"from", "", "either `from`"},
        {"messaging_service_sid", "MG1", "either `from`"},
        {"url", "http://api.twilio.com", "loopback only"},
    };
    check_refusals("twilio", rows, sizeof rows / sizeof *rows);
    struct provider_case c;
    assert_int_equal(case_try(&c, "twilio", "notify.example", NULL), ERR_INPUT);
    assert_non_null(strstr(c.why.text, "`public_url`"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_published_code_has_its_meaning),
        cmocka_unit_test(an_answer_tells_its_id_its_sentence_and_its_wait),
        cmocka_unit_test(receipts_are_asked_for_where_twilio_can_send_them),
        cmocka_unit_test(a_message_stays_valid_as_long_as_its_ttl),
        cmocka_unit_test(texts_of_1600_characters_go_and_one_more_does_not),
        cmocka_unit_test(a_messaging_service_stands_in_for_the_sender),
        cmocka_unit_test(settings_are_checked_when_it_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
