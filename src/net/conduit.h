/* net/conduit.h - plaintext to and from a host: dialled, with TLS from the start, later or never.
 *
 * What the pooled sessions (h2_link, smtp_link) have in common. The owner is called from the loop:
 *
 *     connected    bytes may flow (TLS stands, if it was asked for); what it returns but OK ends
 * all received     plaintext; the same turn         everything that had come is handed over, or all
 * is written: the owner's moment to write and send, or to close down         it is over; the owner
 * closes
 *
 * Only in `turn` and `down` may the owner close. Writes gather in the conduit until conduit_send;
 * while it is_full nothing more should be written.
 */
#pragma once
#include "base/buf.h"
#include "net/origin.h"
#include "net/tls.h"
#include "port/clock.h"
#include <uv.h>

struct conduit;

enum { CONDUIT_READ_BYTES = 64 * 1024, CONDUIT_PLAIN_BYTES = 16 * 1024 };

/* Room to read into, shared by all conduits of a thread. */
struct conduit_scratch {
    char read[CONDUIT_READ_BYTES];
    char plain[CONDUIT_PLAIN_BYTES];
};

struct conduit_config {
    uv_loop_t *loop;
    const struct clock *clock;
    struct conduit_scratch *scratch;
    const struct origin *origin;
    const struct tls_context *tls; /* from the first byte; NULL: plain */
    unsigned alpn;
    struct mono deadline; /* of resolving and connecting */
    enum err (*connected)(void *self, struct now now, struct why *why);
    enum err (*received)(void *self, struct str bytes, struct now now, struct why *why);
    void (*turn)(void *self, struct now now);
    void (*down)(void *self, const struct why *why);
    void (*sooner)(void *self); /* conduit_deadline is nearer than it was */
    void *self;
};

/* What the configuration points at lives as long as the conduit. No callback from here. */
enum err conduit_start(const struct conduit_config *config, struct conduit **ret,
                       struct why *why) must_use;
/* Ends without a callback; what the socket takes at once of the last words is sent. */
void conduit_close(struct conduit *conduit);

/* Starts TLS on a conduit that is plain so far; `connected` comes again. Nothing may have been
 * received behind what led to this (RFC 3207 section 6): the owner checks. */
enum err conduit_start_tls(struct conduit *conduit, const struct tls_context *tls,
                           struct why *why) must_use;

enum err conduit_write(struct conduit *conduit, struct str bytes, struct why *why) must_use;
/* Bytes written and not given to the socket yet (as they go over the wire). */
size_t conduit_pending(const struct conduit *conduit);
/* Gives them to the socket; what it does not take now follows by itself. */
enum err conduit_send(struct conduit *conduit, struct why *why) must_use;
bool conduit_is_full(const struct conduit *conduit);

enum tls_alpn conduit_alpn(const struct conduit *conduit);
/* While it is dialling; MONO_NEVER afterwards. */
struct mono conduit_deadline(const struct conduit *conduit);
void conduit_tick(struct conduit *conduit, struct now now);
