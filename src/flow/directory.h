/* flow/directory.h - what an intake keeps of keys, apps, categories and recipients.
 *
 * Copies in bounded memory, forgotten when the ledger says that they have changed. `generation`
 * grows with every such word: what was asked for before it and answered after it is used, but not
 * kept, and the job that came of it is checked again by the ledger.
 */
#pragma once
#include "flow/cache.h"
#include "flow/notice.h"
#include "port/store.h"

struct directory {
    struct cache keys, apps, categories, recipients;
    uint64_t generation;
};

void directory_init(struct directory *directory, size_t bytes_max, const uint64_t hash_key[2]);
void directory_resize(struct directory *directory, size_t bytes_max);
void directory_done(struct directory *directory);

/* Pinned, or NULL; unpin with cache_unpin on the cache of the same name. */
struct cache_entry *directory_key(struct directory *directory, struct str app_key);
struct cache_entry *directory_app(struct directory *directory, struct str name);
struct cache_entry *directory_category(struct directory *directory, uint32_t app, struct str name);
struct cache_entry *directory_recipient(struct directory *directory, uint32_t app,
                                        struct str user_id);

/* Copies a value into an entry, pinned once, and keeps it if nothing has changed since
 * `generation`. NULL: out of memory. The value: struct key, uint32_t, struct category, struct
 * recipient. */
struct cache_entry *directory_add_key(struct directory *directory, const struct key *key,
                                      uint64_t generation);
struct cache_entry *directory_add_app(struct directory *directory, const struct app *app,
                                      uint64_t generation);
struct cache_entry *directory_add_category(struct directory *directory, uint32_t app,
                                           const struct category *category, uint64_t generation);
struct cache_entry *directory_add_recipient(struct directory *directory, uint32_t app,
                                            struct str user_id, const struct recipient *recipient,
                                            uint64_t generation);

void directory_forget(struct directory *directory, const struct round *changed);
