/* model/verdict.h - what a provider's answer means to us.
 *
 * Fate drives the delivery, scope says how far the trouble reaches, effect what else follows. What
 * a verdict does is decided in one file, core/outcome.c. The classes of the providers' tables:
 *
 *   ACCEPTED  DONE       DELIVERY  NONE
 *   RETRY     AGAIN      DELIVERY  NONE
 *   THROTTLE  AGAIN      any       THROTTLE
 *   CRED      AGAIN      PROVIDER  REFRESH
 *   CONFIG    AGAIN      PROVIDER  HOLD
 *   PERM      NEVER      DELIVERY  NONE
 *   DEAD      NEVER      ADDRESS   RETIRE
 *   SUPPRESS  NEVER      ADDRESS   SUPPRESS
 *   OUTAGE    AGAIN      PROVIDER  NONE      known to have sent nothing; feeds the breaker
 *   AMBIG     AMBIGUOUS  PROVIDER  NONE      perhaps sent; feeds the breaker, too
 *
 * AGAIN is the provider's word, or the protocol's proof, that it did not take the message: a 4xx, a
 * refused stream, a request that never left. A 5xx of HTTP is neither: the fault may have come
 * after the message was taken, and for FCM's 503 that has been seen.
 *
 * For endpoints that subscribers choose (Web Push), ORIGIN stands where PROVIDER would.
 */
#pragma once
#include "base/time.h"

enum fate { FATE_DONE, FATE_AGAIN, FATE_NEVER, FATE_AMBIGUOUS };
enum scope { SCOPE_DELIVERY, SCOPE_ADDRESS, SCOPE_ORIGIN, SCOPE_PROVIDER };
enum effect {
    EFFECT_NONE,
    EFFECT_THROTTLE,  /* slower; no failure of the provider, no attempt consumed */
    EFFECT_REFRESH,   /* a stale credential: once more at once with a fresh one */
    EFFECT_RETIRE,    /* the token or subscription is gone */
    EFFECT_SUPPRESS,  /* never write to this address again */
    EFFECT_HOLD,      /* our account or key is wrong: an operator is needed */
    EFFECT_ELSEWHERE, /* this provider cannot reach the recipient; the next of the rule may */
};

struct verdict {
    enum fate fate;
    enum scope scope;
    enum effect effect;
    bool answered;             /* the provider has spoken; else this is our own conclusion */
    struct span retry_after;   /* us == 0: none given */
    struct wall invalid_since; /* RETIRE: the provider's time; ms == 0: none given */
    struct str code;           /* as the provider spells it: "410", "21610", "UNREGISTERED" */
    struct str reason;         /* short; the provider's own word where it has one */
    struct str detail;
    struct str message_id; /* DONE: the provider's id, or absent */
};
