/* store/sqlite/offline.c - what may be done to a store that no server has open. */
#include "store/sqlite/offline.h"
#include "store/sqlite/backup.h"
#include "store/sqlite/checkpoint.h"
#include "store/sqlite/epoch.h"
#include "store/sqlite/lock.h"
#include "store/sqlite/recover.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/verify.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

enum { CACHE_BYTES = 64 * 1024 * 1024 };

/* A store under its lock. */
struct offline {
    int lock_fd;
    char directory[PATH_MAX - 16], path[PATH_MAX];
    struct db db;
    uint32_t version;
};

static enum err failed(struct offline *offline, struct why *why)
{
    if (why)
        *why = offline->db.why;
    return db_err(&offline->db);
}

static enum err open_locked(struct offline *offline, struct why *why)
{
    char wal[PATH_MAX + 8] = "";
    (void)snprintf(wal, sizeof wal, "%s-wal", offline->path);
    enum err err = lock_rewrite(wal, why);
    if (err == OK)
        err = db_open(&offline->db, offline->path, true, CACHE_BYTES, why);
    if (err != OK)
        return err;
    offline->version = (uint32_t)db_pragma(&offline->db, "PRAGMA user_version");
    return offline->db.code == SQLITE_OK ? OK : failed(offline, why);
}

static void offline_close(struct offline *offline)
{
    if (offline->db.sqlite) {
        checkpoint_all(&offline->db);
        db_close(&offline->db);
    }
    lock_release(offline->lock_fd);
}

static enum err offline_open(struct offline *offline, struct str directory, struct why *why)
{
    struct stat found;
    *offline = (struct offline){.lock_fd = -1};
    if (!str_copy(directory, offline->directory, sizeof offline->directory))
        return why_set(why, ERR_LIMIT, "the path of the store is too long");
    (void)snprintf(offline->path, sizeof offline->path, "%s/bongsu.db", offline->directory);
    if (stat(offline->path, &found) != 0)
        return why_set(why, errno == ENOENT ? ERR_MISSING : ERR_IO, "no store in %s: %s",
                       offline->directory, strerror(errno));
    enum err err = lock_take(offline->directory, &offline->lock_fd, why);
    if (err == OK)
        err = open_locked(offline, why);
    if (err != OK)
        offline_close(offline);
    return err;
}

enum err offline_migrate(struct str directory, uint32_t *ret_from, uint32_t *ret_to,
                         struct why *why)
{
    struct offline offline;
    enum err err = offline_open(&offline, directory, why);
    if (err != OK)
        return err;
    *ret_from = offline.version;
    *ret_to = schema_version();
    err = schema_migrate(&offline.db, why);
    offline_close(&offline);
    return err;
}

static enum err check_version(const struct offline *offline, struct why *why)
{
    if (offline->version == schema_version())
        return OK;
    return why_set(why, ERR_CONFLICT, "the store has schema %u, this program %u%s",
                   offline->version, schema_version(),
                   offline->version < schema_version() ? ": run bongsu store migrate first" : "");
}

enum err offline_verify(struct str directory, struct wall now, const struct offline_watch *watch,
                        uint64_t *ret_faults, struct why *why)
{
    struct offline offline;
    enum err err = offline_open(&offline, directory, why);
    if (err != OK)
        return err;
    err = check_version(&offline, why);
    if (err == OK)
        err = verify_all(&offline.db, now, watch, ret_faults, why);
    offline_close(&offline);
    return err;
}

enum err offline_backup(struct str directory, struct str file, struct why *why)
{
    struct offline offline;
    struct backup backup = {0};
    char path[BACKUP_FILE_MAX];
    enum err err = backup_check(file, why);
    if (err == OK)
        err = offline_open(&offline, directory, why);
    if (err != OK)
        return err;
    must(str_copy(file, path, sizeof path));
    backup_begin(&backup, &offline.db, path);
    while (backup.under_way)
        backup_step(&backup, true);
    backup_wait(&backup);
    if (backup.state != BACKUP_DONE)
        err = why_set(why, ERR_IO, "%s", backup.why.text);
    offline_close(&offline);
    return err;
}

static enum err confirm(struct offline *offline, const struct entropy *entropy, bool *ret_was,
                        struct why *why)
{
    struct epoch epoch;
    struct why copied;
    struct db *db = &offline->db;
    epoch_init(&epoch);
    int64_t last_id = highest_id(db);
    enum err err = epoch_open(&epoch, offline->directory, db, last_id, entropy, &copied, why);
    if (err == OK && (*ret_was = epoch.unconfirmed)) {
        db_exec(db, "BEGIN IMMEDIATE");
        epoch_confirm(&epoch, db, last_id);
        db_exec(db, "COMMIT");
        if (db->code == SQLITE_OK)
            epoch_committed(&epoch);
    }
    epoch_close(&epoch, NULL);
    if (err == OK && db->code == SQLITE_OK)
        return OK;
    return err == OK || db->code != SQLITE_OK ? failed(offline, why) : err;
}

enum err offline_confirm(struct str directory, const struct entropy *entropy, bool *ret_was,
                         struct why *why)
{
    struct offline offline;
    enum err err = offline_open(&offline, directory, why);
    if (err != OK)
        return err;
    err = schema_migrate(&offline.db, why);
    if (err == OK)
        err = confirm(&offline, entropy, ret_was, why);
    if (err == OK)
        err = lock_sync(offline.directory, why);
    offline_close(&offline);
    return err;
}
