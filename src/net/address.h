/* net/address.h - an address and port to listen on or to connect to, as people write it.
 *
 * Numeric only ("127.0.0.1:8080", "[::1]:443", "0.0.0.0:80"), and "localhost" for 127.0.0.1: which
 * of its addresses a name would mean is not a matter of chance for a server.
 */
#pragma once
#include "base/err.h"
#include "base/str.h"
#include <netinet/in.h>
#include <sys/socket.h>

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
};

enum { ADDRESS_TEXT_SIZE = INET6_ADDRSTRLEN + 8 }; /* brackets, colon, port, terminator */

/* ERR_INPUT with the remedy in `why`. */
enum err address_parse(struct str text, struct address *ret, struct why *why) must_use;
/* The same from its parts; `host` without brackets. */
enum err address_of(struct str host, uint16_t port, struct address *ret, struct why *why) must_use;
void address_format(const struct address *address, char into[ADDRESS_TEXT_SIZE]);
socklen_t address_len(const struct address *address);
uint16_t address_port(const struct address *address);
void address_set_port(struct address *address, uint16_t port);
/* 127.0.0.0/8, ::1, and the first mapped into IPv6. */
bool address_is_loopback(const struct address *address);
