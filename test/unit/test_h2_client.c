/* test/unit/test_h2_client.c - the calling HTTP/2 session against nghttp2's serving one, in memory.
 *
 *   calls -> h2_client -> bytes -> nghttp2 server session -> a script -> bytes -> h2_client -> done
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/limits.h"
#include "net/h2_client.h"
#include <nghttp2/nghttp2.h>
#include <stdlib.h>

enum { CALLS = 8 };

struct call {
    struct exchange_call call;
    struct request request;
    struct arena arena;
    struct h2_stream *stream;
    const struct reply *reply;
    struct reply copy;
    int done;
};

struct world {
    struct h2_client *client;
    nghttp2_session *server;
    struct now now;
    struct call calls[CALLS];
    int requests;      /* complete ones that the server has seen */
    int headers;       /* request heads that the server has seen */
    int32_t last_id;   /* of the newest */
    bool saw_priority; /* in a HEADERS or PRIORITY frame */
    bool push_off;     /* ENABLE_PUSH 0 was among the client's settings */
    char path[64];
    char length[16];
    size_t body_bytes;
    uint32_t reset_code; /* of the last RST_STREAM received */
    int resets;
};

static int server_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                         size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                         void *self)
{
    (void)session, (void)frame, (void)flags;
    struct world *world = self;
    struct str field = {(const char *)name, name_len};
    struct str is = {(const char *)value, value_len};
    if (str_eq(field, STR(":path")))
        assert_true(str_copy(is, world->path, sizeof world->path));
    if (str_eq(field, STR("content-length")))
        assert_true(str_copy(is, world->length, sizeof world->length));
    return 0;
}

static int server_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *at,
                       size_t len, void *self)
{
    (void)session, (void)flags, (void)id, (void)at;
    ((struct world *)self)->body_bytes += len;
    return 0;
}

static int server_frame(nghttp2_session *session, const nghttp2_frame *frame, void *self)
{
    (void)session;
    struct world *world = self;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        world->headers++;
        world->last_id = frame->hd.stream_id;
        world->saw_priority = world->saw_priority || frame->hd.flags & NGHTTP2_FLAG_PRIORITY;
        break;
    case NGHTTP2_PRIORITY:
        world->saw_priority = true;
        break;
    case NGHTTP2_SETTINGS:
        for (size_t i = 0; i < frame->settings.niv; i++)
            if (frame->settings.iv[i].settings_id == NGHTTP2_SETTINGS_ENABLE_PUSH)
                world->push_off = frame->settings.iv[i].value == 0;
        break;
    case NGHTTP2_RST_STREAM:
        world->resets++;
        world->reset_code = frame->rst_stream.error_code;
        break;
    default:
        break;
    }
    bool whole = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (whole && frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
        world->requests++;
    return 0;
}

static void open_server(struct world *world)
{
    nghttp2_session_callbacks *callbacks;
    assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, server_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, server_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, server_frame);
    assert_int_equal(nghttp2_session_server_new(&world->server, callbacks, world), 0);
    nghttp2_session_callbacks_del(callbacks);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->now = (struct now){{1000000}, {5000}};
    struct h2_client_config config = {.scheme = STR("https"),
                                      .authority = STR("push.example"),
                                      .streams_max = 1000,
                                      .ping_after = span_s(5),
                                      .ping_idle = span_s(300),
                                      .ping_timeout = span_s(3)};
    world->client = h2_client_new(&config, world->now);
    assert_non_null(world->client);
    open_server(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    h2_client_close(world->client, world->now, "the test is over");
    h2_client_free(world->client);
    nghttp2_session_del(world->server);
    for (int i = 0; i < CALLS; i++)
        if (world->calls[i].request.path.at)
            arena_done(&world->calls[i].arena);
    free(world);
    return 0;
}

static void on_done(struct exchange_call *call, const struct reply *reply)
{
    struct call *mine = call->owner;
    mine->reply = reply;
    mine->copy = *reply;
    mine->done++;
}

