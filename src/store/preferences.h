/* store/preferences.h - a user's preferences as one string, as the stores keep them.
 *
 * A line for the channels, then one for each category, in the order given: a digit a channel
 * (enum choice), and behind a space the category. Names of categories have no line ends.
 */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "model/recipient.h"

void preferences_pack(const struct preferences *preferences, struct buf *out);
/* Borrows from `packed`. ERR_CORRUPT, ERR_MEMORY. */
enum err preferences_unpack(struct str packed, struct arena *arena,
                            struct preferences *ret) must_use;
