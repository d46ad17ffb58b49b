/* test/sim/sim.h - the whole server in one thread, under virtual time, from one seed.
 *
 *     clients -> api -> intake <-> ledger <-> memory store
 *                          ^          ^ |
 *                          |          | v
 *                          +------- courier <-> the world (transport, providers, network)
 *                                      |
 *                                      +--- pool (composing that takes its time)
 *
 * Everything that could happen next (a message, a commit, a reply, a timer, a client's request, a
 * crash, a clean stop, a step of the wall clock) is an event; the seed picks among those that are
 * enabled, and time jumps when none is. The oracle (oracle.c) watches what the world sees and what
 * clients are told, and at the end compares both with the disk: the invariants I1 to I8.
 */
#pragma once
#include "api/api.h"
#include "base/json.h"
#include "base/list.h"
#include "base/rng.h"
#include "flow/courier.h"
#include "flow/intake.h"
#include "flow/ledger.h"
#include "flow/messages.h"
#include "flow/ticket.h"
#include "runtime/pool.h"
#include "store/memory/memory_store.h"

enum { SIM_USERS = 12, SIM_EVENT_IDS = 24, SIM_NOTIFICATIONS = 400 };

/* The providers: which is chosen is the routes' (node.c), what it does is world.c's. */
enum { SIM_PLAIN, SIM_TOKEN, SIM_HEAVY, SIM_FOREIGN, SIM_PROVIDERS };

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
    uint32_t cut_off;       /* attempts that a crash, or a ticket's loss, left without an event */
    struct mono not_before; /* what a Retry-After said */
    struct mono due;        /* when its retry was to come; us == 0: no retry is known */
    struct mono expires;    /* when its ttl ends; us == 0: not known */
    bool receipt;           /* its provider said that it was delivered */
    bool once;              /* at most once */
    bool open;              /* begun, and no proof has come that it was not taken */
    bool doubt_lost;        /* its ticket was lost, and had a time at which it began */
    bool doubt;             /* an answer left that open, or a crash did while it was marked */
    bool poison;            /* composing it crashes the process */
    uint32_t poisoned;      /* how often it has, since the last redrive */
};

/* What the world makes of one provider, and what the oracle knows of it. */
struct sim_provider {
    struct mono fails_until;         /* an outage: every answer is a fault */
    uint64_t fault;                  /* which one */
    struct mono told_at, hold_until; /* a 429 was answered then, with a Retry-After to then */
    struct mono probed_at;           /* the last request while its breaker was half open */
    struct mono failed_at[3];        /* its last faults, by number */
    uint32_t failures;
    bool was_open;       /* its breaker, when last looked at */
    uint32_t generation; /* grows when another instance takes its place */
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
    uint32_t provider;
    uint32_t generation; /* of its provider's instance */
    bool fetch;          /* of a credential */
};

/* A task in the pool. */
struct sim_task {
    struct list link;
    struct task *task;
    struct mono done_at;
};

/* What the token provider has in its instance; it goes with the process. */
struct sim_change; /* reload.c */

struct sim_token {
    struct sim *sim;
    char text[32]; /* empty: none */
    struct wall ends_at;
};

enum sim_life {
    LIFE_RUNS,
    LIFE_ANSWERS, /* to be stopped: nobody asks any more, and what was asked is answered */
    LIFE_DRAINS,
    LIFE_DRAINED,
};

/* What the clients believe of one user; what is answered is certain, what is asked for is not. */
struct belief {
    bool opted_out[CHANNEL_COUNT]; /* answered, and nothing asked since */
    struct mono opted_out_at[CHANNEL_COUNT];
    bool gone;                      /* deletion answered */
    bool suppressed[CHANNEL_COUNT]; /* its address, answered */
};

/* A pause or a move that was answered; what is asked for, and what the clock's being set makes
 * doubtful, does not stand. */
