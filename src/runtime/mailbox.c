/* runtime/mailbox.c - see mailbox.h. */
#include "runtime/mailbox.h"
#include "base/err.h"

void mailbox_init(struct mailbox *box, void (*wake)(void *self), void *wake_self)
{
    *box = (struct mailbox){.wake = wake, .wake_self = wake_self};
    must(pthread_mutex_init(&box->mutex, NULL) == 0);
}

void mailbox_done(struct mailbox *box)
{
    must(!box->first);
    must(pthread_mutex_destroy(&box->mutex) == 0);
}

void mailbox_post(struct mailbox *box, struct message *message)
{
    message->next = NULL;
    must(pthread_mutex_lock(&box->mutex) == 0);
    bool was_empty = !box->first;
    if (was_empty)
        box->first = message;
    else
        box->last->next = message;
    box->last = message;
    /* Within the lock: the receiver may take this message, find that it was the last, and free the
     * box, all before we would have come to wake it. */
    if (box->only ? message->type == box->only : was_empty && box->wake)
        box->wake(box->wake_self);
    must(pthread_mutex_unlock(&box->mutex) == 0);
}

struct message *mailbox_take(struct mailbox *box)
{
    must(pthread_mutex_lock(&box->mutex) == 0);
    struct message *all = box->first;
    box->first = box->last = NULL;
    must(pthread_mutex_unlock(&box->mutex) == 0);
    return all;
}

void mailbox_wake_for(struct mailbox *box, int only)
{
    must(pthread_mutex_lock(&box->mutex) == 0);
    box->only = only;
    if (!only && box->first)
        box->wake(box->wake_self);
    must(pthread_mutex_unlock(&box->mutex) == 0);
}

static void post(void *self, struct message *message)
{
    mailbox_post(self, message);
}

struct inbox mailbox_inbox(struct mailbox *box)
{
    return (struct inbox){.post = post, .self = box};
}
