/* bench/h2_push.c - CPU of one push delivery over HTTP/2 and TLS, the calling side alone.
 *
 * usage: h2_push [deliveries [at_once]]      (200000, 500)
 * One thread calls through net/transports, another serves with nghttp2 and OpenSSL. The figure is
 * the first one's CPU time (getrusage, RUSAGE_THREAD) a delivery, as JSON on one line.
 */
#include "../test/peers/certs.h"
#include "../test/peers/h2_sink.h"
#include "net/transports.h"
#include "runtime/system.h"
#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { AT_ONCE_MAX = 10000, ARENA_MAX = 64 * 1024 };

struct bench {
    struct transport *transport;
    uint64_t wanted, submitted, done, whole;
    struct clock clock;
    uv_loop_t *loop;
};

struct delivery {
    struct exchange_call call;
    struct request request;
    struct arena arena;
    struct bench *bench;
};

/* The sink's thread. */

struct sink_thread {
    uv_loop_t loop;
    uv_async_t stop;
    struct h2_sink sink;
    uv_thread_t thread;
};

static void on_stop(uv_async_t *stop)
{
    struct sink_thread *sink = stop->data;
    h2_sink_close(&sink->sink);
    uv_close((uv_handle_t *)stop, NULL);
}

static void serve(void *self)
{
    (void)uv_run(&((struct sink_thread *)self)->loop, UV_RUN_DEFAULT);
}

static void start_sink(struct sink_thread *sink, SSL_CTX *tls)
{
    must(uv_loop_init(&sink->loop) == 0);
    must(uv_async_init(&sink->loop, &sink->stop, on_stop) == 0);
    sink->stop.data = sink;
    h2_sink_open(&sink->sink, &sink->loop, tls, 1000);
    must(uv_thread_create(&sink->thread, serve, sink) == 0);
}

/* The calling thread. */

static void send_next(struct delivery *delivery)
{
    struct bench *bench = delivery->bench;
    if (bench->submitted == bench->wanted)
        return;
    bench->submitted++;
    arena_reset(&delivery->arena);
    delivery->request.path =
        arena_printf(&delivery->arena, "/3/device/%064llx", (unsigned long long)bench->submitted);
    delivery->call.deadline = mono_add(clock_now(&bench->clock).mono, span_s(15));
    bench->transport->ops->submit(bench->transport, &delivery->call);
}

static void on_done(struct exchange_call *call, const struct reply *reply)
{
    struct delivery *delivery = call->owner;
    struct bench *bench = delivery->bench;
    bench->whole += reply->exchange == EXCHANGE_WHOLE && reply->status == 200;
    if (reply->exchange != EXCHANGE_WHOLE)
        (void)fprintf(stderr, "%.*s\n", STR_ARG(reply->error));
    if (++bench->done == bench->wanted)
        uv_stop(bench->loop);
    else
        send_next(delivery);
}

static void prepare(struct delivery *delivery, struct bench *bench, struct str origin,
                    struct str roots)
{
    static const char token[] = /* the size of a real one */
        "bearer eyJhbGciOiJFUzI1NiIsImtpZCI6IkFCQzEyM0RFRkcifQ."
        "eyJpc3MiOiJERUYxMjNHSElKIiwiaWF0IjoxNzk2MTE1NjAwfQ."
        "MEUCIQDZqq1xq4n0X8dCk1sT4bVtVbq3V6jUe5e3v1rM0u9c8wIgY2h1bmdldGhpc2lzYXRva2VuYQ";
    delivery->bench = bench;
    arena_init(&delivery->arena, ARENA_MAX);
    delivery->request = (struct request){
        .wire = WIRE_H2,
        .method = STR("POST"),
        .origin = origin,
        .headers = {{STR("authorization"), str_of(token)},
                    {STR("apns-topic"), STR("com.example.app")},
                    {STR("apns-push-type"), STR("alert")},
                    {STR("apns-priority"), STR("10")},
                    {STR("apns-expiration"), STR("1796119200")},
                    {STR("apns-id"), STR("7f5e1f0c-0000-4000-8000-000000000001")}},
        .header_count = 6,
        .body = STR("{\"aps\":{\"alert\":{\"title\":\"Your order is on its way\",\"body\":\"Order "
                    "10293 left our warehouse this morning and will reach you tomorrow.\"},"
                    "\"sound\":\"default\"},\"order\":\"10293\"}"),
        .ca = roots};
    delivery->call = (struct exchange_call){.request = &delivery->request,
                                            .done = on_done,
                                            .owner = delivery,
                                            .arena = &delivery->arena};
}

