/* test/sim/sim.h - the whole server in one thread, under virtual time, from one seed.
 *
 *     clients -> api -> intake <-> ledger <-> memory store
 *                          ^          ^ |
 *                          |          | v
 *                          +------- courier <-> the world (transport, provider, network)
 *
 * Everything that could happen next (a message, a commit, a reply, a timer, a client's request, a
 * crash) is an event; the seed picks among those that are enabled, and time jumps when none is. The
 * oracle (oracle.c) watches what the world sees and what clients are told, and at the end compares
 * both with the disk: the invariants I1, I2, I3, I5, I6, I7 and I8.
 */
#pragma once
#include "api/api.h"
#include "base/json.h"
#include "base/list.h"
#include "base/rng.h"
#include "flow/courier.h"
#include "flow/intake.h"
#include "flow/ledger.h"
#include "store/memory/memory_store.h"

enum { SIM_USERS = 12, SIM_EVENT_IDS = 24, SIM_NOTIFICATIONS = 400 };

#define SIM_ROOT_KEY "the-root-key-of-the-simulated-node"

struct sim;

/* A mailbox whose messages are taken one by one, when the seed says so. */
struct sim_box {
    struct message *first, *last;
};

/* What the oracle knows of one delivery, found by its outside id. */
struct sent {
    struct delivery_key key;
    uint32_t begun;     /* requests that reached the provider */
    uint32_t processed; /* of these, taken by it */
    uint32_t doubtful;  /* taken, but the answer was lost on the way or in a crash */
    uint32_t redriven;
};

/* A request in the world. */
struct flying {
    struct list link;
    struct exchange_call *call;
    struct mono answer_at;
    int status; /* 0: no answer, the connection breaks */
    enum exchange_end end;
    bool processed;
    struct sent *sent; /* NULL: not begun */
};

/* What the clients believe of one user; what is answered is certain, what is asked for is not. */
struct belief {
    bool opted_out[CHANNEL_COUNT]; /* answered, and nothing asked since */
    struct mono opted_out_at[CHANNEL_COUNT];
    bool gone; /* deletion answered */
};

struct told {
    char id[ID_TEXT_SIZE]; /* ntf_...; empty: refused or unknown */
    bool cancelled;        /* the cancellation was answered */
    struct mono cancelled_at;
    int event; /* its event id's number; -1: none */
    uint32_t deliveries;
};

struct sim {
    uint64_t seed;
    struct rng rng;
    struct now now;
    bool faults; /* crashes, refusals and bad weather still happen */
    bool verbose;
    uint32_t crashes, events;

    struct memory_disk *disk;
    struct store *store;
    struct arena open_arena;
    struct sim_box intake_box, ledger_box, courier_box;
    struct intake *intake;
    struct ledger *ledger;
    struct courier *courier;
    struct api *api;
    struct mono ledger_wake, courier_wake;
    bool courier_kicked;

    struct transport transport;
    struct list flying;
    struct courier_provider provider;
    struct sent *sent;
    uint32_t sent_count, sent_cap;

    uint32_t asked, answered, to_ask;
    struct mono ask_at;
    struct list asking; /* exchanges under way */
    char authorization[256];
    struct belief beliefs[SIM_USERS];
    struct told told[SIM_NOTIFICATIONS];
    uint32_t told_count;
    struct told by_event[SIM_EVENT_IDS]; /* what the first answer to each event id was */
    uint32_t token_serial;
    uint32_t lost_posts; /* notifications asked for whose answer nobody heard */
    uint32_t accepted;   /* notifications answered 202 */
    bool redrove;
    bool busy[SIM_USERS]; /* a change of this user's settings is under way */
    bool ready;
};

/* sim.c */
struct clock sim_clock(struct sim *sim);
struct entropy sim_entropy(struct sim *sim);
void sim_fail(const struct sim *sim, const char *format, ...) printf_like(2, 3);
bool chance(struct sim *sim, uint32_t in);
void sim_run(struct sim *sim);

/* node.c: the server's life */
void node_start(struct sim *sim);
void node_crash(struct sim *sim);
bool node_at_rest(const struct sim *sim);
/* Performs one enabled event of the node; false if there is none now. */
bool node_event(struct sim *sim);
struct mono node_next(const struct sim *sim);

/* world.c: the network and the provider */
extern const struct provider_ops sim_provider;
void world_init(struct sim *sim);
bool world_event(struct sim *sim);
struct mono world_next(const struct sim *sim);
void world_crash(struct sim *sim);

/* clients.c */
void clients_prepare(struct sim *sim);
bool clients_event(struct sim *sim);
struct mono clients_next(const struct sim *sim);
void clients_crash(struct sim *sim);
bool clients_done(const struct sim *sim);
const struct json *clients_ask(struct sim *sim, struct arena *arena, const char *path);

/* oracle.c */
struct sent *oracle_sent(struct sim *sim, struct str delivery_id);
/* Before a crash: what is in hand and was taken may be sent once more. */
void oracle_crash(struct sim *sim);
/* A request has begun: is that allowed by what has been answered so far? */
void oracle_begun(struct sim *sim, const struct request *request, struct sent *sent);
void oracle_finish(struct sim *sim);
