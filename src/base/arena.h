/* base/arena.h - memory that is freed all at once; one per request and one per delivery.
 *
 * Nothing taken from an arena outlives it. A request that would pass `max`, or that cannot be
 * allocated, returns NULL and sets `failed`: a caller that makes many small allocations may go on
 * with what it has and ask once. Memory is zeroed and aligned for any type.
 */
#pragma once
#include "base/err.h"
#include "base/str.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* newest first */
    char *at;                   /* the free part of the newest */
    size_t left;
    size_t used; /* bytes of all chunks */
    size_t max;
    size_t first; /* bytes of the first chunk; each further one is twice the last */
    bool failed;
    bool full; /* it failed at `max`, where more memory would not help */
};

void arena_init(struct arena *arena, size_t max);
/* The same with a first chunk of its own size, for arenas that live long in large numbers. */
void arena_init_sized(struct arena *arena, size_t max, size_t first);
void arena_done(struct arena *arena);
/* Empties, keeping the first chunk for the next use. */
void arena_reset(struct arena *arena);

void *arena_take(struct arena *arena, size_t size);
#define arena_new(arena, type)          ((type *)arena_take((arena), sizeof(type)))
#define arena_array(arena, type, count) ((type *)arena_take_array((arena), sizeof(type), (count)))
void *arena_take_array(struct arena *arena, size_t size, size_t count);

/* Copies. An absent string stays absent; on failure the result is absent. */
struct str arena_copy(struct arena *arena, struct str s);
/* Copies with a terminator; NULL on failure. */
char *arena_text(struct arena *arena, struct str s);
struct str arena_printf(struct arena *arena, const char *format, ...) printf_like(2, 3);