struct sim_steer {
    bool stands;
    struct mono until;
    uint32_t steps;
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
    uint32_t crashes, stops, events;
    uint32_t lost;               /* tickets and wake-ups, inside the node */
    int64_t wall_off_ms;         /* steps of the wall clock, summed */
    int64_t drift_ms;            /* the small ones, whichever way */
    struct wall calendar_latest; /* of all lives */
    uint32_t steps;
    enum sim_life life;
    struct mono stop_deadline;
    struct drain drain;
    bool full;       /* the disk; what is stored must settle all the same */
    bool last;       /* it has room again at the end: what is asked now must be taken on */
    bool confirming; /* somebody is saying that the store is no copy */
    uint32_t fills, copies;
    struct mono slow_until; /* the disk, with the group that it has */
    uint32_t lost_before;   /* of the tickets that were lost: in other lives */
    uint32_t spins;         /* turns of one actor without a message, one after another */

    struct memory_disk *disk;
    struct store *store; /* the memory store */
    struct store door;   /* the same, with reads that may be refused */
    struct arena open_arena;
    struct crash_notes found;
    struct sim_box intake_box, ledger_box, courier_box;
    struct inbox courier_inbox;
    struct intake *intake;
    struct ledger *ledger;
    struct courier *courier;
    struct api *api;
    struct mono ledger_wake, courier_wake;
    bool courier_kicked;

    struct transport transport;
    struct list flying;
    struct list tasks;
    struct courier_provider providers[SIM_PROVIDERS];
    struct sim_provider weather[SIM_PROVIDERS];
    uint32_t place[SIM_PROVIDERS]; /* in the courier's table */
    struct sim_change *table;      /* what the last reload gave; NULL: as at the start */
    struct sim_change *changing;   /* on its way */
    struct ledger_change ledger_change;
    uint32_t reloads, places_before; /* in flight at most, of the tables before */
    struct notes *notes, *dying;     /* which outlive the process; as it dies of poison */
    bool dies;
    uint32_t poisonings;
    uint32_t token_count; /* issued in all lives */
    struct sent *sent;
    uint32_t sent_count, sent_cap;

