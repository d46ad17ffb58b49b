/* flow/ledger_accept.c - acceptances: what waits, where each delivery goes, and what is handed out.
 */
#include "flow/ledger_state.h"
#include <stdlib.h>

enum {
    ACCEPTS_WAITING_MAX = 32768, /* a second or two of work: past it a client hears 503 at once */
    ACCEPTS_BYTES_MAX = 64 * 1024 * 1024,
};

static bool is_full(const struct ledger *ledger)
{
    return ledger->accepts.count >= ACCEPTS_WAITING_MAX || ledger->accept_bytes > ACCEPTS_BYTES_MAX;
}

void ledger_take_accept(struct ledger *ledger, struct job *job)
{
    if (ledger->drain) {
        ledger_refuse_job(ledger, job, ERR_CLOSED, "this node is shutting down");
        return;
    }
    if (is_full(ledger)) {
        ledger_refuse_job(ledger, job, ERR_FULL, "too many notifications wait to be stored");
        return;
    }
    struct work *work = ledger_work(ledger, &ledger->accepts, job);
    if (!work)
        return;
    work->bundle = job->accept.bundle;
    work->bytes = work->bundle->arena.used;
    ledger->accept_bytes += work->bytes;
    work->since = ledger_first_unheard(ledger);
    job->accept.bundle = NULL;
    work->accept.op = (struct op){.verb = VERB_ACCEPT, .owner = work};
    op_queue_add(&ledger->accepts, &work->accept.op);
}

/* Does somebody's changed setting make what intake planned for this delivery doubtful? */
static bool doubtful(const struct ledger *ledger, const struct work *work,
                     const struct delivery *delivery)
{
    return work->job->accept.recheck || ledger_user_changed(ledger, work->since, delivery->user);
}

/* False: no memory to count it by. */
static bool place_delivery(struct ledger *ledger, struct now now, struct work *work, uint32_t i)
{
    struct bundle *bundle = work->bundle;
    struct delivery *delivery = &bundle->deliveries[i];
    bundle->places[i] = PLACE_ENDED;
    if (delivery->state != STATE_QUEUED)
        return true;
    bundle->places[i] = PLACE_PENDING;
    unsigned lane = lane_of(delivery->kind, bundle->notification.priority);
    struct shelf *shelf = lanes_shelf(&ledger->lanes, lane, bundle->notification.app);
    if (!shelf)
        return false;
    if (doubtful(ledger, work, delivery) || !lanes_take(&ledger->lanes, shelf, ledger->calendar.at))
        return true;
    struct ticket *ticket = ledger_ticket(ledger, bundle, i, now);
    if (!ticket) {
        lanes_give(&ledger->lanes, shelf, 1);
        return true;
    }
    bundle->places[i] = PLACE_HAND;
    list_add_last(&work->tickets, &ticket->link);
    return true;
}

/* The ttl counts from when the request was complete, by whatever clock it was given a date then. */
static struct wall expiry_of(const struct ledger *ledger, struct now now, const struct work *work)
{
    struct wall expires_at = work->bundle->notification.expires_at;
    const struct now *asked = &work->job->now;
    if (expires_at.ms == WALL_NEVER.ms)
        return expires_at;
    struct span left = span_ms(expires_at.ms - asked->wall.ms);
    left.us -= mono_since(asked->mono, now.mono).us;
    return wall_add(ledger->calendar.at, left);
}

bool ledger_prepare_accept(struct ledger *ledger, struct now now, struct work *work)
{
    struct bundle *bundle = work->bundle;
    uint32_t count = bundle->notification.delivery_count;
    if (!bundle->places)
        bundle->places = arena_array(&bundle->arena, unsigned char, count ? count : 1);
    if (!bundle->places)
        return false;
    bundle->notification.id = ids_mint(&ledger->ids, now.wall);
    bundle->notification.expires_at = expiry_of(ledger, now, work);
    for (uint32_t i = 0; i < count; i++)
        if (!place_delivery(ledger, now, work, i))
            return false;
    work->accept = (struct accept){
        .op = work->accept.op,
        .idem = work->job->accept.idem,
        .notification = &bundle->notification,
        .deliveries = bundle->deliveries,
        .places = bundle->places,
        .now = ledger->calendar.at,
    };
    work->accept.idem.now = ledger->calendar.at;
    return true;
}

/* Gives back what was reserved for an acceptance that did not happen. */
static void unprepare(struct ledger *ledger, struct work *work)
{
    struct bundle *bundle = work->bundle;
    ledger->accept_bytes -= work->bytes;
    bool counted = !list_empty(&work->tickets); /* the last ticket frees the bundle */
    for (struct list *link; (link = list_take_first(&work->tickets));) {
        struct ticket *ticket = list_of(link, struct ticket, link);
        lanes_give(&ledger->lanes,
                   lanes_shelf(&ledger->lanes, ticket->lane, bundle->notification.app), 1);
        ledger_ticket_free(ledger, ticket);
    }
    if (!counted)
        bundle_free(bundle);
    work->bundle = NULL;
}

static void dispatch(struct ledger *ledger, struct work *work)
{
    struct bundle *bundle = work->bundle;
    const struct notification *notification = &bundle->notification;
    ledger->accept_bytes -= work->bytes;
    for (uint32_t i = 0; i < notification->delivery_count; i++) {
        unsigned lane = lane_of(bundle->deliveries[i].kind, notification->priority);
        if (bundle->places[i] == PLACE_PENDING) {
            struct shelf *shelf = lanes_shelf(&ledger->lanes, lane, notification->app);
            must(shelf); /* place_delivery has made it */
            lanes_pending(&ledger->lanes, shelf, 1, work->accept.now, ledger->calendar.at);
        } else if (bundle->places[i] == PLACE_ENDED) {
            ledger->stats.ended[bundle->deliveries[i].state]++;
        }
    }
    bool held = !list_empty(&work->tickets);
    for (struct list *link; (link = list_take_first(&work->tickets));)
        ledger_send(ledger, list_of(link, struct ticket, link));
    if (!held)
        bundle_free(bundle);
}

void ledger_accepted(struct ledger *ledger, struct work *work)
{
    struct job *job = work->job;
    job->accept.result = work->accept.result;
    if (work->accept.result == IDEM_NEW) {
        job->accept.id = work->bundle->notification.id;
        job->accept.deliveries = work->bundle->notification.delivery_count;
        ledger->stats.accepted++;
        dispatch(ledger, work);
    } else {
        job->accept.id = work->accept.replay_id;
        job->accept.deliveries = work->accept.replay_deliveries;
        ledger->stats.replayed += work->accept.result == IDEM_REPLAY;
        ledger->stats.mismatched += work->accept.result == IDEM_MISMATCH;
        unprepare(ledger, work);
    }
    ledger_answer(ledger, job);
    free(work);
}

void ledger_accept_refused(struct ledger *ledger, struct work *work, const struct why *why)
{
    unprepare(ledger, work);
    ledger_refuse_job(ledger, work->job, ERR_IO, why->text);
    free(work);
}
