/* test/contract/test_store_differential.c - the same random life told by every store.
 *
 * A script of random verbs runs over a store and writes down each answer, and at the end all that
 * can be asked. Whatever the memory store says, SQLite must say, with large indexes and with ones
 * that seal and merge all the time. On failure it prints the seed and the first line that differs.
 */
#include "base/buf.h"
#include "base/rng.h"
#include "store_case.h"
#include <stdio.h>
#include <stdlib.h>

enum { SEEDS = 10, STEPS = 220, NOTES_MAX = 2000, USERS = 4, DEVICES = 3, APPS = 2 };

struct hand {
    uint32_t app;
    struct delivery_key key;
    uint32_t attempt;
    enum kind kind;
    enum priority priority;
    bool first; /* the strategy */
};

struct script {
    struct store_case *c;
    struct rng rng;
    struct buf log;
    uint32_t apps[APPS];
    int64_t notes[NOTES_MAX];
    uint32_t note_count;
    struct hand hands[NOTES_MAX];
    uint32_t hand_count;
};

static uint32_t pick(struct script *s, uint32_t below)
{
    return (uint32_t)rng_below(&s->rng, below);
}

static const char *text(struct script *s, const char *kind, uint32_t number)
{
    return arena_printf(&s->c->arena, "%s-%u%c", kind, number, 0).at;
}

static void note_str(struct script *s, struct str value)
{
    buf_printf(&s->log, " %.*s", STR_ARG(value.at ? value : STR("~")));
}

/* -- verbs ------------------------------------------------------------------------------------ */

static struct draft random_draft(struct script *s)
{
    uint32_t user = pick(s, USERS + 1);
    struct draft draft = {
        .app = s->apps[pick(s, APPS)],
        .mode = pick(s, 5) ? MODE_LIVE : MODE_TEST,
        .priority = (enum priority)pick(s, 2),
        .guarantee = pick(s, 4) ? GUARANTEE_AT_LEAST_ONCE : GUARANTEE_AT_MOST_ONCE,
        .kind = (enum kind)pick(s, 2),
        .place = (enum place)pick(s, 3),
        .deliveries = 1 + pick(s, 4),
        .category = pick(s, 3) ? NULL : "news",
        .template_name = pick(s, 2) ? "order" : NULL,
        .ttl_ms = 1 + pick(s, 1000000),
        .strategy = (enum strategy)pick(s, STRATEGY_COUNT),
        .entry_rows = 1 + pick(s, 3),
    };
    if (user < USERS) {
        draft.user_id = text(s, "user", user);
        draft.device_id = text(s, "device", pick(s, DEVICES));
        struct str name = str_of(draft.user_id);
        draft.user = case_get(s->c, (struct query){.type = QUERY_RECIPIENTS,
                                                   .app = draft.app,
                                                   .user_ids = &name,
                                                   .user_id_count = 1})
                         ->recipients->user.number;
    }
    if (pick(s, 3)) {
        draft.event_id = text(s, "event", pick(s, 60));
        draft.body = pick(s, 4) ? "body" : "another";
    }
    return draft;
}

static void do_accepts(struct script *s)
{
    struct accept_case *made[6];
    struct draft drafts[6];
    struct op *ops[6];
    uint32_t count = 1 + pick(s, 6);
    for (uint32_t i = 0; i < count; i++) {
        drafts[i] = random_draft(s);
        made[i] = case_make_accept(s->c, &drafts[i]);
        ops[i] = &made[i]->accept.op;
    }
    case_run(s->c, ops, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct accept *accept = &made[i]->accept;
        buf_printf(&s->log, "accept %d", (int)accept->result);
        if (accept->result != IDEM_NEW) {
            buf_printf(&s->log, " %lld %u\n", (long long)accept->replay_id,
                       accept->replay_deliveries);
            continue;
        }
        buf_printf(&s->log, " new %lld\n", (long long)accept->notification->id);
        if (s->note_count < NOTES_MAX)
            s->notes[s->note_count++] = accept->notification->id;
        for (uint32_t k = 0; k < accept->notification->delivery_count; k++)
            if (drafts[i].place == PLACE_HAND && s->hand_count < NOTES_MAX)
                s->hands[s->hand_count++] = (struct hand){
                    drafts[i].app,      {accept->notification->id, k},       1, drafts[i].kind,
                    drafts[i].priority, drafts[i].strategy == STRATEGY_FIRST};
    }
}

