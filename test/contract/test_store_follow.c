/* test/contract/test_store_follow.c - strategy `first`: which channels are marked as having reached
 * nobody, what is loaded of them, and what is added. Every draft is of push rows, in hand. */
#include "store_case.h"

enum { DAY_MS = 86400000 };

static struct draft first_draft(uint32_t app, int64_t user, uint32_t deliveries)
{
    return (struct draft){.app = app,
                          .user = user,
                          .user_id = "u1",
                          .place = PLACE_HAND,
                          .deliveries = deliveries,
                          .entry_rows = deliveries,
                          .strategy = STRATEGY_FIRST};
}

/* Ends a row in hand; true if its channel is to be followed. */
static bool end(struct store_case *c, uint32_t app, int64_t id, uint32_t ordinal, uint32_t attempt,
                enum state state, const char *reason)
{
    struct settle settle = {
        .op.verb = VERB_SETTLE,
        .key = {id, ordinal},
        .attempt = attempt,
        .lane = lane_of(KIND_IOS, PRIORITY_CRITICAL),
        .app = app,
        .to = SETTLE_END,
        .follow = true,
        .event = {.at = c->now, .attempt = attempt, .state = state, .reason = str_of(reason)},
    };
    case_op(c, &settle.op);
    assert_true(settle.applied);
    return settle.followed;
}

static struct follow *load(struct store_case *c)
{
    struct follow *follow = arena_new(&c->arena, struct follow);
    *follow = (struct follow){.op.verb = VERB_FOLLOW, .limit = FOLLOW_MAX, .now = c->now};
    case_op(c, &follow->op);
    return follow;
}

static struct delivery sms_row(int64_t user)
{
    return (struct delivery){.user = user,
                             .user_id = STR("u1"),
                             .kind = KIND_SMS,
                             .address = STR("+15005550006"),
                             .locale = STR("ko-KR"),
                             .state = STATE_QUEUED};
}

static struct delivery suppressed_row(int64_t user, enum kind kind)
{
    return (struct delivery){.user = user,
                             .user_id = STR("u1"),
                             .kind = kind,
                             .state = STATE_SUPPRESSED,
                             .reason = REASON_NO_ADDRESS};
}

static bool extend(struct store_case *c, int64_t id, uint32_t to_index, const struct delivery *rows,
                   uint32_t count)
{
    struct extend extend = {
        .op.verb = VERB_EXTEND,
        .notification = id,
        .to_index = to_index,
        .channel = CHANNEL_PUSH,
        .deliveries = rows,
        .count = count,
        .why = STR("push: failed Unregistered"),
        .due = c->now,
        .now = c->now,
    };
    case_op(c, &extend.op);
    return extend.applied;
}

static const struct notification_view *view(struct store_case *c, int64_t id)
{
    return case_get(c, (struct query){.type = QUERY_NOTIFICATION, .any_mode = true, .id = id})
        ->notifications;
}

/* -- marks ------------------------------------------------------------------------------------ */

static void the_last_row_that_ends_unsent_marks_its_channel(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = first_draft(app, case_user(c, app, "u1"), 6);
    draft.entry_rows = 3;
    int64_t id = case_accept(c, &draft);
    assert_false(end(c, app, id, 1, 1, STATE_FAILED, "Unregistered"));
    assert_false(end(c, app, id, 4, 1, STATE_FAILED, NULL)); /* of the other entry */
    assert_false(end(c, app, id, 0, 1, STATE_SUPPRESSED, "opted_out"));
    assert_false(view(c, id)->following);
    assert_int_equal(load(c)->count, 0);
    assert_true(end(c, app, id, 2, 1, STATE_DEAD, "timeout"));
    assert_true(view(c, id)->following);
    const struct follow *follow = load(c);
    assert_int_equal(follow->count, 1);
    assert_int_equal(follow->list[0].to_index, 0);
    assert_int_equal(follow->list[0].state, STATE_DEAD);
    assert_str(follow->list[0].reason, "timeout");
    assert_false(end(c, app, id, 3, 1, STATE_FAILED, NULL));
    assert_true(end(c, app, id, 5, 1, STATE_FAILED, NULL));
    follow = load(c);
    assert_int_equal(follow->count, 2);
    assert_int_equal(follow->list[1].to_index, 1);
    assert_ptr_not_equal(follow->list[1].notification, NULL);
}

