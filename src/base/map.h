/* base/map.h - a hash map from bytes to a pointer, keyed against flooding.
 *
 * Open addressing, linear probing, grows by doubling up to `max` entries. Owns its slots, but
 * neither keys nor values: a key must live as long as its entry (it usually stands in the value).
 * The hash is SipHash-1-3 under the map's key, so that outsiders cannot choose collisions.
 */
#pragma once
#include "base/err.h"
#include "base/str.h"

struct map_slot;

struct map {
    struct map_slot *slots;
    size_t count, cap, max;
    uint64_t key[2];
};

void map_init(struct map *map, size_t max, const uint64_t key[2]);
void map_done(struct map *map);
void *map_get(const struct map *map, struct str key); /* NULL if there is none */
/* Adds or replaces; ERR_FULL at the maximum, ERR_MEMORY. `ret_old` may be NULL. */
enum err map_put(struct map *map, struct str key, void *value, void **ret_old) must_use;
void *map_remove(struct map *map, struct str key); /* what stood there, or NULL */
/* Walks all entries in no order: start with *at == 0; NULL at the end. The map must not change. */
void *map_each(const struct map *map, size_t *at);

/* SipHash-1-3 (Aumasson and Bernstein), 64 bits. */
uint64_t siphash13(const uint64_t key[2], const void *at, size_t len);
/* SipHash-2-4 with 128 bits of output, for identity rather than for speed. */
void siphash24_128(const uint64_t key[2], const void *at, size_t len, uint64_t ret[2]);
