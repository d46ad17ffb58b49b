/* bench/push_sink.c - takes every push: HTTP/2 over TLS, 200 to all, counted.
 *
 *     push_sink CERT KEY [DELAY_MS]      prints "port N" when ready; SIGTERM prints the count
 *
 * It stands on the same listener as the server, which is a fair price for a sink: its CPU is its
 * own process's and is not counted.
 */
#include "net/server.h"
#include "runtime/system.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct sink {
    uv_loop_t loop;
    uv_signal_t stop;
    struct server *server;
    uint64_t count;
};

static void take(void *self, struct exchange *exchange)
{
    struct sink *sink = self;
    static const struct http_response response = {
        .status = 200,
        .headers = {{STR_INIT("apns-id"), STR_INIT("00000000-0000-4000-8000-000000000000")}},
        .header_count = 1};
    sink->count++;
    exchange_respond(exchange, &response);
}

static void on_stop(uv_signal_t *handle, int number)
{
    struct sink *sink = handle->data;
    (void)number;
    (void)printf("count %llu\n", (unsigned long long)sink->count);
    (void)fflush(stdout);
    exit(0);
}

int main(int argc, char **argv)
{
    static struct sink sink;
    struct server_listen listen = {0};
    struct tls_context *tls = NULL;
    struct why why = {""};
    if (argc < 3)
        return (void)fprintf(stderr, "usage: push_sink CERT KEY\n"), 64;
    enum err err = tls_server_open_files(argv[1], argv[2], &tls, &why);
    if (!err)
        err = address_of(STR("127.0.0.1"), 0, &listen.address, &why);
    listen.tls = tls;
    struct server_config config = {.listens = &listen, .listen_count = 1, .in_flight_max = 100000};
    must(uv_loop_init(&sink.loop) == 0);
    if (!err)
        err = server_new(&sink.loop, &config, system_clock(),
                         (struct exchange_handler){take, &sink}, &why, &sink.server);
    if (err)
        return (void)fprintf(stderr, "push_sink: %s\n", why.text), 1;
    must(uv_signal_init(&sink.loop, &sink.stop) == 0);
    sink.stop.data = &sink;
    must(uv_signal_start(&sink.stop, on_stop, SIGTERM) == 0);
    (void)printf("port %u\n", server_port(sink.server, 0));
    (void)fflush(stdout);
    return uv_run(&sink.loop, UV_RUN_DEFAULT);
}