static void do_claim(struct script *s)
{
    uint32_t app = s->apps[pick(s, APPS)];
    enum kind kind = (enum kind)pick(s, 2);
    enum priority priority = (enum priority)pick(s, 2);
    struct claim *claim = case_claim(s->c, app, kind, priority, 1 + pick(s, 10));
    buf_printf(&s->log, "claim %u next %lld\n", claim->count, (long long)claim->next_due.ms);
    for (uint32_t i = 0; i < claim->count; i++) {
        const struct claimed *got = &claim->list[i];
        buf_printf(&s->log, "  %lld/%u attempt %u seq %u expires %lld%s%s user %lld devices %u",
                   (long long)got->notification->id, got->delivery->ordinal, got->attempt, got->seq,
                   (long long)got->expires_at.ms, got->cancelled ? " cancelled" : "",
                   got->suppressed ? " suppressed" : "", (long long)got->recipient.user.number,
                   got->recipient.device_count);
        note_str(s, got->delivery->address);
        note_str(s, got->category.name);
        note_str(s, got->recipient.user.email);
        buf_printf(&s->log, " %d%d %d\n", got->recipient.email_suppressed,
                   got->recipient.phone_suppressed,
                   (int)got->recipient.preferences.channels[CHANNEL_PUSH]);
        if (s->hand_count < NOTES_MAX)
            s->hands[s->hand_count++] = (struct hand){
                app,      {got->notification->id, got->delivery->ordinal}, got->attempt, kind,
                priority, got->notification->strategy == STRATEGY_FIRST};
    }
}

static void do_mark(struct script *s)
{
    if (!s->hand_count)
        return;
    const struct hand *hand = &s->hands[pick(s, s->hand_count)];
    uint32_t attempt = pick(s, 10) ? hand->attempt : hand->attempt + 1;
    buf_printf(&s->log, "mark %d\n", case_mark(s->c, hand->key, attempt));
}

static void do_settle(struct script *s)
{
    static const enum state ends[] = {STATE_SENT, STATE_SENT,    STATE_FAILED,
                                      STATE_DEAD, STATE_EXPIRED, STATE_UNKNOWN};
    if (!s->hand_count)
        return;
    uint32_t at = pick(s, s->hand_count);
    struct hand hand = s->hands[at];
    uint32_t user = pick(s, USERS);
    struct settle settle = {
        .op.verb = VERB_SETTLE,
        .key = hand.key,
        .attempt = pick(s, 10) ? hand.attempt : hand.attempt + 1,
        .lane = lane_of(hand.kind, hand.priority),
        .app = hand.app,
        .to = (enum settle_to)pick(s, 3),
        .event = {.at = s->c->now,
                  .state = ends[pick(s, 6)],
                  .attempt = hand.attempt,
                  .began_at = {s->c->now.ms - 7},
                  .provider = STR("apns-main"),
                  .code = STR("500"),
                  .reason = str_of(text(s, "reason", pick(s, 3)))},
        .follow = hand.first,
        .due = {s->c->now.ms + pick(s, 3000)},
        .attempts = pick(s, 5) ? hand.attempt : hand.attempt - 1,
    };
    struct str name = str_of(text(s, "user", user));
    if (pick(s, 4) == 0) {
        settle.user = case_get(s->c, (struct query){.type = QUERY_RECIPIENTS,
                                                    .app = hand.app,
                                                    .user_ids = &name,
                                                    .user_id_count = 1})
                          ->recipients->user.number;
        settle.retire_device = str_of(text(s, "device", pick(s, DEVICES)));
        settle.retire_token = str_of(text(s, "token", pick(s, 8)));
        settle.retire_since.ms = pick(s, 2) ? 0 : s->c->now.ms - pick(s, 5000);
        settle.retire_reason = STR("Unregistered");
    }
    if (pick(s, 6) == 0) {
        settle.suppress_address = str_of(text(s, "token", pick(s, 8)));
        settle.suppress_channel = (enum channel)pick(s, 3);
        settle.suppress_reason = STR("bounced");
    }
    case_op(s->c, &settle.op);
    buf_printf(&s->log, "settle %d applied %d followed %d\n", (int)settle.to, settle.applied,
               settle.followed);
    if (settle.applied)
        s->hands[at] = s->hands[--s->hand_count];
}

