/* flow/notice.h - a change that others hold copies of, and who has heard of it.
 *
 * After the commit of a change the ledger tells every intake (which forgets what it cached) and
 * every courier (which gives back what it has not begun). A change is answered only when all have
 * said so: that is what makes an answered opt-out stop whatever had not begun to send.
 */
#pragma once
#include "base/list.h"
#include "flow/job.h"
#include "flow/steering.h"

enum notice_type {
    NOTICE_USERS,       /* `users`: the settings of up to two users */
    NOTICE_SUPPRESSION, /* `channel` and `address` */
    NOTICE_APP,         /* the app has come or gone */
    NOTICE_KEYS,        /* a key of the app has; intakes only */
    NOTICE_CATEGORY,    /* `name` of the app */
    NOTICE_TEMPLATE,    /* `name` of the app has a new latest version */
    NOTICE_CANCEL,      /* `notification`: couriers only */
    NOTICE_STEER,       /* `steering`: pauses and moves have changed; couriers only */
    NOTICE_ROLL,        /* stamp every ticket that is held: couriers only */
    NOTICE_DRAIN,       /* give back all that has not begun: couriers only */
};

enum { NOTICE_LISTENERS_MAX = 64 };

struct round;

/* One copy a listener; it comes back to the ledger as the acknowledgement. */
struct notice {
    struct message message;
    struct round *round;
    bool courier, heard;
    uint32_t listener; /* which of its kind */
};

struct round {
    struct list link; /* of the rounds under way */
    enum notice_type type;
    uint32_t app;
    int64_t users[2];
    struct str user_ids[2];
    struct str name;
    enum channel channel;
    struct str address;
    int64_t notification;
    struct steering *steering; /* the round's own */
    uint64_t number;           /* of a change of settings, or of a roll-call */
    struct mono since;
    struct job *job; /* answered when `waiting` reaches 0; NULL: nobody asks */
    uint32_t waiting;
    char text[4][320]; /* what the strings above point at */
    struct notice notices[NOTICE_LISTENERS_MAX];
};
