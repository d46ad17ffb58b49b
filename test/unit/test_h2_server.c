/* A listening HTTP/2 connection against nghttp2's client, back to back in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/limits.h"
#include "net/h2_server.h"
#include "sessions.h"
#include <nghttp2/nghttp2.h>

enum { BODY_MAX = 100000, STREAMS_SEEN = 4096 };

/* What the client knows of one stream. */
struct seen {
    int status;
    int informational;
    size_t body_len;
    char body[64]; /* its beginning */
    bool closed;
    uint32_t code;
    size_t upload; /* bytes that are still to be sent */
    bool hold;     /* sends no more for now */
};

struct pair {
    struct desk *desk;
    struct session *server;
    nghttp2_session *client;
    struct seen *seen; /* by stream id */
    bool goaway;
    uint32_t goaway_code;
    int32_t goaway_last;
    struct now now;
};

static struct seen *seen_of(struct pair *pair, int32_t stream)
{
    assert_in_range(stream, 0, STREAMS_SEEN - 1);
    return &pair->seen[stream];
}

static int on_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *self)
{
    (void)ng, (void)flags, (void)value_len;
    struct seen *seen = seen_of(self, frame->hd.stream_id);
    if (name_len == 7 && memcmp(name, ":status", 7) == 0) {
        int status = atoi((const char *)value);
        *(status < 200 ? &seen->informational : &seen->status) = status;
    }
    return 0;
}

static int on_data(nghttp2_session *ng, uint8_t flags, int32_t stream, const uint8_t *at,
                   size_t len, void *self)
{
    (void)ng, (void)flags;
    struct seen *seen = seen_of(self, stream);
    for (size_t i = 0; i < len && seen->body_len + i < sizeof seen->body - 1; i++)
        seen->body[seen->body_len + i] = (char)at[i];
    seen->body_len += len;
    return 0;
}

static int on_close(nghttp2_session *ng, int32_t stream, uint32_t code, void *self)
{
    (void)ng;
    struct seen *seen = seen_of(self, stream);
    seen->closed = true;
    seen->code = code;
    return 0;
}

static int on_frame(nghttp2_session *ng, const nghttp2_frame *frame, void *self)
{
    struct pair *pair = self;
    (void)ng;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        pair->goaway = true;
        pair->goaway_code = frame->goaway.error_code;
        pair->goaway_last = frame->goaway.last_stream_id;
    }
    return 0;
}

static ssize_t give_body(nghttp2_session *ng, int32_t stream, uint8_t *into, size_t size,
                         uint32_t *flags, nghttp2_data_source *source, void *self)
{
    (void)ng, (void)source;
    struct seen *seen = seen_of(self, stream);
    if (seen->hold)
        return NGHTTP2_ERR_DEFERRED;
    size_t piece = seen->upload < size ? seen->upload : size;
    memset(into, 'x', piece);
    seen->upload -= piece;
    if (seen->upload == 0)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)piece;
}

