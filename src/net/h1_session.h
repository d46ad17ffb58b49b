/* net/h1_session.h - the state of an HTTP/1.1 session, for h1.c and h1_answer.c alone. */
#pragma once
#include "net/h1_chunk.h"
#include "net/h1_head.h"
#include "net/session.h"

enum phase {
    PHASE_HEAD,    /* a head is awaited or coming */
    PHASE_LENGTH,  /* `left` bytes of a body are to come */
    PHASE_CHUNKED, /* a chunked body is coming */
    PHASE_OVER,    /* nothing more is taken: input is dropped */
};

struct h1 {
    struct session session;
    enum phase phase;
    bool line_skipped; /* an empty line before the request, the only one allowed */
    bool feeding;      /* answers need no wake */
    bool peer_ended;
    bool draining;      /* the next answer says goodbye */
    bool ending;        /* and nobody waits for a next request */
    bool last;          /* no request is taken after the present one */
    bool owes_continue; /* 100, as soon as the answers before it are out */
    bool dead;          /* no memory for an answer: what stands in `out` is not sent either */
    struct buf in;      /* kept back: part of a head, or what came while paused */
    struct h1_scan scan;
    struct slot *current;   /* whose body is coming; it is the last of `waiting` */
    struct h1_chunk *chunk; /* in its arena */
    uint64_t left;
    struct list waiting; /* slots in the order of their requests */
    uint32_t waiting_count;
    const struct refusal *refusal; /* to be said behind them */
    struct buf out;
    size_t out_at;          /* sent */
    struct mono head_began; /* or MONO_NEVER */
    struct mono idle_since; /* or MONO_NEVER */
};

static inline struct h1 *h1_of(struct session *session)
{
    return list_of(session, struct h1, session);
}

/* h1_answer.c */
void h1_answer(struct session *session, struct slot *slot, const struct http_response *response);
/* Moves on what no longer has to wait for its turn. */
void h1_advance(struct h1 *h1);
void h1_drop_slot(struct h1 *h1, struct slot *slot);
