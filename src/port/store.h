/* port/store.h - the store's verbs: what the ledger commits. What anyone may read: query.h.
 *
 * The store is the calendar and the only promise. Work reaches it in groups, each one transaction,
 * and comes back as one message; a blocking commit never holds an actor. Implementations: memory,
 * SQLite (PostgreSQL later); one contract suite (test/contract) runs over all of them.
 *
 * Facts (notifications, deliveries, events) are appended. Open work stands in exactly one of two
 * tables: `hand` (claimed by this node) or `pending` (the calendar, in the order lane, app, due,
 * id). A delivery in neither has ended.
 *
 * Two clocks (core/calendar.h): what is due and what expires is counted by the calendar, in `due`,
 * `expires_at`, and the `now` of accept, probe, claim and sweep; everything else, and all that a
 * query answers, is wall time. `offset_ms` is the difference, wall less calendar.
 *
 * Threads: submit from one thread, read from any; completions go to the given inboxes.
 *
 * Addresses, names and hashes are compared byte by byte: whoever calls has normalised them.
 */
#pragma once
#include "model/note.h"
#include "model/steer.h"
#include "port/query.h"

struct store;

/* ------------------------------------------------------------------------------- groups ---- */

/* What became of a group. Nothing decided from a group is visible before its completion. */
enum group_fate {
    GROUP_COMMITTED, /* durable (embedded: after fsync) */
    GROUP_REFUSED,   /* nothing of it happened; `why` says so; may be tried again later */
    GROUP_UNKNOWN,   /* only across a lost connection: run the same group again (same ids) */
};

enum verb {
    VERB_ACCEPT,
    VERB_PROBE,
    VERB_CLAIM,
    VERB_MARK,
    VERB_SETTLE,
    VERB_FOLLOW,
    VERB_EXTEND,
    VERB_RECEIPT,
    VERB_CANCEL,
    VERB_REDRIVE,
    VERB_CHANGE,
    VERB_SWEEP,
    VERB_CENSUS,
    VERB_CONFIRM,
};

/* The head of every verb's struct. Inputs are borrowed from the submitter until completion;
 * results that are lists live in the group's arena. */
struct op {
    enum verb verb;
    void *owner; /* the submitter's */
};

/* Filled by the submitter, handed back by `done.post(&group->message)`. Ops run in their order and
 * each sees what those before it did. All of a group happens, or nothing. */
struct group {
    struct message message;
    struct inbox done;
    struct op **ops;
    uint32_t count;
    struct arena arena; /* results; initialised by the submitter, who frees it */
    int64_t offset_ms;  /* of the calendar: durable with the group, told by the next opening */
    enum group_fate fate;
    struct why why;
    struct span took; /* of the commit, for the metrics */
    bool full;        /* the disk is nearly full: submit no op that grows the store (op_grows) */
};

/* -- accept: a notification and its deliveries become durable -------------------------------
 *
 * The id is above every id accepted before. An app that is gone is not looked for here: what it
 * still accepts ends when it is claimed. */

/* Where a delivery goes at acceptance. */
enum place {
    PLACE_ENDED,   /* suppressed: its state and reason stand in the delivery */
    PLACE_HAND,    /* claimed at once, attempt 1 */
    PLACE_PENDING, /* into the calendar, due at once */
};

enum { IDEM_KEY_SIZE = 16, IDEM_BODY_SIZE = 16 };

/* The identity of a request: which event id of which app and mode, and which body. */
struct idem {
    bool present;
    uint32_t app;
    enum mode mode;
    unsigned char key[IDEM_KEY_SIZE];   /* hash of the event id */
    unsigned char body[IDEM_BODY_SIZE]; /* hash of the canonical body */
    struct wall now;                    /* calendar; the window runs from acceptance */
};

enum idem_result { IDEM_NEW, IDEM_REPLAY, IDEM_MISMATCH };

/* A request is a replay within IDEMPOTENCY_DAYS of its acceptance, whatever retention says; one of
 * the same group counts like any other. */
