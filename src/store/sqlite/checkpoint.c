/* store/sqlite/checkpoint.c - when the writer copies the WAL into the file. */
#include "store/sqlite/checkpoint.h"
#include <time.h>

enum { STALL_US = 10000, MARK_MOST = 4000, MARK_LEAST = 100 };

struct mono stopwatch(void)
{
    struct timespec at;
    must(clock_gettime(CLOCK_MONOTONIC, &at) == 0);
    return (struct mono){(int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000};
}

static int note_frames(void *self, sqlite3 *sqlite, const char *name, int frames)
{
    struct checkpointer *checkpointer = self;
    (void)sqlite;
    (void)name;
    atomic_store_explicit(&checkpointer->frames, (uint32_t)frames, memory_order_relaxed);
    return SQLITE_OK;
}

void checkpointer_init(struct checkpointer *checkpointer, struct db *db, struct gate *gate,
                       uint32_t frames_least, uint32_t gate_frames)
{
    checkpointer->db = db;
    checkpointer->gate = gate;
    checkpointer->frames_least = frames_least < MARK_LEAST ? frames_least : MARK_LEAST;
    checkpointer->mark = frames_least;
    checkpointer->gate_frames = gate_frames;
    checkpointer->done = 0;
    atomic_init(&checkpointer->frames, 0);
    checkpointer->count = 0;
    checkpointer->total = checkpointer->most = (struct span){0};
    sqlite3_wal_hook(db->sqlite, note_frames, checkpointer);
}

static void adapt(struct checkpointer *checkpointer, struct span took)
{
    uint32_t mark = checkpointer->mark;
    if (took.us > STALL_US)
        mark -= mark / 4;
    else if (took.us < STALL_US / 2)
        mark += mark / 8 + 1;
    if (mark < checkpointer->frames_least)
        mark = checkpointer->frames_least;
    checkpointer->mark = mark < MARK_MOST ? mark : MARK_MOST;
    checkpointer->count++;
    checkpointer->total.us += took.us;
    if (took.us > checkpointer->most.us)
        checkpointer->most = took;
}

/* An error here undoes nothing that was committed; a failed fsync ends the process in db_fail. */
static void run_checkpoint(struct db *db, int mode, int *frames, int *copied)
{
    int code = sqlite3_wal_checkpoint_v2(db->sqlite, NULL, mode, frames, copied);
    if (code != SQLITE_OK && code != SQLITE_BUSY)
        db_fail(db, code);
}

void checkpoint_if_due(struct checkpointer *checkpointer, bool soon)
{
    uint32_t mark = soon ? checkpointer->frames_least : checkpointer->mark;
    uint32_t frames = atomic_load_explicit(&checkpointer->frames, memory_order_relaxed);
    if (frames < checkpointer->done)
        checkpointer->done = 0; /* it was reset */
    if (frames - checkpointer->done < mark)
        return;
    bool gated = frames >= checkpointer->gate_frames;
    int all = 0, copied = 0;
    if (gated)
        gate_shut(checkpointer->gate);
    struct mono began = stopwatch();
    run_checkpoint(checkpointer->db, SQLITE_CHECKPOINT_PASSIVE, &all, &copied);
    struct span took = mono_since(began, stopwatch());
    if (gated)
        gate_open(checkpointer->gate);
    db_forgive(checkpointer->db);
    checkpointer->done = frames;
    adapt(checkpointer, took);
}

void checkpoint_all(struct db *db)
{
    run_checkpoint(db, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}
