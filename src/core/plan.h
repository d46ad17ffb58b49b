/* core/plan.h - who gets a notification on which channel: the rows of its deliveries.
 *
 * Pure. For each entry of `to`, in order, and each listed channel that has content, in order:
 * one row a device for push, one for SMS, one for e-mail; queued, or suppressed with the reason of
 * core/policy. Without an address for a channel one row says so (no_address), and an unknown user
 * comes to a single such row, on the first channel. A device whose token is known dead makes no
 * row while another of the user lives; if all are dead, one row says invalid_token. A user, or a
 * direct address, that is listed twice counts once: the first entry wins. A direct address is
 * meant, whatever channels its category lists; it makes its row if its channel has content.
 *
 * Strategy `first` plans a user's channels up to the first with a queued row; those behind it are
 * planned when all rows of that one have ended and nobody was reached, by a plan of the one user
 * and plan_channels_after. The limit counts what all channels would make.
 *
 * A push row without an address has no kind: `kind` is then KIND_IOS, and means nothing
 * (plan_has_kind tells).
 * Threads: any. Errors: ERR_LIMIT over DELIVERIES_MAX rows, ERR_MEMORY.
 */
#pragma once
#include "base/arena.h"
#include "model/notification.h"
#include "model/recipient.h"

/* Its strings are taken as they are: they live where the deliveries will. */
struct plan_entry {
    struct str user_id;                /* absent: a direct address */
    const struct recipient *recipient; /* of user_id; user.number == 0: unknown */
    /* Direct. */
    enum kind kind;
    struct str address, bundle_id, p256dh, auth;
    bool sandbox;
    bool suppressed; /* the address is on the suppression list */
};

struct plan {
    const struct plan_entry *entries;
    uint32_t entry_count;
    const enum channel *channels; /* distinct, in order */
    uint32_t channel_count;
    bool has_content[CHANNEL_COUNT];
    enum strategy strategy;
    const struct category *category;
    bool wants_attributes; /* the template uses them: each row takes a copy */
};

/* The rows, ordinals 0.., in `arena`, with copies of what comes from a recipient. */
enum err plan_deliveries(const struct plan *plan, struct arena *arena, struct delivery **ret,
                         uint32_t *ret_count, struct why *why) must_use;

/* The channels that strategy `first` tries after `tried`, in order; *ret_count 0: there is none, or
 * the strategy is another. */
const enum channel *plan_channels_after(const struct notification *notification, enum channel tried,
                                        uint32_t *ret_count);

/* False for the rows whose `kind` means nothing. */
bool plan_has_kind(const struct delivery *delivery);
