/* The sandbox: the outcome stands in the address, for every kind. */
#include "provider_case.h"

static void the_address_says_what_happens(void **state)
{
    (void)state;
    static const struct {
        enum kind kind;
        const char *address;
        int status;
        int64_t delay_s;
        bool receipt;
    } rows[] = {
        {KIND_EMAIL, "ok@x.example", 200, 0, false},
        {KIND_EMAIL, "anna@x.example", 200, 0, false},
        {KIND_EMAIL, "anna@dead", 200, 0, false}, /* the domain says nothing */
        {KIND_EMAIL, "anna.delivered@x.example", 200, 0, true},
        {KIND_EMAIL, "u-transient@x.example", 503, 0, false},
        {KIND_EMAIL, "throttled@x.example", 429, 0, false},
        {KIND_EMAIL, "dead@x.example", 410, 0, false},
        {KIND_EMAIL, "refused@x.example", 400, 0, false},
        {KIND_EMAIL, "ambiguous@x.example", 0, 0, false},
        {KIND_EMAIL, "slow@x.example", 200, 5, false},
        {KIND_EMAIL, "a3@x.example", 200, 0, false}, /* digits are for phones */
        {KIND_EMAIL, "deadline@x.example", 200, 0, false},
        {KIND_IOS, "token-dead", 410, 0, false},
        {KIND_IOS, "token", 200, 0, false},
        {KIND_IOS, "token3", 200, 0, false},
        {KIND_ANDROID, "t:delivered", 200, 0, true},
        {KIND_ANDROID, "transient", 503, 0, false},
        {KIND_WEB, "https://push.example/a/refused", 400, 0, false},
        {KIND_WEB, "https://push.example/a/u-slow?x=/dead", 200, 5, false},
        {KIND_WEB, "https://push.example/dead/b", 200, 0, false},
        {KIND_SMS, "+15005550000", 200, 0, false},
        {KIND_SMS, "+15005550001", 503, 0, false},
        {KIND_SMS, "+15005550002", 429, 0, false},
        {KIND_SMS, "+15005550003", 410, 0, false},
        {KIND_SMS, "+15005550004", 400, 0, false},
        {KIND_SMS, "+15005550005", 0, 0, false},
        {KIND_SMS, "+15005550006", 200, 5, false},
        {KIND_SMS, "+15005550007", 200, 0, false},
        {KIND_SMS, "+15005550009", 200, 0, false},
    };
    struct provider_case c;
    case_open(&c, "sandbox", NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        c.delivery.kind = rows[i].kind;
        c.delivery.address = str_of(rows[i].address);
        if (case_compose(&c) != OK)
            fail_msg("row %zu: %s", i, c.why.text);
        if (c.request.wire != WIRE_SANDBOX || c.request.sandbox_status != rows[i].status ||
            c.request.sandbox_delay.us != rows[i].delay_s * 1000000 ||
            c.request.sandbox_receipt != rows[i].receipt || !c.request.body.len)
            fail_msg("row %zu: status %d", i, c.request.sandbox_status);
    }
    case_close(&c);
}

static void no_outcome_reaches_past_its_own_delivery(void **state)
{
    (void)state;
    static const struct judgement rows[] = {
        {200, NULL, "", FATE_DONE, SCOPE_DELIVERY, EFFECT_NONE, "200", NULL},
        {503, NULL, "", FATE_AGAIN, SCOPE_DELIVERY, EFFECT_NONE, "503", "transient"},
        {429, NULL, "", FATE_AGAIN, SCOPE_DELIVERY, EFFECT_THROTTLE, "429", "throttled"},
        {410, NULL, "", FATE_NEVER, SCOPE_ADDRESS, EFFECT_RETIRE, "410", "dead"},
        {400, NULL, "", FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE, "400", "refused"},
    };
    struct provider_case c;
    check_judgements("sandbox", rows, sizeof rows / sizeof *rows);
    case_open(&c, "sandbox", NULL);
    assert_int_equal(case_judge(&c, 429, NULL, "").retry_after.us, 1000000);
    struct reply cut = {.exchange = EXCHANGE_CUT, .error = STR("as asked")};
    struct verdict verdict = c.ops->judge(c.self, &cut, &c.arena);
    assert_int_equal(verdict.fate, FATE_AMBIGUOUS);
    assert_int_equal(verdict.scope, SCOPE_DELIVERY);
    case_close(&c);
}

static void content_that_no_provider_could_send_fails_here_too(void **state)
{
    (void)state;
    struct provider_case c;
    case_open(&c, "sandbox", NULL);
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        case_reset(&c);
        c.delivery.kind = kind;
        c.delivery.address = kind == KIND_EMAIL ? STR("ok@x.example")
                             : kind == KIND_WEB ? STR("https://p.example/ok")
                                                : STR("ok");
        c.content = (struct content){0};
        assert_int_equal(case_compose(&c), ERR_INPUT);
        case_reset(&c);
        c.delivery.kind = kind;
        c.delivery.address = STR_NONE;
        assert_int_equal(case_compose(&c), ERR_INPUT);
    }
    case_reset(&c);
    c.content.body = case_xs(&c, 4097);
    assert_int_equal(case_compose(&c), ERR_LIMIT);
    c.delivery.kind = KIND_SMS;
    c.content.text = case_xs(&c, 1601);
    assert_int_equal(case_compose(&c), ERR_LIMIT);
    case_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_address_says_what_happens),
        cmocka_unit_test(no_outcome_reaches_past_its_own_delivery),
        cmocka_unit_test(content_that_no_provider_could_send_fails_here_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
