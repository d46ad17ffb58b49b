/* flow/directory.c - see directory.h. */
#include "flow/directory.h"
#include "model/limits.h"

enum { ENTRY_BYTES_MAX = 256 * 1024, KEY_SIZE = NAME_LEN_MAX + 8 };

void directory_init(struct directory *directory, size_t bytes_max, const uint64_t hash_key[2])
{
    *directory = (struct directory){0};
    cache_init(&directory->keys, 0, hash_key);
    cache_init(&directory->apps, 0, hash_key);
    cache_init(&directory->categories, 0, hash_key);
    cache_init(&directory->recipients, 0, hash_key);
    directory_resize(directory, bytes_max);
}

void directory_resize(struct directory *directory, size_t bytes_max)
{
    cache_resize(&directory->keys, bytes_max / 16);
    cache_resize(&directory->apps, bytes_max / 16);
    cache_resize(&directory->categories, bytes_max / 8);
    cache_resize(&directory->recipients, bytes_max - bytes_max / 4);
}

void directory_done(struct directory *directory)
{
    cache_done(&directory->keys);
    cache_done(&directory->apps);
    cache_done(&directory->categories);
    cache_done(&directory->recipients);
}

/* A name below an app; absent if it is too long to be one. */
static struct str scoped(uint32_t app, struct str name, char into[KEY_SIZE])
{
    if (name.len > NAME_LEN_MAX)
        return STR_NONE;
    memcpy(into, &app, sizeof app);
    if (name.len)
        memcpy(into + sizeof app, name.at, name.len);
    return (struct str){into, sizeof app + name.len};
}

struct cache_entry *directory_key(struct directory *directory, struct str app_key)
{
    return cache_find(&directory->keys, app_key);
}

struct cache_entry *directory_app(struct directory *directory, struct str name)
{
    return cache_find(&directory->apps, name);
}

struct cache_entry *directory_category(struct directory *directory, uint32_t app, struct str name)
{
    char key[KEY_SIZE];
    return cache_find(&directory->categories, scoped(app, name, key));
}

struct cache_entry *directory_recipient(struct directory *directory, uint32_t app,
                                        struct str user_id)
{
    char key[KEY_SIZE];
    return cache_find(&directory->recipients, scoped(app, user_id, key));
}

static struct cache_entry *keep(struct directory *directory, struct cache *cache,
                                struct cache_entry *entry, uint64_t generation)
{
    if (entry->arena.failed) {
        cache_unpin(cache, entry);
        return NULL;
    }
    if (generation == directory->generation)
        cache_keep(cache, entry);
    return entry;
}

struct cache_entry *directory_add_key(struct directory *directory, const struct key *key,
                                      uint64_t generation)
{
    struct cache_entry *entry = cache_entry_new(key->app_key, ENTRY_BYTES_MAX);
    if (!entry)
        return NULL;
    struct key *copy = arena_new(&entry->arena, struct key);
    if (copy) {
        *copy = *key;
        copy->app_key = arena_copy(&entry->arena, key->app_key);
        copy->app_name = arena_copy(&entry->arena, key->app_name);
    }
    entry->value = copy;
    return keep(directory, &directory->keys, entry, generation);
}

struct cache_entry *directory_add_app(struct directory *directory, const struct app *app,
                                      uint64_t generation)
{
    struct cache_entry *entry = cache_entry_new(app->name, ENTRY_BYTES_MAX);
    if (!entry)
        return NULL;
    uint32_t *number = arena_new(&entry->arena, uint32_t);
    if (number)
        *number = app->number;
    entry->value = number;
    return keep(directory, &directory->apps, entry, generation);
}

struct cache_entry *directory_add_category(struct directory *directory, uint32_t app,
                                           const struct category *category, uint64_t generation)
{
    char key[KEY_SIZE];
    struct cache_entry *entry = cache_entry_new(scoped(app, category->name, key), ENTRY_BYTES_MAX);
    if (!entry)
        return NULL;
    struct category *copy = arena_new(&entry->arena, struct category);
    if (copy) {
        *copy = *category;
        copy->name = arena_copy(&entry->arena, category->name);
    }
    entry->value = copy;
    return keep(directory, &directory->categories, entry, generation);
}

