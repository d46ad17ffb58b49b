/* store/sqlite/writer.h - what the writer's thread owns, and the verbs it runs. Internal.
 *
 * A verb writes through the connection and leaves its errors there: the group is rolled back whole
 * if one stands at its end, so a verb needs not look at each step.
 */
#pragma once
#include "store/sqlite/epoch.h"
#include "store/sqlite/index.h"
#include "store/sqlite/sqlite_store.h"

struct depth_change {
    int64_t place;
    int64_t delta;
};

struct writer {
    struct db db;
    struct index idem, lookup;
    struct epoch epoch;
    uint64_t hash_secret[2]; /* of the idempotency keys */
    int64_t last_id;         /* highest ever stored */
    int64_t last_id_before;  /* this group */
    int64_t swept;           /* retention has looked at the ids up to it */
    int64_t swept_before;    /* this group */
    int64_t offset_ms;       /* of the calendar, as it is durable */
    struct depth_change *depths;
    uint32_t depth_count, depth_cap;
};

/* app and lane in one number; rows of one (lane, app) stand together. */
static inline int64_t place_of(unsigned lane, uint32_t app)
{
    return (int64_t)app * LANE_COUNT + lane;
}
static inline unsigned place_lane(int64_t place)
{
    return (unsigned)(place % LANE_COUNT);
}
static inline uint32_t place_app(int64_t place)
{
    return (uint32_t)(place / LANE_COUNT);
}

void write_accept(struct writer *writer, struct accept *op);
void write_probe(struct writer *writer, struct probe *op);
void write_claim(struct writer *writer, struct claim *op, struct arena *arena);
void write_mark(struct writer *writer, struct mark *op);
void write_settle(struct writer *writer, struct settle *op);
void dead_add(struct writer *writer, const struct settle *op); /* its key, place, event */
void write_follow(struct writer *writer, struct follow *op, struct arena *arena);
void write_extend(struct writer *writer, struct extend *op);
void write_receipt(struct writer *writer, struct receipt *op);
void write_cancel(struct writer *writer, struct cancel *op, struct arena *arena);
void write_redrive(struct writer *writer, struct redrive *op, struct arena *arena);
void write_change(struct writer *writer, struct change *op, struct arena *arena);
void write_sweep(struct writer *writer, struct sweep *op);
void write_census(struct writer *writer, struct census *op, struct arena *arena);
void write_confirm(struct writer *writer, struct confirm *op);

/* depth.c: depths change in memory, and in the file once a group. */
void depth_add(struct writer *writer, int64_t place, int64_t delta);
void depth_flush(struct writer *writer);

/* open_work.c: the small tables of open work. `expires` ms == 0: the notification's own. */
struct open_row {
    struct delivery_key key;
    int64_t place;
    uint32_t attempts; /* hand: the one being made; pending: used */
    uint32_t seq;      /* of the next event */
    struct wall due;   /* pending */
    struct wall expires;
    bool marked; /* hand, as HAND_LIST reads it */
};
void hand_add(struct writer *writer, const struct open_row *row);
/* False if the delivery is not in hand. */
bool hand_get(struct writer *writer, struct delivery_key key, struct open_row *ret);
void hand_remove(struct writer *writer, struct delivery_key key);
/* `moved`: its due cannot be told from its facts. Counts in the depth. */
void pending_add(struct writer *writer, const struct open_row *row, bool moved);
void pending_remove(struct writer *writer, const struct open_row *row, bool moved);
void bind_event(sqlite3_stmt *stmt, const struct event *event); /* all but parameter 3, seq */
void event_add(struct writer *writer, const struct event *event);
void dead_remove(struct writer *writer, struct delivery_key key);
/* A delivery ended: if it is old, retention looks at its notification again. */
void note_over(struct writer *writer, int64_t notification);

/* cancel.c: adds up what the ledger must know; `changes` has room for every place. */
void note_change(struct pending_change *changes, uint32_t *count, int64_t place, int32_t delta,
                 struct wall next_due);

/* accept.c: the key of an identity in the idempotency index. */
uint64_t idem_hash(const struct writer *writer, const struct idem *idem);
/* A delivery that is not its notification's first. */
void delivery_add(struct writer *writer, int64_t notification, const struct delivery *delivery);

/* follow.c: marks the channel of a delivery that has just ended, if it reached nobody; true if it
 * did not know that yet. */
bool follow_mark(struct writer *writer, struct delivery_key key);
/* Deliveries that were added since acceptance. */
uint32_t rows_made_later(struct db *db, int64_t notification);

#define META_OFFSET "offset"
/* offset.c: the calendar's offset, and the lowest that it had lately. */
void offset_open(struct writer *writer);
void offset_put(struct writer *writer, int64_t offset_ms);
/* Nothing of the last days was accepted with a lower one. */
int64_t offset_low(struct writer *writer, struct wall now);

/* depth.c */
int64_t meta_get(struct db *db, const char *name, int64_t otherwise);
void meta_put(struct db *db, const char *name, int64_t value);