static void client_to_server(struct world *world)
{
    struct str out;
    while ((out = h2_client_output(world->client)).len) {
        assert_int_equal(nghttp2_session_mem_recv(world->server, (const uint8_t *)out.at, out.len),
                         (ssize_t)out.len);
        h2_client_output_drop(world->client, out.len);
    }
}

/* What the server has to say; in pieces of `piece` bytes. */
static enum err server_to_client(struct world *world, size_t piece)
{
    const uint8_t *at;
    ssize_t len;
    while ((len = nghttp2_session_mem_send(world->server, &at)) > 0)
        for (size_t sent = 0; sent < (size_t)len; sent += piece) {
            size_t left = (size_t)len - sent;
            struct str bytes = {(const char *)at + sent, left < piece ? left : piece};
            struct why why;
            enum err err = h2_client_receive(world->client, bytes, world->now, &why);
            if (err != OK)
                return err;
        }
    return OK;
}

static void pump(struct world *world)
{
    for (int i = 0; i < 4; i++) {
        client_to_server(world);
        assert_int_equal(server_to_client(world, SIZE_MAX), OK);
    }
}

static void settle(struct world *world, uint32_t streams_max, uint32_t window)
{
    nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, streams_max},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window},
    };
    assert_int_equal(nghttp2_submit_settings(world->server, 0, settings, 2), 0);
    pump(world);
}

static struct call *make(struct world *world, int number, struct str body)
{
    struct call *mine = &world->calls[number];
    arena_init(&mine->arena, 1024 * 1024);
    mine->request = (struct request){
        .wire = WIRE_H2,
        .method = STR("POST"),
        .origin = STR("https://push.example"),
        .path = STR("/3/device/00fc13ad"),
        .headers = {{STR("apns-topic"), STR("com.example")}, {STR("apns-id"), STR("11-22")}},
        .header_count = 2,
        .body = body};
    mine->call = (struct exchange_call){.request = &mine->request,
                                        .deadline = mono_add(world->now.mono, span_s(15)),
                                        .done = on_done,
                                        .owner = mine,
                                        .arena = &mine->arena};
    mine->stream = outgoing_new(&mine->call, sizeof *mine->stream, CARRIER_POOL);
    assert_non_null(mine->stream);
    return mine;
}

static struct call *begin(struct world *world, int number, struct str body)
{
    struct call *mine = make(world, number, body);
    h2_client_begin(world->client, mine->stream, world->now);
    return mine;
}

static nghttp2_nv nv(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                        strlen(value), 0};
}

struct script_body {
    size_t left;
};

static ssize_t give_body(nghttp2_session *session, int32_t id, uint8_t *into, size_t size,
                         uint32_t *flags, nghttp2_data_source *source, void *self)
{
    (void)session, (void)id, (void)self;
    struct script_body *body = source->ptr;
    size_t take = body->left < size ? body->left : size;
    memset(into, 'x', take);
    body->left -= take;
    if (!body->left)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)take;
}

static void answer(struct world *world, int32_t id, const char *status, struct script_body *body)
{
    nghttp2_nv fields[] = {nv(":status", status), nv("apns-id", "11-22")};
    nghttp2_data_provider provider = {{.ptr = body}, give_body};
    assert_int_equal(nghttp2_submit_response(world->server, id, fields, 2, body ? &provider : NULL),
                     0);
}

static void expect_end(const struct call *call, enum exchange_end end)
{
    assert_int_equal(call->done, 1);
    assert_int_equal(call->copy.exchange, end);
    assert_int_equal(end == EXCHANGE_WHOLE, call->copy.error.at == NULL);
}

/* Stories. */

static void nothing_begins_before_the_peers_settings(void **state)
{
    struct world *world = *state;
    assert_true(h2_client_output(world->client).len > 0);
    assert_false(h2_client_settled(world->client));
    assert_int_equal(h2_client_room(world->client), 0);
    settle(world, 100, 65535);
    assert_true(h2_client_settled(world->client));
    assert_int_equal(h2_client_room(world->client), 100);
    assert_true(world->push_off);
}

