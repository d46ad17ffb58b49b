/* SMTP: every class of reply, the session's settings, and the message's sender. */
#include "provider_case.h"

#define SENT     FATE_DONE, SCOPE_DELIVERY, EFFECT_NONE
#define OUTAGE   FATE_AGAIN, SCOPE_PROVIDER, EFFECT_NONE
#define OPERATOR FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD
#define LATER    FATE_AGAIN, SCOPE_DELIVERY, EFFECT_NONE
#define NEVER_US FATE_NEVER, SCOPE_DELIVERY, EFFECT_NONE
#define BOUNCED  FATE_NEVER, SCOPE_ADDRESS, EFFECT_SUPPRESS

static void every_class_of_reply_has_its_meaning(void **state)
{
    (void)state;
    static const struct judgement rows[] = {
        {250, NULL, "2.0.0 Ok: queued as 4F2A1", SENT, "250", NULL},
        {421, NULL, "4.3.2 Service shutting down", OUTAGE, "421 4.3.2", "service_closing"},
        {421, NULL, "4.7.0 Try again later", OUTAGE, "421 4.7.0", "service_closing"},
        {421, NULL, "closing", OUTAGE, "421", "service_closing"},
        {451, NULL, "4.3.0 Temporary system problem", OUTAGE, "451 4.3.0", "system_trouble"},
        {452, NULL, "4.3.1 Insufficient system storage", OUTAGE, "452 4.3.1", "system_trouble"},
        {451, NULL, "4.4.1 No answer from host", OUTAGE, "451 4.4.1", "network_trouble"},
        {450, NULL, "mailbox unavailable", LATER, "450", "mailbox_busy"},
        {451, NULL, "local error", LATER, "451", "local_error"},
        {452, NULL, "no storage", LATER, "452", "no_storage"},
        {452, NULL, "4.2.2 Mailbox full", LATER, "452 4.2.2", "mailbox_full"},
        {450, NULL, "4.7.1 Greylisted", LATER, "450 4.7.1", "greylisted"},
        {451, NULL, "4.7.500 Server busy", LATER, "451 4.7.500", "greylisted"},
        {454, NULL, "4.7.0 Temporary authentication failure", OUTAGE, "454 4.7.0",
         "authentication_unavailable"},
        {432, NULL, "A password transition is needed", OUTAGE, "432", "password_transition"},
        {530, NULL, "5.7.0 Must issue a STARTTLS command first", OPERATOR, "530 5.7.0",
         "authentication_required"},
        {534, NULL, "5.7.9", OPERATOR, "534 5.7.9", "authentication_too_weak"},
        {535, NULL, "5.7.8 Error: authentication failed", OPERATOR, "535 5.7.8",
         "wrong_credentials"},
        {550, NULL, "5.1.1 User unknown", BOUNCED, "550 5.1.1", "bounced"},
        {551, NULL, "5.1.1 User not local", BOUNCED, "551 5.1.1", "bounced"},
        {553, NULL, "5.1.2 Bad domain", BOUNCED, "553 5.1.2", "bounced"},
        {550, NULL, "5.1.10 Null MX", BOUNCED, "550 5.1.10", "bounced"},
        {550, NULL, "5.2.1 Mailbox disabled", BOUNCED, "550 5.2.1", "bounced"},
        {550, NULL, "550 5.1.1 with the reply's own code before it", BOUNCED, "550 5.1.1",
         "bounced"},
        {550, NULL, "550-5.1.1 of several lines", BOUNCED, "550 5.1.1", "bounced"},
        {552, NULL, "5.2.2 Over quota", LATER, "552 5.2.2", "mailbox_full"},
        {552, NULL, "5.3.4 Message too big", NEVER_US, "552 5.3.4", "message_too_large"},
        {554, NULL, "5.3.4 Message too big", NEVER_US, "554 5.3.4", "message_too_large"},
        {550, NULL, "5.7.1 Rejected by policy", NEVER_US, "550 5.7.1", "policy"},
        {550, NULL, "5.7.26 Unauthenticated email", NEVER_US, "550 5.7.26", "policy"},
        {554, NULL, "5.7.1 Spam message rejected", NEVER_US, "554 5.7.1", "policy"},
        {554, NULL, "5.7.1 <x@y>: Relay access denied", OPERATOR, "554 5.7.1", "relay_denied"},
        {553, NULL, "5.7.1 Sender address rejected: not owned by user", OPERATOR, "553 5.7.1",
         "sender_not_allowed"},
        /* 5.1.1 and 5.1.10 are not of one group, and a number is not its beginning. */
        {550, NULL, "5.1.11 x", NEVER_US, "550 5.1.11", "refused"},
        {550, NULL, "5.70.1 x", NEVER_US, "550 5.70.1", "refused"},
        {550, NULL, "No such user", NEVER_US, "550", "refused"},
        {550, NULL, "5.1.1.1 no code", NEVER_US, "550", "refused"},
        {550, NULL, "10.0.0.1 is listed", NEVER_US, "550", "refused"},
        {550, NULL, "", NEVER_US, "550", "refused"},
        {501, NULL, "5.5.4 Syntax", NEVER_US, "501 5.5.4", "refused"},
        {455, NULL, "x", LATER, "455", "deferred"},
        {354, NULL, "go on", FATE_AMBIGUOUS, SCOPE_PROVIDER, EFFECT_NONE, "354", "no_smtp_status"},
        /* A code of failure in a 250 changes nothing. */
        {250, NULL, "5.1.1 x", SENT, "250", NULL},
    };
    check_judgements("smtp", rows, sizeof rows / sizeof *rows);
}