/* How the other row ended decides. */
static void what_may_have_been_sent_or_was_stopped_is_not_followed(void **state)
{
    static const struct {
        enum state other;
        enum state receipt; /* scheduled: none */
        bool followed;
    } table[] = {
        {STATE_FAILED, STATE_SCHEDULED, true},     {STATE_DEAD, STATE_SCHEDULED, true},
        {STATE_SUPPRESSED, STATE_SCHEDULED, true}, {STATE_SENT, STATE_SCHEDULED, false},
        {STATE_SENT, STATE_DELIVERED, false},      {STATE_SENT, STATE_FAILED, false},
        {STATE_EXPIRED, STATE_SCHEDULED, false},   {STATE_CANCELLED, STATE_SCHEDULED, false},
        {STATE_UNKNOWN, STATE_SCHEDULED, false},
    };
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = first_draft(app, case_user(c, app, "u1"), 2);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t id = case_accept(c, &draft);
        assert_false(end(c, app, id, i % 2, 1, table[i].other, NULL));
        if (table[i].receipt != STATE_SCHEDULED)
            assert_true(case_receipt(c, (struct delivery_key){id, i % 2}, table[i].receipt));
        if (end(c, app, id, 1 - i % 2, 1, STATE_FAILED, NULL) != table[i].followed)
            fail_msg("row %zu", i);
    }
}

static void a_row_that_waits_holds_its_channel(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = first_draft(app, case_user(c, app, "u1"), 2);
    int64_t id = case_accept(c, &draft);
    struct delivery_key retried = {id, 0};
    assert_true(case_again(c, app, retried, 1, c->now, 1));
    assert_false(end(c, app, id, 1, 1, STATE_FAILED, NULL));
    assert_int_equal(case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 1)->count, 1);
    assert_true(end(c, app, id, 0, 2, STATE_DEAD, NULL));
}

static void a_redriven_dead_letter_makes_no_second_mark(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    int64_t user = case_user(c, app, "u1");
    struct draft draft = first_draft(app, user, 1);
    int64_t id = case_accept(c, &draft);
    struct delivery row = sms_row(user);
    assert_true(end(c, app, id, 0, 1, STATE_DEAD, NULL));
    assert_true(extend(c, id, 0, &row, 1));
    struct delivery_key key = {id, 0};
    struct redrive redrive = {.op.verb = VERB_REDRIVE,
                              .filter = {.any_mode = true},
                              .keys = &key,
                              .key_count = 1,
                              .now = c->now};
    case_op(c, &redrive.op);
    assert_int_equal(redrive.redriven_count, 1);
    assert_int_equal(case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 1)->count, 1);
    assert_false(end(c, app, id, 0, 1, STATE_DEAD, NULL));
    assert_int_equal(load(c)->count, 0);
    assert_false(extend(c, id, 0, &row, 1));
    assert_int_equal(view(c, id)->notification.delivery_count, 2);
}

/* -- what is loaded --------------------------------------------------------------------------- */

