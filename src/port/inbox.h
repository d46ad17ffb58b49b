/* port/inbox.h - where messages for one actor are posted.
 *
 * A message is a struct that begins with `struct message`; posting gives it away. Messages from
 * one sender arrive in the order sent. Implementations: runtime/mailbox.h, and the simulator.
 */
#pragma once

struct message {
    struct message *next; /* the inbox's while it is posted */
    int type;             /* the receiver's enum */
};

struct inbox {
    void (*post)(void *self, struct message *message); /* from any thread; never fails or blocks */
    void *self;
};

static inline void inbox_post(const struct inbox *inbox, struct message *message)
{
    inbox->post(inbox->self, message);
}
