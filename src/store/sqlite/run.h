/* store/sqlite/run.h - a sorted, immutable run of pairs, in chunks of one page each.
 *
 * Where keys are uniform (hashes), a run has a blocked Bloom filter: 10 bits a key in blocks of 512
 * bits; a key's block follows from its place in the order, so that a filter is written in one go
 * with the sorted pairs, and a look-up touches one cache line (Putze, Sanders, Singler,
 * "Cache-, Hash- and Space-Efficient Bloom Filters", 2007).
 * Threads: as the connection's. Errors: the connection's.
 */
#pragma once
#include "store/sqlite/db.h"
#include "store/sqlite/pair.h"

enum { CHUNK_PAIRS = 500 };       /* fill a page of 8 KiB */
enum { FILTER_WORDS = 8 };        /* of 64 bits: a cache line */
enum { FILTER_ROW_BLOCKS = 120 }; /* fill a page */

enum run_state { RUN_BUILDING, RUN_COMPLETE, RUN_DOOMED };

struct filter_block {
    uint64_t words[FILTER_WORDS];
};

struct run {
    int64_t id;
    uint32_t level;
    uint32_t chunks;
    int64_t pairs;
    int64_t high;                /* the largest value */
    uint32_t blocks;             /* of its filter; 0: it has none */
    struct filter_block *filter; /* NULL: not in memory */
    uint32_t loaded;             /* blocks read into it so far */
};

struct chunk {
    uint32_t no, count;
    struct pair pairs[CHUNK_PAIRS];
};

/* False, too, for a chunk that is not there. */
bool chunk_read(struct db *db, int64_t run, uint32_t no, struct chunk *ret);
/* The last chunk that does not begin behind `pair`; 0 if all do. `uniform`: guess by the key. */
uint32_t chunk_find(struct db *db, const struct run *run, struct pair pair, bool uniform);

void filter_add(struct filter_block *blocks, uint32_t count, uint32_t base, uint64_t key);
/* False: the key is certainly not in the run. True if the filter is not in memory. */
bool filter_may_have(const struct run *run, uint64_t key);
void filter_prefetch(const struct run *run, uint64_t key);
/* Reads up to `rows` more rows of the filter; false if it cannot be had (memory, a row). */
bool filter_load(struct db *db, struct run *run, uint32_t rows);
void filter_drop(struct run *run);

/* Writes a run, pair by pair in order. */
struct builder {
    struct run run;
    struct chunk chunk;
    struct filter_block filter[FILTER_ROW_BLOCKS];
    uint32_t filter_base; /* the block that filter[0] is */
    uint32_t filter_rows;
    bool any;
    struct pair last;
};

/* `pairs_most`: what may come; `filtered`: with a filter. */
void builder_begin(struct builder *builder, struct db *db, int kind, uint32_t level,
                   int64_t pairs_most, bool filtered);
/* Not before the last one; an equal one is left out. */
void builder_add(struct builder *builder, struct db *db, struct pair pair);
/* The run is complete from here on. */
void builder_finish(struct builder *builder, struct db *db);
/* Marks the run as waste. */
void run_doom(struct db *db, int64_t run);
/* Removes up to `rows` rows of a doomed run of this kind; false if there is none. */
bool run_clear_doomed(struct db *db, int kind, uint32_t rows);
