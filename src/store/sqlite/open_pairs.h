/* store/sqlite/open_pairs.h - the newest pairs of an index, in memory, in the order they came.
 *
 * With `hashed`, pairs can be found by key: a table of positions, for keys that are uniform
 * already. Grows by doubling. Errors: ERR_MEMORY, nothing changed.
 */
#pragma once
#include "base/err.h"
#include "store/sqlite/pair.h"
#include <stdbool.h>

struct open_pairs {
    struct pair *pairs;
    uint32_t count, cap;
    uint32_t *slots; /* position + 1; a power of two of them, at most half of them taken */
    uint32_t slot_count;
    bool hashed;
};

void open_pairs_init(struct open_pairs *open, bool hashed);
void open_pairs_done(struct open_pairs *open);
enum err open_pairs_add(struct open_pairs *open, struct pair pair) must_use;
/* Takes back the newest, down to `count`. */
void open_pairs_cut(struct open_pairs *open, uint32_t count);
/* The next pair of this key from *at on (start with 0); NULL at the end. */
const struct pair *open_pairs_find(const struct open_pairs *open, uint64_t key, uint32_t *at);
