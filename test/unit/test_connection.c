/* A connection without its socket: which protocol it speaks, when it is given up, how it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/certificate.h"
#include "model/limits.h"
#include "net/connection.h"
#include "sessions.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define GET     "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

struct line {
    struct desk *desk;
    struct connection *connection;
    struct buf sent; /* what the peer has got */
};

static struct line line_open(bool answers, const struct tls_context *tls)
{
    struct line line = {.desk = desk_new(answers, 1000)};
    line.connection = connection_new(line.desk->exchanges, tls, desk_wake, line.desk, at_ms(0));
    buf_init(&line.sent, 1 << 24);
    return line;
}

static void line_close(struct line *line)
{
    connection_free(line->connection);
    buf_done(&line->sent);
    desk_free(line->desk);
}

static void feed_at(struct line *line, const char *text, int64_t ms)
{
    connection_feed(line->connection, text, strlen(text), at_ms(ms));
}

/* The peer takes all that there is. */
static void flush(struct line *line, int64_t ms)
{
    struct str output;
    while ((output = connection_output(line->connection)).len) {
        buf_add(&line->sent, output);
        connection_sent(line->connection, output.len, at_ms(ms));
    }
}

static bool has(struct line *line, const char *text)
{
    return line->sent.len && memmem(line->sent.at, line->sent.len, text, strlen(text));
}

static enum connection_state state_of(struct line *line)
{
    return connection_state(line->connection);
}

static int64_t deadline_s(struct line *line)
{
    int64_t us = connection_deadline(line->connection).us;
    return us == MONO_NEVER.us ? -1 : us / 1000000;
}

