/* test/unit/test_transports.c - the port, over every wire at once, against peers on loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../peers/certs.h"
#include "../peers/h2_sink.h"
#include "../peers/http_peer.h"
#include "../peers/smtp_peer.h"
#include "calls.h"
#include "net/transports.h"
#include <curl/curl.h>
#include <stdio.h>

enum { CALLS_MAX = 200 };

struct world {
    struct guarded_loop loop;
    struct certs certs;
    SSL_CTX *h2_tls, *http_tls;
    struct h2_sink h2;
    struct http_peer http;
    struct smtp_peer smtp;
    char h2_origin[64], http_origin[64], smtp_origin[64];
    struct transport *transport;
    struct call calls[CALLS_MAX];
    int made, done;
};

static void say_created(struct http_peer *peer, struct pipe *pipe)
{
    (void)peer;
    pipe_send(pipe, STR("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"));
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    certs_init(&world->certs);
    guarded_open(&world->loop);
    uv_loop_t *loop = &world->loop.loop;
    world->h2_tls = certs_server(&world->certs, "DNS:localhost", "h2");
    world->http_tls = certs_server(&world->certs, "DNS:localhost", "http/1.1");
    struct smtp_script script = smtp_script_kind();
    h2_sink_open(&world->h2, loop, world->h2_tls, 100);
    http_peer_open(&world->http, loop, world->http_tls, say_created);
    smtp_peer_open(&world->smtp, loop, NULL, &script);
    (void)snprintf(world->h2_origin, 64, "https://localhost:%u", world->h2.listener.port);
    (void)snprintf(world->http_origin, 64, "https://localhost:%u", world->http.listener.port);
    (void)snprintf(world->smtp_origin, 64, "smtp://127.0.0.1:%u", world->smtp.listener.port);
    struct entropy entropy = system_entropy();
    struct why why;
    assert_int_equal(transports_new(loop, system_clock(), &entropy, &world->transport, &why), OK);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    if (world->transport)
        world->transport->ops->close(world->transport);
    h2_sink_close(&world->h2);
    http_peer_close(&world->http);
    smtp_peer_close(&world->smtp);
    assert_true(guarded_close(&world->loop));
    SSL_CTX_free(world->h2_tls);
    SSL_CTX_free(world->http_tls);
    certs_done(&world->certs);
    for (int i = 0; i < world->made; i++)
        arena_done(&world->calls[i].arena);
    free(world);
    return 0;
}

static struct request on_wire(const struct world *world, enum wire wire)
{
    const char *origin = wire == WIRE_H2     ? world->h2_origin
                         : wire == WIRE_HTTP ? world->http_origin
                                             : world->smtp_origin;
    struct request request = {.wire = wire,
                              .method = STR("POST"),
                              .origin = str_of(origin),
                              .path = STR("/path"),
                              .body = STR("body\r\n"),
                              .ca = certs_roots(&world->certs),
                              .mail_from = STR("a@example.org"),
                              .mail_to = STR("b@example.net"),
                              .smtp_starttls = STARTTLS_OFF,
                              .sandbox_status = 202,
                              .sandbox_delay = span_ms(1)};
    return request;
}

static struct call *submit(struct world *world, const struct request *request)
{
    assert_true(world->made < CALLS_MAX);
    struct call *call = &world->calls[world->made++];
    call_init(call, request, 15000, &world->done);
    world->transport->ops->submit(world->transport, &call->call);
    assert_int_equal(call->done, 0);
    return call;
}

static bool withdraw(struct world *world, struct call *call)
{
    return world->transport->ops->withdraw(world->transport, &call->call);
}

static void run(struct world *world)
{
    assert_true(guarded_run(&world->loop, &world->done, world->made));
}

static const enum wire wires[] = {WIRE_H2, WIRE_HTTP, WIRE_SMTP, WIRE_SANDBOX};
enum { WIRES = sizeof wires / sizeof wires[0] };

/* Stories. */

static void every_wire_has_its_answer(void **state)
{
    static const int expected[WIRES] = {200, 201, 250, 202};
    struct world *world = *state;
    for (int round = 0; round < 10; round++)
        for (int i = 0; i < WIRES; i++) {
            struct request request = on_wire(world, wires[i]);
            assert_true(world->transport->ops->room(world->transport, &request) > 0);
            submit(world, &request);
        }
    run(world);
    for (int i = 0; i < world->made; i++) {
        assert_int_equal(world->calls[i].reply.exchange, EXCHANGE_WHOLE);
        assert_int_equal(world->calls[i].reply.status, expected[i % WIRES]);
    }
    assert_int_equal(world->h2.requests, 10);
    assert_int_equal(world->http.requests, 10);
    assert_int_equal(world->smtp.mails, 10);
}

