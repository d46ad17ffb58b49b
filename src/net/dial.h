/* net/dial.h - a TCP connection to a host by name, over libuv.
 *
 * Resolves once and tries the addresses in the resolver's order, each with its share of the time
 * that is left, until one takes the connection. The owner calls dial_tick at dial_deadline.
 * Exactly one of `connected` and `failed` comes, from the loop and never from dial_start, and ends
 * the dial: it is freed then. Until that the owner may give up with dial_stop.
 */
#pragma once
#include "base/err.h"
#include "port/clock.h"
#include <uv.h>

struct dial;

struct dial_events {
    /* The socket is the callee's: it ends with dial_socket_close, whatever its data points at. */
    void (*connected)(void *self, uv_tcp_t *socket);
    void (*failed)(void *self, const struct why *why);
    void (*sooner)(void *self); /* dial_deadline is nearer than it was; never the last callback */
    void *self;
};

/* ERR_MEMORY or ERR_IO: there will be no callback. `host` is
 * copied, the clock outlives the dial. */
enum err dial_start(uv_loop_t *loop, const struct clock *clock, struct str host, uint16_t port,
                    struct mono deadline, const struct dial_events *events, struct dial **ret,
                    struct why *why) must_use;
void dial_tick(struct dial *dial, struct mono now);
struct mono dial_deadline(const struct dial *dial);
void dial_stop(struct dial *dial); /* NULL is allowed */

/* Closes and frees, later; nothing is called back. */
void dial_socket_close(uv_tcp_t *socket);