static void a_mark_comes_with_what_planning_needs_now(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    int64_t user = case_user(c, app, "u1");
    struct draft draft = first_draft(app, user, 1);
    draft.template_name = "order";
    draft.category = "news";
    draft.priority = PRIORITY_HIGH;
    int64_t id = case_accept(c, &draft);
    assert_true(end(c, app, id, 0, 1, STATE_FAILED, "Unregistered"));
    case_device(c, app, "u1", "phone", "a-new-token");
    struct change put = {.type = CHANGE_PREFERENCES_PUT, .app = app, .name = STR("u1")};
    put.preferences.channels[CHANNEL_SMS] = CHOICE_NO;
    case_change(c, put);
    put = (struct change){.type = CHANGE_SUPPRESSION_PUT, .app = app};
    put.suppression = (struct suppression){CHANNEL_EMAIL, STR("u1@x.example"), STR("bounced"), {0}};
    case_change(c, put);
    put = (struct change){.type = CHANGE_CATEGORY_PUT, .app = app, .name = STR("news")};
    put.category = category_default();
    put.category.mandatory = true;
    case_change(c, put);
    const struct followed *got = load(c)->list;
    assert_int_equal(got->notification->id, id);
    assert_int_equal(got->notification->app, app);
    assert_int_equal(got->notification->priority, PRIORITY_HIGH);
    assert_int_equal(got->notification->strategy, STRATEGY_FIRST);
    assert_true(got->notification->wants_attributes);
    assert_int_equal(got->notification->channel_count, 3);
    assert_int_equal(got->notification->channels[1], CHANNEL_SMS);
    assert_int_equal(got->notification->channels[2], CHANNEL_EMAIL);
    assert_int_equal(got->channel, CHANNEL_PUSH);
    assert_str(got->user_id, "u1");
    assert_int_equal(got->recipient.user.number, user);
    assert_str(got->recipient.user.phone, "+15005550006");
    assert_str(got->recipient.user.locale, "ko-KR");
    assert_int_equal(got->recipient.device_count, 1);
    assert_str(got->recipient.devices[0].token, "a-new-token");
    assert_int_equal(got->recipient.preferences.channels[CHANNEL_SMS], CHOICE_NO);
    assert_true(got->recipient.email_suppressed);
    assert_false(got->recipient.phone_suppressed);
    assert_str(got->category.name, "news");
    assert_true(got->category.mandatory);
}

static int64_t marked(struct store_case *c, uint32_t app, const struct draft *draft)
{
    int64_t id = case_accept(c, draft);
    assert_true(end(c, app, id, 0, 1, STATE_FAILED, NULL));
    return id;
}

static void what_is_over_is_closed_and_adds_nothing(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop"), gone = case_app(c, "gone");
    struct draft draft = first_draft(app, case_user(c, app, "u1"), 1);
    struct draft short_lived = draft, of_gone = draft, of_deleted = draft;
    short_lived.ttl_ms = 500;
    of_gone.app = gone;
    of_gone.user = case_user(c, gone, "u1");
    of_deleted.user = case_user(c, app, "u2");
    int64_t ids[] = {marked(c, app, &draft), marked(c, app, &short_lived),
                     marked(c, gone, &of_gone), marked(c, app, &of_deleted)};
    struct cancel cancel = {
        .op.verb = VERB_CANCEL, .notification = ids[0], .now = c->now, .limit = 10};
    case_op(c, &cancel.op);
    assert_false(view(c, ids[0])->following);
    assert_true(view(c, ids[1])->following);
    case_change(c, (struct change){.type = CHANGE_APP_DELETE, .app = gone, .name = STR("gone")});
    case_change(c, (struct change){.type = CHANGE_USER_DELETE, .app = app, .name = STR("u2")});
    case_later(c, 500);
    assert_int_equal(load(c)->count, 0);
    struct delivery row = sms_row(draft.user);
    for (int i = 0; i < 4; i++)
        assert_false(extend(c, ids[i], 0, &row, 1));
    case_close(c);
    case_open(c);
    assert_false(c->state.following);
}

/* -- what is added ---------------------------------------------------------------------------- */

