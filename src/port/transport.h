/* port/transport.h - carries requests to providers and replies back.
 *
 * Lives on the courier's thread and event loop; every callback runs there, never inside submit.
 * A transport MUST NOT send a request twice, follow a redirect, or hold more than it could still
 * withdraw: what the peer's limits do not let it begin stays withdrawable.
 * "Begun" is the first byte of the request given to TLS (or to TCP without it).
 */
#pragma once
#include "base/arena.h"
#include "model/wire.h"

struct transport;

/* One exchange. Filled by the courier up to `done`; the rest is the transport's until `done`. */
struct exchange_call {
    const struct request *request; /* lives until done */
    struct mono deadline;
    /* Called once, unless withdraw returned true. The reply and what it points at live in `arena`
     * until the call is freed by the courier. */
    void (*done)(struct exchange_call *call, const struct reply *reply);
    void *owner;
    struct arena *arena;

    bool begun;
    void *work; /* the transport's */
};

struct transport_ops {
    /* How many more exchanges to this origin the transport would begin at once; 0: wait. */
    unsigned (*room)(struct transport *self, const struct request *request);
    void (*submit)(struct transport *self, struct exchange_call *call);
    /* True: never begun, forgotten, and `done` will not be called. False: begun; `done` follows. */
    bool (*withdraw)(struct transport *self, struct exchange_call *call);
    /* Ends everything: `done` is called for what was open. */
    void (*close)(struct transport *self);
};

struct transport {
    const struct transport_ops *ops;
};
