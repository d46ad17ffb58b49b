/* flow/ledger_tickets.c - tickets: handed to couriers, brought back, and settled. */
#include "core/outcome.h"
#include "core/plan.h"
#include "flow/ledger_state.h"
#include <stdlib.h>

enum {
    BLOCKED_MS = 100, /* what comes back to wait longer does so on account of its provider */
};

static enum priority ticket_priority(const struct ticket *ticket)
{
    return lane_priority(ticket->lane);
}

struct ticket *ledger_ticket(struct ledger *ledger, struct bundle *bundle, uint32_t ordinal,
                             struct now now)
{
    struct ticket *ticket = malloc(sizeof *ticket);
    if (!ticket)
        return NULL;
    const struct notification *notification = &bundle->notification;
    const struct delivery *delivery = &bundle->deliveries[ordinal];
    memset(ticket, 0, offsetof(struct ticket, text));
    memset(&ticket->settle, 0, sizeof ticket->settle);
    memset(&ticket->receipt_op, 0, sizeof ticket->receipt_op);
    list_init(&ticket->link);
    list_init(&ticket->out);
    ticket->bundle = bundle;
    ticket->notification = notification;
    ticket->delivery = delivery;
    ticket->lane = lane_of(delivery->kind, notification->priority);
    ticket->attempt = 1;
    ticket->expires_at = notification->expires_at;
    ticket->expires = calendar_mono(&ledger->calendar, ticket->expires_at);
    ticket->since = now.mono;
    ledger_note_take(ledger, ticket);
    struct lane *lane = &ledger->lanes.list[ticket->lane];
    if (!lane->busy_since.us)
        lane->busy_since = now.mono;
    lanes_hold(&ledger->lanes, ticket->lane, notification->app, bundle->arena.used,
               bundle->refs++ == 0, bundle->kind_refs[delivery->kind]++ == 0);
    return ticket;
}

void ledger_ticket_free(struct ledger *ledger, struct ticket *ticket)
{
    struct bundle *bundle = ticket->bundle;
    uint32_t *of_kind = &bundle->kind_refs[ticket->delivery->kind];
    must(bundle->refs > 0 && *of_kind > 0);
    --bundle->refs;
    --*of_kind;
    ledger_note_give(ledger, ticket);
    lanes_release(&ledger->lanes, ticket->lane, ticket->notification->app, bundle->arena.used,
                  !bundle->refs, !*of_kind);
    if (ledger_roll_keeps(ledger, ticket))
        return;
    if (!bundle->refs && !bundle->ghosts)
        bundle_free(bundle);
    free(ticket);
}

void ledger_send(struct ledger *ledger, struct ticket *ticket)
{
    uint32_t courier = (uint32_t)ticket->delivery->kind % ledger->config.courier_count;
    struct tickets **box = &ledger->outbox[courier];
    if (!*box) {
        *box = malloc(sizeof **box);
        must(*box); /* the claim is durable: only a restart can hand it out again */
        **box = (struct tickets){.message = {.type = COURIER_TICKETS}};
        list_init(&(*box)->list);
    }
    list_add_last(&(*box)->list, &ticket->link);
    ledger_roll_out(ledger, ticket);
}

void ledger_flush(struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->config.courier_count; i++) {
        if (!ledger->outbox[i])
            continue;
        inbox_post(&ledger->config.couriers[i], &ledger->outbox[i]->message);
        ledger->outbox[i] = NULL;
    }
}

/* ----------------------------------------------------------------------------- settling ---- */

static struct settle *settle_head(struct ticket *ticket)
{
    struct settle *settle = &ticket->settle;
    *settle = (struct settle){
        .op = {.verb = VERB_SETTLE, .owner = ticket},
        .key = ticket_key(ticket),
        .attempt = ticket->attempt,
        .lane = ticket->lane,
        .app = ticket->notification->app,
        .mode = ticket->notification->mode,
        .due = WALL_NEVER,
    };
    return settle;
}

