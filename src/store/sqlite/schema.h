/* store/sqlite/schema.h - the tables, and how an older file becomes a newer one.
 *
 * Numbered steps, forward only, each in a transaction that also sets PRAGMA user_version.
 */
#pragma once
#include "store/sqlite/db.h"

/* ERR_CONFLICT: the file is newer than this program. */
enum err schema_migrate(struct db *db, struct why *why) must_use;
uint32_t schema_version(void); /* that this program writes */
