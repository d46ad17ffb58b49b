/* store/sqlite/lock.h - the directory of a store, and the door that one server holds shut. */
#pragma once
#include "base/err.h"
#include "base/str.h"

/* Makes the directory (mode 0700) if it is missing and takes its lock file; *ret_fd holds it until
 * lock_release. ERR_CONFLICT: another process has it, `why` names its pid. ERR_IO. */
enum err lock_take(const char *directory, int *ret_fd, struct why *why) must_use;
void lock_release(int fd);

/* Syncs the directory and the one it stands in, so that the files in it stay where they are. */
enum err lock_sync(const char *directory, struct why *why) must_use;

/* Writes a file that a previous life left (the WAL) over itself and syncs it: pages that a failed
 * fsync marked clean reach the disk before anything builds on them. Through SQLite's default VFS,
 * as the file is its own. OK if there is no such file. */
enum err lock_rewrite(const char *path, struct why *why) must_use;
