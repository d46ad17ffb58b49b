/* An HTTP/1.1 connection: what it hands up, in what order it answers, when it gives up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/limits.h"
#include "net/h1.h"
#include "sessions.h"

enum { BODY_MAX = 1000 };

/* One connection with its desk, and all that it has sent. */
struct line {
    struct desk *desk;
    struct session *session;
    struct buf sent;
};

static struct line line_open(bool answers)
{
    struct line line = {.desk = desk_new(answers, BODY_MAX)};
    line.session = h1_new(line.desk->exchanges, false, at_ms(0));
    line.session->wake = desk_wake;
    line.session->owner = line.desk;
    buf_init(&line.sent, 1 << 24);
    return line;
}

static void line_close(struct line *line)
{
    line->session->ops->free(line->session);
    buf_done(&line->sent);
    desk_free(line->desk);
}

/* Takes the output over; a C string of all of it so far. */
static const char *line_sent(struct line *line)
{
    struct str output = line->session->ops->output(line->session);
    buf_add(&line->sent, output);
    line->session->ops->sent(line->session, output.len);
    buf_add_char(&line->sent, '\0');
    line->sent.len--;
    return line->sent.at;
}

static void feed_at(struct line *line, const char *text, int64_t ms)
{
    line->session->ops->feed(line->session, text, strlen(text), at_ms(ms));
}

static void feed(struct line *line, const char *text)
{
    feed_at(line, text, 0);
}

static enum session_state state_of(const struct line *line)
{
    return line->session->ops->state(line->session);
}

#define OK_(length, body)                                                                          \
    "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: " length "\r\n\r\n" body

static void requests_are_read_whole_and_answered(void **state)
{
    (void)state;
    static const struct {
        const char *text, *answer;
    } rows[] = {
        {"GET /a/b?c=d HTTP/1.1\r\nHost: a\r\n\r\n", OK_("14", "GET /a/b ?c=d []")},
        {"GET /a? HTTP/1.1\r\nhost:a\r\n\r\n", OK_("11", "GET /a ? []")},
        {"\r\nGET / HTTP/1.1\r\nHost: a:80\r\n\r\n", OK_("8", "GET / []")},
        {"GET http://A/x HTTP/1.1\r\nHost: a\r\n\r\n", OK_("9", "GET /x []")},
        {"GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", OK_("8", "GET / []")},
        {"GET HTTPS://a?q HTTP/1.1\r\nHost: a\r\n\r\n", OK_("11", "GET / ?q []")},
        {"OPTIONS * HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", OK_("12", "OPTIONS * []")},
        {"OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n", OK_("12", "OPTIONS * []")},
        {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", OK_("9", "BREW / []")},
        {"PRI * HTTP/1.1\r\nHost: a\r\n\r\n", ""},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", OK_("12", "POST / [abc]")},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 000\r\n\r\n", OK_("9", "POST / []")},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \t3 \r\n\r\nabc",
         OK_("12", "POST / [abc]")},
        {"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
         "1\r\na\r\n0000000A;x=y;z=\"\\\"\"\r\n0123456789\r\n0\r\n\r\n",
         OK_("19", "PUT / [a0123456789]")},
        {"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\nC: d\r\n\r\n",
         OK_("8", "PUT / []")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t step = 1; step < 100; step += step) {
            struct line line = line_open(true);
            struct str text = str_of(rows[i].text);
            for (size_t at = 0; at < text.len; at += step)
                line.session->ops->feed(line.session, text.at + at,
                                        text.len - at < step ? text.len - at : step, at_ms(0));
            const char *sent = line_sent(&line);
            /* The length is checked by the parser of the other side elsewhere; here the text. */
            if (rows[i].answer[0])
                assert_string_equal(strstr(sent, "\r\n\r\n"), strstr(rows[i].answer, "\r\n\r\n"));
            else
                assert_ptr_equal(strstr(sent, "HTTP/1.1 400"), sent);
            line_close(&line);
        }
}

