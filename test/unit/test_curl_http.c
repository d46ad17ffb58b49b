/* test/unit/test_curl_http.c - HTTP/1.1 exchanges against raw servers: what was sent, how often,
 * and what each way of ending proves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../peers/certs.h"
#include "../peers/http_peer.h"
#include "calls.h"
#include "model/limits.h"
#include "net/curl_transport.h"
#include <curl/curl.h>
#include <stdio.h>

enum { CALLS_MAX = 700 };

struct world {
    struct guarded_loop loop;
    struct certs certs;
    SSL_CTX *tls;
    struct http_peer peer;
    struct curl_transport *transport;
    struct call calls[CALLS_MAX];
    int made, done;
    char origin[64];
    struct pipe *held[256];
    int held_count;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    certs_init(&world->certs);
    guarded_open(&world->loop);
    struct entropy entropy = system_entropy();
    struct why why;
    assert_int_equal(
        curl_transport_new(&world->loop.loop, system_clock(), &entropy, &world->transport, &why),
        OK);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    if (world->transport)
        curl_transport_close(world->transport);
    if (world->peer.handle)
        http_peer_close(&world->peer);
    assert_true(guarded_close(&world->loop));
    SSL_CTX_free(world->tls);
    certs_done(&world->certs);
    for (int i = 0; i < world->made; i++)
        arena_done(&world->calls[i].arena);
    free(world);
    return 0;
}

static void open_peer(struct world *world, const char *names,
                      void (*handle)(struct http_peer *peer, struct pipe *pipe))
{
    if (names)
        world->tls = certs_server(&world->certs, names, NULL);
    http_peer_open(&world->peer, &world->loop.loop, world->tls, handle);
    world->peer.owner = world;
    (void)snprintf(world->origin, sizeof world->origin, "%s://127.0.0.1:%u",
                   names ? "https" : "http", world->peer.listener.port);
}

static struct request post(const struct world *world)
{
    return (struct request){
        .wire = WIRE_HTTP,
        .method = STR("POST"),
        .origin = str_of(world->origin),
        .path = STR("/2010-04-01/Messages.json?a=%2B1"),
        .headers = {{STR("content-type"), STR("text/plain")}, {STR("x-empty"), STR("")}},
        .header_count = 2,
        .body = STR("To=%2B15550001&Body=hello"),
        .ca = certs_roots(&world->certs)};
}

static struct call *submit(struct world *world, const struct request *request, int timeout_ms)
{
    assert_true(world->made < CALLS_MAX);
    struct call *call = &world->calls[world->made++];
    call_init(call, request, timeout_ms, &world->done);
    assert_true(curl_transport_submit(world->transport, &call->call));
    assert_int_equal(call->done, 0);
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
    assert_int_equal(call->reply.exchange, end);
    assert_int_equal(call->reply.status, status);
    assert_int_equal(end == EXCHANGE_WHOLE, call->reply.error.at == NULL);
}

/* What peers do. */

static void say_created(struct http_peer *peer, struct pipe *pipe)
{
    (void)peer;
    pipe_send(pipe, STR("HTTP/1.1 201 Created\r\nContent-Length: 13\r\nX-One: 1\r\n"
                        "Retry-After: 7\r\n\r\n{\"sid\":\"SM1\"}"));
}

static void say_nothing(struct http_peer *peer, struct pipe *pipe)
{
    (void)peer;
    pipe_finish(pipe);
}

static void answer_once(struct http_peer *peer, struct pipe *pipe)
{
    if (peer->of_pipe == 1)
        say_created(peer, pipe);
    else
        pipe_finish(pipe);
}

static void say_reset(struct http_peer *peer, struct pipe *pipe)
{
    (void)peer;
    pipe_drop(pipe, true);
}

static void say_half(struct http_peer *peer, struct pipe *pipe)
{
    (void)peer;
    pipe_send(pipe, STR("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"));
    pipe_finish(pipe);
}

static void hold(struct http_peer *peer, struct pipe *pipe)
{
    struct world *world = peer->owner;
    assert_true(world->held_count < 256);
    world->held[world->held_count++] = pipe;
}

static void say_interim(struct http_peer *peer, struct pipe *pipe)
{
    pipe_send(pipe,
              STR("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"));
    say_created(peer, pipe);
}

static void say_redirect(struct http_peer *peer, struct pipe *pipe)
{
    (void)peer;
    pipe_send(pipe, STR("HTTP/1.1 307 Over There\r\nLocation: /elsewhere\r\n"
                        "Content-Length: 0\r\n\r\n"));
}