struct accept {
    struct op op;
    struct idem idem;
    const struct notification *notification; /* with its id; delivery_count set */
    const struct delivery *deliveries;       /* delivery_count of them, ordinals 0.. */
    const unsigned char *places;             /* enum place, one a delivery */
    struct wall now;                         /* calendar: accepted, and due, then */
    /* Result. Unless IDEM_NEW nothing was stored, and `replay_*` tell the first acceptance. */
    enum idem_result result;
    int64_t replay_id;
    uint32_t replay_deliveries;
};

/* -- probe: what accept would say of this identity; stores nothing -------------------------- */
struct probe {
    struct op op;
    struct idem idem;
    enum idem_result result;
    int64_t replay_id;
    uint32_t replay_deliveries;
};

/* -- claim: moves due work of one (lane, app) from pending into hand, and loads it ----------
 *
 * In the order due, notification, ordinal. Takes fewer than there are when the group's arena is
 * full; what did not fit stays pending. Once a device's token has changed, the delivery bears the
 * new one (token, bundle, keys and environment as they stand now). */
struct claimed {
    const struct notification *notification; /* shared by neighbours of one notification */
    const struct delivery *delivery;
    uint32_t attempt;       /* the number of the attempt to make: the fence */
    uint32_t seq;           /* of the next event */
    struct wall expires_at; /* the notification's, or later after a redrive */
    bool cancelled;         /* the notification was, or its user or app is gone */
    /* What policy needs, as it stands now. For a direct address: the suppression alone. */
    struct recipient recipient; /* devices: only this delivery's, if it still exists */
    bool suppressed;            /* the address is on the suppression list */
    struct category category;   /* as it stands now; `default` if it is gone */
};

struct claim {
    struct op op;
    unsigned lane;
    uint32_t app;
    uint32_t limit;  /* 1..CLAIM_MAX */
    struct wall now; /* calendar */
    struct claimed *list;
    uint32_t count;
    struct wall next_due; /* of what is left of this (lane, app); WALL_NEVER: nothing */
};

/* -- mark: an at-most-once attempt is about to begin -------------------------------------------
 *
 * Durable before the first byte leaves: what was in hand at a crash has ended as `unknown` if it
 * was marked, and waits again, no attempt used, if not. The mark goes with the row in hand. */
struct mark {
    struct op op;
    struct delivery_key key;
    uint32_t attempt; /* the fence */
    bool applied;     /* result: the fence held; else nothing may be sent */
};

/* -- settle: what an attempt came to; ends a claim ------------------------------------------
 *
 * The fence is the attempt number: unless it is the one in hand nothing happens at all, side
 * effects included. END takes a final state. AGAIN writes its event as `queued`, due at `due`. */
enum settle_to {
    SETTLE_END,   /* out of hand, for good (a dead one into the dead letters) */
    SETTLE_AGAIN, /* back to pending at `due` with `attempts` used, an event `queued` */
    SETTLE_BACK,  /* back to pending at `due`, as if never claimed: no event, no attempt used */
};

struct settle {
    struct op op;
    struct delivery_key key;
    uint32_t attempt; /* the fence: another number in hand changes nothing */
    unsigned lane;
    uint32_t app;
    enum mode mode;
    enum settle_to to;
    struct event event; /* END, AGAIN; key and seq are the store's to fill */
    struct wall due;    /* AGAIN, BACK */
    uint32_t attempts;  /* AGAIN: used so far */
    bool follow;        /* END: strategy `first` has a channel behind this one (see follow) */
    /* Side effects on the recipient; a later registration of the token wins over `since`. */
    struct str retire_device; /* of user `user`; absent: none */
    int64_t user;
    struct str retire_token;
    struct wall retire_since; /* ms == 0: at once */
    struct str retire_reason;
    struct str suppress_address; /* absent: none */
    enum channel suppress_channel;
    struct str suppress_reason;
    bool applied;  /* result: the fence held */
    bool followed; /* result: with this one the channel has reached nobody: it is to be followed */
};

/* -- follow: channels of strategy `first` that have reached nobody ----------------------------
 *
 * A settle with `follow` looks at all rows of its entry of `to` and its channel. Once every one has
 * ended as failed, dead or suppressed, and none was sent before that, a mark is made: at most one
 * ever for an entry and channel, so a redriven dead letter that ends again makes no second. It is
 * open until extend closes it, and keeps its notification from retention. VERB_FOLLOW lists open
 * marks, oldest notification first, with what planning needs, and closes those that are over: their
 * notification was cancelled or has expired, or its user or app is gone. It lists fewer when the
 * group's arena is full. */
