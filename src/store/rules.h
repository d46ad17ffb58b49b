/* store/rules.h - what the stored facts add up to; the same for every store.
 *
 * Pure: no I/O, no allocation. Threads: any. Strings in results are borrowed from the arguments.
 */
#pragma once
#include "port/store.h"

#define REASON_REDRIVEN STR("redriven")
#define REASON_DELETED  STR("deleted")
#define REASON_CUT_OFF  STR("cut_off")
#define REASON_CRASHED  STR("crashed")

enum {
    REDRIVE_SCAN_MAX = 5000, /* dead letters that one step of a redrive looks at */
    PAGE_SCAN_MAX = 1000,    /* notifications or dead letters that one page looks at */
};

/* What becomes of a delivery that was in hand when the process ended; the attempt that it was
 * about to make is used, but where it is unused. */
enum recovery {
    RECOVER_USED,    /* waits again, at once */
    RECOVER_UNUSED,  /* the same: it had not begun */
    RECOVER_SUSPECT, /* waits again, for a moment of its own: our code was at work on it */
    RECOVER_DEAD,    /* once too often: reason "crashed" */
};
enum recovery recovery_of(const struct crash_notes *notes, struct delivery_key key);
/* What is said of an attempt that a former life has used up, when the delivery waits again (USED
 * or SUSPECT): it explains why the recipient may get it twice. */
struct event recovery_event(enum recovery recovery, struct delivery_key key, uint32_t attempt,
                            struct wall at, struct wall due);

/* The order of states that a receipt may move a delivery along (port/store.h, receipt). */
bool receipt_moves(enum state from, enum state to);

/* Strategy `first` goes on from a channel if each of its deliveries has been in no other states
 * than these, and is now in one that ends it (port/store.h, follow). */
bool is_unsent(enum state state);
bool ends_unsent(enum state state);

/* May an event of state `to` follow one of `from`, or acceptance in it? */
bool state_follows(enum state from, enum state to);

/* Where a delivery stands by its facts alone: acceptance, then each event in order. */
struct standing {
    enum state state;
    struct str reason, provider, message_id;
    uint32_t attempts; /* since acceptance or redrive */
    uint32_t next_seq;
    struct wall updated_at;
    struct wall due; /* as its last event has it; ms == 0: before the first */
};

struct standing standing_of(const struct delivery *delivery, int64_t notification);
void standing_add(struct standing *standing, const struct event *event);

/* Its open work, if any. */
struct open_work {
    enum { OPEN_NOT, OPEN_HAND, OPEN_PENDING } where;
    uint32_t attempts; /* hand: with the one being made; pending: used */
    struct wall due;   /* pending */
};

struct delivery_view view_of(const struct delivery *delivery, int64_t notification,
                             const struct standing *standing, const struct open_work *open,
                             bool cancelled);

/* The event of a dead letter that is redriven, or deleted, the `place`th of its op. */
struct event redrive_event(const struct redrive *op, struct delivery_key key, uint32_t place);

/* What the filter asks of a dead letter. */
struct dead_facts {
    uint32_t app;
    enum mode mode;
    enum channel channel;
    struct str reason;
    struct wall at;
};
bool dead_matches(const struct dead_filter *filter, const struct dead_facts *facts);

/* The parts of a notification's filter that need nothing but the notification. */
bool notification_matches(const struct query *query, const struct notification *notification);

/* Must its app exist? */
bool change_is_of_app(enum change_type type);

/* Turns the calendar's times of an answer into wall time. */
void query_date(struct query *query, int64_t offset_ms);

/* How QUERY_EVENTS goes: a page goes on as the one before it, though deliveries were added. */
bool events_by_time(const struct query *query, uint32_t deliveries);

bool idem_live(struct wall accepted, struct wall now);
uint32_t page_limit(uint32_t limit);
/* The ttl that a notification had at acceptance, from `now` on. */
struct wall expiry_afresh(const struct notification *notification, struct wall accepted,
                          struct wall now);
