/* test/unit/test_smtp.c - mail sessions against a scripted server: what each reply and each
 * way of ending proves, what goes over the wire, and that no session makes the loop wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../peers/certs.h"
#include "../peers/smtp_peer.h"
#include "calls.h"
#include "model/limits.h"
#include "net/link_pool.h"
#include <stdio.h>

enum { CALLS_MAX = 100 };

struct world {
    struct guarded_loop loop;
    struct certs certs;
    SSL_CTX *tls;
    struct smtp_peer peer;
    bool peer_open;
    struct link_pool *pool;
    struct call calls[CALLS_MAX];
    int made, done;
    char origin[64];
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    certs_init(&world->certs);
    world->tls = certs_server(&world->certs, "IP:127.0.0.1", NULL);
    guarded_open(&world->loop);
    struct entropy entropy = system_entropy();
    struct why why;
    assert_int_equal(
        link_pool_new(&world->loop.loop, system_clock(), &entropy, NULL, &world->pool, &why), OK);
    *state = world;
    return 0;
}

static void close_peer(struct world *world)
{
    if (world->peer_open)
        smtp_peer_close(&world->peer);
    world->peer_open = false;
}

static int teardown(void **state)
{
    struct world *world = *state;
    if (world->pool)
        link_pool_close(world->pool);
    close_peer(world);
    assert_true(guarded_close(&world->loop));
    SSL_CTX_free(world->tls);
    certs_done(&world->certs);
    for (int i = 0; i < world->made; i++)
        arena_done(&world->calls[i].arena);
    free(world);
    return 0;
}

/* Replaces the one before, if any. */
static void open_peer(struct world *world, const struct smtp_script *script, bool smtps)
{
    if (world->peer_open) {
        close_peer(world);
        (void)uv_run(&world->loop.loop, UV_RUN_NOWAIT);
        (void)uv_run(&world->loop.loop, UV_RUN_NOWAIT);
    }
    smtp_peer_open(&world->peer, &world->loop.loop, smtps ? world->tls : NULL, script);
    world->peer.starttls = world->tls;
    world->peer_open = true;
    (void)snprintf(world->origin, sizeof world->origin, "%s://127.0.0.1:%u",
                   smtps ? "smtps" : "smtp", world->peer.listener.port);
}

static struct request mail(const struct world *world)
{
    return (struct request){.wire = WIRE_SMTP,
                            .origin = str_of(world->origin),
                            .path = STR("/node.example"),
                            .body = STR("Subject: hello\r\n\r\nOne line.\r\n"),
                            .ca = certs_roots(&world->certs),
                            .mail_from = STR("bounce+1@node.example"),
                            .mail_to = STR("user@peer.example"),
                            .smtp_starttls = STARTTLS_OFF};
}

static struct call *submit(struct world *world, const struct request *request, int timeout_ms)
{
    assert_true(world->made < CALLS_MAX);
    struct call *call = &world->calls[world->made++];
    call_init(call, request, timeout_ms, &world->done);
    assert_true(link_pool_submit(world->pool, &call->call));
    return call;
}

static struct call *send_one(struct world *world, const struct request *request)
{
    struct call *call = submit(world, request, 15000);
    assert_true(guarded_run(&world->loop, &world->done, world->made));
    return call;
}

static void expect(const struct call *call, enum exchange_end end, int status)
{
    assert_int_equal(call->done, 1);
    if (call->reply.exchange != end)
        print_message("%.*s\n", STR_ARG(call->reply.error));
    assert_int_equal(call->reply.exchange, end);
    assert_int_equal(call->reply.status, status);
}

/* Stories. */

static void an_accepted_mail_says_its_queue_id(void **state)
{
    struct world *world = *state;
    struct smtp_script script = smtp_script_kind();
    open_peer(world, &script, false);
    struct request request = mail(world);
    struct call *call = send_one(world, &request);
    expect(call, EXCHANGE_WHOLE, 250);
    assert_true(str_eq(call->reply.body, STR("2.0.0 Ok: queued as 4XYZ")));
    assert_string_equal(world->peer.commands, "EHLO node.example\n"
                                              "MAIL FROM:<bounce+1@node.example> SIZE=29\n"
                                              "RCPT TO:<user@peer.example>\n"
                                              "DATA\n");
    assert_memory_equal(world->peer.message, "Subject: hello\r\n\r\nOne line.\r\n.\r\n", 32);
    assert_int_equal(world->peer.message_len, 32);
}

