/* net/link.h - one pooled connection to a host, whatever it speaks (h2_link.h, smtp_link.h).
 *
 * It asks its owner for exchanges (`next`) whenever it could begin one and the socket takes bytes,
 * so that nothing is begun which the network could not take at once. After `down` the link is gone,
 * and all exchanges it had begun have ended. Callbacks come from the loop, from flush and from
 * tick, never from start.
 */
#pragma once
#include "net/conduit.h"
#include "net/outgoing.h"

struct link;

enum link_end {
    LINK_FAILED, /* never usable, or used without a single answer */
    LINK_NOT_H2, /* TLS is there, but the peer chose another protocol */
    LINK_LOST    /* it was good, and has ended, in order or not */
};

/* How a link ended. With a status, `why` is the text of an answer that holds for all who wait: the
 * server refuses our account, not a mail. */
struct link_fault {
    enum link_end end;
    int status;
    struct why why;
};

/* Who we are to a mail server. */
struct link_login {
    struct str hello; /* the name for EHLO */
    struct str user, password;
    enum starttls starttls;
};

/* What it points at lives as long as the link. */
struct link_config {
    uv_loop_t *loop;
    const struct clock *clock;
    struct conduit_scratch *scratch;
    const struct origin *origin;
    const struct tls_context *tls; /* NULL: never TLS */
    const struct link_login *login;
    struct outgoing *(*next)(void *self); /* taken out of the owner's queue; NULL: none waits */
    void (*up)(void *self);
    void (*sooner)(void *self); /* its deadline is nearer than it was */
    void (*down)(void *self, const struct link_fault *fault);
    void *self;
};

struct link_ops {
    /* Ends at once and without `down`; what was begun ends with this sentence. */
    void (*close)(struct link *self, const char *reason);
    /* How many exchanges it would begin at once; 0 until it is up, and while the socket is full. */
    uint32_t (*room)(const struct link *self);
    bool (*is_up)(const struct link *self); /* and stays so, for all that is known */
    /* Begins what waits and sends. */
    void (*flush)(struct link *self);
    void (*tick)(struct link *self, struct now now);
    struct mono (*deadline)(const struct link *self);
};

struct link {
    const struct link_ops *ops;
};

/* What a pool must know of a kind of links. */
struct link_kind {
    enum err (*start)(const struct link_config *config, struct now now, struct link **ret,
                      struct why *why);
    size_t record_size;       /* of what an exchange needs; begins with a struct outgoing */
    unsigned connections_max; /* a site */
    unsigned dials_max;       /* at once, while at least one is up; else one */
    unsigned room_each;       /* that a connection may be expected to have */
    unsigned room_most;       /* that is promised beyond what is free */
};

extern const struct link_kind h2_link_kind, smtp_link_kind;