static void extend_random(struct script *s, const struct followed *followed)
{
    struct delivery rows[2] = {{0}};
    struct extend extend = {
        .op.verb = VERB_EXTEND,
        .notification = followed->notification->id,
        .to_index = followed->to_index,
        .channel = followed->channel,
        .deliveries = rows,
        .count = 1 + pick(s, 2),
        .why = STR("push: failed"),
        .due = s->c->now,
        .now = s->c->now,
    };
    for (uint32_t i = 0; i < extend.count; i++) {
        bool queued = pick(s, 3) > 0;
        rows[i] = (struct delivery){.user = followed->recipient.user.number,
                                    .user_id = followed->user_id,
                                    .kind = (enum kind)pick(s, KIND_COUNT),
                                    .address = str_of(text(s, "token", pick(s, 8))),
                                    .state = queued ? STATE_QUEUED : STATE_SUPPRESSED,
                                    .reason = queued ? STR_NONE : REASON_NO_ADDRESS};
    }
    for (uint32_t times = 1 + pick(s, 2); times; times--) {
        case_op(s->c, &extend.op);
        buf_printf(&s->log, "  extended %d\n", extend.applied);
    }
}

static void do_follow(struct script *s)
{
    struct follow follow = {
        .op.verb = VERB_FOLLOW, .limit = 1 + pick(s, FOLLOW_MAX), .now = s->c->now};
    case_op(s->c, &follow.op);
    buf_printf(&s->log, "follow %u\n", follow.count);
    for (uint32_t i = 0; i < follow.count; i++) {
        const struct followed *got = &follow.list[i];
        buf_printf(&s->log, "  %lld/%u %d after %d of %u user %lld devices %u channels %u %d",
                   (long long)got->notification->id, got->to_index, (int)got->channel,
                   (int)got->state, got->notification->delivery_count,
                   (long long)got->recipient.user.number, got->recipient.device_count,
                   got->notification->channel_count, got->notification->wants_attributes);
        note_str(s, got->reason);
        note_str(s, got->user_id);
        note_str(s, got->category.name);
        buf_add_char(&s->log, '\n');
        if (pick(s, 4))
            extend_random(s, got);
    }
}

static int64_t some_note(struct script *s)
{
    return s->note_count ? s->notes[pick(s, s->note_count)] : 1;
}

static void do_receipt(struct script *s)
{
    static const enum state states[] = {STATE_DELIVERED, STATE_OPENED, STATE_CLICKED, STATE_FAILED};
    struct delivery_key key = {some_note(s), pick(s, 3)};
    buf_printf(&s->log, "receipt %d\n", case_receipt(s->c, key, states[pick(s, 4)]));
}

static void note_changes(struct script *s, const struct pending_change *changes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        buf_printf(&s->log, "  lane %u app %u %+d %lld\n", changes[i].lane, changes[i].app,
                   changes[i].delta, (long long)changes[i].next_due.ms);
}

