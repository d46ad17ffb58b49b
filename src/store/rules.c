/* store/rules.c - what the stored facts add up to. */
#include "store/rules.h"
#include "model/limits.h"

enum recovery recovery_of(const struct crash_notes *notes, struct delivery_key key)
{
    const struct crash_note *note = notes ? crash_notes_find(notes, key) : NULL;
    if (!note)
        return notes && notes->known ? RECOVER_UNUSED : RECOVER_USED;
    if (note->fresh)
        return note->strikes >= STRIKES_MAX ? RECOVER_DEAD : RECOVER_SUSPECT;
    return note->begun ? RECOVER_USED : RECOVER_UNUSED;
}

struct event recovery_event(enum recovery recovery, struct delivery_key key, uint32_t attempt,
                            struct wall at, struct wall due)
{
    bool crashed = recovery == RECOVER_SUSPECT;
    return (struct event){
        .key = key,
        .at = at,
        .state = STATE_QUEUED,
        .attempt = attempt,
        .due = due,
        .reason = REASON_CUT_OFF,
        .detail = crashed ? STR("this node crashed while it was at work on it")
                          : STR("this node ended before an answer came: it may have been sent"),
    };
}

bool receipt_moves(enum state from, enum state to)
{
    switch (from) {
    case STATE_SENT:
        return to == STATE_DELIVERED || to == STATE_OPENED || to == STATE_CLICKED ||
               to == STATE_FAILED;
    case STATE_DELIVERED:
        return to == STATE_OPENED || to == STATE_CLICKED;
    case STATE_OPENED:
        return to == STATE_CLICKED;
    default:
        return false;
    }
}

bool ends_unsent(enum state state)
{
    return state == STATE_FAILED || state == STATE_DEAD || state == STATE_SUPPRESSED;
}

bool is_unsent(enum state state)
{
    return ends_unsent(state) || state == STATE_QUEUED || state == STATE_SCHEDULED;
}

bool state_follows(enum state from, enum state to)
{
    if (from == STATE_DEAD) /* redriven, or deleted */
        return to == STATE_QUEUED || to == STATE_DEAD;
    if (from != STATE_QUEUED)
        return receipt_moves(from, to);
    return to == STATE_QUEUED || to == STATE_SENT || to == STATE_FAILED || to == STATE_DEAD ||
           to == STATE_SUPPRESSED || to == STATE_EXPIRED || to == STATE_CANCELLED ||
           to == STATE_UNKNOWN;
}

struct standing standing_of(const struct delivery *delivery, int64_t notification)
{
    return (struct standing){
        .state = delivery->state,
        .reason = delivery->reason,
        .updated_at = id_time(notification),
    };
}

void standing_add(struct standing *standing, const struct event *event)
{
    standing->next_seq = event->seq + 1;
    standing->updated_at = event->at;
    if (standing->state == STATE_DEAD && event->state == STATE_DEAD)
        return; /* deleted: why it died stands */
    standing->state = event->state;
    standing->reason = event->reason;
    if (event->provider.at)
        standing->provider = event->provider;
    if (event->message_id.at)
        standing->message_id = event->message_id;
    if (event->attempt)
        standing->attempts = event->attempt;
    else if (event->state == STATE_QUEUED)
        standing->attempts = 0; /* a redrive */
    standing->due = event->due;
}

struct delivery_view view_of(const struct delivery *delivery, int64_t notification,
                             const struct standing *standing, const struct open_work *open,
                             bool cancelled)
{
    struct delivery_view view = {
        .delivery = *delivery,
        .notification = notification,
        .created_at = delivery->made_at.ms ? delivery->made_at : id_time(notification),
        .updated_at = standing->updated_at,
        .state = standing->state,
        .reason = standing->reason,
        .provider = standing->provider,
        .message_id = standing->message_id,
        .attempts = open->where == OPEN_NOT ? standing->attempts : open->attempts,
        .next_due = WALL_NEVER,
    };
    if (open->where == OPEN_HAND) {
        view.state = STATE_SENDING;
    } else if (open->where == OPEN_PENDING && cancelled) {
        view.state = STATE_CANCELLED; /* the sweep has only not come to it yet */
        view.reason = STR_NONE;
    } else if (open->where == OPEN_PENDING) {
        view.next_due = open->due;
    }
    return view;
}