static void a_request_is_answered_whole(void **state)
{
    struct world *world = *state;
    settle(world, 100, 65535);
    struct call *call = begin(world, 0, STR("{\"aps\":{}}"));
    assert_true(call->call.begun);
    pump(world);
    assert_int_equal(world->requests, 1);
    assert_string_equal(world->path, "/3/device/00fc13ad");
    assert_string_equal(world->length, "10");
    assert_int_equal(world->body_bytes, 10);
    assert_false(world->saw_priority);
    world->now.mono.us += 2500;
    world->now.wall.ms += 2;
    struct script_body body = {3};
    answer(world, 1, "410", &body);
    pump(world);
    expect_end(call, EXCHANGE_WHOLE);
    assert_int_equal(call->copy.status, 410);
    assert_true(str_eq(call->copy.body, STR("xxx")));
    assert_true(str_eq(reply_header(&call->copy, STR("apns-id")), STR("11-22")));
    assert_int_equal(call->copy.took.us, 2500);
    assert_int_equal(call->copy.at.ms, 5002);
    assert_int_equal(h2_client_open(world->client), 0);
    assert_int_equal(h2_client_answered(world->client), 1);
}

static void bytes_may_come_one_by_one(void **state)
{
    struct world *world = *state;
    settle(world, 100, 65535);
    struct call *call = begin(world, 0, STR(""));
    client_to_server(world);
    struct script_body body = {5};
    answer(world, 1, "200", &body);
    assert_int_equal(server_to_client(world, 1), OK);
    expect_end(call, EXCHANGE_WHOLE);
    assert_true(str_eq(call->copy.body, STR("xxxxx")));
}

static void interim_responses_are_passed_over(void **state)
{
    struct world *world = *state;
    settle(world, 100, 65535);
    struct call *call = begin(world, 0, STR("body"));
    client_to_server(world);
    nghttp2_nv interim[] = {nv(":status", "103"), nv("link", "x")};
    assert_int_equal(nghttp2_submit_headers(world->server, 0, 1, NULL, interim, 2, NULL), 0);
    pump(world);
    assert_int_equal(call->done, 0);
    answer(world, 1, "200", NULL);
    pump(world);
    expect_end(call, EXCHANGE_WHOLE);
    assert_int_equal(call->copy.status, 200);
    assert_null(reply_header(&call->copy, STR("link")).at);
}

static void the_peers_stream_limit_is_the_room(void **state)
{
    struct world *world = *state;
    settle(world, 1, 65535);
    assert_int_equal(h2_client_room(world->client), 1);
    struct call *first = begin(world, 0, STR("a"));
    assert_int_equal(h2_client_room(world->client), 0);
    pump(world);
    answer(world, 1, "200", NULL);
    pump(world);
    expect_end(first, EXCHANGE_WHOLE);
    assert_int_equal(h2_client_room(world->client), 1);
    settle(world, 0, 65535);
    assert_int_equal(h2_client_room(world->client), 0);
    settle(world, 3, 65535);
    assert_int_equal(h2_client_room(world->client), 3);
}

static void goaway_splits_at_the_last_stream_id(void **state)
{
    struct world *world = *state;
    settle(world, 100, 65535);
    struct call *calls[4];
    for (int i = 0; i < 4; i++)
        calls[i] = begin(world, i, STR("b")); /* ids 1 3 5 7 */
    client_to_server(world);
    const char *reason = "{\"reason\":\"Shutdown\"}";
    assert_int_equal(nghttp2_submit_goaway(world->server, 0, 3, NGHTTP2_NO_ERROR,
                                           (const uint8_t *)reason, strlen(reason)),
                     0);
    assert_int_equal(server_to_client(world, SIZE_MAX), OK);
    assert_true(h2_client_draining(world->client));
    assert_int_equal(h2_client_room(world->client), 0);
    expect_end(calls[2], EXCHANGE_REFUSED);
    expect_end(calls[3], EXCHANGE_REFUSED);
    assert_non_null(strstr(calls[3]->copy.error.at, "Shutdown"));
    assert_int_equal(calls[0]->done + calls[1]->done, 0);
    answer(world, 1, "200", NULL);
    assert_int_equal(server_to_client(world, SIZE_MAX), OK);
    expect_end(calls[0], EXCHANGE_WHOLE);
    /* The peer goes without answering 3: that one is in doubt. */
    h2_client_close(world->client, world->now, "the connection was closed");
    expect_end(calls[1], EXCHANGE_CUT);
}