static void the_null_sender_is_written_as_such(void **state)
{
    struct world *world = *state;
    struct smtp_script script = smtp_script_kind();
    open_peer(world, &script, false);
    struct request request = mail(world);
    request.mail_from = STR("");
    expect(send_one(world, &request), EXCHANGE_WHOLE, 250);
    assert_non_null(strstr(world->peer.commands, "MAIL FROM:<> SIZE"));
}

static void sessions_are_used_again(void **state)
{
    struct world *world = *state;
    struct smtp_script script = smtp_script_kind();
    open_peer(world, &script, false);
    struct request request = mail(world);
    for (int i = 0; i < 5; i++)
        expect(send_one(world, &request), EXCHANGE_WHOLE, 250);
    assert_int_equal(world->peer.mails, 5);
    assert_int_equal(world->peer.listener.accepted, 1);
}

static void sessions_of_a_relay_are_bounded(void **state)
{
    struct world *world = *state;
    struct smtp_script script = smtp_script_kind();
    open_peer(world, &script, false);
    struct request request = mail(world);
    assert_int_equal(link_pool_room(world->pool, &request), SMTP_SESSIONS_MAX);
    for (int i = 0; i < 60; i++)
        submit(world, &request, 15000);
    assert_true(guarded_run(&world->loop, &world->done, 60));
    assert_int_equal(world->peer.mails, 60);
    assert_in_range(world->peer.listener.accepted, 1, SMTP_SESSIONS_MAX);
}

/* RFC 5321 section 4.5.2, whatever the message looks like and wherever it is cut into pieces. */
static void dots_are_stuffed(void **state)
{
    static const char *const messages[] = {
        ".first line is a dot\r\n", ".\r\n",
        "..\r\n.\r\n...\r\n",       "text\r\n.\r\nMAIL FROM:<smuggler@example>\r\n",
        "no line end at the end",   "ends with a dot\r\n.",
        "\r\n\r\n.x\r\n",
    };
    struct world *world = *state;
    struct smtp_script script = smtp_script_kind();
    open_peer(world, &script, false);
    for (size_t i = 0; i <= sizeof messages / sizeof messages[0]; i++) {
        static char large[100000];
        struct request request = mail(world);
        if (i < sizeof messages / sizeof messages[0]) {
            request.body = str_of(messages[i]);
        } else { /* lines of every length around the pieces that libcurl reads */
            size_t len = 0;
            for (size_t line = 0; len + 60 < sizeof large; line++)
                len +=
                    (size_t)snprintf(large + len, sizeof large - len, ".%.*s\r\n", (int)(line % 50),
                                     "..................................................");
            request.body = (struct str){large, len};
        }
        expect(send_one(world, &request), EXCHANGE_WHOLE, 250);
        static char unstuffed[200000];
        size_t len = 0;
        const char *wire = world->peer.message;
        for (size_t at = 0; at < world->peer.message_len - 3; at++) {
            bool line_start = at == 0 || wire[at - 1] == '\n';
            if (line_start && wire[at] == '.')
                at++;
            unstuffed[len++] = wire[at];
        }
        assert_in_range(len, request.body.len, request.body.len + 2);
        assert_memory_equal(unstuffed, request.body.at, request.body.len);
        assert_int_equal(world->peer.mails, i + 1);
    }
}

static void the_reply_that_decides_is_reported(void **state)
{
    static const struct {
        size_t step; /* which reply of the script */
        const char *reply;
        int status;
        const char *text;
    } rows[] = {
        {offsetof(struct smtp_script, rcpt), "550 5.1.1 <user@peer.example>: unknown\r\n", 550,
         "5.1.1 <user@peer.example>: unknown"},
        {offsetof(struct smtp_script, rcpt), "451 4.7.1 greylisted\r\n", 451, "4.7.1 greylisted"},
        {offsetof(struct smtp_script, mail), "553 5.7.1 not your address\r\n", 553,
         "5.7.1 not your address"},
        {offsetof(struct smtp_script, mail), "421 4.3.2 going down\r\n", 421, "4.3.2 going down"},
        {offsetof(struct smtp_script, data), "554 5.5.1 no valid recipients\r\n", 554,
         "5.5.1 no valid recipients"},
        {offsetof(struct smtp_script, final), "554-5.7.1 spam\r\n554 5.7.1 really\r\n", 554,
         "5.7.1 spam\n5.7.1 really"},
        {offsetof(struct smtp_script, final), "452 4.3.1 disk full\r\n", 452, "4.3.1 disk full"},
    };
    struct world *world = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct smtp_script script = smtp_script_kind();
        script.hang_at_quit = true; /* and nobody waits for its answer */
        *(const char **)(void *)((char *)&script + rows[i].step) = rows[i].reply;
        open_peer(world, &script, false);
        struct request request = mail(world);
        struct clock clock = system_clock();
        struct mono before = clock_now(&clock).mono;
        struct call *call = send_one(world, &request);
        expect(call, EXCHANGE_WHOLE, rows[i].status);
        assert_true(str_eq(call->reply.body, str_of(rows[i].text)));
        assert_int_equal(world->peer.mails, 0);
        assert_true(mono_since(before, clock_now(&clock).mono).us < 10000000);
    }
}

