/* api/explain.c - see explain.h. */
#include "api/explain.h"

struct teller {
    const struct explain_question *q;
    struct arena *arena;
};

static struct str say_time(struct arena *arena, struct wall at)
{
    char text[WALL_TEXT_SIZE];
    wall_format(at, text);
    return arena_copy(arena, str_of(text));
}

/* The last event that an attempt caused; NULL: none. */
static const struct event *last_attempt(const struct explain_question *q)
{
    for (uint32_t i = q->event_count; i-- > 0;)
        if (q->events[i].attempt)
            return &q->events[i];
    return NULL;
}

static const struct event *last_event(const struct explain_question *q)
{
    return q->event_count ? &q->events[q->event_count - 1] : NULL;
}

/* "503 ServiceUnavailable (try later)" */
static struct str say_answer(struct arena *arena, const struct event *event)
{
    bool same = str_eq(event->code, event->reason);
    struct str reason = same ? STR_NONE : event->reason;
    return arena_printf(arena, "%.*s%s%.*s%s%.*s%s", STR_ARG(event->code),
                        event->code.len && reason.len ? " " : "", STR_ARG(reason),
                        event->detail.len ? " (" : "", STR_ARG(event->detail),
                        event->detail.len ? ")" : "");
}

/* "attempt 2, by twilio at ..., got 503 ..." */
static struct str say_attempt(struct arena *arena, const struct event *event)
{
    return arena_printf(arena, "attempt %u%s%.*s at %.*s got %.*s", event->attempt,
                        event->provider.len ? ", by " : "", STR_ARG(event->provider),
                        STR_ARG(say_time(arena, event->at)), STR_ARG(say_answer(arena, event)));
}

/* -------------------------------------------------------------------------- what waits ---- */

static struct str say_blocked(const struct teller *t)
{
    const struct blocked *blocked = t->q->blocked;
    if (!blocked)
        return STR("");
    struct str text = t->q->tell_all ? blocked->detail : blocked->brief;
    return arena_printf(t->arena, " Its lane waits: %.*s.", STR_ARG(text));
}

/* The attempt after which it waits; NULL: none since acceptance or redrive. A limit uses none up,
 * and is what it waits for all the same. */
static const struct event *waits_after(const struct teller *t)
{
    const struct event *last = last_event(t->q);
    return last && last->attempt ? last : t->q->view->attempts ? last_attempt(t->q) : NULL;
}

static struct str say_queued(const struct teller *t)
{
    const struct delivery_view *view = t->q->view;
    const struct event *attempt = waits_after(t), *last = last_event(t->q);
    bool later = view->next_due.ms != WALL_NEVER.ms && view->next_due.ms > t->q->now.ms;
    struct str when =
        later ? arena_printf(t->arena, ", due at %.*s", STR_ARG(say_time(t->arena, view->next_due)))
              : STR("");
    /* Until its own time comes it does not wait for a breaker, which may be another rule's. */
    bool own = later && attempt && t->q->blocked && t->q->blocked->by == BLOCKED_BREAKER_OPEN;
    struct str blocked = own ? STR("") : say_blocked(t);
    if (attempt)
        return arena_printf(t->arena, "Waiting for attempt %u%.*s: %.*s.%.*s", view->attempts + 1,
                            STR_ARG(when), STR_ARG(say_attempt(t->arena, attempt)),
                            STR_ARG(blocked));
    if (last && str_eq(last->reason, STR("redriven")))
        return arena_printf(t->arena, "Redriven at %.*s, and waiting for its turn%.*s.%.*s",
                            STR_ARG(say_time(t->arena, last->at)), STR_ARG(when), STR_ARG(blocked));
    return arena_printf(t->arena, "Waiting for its turn%.*s; not attempted yet.%.*s", STR_ARG(when),
                        STR_ARG(blocked));
}

static struct str say_sending(const struct teller *t)
{
    return arena_printf(t->arena, "Being sent now: attempt %u.%.*s", t->q->view->attempts,
                        STR_ARG(say_blocked(t)));
}

/* -------------------------------------------------------------------- what was not sent ---- */

static const char *address_words(enum channel channel)
{
    switch (channel) {
    case CHANNEL_PUSH:
        return "device";
    case CHANNEL_SMS:
        return "phone number";
    default:
        return "e-mail address";
    }
}

static struct str say_suppressed(const struct teller *t)
{
    const struct delivery_view *view = t->q->view;
    enum channel channel = kind_channel(view->delivery.kind);
    struct str reason = view->reason;
    if (str_eq(reason, REASON_OPTED_OUT))
        return arena_printf(t->arena, "Not sent: the user has opted out of %.*s for category %.*s.",
                            STR_ARG(channel_name(channel)), STR_ARG(t->q->notification->category));
    if (str_eq(reason, REASON_NO_ADDRESS) && view->delivery.user_id.at && !view->delivery.user)
        return arena_printf(t->arena, "Not sent: there was no user %.*s.",
                            STR_ARG(view->delivery.user_id));
    if (str_eq(reason, REASON_NO_ADDRESS))
        return arena_printf(t->arena, "Not sent: the user has no %s.", address_words(channel));
    if (str_eq(reason, REASON_INVALID_TOKEN))
        return STR("Not sent: the provider has said that the device's token is no longer valid; "
                   "the device has to register again.");
    if (str_eq(reason, REASON_SUPPRESSION))
        return arena_printf(t->arena, "Not sent: the %s is on the app's suppression list.",
                            address_words(channel));
    return arena_printf(t->arena, "Not sent, by policy: %.*s.", STR_ARG(reason));
}

