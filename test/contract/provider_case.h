/* test/contract/provider_case.h - one configured provider and one attempt, ready to be changed.
 *
 * Everything is fixed but the keys, which are made anew in each run.
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "port/provider.h"

struct provider_case {
    const struct provider_ops *ops;
    void *self;
    struct arena arena;
    struct notification notification;
    struct delivery delivery;
    struct content content;
    struct parcel parcel;
    struct request request; /* the last one composed */
    struct why why;
    uint32_t entropy_at;
    struct entropy entropy; /* 00 01 02 ... in every case */
};

/* A setting's name and value; an empty value takes it away. Closed by {NULL, NULL}. */
typedef const char *const setting_change[2];

#define NOW_MS 1796115600000 /* 2026-12-01T09:00:00Z */

/* Opens the driver with settings that are complete and right, but for `changes` (may be NULL). */
enum err case_try(struct provider_case *c, const char *driver, const char *public_url,
                  setting_change *changes);
/* The same; it must succeed. */
void case_open(struct provider_case *c, const char *driver, setting_change *changes);
void case_close(struct provider_case *c);

/* The attempt as it was at first: kind, address and content as the driver's first kind needs. */
void case_reset(struct provider_case *c);
void case_data(struct provider_case *c, const char *json);
/* Composes with the credential "CREDENTIAL" and entropy from its start. */
enum err case_compose(struct provider_case *c);
/* A whole answer, judged. `headers`: "name: value\n" lines, or NULL. */
struct verdict case_judge(struct provider_case *c, int status, const char *headers,
                          const char *body);
struct reply case_reply(struct provider_case *c, int status, const char *headers, const char *body);

/* `count` times 'x', in the case's arena. */
struct str case_xs(struct provider_case *c, size_t count);
bool str_contains(struct str text, const char *part);

/* One published answer and what it must mean. */
struct judgement {
    int status;
    const char *headers, *body;
    enum fate fate;
    enum scope scope;
    enum effect effect;
    const char *code, *reason; /* NULL: none */
};
void check_judgements(const char *driver, const struct judgement *rows, size_t count);
/* A change of settings that must be refused, and a word that the sentence must hold. */
struct refusal {
    const char *name, *value, *says;
};
void check_refusals(const char *driver, const struct refusal *rows, size_t count);
