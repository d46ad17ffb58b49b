/* store/sqlite/lock.c - the directory of a store, and the door that one server holds shut. */
#include "store/sqlite/lock.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REWRITE_BYTES = 64 * 1024 }; /* SQLite's VFS moves less than 128 KiB at once */

static enum err io_error(struct why *why, const char *what, const char *path)
{
    return why_set(why, ERR_IO, "cannot %s %s: %s", what, path, strerror(errno));
}

/* Whoever holds the lock has written its pid into the file. */
static enum err taken(int fd, const char *directory, struct why *why)
{
    char pid[24] = "";
    ssize_t len = pread(fd, pid, sizeof pid - 1, 0);
    pid[len > 0 ? len : 0] = '\0';
    pid[strcspn(pid, "\n")] = '\0';
    return why_set(why, ERR_CONFLICT, "another server (pid %s) has the store %s open",
                   pid[0] ? pid : "unknown", directory);
}

static enum err write_pid(int fd, const char *path, struct why *why)
{
    char pid[24];
    int len = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    /* Without room the lock holds all the same. */
    bool written = ftruncate(fd, 0) == 0 && pwrite(fd, pid, (size_t)len, 0) == len;
    return written || errno == ENOSPC || errno == EDQUOT ? OK : io_error(why, "write", path);
}

enum err lock_take(const char *directory, int *ret_fd, struct why *why)
{
    char path[PATH_MAX];
    if (mkdir(directory, 0700) != 0 && errno != EEXIST)
        return io_error(why, "make the directory", directory);
    int len = snprintf(path, sizeof path, "%s/bongsu.lock", directory);
    if (len < 0 || (size_t)len >= sizeof path)
        return why_set(why, ERR_LIMIT, "the path of the store is too long");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return io_error(why, "open", path);
    enum err err = OK;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        err = errno == EWOULDBLOCK ? taken(fd, directory, why) : io_error(why, "lock", path);
    if (err == OK)
        err = write_pid(fd, path, why);
    if (err == OK)
        *ret_fd = fd;
    else
        close(fd);
    return err;
}

void lock_release(int fd)
{
    if (fd >= 0)
        close(fd); /* and with it the lock */
}

static enum err sync_directory(const char *path, struct why *why)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err err = fd < 0 || fsync(fd) != 0 ? io_error(why, "sync", path) : OK;
    if (fd >= 0)
        close(fd);
    return err;
}

enum err lock_sync(const char *directory, struct why *why)
{
    char parent[PATH_MAX];
    if ((size_t)snprintf(parent, sizeof parent, "%s/..", directory) >= sizeof parent)
        return why_set(why, ERR_LIMIT, "the path of the store is too long");
    enum err err = sync_directory(directory, why);
    return err == OK ? sync_directory(parent, why) : err;
}

/* -- rewriting -------------------------------------------------------------------------------- */

static int rewrite(sqlite3_file *file, char *bytes)
{
    sqlite3_int64 size = 0;
    int code = file->pMethods->xFileSize(file, &size);
    for (sqlite3_int64 at = 0; code == SQLITE_OK && at < size; at += REWRITE_BYTES) {
        int len = size - at < REWRITE_BYTES ? (int)(size - at) : REWRITE_BYTES;
        code = file->pMethods->xRead(file, bytes, len, at);
        if (code == SQLITE_OK)
            code = file->pMethods->xWrite(file, bytes, len, at);
    }
    return code == SQLITE_OK ? file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) : code;
}

enum err lock_rewrite(const char *path, struct why *why)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    struct stat found;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_WAL;
    if (stat(path, &found) != 0)
        return errno == ENOENT ? OK : io_error(why, "look at", path);
    must(vfs);
    sqlite3_file *file = calloc(1, (size_t)vfs->szOsFile);
    char *bytes = malloc(REWRITE_BYTES);
    int code = file && bytes ? vfs->xOpen(vfs, path, file, flags, &flags) : SQLITE_NOMEM;
    if (code == SQLITE_OK)
        code = rewrite(file, bytes);
    if (file && file->pMethods)
        file->pMethods->xClose(file);
    free(bytes);
    free(file);
    return code == SQLITE_OK      ? OK
           : code == SQLITE_NOMEM ? why_set(why, ERR_MEMORY, "no memory to recover %s", path)
           : (code & 0xff) == SQLITE_FULL ? why_set(why, ERR_FULL, "no room to recover %s", path)
                                          : why_set(why, ERR_IO, "cannot rewrite %s: %s (%d)", path,
                                                    sqlite3_errstr(code), code);
}
