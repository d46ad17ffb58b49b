/* store/memory/census.c - census: what waits, by (lane, app). */
#include "store/memory/disk.h"

static uint64_t place_of(const struct work_row *work)
{
    return (uint64_t)work->app * LANE_COUNT + work->lane;
}

/* The lowest place from `from` on; UINT64_MAX at the end. */
static uint64_t next_place(const struct memory_disk *disk, uint64_t from)
{
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < disk->pending.count; i++) {
        uint64_t place = place_of(disk->pending.rows[i]);
        if (place >= from && place < next)
            next = place;
    }
    return next;
}

static void count(const struct memory_disk *disk, uint64_t place, struct census_row *ret)
{
    *ret = (struct census_row){.lane = (unsigned)(place % LANE_COUNT),
                               .app = (uint32_t)(place / LANE_COUNT),
                               .first_due = WALL_NEVER};
    for (size_t i = 0; i < disk->pending.count; i++) {
        const struct work_row *work = disk->pending.rows[i];
        if (place_of(work) != place)
            continue;
        ret->depth++;
        ret->first_due = wall_min(ret->first_due, work->due);
    }
}

void memory_census(struct memory_disk *disk, struct census *op, struct arena *arena)
{
    op->count = op->corrected = 0;
    op->rows = arena_array(arena, struct census_row, op->limit);
    uint64_t place;
    while (op->rows && op->count < op->limit &&
           (place = next_place(disk, op->from)) != UINT64_MAX) {
        count(disk, place, &op->rows[op->count++]);
        op->from = place + 1;
    }
    op->more = next_place(disk, op->from) != UINT64_MAX;
}
