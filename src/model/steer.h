/* model/steer.h - an operator's word over the deliveries of a kind: wait, or go to another
 * provider.
 *
 * A pause holds a whole kind; a move gives what routes send to provider `from` to provider `to`
 * instead. Each stands until it is ended or `until` has come, through restarts. There is one pause
 * a kind, and one move a kind and `from`. Test keys' deliveries are never moved.
 */
#pragma once
#include "base/time.h"
#include "model/names.h"

#define STEERS(X)                                                                                  \
    X(STEER_PAUSE, "pause")                                                                        \
    X(STEER_MOVE, "move")

enum steer_type { STEERS(NAME_ENUM) STEER_TYPE_COUNT };

struct steer {
    enum steer_type type;
    enum kind kind;
    struct str from, to; /* of a move: names of providers */
    struct str reason;   /* absent: none was given */
    struct str by;       /* whose key it was */
    struct wall since;
    struct wall until; /* WALL_NEVER: until it is ended */
};

static inline bool steer_stands(const struct steer *steer, struct wall now)
{
    return !wall_reached(now, steer->until);
}