static void added_rows_stand_beside_the_first(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    int64_t user = case_user(c, app, "u1");
    struct draft draft = first_draft(app, user, 2);
    draft.entry_rows = 1;
    int64_t id = case_accept(c, &draft);
    struct wall accepted = c->now;
    case_later(c, 700);
    assert_true(end(c, app, id, 1, 1, STATE_FAILED, "Unregistered"));
    case_later(c, 50);
    struct delivery rows[] = {suppressed_row(user, KIND_SMS), sms_row(user)};
    assert_true(extend(c, id, 1, rows, 2));
    const struct notification_view *whole = view(c, id);
    assert_int_equal(whole->notification.delivery_count, 4);
    assert_false(whole->following);
    assert_int_equal(whole->counts[STATE_SENDING], 1);
    assert_int_equal(whole->counts[STATE_FAILED], 1);
    assert_int_equal(whole->counts[STATE_SUPPRESSED], 1);
    assert_int_equal(whole->counts[STATE_QUEUED], 1);

    const struct query *got = case_delivery(c, id, 2);
    assert_int_equal(got->deliveries->state, STATE_SUPPRESSED);
    assert_str(got->deliveries->reason, "no_address");
    assert_int_equal(got->count, 1);
    assert_str(got->events[0].detail, "push: failed Unregistered");

    got = case_delivery(c, id, 3);
    assert_int_equal(got->deliveries->delivery.to_index, 1);
    assert_int_equal(got->deliveries->delivery.user, user);
    assert_int_equal(got->deliveries->created_at.ms, accepted.ms + 750);
    assert_int_equal(got->deliveries->delivery.made_at.ms, accepted.ms + 750);
    assert_int_equal(got->deliveries->next_due.ms, c->now.ms);
    assert_int_equal(got->deliveries->attempts, 0);
    assert_str(got->deliveries->delivery.address, "+15005550006");
    assert_str(got->deliveries->delivery.locale, "ko-KR");
    assert_str(got->deliveries->reason, "push: failed Unregistered");
    assert_int_equal(got->count, 1);
    assert_int_equal(got->events[0].state, STATE_QUEUED);
    assert_int_equal(got->events[0].at.ms, c->now.ms);
    assert_int_equal(case_delivery(c, id, 0)->deliveries->created_at.ms, accepted.ms);

    const struct claim *claim = case_claim(c, app, KIND_SMS, PRIORITY_CRITICAL, 5);
    assert_int_equal(claim->count, 1);
    assert_int_equal(claim->list[0].delivery->ordinal, 3);
    assert_int_equal(claim->list[0].attempt, 1);
    assert_int_equal(claim->list[0].seq, 1);
    assert_int_equal(claim->list[0].expires_at.ms, accepted.ms + DAY_MS);
    struct settle settle = {.op.verb = VERB_SETTLE,
                            .key = {id, 3},
                            .attempt = 1,
                            .lane = lane_of(KIND_SMS, PRIORITY_CRITICAL),
                            .app = app,
                            .to = SETTLE_END,
                            .event = {.at = c->now, .state = STATE_SENT, .attempt = 1}};
    case_op(c, &settle.op);
    assert_true(settle.applied);
    assert_int_equal(case_state(c, id, 3), STATE_SENT);
    got = case_get(
        c, (struct query){.type = QUERY_NOTIFICATIONS,
                          .app = app,
                          .filter = {.user_id = STR("u1"), .by_state = true, .state = STATE_SENT}});
    assert_int_equal(got->count, 1);
}

static void a_mark_is_extended_once(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    int64_t user = case_user(c, app, "u1");
    struct draft draft = first_draft(app, user, 1);
    int64_t id = marked(c, app, &draft), unmarked = case_accept(c, &draft);
    struct delivery row = sms_row(user);
    assert_false(extend(c, unmarked, 0, &row, 1));
    assert_false(extend(c, id, 1, &row, 1)); /* another entry */
    assert_true(extend(c, id, 0, &row, 1));
    assert_false(extend(c, id, 0, &row, 1));
    assert_int_equal(load(c)->count, 0);
    assert_int_equal(view(c, id)->notification.delivery_count, 2);
    assert_int_equal(view(c, unmarked)->notification.delivery_count, 1);
}

