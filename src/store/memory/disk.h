/* store/memory/disk.h - the durable state: tables and their rows. Internal to the memory store.
 *
 * A row's key comes first in each comparison; strings of a row stand in its own block (shape.h) or
 * in blocks it points at.
 */
#pragma once
#include "store/memory/memory_store.h"
#include "store/memory/shape.h"
#include "store/memory/table.h"

extern const struct shape notification_shape, delivery_shape, event_shape, app_shape, key_shape,
    user_shape, device_shape, category_shape, template_shape, suppression_shape, steer_shape;

/* A delivery is in hand, pending, dead or none of them; `work` is that row. */
struct work_row {
    struct delivery_key key;
    unsigned lane;
    uint32_t app;
    uint32_t attempts, seq;
    struct wall due, expires_at;
    bool marked;          /* hand */
    enum mode mode;       /* dead */
    enum channel channel; /* dead */
};

struct delivery_row {
    struct delivery *delivery;
    struct event **events;
    uint32_t event_count, event_cap;
    struct work_row *hand, *pending, *dead; /* at most one */
};

struct notification_row {
    struct notification *notification;
    struct wall accepted_at;
    bool cancelled;
    struct delivery_row *deliveries; /* delivery_count */
};

/* A channel of strategy `first` that reached nobody (port/store.h, follow). */
struct follow_row {
    int64_t notification;
    uint32_t to_index;
    enum channel channel;
    uint32_t ordinal; /* of the last of its deliveries to end */
    bool open;
};

struct idem_row {
    struct idem idem;
    int64_t notification;
    uint32_t deliveries;
};

struct user_row {
    uint32_t app;
    struct user *user;
    struct str preferences; /* packed; absent: never put */
    struct table devices;   /* device_row by device_id */
};

struct device_row {
    uint32_t app;
    struct device *device;
    struct user_row *user;
};

struct named_row { /* category, template version */
    uint32_t app;
    struct str name; /* the value's own */
    uint32_t version;
    void *value;
};

struct suppression_row {
    uint32_t app;
    struct suppression *suppression;
};

struct memory_disk {
    const struct crash_notes *notes; /* for the next open */
    uint64_t id_secret[2];
    int64_t last_id;
    int64_t offset_ms; /* of the calendar */
    uint32_t last_app;
    int64_t last_user;
    bool unconfirmed, full;
    struct table notifications; /* by id */
    struct table hand, dead;    /* by key */
    struct table pending;       /* by lane, app, due, key */
    struct table follows;       /* by notification, to_index, channel */
    struct table idems;         /* by app, mode, key */
    struct table apps;          /* struct app by name */
    struct table app_numbers;   /* the same by number */
    struct table keys;          /* struct key by app_key */
    struct table users;         /* by app, user_id */
    struct table user_numbers;  /* the same by number */
    struct table tokens;        /* device_row by app, token */
    struct table categories;    /* by app, name */
    struct table templates;     /* by app, name, version */
    struct table suppressions;  /* by app, address, channel */
    struct table steers;        /* struct steer by type, kind, from */
};

/* Look-ups; NULL if there is none. */
struct notification_row *disk_notification(const struct memory_disk *disk, int64_t id);
struct delivery_row *disk_delivery(const struct memory_disk *disk, struct delivery_key key);
struct app *disk_app(const struct memory_disk *disk, uint32_t number);
struct user_row *disk_user(const struct memory_disk *disk, uint32_t app, struct str user_id);
struct user_row *disk_user_number(const struct memory_disk *disk, int64_t number);
struct device_row *disk_device(const struct user_row *user, struct str device_id);
struct suppression *disk_suppression(const struct memory_disk *disk, uint32_t app,
                                     enum channel channel, struct str address);
/* What stands now for the name: the app's own, or for `default` the built-in; else NULL. */
const struct category *disk_category(const struct memory_disk *disk, uint32_t app, struct str name);

/* Changes; strings are cloned. */
struct user_row *disk_add_user(struct memory_disk *disk, uint32_t app, const struct user *user);
struct device_row *disk_add_device(struct memory_disk *disk, struct user_row *user,
                                   const struct device *device);
void disk_suppress(struct memory_disk *disk, uint32_t app, const struct suppression *suppression);
void disk_event(struct delivery_row *row, struct delivery_key key, const struct event *event);
/* Adds a copy of `work` to the table of that name and notes it at the delivery. */
void disk_hand(struct memory_disk *disk, struct delivery_row *row, struct work_row work);
void disk_pend(struct memory_disk *disk, struct delivery_row *row, struct work_row work);
void disk_bury(struct memory_disk *disk, struct delivery_row *row, struct work_row work);
/* Takes the delivery out of hand, pending and the dead letters. */
void disk_release(struct memory_disk *disk, struct delivery_row *row);
void disk_remove_device(struct memory_disk *disk, struct device_row *row);
void disk_remove_user(struct memory_disk *disk, struct user_row *row);
void disk_remove_notification(struct memory_disk *disk, struct notification_row *row);

/* The verbs; each file says which. */
void memory_accept(struct memory_disk *disk, struct accept *op);
void memory_probe(struct memory_disk *disk, struct probe *op);
void memory_claim(struct memory_disk *disk, struct claim *op, struct arena *arena);
void memory_mark(struct memory_disk *disk, struct mark *op);
void memory_settle(struct memory_disk *disk, struct settle *op);
void memory_follow(struct memory_disk *disk, struct follow *op, struct arena *arena);
void memory_extend(struct memory_disk *disk, struct extend *op);
void memory_receipt(struct memory_disk *disk, struct receipt *op);
void memory_cancel(struct memory_disk *disk, struct cancel *op, struct arena *arena);
void memory_redrive(struct memory_disk *disk, struct redrive *op, struct arena *arena);
void memory_change(struct memory_disk *disk, struct change *op, struct arena *arena);
void memory_sweep(struct memory_disk *disk, struct sweep *op);
void memory_census(struct memory_disk *disk, struct census *op, struct arena *arena);
void memory_query(const struct memory_disk *disk, struct query *query);
void memory_query_list(const struct memory_disk *disk, struct query *query);

/* follow.c: marks the channel of a delivery that has just ended, if it reached nobody; true if the
 * mark is new. */
bool disk_follow(struct memory_disk *disk, struct delivery_key key);
/* Is a channel of it still to be followed? INT64_MIN: of any. */
bool disk_following(const struct memory_disk *disk, int64_t notification);
void disk_unfollow(struct memory_disk *disk, int64_t notification);

/* Shared between verbs and queries. */
void memory_recipient(const struct memory_disk *disk, const struct user_row *row,
                      struct arena *arena, bool with_devices, struct recipient *ret);
/* As it stands now, or `default` if it is gone. */
void memory_category(const struct memory_disk *disk, uint32_t app, struct str name,
                     struct arena *arena, struct category *ret);
struct delivery_view memory_view(const struct notification_row *row, uint32_t ordinal);
