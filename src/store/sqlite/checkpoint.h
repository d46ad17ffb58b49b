/* store/sqlite/checkpoint.h - when the writer copies the WAL into the file, and how much at once.
 *
 * The mark adapts to the stall seen: a checkpoint should take about 10 ms. The WAL is reset by the
 * first write after a complete checkpoint, and never truncated while the store is open.
 * Threads: the writer's, save for the counters.
 */
#pragma once
#include "store/sqlite/db.h"
#include "store/sqlite/gate.h"
#include <stdatomic.h>

struct checkpointer {
    struct db *db;
    struct gate *gate;
    uint32_t frames_least;   /* the mark's least */
    uint32_t mark;           /* frames since the last checkpoint that call for one */
    uint32_t gate_frames;    /* from here on readers are held back */
    uint32_t done;           /* frames at the last checkpoint */
    _Atomic uint32_t frames; /* of the WAL, now; read by the readers */
    uint64_t count;
    struct span total, most;
};

void checkpointer_init(struct checkpointer *checkpointer, struct db *db, struct gate *gate,
                       uint32_t frames_least, uint32_t gate_frames);
/* Between groups: checkpoints if it is due; sooner with `soon`. */
void checkpoint_if_due(struct checkpointer *checkpointer, bool soon);
/* Copies everything and truncates the WAL; for opening and closing, without readers. */
void checkpoint_all(struct db *db);

/* Monotonic time, for what is measured here; nothing of the domain is decided by it. */
struct mono stopwatch(void);
