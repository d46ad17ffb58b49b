/* test/contract/test_store_dead.c - dead letters: counted, redriven at a rate, deleted on record.
 */
#include "store_case.h"

static int64_t dead_letter(struct store_case *c, uint32_t app)
{
    struct draft draft = {.app = app, .place = PLACE_HAND, .ttl_ms = 5000};
    int64_t id = case_accept(c, &draft);
    assert_true(case_settle(c, app, (struct delivery_key){id, 0}, 1, STATE_DEAD));
    return id;
}

static struct redrive redrive(struct store_case *c, struct redrive op)
{
    op.op.verb = VERB_REDRIVE;
    op.now = op.due = c->now;
    case_op(c, &op.op);
    return op;
}

static uint32_t count_dead(struct store_case *c, struct dead_filter filter)
{
    struct query *got =
        case_get(c, (struct query){.type = QUERY_DEAD, .dead = filter, .count_only = true});
    assert_false(got->more);
    return got->count;
}

static void they_are_counted_without_being_listed(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop"), other = case_app(c, "other");
    for (int i = 0; i < PAGE_DEFAULT + 5; i++)
        dead_letter(c, app);
    case_later(c, 10);
    dead_letter(c, app);
    dead_letter(c, other);
    assert_int_equal(count_dead(c, (struct dead_filter){.app = app}), PAGE_DEFAULT + 6);
    assert_int_equal(count_dead(c, (struct dead_filter){.app = app, .since = c->now}), 1);
    assert_int_equal(count_dead(c, (struct dead_filter){.app = app, .until = c->now}),
                     PAGE_DEFAULT + 5);
    assert_int_equal(count_dead(c, (struct dead_filter){.app = app, .reason = STR("x")}), 0);
}

static void with_a_rate_they_come_one_after_another(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    int64_t ids[3];
    for (int i = 0; i < 3; i++)
        ids[i] = dead_letter(c, app);
    struct redrive op =
        redrive(c, (struct redrive){.filter = {.app = app}, .gap = span_ms(500), .limit = 10});
    assert_int_equal(op.redriven_count, 3);
    assert_int_equal(op.changes[0].delta, 3);
    assert_int_equal(op.changes[0].next_due.ms, c->now.ms);
    for (int i = 0; i < 3; i++)
        assert_int_equal(case_delivery(c, ids[i], 0)->deliveries->next_due.ms, c->now.ms + 500 * i);
    struct claim *claim = case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 10);
    assert_int_equal(claim->count, 1);
    assert_int_equal(claim->next_due.ms, c->now.ms + 500);
    case_later(c, 1000);
    claim = case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 10);
    assert_int_equal(claim->count, 2);
    assert_int_equal(claim->list[1].expires_at.ms, c->now.ms + 5000); /* from its due on */
}

static void a_preview_changes_nothing(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct delivery_key keys[] = {{dead_letter(c, app), 0}, {1, 0}};
    struct redrive op = redrive(
        c, (struct redrive){.filter = {.app = app}, .keys = keys, .key_count = 2, .preview = true});
    assert_int_equal(op.redriven_count, 1);
    assert_int_equal(op.skipped_count, 1);
    assert_int_equal(op.change_count, 0);
    assert_int_equal(case_state(c, keys[0].notification, 0), STATE_DEAD);
    assert_int_equal(case_delivery(c, keys[0].notification, 0)->count, 1);
    assert_int_equal(count_dead(c, (struct dead_filter){.app = app}), 1);
}

static void a_deleted_one_stays_dead_with_a_record_and_is_never_redriven(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct delivery_key key = {dead_letter(c, app), 0};
    case_later(c, 100);
    struct redrive op = redrive(c, (struct redrive){.filter = {.app = app},
                                                    .keys = &key,
                                                    .key_count = 1,
                                                    .delete_only = true,
                                                    .detail = STR("by key_1: a test")});
    assert_int_equal(op.redriven_count, 1);
    struct query *got = case_delivery(c, key.notification, 0);
    assert_int_equal(got->deliveries->state, STATE_DEAD);
    assert_str(got->deliveries->reason, "attempts_used_up"); /* why it died stands */
    assert_int_equal(got->deliveries->updated_at.ms, c->now.ms);
    assert_int_equal(got->count, 2);
    assert_int_equal(got->events[1].seq, 1);
    assert_int_equal(got->events[1].state, STATE_DEAD);
    assert_int_equal(got->events[1].attempt, 0);
    assert_int_equal(got->events[1].at.ms, c->now.ms);
    assert_str(got->events[1].reason, "deleted");
    assert_str(got->events[1].detail, "by key_1: a test");
    op = redrive(c, (struct redrive){.filter = {.app = app}, .keys = &key, .key_count = 1});
    assert_int_equal(op.redriven_count, 0);
    assert_int_equal(op.skipped_count, 1);
    assert_int_equal(redrive(c, (struct redrive){.filter = {.app = app}}).redriven_count, 0);
    assert_int_equal(count_dead(c, (struct dead_filter){.app = app}), 0);
    case_close(c);
    case_open(c);
    assert_int_equal(case_state(c, key.notification, 0), STATE_DEAD);
    assert_int_equal(count_dead(c, (struct dead_filter){.app = app}), 0);
    case_later(c, INT64_C(40) * 86400000);
    case_sweep(c, span_s(30 * 86400)); /* and goes with its notification */
    assert_int_equal(
        case_ask(c, (struct query){.type = QUERY_NOTIFICATION, .app = app, .id = key.notification})
            ->err,
        ERR_MISSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(they_are_counted_without_being_listed),
        STORE_TEST(with_a_rate_they_come_one_after_another),
        STORE_TEST(a_preview_changes_nothing),
        STORE_TEST(a_deleted_one_stays_dead_with_a_record_and_is_never_redriven),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