static struct pair *pair_open(bool answers)
{
    struct pair *pair = calloc(1, sizeof *pair);
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    pair->desk = desk_new(answers, BODY_MAX);
    pair->seen = calloc(STREAMS_SEEN, sizeof *pair->seen);
    pair->now = at_ms(0);
    pair->server = h2_server_new(pair->desk->exchanges, true, pair->now);
    pair->server->wake = desk_wake;
    pair->server->owner = pair->desk;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_option_new(&option);
    nghttp2_option_set_no_http_messaging(option, 1); /* what is malformed must come through */
    nghttp2_session_client_new2(&pair->client, callbacks, pair, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(pair->client, 0, NULL, 0);
    return pair;
}

static void pair_close(struct pair *pair)
{
    pair->server->ops->free(pair->server);
    nghttp2_session_del(pair->client);
    desk_free(pair->desk);
    free(pair->seen);
    free(pair);
}

/* Carries bytes both ways, `step` at a time, until both are silent. */
static void carry(struct pair *pair, size_t step)
{
    bool moved = true;
    while (moved) {
        const uint8_t *at;
        ssize_t len;
        moved = false;
        while ((len = nghttp2_session_mem_send(pair->client, &at)) > 0) {
            moved = true;
            for (size_t i = 0; i < (size_t)len; i += step)
                pair->server->ops->feed(pair->server, (const char *)at + i,
                                        (size_t)len - i < step ? (size_t)len - i : step, pair->now);
        }
        pair->server->ops->feed(pair->server, "", 0, pair->now);
        struct str output = pair->server->ops->output(pair->server);
        if (output.len) {
            moved = true;
            (void)nghttp2_session_mem_recv(pair->client, (const uint8_t *)output.at, output.len);
            pair->server->ops->sent(pair->server, output.len);
        }
    }
}

static nghttp2_nv nv(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                        strlen(value), NGHTTP2_NV_FLAG_NONE};
}

enum { NV_MAX = 80 };

/* Asks with name, value, name, value, ..., NULL; `upload` bytes of body, or none if negative. */
static int32_t ask(struct pair *pair, const char *const *words, long upload)
{
    nghttp2_nv headers[NV_MAX];
    size_t count = 0;
    for (; words[2 * count] && count < NV_MAX; count++)
        headers[count] = nv(words[2 * count], words[2 * count + 1]);
    nghttp2_data_provider body = {.read_callback = give_body};
    int32_t stream = nghttp2_submit_request(pair->client, NULL, headers, count,
                                            upload >= 0 ? &body : NULL, NULL);
    assert_true(stream > 0);
    if (upload >= 0)
        seen_of(pair, stream)->upload = (size_t)upload;
    return stream;
}

#define PSEUDO(method, path)   ":method", method, ":scheme", "https", ":authority", "a", ":path", path
#define ASK(pair, upload, ...) ask(pair, (const char *const[]){__VA_ARGS__, NULL, NULL}, upload)

static void a_request_is_the_same_as_over_http1(void **state)
{
    (void)state;
    for (size_t step = 1; step < 10000; step *= 10) {
        struct pair *pair = pair_open(false);
        int32_t stream = ASK(pair, 5, PSEUDO("POST", "/a/b?c"), "x-a", "b", "te", "trailers");
        carry(pair, step);
        assert_int_equal(pair->desk->count, 1);
        const struct http_request *request = &pair->desk->handed[0]->request;
        assert_int_equal(request->method, METHOD_POST);
        assert_true(str_eq(request->path, STR("/a/b")) && str_eq(request->query, STR("c")));
        assert_true(str_eq(request->body, STR("xxxxx")) && request->tls);
        assert_true(str_eq(http_header(request, STR("host")), STR("a")));
        assert_true(str_eq(http_header(request, STR("x-a")), STR("b")));
        assert_null(http_header(request, STR(":path")).at);
        desk_echo(pair->desk->handed[0]);
        assert_int_equal(pair->desk->wakes, 1);
        carry(pair, step);
        struct seen *seen = seen_of(pair, stream);
        assert_int_equal(seen->status, 200);
        assert_string_equal(seen->body, "POST /a/b ?c [xxxxx]");
        assert_true(seen->closed && seen->code == NGHTTP2_NO_ERROR);
        pair_close(pair);
    }
}

static void streams_are_answered_in_any_order(void **state)
{
    (void)state;
    struct pair *pair = pair_open(false);
    int32_t streams[50];
    for (int i = 0; i < 50; i++)
        streams[i] = ASK(pair, -1, PSEUDO("GET", "/"));
    carry(pair, 100);
    assert_int_equal(pair->desk->count, 50);
    for (int i = 49; i >= 0; i -= 2)
        desk_answer(pair->desk->handed[i], 200 + i, STR("x"));
    carry(pair, 100);
    for (int i = 0; i < 50; i += 2)
        desk_answer(pair->desk->handed[i], 200 + i, STR("x"));
    carry(pair, 100);
    for (int i = 0; i < 50; i++)
        assert_int_equal(seen_of(pair, streams[i])->status, 200 + i);
    pair_close(pair);
}

