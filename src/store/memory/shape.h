/* store/memory/shape.h - copies of structs that hold strings.
 *
 * A shape says where a type's strings are; a clone is one block with the struct and their bytes.
 */
#pragma once
#include "base/arena.h"

enum { SHAPE_STRS_MAX = 12 };

struct shape {
    size_t size;
    unsigned count;
    size_t strs[SHAPE_STRS_MAX]; /* offsets of its `struct str` members */
};

/* One malloc; the caller frees it. Aborts without memory. */
void *shape_clone(const struct shape *shape, const void *value);
/* Writes a copy to `to`, its strings in the arena; the arena's `failed` says if they did not fit.
 */
void shape_copy(const struct shape *shape, const void *value, void *to, struct arena *arena);

/* malloc that aborts rather than fail; zeroed. */
void *memory_take(size_t size);
