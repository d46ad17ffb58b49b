/* test/sim/asking.h - one request of a client; for clients.c and strangers.c alone. */
#pragma once
#include "sim.h"

enum { BODY_MAX = 64 * 1024 };

enum ask_type {
    ASK_SETUP,
    ASK_POST,
    ASK_BATCH,
    ASK_PREFERENCES,
    ASK_CANCEL,
    ASK_USER_PUT,
    ASK_USER_DELETE,
    ASK_READ,
    ASK_REDRIVE,
    ASK_TEMPLATE,
    ASK_CONFIRM,
    ASK_STEER,
    ASK_SUPPRESS,
    ASK_STRANGER, /* with a key to which nothing belongs */
};

/* One request under way. */
struct asking {
    struct exchange exchange;
    struct list link;
    struct sim *sim;
    enum ask_type type;
    uint32_t user;
    uint32_t told; /* ASK_CANCEL: which */
    int event;     /* ASK_POST: its event id's number; -1: none */
    uint32_t posts;
    bool opt_out[CHANNEL_COUNT];
    struct sim_steer *steer; /* ASK_STEER: what `steered` is to become */
    struct sim_steer steered;
    enum channel channel; /* ASK_SUPPRESS */
    bool suppress;
    struct header headers[3];
    struct buf path, body;
    const char *who; /* ASK_STRANGER: its authorization */
    bool *answered;  /* ASK_SETUP */
    struct buf *answer;
};

struct asking *asking_new(struct sim *sim, enum ask_type type);
/* Its path and body are complete: it is on its way. */
void ask(struct asking *asking, enum method method, const char *method_text);
const struct json *asking_parse(struct sim *sim, struct arena *arena, struct str text);
/* A setup call, answered in full; `answer` may be NULL. */
void setup(struct sim *sim, enum method method, const char *method_text, const char *path,
           const char *body, struct buf *answer);
/* False: a change of this user's settings is under way. What was believed is uncertain now. */
bool take_user(struct sim *sim, uint32_t *ret);

/* strangers.c */
/* Logs in to an app: "Basic ...". */
void strangers_login(struct sim *sim, const char *app, const char *mode, char *into, size_t size);
void ask_stranger(struct sim *sim);
void stranger_answered(struct asking *asking, int status, const struct json *body);
void ask_suppress(struct sim *sim);
void suppress_answered(struct asking *asking, int status);
