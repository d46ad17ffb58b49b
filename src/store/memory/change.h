/* store/memory/change.h - the part of change that is about what has a name. Internal. */
#pragma once
#include "store/memory/disk.h"

/* Apps, keys, categories, templates, suppressions; the app exists unless it is to be made. */
void memory_change_named(struct memory_disk *disk, struct change *op);
/* Pauses and moves; and those that stand, for the ledger. */
void memory_change_steer(struct memory_disk *disk, struct change *op);
void memory_steers(const struct memory_disk *disk, struct wall now, struct arena *arena,
                   struct store_state *state);