static void what_was_cancelled_meanwhile_is_not_extended(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    int64_t user = case_user(c, app, "u1");
    struct draft draft = first_draft(app, user, 1);
    int64_t id = marked(c, app, &draft);
    struct delivery row = sms_row(user);
    assert_int_equal(load(c)->count, 1);
    struct cancel cancel = {.op.verb = VERB_CANCEL, .notification = id, .now = c->now, .limit = 10};
    case_op(c, &cancel.op);
    assert_false(extend(c, id, 0, &row, 1));
    assert_int_equal(view(c, id)->notification.delivery_count, 1);
    assert_int_equal(load(c)->count, 0);
}

static void a_cancel_ends_what_was_added(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    int64_t user = case_user(c, app, "u1");
    struct draft draft = first_draft(app, user, 1);
    int64_t id = marked(c, app, &draft);
    struct delivery row = sms_row(user);
    assert_true(extend(c, id, 0, &row, 1));
    struct cancel cancel = {.op.verb = VERB_CANCEL, .notification = id, .now = c->now, .limit = 10};
    case_op(c, &cancel.op);
    assert_int_equal(cancel.ended, 1);
    assert_int_equal(cancel.change_count, 1);
    assert_int_equal(cancel.changes[0].lane, lane_of(KIND_SMS, PRIORITY_CRITICAL));
    assert_int_equal(cancel.changes[0].delta, -1);
    assert_int_equal(case_state(c, id, 1), STATE_CANCELLED);
}

/* -- restarts, replays, retention ------------------------------------------------------------- */

static void marks_and_added_rows_survive_a_restart(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    int64_t user = case_user(c, app, "u1");
    struct draft draft = first_draft(app, user, 1);
    int64_t id = marked(c, app, &draft);
    assert_false(c->state.following);
    case_close(c);
    case_open(c);
    assert_true(c->state.following);
    assert_int_equal(load(c)->count, 1);
    struct delivery row = sms_row(user);
    assert_true(extend(c, id, 0, &row, 1));
    case_close(c);
    case_open(c);
    assert_false(c->state.following);
    assert_int_equal(case_depth(c, KIND_SMS, PRIORITY_CRITICAL, app), 1);
    assert_int_equal(case_claim(c, app, KIND_SMS, PRIORITY_CRITICAL, 1)->count, 1);
    case_close(c);
    case_open(c);
    assert_int_equal(case_state(c, id, 1), STATE_QUEUED); /* put back */
}

static void a_replay_answers_the_count_of_acceptance(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    int64_t user = case_user(c, app, "u1");
    struct draft draft = first_draft(app, user, 2);
    draft.event_id = "e1";
    draft.body = "b";
    draft.entry_rows = 1;
    int64_t id = case_accept(c, &draft);
    struct delivery rows[] = {suppressed_row(user, KIND_SMS), suppressed_row(user, KIND_EMAIL)};
    for (uint32_t i = 0; i < 2; i++) {
        assert_true(end(c, app, id, i, 1, STATE_FAILED, NULL));
        assert_true(extend(c, id, i, rows, 2));
    }
    assert_int_equal(view(c, id)->notification.delivery_count, 6);
    for (int i = 0; i < 2; i++) {
        struct accept_case *again = case_make_accept(c, &draft);
        case_op(c, &again->accept.op);
        assert_int_equal(again->accept.result, IDEM_REPLAY);
        assert_int_equal(again->accept.replay_id, id);
        assert_int_equal(again->accept.replay_deliveries, 2);
        case_later(c, DAY_MS); /* and once more when retention has removed it */
        case_sweep(c, span_s(3600));
    }
    struct query gone = {.type = QUERY_NOTIFICATION, .any_mode = true, .id = id};
    assert_int_equal(case_ask(c, gone)->err, ERR_MISSING);
}

