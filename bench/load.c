/* bench/load.c - POSTs notifications over many connections, closed or open loop, and measures.
 *
 *     load --port N --auth BASIC --users N --connections N --seconds N
 *          [--rate N] [--batch N] [--path P] [--prefix TEXT]
 *
 * Without --rate every connection sends its next request when the last is answered. With it
 * requests are due at fixed times whatever the answers do, and latency counts from when a request
 * was due: an overloaded server cannot slow its own measurement down. One JSON object on stdout at
 * the end.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 4096, ANSWER_MAX = 1 << 20, REQUEST_MAX = 1 << 20, BUCKETS = 4096 };

struct connection {
    int fd;
    bool busy;
    int64_t due_us; /* when its request was to be sent */
    size_t sent, request_len, got;
    char *request, *answer;
};

struct load {
    unsigned port, users, connections, seconds, batch;
    double rate;
    const char *auth, *path, *prefix;
    uint64_t serial, accepted, refused, other, answered;
    uint64_t histogram[BUCKETS]; /* logarithmic: 64 steps an octave, from 1 us */
    int epoll;
    struct connection list[CONNECTIONS_MAX];
    unsigned idle[CONNECTIONS_MAX], idle_count;
};

static int64_t now_us(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

static void die(const char *what)
{
    (void)fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static unsigned bucket_of(int64_t us)
{
    uint64_t v = us < 1 ? 1 : (uint64_t)us;
    unsigned octave = 63u - (unsigned)__builtin_clzll(v);
    unsigned step =
        octave >= 6 ? (unsigned)((v >> (octave - 6)) & 63) : (unsigned)((v << (6 - octave)) & 63);
    return octave * 64 + step;
}

static double bucket_us(unsigned bucket)
{
    unsigned octave = bucket / 64;
    return (double)(1ull << octave) * (1 + (double)(bucket % 64 + 1) / 64);
}

static double percentile(const struct load *load, double p)
{
    uint64_t want = (uint64_t)((double)load->answered * p), seen = 0;
    for (unsigned i = 0; i < BUCKETS; i++) {
        seen += load->histogram[i];
        if (seen > want)
            return bucket_us(i) / 1000;
    }
    return 0;
}

static int notification(struct load *load, char *at, size_t size)
{
    uint64_t n = load->serial++;
    return snprintf(
        at, size,
        "{\"event_id\":\"%s-%llu\",\"to\":[{\"user_id\":\"u%llu\"}],\"category\":\"orders\","
        "\"template\":\"shipped\",\"data\":{\"order\":{\"id\":%llu,\"total\":\"12.50\"},"
        "\"name\":\"Kim\"}}",
        load->prefix, (unsigned long long)n, (unsigned long long)(n % load->users),
        (unsigned long long)n);
}

static void compose(struct load *load, struct connection *c)
{
    static char body[REQUEST_MAX - 1024];
    size_t len = 0;
    if (load->batch <= 1) {
        len = (size_t)notification(load, body, sizeof body);
    } else {
        len = (size_t)snprintf(body, sizeof body, "{\"notifications\":[");
        for (unsigned i = 0; i < load->batch; i++) {
            if (i)
                body[len++] = ',';
            len += (size_t)notification(load, body + len, sizeof body - len);
        }
        len += (size_t)snprintf(body + len, sizeof body - len, "]}");
    }
    c->request_len = (size_t)snprintf(
        c->request, REQUEST_MAX,
        "POST %s HTTP/1.1\r\nHost: bench\r\nAuthorization: Basic %s\r\nContent-Type: "
        "application/json\r\nContent-Length: %zu\r\n\r\n",
        load->path, load->auth, len);
    memcpy(c->request + c->request_len, body, len);
    c->request_len += len;
}

static void push(struct connection *c)
{
    while (c->sent < c->request_len) {
        ssize_t sent = send(c->fd, c->request + c->sent, c->request_len - c->sent, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN)
            return;
        if (sent < 0)
            die("send");
        c->sent += (size_t)sent;
    }
}

static void begin(struct load *load, unsigned i, int64_t due_us)
{
    struct connection *c = &load->list[i];
    compose(load, c);
    c->due_us = due_us;
    c->busy = true;
    c->sent = c->got = 0;
    push(c);
}

/* Counts what a batch's answer says of its items. */
static void count_batch(struct load *load, const char *answer)
{
    for (const char *at = answer; (at = strstr(at, "\"status\":")); at += 9) {
        int status = (int)strtol(at + 9, NULL, 10);
        if (status == 202)
            load->accepted++;
        else if (status >= 100)
            load->refused++;
    }
}

static void answered(struct load *load, struct connection *c, const char *body)
{
    int status = (int)strtol(c->answer + 9, NULL, 10);
    load->answered++;
    load->histogram[bucket_of(now_us() - c->due_us)]++;
    if (load->batch > 1 && status == 200)
        count_batch(load, body);
    else if (status == 202)
        load->accepted++;
    else if (status == 429 || status == 503)
        load->refused++;
    else if (load->other++ == 0)
        (void)fprintf(stderr, "load: %.300s\n", c->answer);
    c->busy = false;
}

/* True once a whole answer is there. */
static bool pull(struct load *load, struct connection *c)
{
    ssize_t got = recv(c->fd, c->answer + c->got, ANSWER_MAX - 1 - c->got, 0);
    if (got < 0 && errno == EAGAIN)
        return false;
    if (got <= 0)
        die("the server closed a connection");
    c->got += (size_t)got;
    c->answer[c->got] = '\0';
    char *end = strstr(c->answer, "\r\n\r\n");
    if (!end)
        return false;
    char *length = strcasestr(c->answer, "content-length:");
    size_t body = length && length < end ? (size_t)strtoul(length + 15, NULL, 10) : 0;
    if (c->got < (size_t)(end + 4 - c->answer) + body)
        return false;
    answered(load, c, end + 4);
    return true;
}

static void dial(struct load *load, unsigned i)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)load->port)};
    struct connection *c = &load->list[i];
    int on = 1;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    c->request = malloc(REQUEST_MAX);
    c->answer = malloc(ANSWER_MAX);
    if (c->fd < 0 || !c->request || !c->answer || connect(c->fd, (struct sockaddr *)&to, sizeof to))
        die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, c->fd, &event))
        die("epoll_ctl");
    load->idle[load->idle_count++] = i;
}

