/* flow/origins.c - see origins.h. */
#include "flow/origins.h"
#include "model/limits.h"
#include <stdlib.h>

enum {
    ORIGIN_LEN_MAX = 255 + 16,
    BLOCK_LEAST_MS = 1000,
    BLOCK_MOST_MS = 3600 * 1000, /* a longer Retry-After is asked about again after an hour */
    NARROW_MS = 1000,            /* what is beyond the share of one that comes back */
    WELL_S = 300,                /* with its full share for so long, it is forgotten */
};

struct origin {
    struct list recent;
    struct breaker breaker;
    struct mono blocked_until;
    size_t len;
    char text[];
};

static struct str text_of(const struct origin *origin)
{
    return (struct str){origin->text, origin->len};
}

void origins_init(struct origins *origins, const uint64_t hash_key[2])
{
    *origins = (struct origins){0};
    map_init(&origins->map, ORIGINS_MAX, hash_key);
    list_init(&origins->recent);
}

static void forget(struct origins *origins, struct origin *origin)
{
    (void)map_remove(&origins->map, text_of(origin));
    list_remove(&origin->recent);
    origins->count--;
    free(origin);
}

void origins_done(struct origins *origins)
{
    while (!list_empty(&origins->recent))
        forget(origins, list_of(origins->recent.next, struct origin, recent));
    map_done(&origins->map);
}

struct str origin_of(struct str endpoint)
{
    size_t at = 0, slashes = 0;
    for (; at < endpoint.len && slashes < 3; at++)
        slashes += endpoint.at[at] == '/';
    size_t len = slashes == 3 ? at - 1 : at;
    return slashes >= 2 && len <= ORIGIN_LEN_MAX ? (struct str){endpoint.at, len} : STR_NONE;
}

static struct origin *find(struct origins *origins, struct str text)
{
    struct origin *origin = origins->count && text.len ? map_get(&origins->map, text) : NULL;
    if (origin) {
        list_remove(&origin->recent);
        list_add_last(&origins->recent, &origin->recent);
    }
    return origin;
}

/* NULL: no memory, and then it is not remembered. */
static struct origin *add(struct origins *origins, struct str text, struct mono began)
{
    if (origins->count == ORIGINS_MAX)
        forget(origins, list_of(origins->recent.next, struct origin, recent));
    struct origin *origin = malloc(sizeof *origin + text.len);
    if (!origin)
        return NULL;
    *origin = (struct origin){.len = text.len};
    memcpy(origin->text, text.at, text.len);
    breaker_init(&origin->breaker, began);
    if (map_put(&origins->map, text_of(origin), origin, NULL)) {
        free(origin);
        return NULL;
    }
    list_add_last(&origins->recent, &origin->recent);
    origins->count++;
    return origin;
}

static bool is_well(struct origin *origin, struct mono now)
{
    return mono_reached(now, origin->blocked_until) &&
           breaker_share(&origin->breaker, now) == BREAKER_SHARE_FULL &&
           mono_since(origin->breaker.full_at, now).us >= span_s(WELL_S).us &&
           breaker_window(&origin->breaker, now).failures == 0;
}

bool origins_admit(struct origins *origins, struct str text, struct mono now, struct rng *rng,
                   struct mono *ret_next)
{
    struct origin *origin = find(origins, text);
    if (!origin)
        return true;
    if (!mono_reached(now, origin->blocked_until)) {
        *ret_next = origin->blocked_until;
        return false;
    }
    enum breaker_door door = breaker_ask(&origin->breaker, now);
    if (door == DOOR_OPEN) {
        *ret_next = mono_add(now, span_ms(NARROW_MS));
        return rng_below(rng, BREAKER_SHARE_FULL) < breaker_share(&origin->breaker, now);
    }
    if (door == DOOR_SHUT) {
        *ret_next = breaker_next(&origin->breaker, now);
        return false;
    }
    breaker_probe(&origin->breaker, now);
    return true;
}

static void block(struct origin *origin, struct span retry_after, struct mono now)
{
    if (retry_after.us < span_ms(BLOCK_LEAST_MS).us)
        retry_after = span_ms(BLOCK_LEAST_MS);
    if (retry_after.us > span_ms(BLOCK_MOST_MS).us)
        retry_after = span_ms(BLOCK_MOST_MS);
    struct mono until = mono_add(now, retry_after);
    if (until.us > origin->blocked_until.us)
        origin->blocked_until = until;
}

void origins_note(struct origins *origins, struct str text, const struct verdict *verdict,
                  struct mono began, struct mono now, struct rng *rng)
{
    bool done = verdict->fate == FATE_DONE;
    bool wide = !done && verdict->scope == SCOPE_ORIGIN;
    struct origin *origin = find(origins, text);
    if (!origin && wide && text.len)
        origin = add(origins, text, began);
    if (!origin)
        return;
    if (wide && verdict->effect == EFFECT_THROTTLE)
        block(origin, verdict->retry_after, now);
    else if (wide && verdict->effect != EFFECT_REFRESH)
        (void)breaker_note(&origin->breaker, began, true, now, rng);
    else if (done)
        (void)breaker_note(&origin->breaker, began, false, now, rng);
    if (is_well(origin, now))
        forget(origins, origin);
}

uint32_t origins_blocked(const struct origins *origins, struct mono now)
{
    uint32_t count = 0;
    size_t at = 0;
    for (const struct origin *origin; (origin = map_each(&origins->map, &at));)
        count +=
            origin->breaker.state != BREAKER_CLOSED || !mono_reached(now, origin->blocked_until);
    return count;
}
