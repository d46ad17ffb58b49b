/* store/sqlite/space.c - the room on the store's disk. */
#include "store/sqlite/space.h"
#include "base/str.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    MARK_PART = 4,                /* of the reserve must be free besides it */
    OPEN_BYTES = 4 * 1024 * 1024, /* what opening and recovering need at most, nearly always */
    PATIENCE = 3, /* where a quota ends the room, statvfs says that there is enough */
    WRITE_BYTES = 64 * 1024,
    WRITE_STEP = 128, /* writes of it in one look, where the system cannot allocate */
};

static uint64_t mark(const struct space *space)
{
    return space->reserve_bytes / MARK_PART;
}

uint64_t space_needed(uint64_t reserve_bytes)
{
    return reserve_bytes + 2 * (reserve_bytes / MARK_PART);
}

static void say(const struct space *space)
{
    char line[200];
    if (!space->log)
        return;
    (void)snprintf(line, sizeof line,
                   "what=store_room state=%s reserve=%s free_bytes=%llu mark_bytes=%llu",
                   space->full ? "full" : "enough", space->held ? "held" : "given_up",
                   (unsigned long long)space->free_bytes, (unsigned long long)mark(space));
    space->log(space->log_self, space->full, line);
}

static void measure(struct space *space)
{
    struct statvfs found;
    if (statvfs(space->directory, &found) == 0)
        space->free_bytes = (uint64_t)found.f_bavail * found.f_frsize;
}

static bool allocated(const struct space *space)
{
    struct stat found;
    return fstat(space->fd, &found) == 0 && (uint64_t)found.st_size == space->reserve_bytes &&
           (uint64_t)found.st_blocks * 512 >= space->reserve_bytes;
}

static void empty(struct space *space)
{
    space->held = ftruncate(space->fd, 0) != 0 && allocated(space);
}

/* Where the system cannot allocate: bytes that no filesystem stores in less. True at the end, or
 * when it cannot go on. */
static bool write_some(struct space *space)
{
    uint64_t bytes[WRITE_BYTES / sizeof(uint64_t)], state = 0x9e3779b97f4a7c15;
    for (int i = 0; i < WRITE_STEP; i++) {
        off_t at = lseek(space->fd, 0, SEEK_END);
        if (at < 0 || (uint64_t)at >= space->reserve_bytes)
            return true;
        uint64_t left = space->reserve_bytes - (uint64_t)at;
        for (size_t k = 0; k < sizeof bytes / sizeof *bytes; k++) {
            state ^= state << 13; /* xorshift64 */
            state ^= state >> 7;
            state ^= state << 17;
            bytes[k] = state;
        }
        size_t len = left < sizeof bytes ? (size_t)left : sizeof bytes;
        if (write(space->fd, bytes, len) != (ssize_t)len)
            return true;
    }
    return false;
}

/* True unless it must be called again to go on. */
static bool take(struct space *space)
{
    bool done = true, written = false;
    if (fallocate(space->fd, 0, 0, (off_t)space->reserve_bytes) != 0 && errno == EOPNOTSUPP) {
        done = write_some(space);
        written = done && (uint64_t)lseek(space->fd, 0, SEEK_END) == space->reserve_bytes;
    }
    space->held = done && (written || allocated(space));
    if (done && !space->held)
        empty(space);
    return done;
}

static enum err cannot(const struct space *space, struct why *why)
{
    return why_set(why, ERR_FULL,
                   "%s has %llu MiB free: a store needs %llu MiB for its reserve "
                   "(limits.disk_reserve) and half as much besides",
                   space->directory, (unsigned long long)(space->free_bytes >> 20),
                   (unsigned long long)(space->reserve_bytes >> 20));
}

enum err space_open(struct space *space, const char *directory, uint64_t reserve_bytes, bool fresh,
                    struct why *why)
{
    char path[SPACE_PATH_MAX + 16];
    space->reserve_bytes = reserve_bytes;
    if (!str_copy(str_of(directory), space->directory, sizeof space->directory))
        return why_set(why, ERR_LIMIT, "the path of the store is too long");
    measure(space);
    if (!reserve_bytes)
        return OK;
    (void)snprintf(path, sizeof path, "%s/bongsu.reserve", directory);
    space->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (space->fd < 0)
        return why_set(why, errno == ENOSPC ? ERR_FULL : ERR_IO, "cannot open %s: %s", path,
                       strerror(errno));
    space->held = allocated(space);
    if (!space->held) {
        empty(space);
        measure(space);
        while (space->free_bytes >= space_needed(reserve_bytes) && !take(space))
            continue;
        measure(space);
    }
    if (!space->held && fresh)
        return cannot(space, why);
    if (space->held && space->free_bytes < OPEN_BYTES)
        space_give_up(space);
    bool full = !space->held || space->free_bytes < mark(space);
    if (full != space->full) {
        space->full = full;
        say(space);
    }
    return OK;
}

void space_close(struct space *space)
{
    if (space->fd >= 0)
        close(space->fd);
    space->fd = -1;
}

void space_look(struct space *space)
{
    bool held = space->held, full = space->full;
    measure(space);
    if (!space->reserve_bytes)
        return;
    if (!held && space->patience > 0)
        space->patience--;
    else if (!held && space->free_bytes >= space_needed(space->reserve_bytes) && take(space))
        measure(space);
    /* Coming back it needs half as much again, so that it does not waver. */
    uint64_t least = full ? mark(space) + mark(space) / 2 : mark(space);
    space->full = !space->held || space->free_bytes < least;
    if (space->full != full || space->held != held)
        say(space);
}

void space_give_up(struct space *space)
{
    if (!space->held)
        return;
    empty(space);
    space->patience = PATIENCE;
    space->full = true;
    measure(space);
    say(space);
}
