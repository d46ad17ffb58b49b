/* store/sqlite/recover.h - what opening does before the first group: secrets, what was in hand,
 * what the ledger must know. Internal.
 */
#pragma once
#include "port/entropy.h"
#include "store/sqlite/writer.h"

/* Fills the writer and the state. Errors stay in the connection; ERR_MEMORY for the arena. */
enum err recover(struct writer *writer, struct wall now, const struct crash_notes *notes,
                 const struct entropy *entropy, struct arena *arena,
                 struct store_state *ret_state) must_use;
/* Of all notifications ever stored. */
int64_t highest_id(struct db *db);
