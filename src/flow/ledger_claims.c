/* flow/ledger_claims.c - what is due goes into the windows, to be handed out or to end unsent. */
#include "core/policy.h"
#include "flow/ledger_state.h"
#include <stdlib.h>

enum { CLAIM_BUNDLE_MAX = 64 * 1024 * 1024 /* what a group's results may hold fits */ };

void ledger_claim_due(struct ledger *ledger)
{
    struct wall now = ledger->calendar.at;
    for (unsigned lane = 0; lane < LANE_COUNT; lane++) {
        uint32_t limit;
        for (struct shelf *shelf;
             (shelf = lanes_turn(&ledger->lanes, lane, now, &limit)) != NULL;) {
            struct work *work = calloc(1, sizeof *work);
            if (!work || !op_queue_reserve(&ledger->urgent, 1)) {
                free(work);
                lanes_claimed(&ledger->lanes, shelf, limit, 0, wall_add(now, span_s(1)), now);
                continue;
            }
            work->shelf = shelf;
            work->claim = (struct claim){
                .op = {.verb = VERB_CLAIM, .owner = work},
                .lane = lane,
                .app = shelf->app,
                .limit = limit,
                .now = now,
            };
            op_queue_add(&ledger->urgent, &work->claim.op);
        }
    }
}

static struct notification copy_notification(struct arena *arena, const struct notification *from)
{
    struct notification to = *from;
    to.category = arena_copy(arena, from->category);
    to.template_name = arena_copy(arena, from->template_name);
    to.partials = arena_copy(arena, from->partials);
    to.collapse_key = arena_copy(arena, from->collapse_key);
    to.event_id = arena_copy(arena, from->event_id);
    to.traceparent = arena_copy(arena, from->traceparent);
    to.request = arena_copy(arena, from->request);
    return to;
}

static struct delivery copy_delivery(struct arena *arena, const struct delivery *from)
{
    struct delivery to = *from;
    to.user_id = arena_copy(arena, from->user_id);
    to.device_id = arena_copy(arena, from->device_id);
    to.address = arena_copy(arena, from->address);
    to.bundle_id = arena_copy(arena, from->bundle_id);
    to.p256dh = arena_copy(arena, from->p256dh);
    to.auth = arena_copy(arena, from->auth);
    to.locale = arena_copy(arena, from->locale);
    to.attributes = arena_copy(arena, from->attributes);
    to.reason = arena_copy(arena, from->reason);
    return to;
}

/* Claimed deliveries of one notification in memory of their own: results go when their group goes.
 * They share one copy of the notification, as the results do: its request may be large. */
static struct bundle *bundle_of_claimed(const struct claimed *claimed, uint32_t count)
{
    struct bundle *bundle = bundle_new(CLAIM_BUNDLE_MAX);
    must(bundle); /* the claim is durable: only a restart can hand it out again */
    bundle->notification = copy_notification(&bundle->arena, claimed->notification);
    bundle->deliveries = arena_array(&bundle->arena, struct delivery, count);
    must(bundle->deliveries);
    for (uint32_t i = 0; i < count; i++)
        bundle->deliveries[i] = copy_delivery(&bundle->arena, claimed[i].delivery);
    must(!bundle->arena.failed);
    return bundle;
}

static struct ticket *ticket_of_claimed(struct ledger *ledger, struct bundle *bundle, uint32_t i,
                                        const struct claimed *claimed, struct now now)
{
    struct ticket *ticket = ledger_ticket(ledger, bundle, i, now);
    must(ticket);
    ticket->attempt = claimed->attempt;
    ticket->expires_at = claimed->expires_at;
    ticket->expires = calendar_mono(&ledger->calendar, claimed->expires_at);
    return ticket;
}

/* How many of these stand side by side with the same notification. */
static uint32_t neighbours(const struct claimed *claimed, uint32_t count)
{
    uint32_t same = 1;
    while (same < count && claimed[same].notification == claimed->notification)
        same++;
    return same;
}

/* Why a claimed delivery may not be sent now; absent: it may. */
static struct str ask_policy(const struct claimed *claimed)
{
    const struct delivery *delivery = claimed->delivery;
    const struct recipient *recipient = &claimed->recipient;
    bool device_gone = delivery->device_id.at && recipient->device_count == 0;
    struct policy_question question = {
        .category = &claimed->category,
        .preferences = delivery->user ? &recipient->preferences : NULL,
        .channel = kind_channel(delivery->kind),
        .has_address = delivery->address.at && !device_gone,
        .suppressed = claimed->suppressed,
        .invalid =
            delivery->device_id.at && !device_gone && recipient->devices[0].invalid_at.ms != 0,
    };
    return policy_ask(&question);
}

static void hand_out(struct ledger *ledger, struct now now, struct ticket *ticket,
                     const struct claimed *claimed)
{
    struct str reason;
    if (ledger->lanes.list[ticket->lane].paused) /* since the claim was asked for */
        ledger_give_back(ledger, now, ticket);
    else if (claimed->cancelled)
        ledger_end_unsent(ledger, now, ticket, STATE_CANCELLED, STR_NONE);
    else if (wall_reached(ledger->calendar.at, claimed->expires_at))
        ledger_end_unsent(ledger, now, ticket, STATE_EXPIRED, STR_NONE);
    else if ((reason = ask_policy(claimed)).at)
        ledger_end_unsent(ledger, now, ticket, STATE_SUPPRESSED, reason);
    else
        ledger_send(ledger, ticket);
}

void ledger_claimed(struct ledger *ledger, struct now now, struct work *work)
{
    struct claim *claim = &work->claim;
    lanes_claimed(&ledger->lanes, work->shelf, claim->limit, claim->count, claim->next_due,
                  ledger->calendar.at);
    if (claim->count)
        ledger->lanes.list[claim->lane].claimed_at = now.mono;
    for (uint32_t i = 0, same; i < claim->count; i += same) {
        const struct claimed *claimed = &claim->list[i];
        same = neighbours(claimed, claim->count - i);
        struct bundle *bundle = bundle_of_claimed(claimed, same);
        for (uint32_t j = 0; j < same; j++)
            hand_out(ledger, now, ticket_of_claimed(ledger, bundle, j, &claimed[j], now),
                     &claimed[j]);
    }
    free(work);
}

void ledger_claim_refused(struct ledger *ledger, struct work *work)
{
    struct wall now = ledger->calendar.at;
    lanes_claimed(&ledger->lanes, work->shelf, work->claim.limit, 0, wall_add(now, span_s(1)), now);
    free(work);
}
