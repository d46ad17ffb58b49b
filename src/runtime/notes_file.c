/* runtime/notes_file.c - see notes_file.h. */
#include "runtime/notes_file.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BOOT_SIZE = 40 };

/* The file. The magic changes with what follows it. */
struct page {
    char magic[16];
    char boot[BOOT_SIZE];
    struct notes notes;
};

static const char magic[16] = "bongsu notes 1\n";

struct notes_file {
    struct page *page;
};

static bool read_boot(char into[BOOT_SIZE])
{
    memset(into, 0, BOOT_SIZE);
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, into, BOOT_SIZE - 1);
    if (fd >= 0)
        (void)close(fd);
    return got > 0;
}

static bool path_of(const char *directory, char into[PATH_MAX])
{
    int len = snprintf(into, PATH_MAX, "%s/bongsu.notes", directory);
    return len > 0 && len < PATH_MAX;
}

static struct page *map(int fd, int protection)
{
    void *at = mmap(NULL, sizeof(struct page), protection, MAP_SHARED, fd, 0);
    return at == MAP_FAILED ? NULL : at;
}

static bool is_ours(const struct page *page)
{
    char boot[BOOT_SIZE];
    return read_boot(boot) && memcmp(page->magic, magic, sizeof magic) == 0 &&
           memcmp(page->boot, boot, sizeof boot) == 0;
}

enum err notes_file_read(const char *directory, struct arena *arena, struct crash_notes *ret)
{
    char path[PATH_MAX];
    struct stat found;
    enum err err = OK;
    *ret = (struct crash_notes){0};
    int fd = path_of(directory, path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return OK;
    bool whole = fstat(fd, &found) == 0 && found.st_size == (off_t)sizeof(struct page);
    struct page *page = whole ? map(fd, PROT_READ) : NULL;
    if (page && is_ours(page))
        err = notes_collect(&page->notes, arena, ret);
    if (page)
        (void)munmap(page, sizeof *page);
    (void)close(fd);
    return err;
}

/* Allocated, for a page that the disk has no room for would be a signal when it is written to. */
static enum err make(int fd, struct page **ret, struct why *why)
{
    int result = posix_fallocate(fd, 0, (off_t)sizeof(struct page));
    if (result)
        return why_set(why, result == ENOSPC ? ERR_FULL : ERR_IO, "%s", strerror(result));
    *ret = map(fd, PROT_READ | PROT_WRITE);
    return *ret ? OK : why_set(why, ERR_IO, "%s", strerror(errno));
}

enum err notes_file_open(const char *directory, const struct crash_notes *found,
                         struct notes_file **ret, struct why *why)
{
    char path[PATH_MAX], boot[BOOT_SIZE];
    struct page *page = NULL;
    if (!path_of(directory, path))
        return why_set(why, ERR_IO, "the path is too long");
    (void)unlink(path);
    if (!read_boot(boot))
        return why_set(why, ERR_IO, "the boot has no id");
    struct notes_file *file = calloc(1, sizeof *file);
    if (!file)
        return why_set(why, ERR_MEMORY, "no memory");
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    enum err err = fd < 0 ? why_set(why, ERR_IO, "%s", strerror(errno)) : make(fd, &page, why);
    if (fd >= 0)
        (void)close(fd);
    if (err) {
        (void)unlink(path);
        free(file);
        return err;
    }
    notes_begin(&page->notes, found);
    memcpy(page->boot, boot, sizeof boot);
    memcpy(page->magic, magic, sizeof magic);
    file->page = page;
    *ret = file;
    return OK;
}

struct notes *notes_file_notes(struct notes_file *file)
{
    return &file->page->notes;
}

void notes_file_close(struct notes_file *file)
{
    if (!file)
        return;
    (void)munmap(file->page, sizeof *file->page);
    free(file);
}
