/* net/pin.h - where an endpoint that a subscriber chose may lead: the public internet only.
 *
 * The address is checked at the moment when the socket to it is opened, and again before a pooled
 * connection is used: what is checked is what is connected to, so that there is no second look-up
 * that could answer otherwise, and no spelling of a host that could be read in two ways. A name
 * with public and private addresses is refused at the first private one that is tried, and never
 * reaches it. Pure.
 *
 * Not public: what the IANA special-purpose registries (RFC 6890 and its updates) do not call
 * globally reachable, multicast, and every IPv6 address outside 2000::/3, Teredo, ORCHID and
 * documentation inside it. Addresses that carry an IPv4 address (mapped, 6to4, NAT64) are as
 * public as that one is; IPv4-compatible ones never are.
 */
#pragma once
#include "base/str.h"
#include <sys/socket.h>

bool pin_is_public(const struct sockaddr *address);
/* Within one of the networks "10.0.0.0/8, ::1/128"; what is no network never matches. */
bool pin_is_within(const struct sockaddr *address, struct str networks);
/* The rule for subscribers: within `allowed`, or public and over TLS. */
bool pin_allows(const struct sockaddr *address, struct str allowed, bool tls);
