/* store/sqlite/identity.h - what a file is that no copy of it can be.
 *
 * Its inode and its birth, which nobody can choose (statx(2)); its filesystem's id, where that
 * comes from the filesystem and not from where it is mounted; the serial number of the disk below,
 * where sysfs tells one. All of them survive a restart, a rename, and a volume that is moved to
 * another machine. Threads: any.
 */
#pragma once
#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

enum { DEVICE_TEXT_MAX = 128 };

struct identity {
    int64_t inode;
    int64_t born_ns;              /* since 1970; 0: the filesystem does not know */
    int64_t filesystem;           /* its id; 0: none that stays */
    char device[DEVICE_TEXT_MAX]; /* "virtio:vol-0a1b", by the kind of its serial; empty: unknown */
};

enum err identity_read(int fd, struct identity *ret, struct why *why) must_use;
/* What shows that `now` is another file than `then`; NULL: nothing does. What one of them does not
 * know is not compared, nor serial numbers of two kinds. */
const char *identity_differs(const struct identity *then, const struct identity *now);
