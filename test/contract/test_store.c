/* test/contract/test_store.c - the way of a delivery: accept, claim, settle, receipt, cancel,
 * redrive, recovery. The draft's first priority is critical, its first kind ios. */
#include "store_case.h"

static struct draft pending_draft(uint32_t app)
{
    return (struct draft){.app = app, .place = PLACE_PENDING};
}

/* -- accept and claim ------------------------------------------------------------------------- */

static void accepted_facts_come_back(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    int64_t user = case_user(c, app, "u1");
    struct draft draft = {.app = app,
                          .mode = MODE_TEST,
                          .priority = PRIORITY_LOW,
                          .deliveries = 3,
                          .user = user,
                          .user_id = "u1",
                          .device_id = "phone",
                          .template_name = "order",
                          .event_id = "e1",
                          .body = "b",
                          .place = PLACE_PENDING};
    int64_t id = case_accept(c, &draft);
    struct query *got = case_get(
        c, (struct query){.type = QUERY_NOTIFICATION, .app = app, .mode = MODE_TEST, .id = id});
    const struct notification_view *view = got->notifications;
    assert_int_equal(view->notification.id, id);
    assert_int_equal(view->notification.mode, MODE_TEST);
    assert_int_equal(view->notification.priority, PRIORITY_LOW);
    assert_int_equal(view->notification.template_version, 2);
    assert_int_equal(view->notification.expires_at.ms, c->now.ms + 86400000);
    assert_int_equal(view->notification.delivery_count, 3);
    assert_str(view->notification.template_name, "order");
    assert_str(view->notification.category, "default");
    assert_str(view->notification.event_id, "e1");
    assert_str(view->notification.traceparent, NULL);
    assert_str(view->notification.request, "{\"to\":[]}");
    assert_int_equal(view->counts[STATE_QUEUED], 3);
    got = case_delivery(c, id, 2);
    assert_int_equal(got->count, 0); /* no stored event */
    assert_int_equal(got->deliveries->delivery.user, user);
    assert_int_equal(got->deliveries->delivery.to_index, 2);
    assert_str(got->deliveries->delivery.user_id, "u1");
    assert_str(got->deliveries->delivery.device_id, "phone");
    assert_str(got->deliveries->delivery.address, "token-0");
    assert_str(got->deliveries->delivery.locale, NULL);
    assert_int_equal(got->deliveries->next_due.ms, c->now.ms);
    assert_int_equal(got->deliveries->attempts, 0);
}

static void a_notification_without_deliveries_stands(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = pending_draft(app);
    struct accept_case *made = case_make_accept(c, &draft);
    made->notification.delivery_count = 0;
    case_op(c, &made->accept.op);
    struct query *got = case_get(
        c, (struct query){.type = QUERY_NOTIFICATION, .app = app, .id = made->notification.id});
    assert_int_equal(got->notifications->notification.delivery_count, 0);
    got = case_get(
        c, (struct query){.type = QUERY_DELIVERIES, .app = app, .id = made->notification.id});
    assert_int_equal(got->count, 0);
    assert_false(got->more);
}

static void suppressed_at_acceptance_has_ended(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = {.app = app, .place = PLACE_ENDED};
    int64_t id = case_accept(c, &draft);
    const struct delivery_view *view = case_delivery(c, id, 0)->deliveries;
    assert_int_equal(view->state, STATE_SUPPRESSED);
    assert_str(view->reason, "opted_out");
    assert_int_equal(view->next_due.ms, WALL_NEVER.ms);
    assert_int_equal(case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 10)->count, 0);
    assert_false(case_settle(c, app, (struct delivery_key){id, 0}, 1, STATE_SENT));
}

static void placed_in_hand_it_is_sending_until_settled(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = {.app = app, .place = PLACE_HAND};
    int64_t id = case_accept(c, &draft);
    assert_int_equal(case_state(c, id, 0), STATE_SENDING);
    assert_int_equal(case_delivery(c, id, 0)->deliveries->attempts, 1);
    assert_int_equal(case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 10)->count, 0);
    case_later(c, 100);
    assert_true(case_settle(c, app, (struct delivery_key){id, 0}, 1, STATE_SENT));
    struct query *got = case_delivery(c, id, 0);
    assert_int_equal(got->deliveries->state, STATE_SENT);
    assert_int_equal(got->deliveries->updated_at.ms, c->now.ms);
    assert_str(got->deliveries->message_id, "message-1");
    assert_str(got->deliveries->provider, "apns-main");
    assert_int_equal(got->count, 1);
    assert_int_equal(got->events[0].seq, 0);
    assert_int_equal(got->events[0].attempt, 1);
    assert_int_equal(got->events[0].began_at.ms, c->now.ms - 5);
    assert_int_equal(got->events[0].due.ms, 0);
    assert_str(got->events[0].code, "200");
    assert_str(got->events[0].detail, NULL);
    assert_str(got->events[0].route, "rule 1");
}

