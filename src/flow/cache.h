/* flow/cache.h - values by name in bounded memory, the least recently used giving way.
 *
 * An entry owns its value in an arena of its own. A pinned entry outlives its eviction: it is freed
 * when the last pin goes. Threads: the owner's alone.
 */
#pragma once
#include "base/arena.h"
#include "base/list.h"
#include "base/map.h"

struct cache_entry {
    struct list recent;
    struct str key;
    struct arena arena; /* the key's bytes and the value; the entry itself stands in it */
    uint32_t pins;
    bool kept;    /* in the cache; else only its pins hold it */
    size_t extra; /* bytes beyond the arena's, for the budget */
    void *value;
    void (*drop)(void *value); /* before the arena goes; may be NULL */
};

struct cache {
    struct map map;
    struct list recent; /* oldest first */
    size_t bytes, bytes_max;
};

void cache_init(struct cache *cache, size_t bytes_max, const uint64_t hash_key[2]);
/* Another budget; what is over it goes at once. */
void cache_resize(struct cache *cache, size_t bytes_max);
void cache_done(struct cache *cache); /* nothing may be pinned from outside */

/* Pinned, or NULL. */
struct cache_entry *cache_find(struct cache *cache, struct str key);
/* An entry outside the cache, pinned once, for its value to be filled in; NULL: out of memory. */
struct cache_entry *cache_entry_new(struct str key, size_t bytes_max);
/* Puts a filled entry into the cache, instead of one that may be there; it stays pinned. An entry
 * that does not fit stays outside. */
void cache_keep(struct cache *cache, struct cache_entry *entry);
void cache_unpin(struct cache *cache, struct cache_entry *entry);
void cache_forget(struct cache *cache, struct str key);
void cache_forget_entry(struct cache *cache, struct cache_entry *entry);
