/* base/arena.c - see arena.h. */
#include "base/arena.h"
#include <stdio.h>
#include <stdlib.h>

enum { CHUNK_FIRST = 4096 - 64, CHUNK_MOST = 256 * 1024, ALIGN = 16 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t size;
    _Alignas(ALIGN) char bytes[];
};

void arena_init(struct arena *arena, size_t max)
{
    arena_init_sized(arena, max, CHUNK_FIRST);
}

void arena_init_sized(struct arena *arena, size_t max, size_t first)
{
    *arena = (struct arena){.max = max, .first = first};
}

static void free_chunks(struct arena_chunk *chunk)
{
    while (chunk) {
        struct arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

void arena_done(struct arena *arena)
{
    free_chunks(arena->chunks);
    arena_init_sized(arena, arena->max, arena->first);
}

void arena_reset(struct arena *arena)
{
    struct arena_chunk *first = arena->chunks;
    if (!first)
        return;
    while (first->next) {
        struct arena_chunk *next = first->next;
        free(first);
        first = next;
    }
    arena->chunks = first;
    arena->at = first->bytes;
    arena->left = first->size;
    arena->used = first->size;
    arena->failed = arena->full = false;
}

static bool add_chunk(struct arena *arena, size_t size)
{
    size_t want = arena->chunks ? arena->chunks->size * 2 : arena->first;
    if (want > CHUNK_MOST)
        want = CHUNK_MOST;
    if (want < size)
        want = size;
    if (want > arena->max - arena->used)
        want = arena->max - arena->used;
    arena->full = want < size;
    struct arena_chunk *chunk = want >= size ? malloc(sizeof *chunk + want) : NULL;
    if (!chunk) {
        arena->failed = true;
        return false;
    }
    *chunk = (struct arena_chunk){.next = arena->chunks, .size = want};
    arena->chunks = chunk;
    arena->at = chunk->bytes;
    arena->left = want;
    arena->used += want;
    return true;
}

void *arena_take(struct arena *arena, size_t size)
{
    if (size > arena->max) {
        arena->failed = true;
        return NULL;
    }
    size = (size + ALIGN - 1) / ALIGN * ALIGN;
    if (size > arena->left && !add_chunk(arena, size))
        return NULL;
    void *at = arena->at;
    arena->at += size;
    arena->left -= size;
    return size ? memset(at, 0, size) : at;
}

void *arena_take_array(struct arena *arena, size_t size, size_t count)
{
    size_t all;
    if (__builtin_mul_overflow(size, count, &all)) {
        arena->failed = true;
        return NULL;
    }
    return arena_take(arena, all);
}

struct str arena_copy(struct arena *arena, struct str s)
{
    if (!s.at)
        return STR_NONE;
    char *at = arena_take(arena, s.len ? s.len : 1);
    if (!at)
        return STR_NONE;
    if (s.len)
        memcpy(at, s.at, s.len);
    return (struct str){at, s.len};
}

char *arena_text(struct arena *arena, struct str s)
{
    char *at = arena_take(arena, s.len + 1);
    if (at && s.len)
        memcpy(at, s.at, s.len);
    return at;
}

struct str arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    must(len >= 0);
    char *at = arena_take(arena, (size_t)len + 1);
    if (at)
        (void)vsnprintf(at, (size_t)len + 1, format, again);
    va_end(again);
    return at ? (struct str){at, (size_t)len} : STR_NONE;
}
