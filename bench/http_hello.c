/* bench/http_hello.c - the listening half alone: answers every request with a few bytes.
 *
 * http_hello ADDRESS [later]: prints the address, serves until SIGTERM or SIGINT, then prints how
 * many requests it answered and how much CPU each has cost. With `later`, a request is answered
 * when the loop has taken all that came with it, as it is when the store stands in between.
 */
#include "model/limits.h"
#include "net/server.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { LATER_MAX = IN_FLIGHT_DEFAULT };

struct hello {
    uv_loop_t loop;
    uv_signal_t signals[2];
    uv_check_t check;
    struct server *server;
    struct exchange *later[LATER_MAX];
    unsigned later_count;
    bool is_later;
};

static struct now read_clock(void *self)
{
    struct timespec mono, wall;
    (void)self;
    (void)clock_gettime(CLOCK_MONOTONIC, &mono);
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    return (struct now){{(int64_t)mono.tv_sec * 1000000 + mono.tv_nsec / 1000},
                        {(int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000}};
}

static void answer(struct exchange *exchange)
{
    struct http_response response = {.status = 200, .header_count = 1, .body = STR("hello\n")};
    response.headers[0] = (struct header){STR("content-type"), STR("text/plain")};
    exchange_respond(exchange, &response);
}

static void handle(void *self, struct exchange *exchange)
{
    struct hello *hello = self;
    if (hello->is_later && hello->later_count < LATER_MAX)
        hello->later[hello->later_count++] = exchange;
    else
        answer(exchange);
}

static void on_check(uv_check_t *check)
{
    struct hello *hello = check->data;
    for (unsigned i = 0; i < hello->later_count; i++)
        answer(hello->later[i]);
    hello->later_count = 0;
}

static double cpu_us(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct hello *hello = signal->data;
    struct server_stats stats;
    (void)number;
    server_stats(hello->server, &stats);
    (void)printf("{\"requests\":%llu,\"connections\":%llu,\"cpu_us_per_request\":%.2f}\n",
                 (unsigned long long)stats.requests, (unsigned long long)stats.accepted,
                 stats.requests ? cpu_us() / (double)stats.requests : 0);
    server_close(hello->server, NULL, NULL);
    uv_close((uv_handle_t *)&hello->check, NULL);
    for (int i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&hello->signals[i], NULL);
}

int main(int count, char **words)
{
    struct hello hello = {.later_count = 0};
    struct why why = {""};
    struct server_listen listen = {.tls = NULL};
    struct server_config config = {.listens = &listen, .listen_count = 1, .seed = 1};
    struct clock clock = {read_clock, NULL};
    if (count < 2 || address_parse(str_of(words[1]), &listen.address, &why) != OK) {
        (void)fprintf(stderr, "http_hello ADDRESS [later]: %s\n", why.text);
        return 2;
    }
    hello.is_later = count > 2;
    must(uv_loop_init(&hello.loop) == 0);
    if (server_new(&hello.loop, &config, clock, (struct exchange_handler){handle, &hello}, &why,
                   &hello.server) != OK) {
        (void)fprintf(stderr, "%s\n", why.text);
        return 1;
    }
    address_set_port(&listen.address, server_port(hello.server, 0));
    char text[ADDRESS_TEXT_SIZE];
    address_format(&listen.address, text);
    (void)printf("%s\n", text);
    (void)fflush(stdout);
    (void)uv_check_init(&hello.loop, &hello.check);
    hello.check.data = &hello;
    (void)uv_check_start(&hello.check, on_check);
    static const int numbers[2] = {SIGTERM, SIGINT};
    for (int i = 0; i < 2; i++) {
        (void)uv_signal_init(&hello.loop, &hello.signals[i]);
        hello.signals[i].data = &hello;
        (void)uv_signal_start(&hello.signals[i], on_signal, numbers[i]);
    }
    (void)uv_run(&hello.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&hello.loop) == 0 ? 0 : 1;
}