static void a_stream_of_requests_is_the_same_however_it_is_cut(void **state)
{
    (void)state;
    static const char stream[] =
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
        "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
        "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a\r\nworld\r\n1\r\n!\r\n"
        "0\r\nX: y\r\n\r\n"
        "\r\nHEAD /4 HTTP/1.1\r\nHost: a\r\n\r\n"
        "GET /5 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
        "GET /6 HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n"
        "GET /never HTTP/1.1\r\nHost: a\r\n\r\n";
    char *whole = NULL;
    for (size_t step = sizeof stream - 1; step >= 1; step--) {
        struct line line = line_open(true);
        for (size_t at = 0; at < sizeof stream - 1; at += step)
            line.session->ops->feed(line.session, stream + at,
                                    sizeof stream - 1 - at < step ? sizeof stream - 1 - at : step,
                                    at_ms(0));
        const char *sent = line_sent(&line);
        if (!whole) {
            whole = strdup(sent);
            assert_non_null(strstr(sent, "POST /3 [world!]"));
            assert_non_null(strstr(sent, "content-length: 10\r\n\r\nHTTP/1.1")); /* HEAD */
            assert_non_null(strstr(sent, "connection: keep-alive\r\n\r\nGET /5 []"));
            assert_non_null(strstr(sent, "connection: close\r\n\r\nGET /6 []"));
            assert_null(strstr(sent, "never"));
        }
        assert_string_equal(sent, whole);
        assert_int_equal(state_of(&line), SESSION_ENDS);
        assert_int_equal(line.desk->count, 6);
        line_close(&line);
    }
    free(whole);
}

static void answers_leave_in_the_order_of_their_requests(void **state)
{
    (void)state;
    struct line line = line_open(false);
    feed(&line, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
                "GET /3 HTTP/1.1\r\nHost: a\r\n\r\nG");
    assert_int_equal(line.desk->count, 3);
    desk_echo(line.desk->handed[2]);
    desk_echo(line.desk->handed[1]);
    assert_string_equal(line_sent(&line), "");
    assert_int_equal(line.desk->wakes, 2);
    desk_echo(line.desk->handed[0]);
    const char *sent = line_sent(&line);
    const char *one = strstr(sent, "GET /1"), *two = strstr(sent, "GET /2"),
               *three = strstr(sent, "GET /3");
    assert_true(one && one < two && two < three);
    assert_int_equal(state_of(&line), SESSION_READS);
    line_close(&line);
}