struct followed {
    const struct notification *notification;
    uint32_t to_index;
    enum channel channel; /* that reached nobody */
    struct str user_id;   /* as accepted */
    enum state state;     /* how the last of its rows ended */
    struct str reason;
    /* As it stands now. */
    struct recipient recipient; /* with devices */
    struct category category;   /* `default` if it is gone */
};

struct follow {
    struct op op;
    uint32_t limit;  /* 1..FOLLOW_MAX */
    struct wall now; /* calendar */
    struct followed *list;
    uint32_t count;
    bool more; /* there may be others */
};

/* -- extend: deliveries that follow, added to their notification -------------------------------
 *
 * Closes the mark, which is the fence, and adds the rows at the next ordinals: queued ones pending,
 * due at once, suppressed ones ended, each with a first event that says so. A mark that is not open
 * changes nothing; that of a cancelled notification is closed and nothing is added. */
struct extend {
    struct op op;
    int64_t notification; /* the mark */
    uint32_t to_index;
    enum channel channel;
    const struct delivery *deliveries; /* in order; ordinal, to_index, made_at are the store's */
    uint32_t count;
    struct str why;  /* after what: a queued one's reason, another's detail */
    struct wall due; /* calendar: at once */
    struct wall now;
    bool applied; /* result: they were added */
};

/* -- receipt: a provider's later word moves a sent delivery on ------------------------------
 *
 * From `sent` to delivered, opened, clicked or failed; from delivered to opened or clicked; from
 * opened to clicked. Nothing else moves, so a replay changes nothing twice. */
struct receipt {
    struct op op;
    struct delivery_key key;
    struct event event; /* delivered, failed, ...; key and seq are the store's to fill */
    bool applied;       /* result: the delivery exists and core's order of states allows it */
};

/* -- cancel: marks the notification, ends what is pending of it, `limit` deliveries a step --
 *
 * The mark is durable with the first step: from then on claims say so, and views show what is
 * still pending as cancelled. What is in hand ends by its answer. */
struct cancel {
    struct op op;
    int64_t notification;
    uint32_t app; /* 0: any */
    struct wall now;
    uint32_t from, limit; /* ordinals [from, from + limit) */
    bool found;
    uint32_t ended;                 /* ended in this step, each with an event `cancelled` */
    bool more;                      /* ordinals beyond this step exist */
    struct pending_change *changes; /* what left which (lane, app) */
    uint32_t change_count;
};

/* A change of a (lane, app)'s depth that the ledger did not decide itself. */
struct pending_change {
    unsigned lane;
    uint32_t app;
    int32_t delta;
    struct wall next_due; /* of what was added, or WALL_NEVER */
};

/* -- redrive: dead letters become pending again, attempts and ttl afresh --------------------
 *
 * Each with an event `queued`, reason "redriven", due at `due` and, one after another, `gap` later;
 * the filter's finds oldest first. The ttl is what the notification had at acceptance, from the
 * due on. One that is deleted instead stays `dead`, with an event `dead`, reason "deleted", and is
 * never found again. */
struct redrive {
    struct op op;
    struct dead_filter filter;       /* always bounds what may be touched (the app) */
    const struct delivery_key *keys; /* these, or NULL: what the filter finds */
    uint32_t key_count;
    uint32_t limit; /* most redriven by one op, REDRIVE_MAX at most */
    /* The filter looks at a bounded number in one op; with `more`, hand this on to the next. */
    bool after_set;
    struct delivery_key after;
    bool delete_only; /* remove them from the dead letters instead */
    struct wall now;
    struct wall due; /* calendar; of the first */
    struct span gap;
    bool preview;                  /* as if, and nothing changes */
    struct str detail;             /* of the events: by whom, and why */
    struct delivery_key *redriven; /* or removed, with `delete_only` */
    uint32_t redriven_count;
    struct delivery_key *skipped; /* of `keys`: not dead, or not this app's */
    uint32_t skipped_count;
    bool more; /* the filter finds more */
    struct pending_change *changes;
    uint32_t change_count;
};

