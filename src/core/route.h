/* core/route.h - which provider sends this delivery.
 *
 * Pure. Routes are tried in their order; the first whose kind and conditions match decides. Within
 * it the first attempt goes to the first provider, or to one drawn by weight from the delivery's
 * own seed; each further attempt goes to the next, and round again. So what failed at one provider
 * is tried at another without anything being remembered. A test key's deliveries reach providers of
 * the sandbox driver only, whatever the routes say.
 */
#pragma once
#include "base/rng.h"
#include "model/limits.h"
#include "model/names.h"

enum { ROUTE_TARGETS_MAX = 8, ROUTE_MATCHES_MAX = 64, ROUTE_NONE = UINT32_MAX };

struct route_target {
    uint32_t provider; /* its place in the table of providers */
    uint32_t weight;   /* 0 in all targets: in order */
};

/* An empty list matches anything. */
struct route {
    enum kind kind;
    const struct str *apps, *bundle_ids, *countries, *categories;
    uint32_t app_count, bundle_id_count, country_count, category_count;
    struct route_target targets[ROUTE_TARGETS_MAX];
    uint32_t target_count;
};

struct route_question {
    enum kind kind;
    enum mode mode;
    struct str app, bundle_id, category;
    struct str phone; /* E.164; its country is matched */
    uint32_t attempt; /* from 1 */
    uint64_t seed;    /* the delivery's own, the same for all its attempts */
};

struct routes {
    const struct route *list;
    uint32_t count;
    const struct route_target *sandboxes; /* providers of the sandbox driver, for test keys */
    uint32_t sandbox_count;
};

/* The provider's place, or ROUTE_NONE. *ret_more: another provider of the rule has not had its turn
 * in this round. */
uint32_t route_choose(const struct routes *routes, const struct route_question *question,
                      bool *ret_more);
/* ISO 3166-1 alpha-2 of an E.164 number by its longest calling code; absent if unknown. */
struct str phone_country(struct str phone);
