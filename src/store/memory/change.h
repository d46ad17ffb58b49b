/* store/memory/change.h - the part of change that is about what has a name. Internal. */
#pragma once
#include "store/memory/disk.h"

/* Apps, keys, categories, templates, suppressions; the app exists unless it is to be made. */
void memory_change_named(struct memory_disk *disk, struct change *op);
