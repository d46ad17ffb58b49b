/* net/h2_server.h - one HTTP/2 connection as a session: bytes in, requests up, answers out.
 *
 * RFC 9113 over nghttp2, which does framing, HPACK, flow control and the checks of messages
 * (pseudo-headers, content-length, forbidden fields); a malformed message is a stream error. The
 * handler sees the same exchange as from HTTP/1.1: `:authority` comes as `host`.
 * Bounds: STREAMS_MAX streams, HEAD_BYTES_MAX and HEADERS_MAX a head (431), the body's limit (413),
 * OUTPUT_UNSENT_BYTES_MAX of answers that the peer does not take (new requests get 503), and
 * against floods RESETS_MAX failed streams in RESETS_WINDOW_S, CONTROL_FRAMES_MAX frames without a
 * request, besides nghttp2's own: past them GOAWAY with ENHANCE_YOUR_CALM. Deadlines:
 * HEAD_TIMEOUT_S for a header block, BODY_TIMEOUT_S as in h1.h (408), WRITE_TIMEOUT_S for an answer
 * that the peer's window holds back (reset), IDLE_TIMEOUT_S without a stream (GOAWAY).
 */
#pragma once
#include "net/session.h"

/* Expects the client's preface first. NULL without memory. Owned by the caller; `exchanges` must
 * outlive it. */
struct session *h2_server_new(struct exchanges *exchanges, bool tls, struct now now);
