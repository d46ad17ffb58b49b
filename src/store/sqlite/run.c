/* store/sqlite/run.c - a sorted, immutable run of pairs: reading, filtering, writing. */
#include "store/sqlite/run.h"
#include <string.h>

enum { RUN_SHIFT = 24, FILTER_PROBES = 7, FILTER_BITS_A_KEY = 10, BLOCK_BITS = 512 };

static int64_t row_of(int64_t run, uint32_t no)
{
    return run << RUN_SHIFT | no;
}

/* -- reading ---------------------------------------------------------------------------------- */

bool chunk_read(struct db *db, int64_t run, uint32_t no, struct chunk *ret)
{
    sqlite3_stmt *stmt = db_use(db, RUN_CHUNK_GET);
    bind_i64(stmt, 1, row_of(run, no));
    if (!db_row(db, stmt))
        return false;
    struct str blob = column_view(stmt, 0);
    bool sound = blob.len % sizeof(struct pair) == 0 && blob.len <= sizeof ret->pairs;
    if (sound) {
        ret->no = no;
        ret->count = (uint32_t)(blob.len / sizeof(struct pair));
        memcpy(ret->pairs, blob.at, blob.len);
    } else {
        db_refuse(db, SQLITE_CORRUPT, "a chunk of an index is not what was written");
    }
    db_reset(stmt);
    return sound;
}

/* How the chunk begins, against `pair`. */
static int chunk_order(struct db *db, const struct run *run, uint32_t no, struct pair pair)
{
    sqlite3_stmt *stmt = db_use(db, RUN_CHUNK_FIRST);
    struct pair first = {0};
    bind_i64(stmt, 1, row_of(run->id, no));
    if (db_row(db, stmt))
        first = (struct pair){(uint64_t)column_i64(stmt, 0), column_i64(stmt, 1)};
    db_reset(stmt);
    return pair_order(&first, &pair);
}

