/* store/sqlite/epoch.c - is this database the one that has been sending from this directory?
 *
 * Turning to a new number takes three steps, each durable before the next: the file holds the new
 * beside the old, the database the new, the file the new alone. A crash between them leaves two
 * that still know each other; a database of before the turn is known no longer once it is complete.
 */
#include "store/sqlite/epoch.h"
#include "store/sqlite/writer.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static const char magic[8] = "bongsu1";

/* At the file's start, within a sector; `noted` stands in one of its own. */
struct page {
    char magic[8];
    unsigned char now[NONCE_SIZE], before[NONCE_SIZE];
};

enum { NOTED_AT = 512 };

/* What the database has. */
struct record {
    enum { RECORD_NONE, RECORD_BACKUP, RECORD_BOUND } type;
    unsigned char nonce[NONCE_SIZE];
    struct identity identity;
};

void epoch_init(struct epoch *epoch)
{
    *epoch = (struct epoch){.fd = -1};
}

/* -- the database's side ---------------------------------------------------------------------- */

static struct str get(struct db *db, const char *name, char *into, size_t size)
{
    size_t len = 0;
    bool found = false;
    sqlite3_stmt *stmt = db_use(db, META_GET);
    bind_str(stmt, 1, str_of(name));
    if (db_row(db, stmt)) {
        struct str value = column_view(stmt, 0);
        len = value.len < size ? value.len : size;
        memcpy(into, value.at, len);
        found = true;
        db_reset(stmt);
    }
    return found ? (struct str){into, len} : STR_NONE;
}

static void put(struct db *db, const char *name, struct str value)
{
    sqlite3_stmt *stmt = db_use(db, META_PUT);
    bind_str(stmt, 1, str_of(name));
    bind_blob(stmt, 2, value.at, value.len);
    db_run(db, stmt);
}

static struct record read_record(struct db *db)
{
    struct record record = {.type = RECORD_NONE};
    char nonce[NONCE_SIZE + 1];
    struct str found = get(db, "epoch_nonce", nonce, sizeof nonce);
    if (!found.at)
        return record;
    record.type = found.len == NONCE_SIZE ? RECORD_BOUND : RECORD_BACKUP;
    if (found.len == NONCE_SIZE)
        memcpy(record.nonce, nonce, NONCE_SIZE);
    record.identity.inode = meta_get(db, "epoch_inode", 0);
    record.identity.born_ns = meta_get(db, "epoch_born", 0);
    record.identity.filesystem = meta_get(db, "epoch_filesystem", 0);
    (void)get(db, "epoch_device", record.identity.device, DEVICE_TEXT_MAX - 1);
    return record;
}

static void write_record(struct db *db, const unsigned char nonce[NONCE_SIZE],
                         const struct identity *identity)
{
    put(db, "epoch_nonce", (struct str){(const char *)nonce, NONCE_SIZE});
    meta_put(db, "epoch_inode", identity->inode);
    meta_put(db, "epoch_born", identity->born_ns);
    meta_put(db, "epoch_filesystem", identity->filesystem);
    put(db, "epoch_device", str_of(identity->device));
}

void epoch_disown(struct db *db)
{
    put(db, "epoch_nonce", STR("a backup"));
}

/* -- the file's side -------------------------------------------------------------------------- */

