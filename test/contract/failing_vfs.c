/* test/contract/failing_vfs.c - a SQLite VFS that fails on demand, over the default one. */
#include "failing_vfs.h"
#include "forward_vfs.h"
#include <stdlib.h>
#include <string.h>

/* The file SQLite holds; the real one stands behind it in the same block. */
struct shim_file {
    struct forward_file forward;
    struct failing_vfs *control;
};

static struct shim_file *shim(sqlite3_file *file)
{
    return (struct shim_file *)(void *)file;
}

static int shim_write(sqlite3_file *file, const void *at, int len, sqlite3_int64 offset)
{
    sqlite3_file *real = forward_real(file);
    sqlite3_int64 size = 0;
    if (atomic_load(&shim(file)->control->disk_full) &&
        real->pMethods->xFileSize(real, &size) == SQLITE_OK && offset + len > size)
        return SQLITE_FULL;
    return forward_write(file, at, len, offset);
}

static int shim_sync(sqlite3_file *file, int flags)
{
    if (atomic_load(&shim(file)->control->sync_fails))
        return SQLITE_IOERR_FSYNC;
    return forward_sync(file, flags);
}

static const sqlite3_io_methods shim_methods =
    FORWARD_METHODS(shim_write, forward_truncate, shim_sync);

struct shim_vfs {
    sqlite3_vfs base;
    sqlite3_vfs *real;
    struct failing_vfs *control;
};

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct shim_vfs *self = (struct shim_vfs *)(void *)vfs;
    struct shim_file *shimmed = shim(file);
    shimmed->control = self->control;
    shimmed->forward.real = (sqlite3_file *)(void *)(shimmed + 1);
    int code = self->real->xOpen(self->real, name, shimmed->forward.real, flags, out);
    shimmed->forward.base.pMethods = code == SQLITE_OK ? &shim_methods : NULL;
    return code;
}

void failing_vfs_install(struct failing_vfs *control)
{
    struct shim_vfs *vfs = malloc(sizeof *vfs);
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    if (!vfs || !real)
        abort();
    vfs->base = *real; /* all that does not touch a file is the real one's */
    vfs->base.zName = "failing";
    vfs->base.pNext = NULL;
    vfs->base.szOsFile = (int)sizeof(struct shim_file) + real->szOsFile;
    vfs->base.xOpen = shim_open;
    vfs->real = real;
    vfs->control = control;
    if (sqlite3_vfs_register(&vfs->base, 1) != SQLITE_OK)
        abort();
}