/* A graceful end (RFC 9113 section 6.8): first a warning without a limit, then the true one. What
 * is above it is proven unprocessed, and stays so however the connection ends. */
static void a_second_goaway_draws_the_line(void **state)
{
    struct world *world = *state;
    settle(world, 100, 65535);
    struct call *calls[2];
    for (int i = 0; i < 2; i++)
        calls[i] = begin(world, i, STR("b"));
    client_to_server(world);
    assert_int_equal(nghttp2_submit_shutdown_notice(world->server), 0);
    assert_int_equal(server_to_client(world, SIZE_MAX), OK);
    assert_int_equal(calls[0]->done + calls[1]->done, 0);
    assert_int_equal(h2_client_room(world->client), 0); /* and nothing new begins */
    assert_int_equal(nghttp2_submit_goaway(world->server, 0, 1, NGHTTP2_NO_ERROR, NULL, 0), 0);
    assert_int_equal(server_to_client(world, SIZE_MAX), OK);
    expect_end(calls[1], EXCHANGE_REFUSED);
    h2_client_close(world->client, world->now, "the connection was reset");
    expect_end(calls[0], EXCHANGE_CUT);
    assert_int_equal(calls[1]->done, 1);
}

static void resets_say_what_they_prove(void **state)
{
    static const struct {
        uint32_t code;
        bool after_headers;
        enum exchange_end end;
    } rows[] = {
        {NGHTTP2_REFUSED_STREAM, false, EXCHANGE_REFUSED},
        {NGHTTP2_REFUSED_STREAM, true, EXCHANGE_CUT}, /* it contradicts itself */
        {NGHTTP2_INTERNAL_ERROR, false, EXCHANGE_CUT},
        {NGHTTP2_NO_ERROR, false, EXCHANGE_CUT},
        {NGHTTP2_CANCEL, true, EXCHANGE_CUT},
        {NGHTTP2_HTTP_1_1_REQUIRED, false, EXCHANGE_CUT},
    };
    struct world *world = *state;
    settle(world, 100, 65535);
    for (int i = 0; i < (int)(sizeof rows / sizeof rows[0]); i++) {
        struct call *call = begin(world, i, STR("c"));
        client_to_server(world);
        nghttp2_nv fields[] = {nv(":status", "200")};
        if (rows[i].after_headers)
            assert_int_equal(
                nghttp2_submit_headers(world->server, 0, world->last_id, NULL, fields, 1, NULL), 0);
        assert_int_equal(server_to_client(world, SIZE_MAX), OK);
        assert_int_equal(nghttp2_submit_rst_stream(world->server, 0, world->last_id, rows[i].code),
                         0);
        pump(world);
        expect_end(call, rows[i].end);
        assert_int_equal(call->copy.status, 0);
    }
    assert_int_equal(h2_client_open(world->client), 0);
}