static void run(struct load *load)
{
    int64_t start = now_us(), end = start + (int64_t)load->seconds * 1000000;
    double gap = load->rate > 0 ? 1e6 / load->rate : 0;
    uint64_t issued = 0;
    unsigned busy = 0;
    for (;;) {
        int64_t now = now_us();
        while (now < end && load->idle_count) {
            int64_t due = gap > 0 ? start + (int64_t)((double)issued * gap) : now;
            if (due > now)
                break;
            issued++;
            busy++;
            begin(load, load->idle[--load->idle_count], due);
        }
        if (now >= end && !busy)
            break;
        if (now > end + 10000000)
            break; /* who has not answered by now does not count */
        struct epoll_event events[256];
        int count = epoll_wait(load->epoll, events, 256, 1);
        for (int i = 0; i < count; i++) {
            unsigned at = events[i].data.u32;
            if (load->list[at].busy && pull(load, &load->list[at])) {
                load->idle[load->idle_count++] = at;
                busy--;
            }
        }
    }
    double seconds = (double)(now_us() - start) / 1e6;
    (void)printf("{\"seconds\":%.3f,\"accepted\":%llu,\"refused\":%llu,\"other\":%llu,"
                 "\"per_second\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f}\n",
                 seconds, (unsigned long long)load->accepted, (unsigned long long)load->refused,
                 (unsigned long long)load->other, (double)load->accepted / seconds,
                 percentile(load, 0.5), percentile(load, 0.99), percentile(load, 0.999));
}

int main(int argc, char **argv)
{
    static struct load load = {.users = 1000,
                               .connections = 64,
                               .seconds = 10,
                               .batch = 1,
                               .path = "/v1/notifications",
                               .prefix = "e"};
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        unsigned number = (unsigned)strtoul(value, NULL, 10);
        if (!strcmp(name, "--port"))
            load.port = number;
        else if (!strcmp(name, "--auth"))
            load.auth = value;
        else if (!strcmp(name, "--users"))
            load.users = number;
        else if (!strcmp(name, "--connections"))
            load.connections = number;
        else if (!strcmp(name, "--seconds"))
            load.seconds = number;
        else if (!strcmp(name, "--rate"))
            load.rate = strtod(value, NULL);
        else if (!strcmp(name, "--batch"))
            load.batch = number;
        else if (!strcmp(name, "--path"))
            load.path = value;
        else if (!strcmp(name, "--prefix"))
            load.prefix = value;
        else
            return (void)fprintf(stderr, "load: unknown option %s\n", name), 64;
    }
    if (!load.port || !load.auth || !load.users || load.connections > CONNECTIONS_MAX)
        return (void)fprintf(stderr, "load: --port and --auth are needed\n"), 64;
    load.epoll = epoll_create1(0);
    for (unsigned i = 0; i < load.connections; i++)
        dial(&load, i);
    run(&load);
    return load.other ? 1 : 0;
}
