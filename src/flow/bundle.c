/* flow/bundle.c - see bundle.h. */
#include "flow/bundle.h"

struct bundle *bundle_new(size_t max)
{
    struct arena arena;
    arena_init(&arena, max);
    struct bundle *bundle = arena_new(&arena, struct bundle);
    if (!bundle) {
        arena_done(&arena);
        return NULL;
    }
    bundle->arena = arena;
    return bundle;
}

void bundle_free(struct bundle *bundle)
{
    struct arena arena = bundle->arena; /* the bundle stands in its own arena */
    arena_done(&arena);
}