static void a_deadline_cancels_the_stream_alone(void **state)
{
    struct world *world = *state;
    settle(world, 2, 65535);
    struct call *late = begin(world, 0, STR("d"));
    world->now.mono.us += 1000000;
    struct call *other = begin(world, 1, STR("d"));
    pump(world);
    assert_true(mono_reached(late->call.deadline, h2_client_deadline(world->client)));
    world->now.mono = late->call.deadline;
    /* The peer is alive: it speaks. */
    assert_int_equal(nghttp2_submit_ping(world->server, 0, NULL), 0);
    pump(world);
    struct why why;
    assert_int_equal(h2_client_tick(world->client, world->now, &why), OK);
    expect_end(late, EXCHANGE_CUT);
    assert_int_equal(other->done, 0);
    pump(world);
    assert_int_equal(world->resets, 1);
    assert_int_equal(world->reset_code, NGHTTP2_CANCEL);
    assert_int_equal(h2_client_room(world->client), 1);
    answer(world, 3, "200", NULL);
    pump(world);
    expect_end(other, EXCHANGE_WHOLE);
}

static void a_silent_peer_is_found_dead_by_ping(void **state)
{
    struct world *world = *state;
    struct why why;
    settle(world, 100, 65535);
    struct call *call = begin(world, 0, STR("e"));
    client_to_server(world);
    world->now.mono.us += 5000000;
    assert_int_equal(h2_client_deadline(world->client).us, world->now.mono.us);
    assert_int_equal(h2_client_tick(world->client, world->now, &why), OK);
    client_to_server(world); /* the PING; its answer gets lost */
    world->now.mono.us += 2999999;
    assert_int_equal(h2_client_tick(world->client, world->now, &why), OK);
    world->now.mono.us += 1;
    assert_int_equal(h2_client_deadline(world->client).us, world->now.mono.us);
    assert_int_equal(h2_client_tick(world->client, world->now, &why), ERR_TIMEOUT);
    h2_client_close(world->client, world->now, why.text);
    expect_end(call, EXCHANGE_CUT);
    assert_non_null(strstr(call->copy.error.at, "PING"));
}

static void an_answered_ping_keeps_the_connection(void **state)
{
    struct world *world = *state;
    struct why why;
    settle(world, 100, 65535);
    for (int i = 0; i < 3; i++) {
        world->now.mono.us += 300000000;
        assert_int_equal(h2_client_tick(world->client, world->now, &why), OK);
        assert_true(h2_client_output(world->client).len > 0);
        pump(world);
        assert_int_equal(h2_client_deadline(world->client).us, world->now.mono.us + 300000000);
    }
}

static void a_closed_window_holds_the_body_only(void **state)
{
    struct world *world = *state;
    settle(world, 100, 0);
    struct call *call = begin(world, 0, STR("withheld"));
    pump(world);
    assert_int_equal(world->headers, 1);
    assert_int_equal(world->body_bytes, 0);
    assert_true(h2_client_room(world->client) > 0);
    assert_int_equal(nghttp2_submit_window_update(world->server, 0, 1, 8), 0);
    pump(world);
    assert_int_equal(world->requests, 1);
    answer(world, 1, "200", NULL);
    pump(world);
    expect_end(call, EXCHANGE_WHOLE);
}

static void an_early_answer_counts_and_stops_the_body(void **state)
{
    struct world *world = *state;
    settle(world, 100, 0);
    struct call *call = begin(world, 0, STR("never wanted"));
    pump(world);
    answer(world, 1, "403", NULL);
    pump(world);
    expect_end(call, EXCHANGE_WHOLE);
    assert_int_equal(call->copy.status, 403);
    assert_int_equal(world->body_bytes, 0);
    assert_int_equal(h2_client_open(world->client), 0);
}

static void a_deadline_with_a_closed_window_forgets_the_body(void **state)
{
    struct world *world = *state;
    struct why why;
    settle(world, 100, 0);
    struct call *call = begin(world, 0, STR("withheld"));
    pump(world);
    world->now.mono = call->call.deadline;
    assert_int_equal(h2_client_tick(world->client, world->now, &why), OK);
    expect_end(call, EXCHANGE_CUT);
    arena_reset(&call->arena);
    assert_int_equal(nghttp2_submit_window_update(world->server, 0, 1, 8), 0);
    assert_int_equal(server_to_client(world, SIZE_MAX), OK);
    pump(world);
    assert_int_equal(world->body_bytes, 0);
    assert_int_equal(h2_client_open(world->client), 0);
}