/* -- change: management of apps, recipients, templates --------------------------------------
 *
 * Everything of an app that does not exist is CHANGE_MISSING. A PUT of a device counts as a new
 * registration even of the same token (registered_at = now, valid again). A suppression that exists
 * keeps its created_at. Deleting an app leaves its open work to the sweeps: what they erase is no
 * longer in hand (a settle of it is not applied) nor counted in any depth. A word over lanes
 * belongs to no app; what has ended by itself is gone for good. */
enum change_type {
    CHANGE_APP_CREATE,
    CHANGE_APP_DELETE, /* keys go at once; the rest is erased by sweeps */
    CHANGE_KEY_CREATE,
    CHANGE_KEY_REVOKE,
    CHANGE_USER_PUT,
    CHANGE_USER_DELETE, /* devices, preferences and the record; deliveries end when claimed */
    CHANGE_DEVICE_PUT,  /* a token that another user of the app held moves to this one */
    CHANGE_DEVICE_DELETE,
    CHANGE_PREFERENCES_PUT,
    CHANGE_CATEGORY_PUT,
    CHANGE_CATEGORY_DELETE,
    CHANGE_TEMPLATE_PUT, /* a new version */
    CHANGE_SUPPRESSION_PUT,
    CHANGE_SUPPRESSION_DELETE,
    CHANGE_STEER_PUT, /* over each of `kinds`, instead of one that is there */
    CHANGE_STEER_END, /* of each of `kinds`; MISSING: of none */
};

enum change_result {
    CHANGED_CREATED,
    CHANGED_REPLACED, /* or deleted */
    CHANGE_MISSING,   /* the thing, or what it belongs to, does not exist */
    CHANGE_EXISTS,
    CHANGE_FULL, /* a limit of model/limits.h */
};

struct change {
    struct op op;
    enum change_type type;
    uint32_t app; /* its number; not for APP_CREATE */
    struct wall now;
    struct str name; /* app, user_id, category, template or app_key, by type */
    union {
        struct key key;
        struct user user; /* number and times are the store's */
        struct device device;
        struct preferences preferences;
        struct category category;
        struct {
            struct str source, partials;
        } template_put;
        struct suppression suppression;
        struct {
            struct steer steer; /* its kind does not count */
            unsigned kinds;     /* bits (1 << kind) */
        } steering;
    };
    struct str device_id; /* DEVICE_DELETE */
    enum change_result result;
    struct wall created_at, updated_at; /* of the record, after a PUT */
    uint32_t number;                    /* APP_CREATE: the app's; TEMPLATE_PUT: the version */
    /* Whose cached settings are now stale: up to two users (0: none). */
    int64_t users[2];
    struct str user_ids[2];
};

/* -- sweep: one bounded step of what is due behind the hot path -----------------------------
 *
 * Erases deleted apps, removes notifications older than `retention` whole (never one with an open
 * delivery, or a dead letter younger than `retention`), and tends what is derived: runs of the
 * idempotency and look-up indexes. A step takes at most about 5 ms. */
struct sweep {
    struct op op;
    struct wall now;       /* calendar */
    struct span retention; /* of notifications and events */
    uint32_t rows_max;
    uint32_t rows; /* removed, moved or indexed */
    bool more;     /* another step would find work at once */
};

/* -- confirm: this copy of the store is the one that sends, from now on ---------------------
 *
 * A store that was copied or restored opens unconfirmed (struct store_state). Until this is
 * committed nothing may be claimed and nothing accepted: the original may be sending the same. */
struct confirm {
    struct op op;
    bool was; /* result: it was unconfirmed */
};

/* Does it make the store larger by intent? What ends open work, and what stops sending (an opt-out,
 * a suppression, a revocation), goes on while the disk is nearly full. */
static inline bool change_grows(enum change_type type)
{
    return type == CHANGE_APP_CREATE || type == CHANGE_KEY_CREATE || type == CHANGE_USER_PUT ||
           type == CHANGE_DEVICE_PUT || type == CHANGE_CATEGORY_PUT || type == CHANGE_TEMPLATE_PUT;
}
static inline bool op_grows(const struct op *op)
{
    if (op->verb == VERB_REDRIVE)
        return !((const struct redrive *)(const void *)op)->delete_only;
    if (op->verb == VERB_CHANGE)
        return change_grows(((const struct change *)(const void *)op)->type);
    return op->verb == VERB_ACCEPT;
}

