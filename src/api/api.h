/* api/api.h - the HTTP API: answers every request that a listener hands over.
 *
 * One a thread, over that thread's intake; the handler runs there and never blocks. A request goes
 * through route, credentials, scope, query parameters and body before its handler sees it
 * (api.c), and comes back as JSON or as application/problem+json.
 */
#pragma once
#include "flow/intake.h"
#include "model/ids.h"
#include "port/exchange.h"

struct api;

enum { ROOT_HASH_SIZE = 32 };

struct api_config {
    struct intake *intake;
    struct ids ids;    /* secret and node: to spell and read ids; the ledger mints them */
    bool has_root_key; /* without one nobody is the operator */
    unsigned char root_hash[ROOT_HASH_SIZE]; /* SHA-256 of the root key */
    uint64_t body_bytes_max;                 /* of a request, to be told in a 413 */
    bool has_sandbox;                        /* a sandbox provider serves test keys */
    struct str public_url;                   /* absent: none; lives as long as the api */
    struct str version;                      /* of the program; lives as long as the api */
    /* For /metrics; NULL: not measured. */
    struct store *store;
};

/* NULL if memory is short. The intake must outlive it. */
struct api *api_new(const struct api_config *config);
/* From the next request on it is as this says: root key, limits, sandbox, public_url. */
void api_configure(struct api *api, const struct api_config *config);
/* The node stops: from now on every request but those for /healthz hears 503, and nothing is asked
 * of the intake any more. */
void api_drain(struct api *api);
/* What is unanswered then never is: the intake has ended. */
void api_free(struct api *api);
struct exchange_handler api_handler(struct api *api);
