/* test/contract/forward_vfs.h - a file of a SQLite VFS that passes everything on to the real one.
 *
 * What a test wants to be otherwise it puts in the place of a forward in its own table of methods.
 */
#pragma once
#include <sqlite3.h>

/* The head of a file of ours; the real one stands in the block that SQLite allocates for it. */
struct forward_file {
    sqlite3_file base;
    sqlite3_file *real;
};

static inline sqlite3_file *forward_real(sqlite3_file *file)
{
    return ((struct forward_file *)(void *)file)->real;
}

int forward_close(sqlite3_file *file);
int forward_read(sqlite3_file *file, void *at, int len, sqlite3_int64 offset);
int forward_write(sqlite3_file *file, const void *at, int len, sqlite3_int64 offset);
int forward_truncate(sqlite3_file *file, sqlite3_int64 size);
int forward_sync(sqlite3_file *file, int flags);
int forward_size(sqlite3_file *file, sqlite3_int64 *size);
int forward_lock(sqlite3_file *file, int level);
int forward_unlock(sqlite3_file *file, int level);
int forward_reserved(sqlite3_file *file, int *ret);
int forward_control(sqlite3_file *file, int op, void *arg);
int forward_sector(sqlite3_file *file);
int forward_device(sqlite3_file *file);
int forward_map(sqlite3_file *file, int page, int size, int extend, void volatile **ret);
int forward_shm_lock(sqlite3_file *file, int offset, int count, int flags);
void forward_barrier(sqlite3_file *file);
int forward_unmap(sqlite3_file *file, int remove);

/* A table of methods that write, truncate and sync in their own way. */
#define FORWARD_METHODS(write, truncate, sync)                                                     \
    {                                                                                              \
        .iVersion = 2, .xClose = forward_close, .xRead = forward_read, .xWrite = (write),          \
        .xTruncate = (truncate), .xSync = (sync), .xFileSize = forward_size,                       \
        .xLock = forward_lock, .xUnlock = forward_unlock, .xCheckReservedLock = forward_reserved,  \
        .xFileControl = forward_control, .xSectorSize = forward_sector,                            \
        .xDeviceCharacteristics = forward_device, .xShmMap = forward_map,                          \
        .xShmLock = forward_shm_lock, .xShmBarrier = forward_barrier, .xShmUnmap = forward_unmap,  \
    }