static void claims_come_in_order_of_due_and_say_what_is_next(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop"), other = case_app(c, "other");
    struct draft draft = pending_draft(app);
    int64_t ids[3];
    for (int i = 0; i < 3; i++) {
        ids[i] = case_accept(c, &draft);
        case_later(c, 10);
    }
    draft.app = other;
    case_accept(c, &draft);
    struct claim *claim = case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 2);
    assert_int_equal(claim->count, 2);
    assert_int_equal(claim->list[0].notification->id, ids[0]);
    assert_int_equal(claim->list[1].notification->id, ids[1]);
    assert_int_equal(claim->list[0].attempt, 1);
    assert_int_equal(claim->list[0].seq, 0);
    assert_false(claim->list[0].cancelled);
    assert_int_equal(claim->next_due.ms, c->now.ms - 10);
    assert_true(
        case_back(c, app, (struct delivery_key){ids[0], 0}, 1, (struct wall){c->now.ms + 500}));
    claim = case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 5);
    assert_int_equal(claim->count, 1);
    assert_int_equal(claim->list[0].notification->id, ids[2]);
    assert_int_equal(claim->next_due.ms, c->now.ms + 500);
    case_later(c, 499);
    claim = case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 5);
    assert_int_equal(claim->count, 0);
    case_later(c, 1);
    claim = case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 5);
    assert_int_equal(claim->count, 1);
    assert_int_equal(claim->list[0].attempt, 1); /* put back unused */
    assert_int_equal(claim->next_due.ms, WALL_NEVER.ms);
    assert_int_equal(case_claim(c, app, KIND_ANDROID, PRIORITY_CRITICAL, 5)->count, 0);
    assert_int_equal(case_claim(c, app, KIND_IOS, PRIORITY_HIGH, 5)->count, 0);
}

static void neighbours_of_a_notification_share_it(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = pending_draft(app);
    draft.deliveries = 4;
    int64_t id = case_accept(c, &draft);
    struct claim *claim = case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 3);
    assert_int_equal(claim->count, 3);
    assert_ptr_equal(claim->list[0].notification, claim->list[2].notification);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(claim->list[i].delivery->ordinal, i);
    assert_int_equal(case_state(c, id, 2), STATE_SENDING);
    assert_int_equal(case_state(c, id, 3), STATE_QUEUED);
}

static void a_claim_loads_what_policy_needs(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    int64_t user = case_user(c, app, "u1");
    case_device(c, app, "u1", "phone", "old-token");
    struct change put = {.type = CHANGE_PREFERENCES_PUT, .app = app, .name = STR("u1")};
    struct category_choice choice = {.category = STR("news"),
                                     .channels = {[CHANNEL_SMS] = CHOICE_YES}};
    put.preferences = (struct preferences){
        .channels = {[CHANNEL_EMAIL] = CHOICE_NO}, .categories = &choice, .category_count = 1};
    case_change(c, put);
    put = (struct change){.type = CHANGE_CATEGORY_PUT, .app = app, .name = STR("news")};
    put.category = category_default();
    put.category.mandatory = true;
    put.category.channel_count = 1;
    put.category.channels[0] = CHANNEL_EMAIL;
    put.category.ttl = span_s(60);
    case_change(c, put);
    struct draft draft = pending_draft(app);
    draft.user = user;
    draft.user_id = "u1";
    draft.device_id = "phone";
    draft.address = "old-token";
    draft.category = "news";
    case_accept(c, &draft);
    case_device(c, app, "u1", "phone", "new-token");
    put = (struct change){.type = CHANGE_SUPPRESSION_PUT, .app = app};
    put.suppression = (struct suppression){CHANNEL_EMAIL, STR("u1@x.example"), STR("bounced"), {0}};
    case_change(c, put);
    const struct claimed *claimed = case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 1)->list;
    assert_str(claimed->delivery->address, "new-token");
    assert_int_equal(claimed->recipient.user.number, user);
    assert_str(claimed->recipient.user.email, "u1@x.example");
    assert_str(claimed->recipient.user.attributes, NULL);
    assert_true(claimed->recipient.email_suppressed);
    assert_false(claimed->recipient.phone_suppressed);
    assert_false(claimed->suppressed); /* that is the e-mail address */
    assert_int_equal(claimed->recipient.preferences.channels[CHANNEL_EMAIL], CHOICE_NO);
    assert_int_equal(claimed->recipient.preferences.category_count, 1);
    assert_str(claimed->recipient.preferences.categories[0].category, "news");
    assert_int_equal(claimed->recipient.preferences.categories[0].channels[CHANNEL_SMS],
                     CHOICE_YES);
    assert_int_equal(claimed->recipient.device_count, 1);
    assert_str(claimed->recipient.devices[0].token, "new-token");
    assert_true(claimed->category.mandatory);
    assert_int_equal(claimed->category.channel_count, 1);
    assert_int_equal(claimed->category.channels[0], CHANNEL_EMAIL);
    assert_int_equal(claimed->category.ttl.us, 60000000);
    /* The address as it stands in the facts is not rewritten. */
    assert_str(case_delivery(c, claimed->notification->id, 0)->deliveries->delivery.address,
               "old-token");
}

