/* net/h2_client.h - the calling side of one HTTP/2 connection (RFC 9113), without a socket.
 *
 * Bytes in, bytes out, now, next deadline. The owner asks `room`, hands streams to `begin`, sends
 * what `output` holds, feeds what it receives, calls `tick` at `deadline`. It holds nothing back:
 * a stream that was begun is in the output when begin returns, so all that waits, waits with the
 * owner and can be withdrawn.
 *
 * The peer's SETTINGS_MAX_CONCURRENT_STREAMS is never exceeded: before its first SETTINGS frame
 * there is no room at all. That frame is the first thing a server sends (section 3.4), so waiting
 * for it costs a round trip in the life of a connection, and proves that the peer speaks HTTP/2
 * before anything is begun. Pushes are off, PRIORITY is never sent.
 *
 * How a stream ends: WHOLE with its END_STREAM (or once its body is over REPLY_BYTES_MAX, cut off);
 * REFUSED by REFUSED_STREAM or above GOAWAY's last-stream-id (sections 8.7, 6.8), where a new
 * attempt is safe; CUT by any other reset, its deadline, or the end of the connection.
 * Exchanges end (`done`) from within begin, receive, tick and close; what `done` does must not call
 * the session back.
 */
#pragma once
#include "base/buf.h"
#include "net/gather.h"
#include "net/outgoing.h"

/* An exchange on its way; allocated by the owner with outgoing_new, CARRIER_POOL. */
struct h2_stream {
    struct outgoing out;
    int32_t id;
    size_t sent; /* of the request's body */
    struct gather gather;
    bool unsent; /* its HEADERS never left nghttp2 */
};

struct h2_client_config {
    struct str scheme, authority; /* live as long as the session */
    uint32_t streams_max;
    struct span ping_after;   /* silence with streams open */
    struct span ping_idle;    /* silence without */
    struct span ping_timeout; /* of its answer */
};

struct h2_client;

/* Its connection preface is output at once. NULL without memory. */
struct h2_client *h2_client_new(const struct h2_client_config *config, struct now now);
/* Requires h2_client_close before, unless no stream is open. NULL is allowed. */
void h2_client_free(struct h2_client *client);

/* The peer's SETTINGS have come. */
bool h2_client_settled(const struct h2_client *client);
/* GOAWAY was received or stream ids ran out: no room any more; streams that are open go on. */
bool h2_client_draining(const struct h2_client *client);
uint32_t h2_client_open(const struct h2_client *client);
uint64_t h2_client_answered(const struct h2_client *client); /* whole answers since the start */
/* Streams that may be begun now; 0 while a record's worth of output waits. */
uint32_t h2_client_room(const struct h2_client *client);
/* Requires room. On failure (memory) the stream has ended UNSENT before it returns. */
void h2_client_begin(struct h2_client *client, struct h2_stream *stream, struct now now);

/* What is to be sent: up to about H2_OUTPUT_BYTES, so that TLS records are full. */
enum { H2_OUTPUT_BYTES = 15 * 1024 };
struct str h2_client_output(struct h2_client *client);
void h2_client_output_drop(struct h2_client *client, size_t len);

/* Any error: the connection is of no more use; send the output that is left (GOAWAY), then close.
 * ERR_INPUT: the peer broke the protocol. ERR_CLOSED: both sides are done. ERR_MEMORY. */
enum err h2_client_receive(struct h2_client *client, struct str bytes, struct now now,
                           struct why *why) must_use;
/* ERR_TIMEOUT: no answer to a PING; else as for receive. */
enum err h2_client_tick(struct h2_client *client, struct now now, struct why *why) must_use;
struct mono h2_client_deadline(const struct h2_client *client);

/* Says GOAWAY; takes no new streams. */
void h2_client_drain(struct h2_client *client);
/* The connection has gone: ends what is open, with this sentence. */
void h2_client_close(struct h2_client *client, struct now now, const char *reason);
