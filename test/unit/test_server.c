/* The server on its loop, against clients with bare hands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "model/limits.h"
#include "serving.h"
#include <poll.h>
#include <sys/resource.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

/* Sends and reads until `end`; what was read, terminated, in a buffer that the caller ends. */
static struct buf ask(int fd, const char *text, const char *end)
{
    struct buf got;
    buf_init(&got, 1 << 26);
    client_send(fd, text);
    assert_true(client_read(fd, &got, end));
    buf_add_char(&got, '\0');
    return got;
}

static void asked(int fd, const char *text, const char *end)
{
    struct buf got = ask(fd, text, end);
    buf_done(&got);
}

static void requests_are_answered_at_once_or_later(void **state)
{
    (void)state;
    struct serving *serving = serving_open(NULL, NULL);
    int one = client_open(serving->ports[0]), two = client_open(serving->ports[0]);
    client_send(one, GET("/later"));
    asked(two, GET("/now"), "GET /now 0");
    asked(two, GET("/again"), "GET /again 0");
    while (serving_stats(serving).in_flight == 0)
        ;
    serving_do(serving, serving_answer_kept);
    asked(one, GET("/after"), "GET /after 0");
    close(one);
    close(two);
    serving_close(serving);
}

static void pipelined_answers_come_in_order(void **state)
{
    (void)state;
    struct serving *serving = serving_open(NULL, NULL);
    int fd = client_open(serving->ports[0]);
    client_send(fd, GET("/later") GET("/2") GET("/3") GET("/later") GET("/5"));
    while (serving_stats(serving).requests < 5)
        ;
    serving_do(serving, serving_answer_kept);
    struct buf got = ask(fd, GET("/6"), "GET /6 0");
    static const char *const order[] = {"GET /later 0", "GET /2 0", "GET /3 0",
                                        "GET /later 0", "GET /5 0", "GET /6 0"};
    const char *at = got.at;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        at = strstr(at, order[i]);
        assert_non_null(at);
        at++;
    }
    buf_done(&got);
    close(fd);
    serving_close(serving);
}