static void a_claim_says_when_things_are_gone(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    int64_t user = case_user(c, app, "u1");
    case_device(c, app, "u1", "phone", "token-0");
    struct draft draft = pending_draft(app);
    draft.user = user;
    draft.user_id = "u1";
    draft.device_id = "phone";
    draft.category = "gone";
    case_accept(c, &draft);
    case_change(c, (struct change){.type = CHANGE_DEVICE_DELETE,
                                   .app = app,
                                   .name = STR("u1"),
                                   .device_id = STR("phone")});
    struct change put = {.type = CHANGE_SUPPRESSION_PUT, .app = app};
    put.suppression = (struct suppression){CHANNEL_PUSH, STR("token-0"), STR("manual"), {0}};
    case_change(c, put);
    const struct claimed *claimed = case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 1)->list;
    assert_false(claimed->cancelled);
    assert_true(claimed->suppressed);
    assert_int_equal(claimed->recipient.device_count, 0);
    assert_str(claimed->category.name, "default");
    case_accept(c, &draft);
    case_change(c, (struct change){.type = CHANGE_USER_DELETE, .app = app, .name = STR("u1")});
    case_user(c, app, "u1"); /* made anew: another user */
    claimed = case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 1)->list;
    assert_true(claimed->cancelled);
    assert_int_equal(claimed->recipient.user.number, 0);
    draft.user = 0;
    draft.user_id = NULL;
    case_accept(c, &draft);
    case_change(c, (struct change){.type = CHANGE_APP_DELETE, .app = app});
    assert_true(case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 1)->list->cancelled);
}

/* A device whose id now stands for another kind of device is not this delivery's. */
static void a_device_of_another_kind_is_not_used(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = pending_draft(app);
    draft.user = case_user(c, app, "u1");
    draft.device_id = "phone";
    draft.address = "ios-token";
    case_device(c, app, "u1", "phone", "ios-token");
    case_accept(c, &draft);
    struct change put = {.type = CHANGE_DEVICE_PUT, .app = app, .name = STR("u1")};
    put.device =
        (struct device){.device_id = STR("phone"), .kind = KIND_ANDROID, .token = STR("fcm-token")};
    case_change(c, put);
    const struct claimed *claimed = case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 1)->list;
    assert_str(claimed->delivery->address, "ios-token");
    assert_int_equal(claimed->recipient.device_count, 0);
}

/* -- settle and receipt ----------------------------------------------------------------------- */

static void a_stale_attempt_changes_nothing(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = pending_draft(app);
    struct delivery_key key = {case_accept(c, &draft), 0};
    case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 1);
    assert_false(case_settle(c, app, key, 2, STATE_SENT));
    assert_false(case_again(c, app, key, 0, c->now, 1));
    assert_false(case_back(c, app, key, 2, c->now));
    assert_true(case_again(c, app, key, 1, (struct wall){c->now.ms + 10}, 1));
    assert_false(case_settle(c, app, key, 1, STATE_SENT)); /* pending now */
    case_later(c, 10);
    struct claim *claim = case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 1);
    assert_int_equal(claim->list[0].attempt, 2);
    assert_int_equal(claim->list[0].seq, 1);
    assert_false(case_settle(c, app, key, 1, STATE_FAILED));
    assert_true(case_settle(c, app, key, 2, STATE_SENT));
    assert_false(case_settle(c, app, key, 2, STATE_FAILED)); /* twice */
    struct query *got = case_delivery(c, key.notification, 0);
    assert_int_equal(got->count, 2);
    assert_int_equal(got->events[0].state, STATE_QUEUED);
    assert_int_equal(got->events[0].due.ms, c->now.ms);
    assert_int_equal(got->events[1].state, STATE_SENT);
    assert_int_equal(got->events[1].seq, 1);
    assert_int_equal(got->deliveries->attempts, 2);
    struct delivery_key unknown = {key.notification + 1, 0};
    assert_false(case_settle(c, app, unknown, 1, STATE_SENT));
}

