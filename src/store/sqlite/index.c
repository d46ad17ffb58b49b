/* store/sqlite/index.c - an index that the hot path only appends to. */
#include "store/sqlite/index.h"
#include "store/sqlite/index_build.h"
#include <string.h>

enum { LOG_SHIFT = 40, CLEAR_ROWS = 100, FILTER_STEP_ROWS = 128 };

void index_init(struct index *index, enum index_kind kind, uint32_t open_max,
                uint64_t filter_bytes_max)
{
    *index = (struct index){.kind = kind,
                            .open_max = open_max,
                            .filter_bytes_max = filter_bytes_max,
                            .log = {.seq = 1}};
    open_pairs_init(&index->open, kind == INDEX_IDEM);
    open_pairs_init(&index->frozen, kind == INDEX_IDEM);
    index->committed = index->log;
}

void index_done(struct index *index)
{
    index_build_free(index->build);
    open_pairs_done(&index->open);
    open_pairs_done(&index->frozen);
    for (uint32_t i = 0; i < index->run_count; i++)
        filter_drop(&index->runs[i]);
    *index = (struct index){0};
}

uint64_t index_bytes(const struct index *index)
{
    uint64_t pairs = (uint64_t)index->open.cap + index->frozen.cap;
    uint64_t slots = (uint64_t)index->open.slot_count + index->frozen.slot_count;
    uint64_t bytes = pairs * sizeof(struct pair) + slots * sizeof(uint32_t);
    for (uint32_t i = 0; i < index->run_count; i++)
        if (index->runs[i].filter)
            bytes += (uint64_t)index->runs[i].blocks * sizeof(struct filter_block);
    return bytes;
}

static int64_t log_row(const struct index *index, int64_t seq)
{
    return (int64_t)index->kind << LOG_SHIFT | seq;
}

/* -- what commits add ------------------------------------------------------------------------- */

void index_add(struct index *index, struct db *db, uint64_t key, int64_t id)
{
    if (open_pairs_add(&index->open, (struct pair){key, id}) != OK)
        db_refuse(db, SQLITE_NOMEM, "no memory for an index");
    index->log.count = index->open.count;
}

void index_flush(struct index *index, struct db *db)
{
    struct index_log *log = &index->log;
    if (log->count == index->committed.count)
        return;
    while (log->tail < log->count) {
        uint32_t left = log->count - log->tail;
        uint32_t count = left < INDEX_LOG_PAIRS ? left : INDEX_LOG_PAIRS;
        sqlite3_stmt *stmt = db_use(db, PAIR_LOG_PUT);
        bind_i64(stmt, 1, log_row(index, log->seq));
        bind_blob(stmt, 2, &index->open.pairs[log->tail], count * sizeof(struct pair));
        db_run(db, stmt);
        if (count < INDEX_LOG_PAIRS)
            return;
        log->tail += count;
        log->seq++;
    }
}

/* The open part becomes what the next run is made of. */
static void freeze(struct index *index)
{
    struct open_pairs spare = index->frozen;
    index->frozen_to = index->log.tail < index->log.count ? index->log.seq : index->log.seq - 1;
    index->frozen = index->open;
    index->open = spare; /* empty */
    index->is_frozen = true;
    index->log = (struct index_log){.seq = index->frozen_to + 1};
    index->committed = index->log;
}

static void apply_seal(struct index *index, const struct run *run)
{
    open_pairs_done(&index->frozen);
    index->is_frozen = false;
    index->log_from = index->frozen_to + 1;
    index->log_waste = true;
    index->runs[index->run_count++] = *run;
}

static void apply_merge(struct index *index, const struct index_build *build)
{
    uint32_t first = build->first, rest = first + build->inputs;
    for (uint32_t i = first; i < rest; i++)
        filter_drop(&index->runs[i]);
    index->runs[first] = build->builder.run;
    memmove(&index->runs[first + 1], &index->runs[rest],
            (index->run_count - rest) * sizeof *index->runs);
    index->run_count -= build->inputs - 1;
    index->doomed = true;
}

