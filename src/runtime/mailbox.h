/* runtime/mailbox.h - many senders, one receiver, in order.
 *
 * Bounded by what its senders may have under way, not by itself: a message is the sender's memory
 * and is posted once, so that posting can neither fail nor block.
 */
#pragma once
#include "port/inbox.h"
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct mailbox {
    pthread_mutex_t mutex;
    struct message *first, *last;
    int only;                 /* the type that wakes; 0: the first of any */
    void (*wake)(void *self); /* called under the mutex; may be NULL */
    void *wake_self;
};

void mailbox_init(struct mailbox *box, void (*wake)(void *self), void *wake_self);
void mailbox_done(struct mailbox *box); /* must be empty */
void mailbox_post(struct mailbox *box, struct message *message);
/* All that has been posted, as a list in order; NULL if nothing has. */
struct message *mailbox_take(struct mailbox *box);
/* From now on only a message of this type wakes the receiver; 0: any, and at once if the box is not
 * empty. By the receiver, before it sleeps. */
void mailbox_wake_for(struct mailbox *box, int only);
struct inbox mailbox_inbox(struct mailbox *box);
