/* net/h1.h - one HTTP/1.1 connection as a session: bytes in, requests up, answers out in order.
 *
 * RFC 9112, strictly (see h1_head.h). Keep-alive; at most PIPELINE_MAX requests are read ahead, and
 * answers leave in the order of their requests whatever order they come in. A request that is
 * refused is answered after those before it, then the connection ends. HTTP/1.0 is answered, and
 * its connection ends unless it asked otherwise. `Expect: 100-continue` is granted when the head is
 * fine and the body's length allowed; a body over the limit is never read: the handler gets
 * body_too_large, and the connection ends behind its answer.
 * Deadlines: HEAD_TIMEOUT_S for a head, BODY_TIMEOUT_S between pieces of a body (and
 * BODY_BYTES_PER_S_MIN on the whole): 408; IDLE_TIMEOUT_S between requests: closed without a word.
 * Memory: idle, the struct alone after `trim`; else one head or one body, and unsent answers.
 */
#pragma once
#include "net/session.h"

/* NULL without memory. Owned by the caller; `exchanges` must outlive it. */
struct session *h1_new(struct exchanges *exchanges, bool tls, struct now now);
