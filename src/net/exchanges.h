/* net/exchanges.h - all requests of one listener that are being received or answered.
 *
 * Owns what its sessions share: the handler, the limits, the counts that the limits are about, and
 * the memory of requests, which is used again. A `slot` is one request with its exchange: taken by
 * a session, filled, handed to the handler, answered, given back. When its connection goes first,
 * the slot is left behind (`session` NULL) and returns when the handler answers.
 * Threads: one. Memory: at most `slots_max` slots; bodies at most `bodies_bytes_max` together.
 */
#pragma once
#include "base/list.h"
#include "base/rng.h"
#include "net/refusal.h"
#include "port/exchange.h"

struct session;

struct exchanges_config {
    struct exchange_handler handler;
    size_t body_bytes_max; /* of one request; over it the handler gets body_too_large */
    /* May raise or lower that limit for a request whose head is known; NULL: never. */
    size_t (*body_bytes_for)(void *self, const struct http_request *request);
    void *body_bytes_self;
    size_t bodies_bytes_max; /* of all unanswered requests; over it 503 */
    uint32_t in_flight_max;  /* requests being answered; over it 503 at once */
    uint64_t seed;           /* for the request ids of answers that sessions give themselves */
};

struct exchanges {
    struct exchanges_config config;
    struct rng rng;
    struct list spare;
    uint32_t spare_count;
    uint32_t slots, slots_max;
    uint32_t in_flight;  /* with the handler */
    size_t bodies_bytes; /* of all slots */
    uint64_t requests;   /* handed over, since the start */
    uint64_t refused;    /* answered 503 by us */
    bool closed;
};

struct slot {
    struct exchange exchange; /* first: the handler's pointer leads back here */
    struct exchanges *exchanges;
    struct session *session; /* NULL: its connection has gone */
    struct list link;        /* the session's */
    struct buf body;         /* of a body that comes in pieces */
    size_t body_bytes_max;
    size_t charged;     /* bytes of bodies_bytes */
    struct mono since;  /* of the wait it is in: for body or answer */
    struct mono began;  /* of its body */
    struct buf held;    /* h1: an answer before its turn; h2: a large answer's body */
    struct str unsent;  /* h2: the rest of the answer's body */
    int32_t stream;     /* h2 */
    uint32_t head_size; /* h2: by the rule of RFC 9113 section 6.5.2 */
    uint32_t header_cap;
    struct header *headers;        /* h2: the request's, while they come */
    struct str authority;          /* h2 */
    const struct refusal *refusal; /* h2: what is wrong with the head */
    bool handed;                   /* with the handler */
    bool complete;                 /* h2: the peer has ended the stream */
    bool body_done;                /* h2: no more of it is wanted */
    bool answered;
    bool sent;  /* h2: the answer is out, whole */
    bool close; /* h1: the connection ends behind this answer */
    bool http10;
    bool expects; /* h2: 100-continue */
};

/* NULL without memory. */
struct exchanges *exchanges_new(const struct exchanges_config *config);
/* Frees at once, or when the last slot returns. */
void exchanges_close(struct exchanges *exchanges);

void exchanges_set_in_flight_max(struct exchanges *exchanges, uint32_t in_flight_max);

/* An empty slot; NULL if memory is short or slots_max reached. */
struct slot *slot_take(struct session *session);
void slot_give(struct slot *slot);
/* Its connection goes: frees what waits for it, leaves behind what the handler has. */
void slot_abandon(struct slot *slot);

/* Appends to the body. NULL, or why not: over the limit of the request (413; the body is dropped)
 * or of all (503). */
const struct refusal *slot_body_add(struct slot *slot, const char *at, size_t len);
/* Counts bytes of a body that was put into the arena. False: over the limit of all. */
bool slot_charge(struct slot *slot, size_t len);
/* The limit of this request's body, once its head is known. */
void slot_set_body_limit(struct slot *slot);
/* The request is complete: to the handler, or 503. May answer before it returns. */
void slot_hand(struct slot *slot, struct now now);
/* The session's own answer. */
void slot_refuse(struct slot *slot, const struct refusal *refusal);

/* The response to a refusal with a request id; `request` may be NULL. */
struct refusal_text {
    char body[REFUSAL_BODY_MAX];
    char id[17];
};
void exchanges_refusal(struct exchanges *exchanges, const struct http_request *request,
                       const struct refusal *refusal, struct refusal_text *into,
                       struct http_response *ret);

extern const struct refusal refusal_overloaded;     /* 503 */
extern const struct refusal refusal_body_too_large; /* 413 */