static void a_session_goes_on_after_a_refusal(void **state)
{
    struct world *world = *state;
    for (int variant = 0; variant < 4; variant++) {
        struct smtp_script script = smtp_script_kind();
        if (variant & 1) /* one command at a time */
            script.ehlo = "250 peer.example\r\n";
        script.data_anyway = variant & 2;
        script.rcpt = "550 5.1.1 unknown\r\n";
        open_peer(world, &script, false);
        struct request request = mail(world);
        expect(send_one(world, &request), EXCHANGE_WHOLE, 550);
        world->peer.script.rcpt = "250 2.1.5 Ok\r\n";
        expect(send_one(world, &request), EXCHANGE_WHOLE, 250);
        assert_int_equal(world->peer.mails, 1);
        assert_int_equal(strstr(world->peer.commands, "RSET") != NULL, variant != 2);
        assert_int_equal(strstr(world->peer.commands, "SIZE=") == NULL, variant & 1);
    }
}

static void an_early_refusal_of_the_message_counts(void **state)
{
    struct world *world = *state;
    struct smtp_script script = smtp_script_kind();
    script.data = "354 go on\r\n552 5.3.4 too big\r\n"; /* before the message is read */
    open_peer(world, &script, false);
    static char large[24 * 1024 * 1024];
    memset(large, 'z', sizeof large);
    struct request request = mail(world);
    request.body = (struct str){large, sizeof large};
    struct call *call = send_one(world, &request);
    expect(call, EXCHANGE_WHOLE, 552);
    assert_int_equal(world->peer.mails, 0);
}

static void what_waits_for_a_session_can_be_withdrawn(void **state)
{
    struct world *world = *state;
    struct smtp_script script = smtp_script_kind();
    script.hang_at_final = true;
    open_peer(world, &script, false);
    struct request request = mail(world);
    for (int i = 0; i < 30; i++)
        submit(world, &request, 600);
    int begun = 0;
    for (int i = 29; i >= 25; i--)
        assert_true(link_pool_withdraw(world->pool, &world->calls[i].call));
    assert_true(guarded_run(&world->loop, &world->done, 25));
    for (int i = 0; i < 25; i++) {
        struct call *call = &world->calls[i];
        begun += call->call.begun;
        expect(call, call->call.begun ? EXCHANGE_CUT : EXCHANGE_UNSENT, 0);
    }
    assert_int_equal(begun, SMTP_SESSIONS_MAX);
}

static void a_server_that_takes_nobody_is_an_outage(void **state)
{
    static const struct {
        size_t step;
        const char *reply, *error;
    } rows[] = {
        {offsetof(struct smtp_script, greeting), "554 5.7.1 go away\r\n", "554 5.7.1 go away"},
        {offsetof(struct smtp_script, greeting), "421 4.7.0 too many\r\n", "421 4.7.0 too many"},
        {offsetof(struct smtp_script, ehlo), "502 5.5.1 what?\r\n", "502 5.5.1 what?"},
        {offsetof(struct smtp_script, greeting), "HTTP/1.1 400 Bad\r\n", "does not speak SMTP"},
        {offsetof(struct smtp_script, greeting), "220 a\r\n250 b\r\n", "not said yet"},
    };
    struct world *world = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct smtp_script script = smtp_script_kind();
        *(const char **)(void *)((char *)&script + rows[i].step) = rows[i].reply;
        open_peer(world, &script, false);
        struct request request = mail(world);
        struct call *call = send_one(world, &request);
        expect(call, EXCHANGE_UNSENT, 0);
        assert_false(call->call.begun);
        if (!call_error_has(call, rows[i].error))
            fail_msg("%.*s", STR_ARG(call->reply.error));
    }
}