static struct user copy_user(struct arena *arena, const struct user *from)
{
    struct user to = *from;
    to.user_id = arena_copy(arena, from->user_id);
    to.email = arena_copy(arena, from->email);
    to.phone = arena_copy(arena, from->phone);
    to.locale = arena_copy(arena, from->locale);
    to.timezone = arena_copy(arena, from->timezone);
    to.attributes = arena_copy(arena, from->attributes);
    return to;
}

static const struct device *copy_devices(struct arena *arena, const struct device *from,
                                         uint32_t count)
{
    struct device *to = arena_array(arena, struct device, count);
    for (uint32_t i = 0; to && i < count; i++) {
        to[i] = from[i];
        to[i].device_id = arena_copy(arena, from[i].device_id);
        to[i].token = arena_copy(arena, from[i].token);
        to[i].bundle_id = arena_copy(arena, from[i].bundle_id);
        to[i].p256dh = arena_copy(arena, from[i].p256dh);
        to[i].auth = arena_copy(arena, from[i].auth);
        to[i].invalid_reason = arena_copy(arena, from[i].invalid_reason);
    }
    return to;
}

static const struct category_choice *copy_choices(struct arena *arena,
                                                  const struct preferences *preferences)
{
    struct category_choice *to =
        arena_array(arena, struct category_choice, preferences->category_count);
    for (uint32_t i = 0; to && i < preferences->category_count; i++) {
        to[i] = preferences->categories[i];
        to[i].category = arena_copy(arena, to[i].category);
    }
    return to;
}

struct cache_entry *directory_add_recipient(struct directory *directory, uint32_t app,
                                            struct str user_id, const struct recipient *recipient,
                                            uint64_t generation)
{
    char key[KEY_SIZE];
    struct cache_entry *entry = cache_entry_new(scoped(app, user_id, key), ENTRY_BYTES_MAX);
    if (!entry)
        return NULL;
    struct recipient *copy = arena_new(&entry->arena, struct recipient);
    if (copy) {
        *copy = *recipient;
        copy->user = copy_user(&entry->arena, &recipient->user);
        copy->devices = copy_devices(&entry->arena, recipient->devices, recipient->device_count);
        copy->preferences.categories = copy_choices(&entry->arena, &recipient->preferences);
    }
    entry->value = copy;
    return keep(directory, &directory->recipients, entry, generation);
}

static void forget_address(struct directory *directory, struct str address)
{
    struct list *next;
    for (struct list *at = directory->recipients.recent.next; at != &directory->recipients.recent;
         at = next) {
        next = at->next;
        struct cache_entry *entry = list_of(at, struct cache_entry, recent);
        const struct recipient *recipient = entry->value;
        if (str_eq(recipient->user.email, address) || str_eq(recipient->user.phone, address))
            cache_forget_entry(&directory->recipients, entry);
    }
}

static void forget_all(struct cache *cache)
{
    while (!list_empty(&cache->recent))
        cache_forget_entry(cache, list_of(cache->recent.next, struct cache_entry, recent));
}

void directory_forget(struct directory *directory, const struct round *changed)
{
    char key[KEY_SIZE];
    directory->generation++;
    switch (changed->type) {
    case NOTICE_USERS:
        for (int i = 0; i < 2; i++)
            if (changed->user_ids[i].at)
                cache_forget(&directory->recipients,
                             scoped(changed->app, changed->user_ids[i], key));
        return;
    case NOTICE_SUPPRESSION:
        forget_address(directory, changed->address);
        return;
    case NOTICE_CATEGORY:
        cache_forget(&directory->categories, scoped(changed->app, changed->name, key));
        return;
    case NOTICE_APP:
    case NOTICE_KEYS: /* seldom, and few: keys and apps are read again */
        forget_all(&directory->keys);
        forget_all(&directory->apps);
        return;
    case NOTICE_TEMPLATE:
    case NOTICE_CANCEL:
    case NOTICE_STEER:
    case NOTICE_ROLL:
    case NOTICE_DRAIN:
        return;
    }
}
