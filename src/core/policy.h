/* core/policy.h - may this delivery be sent, as the recipient and the category have it now?
 *
 * Pure. Asked twice: when a notification is planned, and again whenever a delivery is claimed from
 * the calendar. Suppressions bind always; a mandatory category ignores opt-outs; of two choices
 * the more exact wins (channel within category, then channel); an absent choice is yes.
 */
#pragma once
#include "model/recipient.h"

struct policy_question {
    const struct category *category;
    const struct preferences *preferences; /* NULL: a direct address has none */
    enum channel channel;
    bool has_address;
    bool suppressed; /* the address is on the suppression list */
    bool invalid;    /* the device's token was reported dead */
};

/* Absent: send. Else the reason, one of REASON_*. */
struct str policy_ask(const struct policy_question *question);
