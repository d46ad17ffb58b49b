/* store/sqlite/backup.h - a copy of the database while it is written to, in short steps.
 *
 * The copy is made through the write connection, so that what is committed meanwhile goes into it,
 * too, and it never has to begin anew. The writer's thread calls backup_step between groups, a few
 * milliseconds each; the last part, which waits for the disk, runs on a thread of its own. The file
 * is made for its owner alone and must not exist; a copy that fails is removed.
 * Threads: the writer's.
 */
#pragma once
#include "port/store.h"
#include "store/sqlite/db.h"
#include <pthread.h>
#include <stdatomic.h>

struct backup {
    enum backup_state state;
    char file[BACKUP_FILE_MAX];
    uint64_t pages, pages_done;
    struct why why; /* BACKUP_FAILED */
    sqlite3 *copy;
    sqlite3_backup *under_way;
    int step; /* pages of the next */
    pthread_t thread;
    bool has_thread;
    _Atomic bool finished; /* by the thread, which had `copy`, `bad` and `bad_why` until then */
    bool bad;
    struct why bad_why;
};

/* ERR_INPUT: not the absolute path of a file, or too long. */
enum err backup_check(struct str file, struct why *why) must_use;
/* None may be running. */
void backup_begin(struct backup *backup, struct db *db, const char *file);
/* Would a step go on? */
bool backup_waits(const struct backup *backup);
/* One step of a few milliseconds, or with `whole` all of it. */
void backup_step(struct backup *backup, bool whole);
/* Gives up what is being copied; `why` says it to whoever asks. */
void backup_give_up(struct backup *backup, const char *why);
/* Waits for the thread, if there is one. */
void backup_wait(struct backup *backup);
/* Fills in its part of it. */
void backup_show(const struct backup *backup, struct store_look *look);
