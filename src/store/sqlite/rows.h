/* store/sqlite/rows.h - stored rows as values of the model; for the writer and the readers.
 *
 * Strings are copied into the arena; its `failed` says if they did not fit. Errors of the file
 * stay in the connection; a look-up that meets one finds nothing.
 */
#pragma once
#include "store/rules.h"
#include "store/sqlite/db.h"

/* -- how small facts are packed --------------------------------------------------------------- */

/* Bits: mode 1, priority 2, guarantee 1, strategy 1, wants_attributes 1, channel_count 2, and 4 a
 * channel from bit 8 on. */
static inline int64_t notification_flags(const struct notification *n)
{
    int64_t flags = (int64_t)n->mode | (int64_t)n->priority << 1 | (int64_t)n->guarantee << 3 |
                    (int64_t)n->strategy << 4 | (int64_t)n->wants_attributes << 5 |
                    (int64_t)n->channel_count << 6;
    for (uint32_t i = 0; i < n->channel_count; i++)
        flags |= (int64_t)n->channels[i] << (8 + 4 * i);
    return flags;
}
static inline enum mode flags_mode(int64_t flags)
{
    return (enum mode)(flags & 1);
}
static inline enum priority flags_priority(int64_t flags)
{
    return (enum priority)(flags >> 1 & 3);
}
static inline enum guarantee flags_guarantee(int64_t flags)
{
    return (enum guarantee)(flags >> 3 & 1);
}
static inline enum strategy flags_strategy(int64_t flags)
{
    return (enum strategy)(flags >> 4 & 1);
}
void read_flags(int64_t flags, struct notification *ret);

static inline int64_t delivery_facts(const struct delivery *d)
{
    return (int64_t)d->kind | (int64_t)d->sandbox << 3 | (int64_t)d->state << 4 |
           (int64_t)d->made_at.ms << 8;
}
static inline enum kind facts_kind(int64_t facts)
{
    return (enum kind)(facts & 7);
}
static inline enum state facts_state(int64_t facts)
{
    return (enum state)(facts >> 4 & 15);
}

/* Binds the columns of a delivery, DELIVERY_COLUMNS of them, from parameter `at` on. */
enum { DELIVERY_COLUMNS = 12 };
void bind_delivery(sqlite3_stmt *stmt, int at, const struct delivery *delivery);

/* -- notifications and deliveries ------------------------------------------------------------- */

struct stored_notification {
    struct notification notification;
    struct wall accepted_at;
    struct delivery first; /* ordinal 0, if there is one */
};

bool load_notification(struct db *db, int64_t id, struct arena *arena,
                       struct stored_notification *ret);

/* The part of it that needs no arena. */
struct notification_head {
    int64_t id;
    uint32_t app;
    enum mode mode;
    enum priority priority;
    enum guarantee guarantee;
    enum strategy strategy;
    struct wall accepted_at, expires_at;
    uint32_t deliveries;
    int64_t first_facts;
    int64_t flags;
};
bool load_head(struct db *db, int64_t id, struct notification_head *ret);

bool load_delivery(struct db *db, const struct stored_notification *stored, uint32_t ordinal,
                   struct arena *arena, struct delivery *ret);
/* Its packed facts alone. */
bool load_facts(struct db *db, const struct notification_head *head, uint32_t ordinal,
                int64_t *ret);

/* -- events and standing ---------------------------------------------------------------------- */

/* Reads the row of EVENT_LIST that the statement stands at. */
void read_event(sqlite3_stmt *stmt, int64_t notification, struct arena *arena, struct event *ret);
/* Events of one delivery from `seq` on: a statement to step. */
sqlite3_stmt *list_events(struct db *db, struct delivery_key key, uint32_t seq, uint32_t limit);

/* The state at acceptance is in `facts`; strings of the standing live in `arena`. With NULL for it
 * the strings are left out. */
struct standing load_standing(struct db *db, struct delivery_key key, int64_t facts,
                              struct arena *arena);
/* Where its open work is, if it has any. */
struct open_work load_open_work(struct db *db, struct delivery_key key, int64_t place,
                                const struct standing *standing, struct wall accepted_at);
bool is_cancelled(struct db *db, int64_t notification);
/* Is a channel of it still to be followed? */
bool is_following(struct db *db, int64_t notification);

/* -- what is managed -------------------------------------------------------------------------- */

bool app_exists(struct db *db, uint32_t app);
/* 0: no such user. */
int64_t find_user(struct db *db, uint32_t app, struct str user_id);
/* The user with preferences and suppressions, without devices; false if there is none. */
bool load_recipient(struct db *db, int64_t user, struct arena *arena, struct recipient *ret);
/* Reads the row of DEVICE_* that the statement stands at. */
void read_device(sqlite3_stmt *stmt, struct arena *arena, struct device *ret);
bool load_device(struct db *db, int64_t user, struct str device_id, struct arena *arena,
                 struct device *ret);
bool load_devices(struct db *db, int64_t user, struct arena *arena, struct recipient *ret);
bool is_suppressed(struct db *db, uint32_t app, enum channel channel, struct str address);
/* Reads the row of CATEGORY_* that the statement stands at. */
void read_category(sqlite3_stmt *stmt, struct arena *arena, struct category *ret);
bool load_category(struct db *db, uint32_t app, struct str name, struct arena *arena,
                   struct category *ret);
/* As it stands now, or `default` if it is gone. */
void load_category_now(struct db *db, uint32_t app, struct str name, struct arena *arena,
                       struct category *ret);
