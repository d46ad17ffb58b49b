/* flow/cache.c - see cache.h. */
#include "flow/cache.h"

enum { ENTRIES_MAX = 1 << 22, ENTRY_BYTES_FIRST = 768 };

void cache_init(struct cache *cache, size_t bytes_max, const uint64_t hash_key[2])
{
    *cache = (struct cache){.bytes_max = bytes_max};
    map_init(&cache->map, ENTRIES_MAX, hash_key);
    list_init(&cache->recent);
}

static void entry_free(struct cache_entry *entry)
{
    if (entry->drop)
        entry->drop(entry->value);
    struct arena arena = entry->arena;
    arena_done(&arena);
}

static size_t entry_bytes(const struct cache_entry *entry)
{
    return entry->arena.used + entry->extra;
}

void cache_forget_entry(struct cache *cache, struct cache_entry *entry)
{
    must(entry->kept);
    (void)map_remove(&cache->map, entry->key);
    list_remove(&entry->recent);
    cache->bytes -= entry_bytes(entry);
    entry->kept = false;
    if (!entry->pins)
        entry_free(entry);
}

void cache_done(struct cache *cache)
{
    while (!list_empty(&cache->recent))
        cache_forget_entry(cache, list_of(cache->recent.next, struct cache_entry, recent));
    map_done(&cache->map);
}

struct cache_entry *cache_find(struct cache *cache, struct str key)
{
    struct cache_entry *entry = map_get(&cache->map, key);
    if (!entry)
        return NULL;
    list_remove(&entry->recent);
    list_add_last(&cache->recent, &entry->recent);
    entry->pins++;
    return entry;
}

struct cache_entry *cache_entry_new(struct str key, size_t bytes_max)
{
    struct arena arena;
    arena_init_sized(&arena, bytes_max, ENTRY_BYTES_FIRST);
    struct cache_entry *entry = arena_new(&arena, struct cache_entry);
    struct str copy = arena_copy(&arena, key);
    if (!entry || !copy.at) {
        arena_done(&arena);
        return NULL;
    }
    *entry = (struct cache_entry){.key = copy, .arena = arena, .pins = 1};
    list_init(&entry->recent);
    return entry;
}

static void shrink(struct cache *cache)
{
    while (cache->bytes > cache->bytes_max)
        cache_forget_entry(cache, list_of(cache->recent.next, struct cache_entry, recent));
}

void cache_keep(struct cache *cache, struct cache_entry *entry)
{
    must(!entry->kept);
    cache_forget(cache, entry->key);
    if (entry_bytes(entry) > cache->bytes_max ||
        map_put(&cache->map, entry->key, entry, NULL) != OK)
        return;
    entry->kept = true;
    cache->bytes += entry_bytes(entry);
    list_add_last(&cache->recent, &entry->recent);
    shrink(cache);
}

void cache_resize(struct cache *cache, size_t bytes_max)
{
    cache->bytes_max = bytes_max;
    shrink(cache);
}

void cache_unpin(struct cache *cache, struct cache_entry *entry)
{
    (void)cache;
    must(entry->pins > 0);
    if (--entry->pins == 0 && !entry->kept)
        entry_free(entry);
}

void cache_forget(struct cache *cache, struct str key)
{
    struct cache_entry *entry = map_get(&cache->map, key);
    if (entry)
        cache_forget_entry(cache, entry);
}
