/* store/sqlite/backup.c - a copy of the database while it is written to, in short steps. */
#include "store/sqlite/backup.h"
#include "store/sqlite/checkpoint.h"
#include "store/sqlite/epoch.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { STEP_US = 4000, PAGES_FIRST = 16, PAGES_MAX = 512 };

enum err backup_check(struct str file, struct why *why)
{
    if (str_starts(file, STR("/")) && !memchr(file.at, 0, file.len) && file.len < BACKUP_FILE_MAX)
        return OK;
    return why_set(why, ERR_INPUT, "must be the absolute path of a file, of less than %d bytes",
                   BACKUP_FILE_MAX);
}

bool backup_waits(const struct backup *backup)
{
    return backup->under_way ||
           (backup->has_thread && atomic_load_explicit(&backup->finished, memory_order_acquire));
}

void backup_show(const struct backup *backup, struct store_look *look)
{
    look->backup = backup->state;
    memcpy(look->file, backup->file, sizeof look->file);
    look->pages = backup->pages;
    look->pages_done = backup->pages_done;
    look->why = backup->why;
}

/* -- ending ----------------------------------------------------------------------------------- */

static void drop(struct backup *backup)
{
    if (backup->under_way)
        (void)sqlite3_backup_finish(backup->under_way);
    if (backup->copy)
        (void)sqlite3_close(backup->copy);
    backup->under_way = NULL;
    backup->copy = NULL;
}

static void fail(struct backup *backup, bool made, const char *text)
{
    drop(backup);
    if (made)
        (void)unlink(backup->file);
    backup->state = BACKUP_FAILED;
    (void)why_set(&backup->why, ERR_IO, "%s", text);
}

/* The file and its name must have reached the disk before it is said to be done. */
static bool sync_file(const char *file)
{
    char directory[BACKUP_FILE_MAX];
    (void)str_copy(str_of(file), directory, sizeof directory);
    char *slash = strrchr(directory, '/');
    slash[slash == directory] = '\0';
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    int above = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && above >= 0 && fsync(fd) == 0 && fsync(above) == 0;
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (above >= 0)
        close(above);
    errno = error;
    return good;
}

/* One file, of no directory, without a log beside it. */
static void *finish(void *self)
{
    struct backup *backup = self;
    struct db copy = {.sqlite = backup->copy};
    db_exec(&copy, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=DELETE;"
                   "PRAGMA synchronous=OFF; BEGIN IMMEDIATE");
    epoch_disown(&copy);
    db_exec(&copy, "COMMIT");
    backup->bad = copy.code != SQLITE_OK;
    backup->bad_why = copy.why;
    db_close(&copy);
    backup->copy = NULL;
    if (!backup->bad && !sync_file(backup->file)) {
        backup->bad = true;
        (void)why_set(&backup->bad_why, ERR_IO, "cannot sync %s: %s", backup->file,
                      strerror(errno));
    }
    atomic_store_explicit(&backup->finished, true, memory_order_release);
    return NULL;
}

static void join(struct backup *backup)
{
    must(pthread_join(backup->thread, NULL) == 0);
    backup->has_thread = false;
    if (backup->bad)
        fail(backup, true, backup->bad_why.text);
    else
        backup->state = BACKUP_DONE;
}

static void start_finish(struct backup *backup)
{
    atomic_store_explicit(&backup->finished, false, memory_order_relaxed);
    if (pthread_create(&backup->thread, NULL, finish, backup) != 0) {
        fail(backup, true, "cannot start a thread to finish it");
        return;
    }
    backup->has_thread = true;
    (void)pthread_setname_np(backup->thread, "store-backup");
}

/* -- beginning and going on ------------------------------------------------------------------- */

void backup_begin(struct backup *backup, struct db *db, const char *file)
{
    char text[WHY_MAX];
    must(backup->state != BACKUP_RUNNING);
    must(str_copy(str_of(file), backup->file, sizeof backup->file));
    backup->state = BACKUP_RUNNING;
    backup->pages = backup->pages_done = 0;
    backup->why.text[0] = '\0';
    backup->step = PAGES_FIRST;
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        (void)snprintf(text, sizeof text, "cannot make %s: %s", file, strerror(errno));
        fail(backup, false, text);
        return;
    }
    close(fd);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    int code = sqlite3_open_v2(file, &backup->copy, flags, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(backup->copy, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", NULL,
                            NULL, NULL);
    if (code == SQLITE_OK)
        backup->under_way = sqlite3_backup_init(backup->copy, "main", db->sqlite, "main");
    if (backup->under_way)
        return;
    (void)snprintf(text, sizeof text, "cannot open %s: %s", file, sqlite3_errmsg(backup->copy));
    fail(backup, true, text);
}

static void adapt(struct backup *backup, struct span took)
{
    if (took.us > STEP_US && backup->step > 1)
        backup->step /= 2;
    else if (took.us < STEP_US / 2 && backup->step < PAGES_MAX)
        backup->step *= 2;
}

static void copy_some(struct backup *backup, bool whole)
{
    struct mono began = stopwatch();
    int code = sqlite3_backup_step(backup->under_way, whole ? -1 : backup->step);
    adapt(backup, mono_since(began, stopwatch()));
    uint64_t all = (uint64_t)sqlite3_backup_pagecount(backup->under_way);
    backup->pages = all;
    backup->pages_done = all - (uint64_t)sqlite3_backup_remaining(backup->under_way);
    if (code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED)
        return;
    if (code == SQLITE_DONE) {
        code = sqlite3_backup_finish(backup->under_way);
        backup->under_way = NULL;
    }
    if (code == SQLITE_OK)
        start_finish(backup);
    else
        fail(backup, true, sqlite3_errstr(code));
}

void backup_step(struct backup *backup, bool whole)
{
    if (backup->has_thread && atomic_load_explicit(&backup->finished, memory_order_acquire))
        join(backup);
    else if (backup->under_way)
        copy_some(backup, whole);
}

void backup_give_up(struct backup *backup, const char *why)
{
    if (backup->under_way)
        fail(backup, true, why);
}

void backup_wait(struct backup *backup)
{
    if (backup->has_thread)
        join(backup);
}