static void the_last_answer_is_read_although_the_client_still_sends(void **state)
{
    (void)state;
    struct serving *serving = serving_open(NULL, NULL);
    int fd = client_open(serving->ports[0]);
    struct buf got;
    char piece[10000];
    memset(piece, 'x', sizeof piece);
    client_send(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n");
    for (int i = 0; i < 50; i++)
        if (send(fd, piece, sizeof piece, MSG_NOSIGNAL) <= 0)
            break;
    buf_init(&got, 1 << 20);
    assert_true(client_read(fd, &got, "POST / 0"));
    assert_true(client_read(fd, &got, NULL)); /* then FIN, no reset */
    assert_non_null(memmem(got.at, got.len, "HTTP/1.1 413", 12));
    buf_done(&got);
    close(fd);
    serving_close(serving);
}

static void a_slow_reader_gets_all_of_it(void **state)
{
    (void)state;
    struct serving *serving = serving_open(NULL, NULL);
    int fd = client_open(serving->ports[0]);
    struct buf got;
    buf_init(&got, 1 << 26);
    for (int i = 0; i < 5; i++)
        client_send(fd, GET("/large"));
    client_send(fd, "GET /end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    /* It reads nothing until the server has stopped reading, too. */
    while (serving_stats(serving).requests == 0)
        ;
    assert_in_range(serving_stats(serving).requests, 1, 3);
    assert_true(client_read(fd, &got, NULL));
    assert_int_equal(serving_stats(serving).requests, 6);
    assert_in_range(got.len, 5 * LARGE_BYTES, 5 * LARGE_BYTES + 1000);
    buf_done(&got);
    close(fd);
    serving_close(serving);
}

static void a_client_that_half_closes_gets_its_answer(void **state)
{
    (void)state;
    struct serving *serving = serving_open(NULL, NULL);
    int fd = client_open(serving->ports[0]);
    struct buf got;
    buf_init(&got, 1 << 20);
    client_send(fd, GET("/later") GET("/2"));
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    while (serving_stats(serving).requests < 2)
        ;
    serving_do(serving, serving_answer_kept);
    assert_true(client_read(fd, &got, NULL));
    assert_non_null(memmem(got.at, got.len, "GET /2 0", 8));
    buf_done(&got);
    close(fd);
    serving_close(serving);
}

/* Waits until the server has so many connections. */
static void await_connections(struct serving *serving, uint32_t count)
{
    while (serving_stats(serving).connections != count)
        (void)poll(NULL, 0, 1);
}

static void a_thousand_clients_that_go_at_any_point_do_no_harm(void **state)
{
    (void)state;
    static const char text[] =
        GET("/a") "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n"
                  "\r\n01234567890123456789" GET("/large") GET(
                      "/never") "\r\n"
                                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "5\r\nhello\r\n0\r\n\r\n";
    static const char h2[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
                             "\0\0\6\1\4\0\0\0\1\x83\x87\x84\x01\x01"
                             "a\0\0\5\0\0\0\0\0\1hello\0\0\6\1\5\0\0\0\3\x82\x87\x84\x01\x01"
                             "a";
    struct serving *serving = serving_open(NULL, NULL);
    struct rng rng = rng_of(20261122);
    for (int i = 0; i < 1000; i++) {
        bool is_h2 = rng_below(&rng, 3) == 0, rude = rng_below(&rng, 2) == 0;
        const char *bytes = is_h2 ? h2 : text;
        size_t len = (size_t)rng_below(&rng, is_h2 ? sizeof h2 : sizeof text);
        int fd = client_open(serving->ports[0]);
        must(send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len);
        struct linger linger = {.l_onoff = 1, .l_linger = 0}; /* a reset instead of FIN */
        if (rude)
            (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
        if (rng_below(&rng, 4) == 0) {
            char some[100];
            struct pollfd ready = {.fd = fd, .events = POLLIN};
            if (poll(&ready, 1, 1) > 0)
                (void)!recv(fd, some, sizeof some, MSG_DONTWAIT);
        }
        close(fd);
        if (i % 100 == 99)
            serving_do(serving, serving_answer_kept);
    }
    /* A client that has closed while its request is with the handler is not seen to be gone. */
    for (int i = 0; i < 20 && serving_stats(serving).connections; i++) {
        serving_do(serving, serving_answer_kept);
        (void)poll(NULL, 0, 10);
    }
    await_connections(serving, 0);
    int fd = client_open(serving->ports[0]);
    asked(fd, GET("/still"), "GET /still 0");
    close(fd);
    serving_do(serving, serving_answer_kept);
    assert_int_equal(serving_stats(serving).in_flight, 0);
    assert_int_equal(serving_stats(serving).bodies_bytes, 0);
    serving_close(serving);
}

/* -- limits ----------------------------------------------------------------------------------- */

static void two_connections(struct server_config *config)
{
    config->connections_max = 2;
}

static void connections_over_the_limit_wait_for_one_to_go(void **state)
{
    (void)state;
    struct serving *serving = serving_open(NULL, two_connections);
    int fds[3];
    struct buf got;
    for (int i = 0; i < 3; i++)
        fds[i] = client_open(serving->ports[0]); /* the third is in the backlog */
    asked(fds[0], GET("/0"), "GET /0 0");
    asked(fds[1], GET("/1"), "GET /1 0");
    client_send(fds[2], GET("/2"));
    assert_int_equal(serving_stats(serving).accepted, 2);
    close(fds[0]);
    buf_init(&got, 1 << 20);
    assert_true(client_read(fds[2], &got, "GET /2 0"));
    buf_done(&got);
    close(fds[1]);
    close(fds[2]);
    serving_close(serving);
}

static void without_descriptors_the_server_waits_and_says_so(void **state)
{
    (void)state;
    struct serving *serving = serving_open(NULL, NULL);
    struct rlimit before, none;
    int fd = client_socket(), next = dup(fd);
    struct buf got;
    close(next); /* the lowest free number */
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_true(client_try_connect(fd, serving->ports[0]));
    client_send(fd, GET("/patience"));
    while (atomic_load(&serving->logged) == 0)
        (void)poll(NULL, 0, 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    buf_init(&got, 1 << 20);
    assert_true(client_read(fd, &got, "GET /patience 0")); /* at the next sweep */
    buf_done(&got);
    close(fd);
    serving_close(serving);
}

static void idle_and_slow_connections_are_swept(void **state)
{
    (void)state;
    struct serving *serving = serving_open(NULL, NULL);
    int idle = client_open(serving->ports[0]), slow = client_open(serving->ports[0]);
    int waits = client_open(serving->ports[0]);
    struct buf got;
    buf_init(&got, 1 << 20);
    client_send(slow, "GET / HT");
    client_send(waits, GET("/later"));
    while (serving_stats(serving).in_flight == 0)
        ;
    await_connections(serving, 3);
    atomic_store(&serving->ahead_us, (int64_t)1000000 * (IDLE_TIMEOUT_S + 1));
    assert_true(client_read(idle, &got, NULL));
    assert_int_equal(got.len, 0);
    assert_true(client_read(slow, &got, NULL));
    assert_non_null(memmem(got.at, got.len, "HTTP/1.1 408", 12));
    close(idle);
    close(slow);
    await_connections(serving, 1);
    serving_do(serving, serving_answer_kept);
    assert_true(client_read(waits, &got, "GET /later 0"));
    buf_done(&got);
    close(waits);
    serving_close(serving);
}

/* -- beginning and end ------------------------------------------------------------------------ */

static void note_drained(void *self)
{
    atomic_store(&((struct serving *)self)->drained, true);
}

static void begin_drain(struct serving *serving)
{
    server_drain(serving->server, note_drained, serving);
}

static void draining_finishes_what_is_in_flight(void **state)
{
    (void)state;
    struct serving *serving = serving_open(NULL, NULL);
    int idle = client_open(serving->ports[0]), busy = client_open(serving->ports[0]);
    struct buf got;
    buf_init(&got, 1 << 20);
    client_send(busy, GET("/later"));
    while (serving_stats(serving).in_flight == 0)
        ;
    await_connections(serving, 2);
    serving_do(serving, begin_drain);
    assert_true(client_read(idle, &got, NULL)); /* closed at once */
    int late = client_socket();
    assert_false(client_try_connect(late, serving->ports[0]));
    close(late);
    assert_false(atomic_load(&serving->drained));
    serving_do(serving, serving_answer_kept);
    assert_true(client_read(busy, &got, NULL));
    assert_non_null(memmem(got.at, got.len, "connection: close\r\n\r\nGET /later 0", 33));
    close(busy);
    close(idle);
    while (!atomic_load(&serving->drained))
        (void)poll(NULL, 0, 1);
    buf_done(&got);
    serving_close(serving);
}

static void refuse(struct serving *serving)
{
    server_refuse(serving->server);
}

static void who_sends_during_the_goodbye_is_answered(void **state)
{
    (void)state;
    struct serving *serving = serving_open(NULL, NULL);
    int idle = client_open(serving->ports[0]), fresh = client_open(serving->ports[0]);
    struct buf got;
    buf_init(&got, 1 << 20);
    client_send(idle, GET("/1"));
    assert_true(client_read(idle, &got, "GET /1 0"));
    serving_do(serving, refuse);
    int late = client_socket();
    assert_false(client_try_connect(late, serving->ports[0]));
    close(late);
    buf_clear(&got);
    client_send(idle, GET("/2"));
    assert_true(client_read(idle, &got, NULL));
    assert_non_null(memmem(got.at, got.len, "connection: close\r\n\r\nGET /2 0", 29));
    close(idle);
    buf_clear(&got);
    client_send(fresh, GET("/3"));
    assert_true(client_read(fresh, &got, NULL));
    assert_non_null(memmem(got.at, got.len, "connection: close\r\n\r\nGET /3 0", 29));
    close(fresh);
    await_connections(serving, 0);
    serving_do(serving, begin_drain);
    while (!atomic_load(&serving->drained))
        (void)poll(NULL, 0, 1);
    buf_done(&got);
    serving_close(serving);
}

static void draining_an_idle_server_is_done_soon(void **state)
{
    (void)state;
    struct serving *serving = serving_open(NULL, NULL);
    serving_do(serving, begin_drain);
    while (!atomic_load(&serving->drained))
        (void)poll(NULL, 0, 1);
    serving_close(serving);
}

static void answers_may_come_after_the_server_has_gone(void **state)
{
    (void)state;
    struct serving *serving = serving_open(NULL, NULL);
    int fd = client_open(serving->ports[0]);
    client_send(fd, GET("/later") GET("/never"));
    while (serving_stats(serving).in_flight < 2)
        ;
    serving_close(serving); /* answers them after server_close */
    close(fd);
}

static void reuse(struct server_config *config)
{
    config->reuse_port = true;
}

static void a_port_is_shared_only_when_asked(void **state)
{
    (void)state;
    struct serving *serving = serving_open(NULL, reuse);
    struct server *second;
    struct why why = {""};
    struct server_listen listen = {.address = serving->listens[0].address};
    struct server_config config = {.listens = &listen, .listen_count = 1, .reuse_port = true};
    struct clock clock = {serving_now, serving};
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    address_set_port(&listen.address, serving->ports[0]);
    assert_int_equal(server_new(&loop, &config, clock,
                                (struct exchange_handler){serving_handle, serving}, &why, &second),
                     OK);
    assert_int_equal(server_port(second, 0), serving->ports[0]);
    server_close(second, NULL, NULL);
    config.reuse_port = false;
    assert_int_equal(server_new(&loop, &config, clock,
                                (struct exchange_handler){serving_handle, serving}, &why, &second),
                     ERR_IO);
    assert_non_null(strstr(why.text, "127.0.0.1:"));
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    serving_close(serving);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_answered_at_once_or_later),
        cmocka_unit_test(pipelined_answers_come_in_order),
        cmocka_unit_test(the_last_answer_is_read_although_the_client_still_sends),
        cmocka_unit_test(a_slow_reader_gets_all_of_it),
        cmocka_unit_test(a_client_that_half_closes_gets_its_answer),
        cmocka_unit_test(a_thousand_clients_that_go_at_any_point_do_no_harm),
        cmocka_unit_test(connections_over_the_limit_wait_for_one_to_go),
        cmocka_unit_test(without_descriptors_the_server_waits_and_says_so),
        cmocka_unit_test(idle_and_slow_connections_are_swept),
        cmocka_unit_test(draining_finishes_what_is_in_flight),
        cmocka_unit_test(who_sends_during_the_goodbye_is_answered),
        cmocka_unit_test(draining_an_idle_server_is_done_soon),
        cmocka_unit_test(answers_may_come_after_the_server_has_gone),
        cmocka_unit_test(a_port_is_shared_only_when_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
