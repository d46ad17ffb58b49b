/* flow/bundle.c - see bundle.h. */
#include "flow/bundle.h"

enum { BUNDLE_BYTES_FIRST = 1536 }; /* a notification to one device fits */

struct bundle *bundle_new(size_t max)
{
    struct arena arena;
    arena_init_sized(&arena, max, BUNDLE_BYTES_FIRST);
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