static void a_huge_answer_is_cut_off_and_stopped(void **state)
{
    struct world *world = *state;
    settle(world, 100, 65535);
    struct call *call = begin(world, 0, STR("f"));
    client_to_server(world);
    struct script_body body = {10 * 1024 * 1024};
    answer(world, 1, "200", &body);
    pump(world);
    pump(world);
    expect_end(call, EXCHANGE_WHOLE);
    assert_int_equal(call->copy.body.len, REPLY_BYTES_MAX);
    assert_int_equal(world->reset_code, NGHTTP2_CANCEL);
    assert_int_equal(h2_client_open(world->client), 0);
}

static void too_many_headers_leave_the_status(void **state)
{
    struct world *world = *state;
    settle(world, 100, 65535);
    struct call *call = begin(world, 0, STR("g"));
    client_to_server(world);
    nghttp2_nv fields[200];
    fields[0] = nv(":status", "503");
    for (int i = 1; i < 200; i++)
        fields[i] = nv("x-filler", "abcdefgh");
    assert_int_equal(nghttp2_submit_response(world->server, 1, fields, 200, NULL), 0);
    pump(world);
    expect_end(call, EXCHANGE_WHOLE);
    assert_int_equal(call->copy.status, 503);
    assert_int_equal(call->copy.header_count, REPLY_HEADERS_MAX);
}

static void another_protocol_is_told(void **state)
{
    struct world *world = *state;
    struct why why;
    struct str http1 = STR("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    assert_int_equal(h2_client_receive(world->client, http1, world->now, &why), ERR_INPUT);
    assert_int_equal(h2_client_room(world->client), 0);
}

static void output_fills_records(void **state)
{
    struct world *world = *state;
    settle(world, 100, 65535);
    char body[4096];
    memset(body, 'h', sizeof body);
    int begun = 0;
    while (begun < CALLS && h2_client_room(world->client))
        begin(world, begun++, (struct str){body, sizeof body});
    assert_int_equal(begun, 4); /* 4 x 4 KB: the record is full, the rest waits with its owner */
    assert_true(h2_client_output(world->client).len >= H2_OUTPUT_BYTES);
    assert_true(h2_client_output(world->client).len < H2_OUTPUT_BYTES + 4096 + 100);
}

static void an_exhausted_arena_still_gives_the_status(void **state)
{
    struct world *world = *state;
    settle(world, 100, 65535);
    struct call *call = begin(world, 0, STR("i"));
    client_to_server(world);
    call->arena.max = call->arena.used; /* what is left of the chunk, and no more */
    struct script_body body = {40000};
    answer(world, 1, "429", &body);
    pump(world);
    expect_end(call, EXCHANGE_WHOLE);
    assert_int_equal(call->copy.status, 429);
    assert_true(call->copy.body.len < 40000);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        STORY(nothing_begins_before_the_peers_settings),
        STORY(a_request_is_answered_whole),
        STORY(bytes_may_come_one_by_one),
        STORY(interim_responses_are_passed_over),
        STORY(the_peers_stream_limit_is_the_room),
        STORY(goaway_splits_at_the_last_stream_id),
        STORY(a_second_goaway_draws_the_line),
        STORY(resets_say_what_they_prove),
        STORY(a_deadline_cancels_the_stream_alone),
        STORY(a_silent_peer_is_found_dead_by_ping),
        STORY(an_answered_ping_keeps_the_connection),
        STORY(a_closed_window_holds_the_body_only),
        STORY(an_early_answer_counts_and_stops_the_body),
        STORY(a_deadline_with_a_closed_window_forgets_the_body),
        STORY(a_huge_answer_is_cut_off_and_stopped),
        STORY(too_many_headers_leave_the_status),
        STORY(another_protocol_is_told),
        STORY(output_fills_records),
        STORY(an_exhausted_arena_still_gives_the_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