static void waiting_again_shows_when_and_how_often(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = {.app = app, .place = PLACE_HAND};
    struct delivery_key key = {case_accept(c, &draft), 0};
    struct wall due = {c->now.ms + 5000};
    assert_true(case_again(c, app, key, 1, due, 1));
    const struct delivery_view *view = case_delivery(c, key.notification, 0)->deliveries;
    assert_int_equal(view->state, STATE_QUEUED);
    assert_int_equal(view->attempts, 1);
    assert_int_equal(view->next_due.ms, due.ms);
    case_later(c, 5000);
    case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 1);
    /* Throttled: the attempt does not count. */
    due.ms += 9000;
    assert_true(case_again(c, app, key, 2, due, 1));
    view = case_delivery(c, key.notification, 0)->deliveries;
    assert_int_equal(view->attempts, 1);
    case_later(c, 9000);
    assert_int_equal(case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 1)->list->attempt, 2);
    due.ms += 100;
    assert_true(case_back(c, app, key, 2, due));
    view = case_delivery(c, key.notification, 0)->deliveries;
    assert_int_equal(view->next_due.ms, due.ms);
    assert_int_equal(view->attempts, 1);
    assert_int_equal(case_delivery(c, key.notification, 0)->count, 2);
}

static bool settle_dead_token(struct store_case *c, uint32_t app, int64_t user, int64_t since)
{
    struct draft draft = {.app = app, .place = PLACE_HAND};
    struct settle settle = {
        .op.verb = VERB_SETTLE,
        .key = {case_accept(c, &draft), 0},
        .attempt = 1,
        .app = app,
        .to = SETTLE_END,
        .event = {.at = c->now, .state = STATE_FAILED},
        .retire_device = STR("phone"),
        .user = user,
        .retire_token = STR("token-1"),
        .retire_since = {since},
        .retire_reason = STR("Unregistered"),
        .suppress_address = STR("x@y.example"),
        .suppress_channel = CHANNEL_EMAIL,
        .suppress_reason = STR("bounced"),
    };
    case_op(c, &settle.op);
    struct query query = {.type = QUERY_RECIPIENTS, .app = app, .user_id_count = 1};
    query.user_ids = &STR("u1");
    struct query *got = case_get(c, query);
    const struct device *device = &got->recipients[0].devices[0];
    if (!device->invalid_at.ms)
        return false;
    assert_int_equal(device->invalid_at.ms, c->now.ms);
    assert_str(device->invalid_reason, "Unregistered");
    return true;
}

static void a_dead_token_is_retired_unless_registered_later(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    int64_t user = case_user(c, app, "u1");
    case_device(c, app, "u1", "phone", "token-1");
    int64_t registered = c->now.ms;
    case_later(c, 1000);
    assert_false(settle_dead_token(c, app, user, registered - 1)); /* died before it */
    assert_true(settle_dead_token(c, app, user, registered));
    case_device(c, app, "u1", "phone", "token-1"); /* registered again: valid */
    assert_false(settle_dead_token(c, app, user, registered));
    assert_true(settle_dead_token(c, app, user, 0)); /* no time given: at once */
    case_device(c, app, "u1", "phone", "token-2");
    assert_false(settle_dead_token(c, app, user, 0)); /* another token by now */
    struct query *got = case_get(c, (struct query){.type = QUERY_SUPPRESSION,
                                                   .app = app,
                                                   .suppression = {.channel = CHANNEL_EMAIL,
                                                                   .address = STR("x@y.example")}});
    assert_str(got->suppressions->reason, "bounced");
}

static void a_stale_outcome_retires_nothing(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    int64_t user = case_user(c, app, "u1");
    case_device(c, app, "u1", "phone", "token-1");
    struct draft draft = {.app = app, .place = PLACE_HAND};
    struct settle settle = {.op.verb = VERB_SETTLE,
                            .key = {case_accept(c, &draft), 0},
                            .attempt = 2,
                            .app = app,
                            .to = SETTLE_END,
                            .event = {.at = c->now, .state = STATE_FAILED},
                            .retire_device = STR("phone"),
                            .user = user,
                            .retire_token = STR("token-1"),
                            .suppress_address = STR("x@y.example"),
                            .suppress_channel = CHANNEL_EMAIL};
    case_op(c, &settle.op);
    assert_false(settle.applied);
    struct query query = {.type = QUERY_RECIPIENTS, .app = app, .user_id_count = 1};
    query.user_ids = &STR("u1");
    query.addresses =
        &(struct suppression){.channel = CHANNEL_EMAIL, .address = STR("x@y.example")};
    query.address_count = 1;
    struct query *got = case_get(c, query);
    assert_int_equal(got->recipients[0].devices[0].invalid_at.ms, 0);
    assert_false(got->suppressed[0]);
}

