/* flow/courier.h - the actor that owns providers' sockets: takes tickets, sends, judges.
 *
 * A ticket waits at the desk of the provider its route names until there is room; then it becomes a
 * flight: rendered, given a credential, composed (on the crypto pool where that is heavy), carried
 * by the transport, judged by the provider. What became of it goes back to the ledger in batches.
 * Threads: its own event loop's, which is also the transport's.
 */
#pragma once
#include "core/route.h"
#include "model/ids.h"
#include "port/clock.h"
#include "port/provider.h"
#include "port/store.h"
#include "port/transport.h"
#include "runtime/actor.h"

struct courier;
struct pool;

/* A configured provider, opened; the configuration's strings and `self` outlive the courier. */
struct courier_provider {
    const struct provider_ops *ops;
    void *self;
    struct str name;
    uint32_t in_flight_max;
    uint32_t rate; /* a second; 0: no limit */
    struct span timeout;
};

struct courier_config {
    struct store *store;
    struct inbox inbox; /* its own */
    struct inbox ledger;
    struct transport *transport;
    struct clock clock;
    struct entropy entropy;
    struct pool *pool; /* NULL: heavy composing is done in place */
    const struct courier_provider *providers;
    uint32_t provider_count;
    struct routes routes;
    struct ids ids;
    size_t library_bytes_max;
    uint64_t seed; /* of the hash maps */
    /* Says that work has come by a callback of the transport, outside a step: the runtime turns
     * the actor soon. May be NULL where turns follow by themselves. */
    void (*kick)(void *self);
    void *kick_self;
};

struct courier *courier_new(const struct courier_config *config);
void courier_free(struct courier *courier); /* nothing may wait or fly */
struct actor courier_actor(struct courier *courier);
/* Nothing waits, flies or loads. */
bool courier_at_rest(const struct courier *courier);
