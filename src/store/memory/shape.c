/* store/memory/shape.c - copies of structs that hold strings. */
#include "store/memory/shape.h"
#include <stdlib.h>

static struct str *str_at(void *value, size_t offset)
{
    return (struct str *)(void *)((char *)value + offset);
}

void *memory_take(size_t size)
{
    void *at = calloc(1, size ? size : 1);
    must(at);
    return at;
}

void *shape_clone(const struct shape *shape, const void *value)
{
    size_t size = shape->size;
    for (unsigned i = 0; i < shape->count; i++) {
        struct str s;
        memcpy(&s, (const char *)value + shape->strs[i], sizeof s);
        size += s.len;
    }
    char *clone = memory_take(size);
    memcpy(clone, value, shape->size);
    char *bytes = clone + shape->size;
    for (unsigned i = 0; i < shape->count; i++) {
        struct str *s = str_at(clone, shape->strs[i]);
        if (!s->at)
            continue;
        memcpy(bytes, s->at, s->len);
        s->at = bytes;
        bytes += s->len;
    }
    return clone;
}

void shape_copy(const struct shape *shape, const void *value, void *to, struct arena *arena)
{
    memcpy(to, value, shape->size);
    for (unsigned i = 0; i < shape->count; i++) {
        struct str *s = str_at(to, shape->strs[i]);
        *s = arena_copy(arena, *s);
    }
}