static void no_more_streams_than_allowed_are_open(void **state)
{
    (void)state;
    struct pair *pair = pair_open(false);
    for (int i = 0; i < STREAMS_MAX + 20; i++)
        ASK(pair, -1, PSEUDO("GET", "/"));
    carry(pair, 1000);
    assert_int_equal(pair->desk->count, STREAMS_MAX);
    for (unsigned i = 0; i < pair->desk->count; i++) {
        desk_echo(pair->desk->handed[i]);
        carry(pair, 1000);
    }
    assert_int_equal(pair->desk->count, STREAMS_MAX + 20);
    pair_close(pair);
}

static void large_answers_keep_to_the_window(void **state)
{
    (void)state;
    struct pair *pair = pair_open(false);
    char *large = calloc(1, 3000000);
    int32_t stream = ASK(pair, -1, PSEUDO("GET", "/"));
    int32_t head = ASK(pair, -1, PSEUDO("HEAD", "/"));
    int32_t none = ASK(pair, -1, PSEUDO("GET", "/"));
    carry(pair, 1000);
    desk_answer(pair->desk->handed[0], 200, (struct str){large, 3000000});
    desk_answer(pair->desk->handed[1], 200, (struct str){large, 3000000});
    desk_answer(pair->desk->handed[2], 204, STR("left out"));
    carry(pair, 1 << 20);
    assert_int_equal(seen_of(pair, stream)->body_len, 3000000);
    assert_int_equal(seen_of(pair, head)->body_len, 0);
    assert_int_equal(seen_of(pair, none)->body_len, 0);
    assert_true(seen_of(pair, stream)->closed && seen_of(pair, head)->closed &&
                seen_of(pair, none)->closed);
    free(large);
    pair_close(pair);
}

/* -- refusals --------------------------------------------------------------------------------- */

