/* model/fault.h - every fault of one input, each with the JSON Pointer (RFC 6901) to its place.
 *
 * At most FAULTS_MAX are kept; `count` goes on counting. Strings live in the arena.
 */
#pragma once
#include "base/arena.h"

struct fault {
    struct str pointer; /* "" is the whole document */
    struct str detail;
};

struct faults {
    struct arena *arena;
    struct fault *list;
    uint32_t count; /* found; listed are the first FAULTS_MAX */
};

void faults_init(struct faults *faults, struct arena *arena);
/* Writes down that the value at `pointer` is wrong; the pointer is copied. */
void fault_add(struct faults *faults, struct str pointer, const char *format, ...)
    printf_like(3, 4);
/* `pointer` with one more step, escaped ('~' as "~0", '/' as "~1"). */
struct str pointer_member(struct arena *arena, struct str pointer, struct str name);
struct str pointer_item(struct arena *arena, struct str pointer, uint32_t index);
uint32_t faults_listed(const struct faults *faults);
