/* codec/cidr.h - networks as people write them: "127.0.0.0/8, fd00::/8". Pure; any thread. */
#pragma once
#include "base/str.h"

/* A network in IPv6 form; IPv4 is mapped (::ffff:a.b.c.d). */
struct cidr {
    unsigned char address[16];
    unsigned bits; /* 0..128, of the IPv6 form */
};

/* An address alone is a network of one. False for names, bits beyond the address's own, or bits
 * set behind the prefix. */
bool cidr_parse(struct str text, struct cidr *ret);
/* Whether `host` is a literal address (IPv6 with or without brackets) inside `network`. */
bool cidr_has(const struct cidr *network, struct str host);

/* Takes the next network off a comma-separated list, spaces around it passed over. False at the end
 * of the list, and with *ret_bad set for what is no network. Start with *ret_bad == false. */
bool cidr_next(struct str *rest, struct cidr *ret, bool *ret_bad);
