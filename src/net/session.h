/* net/session.h - what HTTP/1.1 and HTTP/2 sessions have in common: bytes in, bytes out, time in.
 *
 * A session does no I/O and reads no clock (decision 16). It hands complete requests to the
 * handler of its `struct exchanges`, and turns the answers into output, in whatever order they
 * come. A handler may answer inside `feed` or at any later time on the same thread.
 * The caller's loop: feed what came; take `output` and say `sent`; look at `state` and `deadline`.
 * Threads: one. Errors: none; a session that cannot go on says so in its state.
 */
#pragma once
#include "base/str.h"
#include "base/time.h"
#include "net/exchanges.h"

enum session_state {
    SESSION_READS,  /* feed it */
    SESSION_PAUSED, /* feed nothing new: too much is unanswered or unsent */
    SESSION_ENDS,   /* no more output will come; what is left is to be sent, then close */
};

struct session_ops {
    /* Bytes from the peer, borrowed for the call; none: go on with what was kept back. */
    void (*feed)(struct session *self, const char *at, size_t len, struct now now);
    /* The peer will send no more. */
    void (*feed_end)(struct session *self, struct now now);
    /* Unsent bytes, borrowed until the next call; `sent` drops so many of them. */
    struct str (*output)(struct session *self);
    void (*sent)(struct session *self, size_t len);
    enum session_state (*state)(const struct session *self);
    /* When `expire` is to be called, unless something happens before. */
    struct mono (*deadline)(const struct session *self);
    void (*expire)(struct session *self, struct now now);
    /* Say goodbye, finish what is being received or answered, then end; one that is idle ends at
     * once if `idle_too`, else it stays for one more request. May be called again. */
    void (*drain)(struct session *self, bool idle_too, struct now now);
    /* Give back memory that is held for speed only. */
    void (*trim)(struct session *self);
    /* Requests without an answer live on; their answers are dropped. */
    void (*free)(struct session *self);
    /* For exchanges.c: the answer to one of its slots, which the session gives back when it has
     * done with it. Never called after `free`. */
    void (*answer)(struct session *self, struct slot *slot, const struct http_response *response);
};

struct session {
    const struct session_ops *ops;
    struct exchanges *exchanges;
    bool tls;
    /* An answer came outside of feed: there is output, or more to be parsed. Set by the owner;
     * must only take note. May be NULL. */
    void (*wake)(void *owner);
    void *owner;
};

static inline void session_wake(const struct session *session)
{
    if (session->wake)
        session->wake(session->owner);
}
