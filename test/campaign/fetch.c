/* test/campaign/fetch.c - GETs many paths over a few connections, as fast as they are answered.
 *
 *     fetch --port N --auth BASIC [--connections N]
 *
 * Paths come one a line on stdin; each answer goes to stdout as "path<tab>status<tab>body", one
 * line a page of a list whose path has a query. A connection that fails is made anew, and its path
 * asked again, ten times at most; so is one that was answered 503.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LINKS_MAX = 64,
    PATH_LEN_MAX = 512,
    CURSOR_LEN_MAX = 1200,
    ANSWER_MAX = 8 << 20,
    TRIES_MAX = 10,
    WAIT_MS = 30000
};

struct link {
    int fd;
    unsigned tries;
    bool busy;
    char path[PATH_LEN_MAX];
    char cursor[CURSOR_LEN_MAX]; /* of the next page; "": the first */
    char *answer;
    size_t got;
};

struct fetch {
    unsigned port, connections;
    const char *auth;
    struct link links[LINKS_MAX];
};

static bool dial(const struct fetch *fetch, struct link *link)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)fetch->port)};
    int on = 1;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    link->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (link->fd < 0)
        return false;
    (void)setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(link->fd, (struct sockaddr *)&to, sizeof to) == 0)
        return true;
    (void)close(link->fd);
    link->fd = -1;
    return false;
}

/* Sends the link's path; false once it has been tried too often. */
static bool ask(const struct fetch *fetch, struct link *link)
{
    char request[PATH_LEN_MAX + CURSOR_LEN_MAX + 1024];
    int len = snprintf(request, sizeof request,
                       "GET %s%s%s HTTP/1.1\r\nHost: fetch\r\nAuthorization: Basic %s\r\n\r\n",
                       link->path, link->cursor[0] ? "&cursor=" : "", link->cursor, fetch->auth);
    for (; link->tries < TRIES_MAX; link->tries++) {
        link->got = 0;
        if (link->fd < 0 && !dial(fetch, link)) {
            (void)usleep(20000);
            continue;
        }
        if (send(link->fd, request, (size_t)len, MSG_NOSIGNAL) == len)
            return true;
        (void)close(link->fd);
        link->fd = -1;
    }
    (void)fprintf(stderr, "fetch: %s: no answer\n", link->path);
    return false;
}

/* The cursor of the next page, or "". */
static void find_cursor(struct link *link, const char *body)
{
    static const char name[] = "\"next_cursor\":\"";
    const char *at = strchr(link->path, '?') ? body : NULL, *found = NULL;
    while (at && (at = strstr(at, name)))
        found = at += sizeof name - 1;
    (void)snprintf(link->cursor, sizeof link->cursor, "%.*s", found ? (int)strcspn(found, "\"") : 0,
                   found ? found : "");
}

/* 1: a whole answer was written; 0: not yet; -1: the path must be asked again. */
static int take(struct link *link)
{
    ssize_t got = recv(link->fd, link->answer + link->got, ANSWER_MAX - 1 - link->got, 0);
    if (got <= 0)
        return -1;
    link->got += (size_t)got;
    link->answer[link->got] = '\0';
    char *end = strstr(link->answer, "\r\n\r\n");
    if (!end)
        return 0;
    const char *length = strcasestr(link->answer, "content-length:");
    size_t body = length && length < end ? (size_t)strtoul(length + 15, NULL, 10) : 0;
    if (link->got < (size_t)(end + 4 - link->answer) + body)
        return 0;
    long status = strtol(link->answer + 9, NULL, 10);
    if (status == 503 && link->tries + 1 < TRIES_MAX) {
        (void)usleep(50000);
        return -1;
    }
    (void)printf("%s\t%ld\t%.*s\n", link->path, status, (int)body, end + 4);
    find_cursor(link, end + 4);
    return 1;
}

static bool next_path(struct link *link)
{
    link->tries = 0;
    if (link->cursor[0])
        return true;
    if (!fgets(link->path, sizeof link->path, stdin))
        return false;
    link->path[strcspn(link->path, "\n")] = '\0';
    return link->path[0] != '\0';
}

static bool run(struct fetch *fetch)
{
    struct pollfd polls[LINKS_MAX];
    unsigned busy = 0;
    for (unsigned i = 0; i < fetch->connections; i++) {
        struct link *link = &fetch->links[i];
        link->fd = -1;
        link->answer = malloc(ANSWER_MAX);
        link->busy = link->answer && next_path(link);
        busy += link->busy;
        if (link->busy && !ask(fetch, link))
            return false;
    }
    while (busy) {
        for (unsigned i = 0; i < fetch->connections; i++)
            polls[i] = (struct pollfd){.fd = fetch->links[i].busy ? fetch->links[i].fd : -1,
                                       .events = POLLIN};
        if (poll(polls, fetch->connections, WAIT_MS) <= 0)
            return (void)fprintf(stderr, "fetch: no answer\n"), false;
        for (unsigned i = 0; i < fetch->connections; i++) {
            struct link *link = &fetch->links[i];
            int done = link->busy && polls[i].revents ? take(link) : 0;
            if (done < 0) {
                (void)close(link->fd);
                link->fd = -1;
                link->tries++;
            } else if (done > 0) {
                link->busy = next_path(link);
                busy -= !link->busy;
            }
            if (done && link->busy && !ask(fetch, link))
                return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct fetch fetch = {.connections = 8};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--port"))
            fetch.port = (unsigned)strtoul(argv[i + 1], NULL, 10);
        else if (!strcmp(argv[i], "--auth"))
            fetch.auth = argv[i + 1];
        else if (!strcmp(argv[i], "--connections"))
            fetch.connections = (unsigned)strtoul(argv[i + 1], NULL, 10);
    }
    if (!fetch.port || !fetch.auth || fetch.connections > LINKS_MAX)
        return (void)fprintf(stderr, "usage: fetch --port N --auth BASIC\n"), 64;
    return run(&fetch) ? 0 : 1;
}
