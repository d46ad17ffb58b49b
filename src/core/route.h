/* core/route.h - which provider sends this delivery.
 *
 * Pure. Routes are tried in their order; the first whose kind and conditions match decides. Its
 * providers stand in the order written or, by weight, in one drawn from the delivery's own seed;
 * those that admit nothing now are passed over, so that their weight goes to the others. The first
 * attempt goes to the first that is left, each further one to the next, and round again: what
 * failed at one provider is tried at another without anything being remembered. One that is being
 * tried out gets single probes, one that comes back its share by draw. A test key's deliveries
 * reach providers of the sandbox driver only, whatever the routes say.
 */
#pragma once
#include "base/rng.h"
#include "core/breaker.h"
#include "model/limits.h"
#include "model/names.h"

enum {
    ROUTE_TARGETS_MAX = 8,
    ROUTE_MATCHES_MAX = 64,
    ROUTE_NONE = UINT32_MAX,
    ROUTE_TEXT_MAX = 120,
};

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

/* What each provider lets through now, by its breaker. */
struct route_gates {
    enum breaker_door (*ask)(void *self, uint32_t provider);
    uint32_t (*share)(void *self, uint32_t provider); /* where the door is open */
    void *self;
};

struct route_choice {
    uint32_t provider; /* its place, or ROUTE_NONE */
    uint32_t rule;     /* counted from 1; 0: none matches, or a test key's */
    bool test_key;
    bool probe; /* it is the chosen provider's probe */
    bool more;  /* another provider of the rule is available and has not had its turn */
    const struct route_target *targets; /* of the rule */
    uint32_t target_count;
    /* Which of them stood before the chosen one, by bits: shut, not drawn for the share that they
     * have while they come back, or had their turn. */
    unsigned shut, narrow, tried;
};

/* `gates` NULL: all is open. ROUTE_NONE with a rule: none of it is available. */
struct route_choice route_choose(const struct routes *routes, const struct route_question *question,
                                 const struct route_gates *gates);
/* The choice in words: "rule 2 (country KR, JP), past twilio: breaker open". What does not fit is
 * left out. `name` gives a provider's. */
struct str route_text(const struct routes *routes, const struct route_choice *choice,
                      struct str (*name)(const void *self, uint32_t provider), const void *self,
                      char into[ROUTE_TEXT_MAX]);
/* ISO 3166-1 alpha-2 of an E.164 number by its longest calling code; absent if unknown. */
struct str phone_country(struct str phone);
