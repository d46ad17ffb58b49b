/* net/connection.h - one accepted connection without its socket: TLS or none, HTTP/1.1 or HTTP/2.
 *
 * Decides which session speaks: by ALPN over TLS, else by the first bytes (RFC 9113 section 3.3:
 * a client with prior knowledge of HTTP/2 begins with its preface). Adds what sessions do not know:
 * the handshake's deadline, the deadline for writing, and the lingering end that lets a peer read
 * the last answer although it was still sending (RFC 9112 section 9.6).
 * After each call of feed, step, sent, expire or drain: send `output` until it is empty or the
 * socket is full, say so by `sent`, then do what `state` says. Threads: one. Errors: in the state.
 */
#pragma once
#include "net/session.h"
#include "net/tls.h"

struct connection;

enum connection_state {
    CONNECTION_READS,   /* wants bytes */
    CONNECTION_PAUSED,  /* wants none until something was sent or answered */
    CONNECTION_LINGERS, /* all is sent: end the sending side; wants bytes, to drop them */
    CONNECTION_OVER,    /* close the socket */
};

/* `tls` NULL: clear. `wake(owner)` is called when an answer came outside of a call: take note, and
 * call `connection_step` soon. NULL without memory. */
struct connection *connection_new(struct exchanges *exchanges, const struct tls_context *tls,
                                  void (*wake)(void *owner), void *owner, struct now now);
void connection_free(struct connection *connection);

void connection_feed(struct connection *connection, const char *at, size_t len, struct now now);
void connection_feed_end(struct connection *connection, struct now now);
void connection_step(struct connection *connection, struct now now);
/* Borrowed until the next call. */
struct str connection_output(struct connection *connection);
/* The socket took `len` of the output; fewer than all (0, too): it is full now. */
void connection_sent(struct connection *connection, size_t len, struct now now);
enum connection_state connection_state(const struct connection *connection);
struct mono connection_deadline(const struct connection *connection);
void connection_expire(struct connection *connection, struct now now);
/* Goodbye: it ends with the next answer, or at once if it is idle and `idle_too`. */
void connection_drain(struct connection *connection, bool idle_too, struct now now);
void connection_trim(struct connection *connection);
