/* store/sqlite/change.h - the part of change that is about what has a name. Internal. */
#pragma once
#include "store/sqlite/writer.h"

/* Apps, keys, categories, templates, suppressions; the app exists unless it is to be made. */
void write_change_named(struct writer *writer, struct change *op);
