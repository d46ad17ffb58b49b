/* port/query.h - what anyone may ask of the store, and in which form it answers.
 *
 * A query is one message: the asker fills it in, `store_ops.read` takes it, and it comes back to
 * `done`, answered from one moment's state. Everything that it tells as a time is wall time.
 */
#pragma once
#include "base/arena.h"
#include "model/app.h"
#include "model/notification.h"
#include "model/recipient.h"
#include "port/inbox.h"

/* Which dead letters: of a list, and of a redrive. */
struct dead_filter {
    uint32_t app; /* 0: all */
    enum mode mode;
    bool any_mode;
    bool by_channel;
    enum channel channel;
    struct str reason;        /* absent: any */
    struct wall since, until; /* dead in [since, until); ms == 0: open */
};

enum query_type {
    QUERY_APP,         /* name -> apps[0] */
    QUERY_APPS,        /* lists of what is named: newest first */
    QUERY_KEY,         /* name = app_key -> keys[0] */
    QUERY_KEYS,        /* of `app` */
    QUERY_RECIPIENTS,  /* user_ids -> recipients; addresses -> suppressed */
    QUERY_CATEGORY,    /* name -> categories[0]; `default` always exists */
    QUERY_CATEGORIES,  /* `default` last */
    QUERY_TEMPLATE,    /* name, version (0: latest) -> templates[0] */
    QUERY_TEMPLATES,   /* the latest version of each, by the time of its first */
    QUERY_SUPPRESSION, /* suppression.channel, address -> suppressions[0] */
    QUERY_SUPPRESSIONS,
    QUERY_NOTIFICATION, /* id -> notifications[0] with counts */
    /* Newest first, by `filter`. A page looks at a bounded number of notifications: it may hold
     * fewer than `limit`, even none, and still have `more`, going on at `next_id`. */
    QUERY_NOTIFICATIONS,
    QUERY_DELIVERIES, /* of `id`, by ordinal, optionally one state; pages as above */
    QUERY_DELIVERY,   /* key -> deliveries[0], notifications[0] (no counts), all its events */
    /* Of `id`: step 0 of a delivery is acceptance, which stands in the delivery, step n + 1 the
     * stored event n. `limit` counts steps; `cursor_seq` and `next_seq` are steps.
     * With EVENTS_BY_TIME_MAX deliveries or fewer, by time (`by_time`): every acceptance, in
     * `deliveries`, then the stored events by (at, ordinal, step); the cursor's id is that time in
     * ms, 0 at an acceptance. With more, by (ordinal, step): `deliveries` holds each delivery that
     * has a step on this page, in order; the first one's acceptance was on an earlier page if its
     * ordinal is cursor_ordinal of a set cursor. */
    QUERY_EVENTS,
    /* Dead letters by `dead` (its app, or else `app`), newest first by key; with `count_only` how
     * many there are, a bounded number of them looked at. */
    QUERY_DEAD,
};

/* A notification with what its deliveries add up to. */
struct notification_view {
    struct notification notification;
    bool cancelled;
    bool following; /* more deliveries are about to be added (see follow) */
    uint32_t counts[STATE_COUNT];
};

struct delivery_view {
    struct delivery delivery;
    int64_t notification;
    struct wall created_at, updated_at;
    enum state state; /* now: of its last event, or of acceptance; `sending` while in hand */
    struct str reason, provider, message_id;
    uint32_t attempts;    /* made so far since acceptance or redrive; in hand: with that one */
    struct wall next_due; /* queued: when it is next due; else WALL_NEVER */
};

struct notification_filter {
    struct str user_id; /* needs `app`; the user who has this id now; absent: any */
    struct str category, template_name;
    bool by_state;
    enum state state;         /* at least one delivery (of that user) is in this state */
    struct wall since, until; /* ms == 0: open */
};

struct query {
    struct message message;
    struct inbox done;
    enum query_type type;
    void *owner; /* the asker's, and so is `finish`: the store touches neither */
    void (*finish)(struct query *query);
    /* In. Borrowed until completion. `app` 0 means any app, where the caller may see all. */
    uint32_t app;
    enum mode mode;
    bool any_mode;
    struct str name;
    uint32_t version;
    int64_t id;
    struct delivery_key key;
    const struct str *user_ids;
    uint32_t user_id_count;
    struct suppression suppression;      /* channel and address */
    const struct suppression *addresses; /* channel and address of each */
    uint32_t address_count;
    struct notification_filter filter;
    struct dead_filter dead;
    bool count_only;
    bool by_state;
    enum state state;
    uint32_t limit; /* 0: PAGE_DEFAULT; PAGE_MAX at most */
    /* Position: what comes after it is answered. For what is named the time it was made, in ms,
     * and its name; for the rest ids. A suppression's name is its address, with its channel in
     * cursor_ordinal. */
    struct str cursor_name;
    int64_t cursor_id; /* 0: from the start */
    uint32_t cursor_ordinal, cursor_seq;
    bool cursor_set;
    /* Out, in `arena`, which the asker initialised and frees. ERR_MISSING: no such thing.
     * ERR_FULL: reads are held back (the WAL is over its mark): 503. */
    struct arena arena;
    enum err err;
    struct why why;
    uint32_t count; /* of whichever list the type fills */
    bool more;      /* the list goes on: ask again with these as the cursor */
    struct str next_name;
    int64_t next_id;
    uint32_t next_ordinal, next_seq;
    struct app *apps;
    struct key *keys;
    struct recipient *recipients; /* one a user_id; user.number == 0: no such user */
    bool *suppressed;             /* one an address */
    struct category *categories;
    struct template_version *templates;
    struct suppression *suppressions;
    struct notification_view *notifications;
    struct delivery_view *deliveries;
    uint32_t delivery_count; /* QUERY_EVENTS; elsewhere `count` says it */
    struct event *events;    /* the stored ones; acceptance itself stands in the delivery */
    bool by_time;            /* QUERY_EVENTS */
};