static void drops_prove_what_they_prove(void **state)
{
    struct world *world = *state;
    struct smtp_script kind = smtp_script_kind();
    struct {
        struct smtp_script script;
        enum exchange_end end;
    } rows[] = {{kind, EXCHANGE_UNSENT},  {kind, EXCHANGE_UNSENT},  {kind, EXCHANGE_REFUSED},
                {kind, EXCHANGE_REFUSED}, {kind, EXCHANGE_REFUSED}, {kind, EXCHANGE_REFUSED},
                {kind, EXCHANGE_CUT}};
    rows[0].script.greeting = NULL;
    rows[1].script.ehlo = NULL;
    rows[2].script.mail = NULL;
    rows[3].script.rcpt = NULL;
    rows[4].script.data = NULL;
    rows[5].script.drop_in_data = true;
    rows[6].script.final = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        open_peer(world, &rows[i].script, false);
        struct request request = mail(world);
        static char large[24 * 1024 * 1024]; /* more than all socket buffers on the way */
        memset(large, 'z', sizeof large);
        for (size_t at = 78; at + 1 < sizeof large; at += 80)
            memcpy(large + at, "\r\n", 2);
        if (i == 5)
            request.body = (struct str){large, sizeof large};
        struct call *call = send_one(world, &request);
        expect(call, rows[i].end, 0);
        assert_int_equal(world->peer.mails, 0);
        assert_in_range(world->peer.began, 0, 1); /* never a second time */
    }
}

static void a_deadline_after_the_final_dot_is_in_doubt(void **state)
{
    struct world *world = *state;
    struct smtp_script script = smtp_script_kind();
    script.hang_at_final = true;
    open_peer(world, &script, false);
    struct request request = mail(world);
    struct call *call = submit(world, &request, 400);
    assert_true(guarded_run(&world->loop, &world->done, 1));
    expect(call, EXCHANGE_CUT, 0);
    assert_int_equal(world->peer.message_len, 32);
}

static const char offers_starttls[] =
    "250-peer.example\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n";

static void starttls_is_as_strict_as_asked(void **state)
{
    static const struct {
        enum starttls asked;
        bool offered, user, sent;
        const char *reply; /* to STARTTLS */
        enum exchange_end end;
        int status;
    } rows[] = {
        {STARTTLS_REQUIRED, true, false, true, "220 go\r\n", EXCHANGE_WHOLE, 250},
        {STARTTLS_REQUIRED, false, false, false, "220 go\r\n", EXCHANGE_UNSENT, 0},
        {STARTTLS_REQUIRED, true, false, false, "454 4.7.0 not now\r\n", EXCHANGE_WHOLE, 454},
        {STARTTLS_OFFERED, true, false, true, "220 go\r\n", EXCHANGE_WHOLE, 250},
        {STARTTLS_OFFERED, false, false, true, "220 go\r\n", EXCHANGE_WHOLE, 250},
        {STARTTLS_OFFERED, false, true, false, "220 go\r\n", EXCHANGE_UNSENT, 0},
        {STARTTLS_OFF, true, false, true, "220 go\r\n", EXCHANGE_WHOLE, 250},
        {STARTTLS_REQUIRED, true, true, true, "220 go\r\n", EXCHANGE_WHOLE, 250},
    };
    struct world *world = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct smtp_script script = smtp_script_kind();
        if (rows[i].offered)
            script.ehlo = offers_starttls;
        else if (rows[i].user) /* somebody has taken the offer away */
            script.ehlo = "250-peer.example\r\n250 AUTH PLAIN LOGIN\r\n";
        script.starttls = rows[i].reply;
        open_peer(world, &script, false);
        struct request request = mail(world);
        request.smtp_starttls = rows[i].asked;
        if (rows[i].user) {
            request.smtp_user = STR("user");
            request.smtp_password = STR("secret");
        }
        struct call *call = send_one(world, &request);
        expect(call, rows[i].end, rows[i].status);
        assert_int_equal(world->peer.mails, rows[i].sent);
        assert_int_equal(world->peer.began, rows[i].sent);
        bool asked = strstr(world->peer.commands, "STARTTLS") != NULL;
        assert_int_equal(asked, rows[i].offered && rows[i].asked != STARTTLS_OFF);
        /* base64 of "\0user\0secret", over TLS only */
        bool told = strstr(world->peer.commands, "AUTH PLAIN AHVzZXIAc2VjcmV0") != NULL;
        assert_int_equal(told, rows[i].user && rows[i].sent);
    }
}

