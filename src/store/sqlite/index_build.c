/* store/sqlite/index_build.c - making one run of an index, step by step. */
#include "store/sqlite/index_build.h"
#include <string.h>

/* Frozen keys are written in buckets of their upper bits, so that a step sorts a few thousand. */
enum { BUCKET_BITS = 6, MERGE_STEP_PAIRS = 8000 };

/* -- seal ------------------------------------------------------------------------------------- */

struct index_build *index_build_seal(struct index *index, struct db *db)
{
    if (!index->is_frozen)
        return NULL;
    struct index_build *build = calloc(1, sizeof *build);
    struct pair *sorted = calloc(index->frozen.count, sizeof *sorted);
    if (!build || !sorted) {
        free(build);
        free(sorted);
        return NULL;
    }
    build->seal = true;
    build->sorted = sorted;
    builder_begin(&build->builder, db, (int)index->kind, 0, index->frozen.count,
                  index->kind == INDEX_IDEM);
    return build;
}

static bool seal_step(struct index *index, struct index_build *build, struct db *db)
{
    /* Keys that are not uniform come in one bucket; there are fewer of them. */
    uint32_t bits = index->kind == INDEX_IDEM ? BUCKET_BITS : 0, count = 0;
    for (uint32_t i = 0; i < index->frozen.count; i++) {
        struct pair pair = index->frozen.pairs[i];
        if (bits == 0 || pair.key >> (64 - bits) == build->bucket)
            build->sorted[count++] = pair;
    }
    qsort(build->sorted, count, sizeof *build->sorted, pair_compare);
    for (uint32_t i = 0; i < count; i++)
        builder_add(&build->builder, db, build->sorted[i]);
    return ++build->bucket == 1u << bits;
}

/* -- merge ------------------------------------------------------------------------------------ */

/* Runs of one level stand together, older levels first. */
static bool find_level(const struct index *index, uint32_t *ret_first)
{
    uint32_t same = 0;
    for (uint32_t i = 0; i < index->run_count; i++) {
        same = i && index->runs[i].level == index->runs[i - 1].level ? same + 1 : 1;
        if (same == INDEX_FAN) {
            *ret_first = i + 1 - INDEX_FAN;
            return true;
        }
    }
    return false;
}

bool index_build_merge_due(const struct index *index)
{
    uint32_t first;
    return find_level(index, &first);
}

struct index_build *index_build_merge(struct index *index, struct db *db)
{
    uint32_t first;
    if (!find_level(index, &first))
        return NULL;
    struct index_build *build = calloc(1, sizeof *build);
    struct merge_input *input = calloc(INDEX_FAN, sizeof *input);
    if (!build || !input) {
        free(build);
        free(input);
        return NULL;
    }
    build->input = input;
    build->inputs = INDEX_FAN;
    build->first = first;
    int64_t pairs = 0;
    for (uint32_t i = 0; i < INDEX_FAN; i++) {
        pairs += index->runs[first + i].pairs;
        (void)chunk_read(db, index->runs[first + i].id, 0, &input[i].chunk);
    }
    builder_begin(&build->builder, db, (int)index->kind, index->runs[first].level + 1, pairs,
                  index->kind == INDEX_IDEM);
    return build;
}

/* The input's next pair; NULL at its end. */
static const struct pair *input_pair(const struct index *index, struct index_build *build,
                                     struct db *db, uint32_t at)
{
    struct merge_input *input = &build->input[at];
    const struct run *run = &index->runs[build->first + at];
    if (input->at == input->chunk.count && input->chunk.no + 1 < run->chunks) {
        if (!chunk_read(db, run->id, input->chunk.no + 1, &input->chunk)) {
            db_refuse(db, SQLITE_CORRUPT, "a chunk of an index is missing");
            return NULL;
        }
        input->at = 0;
    }
    return input->at < input->chunk.count ? &input->chunk.pairs[input->at] : NULL;
}

static bool merge_step(struct index *index, struct index_build *build, struct db *db, int64_t floor)
{
    const struct pair *heads[INDEX_FAN];
    for (uint32_t i = 0; i < build->inputs; i++)
        heads[i] = input_pair(index, build, db, i);
    for (uint32_t step = 0; step < MERGE_STEP_PAIRS && db->code == SQLITE_OK; step++) {
        uint32_t least = build->inputs;
        for (uint32_t i = 0; i < build->inputs; i++)
            if (heads[i] && (least == build->inputs || pair_order(heads[i], heads[least]) < 0))
                least = i;
        if (least == build->inputs)
            return true;
        if (heads[least]->value >= floor)
            builder_add(&build->builder, db, *heads[least]);
        build->input[least].at++;
        heads[least] = input_pair(index, build, db, least);
    }
    return false;
}

/* -- either ----------------------------------------------------------------------------------- */

void index_build_free(struct index_build *build)
{
    if (!build)
        return;
    free(build->sorted);
    free(build->input);
    free(build);
}

bool index_build_step(struct index *index, struct db *db, int64_t floor)
{
    struct index_build *build = index->build;
    if (build->finished)
        return true;
    build->finished =
        build->seal ? seal_step(index, build, db) : merge_step(index, build, db, floor);
    if (!build->finished)
        return false;
    builder_finish(&build->builder, db);
    for (uint32_t i = 0; i < build->inputs; i++)
        run_doom(db, index->runs[build->first + i].id);
    if (build->seal) {
        sqlite3_stmt *stmt = db_use(db, PAIR_STATE_PUT);
        bind_i64(stmt, 1, index->kind);
        bind_i64(stmt, 2, index->frozen_to + 1);
        db_run(db, stmt);
    }
    return true;
}
