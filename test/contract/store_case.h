/* test/contract/store_case.h - one fixture over every store: what a test says is true of each.
 *
 * A test is listed with STORE_TEST, which runs it over the memory store and over SQLite in a
 * directory of its own. Groups run one at a time; `case_run` waits for the completion.
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/limits.h"
#include "store/memory/memory_store.h"
#include "store/sqlite/sqlite_store.h"
#include <pthread.h>

enum backend { BACKEND_MEMORY, BACKEND_SQLITE };

struct store_case {
    enum backend backend;
    struct memory_disk *disk;
    char directory[128];
    struct sqlite_config config;
    struct store *store;      /* NULL while closed */
    struct crash_notes notes; /* for the next open */
    struct store_state state;
    struct arena opened; /* lists of `state` */
    struct arena arena;  /* answers of the test, until it ends */
    struct wall now;     /* wall and calendar alike, unless there is an offset */
    int64_t offset_ms;   /* of every group */
    struct ids ids;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct message *done;
};

int case_setup_memory(void **state);
int case_setup_sqlite(void **state);
int case_setup_sqlite_small(void **state); /* indexes that seal and merge after a few keys */
int case_teardown(void **state);

#define STORE_TEST(test)                                                                           \
    {#test " (memory)", test, case_setup_memory, case_teardown, NULL},                             \
        {#test " (sqlite)", test, case_setup_sqlite, case_teardown, NULL},                         \
    {                                                                                              \
#test " (sqlite, small indexes)", test, case_setup_sqlite_small, case_teardown, NULL       \
    }

#define SQLITE_TEST(test)                                                                          \
    {#test, test, case_setup_sqlite, case_teardown, NULL},                                         \
    {                                                                                              \
#test " (small indexes)", test, case_setup_sqlite_small, case_teardown, NULL               \
    }

void case_entropy(void *self, void *at, size_t len); /* of struct entropy */
struct store_case *case_new(enum backend backend);
void case_free(struct store_case *c);
void case_remove(const char *directory); /* with the files in it */
void case_open(struct store_case *c);
enum err case_try_open(struct store_case *c, struct why *why);
void case_close(struct store_case *c); /* cleanly; may be opened again */

/* Runs the ops as one group; results live in c->arena. Fails the test if it is refused. */
void case_run(struct store_case *c, struct op **ops, uint32_t count);
void case_op(struct store_case *c, struct op *op);
/* Asks; the answer lives in c->arena's stead, in an arena that the case frees. */
struct query *case_ask(struct store_case *c, struct query query);
/* The same, failing the test unless it is OK. */
struct query *case_get(struct store_case *c, struct query query);

/* -- what most tests need --------------------------------------------------------------------- */

uint32_t case_app(struct store_case *c, const char *name);
struct change case_change(struct store_case *c, struct change change);
int64_t case_user(struct store_case *c, uint32_t app, const char *user_id);
void case_device(struct store_case *c, uint32_t app, const char *user_id, const char *device_id,
                 const char *token);

struct draft {
    uint32_t app;
    enum mode mode;
    enum priority priority;
    enum guarantee guarantee;
    enum kind kind;
    enum place place; /* of every delivery */
    uint32_t deliveries;
    int64_t user;
    const char *user_id, *device_id, *address, *category, *template_name;
    const char *event_id, *body; /* event_id NULL: not idempotent */
    int64_t ttl_ms;              /* 0: a day */
    enum strategy strategy;      /* first: on push, sms and e-mail */
    uint32_t entry_rows;         /* deliveries of each entry of `to`; 0: 1 */
};

/* An accept with all it borrows, made from a draft. */
struct accept_case {
    struct accept accept;
    struct notification notification;
    struct delivery *deliveries;
    unsigned char *places;
};
struct accept_case *case_make_accept(struct store_case *c, const struct draft *draft);
struct idem case_idem(const struct store_case *c, const struct draft *draft);
/* Accepts and returns the id (of the first acceptance if it is a replay). */
int64_t case_accept(struct store_case *c, const struct draft *draft);

struct claim *case_claim(struct store_case *c, uint32_t app, enum kind kind, enum priority priority,
                         uint32_t limit);
/* Marks what is in hand; true if the fence held. */
bool case_mark(struct store_case *c, struct delivery_key key, uint32_t attempt);
/* Settles (id, ordinal) of an ios delivery of normal priority; true if the fence held. */
bool case_settle(struct store_case *c, uint32_t app, struct delivery_key key, uint32_t attempt,
                 enum state end);
bool case_again(struct store_case *c, uint32_t app, struct delivery_key key, uint32_t attempt,
                struct wall due, uint32_t attempts);
bool case_back(struct store_case *c, uint32_t app, struct delivery_key key, uint32_t attempt,
               struct wall due);
bool case_receipt(struct store_case *c, struct delivery_key key, enum state state);
/* Sweeps until nothing more is due. */
void case_sweep(struct store_case *c, struct span retention);
struct query *case_delivery(struct store_case *c, int64_t id, uint32_t ordinal);
enum state case_state(struct store_case *c, int64_t id, uint32_t ordinal);
uint32_t case_depth(const struct store_case *c, enum kind kind, enum priority priority,
                    uint32_t app); /* as the last opening told it */
void case_later(struct store_case *c, int64_t ms);

#define assert_str(actual, expected) assert_true(case_str_is(actual, expected))
bool case_str_is(struct str actual, const char *expected); /* says both if they differ */