static void the_first_bytes_decide_the_protocol(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool h2;
    } rows[] = {
        {GET, false},
        {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", false},
        {"PRINT / HTTP/1.1\r\nHost: a\r\n\r\n", false},
        {PREFACE, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t step = 1; step < 100; step *= 3) {
            struct line line = line_open(true, NULL);
            struct str text = str_of(rows[i].text);
            for (size_t at = 0; at < text.len; at += step)
                connection_feed(line.connection, text.at + at,
                                text.len - at < step ? text.len - at : step, at_ms(0));
            flush(&line, 0);
            assert_int_equal(has(&line, "HTTP/1.1 200"), !rows[i].h2);
            assert_int_equal(line.desk->count, !rows[i].h2);
            if (rows[i].h2) /* SETTINGS come first */
                assert_int_equal(line.sent.at[3], 4);
            line_close(&line);
        }
}

static void silence_and_dripping_are_given_up(void **state)
{
    (void)state;
    struct line line = line_open(true, NULL);
    assert_int_equal(deadline_s(&line), IDLE_TIMEOUT_S);
    feed_at(&line, "PRI", 5000);
    assert_int_equal(deadline_s(&line), 5 + HEAD_TIMEOUT_S);
    connection_expire(line.connection, at_ms(14999));
    assert_int_equal(state_of(&line), CONNECTION_READS);
    connection_expire(line.connection, at_ms(15000));
    assert_int_equal(state_of(&line), CONNECTION_OVER);
    line_close(&line);
}

static void a_peer_that_takes_nothing_is_given_up(void **state)
{
    (void)state;
    struct line line = line_open(true, NULL);
    feed_at(&line, GET, 0);
    size_t len = connection_output(line.connection).len;
    connection_sent(line.connection, 0, at_ms(1000));
    assert_int_equal(deadline_s(&line), 1 + WRITE_TIMEOUT_S);
    (void)connection_output(line.connection);
    connection_sent(line.connection, 1, at_ms(20000)); /* a byte: it goes on */
    assert_int_equal(deadline_s(&line), 20 + WRITE_TIMEOUT_S);
    assert_int_equal(connection_output(line.connection).len, len - 1);
    connection_sent(line.connection, 0, at_ms(40000));
    assert_int_equal(deadline_s(&line), 20 + WRITE_TIMEOUT_S);
    connection_expire(line.connection, at_ms(50000));
    assert_int_equal(state_of(&line), CONNECTION_OVER);
    line_close(&line);
}

static void a_peer_that_reads_slowly_is_not_read_from(void **state)
{
    (void)state;
    struct line line = line_open(false, NULL);
    char *large = calloc(1, OUTPUT_MARK_BYTES * 2);
    feed_at(&line, GET, 0);
    desk_answer(line.desk->handed[0], 200, (struct str){large, OUTPUT_MARK_BYTES * 2});
    assert_int_equal(line.desk->wakes, 1);
    connection_step(line.connection, at_ms(0));
    assert_int_equal(state_of(&line), CONNECTION_PAUSED);
    feed_at(&line, GET, 0); /* was on its way already */
    assert_int_equal(line.desk->count, 1);
    flush(&line, 0);
    assert_int_equal(state_of(&line), CONNECTION_READS);
    assert_int_equal(line.desk->count, 2); /* by itself */
    desk_echo(line.desk->handed[1]);
    line_close(&line);
    free(large);
}

static void the_last_answer_lingers(void **state)
{
    (void)state;
    struct line line = line_open(true, NULL);
    feed_at(&line, "GET / HTTP/1.1\r\n\r\n", 0);
    assert_int_equal(state_of(&line), CONNECTION_READS);
    flush(&line, 1000);
    assert_true(has(&line, "HTTP/1.1 400"));
    assert_int_equal(state_of(&line), CONNECTION_LINGERS);
    feed_at(&line, "whatever comes is dropped", 1000);
    assert_int_equal(deadline_s(&line), 1 + LINGER_TIMEOUT_S);
    connection_feed_end(line.connection, at_ms(1500));
    assert_int_equal(state_of(&line), CONNECTION_OVER);
    line_close(&line);

    line = line_open(true, NULL);
    feed_at(&line, "GET / HTTP/1.1\r\n\r\n", 0);
    flush(&line, 0);
    connection_expire(line.connection, at_ms(LINGER_TIMEOUT_S * 1000));
    assert_int_equal(state_of(&line), CONNECTION_OVER);
    line_close(&line);
}

static void a_peer_that_half_closes_gets_its_answer(void **state)
{
    (void)state;
    struct line line = line_open(false, NULL);
    feed_at(&line, GET, 0);
    connection_feed_end(line.connection, at_ms(0));
    assert_int_equal(state_of(&line), CONNECTION_READS);
    desk_echo(line.desk->handed[0]);
    connection_step(line.connection, at_ms(0));
    flush(&line, 0);
    assert_true(has(&line, "HTTP/1.1 200"));
    assert_int_equal(state_of(&line), CONNECTION_OVER);
    line_close(&line);
}

static void what_is_idle_ends_without_lingering(void **state)
{
    (void)state;
    struct line line = line_open(false, NULL);
    feed_at(&line, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n", 0);
    desk_echo(line.desk->handed[0]);
    flush(&line, 0);
    connection_drain(line.connection, false, at_ms(0));
    assert_int_equal(state_of(&line), CONNECTION_READS);
    connection_drain(line.connection, true, at_ms(0));
    assert_int_equal(state_of(&line), CONNECTION_OVER);
    line_close(&line);
}

static void draining_ends_what_has_not_begun(void **state)
{
    (void)state;
    struct line line = line_open(false, NULL);
    connection_drain(line.connection, true, at_ms(0));
    assert_int_equal(state_of(&line), CONNECTION_OVER);
    line_close(&line);
    line = line_open(false, NULL);
    feed_at(&line, "P", 0);
    connection_drain(line.connection, true, at_ms(0));
    feed_at(&line, "UT / HTTP/1.1\r\nHost: a\r\n\r\n", 0);
    assert_int_equal(line.desk->count, 1);
    desk_echo(line.desk->handed[0]);
    flush(&line, 0);
    assert_true(has(&line, "connection: close\r\n"));
    assert_int_equal(state_of(&line), CONNECTION_LINGERS);
    line_close(&line);
}

/* -- TLS -------------------------------------------------------------------------------------- */

struct secure {
    struct certificate ca, leaf;
    struct tls_context *server, *client;
};

static int secure_open(void **state)
{
    struct secure *secure = calloc(1, sizeof *secure);
    struct why why;
    secure->ca = certificate_new(NULL, "authority", NULL, 86400);
    secure->leaf = certificate_new(&secure->ca, "leaf", "DNS:a", 86400);
    if (tls_server_open(str_of(secure->leaf.cert_pem), str_of(secure->leaf.key_pem),
                        &secure->server, &why) != OK ||
        tls_client_open(str_of(secure->ca.cert_pem), &secure->client, &why) != OK)
        return 1;
    *state = secure;
    return 0;
}

static int secure_close(void **state)
{
    struct secure *secure = *state;
    tls_context_close(secure->server);
    tls_context_close(secure->client);
    certificate_free(&secure->leaf);
    certificate_free(&secure->ca);
    free(secure);
    return 0;
}

/* Carries ciphertext both ways, and what the client decrypts into `sent`, until both are silent.
 * Returns how the client's session stands. */
static enum err carry(struct line *line, struct tls *client, size_t step)
{
    enum err err = OK;
    for (bool moved = true; moved;) {
        moved = false;
        struct str out;
        while ((out = tls_output(client)).len) {
            size_t len = out.len < step ? out.len : step;
            connection_feed(line->connection, out.at, len, at_ms(0));
            tls_output_drop(client, len);
            moved = true;
        }
        while (err == OK && (out = connection_output(line->connection)).len) {
            assert_int_equal(tls_feed(client, out.at, out.len), OK);
            connection_sent(line->connection, out.len, at_ms(0));
            moved = true;
            char plain[4096];
            size_t len;
            while ((err = tls_read(client, plain, sizeof plain, &len, NULL)) == OK && len)
                buf_add_bytes(&line->sent, plain, len);
        }
    }
    return err;
}

static void over_tls_alpn_decides_the_protocol(void **state)
{
    struct secure *secure = *state;
    static const unsigned offers[] = {TLS_ALPN_NONE, TLS_ALPN_HTTP1, TLS_ALPN_H2,
                                      TLS_ALPN_H2 | TLS_ALPN_HTTP1};
    for (size_t i = 0; i < 4; i++)
        for (size_t step = 1; step < 2000; step = step * 30 + 7) {
            struct line line = line_open(true, secure->server);
            struct tls *client;
            struct why why;
            assert_int_equal(deadline_s(&line), HEAD_TIMEOUT_S);
            assert_int_equal(tls_connect(secure->client, STR("a"), offers[i], &client, &why), OK);
            assert_int_equal(carry(&line, client, step), OK);
            assert_true(tls_ready(client));
            bool h2 = offers[i] & TLS_ALPN_H2;
            assert_int_equal(tls_write(client, h2 ? PREFACE : GET,
                                       h2 ? sizeof PREFACE - 1 : sizeof GET - 1, &why),
                             OK);
            assert_int_equal(carry(&line, client, step), OK);
            assert_int_equal(has(&line, "HTTP/1.1 200"), !h2);
            if (h2)
                assert_int_equal(line.sent.at[3], 4);
            else
                assert_true(line.desk->handed[0] != NULL);
            tls_free(client);
            line_close(&line);
        }
}

static void large_answers_over_tls_come_whole_and_end_with_a_word(void **state)
{
    struct secure *secure = *state;
    struct line line = line_open(false, secure->server);
    struct tls *client;
    struct why why;
    char *large = calloc(1, 3000000);
    assert_int_equal(tls_connect(secure->client, STR("a"), 0, &client, &why), OK);
    assert_int_equal(carry(&line, client, 5000), OK);
    static const char last[] = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert_int_equal(tls_write(client, last, sizeof last - 1, &why), OK);
    assert_int_equal(carry(&line, client, 5000), OK);
    assert_true(line.desk->handed[0]->request.tls);
    desk_answer(line.desk->handed[0], 200, (struct str){large, 3000000});
    assert_int_equal(carry(&line, client, 5000), ERR_CLOSED); /* close_notify */
    assert_in_range(line.sent.len, 3000000, 3000200);
    assert_int_equal(state_of(&line), CONNECTION_LINGERS);
    tls_free(client);
    line_close(&line);
    free(large);
}

static void what_is_no_tls_ends_the_connection(void **state)
{
    struct secure *secure = *state;
    struct line line = line_open(true, secure->server);
    feed_at(&line, GET, 0);
    assert_int_equal(state_of(&line), CONNECTION_OVER);
    assert_int_equal(line.desk->count, 0);
    line_close(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_bytes_decide_the_protocol),
        cmocka_unit_test(silence_and_dripping_are_given_up),
        cmocka_unit_test(a_peer_that_takes_nothing_is_given_up),
        cmocka_unit_test(a_peer_that_reads_slowly_is_not_read_from),
        cmocka_unit_test(the_last_answer_lingers),
        cmocka_unit_test(a_peer_that_half_closes_gets_its_answer),
        cmocka_unit_test(draining_ends_what_has_not_begun),
        cmocka_unit_test(what_is_idle_ends_without_lingering),
        cmocka_unit_test(over_tls_alpn_decides_the_protocol),
        cmocka_unit_test(large_answers_over_tls_come_whole_and_end_with_a_word),
        cmocka_unit_test(what_is_no_tls_ends_the_connection),
    };
    return cmocka_run_group_tests(tests, secure_open, secure_close);
}