static void an_open_mark_keeps_its_notification(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    int64_t user = case_user(c, app, "u1");
    struct draft draft = first_draft(app, user, 1);
    draft.ttl_ms = 10 * (int64_t)DAY_MS;
    int64_t id = marked(c, app, &draft);
    case_later(c, DAY_MS);
    case_sweep(c, span_s(3600));
    assert_true(view(c, id)->following);
    struct delivery row = sms_row(user);
    assert_true(extend(c, id, 0, &row, 1));
    case_sweep(c, span_s(3600));
    assert_int_equal(view(c, id)->notification.delivery_count, 2); /* open */
    struct cancel cancel = {.op.verb = VERB_CANCEL, .notification = id, .now = c->now, .limit = 10};
    case_op(c, &cancel.op);
    case_sweep(c, span_s(3600));
    struct query gone = {.type = QUERY_NOTIFICATION, .any_mode = true, .id = id};
    assert_int_equal(case_ask(c, gone)->err, ERR_MISSING);
    assert_false(extend(c, id, 0, &row, 1));
}

static void a_closed_mark_lets_its_notification_go(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = first_draft(app, case_user(c, app, "u1"), 1);
    int64_t id = marked(c, app, &draft); /* expires after a day */
    case_later(c, DAY_MS);
    case_sweep(c, span_s(3600));
    assert_int_equal(
        case_get(c, (struct query){.type = QUERY_NOTIFICATIONS, .any_mode = true})->count, 1);
    assert_int_equal(load(c)->count, 0);
    case_sweep(c, span_s(3600));
    struct query gone = {.type = QUERY_NOTIFICATION, .any_mode = true, .id = id};
    assert_int_equal(case_ask(c, gone)->err, ERR_MISSING);
}

/* A page that began by time goes on so, though rows that were added pass the bound. */
static void a_list_of_events_goes_on_while_rows_are_added(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    int64_t user = case_user(c, app, "u1");
    struct draft draft = first_draft(app, user, EVENTS_BY_TIME_MAX);
    draft.entry_rows = 1;
    int64_t id = case_accept(c, &draft);
    assert_true(end(c, app, id, 7, 1, STATE_FAILED, NULL));
    struct query query = {
        .type = QUERY_EVENTS, .any_mode = true, .id = id, .limit = EVENTS_BY_TIME_MAX - 1};
    const struct query *page = case_get(c, query);
    assert_true(page->by_time && page->more);
    struct delivery row = sms_row(user);
    case_later(c, 10);
    assert_true(extend(c, id, 7, &row, 1));
    query.cursor_set = true;
    query.cursor_id = page->next_id;
    query.cursor_ordinal = page->next_ordinal;
    query.cursor_seq = page->next_seq;
    page = case_get(c, query);
    assert_true(page->by_time);
    assert_false(page->more);
    assert_int_equal(page->count, 2);
    assert_int_equal(page->events[0].state, STATE_FAILED);
    assert_int_equal(page->events[1].key.ordinal, EVENTS_BY_TIME_MAX);
    query.cursor_set = false;
    assert_false(case_get(c, query)->by_time);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(the_last_row_that_ends_unsent_marks_its_channel),
        STORE_TEST(what_may_have_been_sent_or_was_stopped_is_not_followed),
        STORE_TEST(a_row_that_waits_holds_its_channel),
        STORE_TEST(a_redriven_dead_letter_makes_no_second_mark),
        STORE_TEST(a_mark_comes_with_what_planning_needs_now),
        STORE_TEST(what_is_over_is_closed_and_adds_nothing),
        STORE_TEST(added_rows_stand_beside_the_first),
        STORE_TEST(a_mark_is_extended_once),
        STORE_TEST(what_was_cancelled_meanwhile_is_not_extended),
        STORE_TEST(a_cancel_ends_what_was_added),
        STORE_TEST(marks_and_added_rows_survive_a_restart),
        STORE_TEST(a_replay_answers_the_count_of_acceptance),
        STORE_TEST(an_open_mark_keeps_its_notification),
        STORE_TEST(a_closed_mark_lets_its_notification_go),
        STORE_TEST(a_list_of_events_goes_on_while_rows_are_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
