/* store/sqlite/lock.c - the directory of a store, and the door that one server holds shut. */
#include "store/sqlite/lock.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REWRITE_BYTES = 1024 * 1024 };

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
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)len, 0) != len)
        return io_error(why, "write", path);
    return OK;
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

static bool rewrite_at(int fd, char *bytes, off_t at, ssize_t *ret_len)
{
    *ret_len = pread(fd, bytes, REWRITE_BYTES, at);
    return *ret_len >= 0 && pwrite(fd, bytes, (size_t)*ret_len, at) == *ret_len;
}

enum err lock_rewrite(const char *path, struct why *why)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? OK : io_error(why, "open", path);
    char *bytes = malloc(REWRITE_BYTES);
    enum err err = bytes ? OK : why_set(why, ERR_MEMORY, "no memory to recover %s", path);
    ssize_t len = 1;
    for (off_t at = 0; err == OK && len > 0; at += len)
        if (!rewrite_at(fd, bytes, at, &len))
            err = io_error(why, "rewrite", path);
    if (err == OK && fsync(fd) != 0)
        err = io_error(why, "sync", path);
    free(bytes);
    close(fd);
    return err;
}