bool dead_matches(const struct dead_filter *filter, const struct dead_facts *facts)
{
    return (filter->app == 0 || filter->app == facts->app) &&
           (filter->any_mode || filter->mode == facts->mode) &&
           (!filter->by_channel || filter->channel == facts->channel) &&
           (!filter->reason.at || str_eq(filter->reason, facts->reason)) &&
           facts->at.ms >= filter->since.ms &&
           (!filter->until.ms || facts->at.ms < filter->until.ms);
}

struct event redrive_event(const struct redrive *op, struct delivery_key key, uint32_t place)
{
    struct event event = {.key = key, .at = op->now, .detail = op->detail};
    if (op->delete_only) {
        event.state = STATE_DEAD;
        event.reason = REASON_DELETED;
        return event;
    }
    event.state = STATE_QUEUED;
    event.reason = REASON_REDRIVEN;
    event.due = wall_add(op->due, (struct span){op->gap.us * place});
    return event;
}

bool notification_matches(const struct query *query, const struct notification *notification)
{
    const struct notification_filter *filter = &query->filter;
    struct wall created = id_time(notification->id);
    return (query->app == 0 || query->app == notification->app) &&
           (query->any_mode || query->mode == notification->mode) &&
           (!filter->category.at || str_eq(filter->category, notification->category)) &&
           (!filter->template_name.at ||
            (notification->template_name.at &&
             str_eq(filter->template_name, notification->template_name))) &&
           created.ms >= filter->since.ms &&
           (filter->until.ms == 0 || created.ms < filter->until.ms);
}

bool change_is_of_app(enum change_type type)
{
    return type != CHANGE_APP_CREATE && type != CHANGE_STEER_PUT && type != CHANGE_STEER_END;
}

static void date(struct wall *at, int64_t offset_ms)
{
    if (at->ms != 0 && at->ms != WALL_NEVER.ms)
        at->ms += offset_ms;
}

void query_date(struct query *query, int64_t offset_ms)
{
    bool notifications = query->type == QUERY_NOTIFICATION || query->type == QUERY_NOTIFICATIONS;
    bool steps = query->type == QUERY_EVENTS, one = query->type == QUERY_DELIVERY;
    bool list =
        query->type == QUERY_DELIVERIES || (query->type == QUERY_DEAD && !query->count_only);
    if (!offset_ms || query->err)
        return;
    uint32_t deliveries = list ? query->count : steps ? query->delivery_count : one;
    for (uint32_t i = 0; i < deliveries; i++)
        date(&query->deliveries[i].next_due, offset_ms);
    for (uint32_t i = 0; i < (notifications ? query->count : (uint32_t)one); i++)
        date(&query->notifications[i].notification.expires_at, offset_ms);
    for (uint32_t i = 0; (steps || one) && i < query->count; i++)
        date(&query->events[i].due, offset_ms);
}

bool events_by_time(const struct query *query, uint32_t deliveries)
{
    return query->cursor_set ? query->cursor_id != query->id : deliveries <= EVENTS_BY_TIME_MAX;
}

bool idem_live(struct wall accepted, struct wall now)
{
    return !wall_reached(now, wall_add(accepted, span_s(IDEMPOTENCY_DAYS * 86400)));
}

uint32_t page_limit(uint32_t limit)
{
    if (limit == 0)
        return PAGE_DEFAULT;
    return limit < PAGE_MAX ? limit : PAGE_MAX;
}

struct wall expiry_afresh(const struct notification *notification, struct wall accepted,
                          struct wall now)
{
    if (notification->expires_at.ms == INT64_MAX)
        return WALL_NEVER;
    return wall_add(now, span_ms(notification->expires_at.ms - accepted.ms));
}