static void do_cancel(struct script *s)
{
    struct cancel cancel = {.op.verb = VERB_CANCEL,
                            .notification = some_note(s),
                            .app = pick(s, 2) ? s->apps[pick(s, APPS)] : 0,
                            .now = s->c->now,
                            .from = pick(s, 2),
                            .limit = 1 + pick(s, 3)};
    case_op(s->c, &cancel.op);
    buf_printf(&s->log, "cancel %d %u %d\n", cancel.found, cancel.ended, cancel.more);
    note_changes(s, cancel.changes, cancel.change_count);
}

static void do_redrive(struct script *s)
{
    struct delivery_key keys[4];
    struct redrive redrive = {
        .op.verb = VERB_REDRIVE,
        .filter = {.app = pick(s, 3) ? s->apps[pick(s, APPS)] : 0, .any_mode = pick(s, 2) == 0},
        .limit = 1 + pick(s, 4),
        .delete_only = pick(s, 4) == 0,
        .gap = span_ms(pick(s, 2) * 10),
        .preview = pick(s, 8) == 0,
        .detail = pick(s, 2) ? STR("by somebody") : STR_NONE,
        .now = s->c->now,
        .due = s->c->now,
    };
    for (uint32_t i = 0; i < 4; i++)
        keys[i] = (struct delivery_key){some_note(s), pick(s, 3)};
    if (pick(s, 2)) {
        redrive.keys = keys;
        redrive.key_count = 1 + pick(s, 4);
    }
    if (pick(s, 3) == 0)
        redrive.filter.reason = str_of(text(s, "reason", pick(s, 3)));
    case_op(s->c, &redrive.op);
    buf_printf(&s->log, "redrive more %d\n", redrive.more);
    if (redrive.more && !redrive.filter.app) /* else a store may pass over other apps' or not */
        buf_printf(&s->log, "  after %lld/%u\n", (long long)redrive.after.notification,
                   redrive.after.ordinal);
    for (uint32_t i = 0; i < redrive.redriven_count; i++)
        buf_printf(&s->log, "  redriven %lld/%u\n", (long long)redrive.redriven[i].notification,
                   redrive.redriven[i].ordinal);
    for (uint32_t i = 0; i < redrive.skipped_count; i++)
        buf_printf(&s->log, "  skipped %lld/%u\n", (long long)redrive.skipped[i].notification,
                   redrive.skipped[i].ordinal);
    note_changes(s, redrive.changes, redrive.change_count);
}

static void do_change(struct script *s)
{
    static const enum change_type types[] = {
        CHANGE_USER_PUT,          CHANGE_USER_PUT,        CHANGE_USER_DELETE,
        CHANGE_DEVICE_PUT,        CHANGE_DEVICE_PUT,      CHANGE_DEVICE_PUT,
        CHANGE_DEVICE_DELETE,     CHANGE_PREFERENCES_PUT, CHANGE_CATEGORY_PUT,
        CHANGE_CATEGORY_DELETE,   CHANGE_TEMPLATE_PUT,    CHANGE_SUPPRESSION_PUT,
        CHANGE_SUPPRESSION_DELETE};
    struct change change = {.type = types[pick(s, 13)], .app = s->apps[pick(s, APPS)]};
    struct category_choice choice = {STR("news"), {[CHANNEL_PUSH] = CHOICE_NO}};
    change.name = str_of(text(s, "user", pick(s, USERS)));
    uint32_t a = pick(s, 8), b = pick(s, 3);
    if (change.type == CHANGE_USER_PUT) {
        change.user = (struct user){.email = str_of(text(s, "token", a))};
    } else if (change.type == CHANGE_DEVICE_PUT) {
        change.device = (struct device){.device_id = str_of(text(s, "device", b)),
                                        .kind = (enum kind)pick(s, 2),
                                        .token = str_of(text(s, "token", a))};
    } else if (change.type == CHANGE_DEVICE_DELETE) {
        change.device_id = str_of(text(s, "device", b));
    } else if (change.type == CHANGE_PREFERENCES_PUT) {
        change.preferences = (struct preferences){
            .channels = {(enum choice)b}, .categories = &choice, .category_count = a % 2};
    } else if (change.type == CHANGE_CATEGORY_PUT || change.type == CHANGE_CATEGORY_DELETE) {
        change.name = b ? STR("news") : STR("default");
        change.category = category_default();
        change.category.ttl = span_s(a);
    } else if (change.type == CHANGE_TEMPLATE_PUT) {
        change.name = STR("order");
        change.template_put.source = str_of(text(s, "source", a));
    } else {
        change.suppression =
            (struct suppression){(enum channel)b, str_of(text(s, "token", a)), STR("manual"), {0}};
    }
    enum change_type type = change.type;
    change = case_change(s->c, change);
    buf_printf(&s->log, "change %d: %d number %u users %lld %lld at %lld %lld", (int)type,
               (int)change.result, change.number, (long long)change.users[0],
               (long long)change.users[1], (long long)change.created_at.ms,
               (long long)change.updated_at.ms);
    note_str(s, change.user_ids[0]);
    note_str(s, change.user_ids[1]);
    buf_add_char(&s->log, '\n');
}

