/* test/campaign/load.h - a load generator: POSTs notifications by a schedule, whatever the answers
 * do, and writes down every request before it is sent and every answer.
 *
 * What request number n says follows from the seed and n alone (load_items.c), so that one whose
 * answer was lost is made again, byte for byte, instead of being kept. Threads: one.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    APPS_MAX = 16,
    CONNECTIONS_MAX = 8192,
    REQUEST_MAX = 1 << 20,
    ANSWER_MAX = 1 << 20,
    BATCH_ITEMS_MAX = 1000,
    EVENT_TEXT_MAX = 96,
    BATCHED_TOLD = 500000000,
    HEAD_ROOM = 1024, /* of a request, before its body */
};

enum kind { KIND_IOS, KIND_SMS, KIND_EMAIL, KIND_COUNT };

/* How a request stands to those before it. */
enum flavor {
    FLAVOR_FRESH,
    FLAVOR_REPEAT,     /* an earlier event id with its own body */
    FLAVOR_MISMATCH,   /* an earlier event id with another body */
    FLAVOR_SUPPRESSED, /* to an address on the suppression list */
};

struct item {
    uint64_t serial;
    uint64_t event; /* the serial that its event id names */
    uint64_t told;  /* the serial whose body it has */
    enum flavor flavor;
    unsigned app;
    bool batched; /* its app is its batch's */
    enum kind kind;
    const char *priority, *guarantee; /* "": not stated */
    unsigned ttl_ms;                  /* 0: not stated */
    unsigned recipients;
};

struct plan {
    uint64_t seed;
    const char *prefix; /* of event ids */
    unsigned users;     /* bench: a template to so many users; 0: direct recipients */
    unsigned app_count;
    const char *apps[APPS_MAX], *auths[APPS_MAX];
    unsigned kinds[KIND_COUNT]; /* weights */
    const char *priority;       /* "mixed", or the one of all; "": not stated */
    const char *guarantee;      /* likewise */
    unsigned recipients_min, recipients_max;
    unsigned short_ttl, repeat, mismatch, suppressed; /* of a thousand */
    unsigned batch, batched; /* so many a batch; so many calls of a thousand */
};

struct item item_of(const struct plan *plan, uint64_t serial);
/* The body of one notification; its length. */
size_t item_write(const struct plan *plan, const struct item *item, char *at, size_t size);
/* Two apps use each event id, unless it is in a batch. */
void event_write(const struct plan *plan, const struct item *item, char out[EVENT_TEXT_MAX]);
uint64_t hash_of(const char *at, size_t len);

/* A request on its way, or one that waits to be made again. */
struct call {
    struct call *next;
    uint64_t number, first; /* its first item's serial */
    unsigned count, tries;
    bool batch;
    int64_t due_us; /* when it was to be sent */
    int64_t again_us;
};

struct link {
    int fd; /* -1: closed */
    struct call *call;
    size_t sent, request_len, got;
    char *request, *answer;
};

struct figures {
    uint64_t accepted, refused, other, lost, answered, late;
    uint64_t histogram[4096]; /* logarithmic: 64 steps an octave, from 1 us */
    uint64_t refusals[4096];  /* of 429 and 503 alone, from when they were sent */
    uint64_t refused_answers;
};

struct load {
    struct plan plan;
    unsigned port, connections;
    double seconds, rate; /* rate 0: closed loop */
    const char *path;
    unsigned resend_ms, resend_max; /* 0: what got no answer is left alone */
    double linger_s;                /* for the last answers */
    FILE *log;
    struct figures figures;
    uint64_t serial, calls;
    int epoll;
    struct link links[CONNECTIONS_MAX];
    unsigned idle[CONNECTIONS_MAX], idle_count, busy;
    struct call *waiting, *waiting_last; /* to be made again, by time */
    struct call *spare;
};

int64_t now_us(void);

/* load_link.c: one request at a time on each connection. */
bool links_open(struct load *load);
/* Composes, writes down and sends a call on an idle connection. */
void links_send(struct load *load, struct call *call);
/* Waits up to `ms` for answers and takes them. */
void links_turn(struct load *load, int ms);

/* load.c: what became of a call. `body` is absent if it was lost. */
void call_answered(struct load *load, struct call *call, const char *answer, const char *body,
                   int64_t sent_us);
void call_lost(struct load *load, struct call *call, size_t sent);
