/* flow/ledger_follow.c - strategy `first`: where a channel has reached nobody, the next is planned.
 *
 * One round at a time: open marks are loaded with what planning needs as it stands now, each is
 * planned and submitted as an extend, and once all are durable the next round looks for more. A
 * mark whose round comes to nothing stays open in the store. The rows wait in the calendar, due at
 * once: their claim asks policy again, and sees what has changed since they were planned.
 */
#include "core/plan.h"
#include "flow/ledger_state.h"
#include <stdlib.h>

enum {
    FOLLOW_ARENA_MAX = 64 * 1024 * 1024,
    FOLLOW_AGAIN_MS = 500, /* after a round that memory was too short for */
};

/* One mark's deliveries, with the lanes that they go to. */
struct extension {
    struct extend extend;
    uint32_t app;
    enum priority priority;
};

/* A round. Its arena holds the extensions and what they point at. */
struct following {
    struct follow load;
    uint32_t left; /* extensions that are not back yet */
    bool more;     /* there may be other marks */
    bool failed;   /* some could not be planned */
    struct arena arena;
};

void ledger_follow_due(struct ledger *ledger, struct now now)
{
    if (ledger->following || !mono_reached(now.mono, ledger->follow_at))
        return;
    struct following *round = calloc(1, sizeof *round);
    if (!round || !op_queue_reserve(&ledger->urgent, 1)) {
        free(round);
        ledger->follow_at = mono_add(now.mono, span_ms(FOLLOW_AGAIN_MS));
        return;
    }
    arena_init(&round->arena, FOLLOW_ARENA_MAX);
    round->load = (struct follow){
        .op = {.verb = VERB_FOLLOW, .owner = round},
        .limit = FOLLOW_MAX,
        .now = ledger->calendar.at,
    };
    ledger->following = round;
    ledger->follow_at = MONO_NEVER; /* a mark made from now on sets it again */
    op_queue_add(&ledger->urgent, &round->load.op);
}

static void end_round(struct ledger *ledger, struct now now)
{
    struct following *round = ledger->following;
    if (round->failed)
        ledger->follow_at = mono_add(now.mono, span_ms(FOLLOW_AGAIN_MS));
    else if (round->more)
        ledger->follow_at = now.mono;
    ledger->following = NULL;
    arena_done(&round->arena);
    free(round);
}

/* After what: "push: failed Unregistered". */
static struct str why_of(const struct followed *followed, struct arena *arena)
{
    struct str reason = followed->reason;
    return arena_printf(arena, "%.*s: %.*s%s%.*s", STR_ARG(channel_name(followed->channel)),
                        STR_ARG(state_name(followed->state)), reason.at ? " " : "",
                        STR_ARG(reason));
}

static bool plan_rows(const struct followed *followed, struct arena *arena, struct extend *ret)
{
    struct plan_entry entry = {
        .user_id = arena_copy(arena, followed->user_id),
        .recipient = &followed->recipient,
    };
    struct plan plan = {
        .entries = &entry,
        .entry_count = 1,
        .strategy = STRATEGY_FIRST,
        .category = &followed->category,
        .wants_attributes = followed->notification->wants_attributes,
    };
    plan.channels =
        plan_channels_after(followed->notification, followed->channel, &plan.channel_count);
    for (uint32_t i = 0; i < plan.channel_count; i++)
        plan.has_content[plan.channels[i]] = true; /* none without is listed */
    struct delivery *rows;
    struct why why;
    if (plan_deliveries(&plan, arena, &rows, &ret->count, &why))
        return false;
    ret->deliveries = rows;
    return true;
}

/* The shelf that counts a queued row; NULL: no memory for it. */
static struct shelf *shelf_of(struct ledger *ledger, const struct extension *extension, uint32_t i)
{
    enum kind kind = extension->extend.deliveries[i].kind;
    return lanes_shelf(&ledger->lanes, lane_of(kind, extension->priority), extension->app);
}

static bool make_shelves(struct ledger *ledger, const struct extension *extension)
{
    for (uint32_t i = 0; i < extension->extend.count; i++)
        if (extension->extend.deliveries[i].state == STATE_QUEUED &&
            !shelf_of(ledger, extension, i))
            return false;
    return true;
}

static bool plan_extension(struct ledger *ledger, struct now now, const struct followed *followed,
                           struct arena *arena, struct extension *ret)
{
    *ret = (struct extension){
        .extend = {.op = {.verb = VERB_EXTEND, .owner = ret},
                   .notification = followed->notification->id,
                   .to_index = followed->to_index,
                   .channel = followed->channel,
                   .why = why_of(followed, arena),
                   .due = ledger->calendar.at,
                   .now = now.wall},
        .app = followed->notification->app,
        .priority = followed->notification->priority,
    };
    return plan_rows(followed, arena, &ret->extend) && !arena->failed && make_shelves(ledger, ret);
}

void ledger_follow_loaded(struct ledger *ledger, struct now now)
{
    struct following *round = ledger->following;
    const struct follow *load = &round->load;
    struct extension *list = arena_array(&round->arena, struct extension, load->count);
    bool room = list && op_queue_reserve(&ledger->urgent, load->count);
    for (uint32_t i = 0; room && i < load->count; i++) {
        if (!plan_extension(ledger, now, &load->list[i], &round->arena, &list[i]))
            continue;
        op_queue_add(&ledger->urgent, &list[i].extend.op);
        round->left++;
    }
    round->failed = round->left < load->count;
    round->more = load->more;
    if (!round->left)
        end_round(ledger, now);
}

void ledger_follow_refused(struct ledger *ledger, struct now now)
{
    ledger->following->failed = true;
    end_round(ledger, now);
}

static void count_rows(struct ledger *ledger, const struct extension *extension)
{
    const struct extend *extend = &extension->extend;
    for (uint32_t i = 0; i < extend->count; i++) {
        const struct delivery *delivery = &extend->deliveries[i];
        if (delivery->state != STATE_QUEUED) {
            ledger->stats.ended[delivery->state]++;
            continue;
        }
        struct shelf *shelf = shelf_of(ledger, extension, i);
        must(shelf); /* make_shelves has made it */
        lanes_pending(&ledger->lanes, shelf, 1, extend->due, ledger->calendar.at);
    }
}

void ledger_extended(struct ledger *ledger, struct now now, struct op *op)
{
    const struct extension *extension = op->owner;
    if (extension->extend.applied)
        count_rows(ledger, extension);
    must(ledger->following->left > 0);
    if (--ledger->following->left == 0)
        end_round(ledger, now);
}
