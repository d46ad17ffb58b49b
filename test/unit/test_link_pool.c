/* test/unit/test_link_pool.c - the pool against real sockets on loopback.
 *
 *   calls -> link_pool -> TCP (TLS) -> h2_sink, which does what the story says
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../peers/certs.h"
#include "../peers/h2_sink.h"
#include "calls.h"
#include "model/limits.h"
#include "net/link_pool.h"
#include <stdio.h>

enum { CALLS_MAX = 3000 };

struct world {
    struct guarded_loop loop;
    struct certs certs;
    SSL_CTX *tls;
    struct h2_sink sink;
    bool sink_open;
    struct listener other; /* a peer of another kind */
    struct link_pool *pool;
    struct call *calls;
    int made, done;
    char origin[64];
    struct pipe *held[64]; /* requests that the sink sits on */
    int32_t held_ids[64];
    int held_count;
    int handed_over;
};

static void on_fallback(void *self, struct exchange_call *call)
{
    struct world *world = self;
    (void)call;
    world->handed_over++;
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->calls = calloc(CALLS_MAX, sizeof *world->calls);
    assert_non_null(world->calls);
    certs_init(&world->certs);
    guarded_open(&world->loop);
    struct link_fallback fallback = {on_fallback, world};
    struct entropy entropy = system_entropy();
    struct why why;
    assert_int_equal(
        link_pool_new(&world->loop.loop, system_clock(), &entropy, &fallback, &world->pool, &why),
        OK);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    if (world->pool)
        link_pool_close(world->pool);
    if (world->sink_open)
        h2_sink_close(&world->sink);
    assert_true(guarded_close(&world->loop));
    SSL_CTX_free(world->tls);
    certs_done(&world->certs);
    for (int i = 0; i < world->made; i++)
        arena_done(&world->calls[i].arena);
    free(world->calls);
    free(world);
    return 0;
}

static void open_sink(struct world *world, const char *names, const char *alpn, unsigned streams)
{
    world->tls = names ? certs_server(&world->certs, names, alpn) : NULL;
    h2_sink_open(&world->sink, &world->loop.loop, world->tls, streams);
    world->sink.owner = world;
    world->sink_open = true;
    (void)snprintf(world->origin, sizeof world->origin, "%s://%s:%u", names ? "https" : "http",
                   names && strstr(names, "DNS:localhost") ? "localhost" : "127.0.0.1",
                   world->sink.listener.port);
}

static struct request request_of(const struct world *world)
{
    return (struct request){.wire = WIRE_H2,
                            .method = STR("POST"),
                            .origin = str_of(world->origin),
                            .path = STR("/3/device/abc"),
                            .headers = {{STR("apns-topic"), STR("com.example")}},
                            .header_count = 1,
                            .body = STR("{\"aps\":{\"alert\":\"hello\"}}"),
                            .ca = certs_roots(&world->certs)};
}

static struct call *submit_for(struct world *world, int timeout_ms)
{
    assert_true(world->made < CALLS_MAX);
    struct call *call = &world->calls[world->made++];
    struct request request = request_of(world);
    call_init(call, &request, timeout_ms, &world->done);
    assert_true(link_pool_submit(world->pool, &call->call));
    assert_int_equal(call->done, 0); /* never inside submit */
    return call;
}

static struct call *submit(struct world *world)
{
    return submit_for(world, 15000);
}

static void run_until_done(struct world *world, int count)
{
    assert_true(guarded_run(&world->loop, &world->done, count));
}

static void hold(struct h2_sink *sink, struct pipe *pipe, int32_t id)
{
    struct world *world = sink->owner;
    assert_true(world->held_count < 64);
    world->held[world->held_count] = pipe;
    world->held_ids[world->held_count++] = id;
}

/* Stories. */

static void many_exchanges_share_few_connections(void **state)
{
    struct world *world = *state;
    open_sink(world, "DNS:localhost,IP:127.0.0.1", "h2", 100);
    for (int i = 0; i < 2000; i++)
        submit(world);
    run_until_done(world, 2000);
    for (int i = 0; i < 2000; i++) {
        assert_int_equal(world->calls[i].reply.exchange, EXCHANGE_WHOLE);
        assert_int_equal(world->calls[i].reply.status, 200);
        assert_int_equal(world->calls[i].done, 1);
    }
    assert_int_equal(world->sink.requests, 2000);
    assert_in_range(world->sink.listener.accepted, 1, POOL_CONNECTIONS_MAX);
    struct request request = request_of(world);
    assert_true(link_pool_room(world->pool, &request) >= 100);
}

