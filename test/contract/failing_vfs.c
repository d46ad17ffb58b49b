/* test/contract/failing_vfs.c - a SQLite VFS that fails on demand, over the default one. */
#include "failing_vfs.h"
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* The file SQLite holds; the real one stands behind it in the same block. */
struct shim_file {
    sqlite3_file base;
    struct failing_vfs *control;
    sqlite3_file *real;
};

static struct shim_file *shim(sqlite3_file *file)
{
    return (struct shim_file *)(void *)file;
}

static int shim_close(sqlite3_file *file)
{
    return shim(file)->real->pMethods->xClose(shim(file)->real);
}

static int shim_read(sqlite3_file *file, void *at, int len, sqlite3_int64 offset)
{
    return shim(file)->real->pMethods->xRead(shim(file)->real, at, len, offset);
}

static int shim_write(sqlite3_file *file, const void *at, int len, sqlite3_int64 offset)
{
    sqlite3_file *real = shim(file)->real;
    sqlite3_int64 size = 0;
    if (atomic_load(&shim(file)->control->disk_full) &&
        real->pMethods->xFileSize(real, &size) == SQLITE_OK && offset + len > size)
        return SQLITE_FULL;
    return real->pMethods->xWrite(real, at, len, offset);
}

static int shim_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return shim(file)->real->pMethods->xTruncate(shim(file)->real, size);
}

static int shim_sync(sqlite3_file *file, int flags)
{
    if (atomic_load(&shim(file)->control->sync_fails))
        return SQLITE_IOERR_FSYNC;
    return shim(file)->real->pMethods->xSync(shim(file)->real, flags);
}

static int shim_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return shim(file)->real->pMethods->xFileSize(shim(file)->real, size);
}

static int shim_lock(sqlite3_file *file, int level)
{
    return shim(file)->real->pMethods->xLock(shim(file)->real, level);
}

static int shim_unlock(sqlite3_file *file, int level)
{
    return shim(file)->real->pMethods->xUnlock(shim(file)->real, level);
}

static int shim_reserved(sqlite3_file *file, int *ret)
{
    return shim(file)->real->pMethods->xCheckReservedLock(shim(file)->real, ret);
}

static int shim_control(sqlite3_file *file, int op, void *arg)
{
    return shim(file)->real->pMethods->xFileControl(shim(file)->real, op, arg);
}

static int shim_sector(sqlite3_file *file)
{
    return shim(file)->real->pMethods->xSectorSize(shim(file)->real);
}

static int shim_device(sqlite3_file *file)
{
    return shim(file)->real->pMethods->xDeviceCharacteristics(shim(file)->real);
}

static int shim_map(sqlite3_file *file, int page, int size, int extend, void volatile **ret)
{
    return shim(file)->real->pMethods->xShmMap(shim(file)->real, page, size, extend, ret);
}

static int shim_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return shim(file)->real->pMethods->xShmLock(shim(file)->real, offset, count, flags);
}

static void shim_barrier(sqlite3_file *file)
{
    shim(file)->real->pMethods->xShmBarrier(shim(file)->real);
}

static int shim_unmap(sqlite3_file *file, int remove)
{
    return shim(file)->real->pMethods->xShmUnmap(shim(file)->real, remove);
}

static const sqlite3_io_methods shim_methods = {
    .iVersion = 2,
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_reserved,
    .xFileControl = shim_control,
    .xSectorSize = shim_sector,
    .xDeviceCharacteristics = shim_device,
    .xShmMap = shim_map,
    .xShmLock = shim_shm_lock,
    .xShmBarrier = shim_barrier,
    .xShmUnmap = shim_unmap,
};

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
    shimmed->real = (sqlite3_file *)(void *)(shimmed + 1);
    int code = self->real->xOpen(self->real, name, shimmed->real, flags, out);
    shimmed->base.pMethods = code == SQLITE_OK ? &shim_methods : NULL;
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
