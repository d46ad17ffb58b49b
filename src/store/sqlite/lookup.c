/* store/sqlite/lookup.c - the newest notifications of a user or an app, for the readers. */
#include "store/sqlite/lookup.h"
#include <string.h>

enum { LOG_SHIFT = 40 };

/* What one source gave, newest last: a ring, so that the newest PICK_MAX stay. */
struct ring {
    int64_t ids[PICK_MAX];
    uint64_t count; /* ever put in */
};

struct gathering {
    uint64_t key;
    int64_t below;
    int64_t *ids;
    size_t count, cap;
    int64_t floor; /* below it something may be missing */
};

static bool gather(struct gathering *gathering, const int64_t *ids, size_t count)
{
    if (gathering->count + count > gathering->cap) {
        size_t cap = gathering->cap * 2 + count;
        int64_t *more = reallocarray(gathering->ids, cap, sizeof *more);
        if (!more)
            return false;
        gathering->ids = more;
        gathering->cap = cap;
    }
    if (count)
        memcpy(gathering->ids + gathering->count, ids, count * sizeof *ids);
    gathering->count += count;
    return true;
}

/* The newest ids of one source; `cut`: it has more than these, so that below the least of them
 * the gathering is not complete. */
static bool gather_source(struct gathering *gathering, const int64_t *ids, size_t count, bool cut)
{
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < count; i++)
        least = ids[i] < least ? ids[i] : least;
    if (cut && least > gathering->floor)
        gathering->floor = least;
    return gather(gathering, ids, count);
}

/* Pairs of a key stand together, oldest first: goes back from the first one not below. */
static bool pick_run(struct db *db, const struct run *run, struct gathering *gathering)
{
    struct pair from = {gathering->key, gathering->below};
    struct chunk chunk;
    int64_t ids[PICK_MAX];
    size_t count = 0;
    uint32_t no = chunk_find(db, run, from, false);
    if (!chunk_read(db, run->id, no, &chunk))
        return true;
    uint32_t at = 0;
    while (at < chunk.count && pair_order(&chunk.pairs[at], &from) < 0)
        at++;
    for (;;) {
        while (at > 0 && count < PICK_MAX && chunk.pairs[at - 1].key == gathering->key)
            ids[count++] = chunk.pairs[--at].value;
        bool ends = at > 0 || count == PICK_MAX || no == 0;
        if (ends || !chunk_read(db, run->id, --no, &chunk))
            break;
        at = chunk.count;
    }
    return gather_source(gathering, ids, count, count == PICK_MAX);
}

static bool pick_runs(struct db *db, struct gathering *gathering)
{
    struct run runs[INDEX_RUNS_MAX];
    uint32_t count = 0;
    bool fits = true;
    sqlite3_stmt *stmt = db_use(db, RUN_LIST);
    bind_i64(stmt, 1, INDEX_LOOKUP);
    while (count < INDEX_RUNS_MAX && db_row(db, stmt))
        runs[count++] =
            (struct run){.id = column_i64(stmt, 0), .chunks = (uint32_t)column_i64(stmt, 2)};
    db_reset(stmt);
    for (uint32_t i = 0; i < count && fits; i++)
        fits = pick_run(db, &runs[i], gathering);
    return fits;
}

static bool pick_log(struct db *db, struct gathering *gathering)
{
    struct ring ring = {.count = 0};
    sqlite3_stmt *stmt = db_use(db, PAIR_STATE_GET);
    int64_t from = 1;
    bind_i64(stmt, 1, INDEX_LOOKUP);
    if (db_row(db, stmt))
        from = column_i64(stmt, 0);
    db_reset(stmt);
    stmt = db_use(db, PAIR_LOG_LIST);
    bind_i64(stmt, 1, (int64_t)INDEX_LOOKUP << LOG_SHIFT | from);
    bind_i64(stmt, 2, ((int64_t)INDEX_LOOKUP + 1) << LOG_SHIFT);
    while (db_row(db, stmt)) {
        struct str blob = column_view(stmt, 1);
        for (size_t at = 0; at + sizeof(struct pair) <= blob.len; at += sizeof(struct pair)) {
            struct pair pair;
            memcpy(&pair, blob.at + at, sizeof pair);
            if (pair.key == gathering->key && pair.value < gathering->below)
                ring.ids[ring.count++ % PICK_MAX] = pair.value;
        }
    }
    size_t count = ring.count < PICK_MAX ? (size_t)ring.count : PICK_MAX;
    return gather_source(gathering, ring.ids, count, ring.count > PICK_MAX);
}

static int newest_first(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;
    return (*a < *b) - (*a > *b);
}

bool lookup_pick(struct db *db, uint64_t key, int64_t below, struct picks *ret)
{
    struct gathering gathering = {.key = key, .below = below, .floor = INT64_MIN};
    *ret = (struct picks){0};
    if (!pick_runs(db, &gathering) || !pick_log(db, &gathering)) {
        free(gathering.ids);
        return false;
    }
    if (gathering.count)
        qsort(gathering.ids, gathering.count, sizeof *gathering.ids, newest_first);
    ret->ids = gathering.ids;
    for (size_t i = 0; i < gathering.count && gathering.ids[i] >= gathering.floor; i++)
        if (ret->count == 0 || ret->ids[ret->count - 1] != gathering.ids[i])
            ret->ids[ret->count++] = gathering.ids[i];
    ret->more = gathering.floor != INT64_MIN;
    return true;
}
