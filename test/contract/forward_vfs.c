/* test/contract/forward_vfs.c - see forward_vfs.h. */
#include "forward_vfs.h"

int forward_close(sqlite3_file *file)
{
    sqlite3_file *real = forward_real(file);
    return real->pMethods->xClose(real);
}

int forward_read(sqlite3_file *file, void *at, int len, sqlite3_int64 offset)
{
    sqlite3_file *real = forward_real(file);
    return real->pMethods->xRead(real, at, len, offset);
}

int forward_write(sqlite3_file *file, const void *at, int len, sqlite3_int64 offset)
{
    sqlite3_file *real = forward_real(file);
    return real->pMethods->xWrite(real, at, len, offset);
}

int forward_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    sqlite3_file *real = forward_real(file);
    return real->pMethods->xTruncate(real, size);
}

int forward_sync(sqlite3_file *file, int flags)
{
    sqlite3_file *real = forward_real(file);
    return real->pMethods->xSync(real, flags);
}

int forward_size(sqlite3_file *file, sqlite3_int64 *size)
{
    sqlite3_file *real = forward_real(file);
    return real->pMethods->xFileSize(real, size);
}

int forward_lock(sqlite3_file *file, int level)
{
    sqlite3_file *real = forward_real(file);
    return real->pMethods->xLock(real, level);
}

int forward_unlock(sqlite3_file *file, int level)
{
    sqlite3_file *real = forward_real(file);
    return real->pMethods->xUnlock(real, level);
}

int forward_reserved(sqlite3_file *file, int *ret)
{
    sqlite3_file *real = forward_real(file);
    return real->pMethods->xCheckReservedLock(real, ret);
}

int forward_control(sqlite3_file *file, int op, void *arg)
{
    sqlite3_file *real = forward_real(file);
    return real->pMethods->xFileControl(real, op, arg);
}

int forward_sector(sqlite3_file *file)
{
    sqlite3_file *real = forward_real(file);
    return real->pMethods->xSectorSize(real);
}

int forward_device(sqlite3_file *file)
{
    sqlite3_file *real = forward_real(file);
    return real->pMethods->xDeviceCharacteristics(real);
}

int forward_map(sqlite3_file *file, int page, int size, int extend, void volatile **ret)
{
    sqlite3_file *real = forward_real(file);
    return real->pMethods->xShmMap(real, page, size, extend, ret);
}

int forward_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    sqlite3_file *real = forward_real(file);
    return real->pMethods->xShmLock(real, offset, count, flags);
}

void forward_barrier(sqlite3_file *file)
{
    sqlite3_file *real = forward_real(file);
    real->pMethods->xShmBarrier(real);
}

int forward_unmap(sqlite3_file *file, int remove)
{
    sqlite3_file *real = forward_real(file);
    return real->pMethods->xShmUnmap(real, remove);
}
