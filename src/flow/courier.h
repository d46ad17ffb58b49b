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
struct log;
struct pool;

/* A configured provider, opened. The courier copies it, name and all; `self` outlives the courier,
 * unless a change leaves it out. */
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
    size_t library_bytes_max; /* of templates, and again of large requests being sent */
    uint64_t seed;            /* of the hash maps, and of chance */
    const struct log *log;    /* NULL: silent */
    /* Says that work has come by a callback of the transport, outside a step: the runtime turns
     * the actor soon. May be NULL where turns follow by themselves. */
    void (*kick)(void *self);
    void *kick_self;
};

enum { PROVIDER_NEW = -1 };

/* Other providers and routes: COURIER_CONFIG, the sender's until `done` is called on the courier's
 * thread, in the step that takes them all. A provider that is kept goes on with its credential and
 * with all that was learnt of it; one that is left out finishes what has begun, and is closed
 * behind the last by its `ops->close`, on the courier's thread. What waits is routed anew. */
struct courier_change {
    struct message message;
    const struct courier_provider *providers; /* copied */
    const int32_t *kept; /* of each: its place so far, with the same `self`, or PROVIDER_NEW */
    uint32_t provider_count;
    struct routes routes; /* live until the next change is done */
    struct pool *pool;    /* NULL: as it was */
    size_t library_bytes_max;
    void (*done)(void *self);
    void *self;
    struct sender **senders; /* the courier's own, as is the next */
    struct named_app *apps;
    uint32_t app_count;
};

/* Takes the memory that the change needs, so that nothing can fail afterwards. False: there is
 * none. From any thread. */
bool courier_change_prepare(struct courier_change *change) must_use;
/* Prepared, and never posted. */
void courier_change_discard(struct courier_change *change);

struct courier *courier_new(const struct courier_config *config);
void courier_free(struct courier *courier); /* nothing may wait or fly */
struct actor courier_actor(struct courier *courier);
/* Nothing waits, flies or loads. */
bool courier_at_rest(const struct courier *courier);
