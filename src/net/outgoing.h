/* net/outgoing.h - what our transports keep of one exchange, and how each of them ends it.
 *
 * Stands in the call's own arena from submit to `done`, first in the record of the transport that
 * carries it. `begun` belongs to the carrier: it is set the moment that the first byte is given to
 * TLS, TCP or libcurl.
 */
#pragma once
#include "base/list.h"
#include "port/transport.h"

enum carrier { CARRIER_LATER, CARRIER_POOL, CARRIER_CURL, CARRIER_SANDBOX };

struct outgoing {
    struct list link; /* in whatever list of the carrier it stands */
    struct exchange_call *call;
    enum carrier carrier;
    void *queue; /* where it waits, if the carrier has several */
    struct mono begun_at;
    struct reply reply;
};

/* A record of `size` bytes that begins with a struct outgoing, known to the call as its work.
 * NULL if the arena has no room. */
void *outgoing_new(struct exchange_call *call, size_t size, enum carrier carrier);

/* Calls `done` with the reply as it was gathered: a whole answer. The record may be gone after. */
void outgoing_answer(struct outgoing *outgoing, struct now now);
/* Calls `done` without an answer: `end` is not WHOLE, the sentence says why. */
void outgoing_fail(struct outgoing *outgoing, enum exchange_end end, struct now now,
                   const char *format, ...) printf_like(4, 5);

/* Why this request can never be sent as it is: a header, path, address or message with bytes that
 * would mean something else on the wire (RFC 9113 section 8.2, RFC 9112 section 5, RFC 5321
 * section 2.3.8). False with `why`. Composers check before; this is the last door. */
bool outgoing_allowed(const struct request *request, struct why *why);
