/* flow/library.c - see library.h. */
#include "flow/library.h"
#include "base/json.h"
#include "model/limits.h"
#include <stdlib.h>

enum {
    ENTRY_BYTES_MAX = 64 * 1024,
    QUERY_BYTES_MAX = 1024 * 1024,
    PARTIALS_MAX = 64,
    KEY_SIZE = NAME_LEN_MAX + 16,
};

struct library {
    struct library_config config;
    struct cache versions; /* (app, version, name) -> leaf */
    struct cache latest;   /* (app, name) -> uint32_t */
    uint64_t generation;   /* grows whenever a latest version is forgotten */
    uint64_t searches;
    uint32_t loading;
};

/* A version with what it includes. */
struct leaf {
    struct template_entry entry;
    struct library *library;
    struct cache_entry *cached;
    struct template *compiled;
    struct leaf *partials[PARTIALS_MAX];
    uint32_t partial_count;
    uint64_t search; /* the last that came by */
};

/* One version being loaded: first its own source, then its partials, one after another. */
struct load {
    struct query query;
    struct library *library;
    uint32_t app;
    uint32_t wanted; /* 0: the latest */
    uint64_t generation;
    struct leaf *leaf;
    const struct json *pins; /* the partials: {"name": version} */
    uint32_t next_pin;
    void (*done)(void *owner, enum err err, struct template_entry *entry);
    void *owner;
    char name[NAME_LEN_MAX + 1];
};

static struct str key_of(uint32_t app, uint32_t version, struct str name, char into[KEY_SIZE])
{
    must(name.len <= NAME_LEN_MAX);
    memcpy(into, &app, sizeof app);
    memcpy(into + 4, &version, sizeof version);
    memcpy(into + 8, name.at, name.len);
    return (struct str){into, 8 + name.len};
}

struct library *library_new(const struct library_config *config)
{
    struct library *library = calloc(1, sizeof *library);
    if (!library)
        return NULL;
    library->config = *config;
    cache_init(&library->versions, config->bytes_max, config->hash_key);
    cache_init(&library->latest, config->bytes_max / 16, config->hash_key);
    return library;
}

void library_resize(struct library *library, size_t bytes_max)
{
    cache_resize(&library->versions, bytes_max);
    cache_resize(&library->latest, bytes_max / 16);
}

void library_free(struct library *library)
{
    if (!library)
        return;
    cache_done(&library->versions);
    cache_done(&library->latest);
    free(library);
}

/* Each leaf is visited once a search: what includes one another widely has very many ways down. */
static const struct template *find_partial(struct leaf *leaf, struct str name, uint64_t search)
{
    if (leaf->search == search)
        return NULL;
    leaf->search = search;
    if (str_eq(name, leaf->entry.name))
        return leaf->entry.template;
    for (uint32_t i = 0; i < leaf->partial_count; i++)
        if (str_eq(name, leaf->partials[i]->entry.name))
            return leaf->partials[i]->entry.template;
    /* A partial's own partials: pinned by the partial. */
    for (uint32_t i = 0; i < leaf->partial_count; i++) {
        const struct template *found = find_partial(leaf->partials[i], name, search);
        if (found)
            return found;
    }
    return NULL;
}

uint32_t library_loading(const struct library *library)
{
    return library->loading;
}

const struct template *template_entry_partial(void *entry, struct str name)
{
    struct leaf *leaf = list_of(entry, struct leaf, entry);
    return find_partial(leaf, name, ++leaf->library->searches);
}

static void drop_leaf(void *value)
{
    struct leaf *leaf = value;
    if (!leaf)
        return;
    for (uint32_t i = 0; i < leaf->partial_count; i++)
        library_unpin(leaf->library, &leaf->partials[i]->entry);
    template_free(leaf->compiled);
}

void library_unpin(struct library *library, struct template_entry *entry)
{
    if (entry)
        cache_unpin(&library->versions, list_of(entry, struct leaf, entry)->cached);
}

void library_forget_latest(struct library *library, uint32_t app, struct str name)
{
    char key[KEY_SIZE];
    library->generation++;
    cache_forget(&library->latest, key_of(app, 0, name, key));
}

/* ------------------------------------------------------------------------------ loading ---- */

static void finish(struct load *load, enum err err, struct leaf *leaf)
{
    arena_done(&load->query.arena);
    load->library->loading--;
    load->done(load->owner, err, leaf ? &leaf->entry : NULL);
    free(load);
}

static void fail(struct load *load, enum err err)
{
    if (load->leaf)
        cache_unpin(&load->library->versions, load->leaf->cached);
    finish(load, err, NULL);
}

static void keep_latest(struct load *load)
{
    char key[KEY_SIZE];
    struct library *library = load->library;
    if (load->wanted != 0 || load->generation != library->generation)
        return;
    struct cache_entry *entry =
        cache_entry_new(key_of(load->app, 0, load->leaf->entry.name, key), ENTRY_BYTES_MAX);
    uint32_t *version = entry ? arena_new(&entry->arena, uint32_t) : NULL;
    if (!version) {
        if (entry)
            cache_unpin(&library->latest, entry);
        return;
    }
    *version = load->leaf->entry.version;
    entry->value = version;
    cache_keep(&library->latest, entry);
    cache_unpin(&library->latest, entry);
}

static void load_partials(struct load *load);