/* Is there another channel to try if this one has reached nobody? */
static bool may_follow(const struct ticket *ticket)
{
    enum state state = ticket->settle.event.state;
    uint32_t left = 0;
    if (ticket->notification->strategy != STRATEGY_FIRST || !ticket->delivery->user ||
        (state != STATE_FAILED && state != STATE_DEAD && state != STATE_SUPPRESSED))
        return false;
    (void)plan_channels_after(ticket->notification, kind_channel(ticket->delivery->kind), &left);
    return left > 0;
}

static void queue_settle(struct ledger *ledger, struct ticket *ticket)
{
    must(op_queue_reserve(&ledger->urgent, 2));
    ticket->settle.follow = ticket->settle.to == SETTLE_END && may_follow(ticket);
    op_queue_add(&ledger->urgent, &ticket->settle.op);
    if (ticket->receipt && ticket->settle.to == SETTLE_END &&
        ticket->settle.event.state == STATE_SENT) {
        ticket->receipt_op = (struct receipt){
            .op = {.verb = VERB_RECEIPT, .owner = ticket},
            .key = ticket_key(ticket),
            .event = {.at = ticket->ended_at,
                      .state = STATE_DELIVERED,
                      .provider = ticket->provider},
        };
        op_queue_add(&ledger->urgent, &ticket->receipt_op.op);
    } else {
        ticket->receipt = false;
    }
}

void ledger_end_unsent(struct ledger *ledger, struct now now, struct ticket *ticket,
                       enum state state, struct str reason)
{
    struct settle *settle = settle_head(ticket);
    settle->to = SETTLE_END;
    settle->event = (struct event){.at = now.wall, .state = state, .reason = reason};
    queue_settle(ledger, ticket);
}

void ledger_give_back(struct ledger *ledger, struct now now, struct ticket *ticket)
{
    struct settle *settle = settle_head(ticket);
    struct wall at = ledger->calendar.at;
    settle->to = SETTLE_BACK;
    settle->due = at;
    if (ticket->back_in.us > 0) /* by then it ends as expired, if not earlier */
        settle->due = wall_min(wall_add(at, ticket->back_in), ticket->expires_at);
    if (ticket->back_in.us > BLOCKED_MS * 1000 && !ticket->alone)
        lanes_rest(&ledger->lanes, lanes_shelf(&ledger->lanes, ticket->lane, settle->app),
                   (struct now){now.mono, at});
    queue_settle(ledger, ticket);
}

static bool was_cancelled(const struct ledger *ledger, const struct ticket *ticket)
{
    if (ticket->cancelled)
        return true;
    for (uint32_t i = 0; i < CANCELLED_RECENT; i++)
        if (ledger->cancelled[i] == ticket->notification->id)
            return true;
    return false;
}

static void settle_judged(struct ledger *ledger, struct ticket *ticket)
{
    const struct verdict *verdict = &ticket->verdict;
    struct outcome_question question = {
        .verdict = verdict,
        .guarantee = ticket->notification->guarantee,
        .attempts = ticket->attempt - 1,
        .next_provider = ticket->more_providers,
        .now = ledger->calendar.at,
        .expires = ticket->expires_at,
        .policy = &ledger->config.retry[ticket_priority(ticket)],
    };
    if (verdict->fate == FATE_AGAIN || verdict->fate == FATE_AMBIGUOUS)
        question.cancelled = was_cancelled(ledger, ticket);
    struct outcome outcome = outcome_of(&question, &ledger->rng);
    struct settle *settle = settle_head(ticket);
    settle->to = outcome.again ? SETTLE_AGAIN : SETTLE_END;
    settle->due = outcome.due;
    settle->attempts = outcome.attempts;
    settle->event = (struct event){
        .at = ticket->ended_at,
        .state = outcome.state,
        .attempt = ticket->attempt,
        .began_at = ticket->began_at,
        .due = outcome.again ? outcome.due : (struct wall){0},
        .provider = ticket->provider,
        .route = ticket->route,
        .code = verdict->code,
        .reason = verdict->reason,
        .detail = verdict->detail,
        .message_id = verdict->message_id,
    };
    if (outcome.retire && ticket->delivery->user && ticket->delivery->device_id.at) {
        settle->retire_device = ticket->delivery->device_id;
        settle->user = ticket->delivery->user;
        settle->retire_token = ticket->delivery->address;
        settle->retire_since = verdict->invalid_since;
        settle->retire_reason = verdict->reason;
    }
    if (outcome.suppress && kind_channel(ticket->delivery->kind) != CHANNEL_PUSH) {
        settle->suppress_channel = kind_channel(ticket->delivery->kind);
        settle->suppress_address = ticket->delivery->address;
        settle->suppress_reason = verdict->reason;
    }
    ledger->stats.attempts++;
    ledger->stats.retries += outcome.again;
    queue_settle(ledger, ticket);
}

