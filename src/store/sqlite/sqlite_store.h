/* store/sqlite/sqlite_store.h - the embedded store: one SQLite file, one writer, read-only readers.
 *
 * The directory holds bongsu.db (with its -wal and -shm), bongsu.lock, bongsu.reserve (space.h) and
 * bongsu.epoch (epoch.h). A lock file keeps a second server out; nothing else in the process may
 * open the database file, since closing any descriptor on it drops SQLite's POSIX locks.
 *
 * One thread owns the write connection and every checkpoint: SQLite before 3.51.3 can corrupt a WAL
 * database when two connections write or checkpoint at the same instant
 * (sqlite.org/wal.html#walresetbug). Readers hold a transaction for a few milliseconds and pass a
 * gate, so that the WAL can always be reset.
 *
 * After a failed fsync the process says one line on stderr and exits with 74 (EX_IOERR): the kernel
 * has marked the lost pages clean, so nothing written since can be trusted. Every open first
 * rewrites and checkpoints what it recovered.
 *
 * Threads: submit and read from any one thread each; completions are posted from the store's own.
 */
#pragma once
#include "port/entropy.h"
#include "port/store.h"

struct sqlite_config {
    uint32_t readers;                /* reader threads, 1..2 */
    uint32_t reads_max;              /* queries that may wait; more are answered ERR_FULL */
    uint32_t read_ms_max;            /* a reader's transaction; past it ERR_TIMEOUT */
    uint32_t cache_bytes;            /* the writer's page cache; a reader has an eighth */
    uint32_t checkpoint_frames;      /* where the adaptive mark starts, and its least */
    uint32_t gate_bytes;             /* of WAL: from here a checkpoint holds readers back */
    uint64_t wal_bytes_max;          /* of WAL: from here reads are answered ERR_FULL */
    uint32_t idem_open_max;          /* keys in the open table of the idempotency index */
    uint32_t lookup_open_max;        /* pairs in the open part of the look-up index */
    uint64_t filter_bytes_max;       /* memory for filters of idempotency runs */
    uint64_t reserve_bytes;          /* of disk, for when it is full (space.h); 0: none */
    const struct crash_notes *notes; /* of the process before, for the open; NULL: nothing known */
    /* One line for the log when something changes that an operator should know; may be NULL. From
     * the opening thread or the store's own. */
    void (*log)(void *self, bool warning, const char *line);
    void *log_self;
};

struct sqlite_config sqlite_config_default(void);

/* The room that a new store needs on its disk, with its reserve. */
uint64_t sqlite_store_room(uint64_t reserve_bytes);

/* Makes the directory (mode 0700) and the file if they are missing, migrates, recovers. Lists of
 * `ret_state` live in `arena`. ERR_CONFLICT: another server holds it (`why` names its pid), or the
 * file is newer than this program. ERR_FULL: no room for its reserve. ERR_IO, ERR_CORRUPT,
 * ERR_MEMORY. */
enum err sqlite_store_open(struct str directory, const struct sqlite_config *config,
                           struct wall now, const struct entropy *entropy, struct arena *arena,
                           struct store_state *ret_state, struct store **ret,
                           struct why *why) must_use;