static void receipts_only_move_forward(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = {.app = app, .place = PLACE_HAND};
    struct delivery_key key = {case_accept(c, &draft), 0};
    assert_false(case_receipt(c, key, STATE_DELIVERED)); /* in hand */
    case_settle(c, app, key, 1, STATE_SENT);
    assert_true(case_receipt(c, key, STATE_DELIVERED));
    assert_false(case_receipt(c, key, STATE_DELIVERED));
    assert_false(case_receipt(c, key, STATE_FAILED));
    assert_true(case_receipt(c, key, STATE_CLICKED));
    assert_false(case_receipt(c, key, STATE_OPENED));
    struct query *got = case_delivery(c, key.notification, 0);
    assert_int_equal(got->deliveries->state, STATE_CLICKED);
    assert_int_equal(got->count, 3);
    assert_int_equal(got->events[2].seq, 2);
    assert_str(got->deliveries->message_id, "message-1"); /* the attempt's */
    key.notification = case_accept(c, &draft);
    case_settle(c, app, key, 1, STATE_SENT);
    assert_true(case_receipt(c, key, STATE_FAILED));
    assert_false(case_receipt(c, key, STATE_DELIVERED));
    key.notification = case_accept(c, &draft);
    case_settle(c, app, key, 1, STATE_UNKNOWN);
    assert_false(case_receipt(c, key, STATE_DELIVERED));
    key.notification++;
    assert_false(case_receipt(c, key, STATE_DELIVERED)); /* no such delivery */
}

/* -- cancel ----------------------------------------------------------------------------------- */

static struct cancel cancel_step(struct store_case *c, int64_t id, uint32_t app, uint32_t from,
                                 uint32_t limit)
{
    struct cancel cancel = {.op.verb = VERB_CANCEL,
                            .notification = id,
                            .app = app,
                            .now = c->now,
                            .from = from,
                            .limit = limit};
    case_op(c, &cancel.op);
    return cancel;
}

static void cancel_ends_what_waits_step_by_step(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = pending_draft(app);
    draft.deliveries = 5;
    int64_t id = case_accept(c, &draft);
    struct claim *claim = case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 2);
    assert_int_equal(claim->count, 2); /* 0 and 1 are in hand */
    case_back(c, app, (struct delivery_key){id, 1}, 1, (struct wall){c->now.ms + 77});
    assert_false(cancel_step(c, id, app + 1, 0, 10).found);
    assert_false(cancel_step(c, id + 1, app, 0, 10).found);
    struct cancel step = cancel_step(c, id, app, 0, 3);
    assert_true(step.found);
    assert_true(step.more);
    assert_int_equal(step.ended, 2); /* 1 and 2 */
    assert_int_equal(step.change_count, 1);
    assert_int_equal(step.changes[0].delta, -2);
    assert_int_equal(step.changes[0].app, app);
    /* What the sweep has not come to shows as cancelled all the same. */
    assert_int_equal(case_state(c, id, 4), STATE_CANCELLED);
    assert_int_equal(case_delivery(c, id, 4)->count, 0);
    struct query *got =
        case_get(c, (struct query){.type = QUERY_NOTIFICATION, .app = app, .id = id});
    assert_true(got->notifications->cancelled);
    assert_int_equal(got->notifications->counts[STATE_CANCELLED], 4);
    assert_int_equal(got->notifications->counts[STATE_SENDING], 1);
    step = cancel_step(c, id, 0, 3, 3);
    assert_false(step.more);
    assert_int_equal(step.ended, 2);
    assert_int_equal(case_delivery(c, id, 4)->count, 1);
    /* In hand: ended by its answer; put back, the next claim says that it is cancelled. */
    assert_true(case_again(c, app, (struct delivery_key){id, 0}, 1, c->now, 1));
    assert_int_equal(case_state(c, id, 0), STATE_CANCELLED);
    claim = case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 9);
    assert_int_equal(claim->count, 1);
    assert_true(claim->list[0].cancelled);
    assert_int_equal(cancel_step(c, id, app, 0, 100).ended, 0); /* idempotent */
}

static void cancel_finds_what_waits_for_another_attempt(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = {.app = app, .place = PLACE_HAND};
    struct delivery_key key = {case_accept(c, &draft), 0};
    case_again(c, app, key, 1, (struct wall){c->now.ms + 60000}, 1);
    assert_int_equal(cancel_step(c, key.notification, app, 0, 10).ended, 1);
    struct query *got = case_delivery(c, key.notification, 0);
    assert_int_equal(got->deliveries->state, STATE_CANCELLED);
    assert_int_equal(got->count, 2);
    assert_int_equal(got->events[1].seq, 1);
    case_later(c, 60000);
    assert_int_equal(case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 9)->count, 0);
}

/* -- dead letters ----------------------------------------------------------------------------- */