static void note_depths(struct script *s)
{
    buf_printf(&s->log,
               "open last %lld recovered %u (%u suspects) dead %u cut off %u following %d\n",
               (long long)s->c->state.last_id, s->c->state.recovered, s->c->state.suspects,
               s->c->state.crashed, s->c->state.cut_off, s->c->state.following);
    for (unsigned lane = 0; lane < LANE_COUNT; lane++)
        for (uint32_t i = 0; i < APPS; i++)
            buf_printf(&s->log, "%u ",
                       case_depth(s->c, lane_kind(lane), lane_priority(lane), s->apps[i]));
    buf_add_char(&s->log, '\n');
}

static int by_key(const void *a, const void *b)
{
    const struct crash_note *x = a, *y = b;
    if (x->key.notification != y->key.notification)
        return x->key.notification < y->key.notification ? -1 : 1;
    return (int)x->key.ordinal - (int)y->key.ordinal;
}

/* A crash, of which some of what was in hand is noted in one way or another. */
static uint32_t note_hands(struct script *s, struct crash_note notes[NOTES_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->hand_count; i++) {
        uint32_t way = pick(s, 6);
        if (way < 4)
            notes[count++] = (struct crash_note){.key = s->hands[i].key,
                                                 .begun = way > 0,
                                                 .fresh = way > 1,
                                                 .strikes = way > 1 ? way - 1 : 0};
    }
    qsort(notes, count, sizeof *notes, by_key);
    return count;
}

static void do_reopen(struct script *s)
{
    struct crash_note notes[NOTES_MAX];
    uint32_t count = note_hands(s, notes);
    case_close(s->c);
    s->c->notes = (struct crash_notes){.known = pick(s, 2), .list = notes, .count = count};
    case_open(s->c);
    s->c->notes = (struct crash_notes){0};
    s->hand_count = 0;
    note_depths(s);
}

/* -- all that can be asked -------------------------------------------------------------------- */

static void note_view(struct script *s, const struct delivery_view *view)
{
    buf_printf(&s->log, "  %lld/%u %d attempts %u due %lld updated %lld user %lld",
               (long long)view->notification, view->delivery.ordinal, (int)view->state,
               view->attempts, (long long)view->next_due.ms, (long long)view->updated_at.ms,
               (long long)view->delivery.user);
    buf_printf(&s->log, " to %u created %lld", view->delivery.to_index,
               (long long)view->created_at.ms);
    note_str(s, view->reason);
    note_str(s, view->provider);
    note_str(s, view->message_id);
    note_str(s, view->delivery.address);
    note_str(s, view->delivery.user_id);
    buf_add_char(&s->log, '\n');
}

