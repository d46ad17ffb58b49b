/* test/campaign/load_link.c - the generator's connections: kept alive, one request at a time. */
#include "load.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const kind_names[] = {"ios", "sms", "email"};
static const char *const flavor_names[] = {"fresh", "repeat", "mismatch", "suppressed"};

/* One line for each item, before the first byte goes out. */
static void write_down(struct load *load, const struct call *call, const struct item *item,
                       unsigned at, const char *body, size_t len)
{
    char event[EVENT_TEXT_MAX];
    if (!load->log)
        return;
    event_write(&load->plan, item, event);
    (void)fprintf(load->log,
                  "S\t%lld\t%llu\t%u\t%u\t%s\t%s\t%llu\t%s\t%s\t%s\t%s\t%u\t%u\t%016llx\t%lld\n",
                  (long long)now_us(), (unsigned long long)call->number, call->tries, at,
                  load->plan.apps[item->app], event, (unsigned long long)item->told,
                  flavor_names[item->flavor], kind_names[item->kind], item->priority,
                  item->guarantee, item->ttl_ms, item->recipients,
                  (unsigned long long)hash_of(body, len), (long long)call->due_us);
}

static size_t write_body(struct load *load, const struct call *call, char *body, size_t size,
                         unsigned *ret_app)
{
    struct item item = item_of(&load->plan, call->first);
    size_t len = 0;
    *ret_app = item.app;
    if (!call->batch) {
        len = item_write(&load->plan, &item, body, size);
        write_down(load, call, &item, 0, body, len);
        return len;
    }
    len = (size_t)snprintf(body, size, "{\"notifications\":[");
    for (unsigned i = 0; i < call->count; i++) {
        item = item_of(&load->plan, call->first + i);
        item.app = *ret_app; /* a batch has one key */
        item.batched = true;
        item.told += BATCHED_TOLD; /* another event id is another notification */
        if (i)
            body[len++] = ',';
        size_t from = len;
        len += item_write(&load->plan, &item, body + len, size - len);
        write_down(load, call, &item, i, body + from, len - from);
    }
    len += (size_t)snprintf(body + len, size - len, "]}");
    return len;
}

static void compose(struct load *load, struct link *link)
{
    struct call *call = link->call;
    unsigned app;
    char *body = link->request + HEAD_ROOM;
    size_t len = write_body(load, call, body, REQUEST_MAX - HEAD_ROOM, &app);
    char head[HEAD_ROOM];
    int head_len =
        snprintf(head, sizeof head,
                 "POST %s%s HTTP/1.1\r\nHost: load\r\nAuthorization: Basic %s\r\nContent-Type: "
                 "application/json\r\nContent-Length: %zu\r\n\r\n",
                 load->path, call->batch ? "/batch" : "", load->plan.auths[app], len);
    memcpy(link->request, head, (size_t)head_len);
    memmove(link->request + head_len, body, len);
    link->request_len = (size_t)head_len + len;
}

static void shut(struct load *load, unsigned at)
{
    struct link *link = &load->links[at];
    struct call *call = link->call;
    size_t sent = link->sent;
    if (link->fd >= 0)
        (void)close(link->fd);
    link->fd = -1;
    link->call = NULL;
    if (!call)
        return;
    load->idle[load->idle_count++] = at;
    load->busy--;
    call_lost(load, call, sent);
}

static void push(struct load *load, unsigned at)
{
    struct link *link = &load->links[at];
    while (link->sent < link->request_len) {
        ssize_t sent = send(link->fd, link->request + link->sent, link->request_len - link->sent,
                            MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.u32 = at};
            (void)epoll_ctl(load->epoll, EPOLL_CTL_MOD, link->fd, &event);
            return;
        }
        if (sent < 0)
            return shut(load, at);
        link->sent += (size_t)sent;
    }
}

static bool dial(struct load *load, unsigned at)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)load->port)};
    struct link *link = &load->links[at];
    int on = 1;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    link->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (link->fd < 0)
        return false;
    if (connect(link->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS) {
        (void)close(link->fd);
        link->fd = -1;
        return false;
    }
    (void)setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = at};
    return epoll_ctl(load->epoll, EPOLL_CTL_ADD, link->fd, &event) == 0;
}

bool links_open(struct load *load)
{
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < load->connections; i++) {
        struct link *link = &load->links[i];
        link->request = malloc(REQUEST_MAX);
        link->answer = malloc(ANSWER_MAX);
        link->fd = -1;
        if (!link->request || !link->answer)
            return false;
        (void)dial(load, i);
        load->idle[load->idle_count++] = i;
    }
    return load->epoll >= 0;
}

void links_send(struct load *load, struct call *call)
{
    unsigned at = load->idle[--load->idle_count];
    struct link *link = &load->links[at];
    load->busy++;
    link->call = call;
    link->sent = link->got = 0;
    call->again_us = now_us(); /* when it was sent */
    compose(load, link);
    if (link->fd < 0 && !dial(load, at))
        return shut(load, at);
    push(load, at);
}

/* A whole answer: its head's end, or NULL. */
static const char *whole(const struct link *link)
{
    const char *end = strstr(link->answer, "\r\n\r\n");
    if (!end)
        return NULL;
    const char *length = strcasestr(link->answer, "content-length:");
    size_t body = length && length < end ? (size_t)strtoul(length + 15, NULL, 10) : 0;
    return link->got >= (size_t)(end + 4 - link->answer) + body ? end + 4 : NULL;
}

static void pull(struct load *load, unsigned at)
{
    struct link *link = &load->links[at];
    ssize_t got = recv(link->fd, link->answer + link->got, ANSWER_MAX - 1 - link->got, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0 || !link->call)
        return shut(load, at);
    link->got += (size_t)got;
    link->answer[link->got] = '\0';
    const char *body = whole(link);
    if (!body)
        return;
    struct call *call = link->call;
    bool closes = strcasestr(link->answer, "\r\nconnection: close") != NULL;
    link->call = NULL;
    load->idle[load->idle_count++] = at;
    load->busy--;
    call_answered(load, call, link->answer, body, call->again_us);
    if (closes)
        shut(load, at);
}

static void carry(struct load *load, unsigned at, uint32_t events)
{
    struct link *link = &load->links[at];
    if (link->fd >= 0 && (events & EPOLLOUT)) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = at};
        (void)epoll_ctl(load->epoll, EPOLL_CTL_MOD, link->fd, &event);
        if (link->call)
            push(load, at);
    }
    if (link->fd >= 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        pull(load, at);
}

void links_turn(struct load *load, int ms)
{
    struct epoll_event events[256];
    int count = epoll_wait(load->epoll, events, 256, ms);
    for (int i = 0; i < count; i++)
        carry(load, events[i].data.u32, events[i].events);
}