static void partial_done(void *owner, enum err err, struct template_entry *entry)
{
    struct load *load = owner;
    if (!entry) { /* versions are never deleted alone: the app has gone */
        fail(load, err ? err : ERR_MISSING);
        return;
    }
    struct leaf *leaf = load->leaf;
    leaf->partials[leaf->partial_count++] = list_of(entry, struct leaf, entry);
    leaf->entry.uses_attributes |= entry->uses_attributes;
    load_partials(load);
}

/* A leaf keeps its partials alive when the cache has let go of them: they count with it. */
static size_t partials_bytes(const struct leaf *leaf)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < leaf->partial_count; i++) {
        const struct cache_entry *cached = leaf->partials[i]->cached;
        bytes += cached->arena.used + cached->extra;
    }
    return bytes;
}

static void load_partials(struct load *load)
{
    struct leaf *leaf = load->leaf;
    while (load->pins && load->next_pin < load->pins->count) {
        uint32_t i = load->next_pin++;
        int64_t version;
        if (!json_to_i64(&load->pins->items[i], &version) || version < 1 || version > UINT32_MAX ||
            leaf->partial_count == PARTIALS_MAX) {
            fail(load, ERR_CORRUPT);
            return;
        }
        if (str_eq(load->pins->names[i], leaf->entry.name))
            continue; /* itself: template_entry_partial knows */
        library_find(load->library, load->app, load->pins->names[i], (uint32_t)version,
                     partial_done, load);
        return;
    }
    keep_latest(load);
    leaf->cached->extra = template_bytes(leaf->compiled) + partials_bytes(leaf);
    cache_keep(&load->library->versions, leaf->cached);
    finish(load, OK, leaf);
}

static enum err compile(struct load *load, const struct template_version *version)
{
    static const struct json_limits limits = {JSON_DEPTH_MAX, JSON_VALUES_MAX};
    struct json_fault fault;
    const struct json *source;
    struct faults faults;
    struct arena *arena = &load->query.arena;
    faults_init(&faults, arena);
    enum err err = json_parse(version->source, &limits, arena, &source, &fault);
    if (!err)
        err = template_compile(source, true, STR(""), &faults, &load->leaf->compiled);
    if (!err && version->partials.len)
        err = json_parse(version->partials, &limits, arena, &load->pins, &fault);
    if (!err && load->pins && load->pins->type != JSON_OBJECT)
        err = ERR_CORRUPT;
    return err == ERR_INPUT ? ERR_CORRUPT : err; /* it was checked when it was PUT */
}

static enum err make_leaf(struct load *load, const struct template_version *version)
{
    char key[KEY_SIZE];
    struct cache_entry *cached =
        cache_entry_new(key_of(load->app, version->version, version->name, key), ENTRY_BYTES_MAX);
    struct leaf *leaf = cached ? arena_new(&cached->arena, struct leaf) : NULL;
    struct str name = leaf ? arena_copy(&cached->arena, version->name) : STR_NONE;
    if (!name.at) {
        if (cached)
            cache_unpin(&load->library->versions, cached);
        return ERR_MEMORY;
    }
    leaf->library = load->library;
    leaf->cached = cached;
    cached->value = leaf;
    cached->drop = drop_leaf;
    load->leaf = leaf;
    enum err err = compile(load, version);
    leaf->entry = (struct template_entry){
        .name = name, .version = version->version, .template = leaf->compiled};
    if (!err)
        leaf->entry.uses_attributes = template_uses_attributes(leaf->compiled);
    return err;
}

static void loaded(struct query *query)
{
    struct load *load = query->owner;
    if (query->err == ERR_MISSING) {
        fail(load, OK);
        return;
    }
    enum err err = query->err ? query->err : make_leaf(load, &query->templates[0]);
    if (err)
        fail(load, err);
    else
        load_partials(load);
}

static struct leaf *find_cached(struct library *library, uint32_t app, struct str name,
                                uint32_t version)
{
    char key[KEY_SIZE];
    if (version == 0) {
        struct cache_entry *latest = cache_find(&library->latest, key_of(app, 0, name, key));
        if (!latest)
            return NULL;
        version = *(uint32_t *)latest->value;
        cache_unpin(&library->latest, latest);
    }
    struct cache_entry *cached = cache_find(&library->versions, key_of(app, version, name, key));
    return cached ? cached->value : NULL;
}

void library_find(struct library *library, uint32_t app, struct str name, uint32_t version,
                  void (*done)(void *owner, enum err err, struct template_entry *entry),
                  void *owner)
{
    if (name.len == 0 || name.len > NAME_LEN_MAX) {
        done(owner, OK, NULL);
        return;
    }
    struct leaf *leaf = find_cached(library, app, name, version);
    if (leaf) {
        done(owner, OK, &leaf->entry);
        return;
    }
    struct load *load = calloc(1, sizeof *load);
    if (!load) {
        done(owner, ERR_MEMORY, NULL);
        return;
    }
    library->loading++;
    load->library = library;
    load->app = app;
    load->wanted = version;
    load->generation = library->generation;
    load->done = done;
    load->owner = owner;
    must(str_copy(name, load->name, sizeof load->name));
    load->query = (struct query){
        .message = {.type = library->config.message_type},
        .done = library->config.inbox,
        .type = QUERY_TEMPLATE,
        .owner = load,
        .finish = loaded,
        .app = app,
        .name = str_of(load->name),
        .version = version,
    };
    arena_init(&load->query.arena, QUERY_BYTES_MAX * 4);
    library->config.store->ops->read(library->config.store, &load->query);
}
