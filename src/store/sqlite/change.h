/* store/sqlite/change.h - the part of change that is about what has a name. Internal. */
#pragma once
#include "store/sqlite/writer.h"

/* Apps, keys, categories, templates, suppressions; the app exists unless it is to be made. */
void write_change_named(struct writer *writer, struct change *op);
/* Pauses and moves. */
void write_change_steer(struct writer *writer, struct change *op);
/* Those that stand, for the ledger. */
enum err steers_load(struct db *db, struct wall now, struct arena *arena,
                     struct store_state *state) must_use;