static enum err make_file(struct epoch *epoch, struct why *why)
{
    if (epoch->fd < 0)
        epoch->fd = open(epoch->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return epoch->fd >= 0 ? OK
                          : why_set(why, errno == ENOSPC ? ERR_FULL : ERR_IO, "cannot open %s: %s",
                                    epoch->path, strerror(errno));
}

static enum err write_page(const struct epoch *epoch, const unsigned char now[NONCE_SIZE],
                           const unsigned char before[NONCE_SIZE], struct why *why)
{
    struct page page;
    memcpy(page.magic, magic, sizeof magic);
    memcpy(page.now, now, NONCE_SIZE);
    memcpy(page.before, before, NONCE_SIZE);
    if (pwrite(epoch->fd, &page, sizeof page, 0) == (ssize_t)sizeof page && fsync(epoch->fd) == 0)
        return OK;
    return why_set(why, errno == ENOSPC ? ERR_FULL : ERR_IO, "cannot write %s: %s", epoch->path,
                   strerror(errno));
}

static bool read_page(const struct epoch *epoch, struct page *ret)
{
    return epoch->fd >= 0 && pread(epoch->fd, ret, sizeof *ret, 0) == (ssize_t)sizeof *ret &&
           memcmp(ret->magic, magic, sizeof magic) == 0;
}

static void read_noted(struct epoch *epoch)
{
    int64_t noted;
    if (pread(epoch->fd, &noted, sizeof noted, NOTED_AT) == (ssize_t)sizeof noted)
        epoch->noted = noted;
}

/* Not synced: it is behind what is committed, never before it, and a crash of this process leaves
 * it standing. Lost with the power, it only notices less. */
void epoch_note(struct epoch *epoch, int64_t last_id)
{
    if (epoch->unconfirmed || epoch->fd < 0 || last_id <= epoch->noted)
        return;
    if (pwrite(epoch->fd, &last_id, sizeof last_id, NOTED_AT) == (ssize_t)sizeof last_id)
        epoch->noted = last_id;
}

/* -- opening ---------------------------------------------------------------------------------- */

/* What shows that the database is not the one that was here; NULL: nothing. */
static const char *stranger(const struct epoch *epoch, const struct record *record,
                            const struct identity *identity, int64_t last_id)
{
    static const unsigned char none[NONCE_SIZE];
    struct page page;
    bool has_page = read_page(epoch, &page);
    if (record->type == RECORD_BACKUP)
        return "the database is a backup";
    if (record->type == RECORD_NONE) /* the first start; or one of before there were epochs */
        return has_page && memcmp(page.before, none, NONCE_SIZE) != 0 && last_id
                   ? "the database is older than its directory"
                   : NULL;
    if (!has_page)
        return "the database came without its directory's bongsu.epoch";
    const char *differs = identity_differs(&record->identity, identity);
    if (differs)
        return differs;
    if (memcmp(record->nonce, page.now, NONCE_SIZE) != 0 &&
        memcmp(record->nonce, page.before, NONCE_SIZE) != 0)
        return "the database is not the one that was last here";
    return last_id < epoch->noted ? "the database ends before what was last stored here" : NULL;
}

/* Steps one and three; the database's is between them. */
static enum err turn(struct epoch *epoch, struct db *db, const struct record *record,
                     struct why *why)
{
    struct identity identity;
    entropy_fill(&epoch->entropy, epoch->nonce, NONCE_SIZE);
    enum err err = make_file(epoch, why);
    if (err == OK)
        err = write_page(epoch, epoch->nonce, record->nonce, why);
    if (err == OK)
        err = identity_read(epoch->fd, &identity, why);
    if (err != OK)
        return err;
    db_exec(db, "BEGIN IMMEDIATE");
    write_record(db, epoch->nonce, &identity);
    db_exec(db, "COMMIT");
    if (db->code != SQLITE_OK)
        return why_set(why, db_err(db), "%s", db->why.text);
    return write_page(epoch, epoch->nonce, epoch->nonce, why);
}

enum err epoch_open(struct epoch *epoch, const char *directory, struct db *db, int64_t last_id,
                    const struct entropy *entropy, struct why *ret_copied, struct why *why)
{
    struct identity identity = {0};
    enum err err = OK;
    epoch->entropy = *entropy;
    if ((size_t)snprintf(epoch->path, sizeof epoch->path, "%s/bongsu.epoch", directory) >=
        sizeof epoch->path)
        return why_set(why, ERR_LIMIT, "the path of the store is too long");
    epoch->fd = open(epoch->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (epoch->fd < 0 && errno != ENOENT)
        return why_set(why, ERR_IO, "cannot open %s: %s", epoch->path, strerror(errno));
    if (epoch->fd >= 0) {
        read_noted(epoch);
        err = identity_read(epoch->fd, &identity, why);
    }
    struct record record = read_record(db);
    if (err != OK || db->code != SQLITE_OK)
        return err != OK ? err : db_err(db);
    const char *strange = stranger(epoch, &record, &identity, last_id);
    if (!strange)
        return turn(epoch, db, &record, why);
    epoch->unconfirmed = true;
    (void)why_set(ret_copied, ERR_CONFLICT, "%s", strange);
    return OK;
}

/* -- later ------------------------------------------------------------------------------------ */

void epoch_confirm(struct epoch *epoch, struct db *db, int64_t last_id)
{
    struct identity identity;
    struct why why;
    entropy_fill(&epoch->entropy, epoch->nonce, NONCE_SIZE);
    enum err err = make_file(epoch, &why);
    if (err == OK && pwrite(epoch->fd, &last_id, sizeof last_id, NOTED_AT) != sizeof last_id)
        err = why_set(&why, errno == ENOSPC ? ERR_FULL : ERR_IO, "cannot write %s: %s", epoch->path,
                      strerror(errno));
    if (err == OK)
        err = write_page(epoch, epoch->nonce, epoch->nonce, &why);
    if (err == OK)
        err = identity_read(epoch->fd, &identity, &why);
    if (err != OK) {
        db_refuse(db, err == ERR_FULL ? SQLITE_FULL : SQLITE_IOERR, why.text);
        return;
    }
    epoch->noted = last_id;
    epoch->turning = true;
    write_record(db, epoch->nonce, &identity);
}

void epoch_committed(struct epoch *epoch)
{
    if (epoch->turning)
        epoch->unconfirmed = false;
    epoch->turning = false;
}

void epoch_rolled_back(struct epoch *epoch)
{
    epoch->turning = false;
}

void epoch_close(struct epoch *epoch, struct db *db)
{
    struct why why;
    if (epoch->fd >= 0 && db && !epoch->unconfirmed) {
        struct record record = read_record(db);
        (void)turn(epoch, db, &record, &why); /* else what stands still fits together */
    }
    if (epoch->fd >= 0)
        close(epoch->fd);
    epoch->fd = -1;
}
