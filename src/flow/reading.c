/* flow/reading.c - see reading.h. */
#include "flow/reading.h"
#include "base/json.h"
#include "model/limits.h"

enum {
    READING_BYTES_MAX = 16 * 1024 * 1024, /* JSON_VALUES_MAX values fit */
    ALONE_BYTES_MAX = 4096,               /* a single delivery's request, read where it is needed */
};

static const struct json_limits limits = {JSON_DEPTH_MAX, JSON_VALUES_MAX};

void readings_init(struct readings *readings, size_t bytes_max, const uint64_t hash_key[2])
{
    *readings = (struct readings){0};
    cache_init(&readings->cache, bytes_max, hash_key);
    readings_resize(readings, bytes_max);
}

/* One always finds room, however small the cache. */
void readings_resize(struct readings *readings, size_t bytes_max)
{
    cache_resize(&readings->cache, bytes_max);
    readings->held_max = bytes_max > READING_BYTES_MAX ? bytes_max : READING_BYTES_MAX;
}

void readings_done(struct readings *readings)
{
    cache_done(&readings->cache);
    must(readings->held == 0);
}

/* What was checked at acceptance must still read. */
static enum err read_json(struct str text, struct arena *arena, struct why *why,
                          const struct json **ret)
{
    struct json_fault fault;
    enum err err = json_parse(text, &limits, arena, ret, &fault);
    if (err == ERR_INPUT || err == ERR_LIMIT)
        return why_set(why, ERR_CORRUPT, "stored JSON does not read: %.150s", fault.why.text);
    return err;
}

static enum err read_content(struct reading *reading, struct str partials, struct arena *arena,
                             struct why *why)
{
    const struct json *content = json_get(reading->request, STR("content"));
    struct faults faults;
    enum err err = OK;
    faults_init(&faults, arena);
    if (partials.len)
        err = read_json(partials, arena, why, &reading->pins);
    if (!err && !content)
        err = why_set(why, ERR_MISSING, "the notification has no content");
    if (!err)
        err = template_compile(content, false, STR("/content"), &faults, &reading->inline_content);
    return err;
}

/* `request` and `partials` must live as long as the reading. */
static enum err read(struct reading *reading, const struct notification *notification,
                     struct str request, struct str partials, struct arena *arena, struct why *why)
{
    enum err err = read_json(request, arena, why, &reading->request);
    if (!err && !notification->template_name.at)
        err = read_content(reading, partials, arena, why);
    return err;
}

static size_t bytes_of(const struct reading *reading)
{
    return reading->cached->arena.used + reading->cached->extra;
}

static void drop(void *value)
{
    struct reading *reading = value;
    if (!reading)
        return;
    reading->readings->held -= bytes_of(reading);
    template_free(reading->inline_content);
}

/* Pinned once, and kept if it fits. */
static enum err read_shared(struct readings *readings, const struct notification *notification,
                            struct str key, struct why *why, struct reading **ret)
{
    if (readings->held >= readings->held_max)
        return why_set(why, ERR_FULL, "too many large requests are being sent");
    struct cache_entry *cached = cache_entry_new(key, READING_BYTES_MAX);
    struct reading *reading = cached ? arena_new(&cached->arena, struct reading) : NULL;
    struct str request = reading ? arena_copy(&cached->arena, notification->request) : STR_NONE;
    struct str partials = reading ? arena_copy(&cached->arena, notification->partials) : STR_NONE;
    enum err err = ERR_MEMORY;
    if (reading && !cached->arena.failed) {
        *reading = (struct reading){.readings = readings, .cached = cached};
        err = read(reading, notification, request, partials, &cached->arena, why);
        cached->value = reading;
        cached->drop = drop;
        if (reading->inline_content)
            cached->extra = template_bytes(reading->inline_content);
        readings->held += bytes_of(reading);
    }
    if (err) {
        if (cached)
            cache_unpin(&readings->cache, cached);
        return err;
    }
    cache_keep(&readings->cache, cached);
    *ret = reading;
    return OK;
}

enum err reading_find(struct readings *readings, const struct notification *notification,
                      struct arena *arena, struct reading *own, struct why *why,
                      struct reading **ret)
{
    struct str key = {(const char *)&notification->id, sizeof notification->id};
    bool alone = notification->delivery_count <= 1 && notification->request.len <= ALONE_BYTES_MAX;
    if (readings && !alone) {
        struct cache_entry *cached = cache_find(&readings->cache, key);
        if (!cached)
            return read_shared(readings, notification, key, why, ret);
        *ret = cached->value;
        return OK;
    }
    *own = (struct reading){0};
    enum err err =
        read(own, notification, notification->request, notification->partials, arena, why);
    if (err)
        reading_unpin(own);
    else
        *ret = own;
    return err;
}

void reading_unpin(struct reading *reading)
{
    if (reading->readings)
        cache_unpin(&reading->readings->cache, reading->cached);
    else
        template_free(reading->inline_content);
}