static void a_refusal_waits_for_the_answers_before_it(void **state)
{
    (void)state;
    struct line line = line_open(false);
    feed(&line, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\n\r\n");
    assert_string_equal(line_sent(&line), "");
    assert_int_equal(state_of(&line), SESSION_READS);
    desk_echo(line.desk->handed[0]);
    const char *sent = line_sent(&line);
    assert_true(strstr(sent, "GET /1") < strstr(sent, "HTTP/1.1 400"));
    assert_int_equal(state_of(&line), SESSION_ENDS);
    line_close(&line);
}

static void only_so_many_requests_are_read_ahead(void **state)
{
    (void)state;
    struct line line = line_open(false);
    for (int i = 0; i < PIPELINE_MAX + 5; i++)
        feed(&line, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(line.desk->count, PIPELINE_MAX);
    assert_int_equal(state_of(&line), SESSION_PAUSED);
    assert_int_equal(line.session->ops->deadline(line.session).us, MONO_NEVER.us);
    for (unsigned i = 0; i < 3; i++)
        desk_echo(line.desk->handed[i]);
    assert_int_equal(line.desk->wakes, 3);
    feed(&line, "");
    assert_int_equal(line.desk->count, PIPELINE_MAX + 3);
    for (unsigned i = 3; i < line.desk->count; i++) {
        desk_echo(line.desk->handed[i]);
        feed(&line, "");
    }
    assert_int_equal(line.desk->count, PIPELINE_MAX + 5);
    line_close(&line);
}

static void a_peer_that_does_not_read_is_not_read_from(void **state)
{
    (void)state;
    struct line line = line_open(false);
    char *large = calloc(1, OUTPUT_MARK_BYTES + 1);
    feed(&line, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
    desk_answer(line.desk->handed[0], 200, (struct str){large, OUTPUT_MARK_BYTES + 1});
    assert_int_equal(state_of(&line), SESSION_PAUSED);
    feed(&line, "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(line.desk->count, 1);
    size_t len = line.session->ops->output(line.session).len;
    assert_true(len > OUTPUT_MARK_BYTES);
    line.session->ops->sent(line.session, len - 100);
    assert_int_equal(line.session->ops->output(line.session).len, 100);
    assert_int_equal(state_of(&line), SESSION_READS);
    feed(&line, "");
    assert_int_equal(line.desk->count, 2);
    desk_echo(line.desk->handed[1]);
    line_close(&line);
    free(large);
}

static void a_body_over_the_limit_is_handed_up_as_such(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
    };
    char more[1002];
    memset(more, 'x', sizeof more);
    more[1001] = '\0';
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct line line = line_open(true);
        feed(&line, rows[i]);
        feed(&line, more);
        feed(&line, "GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_int_equal(line.desk->count, 1);
        const char *sent = line_sent(&line);
        assert_ptr_equal(strstr(sent, "HTTP/1.1 413"), sent);
        assert_non_null(strstr(sent, "connection: close\r\n"));
        assert_non_null(strstr(sent, "POST / []"));
        assert_int_equal(state_of(&line), SESSION_ENDS);
        line_close(&line);
    }
}

static void a_body_up_to_the_limit_is_taken(void **state)
{
    (void)state;
    char body[1001];
    memset(body, 'x', sizeof body - 1);
    body[1000] = '\0';
    struct line line = line_open(false);
    feed(&line, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
    feed(&line, body);
    assert_int_equal(line.desk->count, 1);
    assert_int_equal(line.desk->handed[0]->request.body.len, 1000);
    assert_int_equal(line.desk->exchanges->bodies_bytes, 1000);
    desk_echo(line.desk->handed[0]);
    assert_int_equal(line.desk->exchanges->bodies_bytes, 0);
    line_close(&line);
}

static size_t limit_by_path(void *self, const struct http_request *request)
{
    (void)self;
    return str_eq(request->path, STR("/import")) ? 5000 : 10;
}

static void the_limit_may_depend_on_the_request(void **state)
{
    (void)state;
    struct line line = line_open(true);
    line.desk->exchanges->config.body_bytes_for = limit_by_path;
    feed(&line, "POST /import HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n0123456789a");
    feed(&line, "POST /other HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n0123456789a");
    const char *sent = line_sent(&line);
    assert_non_null(strstr(sent, "POST /import [0123456789a]"));
    assert_non_null(strstr(sent, "HTTP/1.1 413"));
    line_close(&line);
}

static void bodies_together_are_bounded(void **state)
{
    (void)state;
    struct line line = line_open(false);
    line.desk->exchanges->config.bodies_bytes_max = 15;
    feed(&line, "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789");
    assert_int_equal(line.desk->count, 1);
    feed(&line, "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234");
    assert_int_equal(line.desk->exchanges->bodies_bytes, 15);
    feed(&line, "5");
    assert_int_equal(line.desk->exchanges->bodies_bytes, 10);
    desk_echo(line.desk->handed[0]);
    const char *sent = line_sent(&line);
    assert_non_null(strstr(sent, "HTTP/1.1 503"));
    assert_non_null(strstr(sent, "retry-after: 1\r\n"));
    assert_int_equal(state_of(&line), SESSION_ENDS);
    line_close(&line);
}

static void requests_beyond_what_is_in_flight_get_503_at_once(void **state)
{
    (void)state;
    struct line line = line_open(false);
    exchanges_set_in_flight_max(line.desk->exchanges, 1);
    feed(&line, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
    feed(&line, "GET /2 HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\n\r\n");
    assert_int_equal(line.desk->count, 1);
    desk_echo(line.desk->handed[0]);
    const char *sent = line_sent(&line);
    assert_non_null(strstr(sent, "HTTP/1.1 503"));
    assert_non_null(strstr(sent, "retry-after: 1\r\n"));
    assert_non_null(strstr(sent, "x-request-id: mine\r\n"));
    assert_int_equal(line.desk->exchanges->refused, 1);
    feed(&line, "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n"); /* the connection goes on */
    assert_int_equal(line.desk->count, 2);
    desk_echo(line.desk->handed[1]);
    assert_non_null(strstr(line_sent(&line), "GET /3"));
    line_close(&line);
}

static void a_hundred_is_said_when_the_body_is_wanted(void **state)
{
    (void)state;
    static const char head[] =
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-Continue\r\n\r\n";
    struct line line = line_open(false);
    feed(&line, head);
    assert_string_equal(line_sent(&line), "HTTP/1.1 100 Continue\r\n\r\n");
    feed(&line, "abc");
    assert_int_equal(line.desk->count, 1);
    /* The next one's waits for the answer before it. */
    feed(&line, head);
    assert_string_equal(line_sent(&line), "HTTP/1.1 100 Continue\r\n\r\n");
    desk_echo(line.desk->handed[0]);
    const char *sent = line_sent(&line) + 25;
    assert_true(strstr(sent, "POST / [abc]") < strstr(sent, "HTTP/1.1 100"));
    line_close(&line);
    /* With the body at hand it is left out; so it is for HTTP/1.0. */
    line = line_open(true);
    feed(&line, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc"
                "POST / HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    assert_null(strstr(line_sent(&line), "HTTP/1.1 100"));
    line_close(&line);
}

static void http10_closes_unless_asked(void **state)
{
    (void)state;
    struct line line = line_open(true);
    feed(&line, "GET /1 HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    assert_int_equal(state_of(&line), SESSION_READS);
    feed(&line, "GET /2 HTTP/1.0\r\n\r\n");
    assert_int_equal(state_of(&line), SESSION_ENDS);
    const char *sent = line_sent(&line);
    assert_non_null(strstr(sent, "connection: keep-alive\r\n\r\nGET /1"));
    assert_non_null(strstr(sent, "connection: close\r\n\r\nGET /2"));
    line_close(&line);
}

static void responses_have_the_length_that_their_kind_allows(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        int status;
        const char *answer;
    } rows[] = {
        {"GET", 200, "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nhi"},
        {"HEAD", 200, "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\n"},
        {"GET", 204, "HTTP/1.1 204 No Content\r\ncontent-type: text/plain\r\n\r\n"},
        {"GET", 304, "HTTP/1.1 304 Not Modified\r\ncontent-type: text/plain\r\n\r\n"},
        {"GET", 299, "HTTP/1.1 299 \r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nhi"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct line line = line_open(false);
        feed(&line, rows[i].method);
        feed(&line, " / HTTP/1.1\r\nHost: a\r\n\r\n");
        desk_answer(line.desk->handed[0], rows[i].status, STR("hi"));
        assert_string_equal(line_sent(&line), rows[i].answer);
        line_close(&line);
    }
}

static void no_header_splits_a_response(void **state)
{
    (void)state;
    static const struct header bad[] = {
        {STR_INIT("location"), STR_INIT("/a\r\nset-cookie: b")},
        {STR_INIT("location"), STR_INIT("/a\nb")},
        {STR_INIT("location"), STR_INIT("/a\rb")},
        {STR_INIT("location"), STR_INIT("/a\0b")},
        {STR_INIT("a: b\r\nc"), STR_INIT("d")},
        {STR_INIT(""), STR_INIT("d")},
        {STR_INIT("content-length"), STR_INIT("7")},
        {STR_INIT("transfer-encoding"), STR_INIT("chunked")},
        {STR_INIT("connection"), STR_INIT("upgrade")},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct line line = line_open(false);
        feed(&line, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        struct http_response response = {.status = 200, .header_count = 2, .body = STR("x")};
        response.headers[0] = bad[i];
        response.headers[1] = (struct header){STR("etag"), STR("\"\xc3\xa9\"")};
        exchange_respond(line.desk->handed[0], &response);
        assert_string_equal(line_sent(&line), "HTTP/1.1 200 OK\r\netag: \"\xc3\xa9\"\r\n"
                                              "content-length: 1\r\n\r\nx");
        line_close(&line);
    }
}

/* -- time ------------------------------------------------------------------------------------- */

static int64_t deadline_s(struct line *line)
{
    int64_t us = line->session->ops->deadline(line->session).us;
    return us == MONO_NEVER.us ? -1 : us / 1000000;
}

static void expire_at(struct line *line, int64_t s)
{
    line->session->ops->expire(line->session, at_ms(s * 1000));
}

static void an_idle_connection_ends_without_a_word(void **state)
{
    (void)state;
    struct line line = line_open(true);
    assert_int_equal(deadline_s(&line), IDLE_TIMEOUT_S);
    feed_at(&line, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 50000);
    assert_int_equal(deadline_s(&line), 50 + IDLE_TIMEOUT_S);
    (void)line_sent(&line);
    expire_at(&line, 49 + IDLE_TIMEOUT_S);
    assert_int_equal(state_of(&line), SESSION_READS);
    size_t before = line.sent.len;
    expire_at(&line, 50 + IDLE_TIMEOUT_S);
    assert_int_equal(state_of(&line), SESSION_ENDS);
    (void)line_sent(&line);
    assert_int_equal(line.sent.len, before);
    line_close(&line);
}

static void a_head_must_come_in_time_however_it_drips(void **state)
{
    (void)state;
    struct line line = line_open(true);
    feed_at(&line, "G", 1000);
    for (int s = 2; s < 11; s++) {
        feed_at(&line, "E", s * 1000);
        assert_int_equal(deadline_s(&line), 1 + HEAD_TIMEOUT_S);
    }
    expire_at(&line, 1 + HEAD_TIMEOUT_S);
    assert_int_equal(strncmp(line_sent(&line), "HTTP/1.1 408", 12), 0);
    assert_int_equal(state_of(&line), SESSION_ENDS);
    line_close(&line);
}

static void a_body_must_keep_coming(void **state)
{
    (void)state;
    struct line line = line_open(true);
    feed_at(&line, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n", 1000);
    assert_int_equal(deadline_s(&line), 1 + BODY_TIMEOUT_S);
    feed_at(&line, "a", 20000);
    assert_int_equal(deadline_s(&line), 1 + BODY_TIMEOUT_S); /* too slow on the whole */
    expire_at(&line, 30);
    assert_int_equal(state_of(&line), SESSION_READS);
    expire_at(&line, 31);
    assert_int_equal(strncmp(line_sent(&line), "HTTP/1.1 408", 12), 0);
    assert_int_equal(line.desk->count, 0);
    line_close(&line);
    /* With bytes enough the silence counts. */
    line = line_open(true);
    line.desk->exchanges->config.body_bytes_max = 100000;
    feed_at(&line, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n", 1000);
    char *piece = calloc(1, 60001);
    memset(piece, 'x', 60000);
    feed_at(&line, piece, 20000);
    assert_int_equal(deadline_s(&line), 20 + BODY_TIMEOUT_S);
    free(piece);
    line_close(&line);
}

static void the_handler_may_take_its_time(void **state)
{
    (void)state;
    struct line line = line_open(false);
    feed(&line, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(deadline_s(&line), -1);
    desk_echo(line.desk->handed[0]);
    feed_at(&line, "", 500000);
    assert_int_equal(deadline_s(&line), 500 + IDLE_TIMEOUT_S);
    line_close(&line);
}

/* -- ends ------------------------------------------------------------------------------------- */

static void a_peer_that_half_closes_gets_its_answers(void **state)
{
    (void)state;
    struct line line = line_open(false);
    feed(&line, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /par");
    line.session->ops->feed_end(line.session, at_ms(0));
    assert_int_equal(state_of(&line), SESSION_READS);
    desk_echo(line.desk->handed[0]);
    desk_echo(line.desk->handed[1]);
    assert_int_equal(state_of(&line), SESSION_ENDS);
    assert_non_null(strstr(line_sent(&line), "connection: close\r\n\r\nGET /2"));
    line_close(&line);
}

static void answers_after_the_end_are_dropped(void **state)
{
    (void)state;
    struct desk *desk = desk_new(false, BODY_MAX);
    struct session *session = h1_new(desk->exchanges, false, at_ms(0));
    static const char three[] =
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"
        "POST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab";
    session->ops->feed(session, three, sizeof three - 1, at_ms(0));
    desk_echo(desk->handed[1]); /* held for its turn, which never comes */
    session->ops->free(session);
    assert_int_equal(desk->exchanges->slots, 1);
    assert_true(str_eq(desk->handed[0]->request.path, STR("/1"))); /* it lives until answered */
    desk_echo(desk->handed[0]);
    desk_free(desk);
}

static void draining_finishes_what_has_begun(void **state)
{
    (void)state;
    struct line line = line_open(false);
    line.session->ops->drain(line.session, true, at_ms(0)); /* idle: ends */
    assert_int_equal(state_of(&line), SESSION_ENDS);
    line_close(&line);

    line = line_open(false); /* being answered, and one more on its way */
    feed(&line, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HT");
    line.session->ops->drain(line.session, true, at_ms(0));
    feed(&line, "TP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(line.desk->count, 2);
    desk_echo(line.desk->handed[0]);
    desk_echo(line.desk->handed[1]);
    const char *sent = line_sent(&line);
    assert_int_equal(state_of(&line), SESSION_ENDS);
    assert_non_null(strstr(sent, "content-length: 9\r\n\r\nGET /1"));
    assert_non_null(strstr(sent, "connection: close\r\n\r\nGET /2"));
    line_close(&line);

    line = line_open(true); /* in the middle of a body */
    feed(&line, "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na");
    line.session->ops->drain(line.session, true, at_ms(0));
    feed(&line, "b");
    assert_non_null(strstr(line_sent(&line), "connection: close\r\n\r\nPOST /1 [ab]"));
    assert_int_equal(state_of(&line), SESSION_ENDS);
    line_close(&line);
}

static void a_goodbye_waits_for_one_more_request_of_who_is_idle(void **state)
{
    (void)state;
    struct line line = line_open(false);
    line.session->ops->drain(line.session, false, at_ms(0));
    assert_int_equal(state_of(&line), SESSION_READS);
    feed(&line, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(line.desk->count, 1);
    desk_echo(line.desk->handed[0]);
    assert_non_null(strstr(line_sent(&line), "connection: close\r\n\r\nGET /1"));
    assert_int_equal(state_of(&line), SESSION_ENDS);
    line_close(&line);

    line = line_open(false); /* the answer under way is the last */
    feed(&line, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
    line.session->ops->drain(line.session, false, at_ms(0));
    desk_echo(line.desk->handed[0]);
    assert_non_null(strstr(line_sent(&line), "connection: close\r\n\r\nGET /1"));
    assert_int_equal(state_of(&line), SESSION_ENDS);
    line_close(&line);

    line = line_open(false); /* nobody asks any more */
    line.session->ops->drain(line.session, false, at_ms(0));
    line.session->ops->drain(line.session, true, at_ms(0));
    assert_int_equal(state_of(&line), SESSION_ENDS);
    line_close(&line);
}

static void nothing_of_a_request_is_left_in_the_next(void **state)
{
    (void)state;
    struct line line = line_open(false);
    feed(&line, "POST /secret?canary HTTP/1.1\r\nHost: a\r\nX-Canary: canary\r\n"
                "Content-Length: 6\r\n\r\ncanary");
    desk_echo(line.desk->handed[0]);
    feed(&line, "GET / HTTP/1.1\r\nHost: b\r\n\r\n");
    const struct http_request *request = &line.desk->handed[1]->request;
    assert_int_equal(request->header_count, 1);
    assert_null(http_header(request, STR("x-canary")).at);
    assert_null(request->query.at);
    assert_int_equal(request->body.len, 0);
    desk_echo(line.desk->handed[1]);
    line_close(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_read_whole_and_answered),
        cmocka_unit_test(a_stream_of_requests_is_the_same_however_it_is_cut),
        cmocka_unit_test(answers_leave_in_the_order_of_their_requests),
        cmocka_unit_test(a_refusal_waits_for_the_answers_before_it),
        cmocka_unit_test(only_so_many_requests_are_read_ahead),
        cmocka_unit_test(a_peer_that_does_not_read_is_not_read_from),
        cmocka_unit_test(a_body_over_the_limit_is_handed_up_as_such),
        cmocka_unit_test(a_body_up_to_the_limit_is_taken),
        cmocka_unit_test(the_limit_may_depend_on_the_request),
        cmocka_unit_test(bodies_together_are_bounded),
        cmocka_unit_test(requests_beyond_what_is_in_flight_get_503_at_once),
        cmocka_unit_test(a_hundred_is_said_when_the_body_is_wanted),
        cmocka_unit_test(http10_closes_unless_asked),
        cmocka_unit_test(responses_have_the_length_that_their_kind_allows),
        cmocka_unit_test(no_header_splits_a_response),
        cmocka_unit_test(an_idle_connection_ends_without_a_word),
        cmocka_unit_test(a_head_must_come_in_time_however_it_drips),
        cmocka_unit_test(a_body_must_keep_coming),
        cmocka_unit_test(the_handler_may_take_its_time),
        cmocka_unit_test(a_peer_that_half_closes_gets_its_answers),
        cmocka_unit_test(answers_after_the_end_are_dropped),
        cmocka_unit_test(draining_finishes_what_has_begun),
        cmocka_unit_test(a_goodbye_waits_for_one_more_request_of_who_is_idle),
        cmocka_unit_test(nothing_of_a_request_is_left_in_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
