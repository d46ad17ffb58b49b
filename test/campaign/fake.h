/* test/campaign/fake.h - a provider as a process of its own: takes requests, writes each down as it
 * came, and answers as its acts say.
 *
 * An act is a fault with a share of the requests; what no act takes is answered well. They are set
 * over a control port, one command a line, fields separated by tabs:
 *
 *     act  share=PERMILLE what=NAME [status=N] [word=TEXT] [retry=TEXT] [ms=N] [for=PREFIX]
 *          [times=N] [first=N] [at=STAGE]    `for`: addresses that start so; `times`: in all;
 *                                            `first`: only the first N requests of an address
 *     clear                                  no acts
 *     set NAME=N                             latency_min, latency_max (ms), streams, window, stall
 *     deaf                                   connections that stand read and write no more
 *     drop                                   connections that stand are reset
 *     stats                                  a line of JSON
 *
 * The log, separated by tabs:
 *     R time seq connection stream address auth extra act latency_ms body     a request
 *     X time seq       its answer was not given: the connection went
 *     U time seq       not processed, and the peer was told so
 */
#pragma once
#include "base/heap.h"
#include "base/list.h"
#include "base/rng.h"
#include "peers/pipe.h"
#include <stdio.h>

enum {
    ACTS_MAX = 32,
    TEXT_MAX = 96,
    ADDRESS_MAX = 320,
    AUTH_MAX = 1024,
    BODY_MAX = 16 * 1024,
};

#define WHATS(X)                                                                                   \
    X(ok)                                                                                          \
    X(status)       /* `status` with `word` in the provider's own shape */                         \
    X(hang)         /* no answer */                                                                \
    X(cut)          /* closed after the request, without an answer */                              \
    X(reset)        /* the same with RST */                                                        \
    X(cut_body)     /* closed at the head: the body is not awaited */                              \
    X(half)         /* RST in the middle of the answer */                                          \
    X(slow)         /* the answer's bytes come one by one, `ms` apart */                           \
    X(goaway_above) /* GOAWAY: this stream was not processed */                                    \
    X(goaway_at)    /* GOAWAY: this stream is the last; it is answered */                          \
    X(refused)      /* RST_STREAM with REFUSED_STREAM */                                           \
    X(rst)          /* RST_STREAM with INTERNAL_ERROR */

enum what {
#define X(name) WHAT_##name,
    WHATS(X)
#undef X
        WHAT_COUNT
};

struct act {
    unsigned share; /* of a thousand */
    enum what what;
    int status;
    unsigned ms;
    char word[TEXT_MAX], retry[TEXT_MAX], at[16], prefix[TEXT_MAX];
    bool now;              /* without latency */
    uint64_t times, first; /* 0: no limit */
    uint64_t taken;
};

struct fake;

/* Starts each role's session: what is still to be answered on a connection. */
struct peer {
    struct fake *fake;
    struct list laters;
    uint64_t number;
};

/* An answer that waits for its time. */
struct later {
    struct heap_node node;
    struct list of_peer;
    struct pipe *pipe;
    int64_t stream;
    uint64_t seq;
    struct act act;
};

struct role {
    const char *name;
    bool tls;
    struct pipe_events events; /* `self` is the fake */
    /* Gives the answer. The later has left its peer. */
    void (*answer)(struct later *later);
};

/* How often each address was seen: open addressing over hashes. */
struct counts {
    uint64_t *hashes;
    uint32_t *values;
    size_t used, cap;
};

struct fake {
    uv_loop_t loop;
    const struct role *role;
    struct listener listener, control;
    struct rng rng;
    FILE *log;
    uv_timer_t timer;
    uv_prepare_t prepare;
    struct heap laters;
    struct counts counts;
    struct act acts[ACTS_MAX];
    unsigned act_count;
    unsigned latency_min, latency_max, streams, window, stall;
    uint64_t seq, connections, requests, open;
    uint64_t by_what[WHAT_COUNT];
};

extern const struct role push_role, sms_role, mail_role;

void peer_init(struct peer *peer, struct fake *fake);
/* The connection goes: what was to be answered on it is not. */
void peer_gone(struct peer *peer);
struct act fake_draw(struct fake *fake, const char *address);
/* Writes a request down, and answers it in time. */
void fake_take(struct fake *fake, struct peer *peer, struct pipe *pipe, int64_t stream,
               const struct act *act, const char *address, const char *auth, const char *extra,
               struct str body);
/* Tells the log that a request was not processed, and forgets its answer. */
void fake_undo(struct later *later);

/* fake_control.c */
void control_open(struct fake *fake);
