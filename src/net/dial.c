/* net/dial.c - resolve, then connect to one address after the other; see dial.h.
 *
 * libuv wants its requests and handles to stay until it has called back. They stand in records of
 * their own that free themselves, so that a dial can go at any moment.
 */
#include "net/dial.h"
#include "base/list.h"
#include <stdlib.h>

enum { HOST_SIZE = 254, ADDRESSES_MAX = 16 };

struct lookup {
    uv_getaddrinfo_t request;
    struct dial *dial; /* NULL: given up */
};

struct attempt {
    uv_tcp_t socket; /* first: it outlives the attempt as an address to free */
    uv_connect_t request;
    struct dial *dial; /* NULL: given up */
};

struct dial {
    uv_loop_t *loop;
    const struct clock *clock;
    struct dial_events events;
    struct lookup *lookup;
    struct addrinfo *addresses, *next;
    unsigned left; /* addresses from `next` on */
    struct attempt *attempt;
    struct mono deadline, attempt_deadline;
    uint16_t port;
    char host[HOST_SIZE];
    struct why why; /* of the last failure */
};

static void free_socket(uv_handle_t *socket)
{
    free(socket);
}

void dial_socket_close(uv_tcp_t *socket)
{
    socket->data = NULL;
    uv_close((uv_handle_t *)socket, free_socket);
}

static void drop_attempt(struct dial *dial)
{
    if (!dial->attempt)
        return;
    dial->attempt->dial = NULL;
    dial_socket_close(&dial->attempt->socket);
    dial->attempt = NULL;
}

void dial_stop(struct dial *dial)
{
    if (!dial)
        return;
    drop_attempt(dial);
    if (dial->lookup) {
        dial->lookup->dial = NULL;
        (void)uv_cancel((uv_req_t *)&dial->lookup->request);
    }
    uv_freeaddrinfo(dial->addresses);
    free(dial);
}

static void fail(struct dial *dial)
{
    struct dial_events events = dial->events;
    struct why why = dial->why;
    dial_stop(dial);
    events.failed(events.self, &why);
}

static void try_next(struct dial *dial, struct mono now);

static void on_connect(uv_connect_t *request, int status)
{
    struct attempt *attempt = list_of(request, struct attempt, request);
    struct dial *dial = attempt->dial;
    if (!dial)
        return;
    if (status == 0) {
        struct dial_events events = dial->events;
        dial->attempt = NULL;
        dial_stop(dial);
        events.connected(events.self, &attempt->socket);
        return;
    }
    (void)why_set(&dial->why, ERR_IO, "connecting to %s port %u: %s", dial->host,
                  (unsigned)dial->port, uv_strerror(status));
    drop_attempt(dial);
    try_next(dial, clock_now(dial->clock).mono);
}

static enum err connect_to(struct dial *dial, const struct sockaddr *address)
{
    struct attempt *attempt = calloc(1, sizeof *attempt);
    if (!attempt)
        return why_set(&dial->why, ERR_MEMORY, "no memory to connect to %s", dial->host);
    int failed = uv_tcp_init(dial->loop, &attempt->socket);
    if (failed) {
        free(attempt);
    } else {
        attempt->dial = dial;
        dial->attempt = attempt;
        (void)uv_tcp_nodelay(&attempt->socket, 1);
        failed = uv_tcp_connect(&attempt->request, &attempt->socket, address, on_connect);
        if (failed)
            drop_attempt(dial);
    }
    return failed ? why_set(&dial->why, ERR_IO, "connecting to %s port %u: %s", dial->host,
                            (unsigned)dial->port, uv_strerror(failed))
                  : OK;
}

/* The share of an address: none may use up what is left for the others. */
static struct mono share(const struct dial *dial, struct mono now)
{
    int64_t left = mono_since(now, dial->deadline).us;
    return mono_add(now, (struct span){left / (int64_t)dial->left});
}

static void try_next(struct dial *dial, struct mono now)
{
    while (dial->next && dial->left && !mono_reached(now, dial->deadline)) {
        dial->attempt_deadline = share(dial, now);
        struct addrinfo *at = dial->next;
        dial->next = at->ai_next;
        dial->left--;
        if (connect_to(dial, at->ai_addr) == OK) {
            dial->events.sooner(dial->events.self);
            return;
        }
    }
    fail(dial);
}

static void on_lookup(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct lookup *lookup = list_of(request, struct lookup, request);
    struct dial *dial = lookup->dial;
    free(lookup);
    if (!dial) {
        uv_freeaddrinfo(found);
        return;
    }
    dial->lookup = NULL;
    dial->addresses = dial->next = found;
    for (struct addrinfo *at = found; at && dial->left < ADDRESSES_MAX; at = at->ai_next)
        dial->left++;
    if (status)
        (void)why_set(&dial->why, ERR_IO, "resolving %s: %s", dial->host, uv_strerror(status));
    try_next(dial, clock_now(dial->clock).mono);
}

static enum err look_up(struct dial *dial, struct why *why)
{
    dial->lookup = calloc(1, sizeof *dial->lookup);
    if (!dial->lookup)
        return why_set(why, ERR_MEMORY, "no memory to resolve %s", dial->host);
    dial->lookup->dial = dial;
    char service[8];
    (void)snprintf(service, sizeof service, "%u", (unsigned)dial->port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    int failed =
        uv_getaddrinfo(dial->loop, &dial->lookup->request, on_lookup, dial->host, service, &hints);
    if (!failed)
        return OK;
    free(dial->lookup);
    dial->lookup = NULL;
    return why_set(why, ERR_IO, "resolving %s: %s", dial->host, uv_strerror(failed));
}

enum err dial_start(uv_loop_t *loop, const struct clock *clock, struct str host, uint16_t port,
                    struct mono deadline, const struct dial_events *events, struct dial **ret,
                    struct why *why)
{
    struct dial *dial = calloc(1, sizeof *dial);
    if (!dial)
        return why_set(why, ERR_MEMORY, "no memory to connect");
    *dial = (struct dial){.loop = loop,
                          .clock = clock,
                          .events = *events,
                          .port = port,
                          .deadline = deadline,
                          .attempt_deadline = deadline};
    enum err err = str_copy(host, dial->host, sizeof dial->host)
                       ? look_up(dial, why)
                       : why_set(why, ERR_INPUT, "the host's name is too long");
    if (err == OK)
        *ret = dial;
    else
        dial_stop(dial);
    return err;
}

void dial_tick(struct dial *dial, struct mono now)
{
    if (!mono_reached(now, dial->attempt_deadline))
        return;
    (void)why_set(&dial->why, ERR_TIMEOUT, "%s %s port %u took too long",
                  dial->lookup ? "resolving" : "connecting to", dial->host, (unsigned)dial->port);
    drop_attempt(dial);
    try_next(dial, now);
}

struct mono dial_deadline(const struct dial *dial)
{
    return dial->attempt_deadline;
}
