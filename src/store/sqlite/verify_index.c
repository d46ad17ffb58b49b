/* store/sqlite/verify_index.c - is what the derived indexes should find there to be found? */
#include "model/limits.h"
#include "store/sqlite/lookup.h"
#include "store/sqlite/recover.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/verify.h"

/* Of an age at which every clock agrees that a key still counts. */
enum { SURE_DAYS = IDEMPOTENCY_DAYS - 2, FILTERS_BYTES_MAX = 64 * 1024 * 1024 };

struct verify_index {
    struct writer writer; /* its secret and its indexes alone */
    struct pair *lookups; /* those in no run yet, sorted */
    uint32_t lookup_count;
};

bool verify_index_open(struct verify *verify)
{
    struct verify_index *indexes = calloc(1, sizeof *indexes);
    verify->indexes = indexes;
    if (!indexes)
        return false;
    struct index *idem = &indexes->writer.idem, *lookup = &indexes->writer.lookup;
    index_init(idem, INDEX_IDEM, UINT32_MAX, FILTERS_BYTES_MAX);
    index_init(lookup, INDEX_LOOKUP, UINT32_MAX, 0);
    index_load(idem, verify->db);
    index_load(lookup, verify->db);
    sqlite3_stmt *stmt = db_use(verify->db, META_GET);
    bind_str(stmt, 1, STR("hash_secret"));
    if (db_row(verify->db, stmt)) {
        struct str secret = column_view(stmt, 0);
        if (secret.len == sizeof indexes->writer.hash_secret)
            memcpy(indexes->writer.hash_secret, secret.at, secret.len);
        db_reset(stmt);
    }
    indexes->lookup_count = lookup->open.count;
    indexes->lookups = calloc((size_t)lookup->open.count + 1, sizeof *indexes->lookups);
    if (!indexes->lookups)
        return false;
    if (lookup->open.count)
        memcpy(indexes->lookups, lookup->open.pairs, lookup->open.count * sizeof(struct pair));
    qsort(indexes->lookups, indexes->lookup_count, sizeof(struct pair), pair_compare);
    return true;
}

void verify_index_close(struct verify *verify)
{
    struct verify_index *indexes = verify->indexes;
    if (!indexes)
        return;
    index_done(&indexes->writer.idem);
    index_done(&indexes->writer.lookup);
    free(indexes->lookups);
    free(indexes);
    verify->indexes = NULL;
}

static bool run_has(struct db *db, const struct run *run, struct pair pair)
{
    struct chunk chunk;
    return run->chunks && pair.value <= run->high &&
           chunk_read(db, run->id, chunk_find(db, run, pair, false), &chunk) &&
           bsearch(&pair, chunk.pairs, chunk.count, sizeof pair, pair_compare);
}

static bool can_look_up(struct verify *verify, uint64_t key, int64_t id)
{
    const struct verify_index *indexes = verify->indexes;
    const struct index *lookup = &indexes->writer.lookup;
    struct pair pair = {key, id};
    if (bsearch(&pair, indexes->lookups, indexes->lookup_count, sizeof pair, pair_compare))
        return true;
    for (uint32_t i = lookup->run_count; i-- > 0;)
        if (run_has(verify->db, &lookup->runs[i], pair))
            return true;
    return false;
}

static int64_t user_of(struct verify *verify, int64_t id, uint32_t ordinal)
{
    sqlite3_stmt *stmt = db_use(verify->db, ordinal ? DELIVERY_USER : NOTIFICATION_USER);
    bind_i64(stmt, 1, id);
    if (ordinal)
        bind_i64(stmt, 2, ordinal);
    int64_t user = db_row(verify->db, stmt) ? column_i64(stmt, 0) : 0;
    db_reset(stmt);
    return user;
}

/* The row of IDEM_OF_NOTIFICATION: app, flags, late, deliveries, idem. */
static void find_idem(struct verify *verify, int64_t id, const char *name)
{
    enum { CANDIDATES_MAX = 64 };
    struct writer *writer = &verify->indexes->writer;
    int64_t candidates[CANDIDATES_MAX];
    struct idem idem = {.present = true};
    sqlite3_stmt *stmt = db_use(verify->db, IDEM_OF_NOTIFICATION);
    bind_i64(stmt, 1, id);
    if (!db_row(verify->db, stmt))
        return;
    struct str key = column_view(stmt, 4);
    idem.app = (uint32_t)column_i64(stmt, 0);
    idem.mode = flags_mode(column_i64(stmt, 1));
    bool has_key = key.len >= IDEM_KEY_SIZE;
    if (has_key)
        memcpy(idem.key, key.at, IDEM_KEY_SIZE);
    db_reset(stmt);
    if (!has_key || verify->now.ms - id_time(id).ms > SURE_DAYS * INT64_C(86400000))
        return;
    uint32_t count =
        index_find(&writer->idem, verify->db, idem_hash(writer, &idem), candidates, CANDIDATES_MAX);
    for (uint32_t i = 0; i < count; i++)
        if (candidates[i] == id)
            return;
    verify_fault(verify, "%s: its event id does not lead to it", name);
}

void verify_found(struct verify *verify, int64_t notification)
{
    struct notification_head head;
    char name[ID_TEXT_SIZE];
    int64_t last = 0;
    if (!load_head(verify->db, notification, &head))
        return;
    (void)ntf_format(&verify->ids, notification, name);
    find_idem(verify, notification, name);
    if (!can_look_up(verify, lookup_app(head.app), notification))
        verify_fault(verify, "%s: it is not in the list of its app", name);
    for (uint32_t i = 0; i < head.deliveries; i++) {
        int64_t user = user_of(verify, notification, i);
        if (user && user != last && !can_look_up(verify, lookup_user(user), notification))
            verify_fault(verify, "%s: it is not in the list of its user %lld", name,
                         (long long)user);
        last = user;
    }
}
