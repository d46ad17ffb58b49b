/* flow/ledger_state.h - what the files of the ledger share; for them alone. */
#pragma once
#include "core/calendar.h"
#include "flow/lanes.h"
#include "flow/ledger.h"
#include "flow/messages.h"
#include "flow/notice.h"
#include "flow/steering.h"
#include "flow/ticket.h"

/* Ops that wait for the next group, in order. */
struct op_queue {
    struct op **at;
    size_t head, count, cap; /* cap is a power of two */
};

bool op_queue_reserve(struct op_queue *queue, size_t more);
void op_queue_add(struct op_queue *queue, struct op *op); /* room was reserved */
void op_queue_add_first(struct op_queue *queue, struct op *op);
struct op *op_queue_take(struct op_queue *queue); /* NULL if empty */

/* One op that is not part of a job or a ticket, with what its completion needs. */
struct work {
    union {
        struct op op; /* the head of each */
        struct accept accept;
        struct probe probe;
        struct claim claim;
        struct cancel cancel;
        struct sweep sweep;
        struct census census;
        struct confirm confirm;
    };
    struct job *job;
    struct bundle *bundle; /* accept */
    struct list tickets;   /* accept: made before the commit, so that nothing can fail after it */
    size_t bytes;          /* accept: of the bundle as it came */
    struct shelf *shelf;   /* claim */
    uint64_t since;        /* accept: the first change that its plan may not have seen */
};

enum { CANCELLED_RECENT = 256, CHANGES_RECENT = 256 };

/* A committed change of settings. Changes are numbered as they come. */
struct settled_change {
    int64_t users[2];
    bool everybody; /* a suppression or an app: not told by user */
};

/* Who holds what has been handed out. */
struct roll {
    struct list out;     /* tickets, in the order handed out */
    struct list lost;    /* settled without their courier, which may still have them */
    uint32_t lost_count; /* in that list */
    uint64_t number;     /* of the last call */
    bool calling;
    struct mono at;      /* of the next */
    struct round *round; /* the one of all calls: they never overlap */
};

/* What the store says that waits, and what has stood still for too long. */
struct watch {
    struct mono census_at; /* MONO_NEVER: one is on its way */
    uint64_t from;         /* of its next page */
    struct lane_watch {
        struct wall oldest, oldest_next; /* calendar: the first due, and that of the pass so far */
        uint32_t app, app_next;          /* whose */
        bool told;                       /* of standing still, whatever holds it */
        bool alarm;                      /* nothing known holds it */
    } lanes[LANE_COUNT];
    struct mono look_at;
    struct mono group_since; /* of the group in flight */
    bool group_told, listener_told;
    char sentence[200]; /* why the node is not ready; empty: nothing stands still */
};

struct ledger {
    struct ledger_config config;
    struct ids ids;
    struct rng rng;
    struct calendar calendar; /* looked at in each step and turn */
    int64_t offset_kept_ms;   /* of the calendar: what the store has */
    struct lanes lanes;
    struct op_queue urgent; /* mark, settle, receipt, claim, cancel, change, redrive, probe */
    struct op_queue accepts;
    size_t accept_bytes;  /* of the bundles that wait, or are in the group */
    struct group *group;  /* in flight; NULL: none */
    struct group *spare;  /* an empty one, kept */
    struct mono retry_at; /* after a refusal nothing is submitted before */
    struct mono sweep_at;
    bool sweeping;
    struct mono follow_at; /* when to look for channels to follow; MONO_NEVER: there are none */
    struct following *following; /* the round under way; NULL: none */
    struct list rounds;
    struct roll roll;
    struct watch watch;
    struct settled_change changes[CHANGES_RECENT]; /* a ring, by number */
    uint64_t change_count;
    struct tickets *outbox[NOTICE_LISTENERS_MAX]; /* to each courier, posted at the end of a turn */
    int64_t cancelled[CANCELLED_RECENT];          /* a ring: what is in hand of them ends */
    uint32_t cancelled_at;
    struct drain *drain;
    struct steering *steering; /* what stands; never NULL */
    bool steer_untold;         /* to the couriers: what stood at the start */
    uint32_t *free_notes;      /* places in config.notes, a stack: the last freed is taken next */
    uint32_t note_count;       /* places ever used */
    uint32_t free_note_count;
    struct ledger_stats stats;
    bool store_refuses;
    struct mono refused_since; /* the first refusal of them */
    struct why refused_why;    /* what the last one said */
    bool store_full;           /* its disk nearly is: nothing is taken on */
    bool unconfirmed;          /* it is a copy: nothing is taken on, claimed or swept */
};

/* ledger_jobs.c: from jobs to ops, and from completed ops to answers. */
void ledger_take_job(struct ledger *ledger, struct now now, struct job *job);
void ledger_answer(struct ledger *ledger, struct job *job);
void ledger_refuse_job(struct ledger *ledger, struct job *job, enum err err, const char *text);
/* Room for one more op, with the job it comes of; NULL: answered, for want of memory. */
struct work *ledger_work(struct ledger *ledger, struct op_queue *queue, struct job *job);
/* What a committed cancel or redrive did to depths: told in the order of the ops, as a claim behind
 * it has seen it. */
void ledger_count_changes(struct ledger *ledger, const struct op *op);
void ledger_job_done(struct ledger *ledger, struct now now, struct op *op);
void ledger_cancel_again(struct ledger *ledger, struct now now, struct job *job);
void ledger_job_refused(struct ledger *ledger, struct op *op, const struct why *why);