static double us_of(struct timeval from, struct timeval to)
{
    return (double)(to.tv_sec - from.tv_sec) * 1e6 + (double)(to.tv_usec - from.tv_usec);
}

static int run(struct bench *bench, struct delivery *deliveries, unsigned at_once)
{
    struct rusage before, after;
    struct mono began = clock_now(&bench->clock).mono;
    must(getrusage(RUSAGE_THREAD, &before) == 0);
    for (unsigned i = 0; i < at_once; i++)
        send_next(&deliveries[i]);
    (void)uv_run(bench->loop, UV_RUN_DEFAULT);
    must(getrusage(RUSAGE_THREAD, &after) == 0);
    double count = (double)bench->done;
    double user = us_of(before.ru_utime, after.ru_utime) / count;
    double system = us_of(before.ru_stime, after.ru_stime) / count;
    double wall = (double)mono_since(began, clock_now(&bench->clock).mono).us;
    printf("{\"bench\":\"h2_push\",\"deliveries\":%llu,\"at_once\":%u,\"whole\":%llu,"
           "\"cpu_us\":%.2f,\"user_us\":%.2f,\"system_us\":%.2f,\"per_second\":%.0f}\n",
           (unsigned long long)bench->done, at_once, (unsigned long long)bench->whole,
           user + system, user, system, count * 1e6 / wall);
    return bench->whole == bench->wanted ? 0 : 1;
}

int main(int count, char **words)
{
    unsigned long wanted = count > 1 ? strtoul(words[1], NULL, 10) : 200000;
    unsigned long at_once = count > 2 ? strtoul(words[2], NULL, 10) : 500;
    if (!wanted || !at_once || at_once > AT_ONCE_MAX) {
        (void)fprintf(stderr, "usage: h2_push [deliveries [at_once]]\n");
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    struct certs certs;
    certs_init(&certs);
    SSL_CTX *tls = certs_server(&certs, "DNS:localhost", "h2");
    static struct sink_thread sink;
    start_sink(&sink, tls);

    uv_loop_t loop;
    must(uv_loop_init(&loop) == 0);
    struct entropy entropy = system_entropy();
    struct bench bench = {.wanted = wanted, .clock = system_clock(), .loop = &loop};
    struct why why;
    must(transports_new(&loop, bench.clock, &entropy, &bench.transport, &why) == OK);
    char origin[64];
    (void)snprintf(origin, sizeof origin, "https://localhost:%u", sink.sink.listener.port);
    struct delivery *deliveries = calloc(at_once, sizeof *deliveries);
    must(deliveries != NULL);
    for (unsigned i = 0; i < at_once; i++)
        prepare(&deliveries[i], &bench, str_of(origin), certs_roots(&certs));
    int failed = run(&bench, deliveries, (unsigned)at_once);

    bench.transport->ops->close(bench.transport);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    must(uv_loop_close(&loop) == 0);
    must(uv_async_send(&sink.stop) == 0);
    must(uv_thread_join(&sink.thread) == 0);
    (void)uv_run(&sink.loop, UV_RUN_DEFAULT);
    must(uv_loop_close(&sink.loop) == 0);
    for (unsigned i = 0; i < at_once; i++)
        arena_done(&deliveries[i].arena);
    free(deliveries);
    SSL_CTX_free(tls);
    certs_done(&certs);
    curl_global_cleanup();
    return failed;
}
