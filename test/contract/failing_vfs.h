/* test/contract/failing_vfs.h - a SQLite VFS that fails on demand: syncs, and writes for want of
 * room. Registered as the default; files that are open already obey too. */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>

struct failing_vfs {
    _Atomic bool sync_fails;
    _Atomic bool disk_full; /* writes behind a file's end fail; others still go */
};

void failing_vfs_install(struct failing_vfs *control); /* until the process ends */
