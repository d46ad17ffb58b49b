/* net/h2_link.h - an HTTP/2 connection of a pool: conduit and session.
 *
 * Frames are gathered to full TLS records, records to one write. Without a TLS context it is plain
 * TCP with prior knowledge (RFC 9113 section 3.3). It closes after H2_IDLE_CLOSE_S without a
 * stream.
 */
#pragma once
#include "net/link.h"

enum err h2_link_start(const struct link_config *config, struct now now, struct link **ret,
                       struct why *why) must_use;
