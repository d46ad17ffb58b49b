/* runtime/actor.h - the shape of everything that owns something and is sent messages.
 *
 * An actor is stepped once for each message, then turned once: in its turn it does what time or
 * the messages have made due, and says when it wants to be turned again. It never blocks. The same
 * actors run on threads (thread.h), on event loops (loop.h) and in the simulator.
 */
#pragma once
#include "base/time.h"
#include "port/inbox.h"

struct actor {
    void *self;
    /* Takes the message over. */
    void (*step)(void *self, struct now now, struct message *message);
    /* MONO_NEVER: only a message wakes it. */
    struct mono (*turn)(void *self, struct now now);
    /* The only type of message worth waking for until the next turn; 0: any. What else comes is
     * stepped with it, a few milliseconds later at most. A hint, which loops and the simulator do
     * not take; NULL: any. */
    int (*waits_for)(void *self);
};
