/* flow/messages.h - what the actors of flow/ post to one another: the types of struct message. */
#pragma once
#include "base/list.h"
#include "port/inbox.h"

enum {
    LEDGER_JOB = 1,  /* struct job, from an intake */
    LEDGER_TICKETS,  /* struct tickets, back from a courier, or to be marked */
    LEDGER_ACK,      /* struct notice, heard */
    LEDGER_GROUP,    /* struct group, from the store */
    LEDGER_DRAIN,    /* struct drain: stop taking, give back, say when done */
    LEDGER_CONFIG,   /* struct ledger_change */
    LEDGER_PING,     /* struct ping */
    INTAKE_JOB,      /* struct job, answered */
    INTAKE_QUERY,    /* struct query, answered */
    INTAKE_TEMPLATE, /* the same, for its library */
    INTAKE_NOTICE,   /* struct notice */
    INTAKE_REPORT,   /* struct report, filled in by a courier */
    INTAKE_PING,     /* struct ping */
    COURIER_TICKETS, /* struct tickets, to send, or marked */
    COURIER_NOTICE,  /* struct notice */
    COURIER_QUERY,   /* struct query, answered: a template */
    COURIER_TASK,    /* struct task, composed */
    COURIER_REPORT,  /* struct report, to fill in */
    COURIER_PING,    /* struct ping */
    COURIER_CONFIG,  /* struct courier_change */
};

/* A batch of tickets in one message, linked by ticket->link; the receiver frees it. */
struct tickets {
    struct message message;
    struct list list;
};

/* Is the actor still turning? `heard` is called on its thread. */
struct ping {
    struct message message;
    void (*heard)(void *self);
    void *self;
};

/* The node is to stop: `done` is called on the ledger's thread when nothing is in hand. */
struct drain {
    struct message message;
    void (*done)(void *self);
    void *self;
};