/* -- census: what waits, by (lane, app), as the rows themselves say --------------------------
 *
 * A page at a time, in an order of the store's own; being an op it sees what those before it in
 * the group did, and nothing else. Counts up to CENSUS_ROWS_MAX rows a page; what is beyond has the
 * depth that the store has on record. A record that the rows contradict is corrected. */
struct census_row {
    unsigned lane;
    uint32_t app;
    uint32_t depth;        /* 0: only the record says that there is something */
    struct wall first_due; /* calendar; WALL_NEVER: nothing */
};

struct census {
    struct op op;
    uint64_t from; /* in: where the page begins, 0 at first; out: where the next one does */
    uint32_t limit;
    struct census_row *rows;
    uint32_t count;
    uint32_t corrected; /* records of depths */
    bool more;
};

/* ---------------------------------------------------------------------------- the store ---- */

/* Since the start; for /metrics. */
struct store_metrics {
    uint64_t groups, groups_refused;
    struct span commit_total, commit_max; /* of the groups committed */
    uint64_t checkpoints;
    struct span checkpoint_total, checkpoint_max;
    uint64_t wal_bytes, database_bytes;
    uint64_t reads, reads_refused;
    uint64_t index_bytes;                    /* memory of the idempotency and look-up indexes */
    uint64_t disk_free_bytes, reserve_bytes; /* 0 of the reserve: none, or it is given up */
    bool full;
};

/* How the store is now, for its operator. */
enum backup_state { BACKUP_NONE, BACKUP_RUNNING, BACKUP_DONE, BACKUP_FAILED };
enum { BACKUP_FILE_MAX = 1024 };

struct store_look {
    bool full, unconfirmed; /* as in struct store_state */
    struct why copied;
    enum backup_state backup; /* of the last one since the start */
    char file[BACKUP_FILE_MAX];
    uint64_t pages, pages_done;
    struct why why; /* BACKUP_FAILED */
};

struct store_ops {
    void (*submit)(struct store *self, struct group *group);
    void (*read)(struct store *self, struct query *query);
    void (*measure)(struct store *self, struct store_metrics *ret); /* from any thread */
    void (*look)(struct store *self, struct store_look *ret);       /* from any thread */
    /* Begins a copy of the store that goes on by itself, between groups; `look` tells how far it
     * is. From any thread. ERR_CONFLICT: one is under way; ERR_INPUT: not the absolute path of a
     * file; ERR_UNSUPPORTED. */
    enum err (*backup)(struct store *self, struct str file, struct why *why);
    /* Finishes what was submitted, posts its completions, closes. The last call. */
    void (*close)(struct store *self);
};

struct store {
    const struct store_ops *ops;
};

/* What the ledger must know at start. Opening has put back into pending, due at once, whatever a
 * previous life of this node had in hand (a crash costs it the attempt it was making, unless it is
 * at-most-once and not marked: it was not begun); what was marked has ended there as `unknown`,
 * reason "cut_off". */
struct store_state {
    uint64_t id_secret[2];
    int64_t last_id;    /* highest notification id ever stored */
    int64_t offset_ms;  /* of the calendar */
    bool following;     /* channels are to be followed */
    uint32_t recovered; /* deliveries put back */
    uint32_t cut_off;   /* marked: ended as `unknown` */
    uint32_t suspects;  /* of `recovered`: our code was at work on them when the process crashed */
    uint32_t crashed;   /* so often that they are dead now */
    bool full;          /* as in struct group */
    bool unconfirmed;   /* a copy, or restored: see confirm */
    struct why copied;  /* unconfirmed: what shows it */
    struct lane_depth {
        unsigned lane;
        uint32_t app;
        uint32_t depth;
        struct wall next_due;
    } * depths; /* in the arena given to open */
    uint32_t depth_count;
    struct steer *steers; /* what stands; in the same arena */
    uint32_t steer_count;
};