static int64_t dead_letter(struct store_case *c, const struct draft *draft)
{
    int64_t id = case_accept(c, draft);
    assert_true(case_settle(c, draft->app, (struct delivery_key){id, 0}, 1, STATE_DEAD));
    return id;
}

static struct redrive redrive(struct store_case *c, struct redrive op)
{
    op.op.verb = VERB_REDRIVE;
    op.now = op.due = c->now;
    case_op(c, &op.op);
    return op;
}

static void a_redrive_starts_afresh(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop"), other = case_app(c, "other");
    struct draft draft = {.app = app, .place = PLACE_HAND, .ttl_ms = 5000};
    int64_t id = dead_letter(c, &draft);
    int64_t sent = case_accept(c, &draft);
    case_settle(c, app, (struct delivery_key){sent, 0}, 1, STATE_SENT);
    case_later(c, 60000);
    struct delivery_key keys[] = {{id, 0}, {sent, 0}, {id, 0}, {id + 99, 3}};
    struct redrive op = {.filter = {.app = other}, .keys = keys, .key_count = 4};
    op = redrive(c, op);
    assert_int_equal(op.redriven_count, 0);
    assert_int_equal(op.skipped_count, 4);
    op = redrive(c, (struct redrive){.filter = {.app = app}, .keys = keys, .key_count = 4});
    assert_int_equal(op.redriven_count, 1);
    assert_int_equal(op.redriven[0].notification, id);
    assert_int_equal(op.skipped_count, 3);
    assert_int_equal(op.skipped[0].notification, sent);
    assert_int_equal(op.change_count, 1);
    assert_int_equal(op.changes[0].delta, 1);
    assert_int_equal(op.changes[0].next_due.ms, c->now.ms);
    struct query *got = case_delivery(c, id, 0);
    assert_int_equal(got->deliveries->state, STATE_QUEUED);
    assert_int_equal(got->deliveries->attempts, 0);
    assert_int_equal(got->count, 2);
    assert_str(got->events[1].reason, "redriven");
    const struct claimed *claimed = case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 1)->list;
    assert_int_equal(claimed->attempt, 1);
    assert_int_equal(claimed->seq, 2);
    assert_int_equal(claimed->expires_at.ms, c->now.ms + 5000);
    assert_true(case_again(c, app, keys[0], 1, c->now, 1));
    claimed = case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 1)->list;
    assert_int_equal(claimed->expires_at.ms, c->now.ms + 5000); /* kept through attempts */
    assert_true(case_settle(c, app, keys[0], 2, STATE_SENT));
    got = case_get(c, (struct query){.type = QUERY_DEAD, .dead = {.app = app}});
    assert_int_equal(got->count, 0);
}

static void a_redrive_by_filter_takes_what_it_says(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop"), other = case_app(c, "other");
    struct draft draft = {.app = app, .place = PLACE_HAND};
    int64_t ids[4];
    for (int i = 0; i < 4; i++)
        ids[i] = dead_letter(c, &draft);
    draft.app = other;
    dead_letter(c, &draft);
    draft.app = app;
    struct redrive op = redrive(c, (struct redrive){.filter = {.app = app}, .limit = 3});
    assert_int_equal(op.redriven_count, 3);
    assert_int_equal(op.redriven[0].notification, ids[0]);
    assert_true(op.more);
    op = redrive(
        c, (struct redrive){
               .filter = {.app = app}, .limit = 3, .after_set = op.after_set, .after = op.after});
    assert_int_equal(op.redriven_count, 1);
    assert_false(op.more);
    struct dead_filter nothing[] = {
        {.app = other, .mode = MODE_TEST},
        {.app = other, .by_channel = true, .channel = CHANNEL_SMS},
        {.app = other, .reason = STR("another")},
        {.app = other, .since = {c->now.ms + 1}},
    };
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(redrive(c, (struct redrive){.filter = nothing[i]}).redriven_count, 0);
    struct dead_filter all = {.app = other,
                              .any_mode = true,
                              .by_channel = true,
                              .channel = CHANNEL_PUSH,
                              .reason = STR("attempts_used_up"),
                              .since = c->now};
    op = redrive(c, (struct redrive){.filter = all, .delete_only = true});
    assert_int_equal(op.redriven_count, 1);
    assert_int_equal(op.change_count, 0);
    assert_int_equal(case_state(c, op.redriven[0].notification, 0), STATE_DEAD);
    struct query *got = case_get(c, (struct query){.type = QUERY_DEAD, .dead = {.any_mode = true}});
    assert_int_equal(got->count, 0);
}

/* -- opening again ---------------------------------------------------------------------------- */

