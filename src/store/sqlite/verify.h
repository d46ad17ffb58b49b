/* store/sqlite/verify.h - does what stands in the file hold together? Internal to offline.c.
 *
 * After SQLite's own check of every page: each delivery's events are gapless and in a legal order;
 * what is open stands in exactly one of hand and pending, what has ended in neither; depths are the
 * rows they count; dead letters are dead; what an idempotency key or a look-up should find is
 * found.
 */
#pragma once
#include "model/ids.h"
#include "store/sqlite/db.h"
#include "store/sqlite/offline.h"

/* Errors of the file itself; faults are counted and told. */
enum err verify_all(struct db *db, struct wall now, const struct offline_watch *watch,
                    uint64_t *ret_faults, struct why *why) must_use;

/* Shared by verify.c and verify_index.c. */
struct verify {
    struct db *db;
    const struct offline_watch *watch;
    struct wall now;
    struct ids ids;
    uint64_t faults;
    uint64_t hand, pending, moved; /* found by way of their deliveries */
    struct verify_index *indexes;
};

void verify_fault(struct verify *verify, const char *format, ...) printf_like(2, 3);

/* verify_index.c. False: no memory. */
bool verify_index_open(struct verify *verify);
void verify_index_close(struct verify *verify);
void verify_found(struct verify *verify, int64_t notification);
