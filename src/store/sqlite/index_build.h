/* store/sqlite/index_build.h - making one run of an index, step by step: from what is frozen (a
 * seal), or from INDEX_FAN runs of one level (a merge). Internal to the index.
 */
#pragma once
#include "store/sqlite/index.h"

struct index_build {
    struct builder builder;
    bool seal;
    bool finished;       /* in this transaction; takes effect when it is committed */
    uint32_t bucket;     /* seal: of the keys' upper bits, next to write */
    struct pair *sorted; /* seal: room for one bucket */
    uint32_t inputs;     /* merge: runs[first .. first + inputs) of the index */
    uint32_t first;
    struct merge_input {
        struct chunk chunk;
        uint32_t at; /* of the chunk's pairs */
    } * input;
};

/* NULL without memory, or nothing to build. */
struct index_build *index_build_seal(struct index *index, struct db *db);
bool index_build_merge_due(const struct index *index);
struct index_build *index_build_merge(struct index *index, struct db *db);
void index_build_free(struct index_build *build);
/* True once it has finished. Pairs of ids below `floor` are left out of a merge. */
bool index_build_step(struct index *index, struct db *db, int64_t floor);