void index_committed(struct index *index)
{
    index->committed = index->log;
    if (index->build && index->build->finished) {
        if (index->build->seal)
            apply_seal(index, &index->build->builder.run);
        else
            apply_merge(index, index->build);
        index_build_free(index->build);
        index->build = NULL;
    }
    index->build_touched = false;
    if (!index->is_frozen && index->open.count >= index->open_max)
        freeze(index);
}

void index_rolled_back(struct index *index)
{
    index->log = index->committed;
    open_pairs_cut(&index->open, index->committed.count);
    if (!index->build_touched)
        return;
    /* What the file has of it is behind what memory has: begin again. */
    index_build_free(index->build);
    index->build = NULL;
    index->build_touched = false;
    index->doomed = true;
}

bool index_is_behind(const struct index *index)
{
    return index->is_frozen && index->open.count >= index->open_max / 2;
}

/* -- finding ---------------------------------------------------------------------------------- */

void index_prefetch(const struct index *index, uint64_t key)
{
    if (index->open.slot_count)
        __builtin_prefetch(&index->open.slots[(uint32_t)key & (index->open.slot_count - 1)]);
    for (uint32_t i = 0; i < index->run_count; i++)
        filter_prefetch(&index->runs[i], key);
}

static uint32_t find_open(const struct open_pairs *open, uint64_t key, int64_t *ret, uint32_t max)
{
    uint32_t at = 0, count = 0;
    for (const struct pair *pair; count < max && (pair = open_pairs_find(open, key, &at));)
        ret[count++] = pair->value;
    return count;
}

static uint32_t find_in_run(struct db *db, const struct run *run, uint64_t key, int64_t *ret,
                            uint32_t max)
{
    struct chunk chunk;
    uint32_t count = 0;
    uint32_t no = chunk_find(db, run, (struct pair){key, INT64_MIN}, true);
    for (; no < run->chunks && chunk_read(db, run->id, no, &chunk); no++) {
        uint32_t low = 0, high = chunk.count;
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            if (chunk.pairs[middle].key < key)
                low = middle + 1;
            else
                high = middle;
        }
        for (; low < chunk.count && count < max && chunk.pairs[low].key == key; low++)
            ret[count++] = chunk.pairs[low].value;
        if (low < chunk.count)
            break; /* a greater key, or no more room */
    }
    return count;
}

uint32_t index_find(struct index *index, struct db *db, uint64_t key, int64_t *ret, uint32_t max)
{
    uint32_t count = find_open(&index->open, key, ret, max);
    if (index->is_frozen)
        count += find_open(&index->frozen, key, ret + count, max - count);
    for (uint32_t i = index->run_count; i-- > 0 && count < max;)
        if (filter_may_have(&index->runs[i], key))
            count += find_in_run(db, &index->runs[i], key, ret + count, max - count);
    return count;
}

/* -- tending ---------------------------------------------------------------------------------- */

/* The newest runs have their filters in memory, as far as the budget goes; one step. */
static bool load_filters(struct index *index, struct db *db, uint32_t rows)
{
    uint64_t bytes = 0;
    for (uint32_t i = index->run_count; i-- > 0;) {
        struct run *run = &index->runs[i];
        bytes += (uint64_t)run->blocks * sizeof(struct filter_block);
        if (bytes > index->filter_bytes_max) {
            filter_drop(run);
        } else if (run->loaded < run->blocks) {
            if (!filter_load(db, run, rows)) {
                filter_drop(run);
                run->blocks = 0; /* then it is read without one */
            }
            return true;
        }
    }
    return false;
}

/* Drops the oldest runs if nothing in them is wanted any more. */
static bool drop_old_runs(struct index *index, struct db *db, int64_t floor)
{
    if (!index->run_count || index->runs[0].high >= floor)
        return false;
    run_doom(db, index->runs[0].id);
    if (db->code != SQLITE_OK)
        return true;
    /* If this is rolled back, the run is only not looked at until the next open. */
    filter_drop(&index->runs[0]);
    index->run_count--;
    memmove(index->runs, index->runs + 1, index->run_count * sizeof *index->runs);
    index->doomed = true;
    return true;
}