static struct str say_expired(const struct teller *t)
{
    const struct event *attempt = last_attempt(t->q), *last = last_event(t->q);
    struct str tried =
        attempt ? arena_printf(t->arena, "; %.*s", STR_ARG(say_attempt(t->arena, attempt)))
                : STR(", and it had not been attempted");
    return arena_printf(t->arena,
                        "Not sent: its time to live had passed at %.*s before a provider took "
                        "it%.*s.",
                        STR_ARG(say_time(t->arena, last ? last->at : t->q->view->updated_at)),
                        STR_ARG(tried));
}

static struct str say_cancelled(const struct teller *t)
{
    return arena_printf(t->arena, "Not sent: the notification was cancelled at %.*s%s.",
                        STR_ARG(say_time(t->arena, t->q->view->updated_at)),
                        last_attempt(t->q) ? ", between attempts" : "");
}

static struct str say_failed(const struct teller *t)
{
    const struct event *last = last_event(t->q);
    if (!last)
        return STR("Failed.");
    if (!last->provider.len)
        return arena_printf(t->arena, "Failed, and no provider was asked: %.*s.",
                            STR_ARG(say_answer(t->arena, last)));
    if (!last->attempt)
        return arena_printf(t->arena,
                            "Failed: %.*s reported at %.*s that it was not delivered: "
                            "%.*s.",
                            STR_ARG(last->provider), STR_ARG(say_time(t->arena, last->at)),
                            STR_ARG(say_answer(t->arena, last)));
    return arena_printf(t->arena, "Failed: it was refused for good: %.*s.",
                        STR_ARG(say_attempt(t->arena, last)));
}

static struct str say_dead(const struct teller *t)
{
    const struct event *last = last_event(t->q), *attempt = last_attempt(t->q);
    struct str after = STR("; it may be redriven");
    if (last && !last->attempt && str_eq(last->reason, STR("deleted")))
        after = arena_printf(t->arena, "; its dead letter was deleted %.*s", STR_ARG(last->detail));
    return arena_printf(t->arena, "Given up after %u attempts%s%.*s%.*s.", t->q->view->attempts,
                        attempt ? ": " : "",
                        STR_ARG(attempt ? say_attempt(t->arena, attempt) : STR("")),
                        STR_ARG(after));
}

static struct str say_unknown(const struct teller *t)
{
    const struct event *last = last_event(t->q);
    return arena_printf(t->arena,
                        "It may have been sent, and is not sent again, because its guarantee is "
                        "at_most_once: %.*s.",
                        STR_ARG(last && last->code.len ? say_attempt(t->arena, last)
                                                       : STR("the attempt was cut off")));
}

/* ---------------------------------------------------------------------- what was taken ---- */

static struct str say_sent(const struct teller *t)
{
    const struct event *last = last_attempt(t->q);
    return arena_printf(t->arena, "%.*s took it at %.*s, in attempt %u; no receipt has come.",
                        STR_ARG(t->q->view->provider),
                        STR_ARG(say_time(t->arena, last ? last->at : t->q->view->updated_at)),
                        last ? last->attempt : t->q->view->attempts);
}

static struct str say_received(const struct teller *t)
{
    static const char *const words[STATE_COUNT] = {[STATE_DELIVERED] = "Delivered",
                                                   [STATE_OPENED] = "Delivered and opened",
                                                   [STATE_CLICKED] = "Delivered and clicked"};
    const struct event *last = last_event(t->q);
    return arena_printf(t->arena, "%s, as %.*s reported at %.*s.", words[t->q->view->state],
                        STR_ARG(t->q->view->provider),
                        STR_ARG(say_time(t->arena, last ? last->at : t->q->view->updated_at)));
}

struct str explain(const struct explain_question *question, struct arena *arena)
{
    const struct teller t = {question, arena};
    switch (question->view->state) {
    case STATE_SCHEDULED:
        return STR("Waiting for its time.");
    case STATE_QUEUED:
        return say_queued(&t);
    case STATE_SENDING:
        return say_sending(&t);
    case STATE_SENT:
        return say_sent(&t);
    case STATE_DELIVERED:
    case STATE_OPENED:
    case STATE_CLICKED:
        return say_received(&t);
    case STATE_FAILED:
        return say_failed(&t);
    case STATE_DEAD:
        return say_dead(&t);
    case STATE_SUPPRESSED:
        return say_suppressed(&t);
    case STATE_EXPIRED:
        return say_expired(&t);
    case STATE_CANCELLED:
        return say_cancelled(&t);
    case STATE_UNKNOWN:
        return say_unknown(&t);
    case STATE_COUNT:
        break;
    }
    return STR_NONE;
}
