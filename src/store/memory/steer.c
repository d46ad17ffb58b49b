/* store/memory/steer.c - what operators have said over lanes. */
#include "store/memory/change.h"
#include <stdlib.h>

static void remove_ended(struct memory_disk *disk, struct wall now)
{
    for (size_t i = disk->steers.count; i-- > 0;)
        if (!steer_stands(disk->steers.rows[i], now))
            free(table_take_at(&disk->steers, i));
}

void memory_change_steer(struct memory_disk *disk, struct change *op)
{
    struct steer steer = op->steering.steer;
    bool put = op->type == CHANGE_STEER_PUT;
    if (steer.type == STEER_PAUSE)
        steer.from = steer.to = STR_NONE;
    remove_ended(disk, op->now);
    op->result = put ? CHANGED_CREATED : CHANGE_MISSING;
    for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
        if (!(op->steering.kinds & 1u << kind))
            continue;
        steer.kind = (enum kind)kind;
        struct steer *old = table_take(&disk->steers, &steer);
        if (old)
            op->result = CHANGED_REPLACED;
        free(old);
        if (put)
            table_add(&disk->steers, shape_clone(&steer_shape, &steer));
    }
    op->created_at = steer.since;
    op->updated_at = op->now;
}

void memory_steers(const struct memory_disk *disk, struct wall now, struct arena *arena,
                   struct store_state *state)
{
    state->steers = arena_array(arena, struct steer, disk->steers.count);
    for (size_t i = 0; i < disk->steers.count; i++)
        if (steer_stands(disk->steers.rows[i], now))
            shape_copy(&steer_shape, disk->steers.rows[i], &state->steers[state->steer_count++],
                       arena);
    must(!arena->failed);
}
