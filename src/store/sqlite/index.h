/* store/sqlite/index.h - an index that the hot path only appends to: key -> notification ids.
 *
 * New pairs stand in memory and, by commit groups, in `pair_log`. Once there are `open_max` of them
 * they are frozen, sorted and written as a run; eight runs of a level are merged into one of the
 * next. All that is work of index_tend, in steps of a few milliseconds inside a transaction. Runs
 * are derived data: what is unfinished at a crash is thrown away and made again from the log.
 *
 * The owner calls index_flush before COMMIT, then index_committed or index_rolled_back.
 * Threads: the writer's. Errors: the connection's.
 */
#pragma once
#include "store/sqlite/open_pairs.h"
#include "store/sqlite/run.h"

enum index_kind {
    INDEX_IDEM,   /* keyed hash of (app, mode, key) -> id; uniform, filtered, found by key */
    INDEX_LOOKUP, /* lookup_user, lookup_app -> id; read by readers from the file */
    INDEX_KINDS
};

enum { INDEX_FAN = 8, INDEX_RUNS_MAX = 128, INDEX_LOG_PAIRS = 256 };

static inline uint64_t lookup_user(int64_t user)
{
    return (uint64_t)user << 1;
}
static inline uint64_t lookup_app(uint32_t app)
{
    return (uint64_t)app << 1 | 1;
}

struct index_build; /* a run in the making */

struct index {
    enum index_kind kind;
    uint32_t open_max;
    uint64_t filter_bytes_max;
    struct open_pairs open, frozen;
    bool is_frozen;
    int64_t log_from;  /* log rows before it are waste */
    int64_t frozen_to; /* the last log row of what is frozen */
    struct index_log {
        int64_t seq;    /* of the log row that is being filled */
        uint32_t count; /* pairs in `open` */
        uint32_t tail;  /* of them, those before it stand in full rows */
    } log, committed;
    struct run runs[INDEX_RUNS_MAX]; /* complete, oldest first */
    uint32_t run_count;
    struct index_build *build; /* NULL: none */
    bool build_touched;        /* in this transaction */
    bool log_waste, doomed;    /* there may be rows to remove */
};

void index_init(struct index *index, enum index_kind kind, uint32_t open_max,
                uint64_t filter_bytes_max);
void index_done(struct index *index);
/* Reads what stands in the file; call inside a transaction. */
void index_load(struct index *index, struct db *db);
uint64_t index_bytes(const struct index *index); /* of memory */

void index_add(struct index *index, struct db *db, uint64_t key, int64_t id);
void index_flush(struct index *index, struct db *db);
void index_committed(struct index *index);
void index_rolled_back(struct index *index);

/* INDEX_IDEM only: ids under this key, at most `max`. */
uint32_t index_find(struct index *index, struct db *db, uint64_t key, int64_t *ret, uint32_t max);
void index_prefetch(const struct index *index, uint64_t key);

/* One step of what is due; runs whose ids are all below `floor` are dropped. Returns whether
 * another step would find work. */
bool index_tend(struct index *index, struct db *db, int64_t floor);
/* More is open than there should be: the owner tends it before it takes on more. */
bool index_is_behind(const struct index *index);