static void note_events(struct script *s, int64_t id)
{
    struct query query = {.type = QUERY_EVENTS, .any_mode = true, .id = id, .limit = 3};
    for (struct query *page;; query.cursor_set = true, query.cursor_id = page->next_id,
                              query.cursor_ordinal = page->next_ordinal,
                              query.cursor_seq = page->next_seq) {
        page = case_get(s->c, query);
        for (uint32_t i = 0; i < page->delivery_count; i++)
            note_view(s, &page->deliveries[i]);
        for (uint32_t i = 0; i < page->count; i++) {
            const struct event *event = &page->events[i];
            buf_printf(&s->log, "    %u.%u %d at %lld attempt %u began %lld due %lld",
                       event->key.ordinal, event->seq, (int)event->state, (long long)event->at.ms,
                       event->attempt, (long long)event->began_at.ms, (long long)event->due.ms);
            note_str(s, event->code);
            note_str(s, event->reason);
            buf_add_char(&s->log, '\n');
        }
        if (!page->more)
            return;
    }
}

static void note_notifications(struct script *s, struct query query)
{
    for (struct query *page;; query.cursor_set = true, query.cursor_id = page->next_id) {
        page = case_get(s->c, query);
        for (uint32_t i = 0; i < page->count; i++) {
            const struct notification_view *view = &page->notifications[i];
            buf_printf(&s->log,
                       "notification %lld app %u mode %d%s:", (long long)view->notification.id,
                       view->notification.app, (int)view->notification.mode,
                       view->cancelled   ? " cancelled"
                       : view->following ? " following"
                                         : "");
            for (int state = 0; state < STATE_COUNT; state++)
                buf_printf(&s->log, " %u", view->counts[state]);
            buf_add_char(&s->log, '\n');
            if (!query.filter.user_id.at)
                note_events(s, view->notification.id);
        }
        if (!page->more)
            return;
    }
}

static void note_recipients(struct script *s, uint32_t app)
{
    for (uint32_t i = 0; i < USERS; i++) {
        struct str name = str_of(text(s, "user", i));
        struct query query = {
            .type = QUERY_RECIPIENTS, .app = app, .user_ids = &name, .user_id_count = 1};
        const struct recipient *got = case_get(s->c, query)->recipients;
        buf_printf(&s->log, "user %lld %d%d preferences %u\n", (long long)got->user.number,
                   got->email_suppressed, got->phone_suppressed, got->preferences.category_count);
        for (uint32_t k = 0; k < got->device_count; k++) {
            buf_printf(&s->log, "  device %d since %lld invalid %lld", (int)got->devices[k].kind,
                       (long long)got->devices[k].registered_at.ms,
                       (long long)got->devices[k].invalid_at.ms);
            note_str(s, got->devices[k].device_id);
            note_str(s, got->devices[k].token);
            buf_add_char(&s->log, '\n');
        }
        query = (struct query){.type = QUERY_NOTIFICATIONS,
                               .app = app,
                               .any_mode = true,
                               .limit = 2,
                               .filter.user_id = name};
        note_notifications(s, query);
        query.filter.by_state = true;
        query.filter.state = STATE_SENT;
        note_notifications(s, query);
    }
}

