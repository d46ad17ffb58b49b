/* test/unit/api_node.h - a whole node in one thread, for tests of what the API answers.
 *
 *     ask -> api -> intake <-> ledger <-> memory store
 *                                ^
 *                                v
 *                             courier <-> the sandbox provider, answered at once
 *
 * Time stands still but for node_advance, and where an answer waits for a moment to come. One app
 * `shop` with a live key of every scope is there.
 */
#pragma once
#include "api/api.h"
#include "flow/courier.h"
#include "flow/ledger.h"
#include "store/memory/memory_store.h"

#define ROOT_KEY "an-operators-key-of-thirty-two-characters"

struct node_box {
    struct message *first, *last;
};

struct node {
    struct now now;
    struct rng rng;
    struct memory_disk *disk;
    struct store *store;
    struct node_box intake_box, ledger_box, courier_box;
    struct inbox courier_inbox;
    struct intake *intake;
    struct ledger *ledger;
    struct courier *courier;
    struct api *api;
    struct mono ledger_wake, courier_wake;
    struct transport transport;
    struct exchange_call *calls[4096];
    uint32_t call_count;
    uint32_t sent;     /* requests that reached the provider */
    bool refuse_store; /* every group is refused */
    bool refuse_body;  /* bodies are over the limit */
    size_t arena_max;  /* of an exchange */
    char shop[256];    /* Authorization of the key of `shop` */
    struct arena arena;
};

/* What came back; lives until the node is freed. */
struct answer {
    int status;
    struct header headers[RESPONSE_HEADERS_MAX];
    uint32_t header_count;
    struct str body;
    const struct json *json; /* NULL: the body is none */
};

struct node *node_new(bool has_sandbox);
void node_free(struct node *node);

/* `credentials`: NULL, "root", or an Authorization header. The target may have a query. A body
 * that is not NULL goes as application/json. Runs until it is answered. */
struct answer node_ask(struct node *node, const char *credentials, const char *method,
                       const char *target, const char *body);
/* The same with one more header. */
struct answer node_ask_with(struct node *node, const char *credentials, const char *method,
                            const char *target, const char *body, const char *name,
                            const char *value);
/* Several at once, none waited for before all are handed over. */
void node_ask_many(struct node *node, const char *credentials, const char *method,
                   const char *target, const char *const *bodies, uint32_t count,
                   struct answer *ret);
/* Runs until nothing is left to do now. */
void node_settle(struct node *node);
void node_advance(struct node *node, int64_t ms);
/* A new key of the app, as an Authorization header. */
const char *node_key(struct node *node, const char *app, const char *body);

/* The text at a path of members and indexes, "/data/0/id"; "" if there is none. */
struct str answer_text(const struct answer *answer, const char *pointer);
const struct json *answer_at(const struct answer *answer, const char *pointer);
struct str answer_header(const struct answer *answer, const char *name);
/* Whether a fault with this pointer and this detail (NULL: any) is listed. */
bool answer_faults(const struct answer *answer, const char *pointer, const char *detail);
