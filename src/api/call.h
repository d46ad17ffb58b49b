/* api/call.h - one request on its way through the API, and how its handler answers.
 *
 * A call lives in its exchange's arena, from the listener's hand-over to the answer; whatever a
 * handler takes from that arena lives as long. Every function below that answers (call_json,
 * call_empty, call_problem ...) ends the call: nothing of it may be touched afterwards. The same
 * holds behind call_ask and call_do, since their `done` may have run.
 */
#pragma once
#include "api/api.h"
#include "api/headers.h"
#include "api/problem.h"
#include "api/route.h"
#include "base/rng.h"
#include "model/limits.h"
#include "ops/metrics.h"

enum { CALL_HEADERS_MAX = 4 };

struct api {
    struct intake *intake;
    struct api_config config;
    struct metrics_api stats; /* of this thread */
    bool draining;
    struct rng rng; /* for request ids, which need not be secret */
    int64_t date_s; /* the second that `date` shows */
    char date[HTTP_DATE_SIZE];
    struct buf scratch; /* for what is written, hashed and forgotten within one function */
};

struct caller {
    bool root;
    unsigned scopes;
    uint32_t app; /* 0: the root key without ?app= */
    enum mode mode;
};

/* What must be freed when the call ends. */
struct held {
    struct held *next;
    struct arena *arena; /* or NULL */
    void (*give)(struct call *call, void *what);
    void *what;
};

struct param {
    struct str name, value;
};

struct call {
    struct api *api;
    struct exchange *exchange;
    struct arena *arena; /* the exchange's */
    struct now now;
    struct str request_id;
    const struct route *route;
    struct str params[ROUTE_PARAMS_MAX];  /* of the path, decoded */
    struct param query[QUERY_PARAMS_MAX]; /* of the query string, decoded, all known */
    uint32_t query_count;
    struct caller caller;
    void (*after_auth)(struct call *call);
    struct credentials credentials;
    const char *query_fault; /* what is wrong with the query string, or NULL */
    struct str query_name;   /* the parameter that it is about */
    const struct json *body; /* NULL: none came */
    struct faults faults;
    struct buf out; /* the answer's body, as far as written */
    struct header headers[CALL_HEADERS_MAX];
    uint32_t header_count;
    struct held *held;
    void (*next)(struct call *call); /* the handler's own, as is `state` */
    void *state;
};

/* -- answering ------------------------------------------------------------------------------- */

/* The writer of the answer's body. */
struct json_out call_out(struct call *call);
/* A header of the answer; the value is a constant or lives in call->arena, not in what is held. */
void call_header(struct call *call, struct str name, struct str value);
/* Answers with what stands in call->out. */
void call_json(struct call *call, int status);
/* Answers with a body that is at hand: in call->arena, in call->out, or a constant. */
void call_text(struct call *call, int status, struct str content_type, struct str body);
void call_empty(struct call *call, int status);

/* Answers with a problem; a NULL format leaves the detail out. */
void call_problem(struct call *call, enum problem_type type, const char *format, ...)
    printf_like(3, 4);
void call_not_found(struct call *call); /* always the same bytes */
/* The same with every fault of call->faults. */
void call_faults(struct call *call, enum problem_type type, const char *format, ...)
    printf_like(3, 4);
/* 400, with them. */
void call_invalid(struct call *call);
/* 503 for what the store or the ledger could not do; `retry_after` may be zero. */
void call_unavailable(struct call *call, enum err err, struct span retry_after);
/* The problem such an error is. */
enum problem_type problem_of(enum err err);
/* Retry-After in whole seconds, at least one. */
struct str retry_after_text(struct span span, struct arena *arena);

/* -- the request ------------------------------------------------------------------------------ */

/* A query parameter; absent if it was not given. */
struct str call_param(const struct call *call, struct str name);

/* -- asking ----------------------------------------------------------------------------------- */

/* A query of the caller's app and mode, owner: the call. NULL: it has been answered (503). */
struct query *call_query(struct call *call, enum query_type type);
void call_ask(struct query *query, void (*done)(struct query *query));
/* True if the query came back well; else the call has been answered: 404 or 503. */
bool call_came(struct query *query);

/* A job, owner: the call; zeroed but for its arena. NULL: the call has been answered. */
struct job *call_job(struct call *call, enum job_type type);
/* A JOB_CHANGE of the caller's app. */
struct job *call_change(struct call *call, enum change_type type, struct str name);
void call_do(struct job *job, void (*finish)(struct job *job));
/* True if the job was done; else the call has been answered (503). */
bool call_done(struct job *job);

/* The `finish` of every DELETE of one thing: 204, 404 or 503. */
void call_deleted(struct job *job);

/* `give` is called with `what` when the call ends; false: no memory, and nothing will be. */
bool call_hold(struct call *call, void (*give)(struct call *call, void *what), void *what);