static void replies_injected_before_tls_are_not_believed(void **state)
{
    struct world *world = *state;
    struct smtp_script script = smtp_script_kind();
    script.ehlo = offers_starttls;
    script.starttls = "220 go\r\n250-injected\r\n250 AUTH PLAIN\r\n";
    open_peer(world, &script, false);
    struct request request = mail(world);
    request.smtp_starttls = STARTTLS_REQUIRED;
    struct call *call = send_one(world, &request);
    expect(call, EXCHANGE_UNSENT, 0);
    assert_true(call_error_has(call, "before TLS"));
    assert_int_equal(world->peer.began, 0);
}

static void a_password_goes_nowhere_in_clear(void **state)
{
    struct world *world = *state;
    (void)snprintf(world->origin, sizeof world->origin, "smtp://mail.example:25");
    struct request request = mail(world);
    request.smtp_user = STR("user");
    request.smtp_password = STR("secret");
    struct call *call = send_one(world, &request);
    expect(call, EXCHANGE_UNSENT, 0);
    assert_true(call_error_has(call, "without TLS"));
}

static void a_wrong_password_is_the_servers_answer(void **state)
{
    struct world *world = *state;
    struct smtp_script script = smtp_script_kind();
    script.ehlo = offers_starttls;
    script.starttls = "220 go\r\n";
    script.auth = "535 5.7.8 authentication failed\r\n";
    script.hang_at_quit = true;
    open_peer(world, &script, false);
    struct request request = mail(world);
    request.smtp_starttls = STARTTLS_REQUIRED;
    request.smtp_user = STR("user");
    request.smtp_password = STR("wrong");
    struct call *call = send_one(world, &request);
    expect(call, EXCHANGE_WHOLE, 535);
    assert_false(call->call.begun);
    assert_int_equal(world->peer.began, 0);
}

static void tls_from_the_first_byte(void **state)
{
    struct world *world = *state;
    struct smtp_script script = smtp_script_kind();
    open_peer(world, &script, true);
    struct request request = mail(world);
    request.smtp_starttls = STARTTLS_REQUIRED;
    expect(send_one(world, &request), EXCHANGE_WHOLE, 250);
    expect(send_one(world, &request), EXCHANGE_WHOLE, 250);
    assert_int_equal(world->peer.listener.accepted, 1);
    request.ca = STR_NONE; /* the system's roots do not know this one */
    expect(send_one(world, &request), EXCHANGE_UNSENT, 0);
    assert_int_equal(world->peer.mails, 2);
}

static void closing_does_not_wait_for_idle_sessions(void **state)
{
    struct world *world = *state;
    struct smtp_script script = smtp_script_kind();
    script.hang_at_quit = true;
    open_peer(world, &script, false);
    struct request request = mail(world);
    expect(send_one(world, &request), EXCHANGE_WHOLE, 250);
    struct clock clock = system_clock();
    struct mono before = clock_now(&clock).mono;
    link_pool_close(world->pool);
    world->pool = NULL;
    assert_true(mono_since(before, clock_now(&clock).mono).us < 2000000);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        STORY(an_accepted_mail_says_its_queue_id),
        STORY(the_null_sender_is_written_as_such),
        STORY(sessions_are_used_again),
        STORY(sessions_of_a_relay_are_bounded),
        STORY(dots_are_stuffed),
        STORY(the_reply_that_decides_is_reported),
        STORY(a_session_goes_on_after_a_refusal),
        STORY(an_early_refusal_of_the_message_counts),
        STORY(what_waits_for_a_session_can_be_withdrawn),
        STORY(a_server_that_takes_nobody_is_an_outage),
        STORY(drops_prove_what_they_prove),
        STORY(a_deadline_after_the_final_dot_is_in_doubt),
        STORY(starttls_is_as_strict_as_asked),
        STORY(replies_injected_before_tls_are_not_believed),
        STORY(a_password_goes_nowhere_in_clear),
        STORY(a_wrong_password_is_the_servers_answer),
        STORY(tls_from_the_first_byte),
        STORY(closing_does_not_wait_for_idle_sessions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