uint32_t chunk_find(struct db *db, const struct run *run, struct pair pair, bool uniform)
{
    uint32_t low = 0, high = run->chunks; /* it is in [low, high) */
    if (!high)
        return 0;
    if (uniform) {
        uint32_t guess = (uint32_t)(((unsigned __int128)pair.key * high) >> 64), step = 1;
        if (chunk_order(db, run, guess, pair) <= 0) {
            low = guess;
            while (low + step < high && chunk_order(db, run, low + step, pair) <= 0) {
                low += step;
                step *= 2;
            }
            high = low + step < high ? low + step : high;
        } else {
            high = guess;
            while (high > step && chunk_order(db, run, high - step, pair) > 0) {
                high -= step;
                step *= 2;
            }
            low = high > step ? high - step : 0;
        }
    }
    while (high > low + 1) {
        uint32_t middle = low + (high - low) / 2;
        if (chunk_order(db, run, middle, pair) <= 0)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* -- filters ---------------------------------------------------------------------------------- */

static uint32_t block_of(uint32_t blocks, uint64_t key)
{
    return (uint32_t)(((unsigned __int128)key * blocks) >> 64);
}

/* Keys of one block share their upper bits; the product brings the lower ones up. */
static uint64_t probes_of(uint64_t key)
{
    return key * UINT64_C(0x9e3779b97f4a7c15);
}

void filter_add(struct filter_block *blocks, uint32_t count, uint32_t base, uint64_t key)
{
    struct filter_block *block = &blocks[block_of(count, key) - base];
    uint64_t probes = probes_of(key);
    for (int i = 0; i < FILTER_PROBES; i++, probes >>= 9) {
        uint32_t bit = (uint32_t)probes & (BLOCK_BITS - 1);
        block->words[bit / 64] |= UINT64_C(1) << bit % 64;
    }
}

bool filter_may_have(const struct run *run, uint64_t key)
{
    if (!run->filter || run->loaded < run->blocks)
        return true;
    const struct filter_block *block = &run->filter[block_of(run->blocks, key)];
    uint64_t probes = probes_of(key);
    for (int i = 0; i < FILTER_PROBES; i++, probes >>= 9) {
        uint32_t bit = (uint32_t)probes & (BLOCK_BITS - 1);
        if (!(block->words[bit / 64] >> bit % 64 & 1))
            return false;
    }
    return true;
}

void filter_prefetch(const struct run *run, uint64_t key)
{
    if (run->filter)
        __builtin_prefetch(&run->filter[block_of(run->blocks, key)]);
}

/* Reads the row that comes next; false if it is not there or not what was written. */
static bool load_row(struct db *db, struct run *run)
{
    sqlite3_stmt *stmt = db_use(db, RUN_FILTER_GET);
    bind_i64(stmt, 1, row_of(run->id, run->loaded / FILTER_ROW_BLOCKS));
    if (!db_row(db, stmt))
        return false;
    struct str blob = column_view(stmt, 0);
    uint32_t count = (uint32_t)(blob.len / sizeof *run->filter);
    bool sound = count > 0 && count <= run->blocks - run->loaded;
    if (sound)
        memcpy(&run->filter[run->loaded], blob.at, count * sizeof *run->filter);
    run->loaded += sound ? count : 0;
    db_reset(stmt);
    return sound;
}

bool filter_load(struct db *db, struct run *run, uint32_t rows)
{
    if (!run->filter)
        run->filter = calloc(run->blocks, sizeof *run->filter);
    bool sound = run->filter != NULL;
    for (; sound && rows > 0 && run->loaded < run->blocks; rows--)
        sound = load_row(db, run);
    return sound;
}

void filter_drop(struct run *run)
{
    free(run->filter);
    run->filter = NULL;
    run->loaded = 0;
}

/* -- writing ---------------------------------------------------------------------------------- */

static void write_run(struct db *db, const struct run *run, int kind, enum run_state state)
{
    sqlite3_stmt *stmt = db_use(db, RUN_PUT);
    bind_i64(stmt, 1, run->id);
    bind_i64(stmt, 2, kind);
    bind_i64(stmt, 3, run->level);
    bind_i64(stmt, 4, state);
    bind_i64(stmt, 5, run->chunks);
    bind_i64(stmt, 6, run->pairs);
    bind_i64(stmt, 7, run->blocks);
    bind_i64(stmt, 8, run->high);
    db_run(db, stmt);
}

void builder_begin(struct builder *builder, struct db *db, int kind, uint32_t level,
                   int64_t pairs_most, bool filtered)
{
    memset(builder, 0, sizeof *builder);
    sqlite3_stmt *stmt = db_use(db, RUN_ID_LAST);
    if (db_row(db, stmt))
        builder->run.id = column_i64(stmt, 0) + 1;
    db_reset(stmt);
    builder->run.level = level;
    builder->run.high = INT64_MIN;
    if (filtered)
        builder->run.blocks = (uint32_t)(pairs_most * FILTER_BITS_A_KEY / BLOCK_BITS + 1);
    write_run(db, &builder->run, kind, RUN_BUILDING);
}

static void write_chunk(struct builder *builder, struct db *db)
{
    struct chunk *chunk = &builder->chunk;
    if (!chunk->count)
        return;
    sqlite3_stmt *stmt = db_use(db, RUN_CHUNK_ADD);
    bind_i64(stmt, 1, row_of(builder->run.id, builder->run.chunks++));
    bind_i64(stmt, 2, (int64_t)chunk->pairs[0].key);
    bind_i64(stmt, 3, chunk->pairs[0].value);
    bind_blob(stmt, 4, chunk->pairs, chunk->count * sizeof *chunk->pairs);
    db_run(db, stmt);
    chunk->count = 0;
}

static void write_filter_row(struct builder *builder, struct db *db)
{
    uint32_t left = builder->run.blocks - builder->filter_base;
    uint32_t count = left < FILTER_ROW_BLOCKS ? left : FILTER_ROW_BLOCKS;
    sqlite3_stmt *stmt = db_use(db, RUN_FILTER_ADD);
    bind_i64(stmt, 1, row_of(builder->run.id, builder->filter_rows++));
    bind_blob(stmt, 2, builder->filter, count * sizeof *builder->filter);
    db_run(db, stmt);
    builder->filter_base += count;
    memset(builder->filter, 0, sizeof builder->filter);
}

void builder_add(struct builder *builder, struct db *db, struct pair pair)
{
    int order = builder->any ? pair_order(&builder->last, &pair) : -1;
    must(order <= 0);
    if (order == 0)
        return;
    builder->any = true;
    builder->last = pair;
    builder->run.pairs++;
    if (pair.value > builder->run.high)
        builder->run.high = pair.value;
    if (builder->run.blocks) {
        uint32_t block = block_of(builder->run.blocks, pair.key);
        while (block >= builder->filter_base + FILTER_ROW_BLOCKS)
            write_filter_row(builder, db);
        filter_add(builder->filter, builder->run.blocks, builder->filter_base, pair.key);
    }
    builder->chunk.pairs[builder->chunk.count++] = pair;
    if (builder->chunk.count == CHUNK_PAIRS)
        write_chunk(builder, db);
}

void builder_finish(struct builder *builder, struct db *db)
{
    write_chunk(builder, db);
    while (builder->filter_base < builder->run.blocks)
        write_filter_row(builder, db);
    sqlite3_stmt *stmt = db_use(db, RUN_COMPLETE_SET);
    bind_i64(stmt, 1, builder->run.id);
    bind_i64(stmt, 2, builder->run.chunks);
    bind_i64(stmt, 3, builder->run.pairs);
    bind_i64(stmt, 4, builder->run.high);
    db_run(db, stmt);
}

void run_doom(struct db *db, int64_t run)
{
    sqlite3_stmt *stmt = db_use(db, RUN_DOOM);
    bind_i64(stmt, 1, run);
    db_run(db, stmt);
}

static uint32_t clear_rows(struct db *db, enum statement statement, int64_t run, uint32_t rows)
{
    sqlite3_stmt *stmt = db_use(db, statement);
    bind_i64(stmt, 1, row_of(run, 0));
    bind_i64(stmt, 2, row_of(run + 1, 0));
    bind_i64(stmt, 3, rows);
    return db_run(db, stmt);
}

bool run_clear_doomed(struct db *db, int kind, uint32_t rows)
{
    sqlite3_stmt *stmt = db_use(db, RUN_DOOMED_FIRST);
    bind_i64(stmt, 1, kind);
    if (!db_row(db, stmt))
        return false;
    int64_t run = column_i64(stmt, 0);
    db_reset(stmt);
    if (clear_rows(db, RUN_CHUNK_CLEAR, run, rows) < rows &&
        clear_rows(db, RUN_FILTER_CLEAR, run, rows) < rows) {
        stmt = db_use(db, RUN_REMOVE);
        bind_i64(stmt, 1, run);
        db_run(db, stmt);
    }
    return true;
}