static void what_was_in_hand_waits_again_after_a_restart(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = {.app = app, .place = PLACE_HAND};
    int64_t first = case_accept(c, &draft);
    draft.place = PLACE_PENDING;
    draft.deliveries = 2;
    int64_t second = case_accept(c, &draft);
    draft.guarantee = GUARANTEE_AT_MOST_ONCE;
    int64_t third = case_accept(c, &draft);
    assert_int_equal(case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 3)->count, 3);
    assert_true(case_mark(c, (struct delivery_key){third, 0}, 1));
    case_close(c);
    case_later(c, 1000);
    case_open(c);
    assert_int_equal(c->state.recovered, 3);
    assert_int_equal(c->state.cut_off, 1);
    assert_int_equal(c->state.last_id, third);
    assert_int_equal(c->state.depth_count, 1);
    assert_int_equal(case_depth(c, KIND_IOS, PRIORITY_CRITICAL, app), 4);
    assert_int_equal(c->state.depths[0].next_due.ms, c->now.ms - 1000);
    assert_int_equal(case_delivery(c, first, 0)->deliveries->next_due.ms, c->now.ms);
    assert_int_equal(case_delivery(c, first, 0)->deliveries->attempts, 1);
    struct query *got = case_delivery(c, third, 0);
    assert_int_equal(got->deliveries->state, STATE_UNKNOWN);
    assert_str(got->deliveries->reason, "cut_off");
    assert_int_equal(case_state(c, third, 1), STATE_QUEUED);
    struct claim *claim = case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 9);
    assert_int_equal(claim->count, 4);
    assert_int_equal(claim->list[0].notification->id, third);
    assert_int_equal(claim->list[1].notification->id, first);
    assert_int_equal(claim->list[1].attempt, 2); /* the crash cost one */
    assert_true(case_settle(c, app, (struct delivery_key){second, 1}, 2, STATE_SENT));
    case_close(c);
    case_open(c);
    assert_int_equal(c->state.recovered, 3);
    assert_int_equal(c->state.cut_off, 0); /* claimed, and not marked */
    assert_int_equal(case_state(c, second, 1), STATE_SENT);
}

/* At most once: what was marked may have begun, and nothing else has. */
static void only_what_was_marked_is_cut_off(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = {
        .app = app, .place = PLACE_HAND, .guarantee = GUARANTEE_AT_MOST_ONCE, .deliveries = 3};
    int64_t id = case_accept(c, &draft);
    assert_false(case_mark(c, (struct delivery_key){id, 0}, 2)); /* a stale fence */
    assert_false(case_mark(c, (struct delivery_key){id, 7}, 1));
    assert_true(case_mark(c, (struct delivery_key){id, 1}, 1));
    assert_int_equal(case_state(c, id, 1), STATE_SENDING);
    case_close(c);
    case_later(c, 1000);
    case_open(c);
    assert_int_equal(c->state.recovered, 2);
    assert_int_equal(c->state.cut_off, 1);
    assert_int_equal(case_state(c, id, 1), STATE_UNKNOWN);
    assert_int_equal(case_delivery(c, id, 0)->deliveries->attempts, 0); /* it had not begun */
    struct claim *claim = case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 9);
    assert_int_equal(claim->count, 2);
    assert_int_equal(claim->list[0].attempt, 1);
    assert_false(case_mark(c, (struct delivery_key){id, 1}, 1)); /* it has ended */
}

static void a_mark_goes_with_the_row_in_hand(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = {
        .app = app, .place = PLACE_HAND, .guarantee = GUARANTEE_AT_MOST_ONCE, .deliveries = 3};
    int64_t id = case_accept(c, &draft);
    struct delivery_key back = {id, 0}, again = {id, 1}, sent = {id, 2};
    for (uint32_t i = 0; i < 3; i++)
        assert_true(case_mark(c, (struct delivery_key){id, i}, 1));
    assert_true(case_back(c, app, back, 1, c->now));
    assert_true(case_again(c, app, again, 1, c->now, 1));
    assert_true(case_settle(c, app, sent, 1, STATE_SENT));
    assert_false(case_mark(c, back, 1)); /* out of hand */
    struct claim *claim = case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 9);
    assert_int_equal(claim->count, 2);
    case_close(c);
    case_open(c);
    assert_int_equal(c->state.cut_off, 0);
    assert_int_equal(case_state(c, id, 0), STATE_QUEUED);
    assert_int_equal(case_state(c, id, 1), STATE_QUEUED);
    assert_int_equal(case_state(c, id, 2), STATE_SENT);
}

