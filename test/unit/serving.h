/* test/unit/serving.h - a server on a thread of its own, on free ports of the loopback.
 *
 * The handler answers "METHOD /path LENGTH" with these paths of its own: /later is kept until
 * `serving_answer`, /large gets LARGE_BYTES, /never is kept until the end.
 */
#pragma once
#include "net/server.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { SERVING_KEPT_MAX = 4096, LARGE_BYTES = 3000000 };

struct serving {
    uv_loop_t loop;
    pthread_t thread;
    struct server *server;
    struct server_config config;
    struct server_listen listens[2];
    uint16_t ports[2];
    _Atomic int64_t ahead_us; /* the clock's jump */
    _Atomic unsigned logged;
    _Atomic bool drained;
    struct exchange *kept[SERVING_KEPT_MAX];
    unsigned kept_count;
    char *large;
    /* One thing at a time to be done on the loop's thread. */
    uv_async_t async;
    void (*task)(struct serving *serving);
    uv_sem_t begun, done;
    struct server_stats stats;
    struct tls_context *new_tls;
};

static inline struct now serving_now(void *self)
{
    struct serving *serving = self;
    struct timespec mono, wall;
    (void)clock_gettime(CLOCK_MONOTONIC, &mono);
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    return (struct now){
        {(int64_t)mono.tv_sec * 1000000 + mono.tv_nsec / 1000 + atomic_load(&serving->ahead_us)},
        {(int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000}};
}

static inline void serving_reply(struct serving *serving, struct exchange *exchange)
{
    const struct http_request *request = &exchange->request;
    struct http_response response = {.status = request->body_too_large ? 413 : 200};
    response.body = arena_printf(&exchange->arena, "%.*s %.*s %zu", STR_ARG(request->method_text),
                                 STR_ARG(request->path), request->body.len);
    if (str_eq(request->path, STR("/large")))
        response.body = (struct str){serving->large, LARGE_BYTES};
    exchange_respond(exchange, &response);
}

static inline void serving_handle(void *self, struct exchange *exchange)
{
    struct serving *serving = self;
    struct str path = exchange->request.path;
    if ((str_eq(path, STR("/later")) || str_eq(path, STR("/never"))) &&
        serving->kept_count < SERVING_KEPT_MAX)
        serving->kept[serving->kept_count++] = exchange;
    else
        serving_reply(serving, exchange);
}

static inline void serving_log(void *self, const char *sentence)
{
    (void)sentence;
    atomic_fetch_add(&((struct serving *)self)->logged, 1);
}

static inline void serving_on_async(uv_async_t *async)
{
    struct serving *serving = async->data;
    uv_sem_wait(&serving->begun);
    serving->task(serving);
    uv_sem_post(&serving->done);
}

static inline void *serving_thread(void *self)
{
    struct serving *serving = self;
    (void)uv_run(&serving->loop, UV_RUN_DEFAULT);
    return NULL;
}

/* Runs `task` on the loop's thread and waits for it. */
static inline void serving_do(struct serving *serving, void (*task)(struct serving *serving))
{
    serving->task = task;
    uv_sem_post(&serving->begun);
    (void)uv_async_send(&serving->async);
    uv_sem_wait(&serving->done);
}

/* `change` may alter the configuration before the server starts; `tls` NULL: one clear listener,
 * else a clear and a TLS one. */
static inline struct serving *serving_open(const struct tls_context *tls,
                                           void (*change)(struct server_config *config))
{
    struct serving *serving = calloc(1, sizeof *serving);
    struct why why = {""};
    must(serving && uv_loop_init(&serving->loop) == 0);
    serving->large = malloc(LARGE_BYTES);
    must(serving->large != NULL);
    memset(serving->large, 'L', LARGE_BYTES);
    must(address_parse(STR("127.0.0.1:0"), &serving->listens[0].address, &why) == OK);
    serving->listens[1] = (struct server_listen){serving->listens[0].address, tls};
    serving->config = (struct server_config){
        .listens = serving->listens,
        .listen_count = tls ? 2 : 1,
        .body_bytes_max = 200000,
        .log = serving_log,
        .log_self = serving,
        .seed = 1,
    };
    if (change)
        change(&serving->config);
    must(uv_sem_init(&serving->begun, 0) == 0 && uv_sem_init(&serving->done, 0) == 0);
    must(uv_async_init(&serving->loop, &serving->async, serving_on_async) == 0);
    serving->async.data = serving;
    must(server_new(&serving->loop, &serving->config, (struct clock){serving_now, serving},
                    (struct exchange_handler){serving_handle, serving}, &why,
                    &serving->server) == OK);
    for (uint32_t i = 0; i < serving->config.listen_count; i++)
        serving->ports[i] = server_port(serving->server, i);
    must(pthread_create(&serving->thread, NULL, serving_thread, serving) == 0);
    return serving;
}

static inline void serving_answer_kept(struct serving *serving)
{
    for (unsigned i = 0; i < serving->kept_count; i++)
        serving_reply(serving, serving->kept[i]);
    serving->kept_count = 0;
}

static inline void serving_end(struct serving *serving)
{
    server_close(serving->server, NULL, NULL);
    serving_answer_kept(serving); /* too late, and harmless */
    uv_close((uv_handle_t *)&serving->async, NULL);
}

static inline void serving_close(struct serving *serving)
{
    serving_do(serving, serving_end);
    must(pthread_join(serving->thread, NULL) == 0);
    must(uv_loop_close(&serving->loop) == 0); /* every handle has gone */
    uv_sem_destroy(&serving->begun);
    uv_sem_destroy(&serving->done);
    free(serving->large);
    free(serving);
}

static inline void serving_take_stats(struct serving *serving)
{
    server_stats(serving->server, &serving->stats);
}

static inline struct server_stats serving_stats(struct serving *serving)
{
    serving_do(serving, serving_take_stats);
    return serving->stats;
}

/* -- a client with bare hands ----------------------------------------------------------------- */

static inline int client_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = 20};
    must(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    return fd;
}

static inline bool client_try_connect(int fd, uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connect(fd, (const struct sockaddr *)&to, sizeof to) == 0;
}

static inline int client_open(uint16_t port)
{
    int fd = client_socket();
    must(client_try_connect(fd, port));
    return fd;
}

static inline void client_send(int fd, const char *text)
{
    size_t len = strlen(text);
    must(send(fd, text, len, MSG_NOSIGNAL) == (ssize_t)len);
}

/* Reads until `end` has come (or, if it is NULL, the other side has closed). False: it closed
 * first, or 20 s have passed. */
static inline bool client_read(int fd, struct buf *into, const char *end)
{
    static const size_t piece = 65536;
    for (;;) {
        if (end && into->len && memmem(into->at, into->len, end, strlen(end)))
            return true;
        must(buf_reserve(into, piece));
        ssize_t got = recv(fd, into->at + into->len, piece, 0);
        if (got <= 0)
            return got == 0 && !end;
        into->len += (size_t)got;
    }
}