static void what_was_just_submitted_can_be_withdrawn(void **state)
{
    struct world *world = *state;
    struct call *calls[WIRES + 1];
    for (int i = 0; i < WIRES; i++) {
        struct request request = on_wire(world, wires[i]);
        calls[i] = submit(world, &request);
    }
    struct request bad = on_wire(world, WIRE_HTTP);
    bad.path = STR("/a b");
    calls[WIRES] = submit(world, &bad);
    for (int i = 0; i < WIRES + 1; i++)
        assert_true(withdraw(world, calls[i]));
    struct request request = on_wire(world, WIRE_SANDBOX);
    submit(world, &request);
    world->made -= WIRES + 1; /* those are done with */
    assert_true(guarded_run(&world->loop, &world->done, 1));
    world->made += WIRES + 1;
    for (int i = 0; i < WIRES + 1; i++)
        assert_int_equal(calls[i]->done, 0);
    assert_int_equal(
        world->h2.requests + (unsigned)world->http.requests + (unsigned)world->smtp.began, 0);
}

static void an_origin_without_http2_falls_back(void **state)
{
    struct world *world = *state;
    struct request request = on_wire(world, WIRE_H2);
    request.origin = str_of(world->http_origin);
    for (int i = 0; i < 5; i++)
        submit(world, &request);
    run(world);
    for (int i = 0; i < 5; i++)
        assert_int_equal(world->calls[i].reply.status, 201);
    /* Asked once, then known. */
    unsigned accepted = world->http.listener.accepted;
    submit(world, &request);
    run(world);
    assert_int_equal(world->calls[5].reply.status, 201);
    assert_int_equal(world->http.listener.accepted, accepted);
    assert_int_equal(world->http.requests, 6);
}

static void subscribers_never_use_the_pool(void **state)
{
    struct world *world = *state;
    struct request request = on_wire(world, WIRE_H2);
    request.subscriber_chosen = true;
    struct call *call = submit(world, &request);
    run(world);
    assert_int_equal(call->reply.exchange, EXCHANGE_UNSENT);
    assert_true(str_starts(call->reply.error, STR("refused endpoint:")));
    assert_int_equal(world->h2.listener.accepted, 0);
}

static void impossible_requests_are_refused(void **state)
{
    struct world *world = *state;
    struct request request = on_wire(world, WIRE_H2);
    request.path = STR("/a\r\nb");
    struct call *call = submit(world, &request);
    run(world);
    assert_int_equal(call->reply.exchange, EXCHANGE_UNSENT);
    assert_true(str_starts(call->reply.error, STR("refused request:")));
}

static void without_memory_it_is_unsent(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < WIRES; i++) {
        struct request request = on_wire(world, wires[i]);
        struct call *call = &world->calls[world->made++];
        call_init(call, &request, 15000, &world->done);
        call->arena.max = 0;
        world->transport->ops->submit(world->transport, &call->call);
        assert_int_equal(call->done, 0);
    }
    assert_true(withdraw(world, &world->calls[1]));
    assert_true(guarded_run(&world->loop, &world->done, WIRES - 1));
    for (int i = 0; i < WIRES; i++) {
        assert_int_equal(world->calls[i].done, i != 1);
        if (i != 1)
            assert_int_equal(world->calls[i].reply.exchange, EXCHANGE_UNSENT);
    }
}

static void the_sandbox_does_as_it_is_told(void **state)
{
    struct world *world = *state;
    struct request request = on_wire(world, WIRE_SANDBOX);
    request.sandbox_delay = span_ms(20);
    submit(world, &request);
    request.sandbox_status = 0;
    request.sandbox_delay = span_ms(0);
    submit(world, &request);
    request.sandbox_status = 410;
    submit(world, &request);
    assert_true(guarded_run(&world->loop, &world->done, 2));
    assert_int_equal(world->calls[0].done, 0); /* the slow one comes last */
    assert_false(withdraw(world, &world->calls[0]));
    assert_int_equal(world->calls[1].reply.exchange, EXCHANGE_CUT);
    assert_int_equal(world->calls[2].reply.status, 410);
    assert_true(str_starts(world->calls[2].reply.body, STR("{\"id\":\"sbx-")));
    run(world);
    assert_true(str_eq(world->calls[0].reply.body, world->calls[2].reply.body));
    assert_true(world->calls[0].reply.took.us >= 20000);
}

static void closing_answers_everyone(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < WIRES; i++) {
        struct request request = on_wire(world, wires[i]);
        request.sandbox_delay = span_s(100);
        submit(world, &request);
        request.path = STR("/ ");
        submit(world, &request);
    }
    (void)uv_run(&world->loop.loop, UV_RUN_NOWAIT);
    world->transport->ops->close(world->transport);
    world->transport = NULL;
    assert_int_equal(world->done, world->made);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        STORY(every_wire_has_its_answer),          STORY(what_was_just_submitted_can_be_withdrawn),
        STORY(an_origin_without_http2_falls_back), STORY(subscribers_never_use_the_pool),
        STORY(impossible_requests_are_refused),    STORY(without_memory_it_is_unsent),
        STORY(the_sandbox_does_as_it_is_told),     STORY(closing_answers_everyone),
    };
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
