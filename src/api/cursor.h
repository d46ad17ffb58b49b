/* api/cursor.h - where a list goes on, as one opaque word.
 *
 * A cursor is base64url of eight bytes and a position. The bytes are a keyed hash of the position
 * and of the query it belongs to, so that a cursor of another query, or one made up, is refused.
 * Positions hold ids in their outside form only: a cursor tells no more than the list did. Pure.
 */
#pragma once
#include "model/ids.h"

struct position {
    struct str name;      /* of lists by name */
    int64_t notification; /* 0: none */
    uint32_t ordinal, seq;
};

/* `query` is all that makes the query what it is: app, mode, path, filters. Absent if memory is
 * short. */
struct str cursor_write(const struct ids *ids, struct str query, const struct position *position,
                        struct arena *arena);
/* False if the text is no cursor of this query. */
bool cursor_read(const struct ids *ids, struct str query, struct str text, struct arena *arena,
                 struct position *ret);