static void note_everything(struct script *s)
{
    for (uint32_t i = 0; i < APPS; i++) {
        uint32_t app = s->apps[i];
        struct query *got = case_get(s->c, (struct query){.type = QUERY_CATEGORIES, .app = app});
        for (uint32_t k = 0; k < got->count; k++)
            buf_printf(&s->log, "category %lld\n", (long long)got->categories[k].ttl.us);
        got = case_get(s->c, (struct query){.type = QUERY_TEMPLATES, .app = app});
        for (uint32_t k = 0; k < got->count; k++)
            buf_printf(&s->log, "template %u\n", got->templates[k].version);
        got = case_get(s->c, (struct query){.type = QUERY_SUPPRESSIONS, .app = app});
        for (uint32_t k = 0; k < got->count; k++) {
            buf_printf(&s->log, "suppression %d", (int)got->suppressions[k].channel);
            note_str(s, got->suppressions[k].address);
            note_str(s, got->suppressions[k].reason);
            buf_add_char(&s->log, '\n');
        }
        note_recipients(s, app);
        note_notifications(s, (struct query){.type = QUERY_NOTIFICATIONS, .app = app, .limit = 9});
    }
    note_notifications(s, (struct query){.type = QUERY_NOTIFICATIONS, .any_mode = true});
    struct query query = {.type = QUERY_DEAD, .dead.any_mode = true, .limit = 3};
    for (struct query *page;; query.cursor_set = true, query.cursor_id = page->next_id,
                              query.cursor_ordinal = page->next_ordinal) {
        page = case_get(s->c, query);
        buf_add(&s->log, STR("dead\n"));
        for (uint32_t i = 0; i < page->count; i++)
            note_view(s, &page->deliveries[i]);
        if (!page->more)
            return;
    }
}

/* -- the script ------------------------------------------------------------------------------- */

static void step(struct script *s)
{
    uint32_t chance = pick(s, 100);
    case_later(s->c, pick(s, 4000));
    if (chance < 25)
        do_accepts(s);
    else if (chance < 38)
        do_claim(s);
    else if (chance < 44)
        do_mark(s);
    else if (chance < 65)
        do_settle(s);
    else if (chance < 72)
        do_receipt(s);
    else if (chance < 75)
        do_cancel(s);
    else if (chance < 78)
        do_follow(s);
    else if (chance < 82)
        do_redrive(s);
    else if (chance < 94)
        do_change(s);
    else if (chance < 98)
        case_sweep(s->c, span_s(100 + pick(s, 200)));
    else if (chance < 99)
        do_reopen(s);
    else
        note_everything(s);
}

static void run_script(int (*set_up)(void **state), uint64_t seed, struct buf *ret_log)
{
    void *state;
    struct script *s = calloc(1, sizeof *s);
    set_up(&state);
    s->c = state;
    s->rng = rng_of(seed);
    buf_init(&s->log, 64 * 1024 * 1024);
    for (uint32_t i = 0; i < APPS; i++)
        s->apps[i] = case_app(s->c, text(s, "app", i));
    for (int i = 0; i < STEPS; i++)
        step(s);
    do_reopen(s);
    note_everything(s);
    case_change(s->c, (struct change){.type = CHANGE_APP_DELETE, .app = s->apps[0]});
    case_sweep(s->c, span_s(100));
    note_everything(s);
    assert_false(s->log.failed);
    *ret_log = s->log;
    case_teardown(&state);
    free(s);
}

static void say_difference(uint64_t seed, struct str expected, struct str actual)
{
    for (uint32_t line = 1; expected.at || actual.at; line++) {
        struct str a = str_cut(&expected, '\n'), b = str_cut(&actual, '\n');
        if (!str_eq(a, b))
            fail_msg("seed %llu, line %u:\n memory: %.*s\n sqlite: %.*s", (unsigned long long)seed,
                     line, STR_ARG(a), STR_ARG(b));
    }
}

static void every_store_tells_the_same_life(void **state)
{
    (void)state;
    const char *given = getenv("STORE_SEED");
    uint64_t first = given ? strtoull(given, NULL, 10) : 1;
    for (uint64_t seed = first; seed < first + (given ? 1 : SEEDS); seed++) {
        struct buf expected, actual;
        run_script(case_setup_memory, seed, &expected);
        run_script(seed % 2 ? case_setup_sqlite_small : case_setup_sqlite, seed, &actual);
        say_difference(seed, buf_str(&expected), buf_str(&actual));
        buf_done(&expected);
        buf_done(&actual);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_store_tells_the_same_life)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
