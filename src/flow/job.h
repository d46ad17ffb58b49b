/* flow/job.h - what intake asks of the ledger, one message there and the same one back.
 *
 * The asker owns the job and its inputs until the job is back in its inbox; then `finish` is called
 * on the asker's thread. A job is always answered, also while the node drains.
 */
#pragma once
#include "core/admission.h"
#include "flow/bundle.h"
#include "flow/steering.h"
#include "port/store.h"

enum job_type {
    JOB_ACCEPT,
    JOB_PROBE,
    JOB_CANCEL,
    JOB_REDRIVE,
    JOB_CHANGE,
    JOB_QUEUES,
    JOB_CONFIRM,
};

/* Why a lane may stand still, as far as the ledger knows; what its providers say of themselves is
 * in flow/report.h. The facts are the whole lane's, whichever app is asked about. ms == 0: never in
 * this life of the node. */
struct lane_block {
    bool paused;             /* by an operator */
    bool full;               /* something is due, and the window has no place for it */
    struct wall next_due;    /* of what waits in the calendar; WALL_NEVER: nothing does */
    struct wall busy_since;  /* something of it is in a window or at a provider; ms == 0: nothing */
    struct wall moved_at;    /* when an attempt last came to something */
    struct wall stuck_since; /* its provider takes nothing: what was claimed comes back untried */
    struct wall stuck_at;    /* when that last happened */
};

/* A lane of one app, as GET /v1/queues shows it. */
struct lane_report {
    unsigned lane;
    uint32_t depth;        /* queued, those between attempts included */
    uint32_t in_flight;    /* in a window or at a provider */
    struct span oldest;    /* age of the oldest that is queued and due; 0 if none */
    struct span unclaimed; /* the same as the store has it, of all apps */
    double rate_1m;        /* settled a second, over the last minute */
    struct lane_block block;
};

/* Counters since the start of the node, for GET /metrics. */
struct ledger_stats {
    uint64_t accepted;             /* notifications */
    uint64_t replayed, mismatched; /* event ids seen before */
    uint64_t ended[STATE_COUNT];   /* deliveries, by the state they ended in */
    uint64_t attempts, retries;
    uint64_t groups, group_ops;  /* commits, and operations in them */
    uint64_t commit_us;          /* spent in commits, summed */
    uint64_t shed;               /* jobs answered ERR_FULL */
    uint64_t reconciled_tickets; /* that no courier held any more */
    uint64_t reconciled_shelves; /* of which a lane knew less than the store, or more */
};

struct job {
    struct message message;
    struct inbox done;
    void (*finish)(struct job *job);
    void *owner;
    enum job_type type;
    struct now now;     /* when the request was complete */
    struct mono due_at; /* JOB_REDRIVE: when the first is to be due; past: at once */
    enum err err;       /* OK; ERR_FULL: shed, 503 with Retry-After; ERR_CLOSED: draining, 503;
                           ERR_IO: the store refused, 503 */
    struct why why;
    struct str detail;       /* what a client may be told of it; absent: nothing (static) */
    struct span retry_after; /* with err */
    union {
        struct {
            struct bundle *bundle; /* moved: the ledger frees it, whatever the answer */
            struct idem idem;
            bool recheck;           /* settings changed while it was planned: ask policy again */
            size_t held;            /* memory until it is back, besides the bundle */
            struct entrant entrant; /* the intake's */
            /* out */
            enum idem_result result;
            int64_t id; /* the new one, or the replayed */
            uint32_t deliveries;
        } accept;
        struct {
            struct idem idem;
            enum idem_result result;
            int64_t id;
            uint32_t deliveries;
        } probe;
        struct {
            int64_t notification;
            uint32_t app; /* 0: any */
            bool found;
            bool heard; /* the ledger's: every courier has given back what had not begun */
        } cancel;
        struct redrive redrive; /* its lists stay valid in `arena` */
        struct change change;   /* answered once every cache and courier has heard of it */
        struct {
            uint32_t app;                    /* 0: all */
            struct lane_report *lanes;       /* LANE_COUNT of them, in `arena` */
            const struct steering *steering; /* what stands, in `arena` */
            struct ledger_stats stats;
            struct str not_ready;       /* absent: ready; else why not, in one sentence */
            bool draining, unconfirmed; /* and then nothing is claimed */
            /* The store refuses writes since then, and says why; ms == 0: it takes them. */
            struct wall refused_since;
            struct str refused_why;
        } queues;
        struct {
            bool was; /* the store was unconfirmed until now */
        } confirm;
    };
    struct arena arena; /* results; initialised and freed by the asker */
};