    uint32_t asked, answered, to_ask;
    struct mono ask_at;
    struct list asking; /* exchanges under way */
    char authorization[256];
    char strangers[2][256]; /* of another app, and a test key */
    struct belief beliefs[SIM_USERS];
    struct told told[SIM_NOTIFICATIONS];
    uint32_t told_count;
    struct told by_event[SIM_EVENT_IDS]; /* what the first answer to each event id was */
    uint32_t token_serial;
    uint32_t lost_posts; /* notifications asked for whose answer nobody heard */
    uint32_t accepted;   /* notifications answered 202 */
    uint32_t flood;      /* so many more at once */
    bool redriven;       /* all, at the end */
    struct sim_steer paused[CHANNEL_COUNT], moved[CHANNEL_COUNT]; /* moved: from plain to token */
    struct mono paused_most[CHANNEL_COUNT]; /* the latest end of any that was asked for */
    uint32_t paused_steps[CHANNEL_COUNT];
    bool steer_busy;      /* one is asked for */
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
enum { SIM_ROUTES = 6 };
/* The routes, for providers at these places. */
void node_routes(struct sim *sim, const uint32_t place[SIM_PROVIDERS],
                 struct route into[SIM_ROUTES]);
void node_policies(const struct sim *sim, struct retry_policy into[PRIORITY_COUNT]);
void node_post_ledger(struct sim *sim, struct message *message);
void node_post_courier(struct sim *sim, struct message *message);
void node_start(struct sim *sim);
void node_crash(struct sim *sim);
/* The next life finds a copy of the store, now and then. */
void node_copy(struct sim *sim);
/* The disk becomes full, or has room again. */
void node_fill(struct sim *sim, bool full);
/* Begins a clean stop; node_event goes on with it, and starts the next life. */
void node_stop(struct sim *sim);
bool node_at_rest(const struct sim *sim);
/* Performs one enabled event of the node; false if there is none now. */
bool node_event(struct sim *sim);
struct mono node_next(const struct sim *sim);

/* poison.c: deliveries that crash whoever composes them */
void poison_init(struct sim *sim);
void poison_compose(struct sim *sim, struct str delivery_id);
/* The process dies of what it has just composed: before anything else happens. */
bool poison_event(struct sim *sim);
/* Before the store is opened: what the notes say. Afterwards they are begun anew. */
void poison_open(struct sim *sim, struct arena *arena);
void poison_opened(struct sim *sim);
/* One that has ended as `crashed`: has it crashed us? */
void oracle_poison(struct sim *sim, struct delivery_key key);

/* reload.c: other providers and routes */
/* Begins a reload, unless one is under way. */
void sim_reload(struct sim *sim);
void reload_start(struct sim *sim); /* a new life */
void reload_close(struct sim *sim); /* its clean end: behind the courier's */

/* pool.c: composing on other threads */
bool sim_pool_event(struct sim *sim);
struct mono sim_pool_next(const struct sim *sim);
void sim_pool_crash(struct sim *sim);

/* world.c: the network and the provider */
void world_init(struct sim *sim);
/* A new life: what providers had in memory is gone. */
void world_start(struct sim *sim);
/* The transport is closed: what is open is answered. */
void world_close(struct sim *sim);
bool world_event(struct sim *sim);
struct mono world_next(const struct sim *sim);
void world_crash(struct sim *sim);

/* clients.c */
void clients_prepare(struct sim *sim);
bool clients_event(struct sim *sim);
struct mono clients_next(const struct sim *sim);
void clients_crash(struct sim *sim);
/* The disk has room again: one more notification, which must be taken on. */
void clients_last(struct sim *sim);
/* In good weather what had been given up is sent, all of it. */
void clients_redrive(struct sim *sim);
bool clients_wait(const struct sim *sim); /* for an answer */
bool clients_done(const struct sim *sim);
const struct json *clients_ask(struct sim *sim, struct arena *arena, const char *path);

/* oracle.c */
struct sent *oracle_sent(struct sim *sim, struct str delivery_id);
struct sent *oracle_find(struct sim *sim, struct delivery_key key); /* NULL: never begun */
/* At a moment when no commit is under way: does the ledger count what the disk has? */
void oracle_depths(struct sim *sim);
/* A life ends: was the clock set, and the store does not know? */
void oracle_stop(struct sim *sim);
/* Before a crash: what is in hand and was taken may be sent once more, or has been marked. */
void oracle_crash(struct sim *sim);
/* A ticket is lost inside the node: what was taken may be sent once more. */
void oracle_lost(struct sim *sim, const struct ticket *ticket);
/* What the ledger commits: durations are measured here, by the clock that nobody sets. */
void oracle_group(struct sim *sim, const struct group *group);
/* A request has begun: is that allowed by what has been answered so far? */
void oracle_begun(struct sim *sim, const struct request *request, struct sent *sent);
/* A request is given to the transport, or begins there: may this provider be asked now? */
void oracle_asked(struct sim *sim, uint32_t provider);
/* A provider has answered. */
void oracle_judged(struct sim *sim, uint32_t provider, enum exchange_end end, int status);
/* The courier has had its turn: has a breaker opened without a reason? */
void oracle_breakers(struct sim *sim);
void oracle_held(struct sim *sim, uint32_t provider);
/* The server has been told what became of it. */
void oracle_answered(struct sent *sent, enum exchange_end end, int status);
void oracle_finish(struct sim *sim);

/* oracle_first.c: strategy `first`, when one of its deliveries begins, and at rest. */
void oracle_first_begun(struct sim *sim, struct delivery_key key);
void oracle_first_finish(struct sim *sim, const struct memory_notification *row);
