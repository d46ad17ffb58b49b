/* model/ids.h - what the server's own ids are, inside and outside.
 *
 * Inside: a notification is an int64, time-ordered: 41 bits of milliseconds since 2025-01-01Z,
 * 10 bits of node, 12 bits of sequence. A delivery is (notification, ordinal); an event adds seq.
 * Outside: "ntf_", "dlv_", "evt_" and Crockford base32 in lower case (13 digits for the 64 bits;
 * the numbers behind it follow as 7 and 4 digits). The low 22 bits go through a keyed permutation,
 * so that an app cannot count another's notifications by its own ids; the time bits stay in order.
 */
#pragma once
#include "base/arena.h"
#include "base/time.h"

struct delivery_key {
    int64_t notification;
    uint32_t ordinal; /* from 0 */
};

struct ids {
    uint64_t secret[2]; /* of the permutation; kept in the store, the same on every node */
    uint16_t node;      /* 0..1023 */
    int64_t last;       /* highest id minted or known */
};

enum { ID_TEXT_SIZE = 32 }; /* the longest outside form and a terminator */

/* Never the same twice and never backwards: max(wall, last + 1). */
int64_t ids_mint(struct ids *ids, struct wall now);
struct wall id_time(int64_t id);
int64_t id_floor(struct wall at); /* the smallest id of that millisecond */

struct str ntf_format(const struct ids *ids, int64_t id, char into[ID_TEXT_SIZE]);
struct str dlv_format(const struct ids *ids, struct delivery_key key, char into[ID_TEXT_SIZE]);
struct str evt_format(const struct ids *ids, struct delivery_key key, uint32_t seq,
                      char into[ID_TEXT_SIZE]);
/* False for anything that the formatters could not have written. */
bool ntf_parse(const struct ids *ids, struct str text, int64_t *ret);
bool dlv_parse(const struct ids *ids, struct str text, struct delivery_key *ret);