static void say_much(struct http_peer *peer, struct pipe *pipe)
{
    (void)peer;
    static char megabytes[4 * 1024 * 1024];
    memset(megabytes, 'y', sizeof megabytes);
    pipe_send(pipe, STR("HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\n"));
    pipe_send(pipe, (struct str){megabytes, sizeof megabytes});
}

static void say_chunks(struct http_peer *peer, struct pipe *pipe)
{
    (void)peer;
    pipe_send(pipe, STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "3\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n"));
}

static void say_garbage(struct http_peer *peer, struct pipe *pipe)
{
    (void)peer;
    pipe_send(pipe, STR("220 mail.example ESMTP\r\n"));
    pipe_finish(pipe);
}

/* Stories. */

static void a_post_is_sent_as_composed(void **state)
{
    struct world *world = *state;
    open_peer(world, NULL, say_created);
    struct request request = post(world);
    struct call *call = send_one(world, &request);
    expect(call, EXCHANGE_WHOLE, 201);
    assert_true(str_eq(call->reply.body, STR("{\"sid\":\"SM1\"}")));
    assert_true(str_eq(reply_header(&call->reply, STR("x-one")), STR("1")));
    assert_true(str_eq(call->reply.headers[1].name, STR("x-one"))); /* in lower case */
    assert_int_equal(reply_retry_after(&call->reply).us, 7000000);
    char expected[512];
    (void)snprintf(expected, sizeof expected,
                   "POST /2010-04-01/Messages.json?a=%%2B1 HTTP/1.1\r\n"
                   "Host: 127.0.0.1:%u\r\n"
                   "content-type: text/plain\r\n"
                   "x-empty:\r\n"
                   "Content-Length: 25\r\n\r\n"
                   "To=%%2B15550001&Body=hello",
                   world->peer.listener.port);
    assert_string_equal(world->peer.last, expected);
}

static void methods_and_bodies(void **state)
{
    static const struct {
        const char *method, *body, *head;
    } rows[] = {
        {"GET", "", "GET /p HTTP/1.1\r\nHost: %s\r\n\r\n"},
        {"DELETE", "", "DELETE /p HTTP/1.1\r\nHost: %s\r\n\r\n"},
        {"POST", "", "POST /p HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n\r\n"},
        {"PUT", "xy", "PUT /p HTTP/1.1\r\nHost: %s\r\nContent-Length: 2\r\n\r\nxy"},
    };
    struct world *world = *state;
    open_peer(world, NULL, say_created);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct request request = {.wire = WIRE_HTTP,
                                  .method = str_of(rows[i].method),
                                  .origin = str_of(world->origin),
                                  .path = STR("/p"),
                                  .body = str_of(rows[i].body)};
        expect(send_one(world, &request), EXCHANGE_WHOLE, 201);
        char expected[256], host[64];
        (void)snprintf(host, sizeof host, "127.0.0.1:%u", world->peer.listener.port);
        const char *split = strstr(rows[i].head, "%s");
        (void)snprintf(expected, sizeof expected, "%.*s%s%s", (int)(split - rows[i].head),
                       rows[i].head, host, split + 2);
        assert_string_equal(world->peer.last, expected);
    }
}

static void connections_are_used_again(void **state)
{
    struct world *world = *state;
    open_peer(world, "IP:127.0.0.1", say_created);
    struct request request = post(world);
    for (int i = 0; i < 5; i++)
        expect(send_one(world, &request), EXCHANGE_WHOLE, 201);
    assert_int_equal(world->peer.listener.accepted, 1);
    /* Without a body it could be sent again in silence: never over a used connection. */
    request.method = STR("GET");
    request.body = STR_NONE;
    expect(send_one(world, &request), EXCHANGE_WHOLE, 201);
    assert_int_equal(world->peer.listener.accepted, 2);
}

static void a_close_on_second_use_is_one_request_and_in_doubt(void **state)
{
    struct world *world = *state;
    open_peer(world, NULL, answer_once);
    struct request request = post(world);
    expect(send_one(world, &request), EXCHANGE_WHOLE, 201);
    struct call *second = send_one(world, &request);
    expect(second, EXCHANGE_CUT, 0);
    assert_int_equal(world->peer.requests, 2);
}

static void an_empty_post_is_not_repeated_either(void **state)
{
    struct world *world = *state;
    open_peer(world, NULL, answer_once);
    struct request request = post(world);
    expect(send_one(world, &request), EXCHANGE_WHOLE, 201);
    world->peer.handle = say_nothing;
    request.body = STR("");
    expect(send_one(world, &request), EXCHANGE_CUT, 0);
    assert_int_equal(world->peer.requests, 2);
}