static void a_certificate_decides(void **state)
{
    static const struct {
        const char *names;
        const char *host;
        bool own_roots;
        const char *error; /* NULL: it is accepted */
    } rows[] = {
        {"DNS:localhost", "localhost", true, NULL},
        {"IP:127.0.0.1", "127.0.0.1", true, NULL},
        {"DNS:other.example", "localhost", true, "hostname mismatch"},
        {"DNS:localhost", "127.0.0.1", true, "IP address mismatch"},
        {"DNS:127.0.0.1", "127.0.0.1", true, "IP address mismatch"},
        {"DNS:localhost", "localhost", false, "certificate"},
    };
    struct world *world = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        open_sink(world, rows[i].names, "h2", 100);
        (void)snprintf(world->origin, sizeof world->origin, "https://%s:%u", rows[i].host,
                       world->sink.listener.port);
        struct call *call = &world->calls[world->made++];
        struct request request = request_of(world);
        if (!rows[i].own_roots)
            request.ca = STR_NONE;
        call_init(call, &request, 15000, &world->done);
        assert_true(link_pool_submit(world->pool, &call->call));
        run_until_done(world, world->made);
        assert_int_equal(call->reply.exchange, rows[i].error ? EXCHANGE_UNSENT : EXCHANGE_WHOLE);
        assert_int_equal(world->sink.requests, rows[i].error ? 0 : 1);
        if (rows[i].error)
            assert_true(call_error_has(call, rows[i].error));
        h2_sink_close(&world->sink);
        world->sink_open = false;
        (void)uv_run(&world->loop.loop, UV_RUN_NOWAIT);
        (void)uv_run(&world->loop.loop, UV_RUN_NOWAIT);
        SSL_CTX_free(world->tls);
        world->tls = NULL;
    }
}

static void a_refused_connection_fails_all_that_waits(void **state)
{
    struct world *world = *state;
    open_sink(world, NULL, NULL, 1);
    h2_sink_close(&world->sink);
    world->sink_open = false;
    struct request request = request_of(world);
    assert_int_equal(link_pool_room(world->pool, &request), 100);
    for (int i = 0; i < 5; i++)
        submit(world);
    assert_int_equal(link_pool_room(world->pool, &request), 95);
    run_until_done(world, 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(world->calls[i].reply.exchange, EXCHANGE_UNSENT);
        assert_true(call_error_has(&world->calls[i], "connection refused"));
        assert_false(world->calls[i].call.begun);
    }
    assert_int_equal(link_pool_room(world->pool, &request), 1); /* the one that tries again */
    struct call *again = submit_for(world, 2000);
    assert_int_equal(link_pool_room(world->pool, &request), 0);
    run_until_done(world, 6);
    assert_int_equal(again->reply.exchange, EXCHANGE_UNSENT);
    assert_true(call_error_has(again, "connection refused")); /* and not its deadline */
}

static void a_host_without_an_address_is_unsent(void **state)
{
    struct world *world = *state;
    (void)snprintf(world->origin, sizeof world->origin, "https://nobody.invalid");
    struct call *call = submit(world);
    run_until_done(world, 1);
    assert_int_equal(call->reply.exchange, EXCHANGE_UNSENT);
    assert_true(call_error_has(call, "resolving nobody.invalid"));
}

static void strange_origins_are_unsent(void **state)
{
    static const char *const origins[] = {"https://", "ftp://localhost", "https://user@localhost",
                                          "http://192.0.2.1", "https://localhost/path"};
    struct world *world = *state;
    for (int i = 0; i < (int)(sizeof origins / sizeof origins[0]); i++) {
        (void)snprintf(world->origin, sizeof world->origin, "%s", origins[i]);
        struct call *call = submit(world);
        run_until_done(world, i + 1);
        assert_int_equal(call->reply.exchange, EXCHANGE_UNSENT);
    }
}

static void another_protocol_is_handed_over(void **state)
{
    struct world *world = *state;
    open_sink(world, "DNS:localhost", "http/1.1", 1);
    for (int i = 0; i < 3; i++)
        submit(world);
    assert_true(guarded_run(&world->loop, &world->handed_over, 3));
    assert_int_equal(world->done, 0);
    struct request request = request_of(world);
    assert_true(link_pool_is_refused(world->pool, &request));
    assert_int_equal(world->sink.requests, 0);
}

