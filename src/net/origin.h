/* net/origin.h - "scheme://host[:port]" taken apart.
 *
 * Narrow on purpose: a host is a DNS name of letters, digits, '.', '-' and '_', or an IPv4 address,
 * or an IPv6 address in brackets without a zone. No user, no path, no escapes: what one parser
 * takes for a host, another must not take for anything else.
 */
#pragma once
#include "base/str.h"

enum scheme { SCHEME_HTTP, SCHEME_HTTPS, SCHEME_SMTP, SCHEME_SMTPS };

struct origin {
    enum scheme scheme;
    struct str host;      /* without brackets; borrows from the text, like the next */
    struct str authority; /* as written: "[::1]:8443" */
    uint16_t port;        /* the scheme's own if none was written */
};

bool origin_parse(struct str text, struct origin *ret);
/* "localhost" and its subdomains, 127.0.0.0/8 or ::1, by spelling alone. */
bool origin_is_loopback(const struct origin *origin);