static void ends_without_an_answer_are_in_doubt(void **state)
{
    static const struct {
        void (*handle)(struct http_peer *peer, struct pipe *pipe);
    } rows[] = {{say_nothing}, {say_reset}, {say_half}, {say_garbage}};
    struct world *world = *state;
    open_peer(world, NULL, say_nothing);
    struct request request = post(world);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        world->peer.handle = rows[i].handle;
        struct call *call = send_one(world, &request);
        expect(call, EXCHANGE_CUT, 0);
        assert_true(call->call.begun);
        assert_int_equal(world->peer.requests, i + 1);
    }
}

static void a_deadline_cuts(void **state)
{
    struct world *world = *state;
    open_peer(world, NULL, hold);
    struct request request = post(world);
    struct call *call = submit(world, &request, 300);
    assert_true(guarded_run(&world->loop, &world->held_count, 1));
    assert_false(curl_transport_withdraw(world->transport, &call->call));
    assert_true(guarded_run(&world->loop, &world->done, 1));
    expect(call, EXCHANGE_CUT, 0);
    assert_true(call->reply.took.us > 0);
}

static void other_answers(void **state)
{
    static const struct {
        void (*handle)(struct http_peer *peer, struct pipe *pipe);
        int status;
        size_t body;
    } rows[] = {
        {say_interim, 201, 13},
        {say_redirect, 307, 0},
        {say_much, 200, REPLY_BYTES_MAX},
        {say_chunks, 200, 5},
    };
    struct world *world = *state;
    open_peer(world, NULL, say_created);
    struct request request = post(world);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        world->peer.handle = rows[i].handle;
        struct call *call = send_one(world, &request);
        expect(call, EXCHANGE_WHOLE, rows[i].status);
        assert_int_equal(call->reply.body.len, rows[i].body);
        assert_null(reply_header(&call->reply, STR("link")).at);
        assert_int_equal(world->peer.requests, i + 1); /* no redirect was followed */
    }
}

static void what_never_connects_is_unsent(void **state)
{
    struct world *world = *state;
    open_peer(world, "DNS:other.example", say_created);
    unsigned port = world->peer.listener.port;
    struct {
        char origin[64];
        const char *error;
        bool system_roots;
    } rows[] = {
        {"http://127.0.0.1:1", "connect", false},
        {"https://nobody.invalid", "resolve host", false},
        {"", "no alternative certificate subject name", false},
        {"", "certificate", true},
        {"ftp://127.0.0.1", "is no origin", false},
        {"smtp://127.0.0.1", "not for this wire", false},
    };
    (void)snprintf(rows[2].origin, sizeof rows[2].origin, "https://127.0.0.1:%u", port);
    (void)snprintf(rows[3].origin, sizeof rows[3].origin, "https://127.0.0.1:%u", port);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct request request = post(world);
        request.origin = str_of(rows[i].origin);
        if (rows[i].system_roots)
            request.ca = STR_NONE;
        struct call *call = send_one(world, &request);
        expect(call, EXCHANGE_UNSENT, 0);
        assert_false(call->call.begun);
        if (!call_error_has(call, rows[i].error))
            fail_msg("%s: %.*s", rows[i].origin, STR_ARG(call->reply.error));
    }
    assert_int_equal(world->peer.requests, 0);
}

static void proxies_of_the_environment_are_ignored(void **state)
{
    struct world *world = *state;
    open_peer(world, NULL, say_created);
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    assert_int_equal(setenv("ALL_PROXY", "http://127.0.0.1:1", 1), 0);
    struct request request = post(world);
    expect(send_one(world, &request), EXCHANGE_WHOLE, 201);
    assert_int_equal(unsetenv("http_proxy"), 0);
    assert_int_equal(unsetenv("ALL_PROXY"), 0);
}

static void subscribers_cannot_lead_inside(void **state)
{
    static const char *const hosts[] = {
        "127.0.0.1",       "localhost",          "2130706433",    "0x7f000001",
        "0x7f.1",          "0177.0.0.1",         "127.1",         "0",
        "[::1]",           "[::ffff:127.0.0.1]", "[::]",          "10.0.0.1",
        "169.254.169.254", "[fe80::1]",          "[::127.0.0.1]", "0.0.0.0",
        "192.168.1.1",     "user@127.0.0.1",     "127.0.0.1%2f",  "[::1%25lo]",
    };
    struct world *world = *state;
    open_peer(world, "IP:127.0.0.1,IP:::1,DNS:localhost", say_created);
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        (void)snprintf(world->origin, sizeof world->origin, "https://%s:%u", hosts[i],
                       world->peer.listener.port);
        struct request request = post(world);
        request.subscriber_chosen = true;
        struct call *call = send_one(world, &request);
        expect(call, EXCHANGE_UNSENT, 0);
        if (!str_starts(call->reply.error, STR("refused endpoint:")))
            fail_msg("%s: %.*s", hosts[i], STR_ARG(call->reply.error));
    }
    assert_int_equal(world->peer.listener.accepted, 0);
}