static void prior_knowledge_works_on_loopback(void **state)
{
    struct world *world = *state;
    open_sink(world, NULL, NULL, 100);
    submit(world);
    run_until_done(world, 1);
    assert_int_equal(world->calls[0].reply.exchange, EXCHANGE_WHOLE);
}

static void say_http1(void *self, struct pipe *pipe, struct str bytes)
{
    (void)self, (void)bytes;
    pipe_send(pipe, STR("HTTP/1.1 505 No\r\nConnection: close\r\n\r\n"));
    pipe_finish(pipe);
}

static void a_peer_without_http2_gets_nothing(void **state)
{
    struct world *world = *state;
    struct pipe_events events = {.received = say_http1};
    listener_open(&world->other, &world->loop.loop, NULL, &events);
    (void)snprintf(world->origin, sizeof world->origin, "http://127.0.0.1:%u", world->other.port);
    struct call *call = submit(world);
    run_until_done(world, 1);
    assert_int_equal(call->reply.exchange, EXCHANGE_UNSENT);
    assert_true(call_error_has(call, "does not speak HTTP/2"));
    listener_close(&world->other);
}

static void what_waits_for_a_stream_can_be_withdrawn(void **state)
{
    struct world *world = *state;
    open_sink(world, "DNS:localhost", "h2", 1);
    world->sink.handle = hold;
    struct call *calls[20];
    for (int i = 0; i < 20; i++)
        calls[i] = submit(world);
    /* One stream on each of eight connections. */
    assert_true(guarded_run(&world->loop, &world->held_count, POOL_CONNECTIONS_MAX));
    assert_int_equal(world->sink.listener.accepted, POOL_CONNECTIONS_MAX);
    int begun = 0;
    for (int i = 0; i < 20; i++)
        begun += calls[i]->call.begun;
    assert_int_equal(begun, POOL_CONNECTIONS_MAX);
    struct request request = request_of(world);
    assert_int_equal(link_pool_room(world->pool, &request), 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(link_pool_withdraw(world->pool, &calls[i]->call), !calls[i]->call.begun);
    world->sink.handle = NULL;
    for (int i = 0; i < world->held_count; i++) {
        h2_sink_answer(world->held[i], world->held_ids[i], "200");
        h2_sink_flush(world->held[i]);
    }
    run_until_done(world, begun);
    assert_int_equal(world->sink.requests, begun);
    for (int i = 0; i < 20; i++)
        assert_int_equal(calls[i]->done, calls[i]->call.begun);
}

static void a_failed_dial_harms_nobody_while_another_serves(void **state)
{
    struct world *world = *state;
    open_sink(world, "DNS:localhost", "h2", 1);
    world->sink.handle = hold;
    struct call *first = submit(world);
    assert_true(guarded_run(&world->loop, &world->held_count, 1));
    listener_refuse(&world->sink.listener);
    struct call *second = submit(world);
    struct call *nobody = submit_for(world, 300); /* by then the dial has failed */
    run_until_done(world, 1);
    assert_int_equal(nobody->reply.exchange, EXCHANGE_UNSENT);
    assert_true(call_error_has(nobody, "in time"));
    assert_int_equal(second->done, 0);
    world->sink.handle = NULL;
    h2_sink_answer(world->held[0], world->held_ids[0], "200");
    h2_sink_flush(world->held[0]);
    run_until_done(world, 3);
    assert_int_equal(first->reply.exchange, EXCHANGE_WHOLE);
    assert_int_equal(second->reply.exchange, EXCHANGE_WHOLE);
}

static void goaway_at_the_third(struct h2_sink *sink, struct pipe *pipe, int32_t id)
{
    struct world *world = sink->owner;
    if (sink->listener.accepted > 1 || id < 5) {
        h2_sink_answer(pipe, id, "200");
    } else if (id == 5) {
        h2_sink_goaway(pipe, 3);
        world->held_count++;
    }
}

static void after_goaway_the_rest_takes_a_new_connection(void **state)
{
    struct world *world = *state;
    open_sink(world, "DNS:localhost", "h2", 4);
    world->sink.handle = goaway_at_the_third;
    for (int i = 0; i < 10; i++)
        submit(world);
    run_until_done(world, 10);
    int whole = 0, refused = 0;
    for (int i = 0; i < 10; i++) {
        whole += world->calls[i].reply.exchange == EXCHANGE_WHOLE;
        refused += world->calls[i].reply.exchange == EXCHANGE_REFUSED;
    }
    assert_int_equal(whole + refused, 10);
    assert_in_range(refused, 1, 4); /* what was begun above stream 3 */
    assert_in_range(world->sink.listener.accepted, 2, POOL_CONNECTIONS_MAX);
}

static void drop_the_second(struct h2_sink *sink, struct pipe *pipe, int32_t id)
{
    if (sink->listener.accepted == 1 && id == 3)
        pipe_drop(pipe, true);
    else if (sink->listener.accepted == 1 && id == 1)
        h2_sink_answer(pipe, id, "200");
    else if (sink->listener.accepted > 1)
        h2_sink_answer(pipe, id, "200");
}

static void a_broken_connection_cuts_what_was_begun_only(void **state)
{
    struct world *world = *state;
    open_sink(world, "DNS:localhost", "h2", 1);
    world->sink.handle = drop_the_second;
    submit(world);
    run_until_done(world, 1);
    assert_int_equal(world->calls[0].reply.exchange, EXCHANGE_WHOLE);
    for (int i = 0; i < 3; i++)
        submit(world);
    run_until_done(world, 4);
    assert_int_equal(world->calls[1].reply.exchange, EXCHANGE_CUT);
    assert_int_equal(world->calls[2].reply.exchange, EXCHANGE_WHOLE);
    assert_int_equal(world->calls[3].reply.exchange, EXCHANGE_WHOLE);
}

static void refuse(struct h2_sink *sink, struct pipe *pipe, int32_t id)
{
    (void)sink;
    h2_sink_reset(pipe, id, NGHTTP2_REFUSED_STREAM);
}

static void a_refused_stream_is_not_sent_again(void **state)
{
    struct world *world = *state;
    open_sink(world, "DNS:localhost", "h2", 10);
    world->sink.handle = refuse;
    struct call *call = submit(world);
    run_until_done(world, 1);
    assert_int_equal(call->reply.exchange, EXCHANGE_REFUSED);
    assert_int_equal(world->sink.requests, 1);
}

static void deadlines_hold_for_the_begun_and_the_waiting(void **state)
{
    struct world *world = *state;
    open_sink(world, "DNS:localhost", "h2", 100);
    world->sink.handle = hold;
    struct call *begun = submit_for(world, 300);
    assert_true(guarded_run(&world->loop, &world->held_count, 1));
    run_until_done(world, 1);
    assert_int_equal(begun->reply.exchange, EXCHANGE_CUT);
    assert_true(begun->reply.took.us > 0);

    struct pipe_events events = {0}; /* TCP is there, TLS never */
    listener_open(&world->other, &world->loop.loop, NULL, &events);
    (void)snprintf(world->origin, sizeof world->origin, "https://127.0.0.1:%u", world->other.port);
    struct call *waiting = submit_for(world, 50);
    run_until_done(world, 2);
    assert_int_equal(waiting->reply.exchange, EXCHANGE_UNSENT);
    assert_true(call_error_has(waiting, "in time"));
    listener_close(&world->other);
}

static void closing_ends_everything(void **state)
{
    struct world *world = *state;
    open_sink(world, "DNS:localhost", "h2", 1);
    world->sink.handle = hold;
    for (int i = 0; i < 20; i++)
        submit(world);
    assert_true(guarded_run(&world->loop, &world->held_count, 1));
    link_pool_close(world->pool);
    world->pool = NULL;
    assert_int_equal(world->done, 20);
    for (int i = 0; i < 20; i++) {
        struct call *call = &world->calls[i];
        assert_int_equal(call->reply.exchange, call->call.begun ? EXCHANGE_CUT : EXCHANGE_UNSENT);
        assert_true(call_error_has(call, "stopping"));
    }
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        STORY(many_exchanges_share_few_connections),
        STORY(a_certificate_decides),
        STORY(a_refused_connection_fails_all_that_waits),
        STORY(a_host_without_an_address_is_unsent),
        STORY(strange_origins_are_unsent),
        STORY(another_protocol_is_handed_over),
        STORY(prior_knowledge_works_on_loopback),
        STORY(a_peer_without_http2_gets_nothing),
        STORY(what_waits_for_a_stream_can_be_withdrawn),
        STORY(a_failed_dial_harms_nobody_while_another_serves),
        STORY(after_goaway_the_rest_takes_a_new_connection),
        STORY(a_broken_connection_cuts_what_was_begun_only),
        STORY(a_refused_stream_is_not_sent_again),
        STORY(deadlines_hold_for_the_begun_and_the_waiting),
        STORY(closing_ends_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