static void an_answer_tells_its_queue_id(void **state)
{
    (void)state;
    struct provider_case c;
    case_open(&c, "smtp", NULL);
    static const struct {
        const char *text, *id;
    } rows[] = {{"2.0.0 Ok: queued as 4F2A1", "4F2A1"},
                {"2.0.0 Ok: queued as 4F2A1\r\n", "4F2A1"},
                {"OK", NULL},
                {"", NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_true(str_eq(case_judge(&c, 250, NULL, rows[i].text).message_id, str_of(rows[i].id)));
    assert_true(str_eq(case_judge(&c, 550, NULL, " 5.1.1 gone ").detail, STR("5.1.1 gone")));
    case_close(&c);
}

static void the_session_is_as_the_settings_say(void **state)
{
    (void)state;
    struct provider_case c;
    setting_change account[] = {{"user", "u"}, {"password", "p w"}, {NULL, NULL}};
    setting_change off[] = {{"url", "smtp://127.0.0.1:2525"}, {"starttls", "off"}, {NULL, NULL}};
    setting_change offered[] = {{"starttls", "offered"}, {NULL, NULL}};
    setting_change tls[] = {
        {"url", "smtps://mail.example/"}, {"user", "u"}, {"password", "p"}, {NULL, NULL}};
    case_open(&c, "smtp", account);
    assert_int_equal(case_compose(&c), OK);
    assert_int_equal(c.request.wire, WIRE_SMTP);
    assert_int_equal(c.request.smtp_starttls, STARTTLS_REQUIRED);
    assert_true(str_eq(c.request.smtp_user, STR("u")));
    assert_true(str_eq(c.request.smtp_password, STR("p w")));
    case_close(&c);
    case_open(&c, "smtp", off);
    assert_int_equal(case_compose(&c), OK);
    assert_int_equal(c.request.smtp_starttls, STARTTLS_OFF);
    assert_null(c.request.smtp_user.at);
    assert_true(str_eq(c.request.origin, STR("smtp://127.0.0.1:2525")));
    case_close(&c);
    case_open(&c, "smtp", offered);
    assert_int_equal(case_compose(&c), OK);
    assert_int_equal(c.request.smtp_starttls, STARTTLS_OFFERED);
    case_close(&c);
    case_open(&c, "smtp", tls);
    assert_int_equal(case_compose(&c), OK);
    assert_true(str_eq(c.request.origin, STR("smtps://mail.example")));
    case_close(&c);
}

static void the_contents_sender_wins_and_is_the_envelopes(void **state)
{
    (void)state;
    struct provider_case c;
    setting_change none[] = {{"from", ""}, {NULL, NULL}};
    case_open(&c, "smtp", NULL);
    assert_int_equal(case_compose(&c), OK);
    assert_true(str_eq(c.request.mail_from, STR("no-reply@shop.example")));
    assert_true(str_eq(c.request.mail_to, STR("x@y.example")));
    c.content.from = STR("\xec\x83\xb5 <orders@shop.example>");
    assert_int_equal(case_compose(&c), OK);
    assert_true(str_eq(c.request.mail_from, STR("orders@shop.example")));
    assert_true(str_contains(c.request.body, "From: =?UTF-8?B?7IO1?= <orders@shop.example>\r\n"));
    c.content.from = STR("no address");
    assert_int_equal(case_compose(&c), ERR_INPUT);
    case_close(&c);
    case_open(&c, "smtp", none);
    assert_int_equal(case_compose(&c), ERR_INPUT);
    assert_non_null(strstr(c.why.text, "`from`"));
    case_close(&c);
}

static void the_message_id_stays_over_the_attempts(void **state)
{
    (void)state;
    struct provider_case c;
    case_open(&c, "smtp", NULL);
    for (c.parcel.attempt = 1; c.parcel.attempt < 4; c.parcel.attempt++) {
        c.parcel.now.ms += 60000;
        assert_int_equal(case_compose(&c), OK);
        assert_true(str_contains(c.request.body,
                                 "\r\nMessage-ID: <dlv_0123456789abc0000001@shop.example>\r\n"));
    }
    case_close(&c);
}

static void empty_texts_are_left_out_and_two_of_them_refused(void **state)
{
    (void)state;
    struct provider_case c;
    case_open(&c, "smtp", NULL);
    c.content.text = STR("");
    assert_int_equal(case_compose(&c), OK);
    assert_true(str_contains(c.request.body, "Content-Type: text/html"));
    assert_false(str_contains(c.request.body, "multipart"));
    c.content.html = STR("");
    assert_int_equal(case_compose(&c), ERR_INPUT);
    case_close(&c);
}

static void settings_are_checked_when_it_opens(void **state)
{
    (void)state;
    static const struct refusal rows[] = {
        {"url", "", "`url` is missing"},
        {"url", "https://mail.example", "smtp://host:port"},
        {"url", "smtp://u:p@mail.example", "smtp://host:port"},
        {"url", "smtp://mail.example/path", "smtp://host:port"},
        {"url", "mail.example:25", "smtp://host:port"},
        {"starttls", "maybe", "required, offered or off"},
        {"starttls", "off", "loopback only"},
        {"user", "u", "go together"},
        {"password", "p", "go together"},
        {"from", "nobody", "no mail address"},
        {"from", "a@b\r\nBcc: c@d", "one line"},
    };
    check_refusals("smtp", rows, sizeof rows / sizeof *rows);
    static const struct {
        const char *password, *starttls, *says;
    } accounts[] = {{"p", "offered", "starttls: required"}, {"p\n", "required", "line end"}};
    for (size_t i = 0; i < 2; i++) {
        struct provider_case c;
        setting_change changes[] = {{"user", "u"},
                                    {"password", accounts[i].password},
                                    {"starttls", accounts[i].starttls},
                                    {NULL, NULL}};
        assert_int_equal(case_try(&c, "smtp", NULL, changes), ERR_INPUT);
        assert_non_null(strstr(c.why.text, accounts[i].says));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_class_of_reply_has_its_meaning),
        cmocka_unit_test(an_answer_tells_its_queue_id),
        cmocka_unit_test(the_session_is_as_the_settings_say),
        cmocka_unit_test(the_contents_sender_wins_and_is_the_envelopes),
        cmocka_unit_test(the_message_id_stays_over_the_attempts),
        cmocka_unit_test(empty_texts_are_left_out_and_two_of_them_refused),
        cmocka_unit_test(settings_are_checked_when_it_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
