/* net/server.h - listeners and connections on a libuv loop.
 *
 * Connections speak HTTP/1.1 and HTTP/2 (see connection.h); every request goes to one handler,
 * which answers now or later (port/exchange.h). No thread, timer or buffer a connection: a sweep
 * once a second looks after deadlines, and input is read into one shared buffer. Several servers,
 * one a thread, can share an address with `reuse_port`. Threads: everything on the loop's thread;
 * the handler is called there. None of these functions may be called from within the handler,
 * except server_stats. Errors: what fails for one connection ends that connection.
 */
#pragma once
#include "net/address.h"
#include "net/exchanges.h"
#include "net/tls.h"
#include "port/clock.h"
#include <uv.h>

struct server;

struct server_listen {
    struct address address;        /* port 0: any free one, see server_port */
    const struct tls_context *tls; /* shared, not taken over; NULL: clear */
};

struct server_config {
    const struct server_listen *listens;
    uint32_t listen_count; /* 1 to LISTENERS_MAX */
    bool reuse_port;
    /* 0: the default of model/limits.h. */
    uint32_t connections_max;
    uint32_t in_flight_max;
    size_t body_bytes_max;
    size_t bodies_bytes_max;
    size_t (*body_bytes_for)(void *self, const struct http_request *request); /* may be NULL */
    void *body_bytes_self;
    uint64_t seed; /* unpredictable: for request ids of the sessions' own answers */
    /* One sentence about the machine (no descriptors left, too many connections), at most one in
     * ten seconds. May be NULL. */
    void (*log)(void *self, const char *sentence);
    void *log_self;
};

/* Listens at once. ERR_IO (in use, not allowed: `why` names the address), ERR_MEMORY; then, too,
 * the loop has closing callbacks to run. */
enum err server_new(uv_loop_t *loop, const struct server_config *config, struct clock clock,
                    struct exchange_handler handler, struct why *why, struct server **ret) must_use;
/* The port that listener `index` of the configuration has. */
uint16_t server_port(const struct server *server, uint32_t index);
/* New connections of that listener use this context, which is taken over; those that are open go
 * on with theirs. The listener must have had one. */
void server_set_tls(struct server *server, uint32_t index, struct tls_context *context);
/* Changes the limits of requests that come from now on. */
void server_set_limits(struct server *server, size_t body_bytes_max, uint32_t in_flight_max);
/* Stops accepting, and says goodbye on every connection: HTTP/2 by GOAWAY, HTTP/1.1 with its next
 * answer. Idle connections stay until server_drain, so that whoever sends at this moment is
 * answered; the handler sees to it that the answer is a refusal. What already waits to be accepted
 * is, for the same reason. */
void server_refuse(struct server *server);
/* Stops accepting, lets every connection finish what is being received or answered, and calls
 * `done` when the last one has gone (from the loop, never from within this call). */
void server_drain(struct server *server, void (*done)(void *self), void *self);
/* Ends every connection where it stands, and frees the server once its handles are closed; `closed`
 * (may be NULL) is called last. Exchanges with the handler live on; their answers are dropped. */
void server_close(struct server *server, void (*closed)(void *self), void *self);

struct server_stats {
    uint32_t connections;
    uint32_t in_flight;
    size_t bodies_bytes;
    uint64_t accepted; /* connections, since the start */
    uint64_t requests; /* handed to the handler, since the start */
    uint64_t refused;  /* answered 503 by the sessions, since the start */
};
void server_stats(const struct server *server, struct server_stats *ret);
