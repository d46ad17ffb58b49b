/* net/h2_link.h - one connection of a pool: dial, TLS, HTTP/2 session, on a libuv loop.
 *
 * It asks its owner for streams (`next`) whenever the session has room and the socket takes bytes,
 * so that nothing is begun which the network could not take at once. Frames are gathered to full
 * TLS records, records to one write.
 * After `down` the link is gone, and all exchanges it had begun have ended. Callbacks come from the
 * loop, from h2_link_flush and from h2_link_tick, never from h2_link_start.
 */
#pragma once
#include "net/conduit.h"
#include "net/h2_client.h"

struct h2_link;

enum link_end {
    LINK_FAILED, /* it has ended without a single answer */
    LINK_NOT_H2, /* TLS is there, but the peer chose another protocol */
    LINK_LOST    /* it has served, and has ended, in order or not */
};

struct h2_link_config {
    uv_loop_t *loop;
    const struct clock *clock;
    struct conduit_scratch *scratch;
    const struct origin *origin;
    const struct tls_context *tls; /* NULL: plain TCP with prior knowledge (RFC 9113, 3.3) */
    struct h2_stream *(*next)(void *self); /* taken out of the owner's queue; NULL: none waits */
    void (*up)(void *self, struct h2_link *link);
    void (*sooner)(void *self, struct h2_link *link); /* h2_link_deadline is nearer than it was */
    void (*down)(void *self, struct h2_link *link, enum link_end end, const struct why *why);
    void *self;
};

/* All but `loop` is borrowed for the link's life. */
enum err h2_link_start(const struct h2_link_config *config, struct now now, struct h2_link **ret,
                       struct why *why) must_use;
/* Ends at once and without `down`: what was begun ends CUT with this sentence. */
void h2_link_close(struct h2_link *link, const char *reason);

/* How many streams it would begin at once; 0 until it is up, and while the socket is full. */
uint32_t h2_link_room(const struct h2_link *link);
bool h2_link_is_up(const struct h2_link *link);
/* Begins what waits and sends. */
void h2_link_flush(struct h2_link *link);
void h2_link_tick(struct h2_link *link, struct now now);
struct mono h2_link_deadline(const struct h2_link *link);
