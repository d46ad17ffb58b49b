/* flow/intake.h - the actor between clients and the ledger: one a thread.
 *
 * Owns the directory (a bounded cache of keys, categories, templates, recipients) and all that
 * waits for an answer. Handlers (api/) run on its thread, ask through the functions below, and go
 * on in their `done` function; nothing here blocks. A `done` may be called before the asking
 * function returns, when the answer was at hand.
 * Threads: everything on the intake's own thread, except posting to its inbox.
 */
#pragma once
#include "core/admission.h"
#include "flow/job.h"
#include "flow/library.h"
#include "flow/report.h"
#include "port/clock.h"
#include "port/entropy.h"
#include "port/store.h"
#include "runtime/actor.h"

struct intake;

struct intake_config {
    struct store *store;          /* for queries */
    struct inbox ledger;          /* for jobs */
    const struct inbox *couriers; /* for reports; they outlive the intake */
    uint32_t courier_count;
    struct inbox inbox; /* this actor's own: completions come back through it */
    struct clock clock;
    struct entropy entropy;
    size_t cache_bytes_max;
    size_t waiting_bytes_max; /* of notifications that wait to be stored */
};

/* NULL if memory is short. */
struct intake *intake_new(const struct intake_config *config);
void intake_free(struct intake *intake);
/* Other budgets. */
void intake_resize(struct intake *intake, size_t cache_bytes_max, size_t waiting_bytes_max);
struct actor intake_actor(struct intake *intake);
/* Calls `done`, in a turn, once nothing that was asked of the store or the ledger is unanswered.
 * Nobody may ask anew from outside: what comes of the answers is waited for, too. */
void intake_drain(struct intake *intake, void (*done)(void *self), void *self);

const struct clock *intake_clock(const struct intake *intake);
const struct entropy *intake_entropy(const struct intake *intake);
/* Its compiled templates, for flow/rendering.h on the same thread. */
struct library *intake_library(const struct intake *intake);

/* -- questions to the store ------------------------------------------------------------------ */

/* The query's inputs and `arena` are the asker's; `done` gets it back. */
void intake_query(struct intake *intake, struct query *query, void (*done)(struct query *query));

/* -- jobs for the ledger --------------------------------------------------------------------- */

/* May one more notification be handed to the ledger (core/admission.h)? Else 503, before any more
 * is spent on it. `priority` absent: the category decides, if it is at hand. */
bool intake_admits(struct intake *intake, uint32_t app, struct str priority, struct str category);
/* Would it be, whatever it is? */
bool intake_has_room(const struct intake *intake);
/* How much is let in, for the metrics. */
const struct admission *intake_admission(const struct intake *intake);

/* `job->finish` and `job->owner` are the asker's; the rest of the head is filled here. */
void intake_job(struct intake *intake, struct job *job);

/* -- reports of the couriers ------------------------------------------------------------------ */

uint32_t intake_couriers(const struct intake *intake);
/* `report->arena`, `finish` and `owner` are the asker's; the rest of the head is filled here. */
void intake_report(struct intake *intake, uint32_t courier, struct report *report);

/* -- look-ups through the cache -------------------------------------------------------------- */

/* A key, for authentication: NULL if there is none of that name (or it is revoked). Expiry is the
 * caller's to check. The key is valid during `done` only. err: ERR_FULL, ERR_IO: 503. */
void intake_find_key(struct intake *intake, struct str app_key,
                     void (*done)(void *owner, enum err err, const struct key *key), void *owner);

/* The number of an app by its name, for the root key's ?app=: 0 if there is none. */
void intake_find_app(struct intake *intake, struct str name,
                     void (*done)(void *owner, enum err err, uint32_t app), void *owner);

/* All that planning needs for one request or a whole batch, found together. Inputs are arrays in
 * the caller's memory; results are parallel arrays in `arena`, pinned until lookup_release. */
struct lookup {
    uint32_t app;
    const struct str *categories;
    uint32_t category_count;
    const struct template_ref {
        struct str name;
        uint32_t version; /* 0: the latest */
    } * templates;
    uint32_t template_count;
    const struct str *user_ids;
    uint32_t user_id_count;
    const struct suppression *addresses; /* direct ones: channel and address */
    uint32_t address_count;
    struct arena *arena;
    void (*done)(struct lookup *lookup);
    void *owner;
    /* Results. */
    enum err err;                                  /* ERR_MEMORY, ERR_FULL, ERR_IO: 503 */
    const struct category **found_categories;      /* NULL: unknown (never for `default`) */
    const struct template_entry **found_templates; /* NULL: unknown name or version */
    const struct recipient **found_recipients;     /* user.number == 0: unknown user */
    bool *suppressed;
    bool changed; /* somebody's settings changed meanwhile: job.accept.recheck must say so */
    struct lookup_work *work; /* the intake's */
};
void intake_lookup(struct intake *intake, struct lookup *lookup);
void lookup_release(struct intake *intake, struct lookup *lookup);