void ledger_take_ticket(struct ledger *ledger, struct now now, struct ticket *ticket)
{
    switch (ticket->result) {
    case TICKET_JUDGED:
        settle_judged(ledger, ticket);
        return;
    case TICKET_MARK:
        ledger_mark(ledger, ticket);
        return;
    case TICKET_EXPIRED:
        ledger_end_unsent(ledger, now, ticket, STATE_EXPIRED, STR_NONE);
        return;
    case TICKET_BACK:
        if (was_cancelled(ledger, ticket))
            ledger_end_unsent(ledger, now, ticket, STATE_CANCELLED, STR_NONE);
        else
            ledger_give_back(ledger, now, ticket);
        return;
    }
    never("a ticket of no result");
}

void ledger_take_tickets(struct ledger *ledger, struct now now, struct tickets *tickets)
{
    for (struct list *link; (link = list_take_first(&tickets->list));) {
        struct ticket *ticket = list_of(link, struct ticket, link);
        if (!ledger_roll_back(ledger, ticket))
            ledger_take_ticket(ledger, now, ticket);
    }
    free(tickets);
}

/* What a dead token or a refused address means for those who have it cached. */
static void tell_side_effects(struct ledger *ledger, const struct ticket *ticket)
{
    const struct settle *settle = &ticket->settle;
    if (settle->retire_device.at) {
        struct round round = {.type = NOTICE_USERS, .app = settle->app, .users = {settle->user, 0}};
        round.user_ids[0] = ticket->delivery->user_id;
        ledger_tell(ledger, &round, NULL);
    }
    if (settle->suppress_address.at) {
        struct round round = {.type = NOTICE_SUPPRESSION,
                              .app = settle->app,
                              .channel = settle->suppress_channel,
                              .address = settle->suppress_address};
        ledger_tell(ledger, &round, NULL);
    }
}

void ledger_settled(struct ledger *ledger, struct now now, struct settle *settle)
{
    struct ticket *ticket = settle->op.owner;
    struct shelf *shelf = lanes_shelf(&ledger->lanes, ticket->lane, settle->app);
    must(shelf); /* it exists while anything of it is in hand */
    lanes_give(&ledger->lanes, shelf, 1);
    if (settle->applied) {
        if (settle->to != SETTLE_BACK)
            lanes_moved(&ledger->lanes, ticket->lane, now.mono);
        if (settle->to == SETTLE_END) {
            ledger->stats.ended[settle->event.state]++;
            lanes_settled(shelf, now.mono);
            tell_side_effects(ledger, ticket);
            if (settle->followed)
                ledger->follow_at = now.mono;
        } else {
            lanes_pending(&ledger->lanes, shelf, 1, settle->due, ledger->calendar.at);
        }
    }
    if (!ticket->receipt) /* else its receipt op, next in the group, frees it */
        ledger_ticket_free(ledger, ticket);
}