static bool clear_waste(struct index *index, struct db *db)
{
    if (index->log_waste) {
        sqlite3_stmt *stmt = db_use(db, PAIR_LOG_CLEAR);
        bind_i64(stmt, 1, log_row(index, 0));
        bind_i64(stmt, 2, log_row(index, index->log_from));
        bind_i64(stmt, 3, CLEAR_ROWS);
        index->log_waste = db_run(db, stmt) == CLEAR_ROWS;
        return true;
    }
    if (index->doomed) {
        index->doomed = run_clear_doomed(db, (int)index->kind, CLEAR_ROWS);
        return true;
    }
    return false;
}

/* Begins what is due; false if nothing is. */
static bool begin_build(struct index *index, struct db *db)
{
    bool seal = index->is_frozen && index->run_count < INDEX_RUNS_MAX;
    if (!seal && !index_build_merge_due(index))
        return false;
    /* An unfinished run of before a crash or a rollback is waste. */
    sqlite3_stmt *stmt = db_use(db, RUN_DOOM_UNFINISHED);
    bind_i64(stmt, 1, index->kind);
    index->doomed |= db_run(db, stmt) > 0;
    index->build = seal ? index_build_seal(index, db) : index_build_merge(index, db);
    index->build_touched = true;
    return index->build != NULL;
}

bool index_tend(struct index *index, struct db *db, int64_t floor)
{
    if (index->build) {
        index->build_touched = true;
        (void)index_build_step(index, db, floor);
        return true;
    }
    if (load_filters(index, db, FILTER_STEP_ROWS) || drop_old_runs(index, db, floor))
        return true;
    if (index->is_frozen && begin_build(index, db))
        return true;
    return clear_waste(index, db) || begin_build(index, db);
}

/* -- opening ---------------------------------------------------------------------------------- */

static void load_log(struct index *index, struct db *db)
{
    sqlite3_stmt *stmt = db_use(db, PAIR_LOG_LIST);
    bind_i64(stmt, 1, log_row(index, index->log_from));
    bind_i64(stmt, 2, ((int64_t)index->kind + 1) << LOG_SHIFT);
    while (db_row(db, stmt)) {
        struct str blob = column_view(stmt, 1);
        index->log.seq = (column_i64(stmt, 0) & ((INT64_C(1) << LOG_SHIFT) - 1)) + 1;
        for (size_t at = 0; at + sizeof(struct pair) <= blob.len; at += sizeof(struct pair)) {
            struct pair pair;
            memcpy(&pair, blob.at + at, sizeof pair);
            index_add(index, db, pair.key, pair.value);
        }
    }
    index->log.count = index->log.tail = index->open.count;
}

void index_load(struct index *index, struct db *db)
{
    sqlite3_stmt *stmt = db_use(db, PAIR_STATE_GET);
    bind_i64(stmt, 1, index->kind);
    index->log_from = 1;
    if (db_row(db, stmt)) {
        index->log_from = column_i64(stmt, 0);
        db_reset(stmt);
    }
    index->log.seq = index->log_from;
    stmt = db_use(db, RUN_LIST);
    bind_i64(stmt, 1, index->kind);
    while (index->run_count < INDEX_RUNS_MAX && db_row(db, stmt))
        index->runs[index->run_count++] = (struct run){
            .id = column_i64(stmt, 0),
            .level = (uint32_t)column_i64(stmt, 1),
            .chunks = (uint32_t)column_i64(stmt, 2),
            .pairs = column_i64(stmt, 3),
            .high = column_i64(stmt, 4),
            .blocks = (uint32_t)column_i64(stmt, 5),
        };
    db_reset(stmt);
    load_log(index, db);
    stmt = db_use(db, RUN_DOOM_UNFINISHED);
    bind_i64(stmt, 1, index->kind);
    db_run(db, stmt);
    index->log_waste = index->doomed = true; /* perhaps */
    while (load_filters(index, db, UINT32_MAX) && db->code == SQLITE_OK)
        continue;
    index_committed(index);
}