static void malformed_messages_are_refused(void **state)
{
    (void)state;
    char long_path[TARGET_LEN_MAX + 2] = "/", large[HEAD_BYTES_MAX + 1] = "";
    memset(long_path + 1, 'a', TARGET_LEN_MAX);
    memset(large, 'a', HEAD_BYTES_MAX);
    const struct {
        int status; /* 0: the stream is reset */
        const char *words[16];
    } rows[] = {
        {200, {PSEUDO("GET", "/")}},
        {200, {PSEUDO("OPTIONS", "*")}},
        {200, {":method", "GET", ":scheme", "https", ":path", "/", "host", "a"}},
        {200, {PSEUDO("GET", "/"), "host", "A"}},
        {400, {PSEUDO("GET", "/"), "host", "b"}},
        {400, {":method", "GET", ":scheme", "https", ":authority", "u@a", ":path", "/"}},
        {0, {":method", "GET", ":scheme", "https", ":authority", "", ":path", "/"}},
        {400, {PSEUDO("GET", "/a#b")}},
        {400, {PSEUDO("GET", "/a\\b")}},
        {400, {PSEUDO("GET", "/\xc3\xa9")}},
        {414, {PSEUDO("GET", long_path)}},
        {431, {PSEUDO("GET", "/"), "a", large}},
        {400, {":method", "CONNECT", ":authority", "a:80"}},
        {417, {PSEUDO("GET", "/"), "expect", "more"}},
        {0, {PSEUDO("GET", "*")}},
        {0, {PSEUDO("GET", "a")}},
        {0, {PSEUDO("GET", "")}},
        {0, {PSEUDO("G T", "/")}},
        {0, {":method", "GET", ":scheme", "https", ":path", "/"}},
        {0, {":method", "GET", ":scheme", "https", ":authority", "a"}},
        {0, {":method", "GET", ":authority", "a", ":path", "/"}},
        {0, {":scheme", "https", ":authority", "a", ":path", "/"}},
        {0, {PSEUDO("GET", "/"), ":method", "POST"}},
        {0, {"a", "b", PSEUDO("GET", "/")}},
        {0, {PSEUDO("GET", "/"), ":other", "b"}},
        {0, {PSEUDO("GET", "/"), "a b", "c"}},
        {0, {PSEUDO("GET", "/"), "a", "b\r\nc: d"}},
        {0, {PSEUDO("GET", "/"), "a", "b\x01"}},
        {0, {PSEUDO("GET", "/"), "connection", "close"}},
        {0, {PSEUDO("GET", "/"), "transfer-encoding", "chunked"}},
        {0, {PSEUDO("GET", "/"), "te", "gzip"}},
        {0, {PSEUDO("GET", "/"), "content-length", "5"}},
        {0, {PSEUDO("GET", "/"), "content-length", "0", "content-length", "0"}},
        {0, {PSEUDO("GET", "/"), "content-length", "+0"}},
        {0, {PSEUDO("GET", "/"), "host", "a", "host", "a"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pair *pair = pair_open(true);
        int32_t stream = ask(pair, rows[i].words, -1);
        carry(pair, 1 << 20);
        struct seen *seen = seen_of(pair, stream);
        if (seen->status != rows[i].status || !seen->closed)
            fail_msg("row %zu: %d, not %d", i, seen->status, rows[i].status);
        if (rows[i].status != 200)
            assert_int_equal(pair->desk->count, 0);
        int32_t next = ASK(pair, -1, PSEUDO("GET", "/")); /* the connection goes on */
        carry(pair, 1 << 20);
        assert_int_equal(seen_of(pair, next)->status, 200);
        pair_close(pair);
    }
}

static void too_many_headers_are_refused(void **state)
{
    (void)state;
    const char *words[2 * NV_MAX + 2] = {PSEUDO("GET", "/")};
    for (size_t i = 8; i < 2 * (HEADERS_MAX + 5); i += 2) {
        words[i] = "a";
        words[i + 1] = "b";
    }
    struct pair *pair = pair_open(true);
    int32_t stream = ask(pair, words, -1);
    carry(pair, 1000);
    assert_int_equal(seen_of(pair, stream)->status, 431);
    pair_close(pair);
}

static void a_body_over_the_limit_is_handed_up_as_such(void **state)
{
    (void)state;
    struct pair *pair = pair_open(true);
    int32_t said = ASK(pair, BODY_MAX + 1, PSEUDO("POST", "/"), "content-length", "100001");
    int32_t unsaid = ASK(pair, BODY_MAX + 1, PSEUDO("POST", "/"));
    int32_t fits = ASK(pair, BODY_MAX, PSEUDO("POST", "/"));
    carry(pair, 1000);
    assert_int_equal(seen_of(pair, said)->status, 413);
    assert_int_equal(seen_of(pair, unsaid)->status, 413);
    assert_int_equal(seen_of(pair, fits)->status, 200);
    assert_string_equal(seen_of(pair, said)->body, "POST / []");
    assert_int_equal(pair->desk->exchanges->bodies_bytes, 0);
    pair_close(pair);
}

static void a_body_that_is_not_as_long_as_said_is_reset(void **state)
{
    (void)state;
    static const char *const lengths[] = {"4", "6"};
    for (int i = 0; i < 2; i++) {
        struct pair *pair = pair_open(true);
        int32_t stream = ASK(pair, 5, PSEUDO("POST", "/"), "content-length", lengths[i]);
        carry(pair, 1000);
        assert_int_equal(seen_of(pair, stream)->code, NGHTTP2_PROTOCOL_ERROR);
        assert_int_equal(pair->desk->count, 0);
        pair_close(pair);
    }
}

static void bodies_together_and_requests_in_flight_are_bounded(void **state)
{
    (void)state;
    struct pair *pair = pair_open(false);
    pair->desk->exchanges->config.bodies_bytes_max = 1500;
    int32_t one = ASK(pair, 1000, PSEUDO("POST", "/"));
    int32_t two = ASK(pair, 1000, PSEUDO("POST", "/"));
    carry(pair, 100);
    assert_int_equal(pair->desk->count, 1);
    assert_int_equal(seen_of(pair, one)->status + seen_of(pair, two)->status, 503);
    exchanges_set_in_flight_max(pair->desk->exchanges, 1);
    int32_t three = ASK(pair, -1, PSEUDO("GET", "/"));
    carry(pair, 100);
    assert_int_equal(seen_of(pair, three)->status, 503);
    desk_echo(pair->desk->handed[0]);
    carry(pair, 100);
    assert_int_equal(pair->desk->exchanges->refused, 2);
    pair_close(pair);
}

static void a_hundred_is_said_when_the_body_is_wanted(void **state)
{
    (void)state;
    struct pair *pair = pair_open(true);
    int32_t stream = ASK(pair, 3, PSEUDO("POST", "/"), "expect", "100-continue");
    carry(pair, 1000);
    assert_int_equal(seen_of(pair, stream)->informational, 100);
    assert_int_equal(seen_of(pair, stream)->status, 200);
    pair_close(pair);
}

/* -- floods ----------------------------------------------------------------------------------- */

static void streams_opened_and_reset_are_a_flood(void **state)
{
    (void)state;
    struct pair *pair = pair_open(false);
    for (int i = 0; i < RESETS_MAX + 50 && !pair->goaway; i++) {
        int32_t stream = ASK(pair, -1, PSEUDO("GET", "/"));
        carry(pair, 1 << 20);
        nghttp2_submit_rst_stream(pair->client, 0, stream, NGHTTP2_CANCEL);
        carry(pair, 1 << 20);
    }
    assert_true(pair->goaway);
    assert_int_equal(pair->goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_int_equal(pair->server->ops->state(pair->server), SESSION_ENDS);
    assert_in_range(pair->desk->count, 100, RESETS_MAX + 1);
    for (unsigned i = 0; i < pair->desk->count; i++) /* the handler still has them all */
        desk_echo(pair->desk->handed[i]);
    pair_close(pair);
}

static void so_are_streams_that_fail_by_our_own_hand(void **state)
{
    (void)state;
    struct pair *pair = pair_open(false);
    for (int i = 0; i < RESETS_MAX + 50 && !pair->goaway; i++) {
        ASK(pair, 5, PSEUDO("POST", "/"), "content-length", "1");
        carry(pair, 1 << 20);
    }
    assert_true(pair->goaway);
    assert_int_equal(pair->goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    pair_close(pair);
}

static void resets_now_and_then_are_none(void **state)
{
    (void)state;
    struct pair *pair = pair_open(false);
    for (int i = 0; i < RESETS_MAX + 50; i++) {
        pair->now = at_ms(i * 100);
        int32_t stream = ASK(pair, -1, PSEUDO("GET", "/"));
        carry(pair, 1 << 20);
        nghttp2_submit_rst_stream(pair->client, 0, stream, NGHTTP2_CANCEL);
        carry(pair, 1 << 20);
        desk_echo(pair->desk->handed[i]);
    }
    assert_false(pair->goaway);
    pair_close(pair);
}

static void frames_that_further_nothing_are_a_flood(void **state)
{
    (void)state;
    static const char ping[17] = {0, 0, 8, 6, 1}; /* acknowledges nothing */
    static const char settings[9] = {0, 0, 0, 4, 0};
    const struct {
        const char *frame;
        size_t len;
    } rows[] = {{ping, sizeof ping}, {settings, sizeof settings}};
    for (size_t i = 0; i < 2; i++) {
        struct pair *pair = pair_open(true);
        carry(pair, 1 << 20);
        int sent = 0;
        while (pair->server->ops->state(pair->server) != SESSION_ENDS && sent < 20000) {
            pair->server->ops->feed(pair->server, rows[i].frame, rows[i].len, pair->now);
            struct str output = pair->server->ops->output(pair->server);
            pair->server->ops->sent(pair->server, output.len);
            sent++;
        }
        if (sent < 1000 || sent > CONTROL_FRAMES_MAX + 10)
            fail_msg("row %zu: %d", i, sent);
        pair_close(pair);
    }
}

static void what_is_not_http2_ends_the_session(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    };
    for (size_t i = 0; i < 2; i++) {
        struct desk *desk = desk_new(true, 10);
        struct session *session = h2_server_new(desk->exchanges, false, at_ms(0));
        session->ops->feed(session, rows[i], strlen(rows[i]), at_ms(0));
        struct str output = session->ops->output(session);
        session->ops->sent(session, output.len);
        assert_int_equal(session->ops->state(session), SESSION_ENDS);
        assert_int_equal(desk->count, 0);
        session->ops->free(session);
        desk_free(desk);
    }
}

/* -- time and ends ---------------------------------------------------------------------------- */

static int64_t deadline_s(struct pair *pair)
{
    int64_t us = pair->server->ops->deadline(pair->server).us;
    return us == MONO_NEVER.us ? -1 : us / 1000000;
}

static void pass_to(struct pair *pair, int64_t s)
{
    pair->now = at_ms(s * 1000);
    if (mono_reached(pair->now.mono, pair->server->ops->deadline(pair->server)))
        pair->server->ops->expire(pair->server, pair->now);
    carry(pair, 1 << 20);
}

static void an_idle_connection_says_goodbye(void **state)
{
    (void)state;
    struct pair *pair = pair_open(false);
    ASK(pair, -1, PSEUDO("GET", "/"));
    carry(pair, 1000);
    assert_int_equal(deadline_s(pair), -1); /* the handler may take its time */
    pair->now = at_ms(20000);
    desk_echo(pair->desk->handed[0]);
    carry(pair, 1000);
    assert_int_equal(deadline_s(pair), 20 + IDLE_TIMEOUT_S);
    nghttp2_submit_ping(pair->client, 0, NULL); /* asks for nothing */
    pass_to(pair, 60);
    assert_int_equal(deadline_s(pair), 20 + IDLE_TIMEOUT_S);
    pass_to(pair, 20 + IDLE_TIMEOUT_S);
    assert_true(pair->goaway);
    assert_int_equal(pair->goaway_code, NGHTTP2_NO_ERROR);
    assert_int_equal(pair->server->ops->state(pair->server), SESSION_ENDS);
    pair_close(pair);
}

static void a_body_must_keep_coming(void **state)
{
    (void)state;
    struct pair *pair = pair_open(true);
    int32_t slow = ASK(pair, 50, PSEUDO("POST", "/"));
    seen_of(pair, slow)->hold = true;
    carry(pair, 1000);
    assert_int_equal(deadline_s(pair), BODY_TIMEOUT_S);
    pass_to(pair, BODY_TIMEOUT_S);
    assert_int_equal(seen_of(pair, slow)->status, 408);
    assert_int_equal(pair->desk->count, 0);
    pass_to(pair, BODY_TIMEOUT_S + LINGER_TIMEOUT_S);
    assert_true(seen_of(pair, slow)->closed);
    assert_int_equal(seen_of(pair, slow)->code, NGHTTP2_NO_ERROR);
    pair_close(pair);
}

static void an_answer_that_the_window_holds_back_is_given_up(void **state)
{
    (void)state;
    struct pair *pair = pair_open(false);
    nghttp2_settings_entry none = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0};
    nghttp2_submit_settings(pair->client, 0, &none, 1);
    int32_t stream = ASK(pair, -1, PSEUDO("GET", "/"));
    carry(pair, 1000);
    pair->now = at_ms(5000);
    desk_echo(pair->desk->handed[0]);
    carry(pair, 1000);
    assert_int_equal(seen_of(pair, stream)->status, 200);
    assert_int_equal(deadline_s(pair), 5 + WRITE_TIMEOUT_S);
    pass_to(pair, 5 + WRITE_TIMEOUT_S);
    assert_true(seen_of(pair, stream)->closed);
    assert_int_equal(seen_of(pair, stream)->code, NGHTTP2_CANCEL);
    pair_close(pair);
}

static void a_peer_that_takes_no_answers_gets_no_more_work_done(void **state)
{
    (void)state;
    struct pair *pair = pair_open(false);
    nghttp2_settings_entry none = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0};
    char *large = calloc(1, OUTPUT_UNSENT_BYTES_MAX + 1);
    nghttp2_submit_settings(pair->client, 0, &none, 1);
    int32_t first = ASK(pair, -1, PSEUDO("GET", "/"));
    carry(pair, 1000);
    desk_answer(pair->desk->handed[0], 200, (struct str){large, OUTPUT_UNSENT_BYTES_MAX + 1});
    int32_t second = ASK(pair, -1, PSEUDO("GET", "/"));
    carry(pair, 1000);
    assert_int_equal(seen_of(pair, second)->status, 503);
    nghttp2_submit_rst_stream(pair->client, 0, first, NGHTTP2_CANCEL);
    ASK(pair, -1, PSEUDO("GET", "/"));
    carry(pair, 1000);
    assert_int_equal(pair->desk->count, 2);
    desk_echo(pair->desk->handed[1]);
    free(large);
    pair_close(pair);
}

static void a_header_block_must_end_in_time(void **state)
{
    (void)state;
    /* A HEADERS frame without END_HEADERS, and never a CONTINUATION. */
    static const char block[10] = {0, 0, 1, 1, 1, 0, 0, 0, 1, (char)0x82};
    struct pair *pair = pair_open(true);
    carry(pair, 1000);
    pair->server->ops->feed(pair->server, block, sizeof block, at_ms(3000));
    assert_int_equal(deadline_s(pair), 3 + HEAD_TIMEOUT_S);
    pass_to(pair, 3 + HEAD_TIMEOUT_S);
    assert_int_equal(pair->server->ops->state(pair->server), SESSION_ENDS);
    pair_close(pair);
}

static void draining_serves_what_has_begun_and_nothing_after(void **state)
{
    (void)state;
    struct pair *pair = pair_open(false);
    int32_t one = ASK(pair, -1, PSEUDO("GET", "/1"));
    carry(pair, 1000);
    pair->server->ops->drain(pair->server, true, pair->now);
    carry(pair, 1000); /* the notice, the PING, its answer, the last GOAWAY */
    assert_true(pair->goaway);
    assert_int_equal(pair->goaway_code, NGHTTP2_NO_ERROR);
    assert_int_equal(pair->goaway_last, one);
    assert_int_equal(pair->server->ops->state(pair->server), SESSION_READS);
    desk_echo(pair->desk->handed[0]);
    carry(pair, 1000);
    assert_int_equal(seen_of(pair, one)->status, 200);
    assert_int_equal(pair->server->ops->state(pair->server), SESSION_ENDS);
    pair_close(pair);
}

static void draining_does_not_wait_for_a_silent_peer(void **state)
{
    (void)state;
    struct pair *pair = pair_open(false);
    carry(pair, 1000);
    pair->server->ops->drain(pair->server, true, pair->now);
    struct str output = pair->server->ops->output(pair->server); /* never gets there */
    pair->server->ops->sent(pair->server, output.len);
    assert_int_equal(pair->server->ops->state(pair->server), SESSION_READS);
    pass_to(pair, LINGER_TIMEOUT_S);
    assert_int_equal(pair->server->ops->state(pair->server), SESSION_ENDS);
    pair_close(pair);
}

static void a_peer_that_half_closes_gets_its_answers(void **state)
{
    (void)state;
    struct pair *pair = pair_open(false);
    int32_t whole = ASK(pair, -1, PSEUDO("GET", "/"));
    int32_t part = ASK(pair, 10, PSEUDO("POST", "/"));
    seen_of(pair, part)->hold = true;
    carry(pair, 1000);
    pair->server->ops->feed_end(pair->server, pair->now);
    carry(pair, 1000);
    assert_true(seen_of(pair, part)->closed);
    assert_int_equal(pair->server->ops->state(pair->server), SESSION_READS);
    desk_echo(pair->desk->handed[0]);
    carry(pair, 1000);
    assert_int_equal(seen_of(pair, whole)->status, 200);
    assert_int_equal(pair->server->ops->state(pair->server), SESSION_ENDS);
    pair_close(pair);
}

static void answers_after_the_end_are_dropped(void **state)
{
    (void)state;
    struct pair *pair = pair_open(false);
    int32_t gone = ASK(pair, -1, PSEUDO("GET", "/"));
    ASK(pair, -1, PSEUDO("GET", "/"));
    ASK(pair, -1, PSEUDO("GET", "/"));
    int32_t slow = ASK(pair, 10, PSEUDO("POST", "/"));
    seen_of(pair, slow)->hold = true;
    carry(pair, 1000);
    nghttp2_submit_rst_stream(pair->client, 0, gone, NGHTTP2_CANCEL);
    carry(pair, 1000);
    desk_echo(pair->desk->handed[0]);
    desk_echo(pair->desk->handed[1]); /* answered, not sent */
    struct desk *desk = pair->desk;
    pair->server->ops->free(pair->server);
    assert_int_equal(desk->exchanges->slots, 1);
    desk_echo(desk->handed[2]);
    pair->server = h2_server_new(desk->exchanges, false, at_ms(0));
    pair_close(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_the_same_as_over_http1),
        cmocka_unit_test(streams_are_answered_in_any_order),
        cmocka_unit_test(no_more_streams_than_allowed_are_open),
        cmocka_unit_test(large_answers_keep_to_the_window),
        cmocka_unit_test(malformed_messages_are_refused),
        cmocka_unit_test(too_many_headers_are_refused),
        cmocka_unit_test(a_body_over_the_limit_is_handed_up_as_such),
        cmocka_unit_test(a_body_that_is_not_as_long_as_said_is_reset),
        cmocka_unit_test(bodies_together_and_requests_in_flight_are_bounded),
        cmocka_unit_test(a_hundred_is_said_when_the_body_is_wanted),
        cmocka_unit_test(streams_opened_and_reset_are_a_flood),
        cmocka_unit_test(so_are_streams_that_fail_by_our_own_hand),
        cmocka_unit_test(resets_now_and_then_are_none),
        cmocka_unit_test(frames_that_further_nothing_are_a_flood),
        cmocka_unit_test(what_is_not_http2_ends_the_session),
        cmocka_unit_test(an_idle_connection_says_goodbye),
        cmocka_unit_test(a_body_must_keep_coming),
        cmocka_unit_test(an_answer_that_the_window_holds_back_is_given_up),
        cmocka_unit_test(a_peer_that_takes_no_answers_gets_no_more_work_done),
        cmocka_unit_test(a_header_block_must_end_in_time),
        cmocka_unit_test(draining_serves_what_has_begun_and_nothing_after),
        cmocka_unit_test(draining_does_not_wait_for_a_silent_peer),
        cmocka_unit_test(a_peer_that_half_closes_gets_its_answers),
        cmocka_unit_test(answers_after_the_end_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