/* ledger_door.c: what the store's condition does not allow. */
/* True if the job was refused for it. */
bool ledger_turned_away(struct ledger *ledger, struct job *job);
/* The sentence for a client whose job the store has refused; absent: none of its business. */
struct str ledger_condition(const struct ledger *ledger);
void ledger_take_confirm(struct ledger *ledger, struct job *job);
void ledger_confirmed(struct ledger *ledger, struct now now, struct work *work);

/* ledger_notes.c */
bool ledger_notes_open(struct ledger *ledger);
void ledger_notes_close(struct ledger *ledger);
void ledger_note_take(struct ledger *ledger, struct ticket *ticket);
void ledger_note_give(struct ledger *ledger, struct ticket *ticket);

/* ledger_accept.c */
void ledger_take_accept(struct ledger *ledger, struct job *job);
bool ledger_prepare_accept(struct ledger *ledger, struct now now, struct work *work);
void ledger_accepted(struct ledger *ledger, struct work *work);
void ledger_accept_refused(struct ledger *ledger, struct work *work, const struct why *why);

/* ledger_claims.c: what is due goes into the windows. */
void ledger_claim_due(struct ledger *ledger);
void ledger_claimed(struct ledger *ledger, struct now now, struct work *work);
void ledger_claim_refused(struct ledger *ledger, struct work *work);

/* ledger_tickets.c: handed to couriers, brought back, and settled. */
void ledger_take_tickets(struct ledger *ledger, struct now now, struct tickets *tickets);
void ledger_take_ticket(struct ledger *ledger, struct now now, struct ticket *ticket);
void ledger_settled(struct ledger *ledger, struct now now, struct settle *settle);
struct ticket *ledger_ticket(struct ledger *ledger, struct bundle *bundle, uint32_t ordinal,
                             struct now now);
void ledger_ticket_free(struct ledger *ledger, struct ticket *ticket);
void ledger_send(struct ledger *ledger, struct ticket *ticket);
/* Settles one that was not attempted: it ends so, or is due again in its `back_in`. */
void ledger_end_unsent(struct ledger *ledger, struct now now, struct ticket *ticket,
                       enum state state, struct str reason);
void ledger_give_back(struct ledger *ledger, struct now now, struct ticket *ticket);
void ledger_flush(struct ledger *ledger);

/* ledger_steer.c: pauses and moves. */
bool ledger_steer_open(struct ledger *ledger, const struct store_state *state, struct now now);
/* Before one is made durable. False: it has been answered. */
bool ledger_steer_check(struct ledger *ledger, struct now now, struct job *job);
void ledger_steered(struct ledger *ledger, struct now now, struct job *job);
/* Ends those whose time is over, and tells of those that stood at the start. */
void ledger_steer_turn(struct ledger *ledger, struct now now);

/* ledger_follow.c: strategy `first` goes on to the next channel. */
void ledger_follow_due(struct ledger *ledger, struct now now);
void ledger_follow_loaded(struct ledger *ledger, struct now now);
void ledger_follow_refused(struct ledger *ledger, struct now now);
void ledger_extended(struct ledger *ledger, struct now now, struct op *op);

/* ledger_marks.c */
void ledger_mark(struct ledger *ledger, struct ticket *ticket);
void ledger_marked(struct ledger *ledger, struct mark *mark);
void ledger_mark_refused(struct ledger *ledger, struct mark *mark);

/* ledger_roll.c: tickets that nobody holds are handed out again. */
bool ledger_roll_open(struct ledger *ledger);
void ledger_roll_close(struct ledger *ledger);
void ledger_roll_turn(struct ledger *ledger, struct now now);
struct mono ledger_roll_at(const struct ledger *ledger);            /* of the next turn */
void ledger_roll_out(struct ledger *ledger, struct ticket *ticket); /* handed to a courier */
/* Back from it. True: it had been given up as lost, and is done with. */
bool ledger_roll_back(struct ledger *ledger, struct ticket *ticket);
void ledger_roll_answered(struct ledger *ledger, struct now now);
/* True: it was lost, and is kept in case its courier still has it. */
bool ledger_roll_keeps(struct ledger *ledger, struct ticket *ticket);

/* ledger_census.c: what the store has, against what the lanes know. */
void ledger_census_open(struct ledger *ledger, struct now now);
bool ledger_census_due(const struct ledger *ledger, struct now now);
void ledger_census_fill(struct ledger *ledger, struct now now, struct group *group);
void ledger_census_done(struct ledger *ledger, struct now now, struct work *work);
void ledger_census_refused(struct ledger *ledger, struct now now, struct work *work);

/* ledger_watch.c: what stands still, and what holds it. */
void ledger_watch_turn(struct ledger *ledger, struct now now);
struct mono ledger_watch_at(const struct ledger *ledger);
/* How long the oldest due delivery of the lane has waited to be claimed. */
struct span ledger_unclaimed(const struct ledger *ledger, unsigned lane);

/* ledger_notices.c: telling those who hold copies. */
/* Starts a round; answers `job` (may be NULL) once all have heard. */
void ledger_tell(struct ledger *ledger, const struct round *what, struct job *job);
/* The same for a round that its owner keeps. */
void ledger_tell_couriers(struct ledger *ledger, struct round *round);
void ledger_heard(struct ledger *ledger, struct now now, struct notice *notice);
/* The number of the first change that a plan which arrives now may have missed: the oldest that
 * some listener has not acknowledged. */
uint64_t ledger_first_unheard(const struct ledger *ledger);
/* Have this user's settings changed since the change of that number, itself included? */
bool ledger_user_changed(const struct ledger *ledger, uint64_t since, int64_t user);