static void allowed_networks_are_reached(void **state)
{
    struct world *world = *state;
    open_peer(world, NULL, say_created);
    struct request request = post(world);
    request.subscriber_chosen = true;
    expect(send_one(world, &request), EXCHANGE_UNSENT, 0);
    request.pins_allowed = STR("10.0.0.0/8, 127.0.0.0/8");
    expect(send_one(world, &request), EXCHANGE_WHOLE, 201);
    /* The connection that stands now is not for one who may not go there. */
    request.pins_allowed = STR_NONE;
    struct call *call = send_one(world, &request);
    expect(call, EXCHANGE_UNSENT, 0);
    assert_true(str_starts(call->reply.error, STR("refused endpoint:")));
    assert_int_equal(world->peer.requests, 1);
}

static void room_shrinks_and_the_rest_waits(void **state)
{
    struct world *world = *state;
    open_peer(world, NULL, hold);
    struct request request = post(world);
    assert_int_equal(curl_transport_room(world->transport, &request), HTTP1_CONNECTIONS_MAX);
    for (int i = 0; i < HTTP1_CONNECTIONS_MAX + 5; i++)
        submit(world, &request, 15000);
    assert_int_equal(curl_transport_room(world->transport, &request), 0);
    int begun = 0;
    for (int i = world->made - 1; i >= 2; i--) /* before anything is connected */
        assert_true(curl_transport_withdraw(world->transport, &world->calls[i].call));
    assert_int_equal(curl_transport_room(world->transport, &request), HTTP1_CONNECTIONS_MAX - 2);
    assert_true(guarded_run(&world->loop, &world->held_count, 2));
    for (int i = 0; i < world->made; i++)
        begun += world->calls[i].call.begun;
    assert_int_equal(begun, 2);
    world->peer.handle = say_created;
    for (int i = 0; i < 2; i++)
        say_created(&world->peer, world->held[i]);
    assert_true(guarded_run(&world->loop, &world->done, 2));
    assert_int_equal(world->peer.requests, 2);
}

static void more_than_an_origin_takes_follows_in_turn(void **state)
{
    struct world *world = *state;
    open_peer(world, NULL, say_created);
    struct request request = post(world);
    for (int i = 0; i < CALLS_MAX; i++)
        submit(world, &request, 15000);
    assert_true(guarded_run(&world->loop, &world->done, CALLS_MAX));
    for (int i = 0; i < CALLS_MAX; i++)
        expect(&world->calls[i], EXCHANGE_WHOLE, 201);
    assert_int_equal(world->peer.requests, CALLS_MAX);
    assert_in_range(world->peer.listener.accepted, 1, HTTP1_CONNECTIONS_MAX);
}

static void closing_ends_everything(void **state)
{
    struct world *world = *state;
    open_peer(world, NULL, hold);
    struct request request = post(world);
    for (int i = 0; i < HTTP1_CONNECTIONS_MAX + 3; i++)
        submit(world, &request, 15000);
    assert_true(guarded_run(&world->loop, &world->held_count, 1));
    curl_transport_close(world->transport);
    world->transport = NULL;
    for (int i = 0; i < world->made; i++)
        expect(&world->calls[i], world->calls[i].call.begun ? EXCHANGE_CUT : EXCHANGE_UNSENT, 0);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        STORY(a_post_is_sent_as_composed),
        STORY(methods_and_bodies),
        STORY(connections_are_used_again),
        STORY(a_close_on_second_use_is_one_request_and_in_doubt),
        STORY(an_empty_post_is_not_repeated_either),
        STORY(ends_without_an_answer_are_in_doubt),
        STORY(a_deadline_cuts),
        STORY(other_answers),
        STORY(what_never_connects_is_unsent),
        STORY(proxies_of_the_environment_are_ignored),
        STORY(subscribers_cannot_lead_inside),
        STORY(allowed_networks_are_reached),
        STORY(room_shrinks_and_the_rest_waits),
        STORY(more_than_an_origin_takes_follows_in_turn),
        STORY(closing_ends_everything),
    };
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