static void what_is_unknown_stays_so(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = {
        .app = app, .place = PLACE_HAND, .guarantee = GUARANTEE_AT_MOST_ONCE, .deliveries = 1};
    struct delivery_key key = {case_accept(c, &draft), 0};
    assert_true(case_mark(c, key, 1));
    assert_true(case_settle(c, app, key, 1, STATE_UNKNOWN));
    assert_false(case_receipt(c, key, STATE_DELIVERED));
    assert_false(case_receipt(c, key, STATE_FAILED));
    struct redrive op =
        redrive(c, (struct redrive){.filter = {.app = app}, .keys = &key, .key_count = 1});
    assert_int_equal(op.redriven_count, 0);
    assert_int_equal(op.skipped_count, 1);
    assert_int_equal(case_state(c, key.notification, 0), STATE_UNKNOWN);
}

static void depths_told_at_opening_equal_the_rows(void **state)
{
    struct store_case *c = *state;
    uint32_t apps[] = {case_app(c, "a"), case_app(c, "b")};
    for (int i = 0; i < 12; i++) {
        struct draft draft = {.app = apps[i % 2],
                              .kind = i % 3 ? KIND_IOS : KIND_SMS,
                              .priority = i % 4 ? PRIORITY_LOW : PRIORITY_HIGH,
                              .place = PLACE_PENDING,
                              .deliveries = 2};
        case_accept(c, &draft);
    }
    case_claim(c, apps[1], KIND_IOS, PRIORITY_LOW, 3);
    case_close(c);
    case_open(c);
    uint32_t told = 0;
    for (uint32_t i = 0; i < c->state.depth_count; i++) {
        struct lane_depth depth = c->state.depths[i];
        struct claim *claim =
            case_claim(c, depth.app, lane_kind(depth.lane), lane_priority(depth.lane), CLAIM_MAX);
        assert_int_equal(claim->count, depth.depth);
        told += depth.depth;
    }
    assert_int_equal(told, 24);
    case_close(c);
    case_open(c);
    assert_int_equal(c->state.recovered, 24);
}

static void a_full_arena_only_shortens_a_claim(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = pending_draft(app);
    draft.deliveries = 200;
    case_accept(c, &draft);
    struct arena whole = c->arena;
    struct claim claim = {.op.verb = VERB_CLAIM,
                          .lane = lane_of(KIND_IOS, PRIORITY_CRITICAL),
                          .app = app,
                          .limit = 200,
                          .now = c->now};
    arena_init(&c->arena, 200 * sizeof(struct claimed) + 100 * sizeof(struct delivery) + 8192);
    case_op(c, &claim.op);
    uint32_t first = claim.count;
    assert_in_range(first, 1, 199);
    assert_int_equal(claim.next_due.ms, c->now.ms);
    arena_done(&c->arena);
    c->arena = whole;
    claim.list = NULL;
    case_op(c, &claim.op);
    assert_int_equal(first + claim.count, 200);
}

/* -- confirm ---------------------------------------------------------------------------------- */

static void a_store_of_ones_own_needs_no_confirmation(void **state)
{
    struct store_case *c = *state;
    struct confirm confirm = {.op.verb = VERB_CONFIRM, .was = true};
    assert_false(c->state.unconfirmed);
    assert_false(c->state.full);
    case_op(c, &confirm.op);
    assert_false(confirm.was);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(accepted_facts_come_back),
        STORE_TEST(a_notification_without_deliveries_stands),
        STORE_TEST(suppressed_at_acceptance_has_ended),
        STORE_TEST(placed_in_hand_it_is_sending_until_settled),
        STORE_TEST(claims_come_in_order_of_due_and_say_what_is_next),
        STORE_TEST(neighbours_of_a_notification_share_it),
        STORE_TEST(a_claim_loads_what_policy_needs),
        STORE_TEST(a_claim_says_when_things_are_gone),
        STORE_TEST(a_device_of_another_kind_is_not_used),
        STORE_TEST(a_stale_attempt_changes_nothing),
        STORE_TEST(waiting_again_shows_when_and_how_often),
        STORE_TEST(a_dead_token_is_retired_unless_registered_later),
        STORE_TEST(a_stale_outcome_retires_nothing),
        STORE_TEST(receipts_only_move_forward),
        STORE_TEST(cancel_ends_what_waits_step_by_step),
        STORE_TEST(cancel_finds_what_waits_for_another_attempt),
        STORE_TEST(a_redrive_starts_afresh),
        STORE_TEST(a_redrive_by_filter_takes_what_it_says),
        STORE_TEST(what_was_in_hand_waits_again_after_a_restart),
        STORE_TEST(only_what_was_marked_is_cut_off),
        STORE_TEST(a_mark_goes_with_the_row_in_hand),
        STORE_TEST(what_is_unknown_stays_so),
        STORE_TEST(depths_told_at_opening_equal_the_rows),
        STORE_TEST(a_full_arena_only_shortens_a_claim),
        STORE_TEST(a_store_of_ones_own_needs_no_confirmation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
