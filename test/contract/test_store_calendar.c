/* test/contract/test_store_calendar.c - the calendar's own time, and what is told of what waits. */
#include "store_case.h"

enum { DAY_MS = 86400000 };

/* The clock was put back by a day: the calendar is a day ahead of it. */
static void put_back(struct store_case *c)
{
    c->offset_ms = -DAY_MS;
}

static struct draft waiting(uint32_t app)
{
    return (struct draft){.app = app, .place = PLACE_PENDING};
}

static void the_offset_is_told_by_the_next_opening(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = waiting(app);
    assert_int_equal(c->state.offset_ms, 0);
    put_back(c);
    case_accept(c, &draft);
    case_close(c);
    case_open(c);
    assert_int_equal(c->state.offset_ms, -DAY_MS);
    case_close(c);
    case_open(c);
    assert_int_equal(c->state.offset_ms, -DAY_MS);
}

static void a_group_of_nothing_keeps_the_offset(void **state)
{
    struct store_case *c = *state;
    put_back(c);
    case_run(c, NULL, 0);
    case_close(c);
    case_open(c);
    assert_int_equal(c->state.offset_ms, -DAY_MS);
}

/* What is answered is wall time: here a day before the calendar's. */
static void answers_are_dated_by_the_wall_clock(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = waiting(app);
    draft.ttl_ms = 5000;
    put_back(c);
    int64_t id = case_accept(c, &draft);
    struct wall real = {c->now.ms - DAY_MS};
    struct query *got = case_delivery(c, id, 0);
    assert_int_equal(got->deliveries->next_due.ms, real.ms);
    assert_int_equal(got->notifications->notification.expires_at.ms, real.ms + 5000);
    got = case_get(c, (struct query){.type = QUERY_NOTIFICATION, .app = app, .id = id});
    assert_int_equal(got->notifications->notification.expires_at.ms, real.ms + 5000);
    struct claim *claim = case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 1);
    assert_int_equal(claim->count, 1);
    assert_int_equal(claim->list[0].expires_at.ms, c->now.ms + 5000);
    assert_true(
        case_again(c, app, (struct delivery_key){id, 0}, 1, wall_add(c->now, span_s(3)), 1));
    got = case_delivery(c, id, 0);
    assert_int_equal(got->deliveries->next_due.ms, real.ms + 3000);
    assert_int_equal(got->events[0].due.ms, real.ms + 3000);
    got = case_get(c, (struct query){.type = QUERY_EVENTS, .app = app, .id = id});
    assert_int_equal(got->events[0].due.ms, real.ms + 3000);
}

/* Opened by a wall clock that is a day behind the calendar. */
static void what_was_in_hand_is_due_at_once_by_the_calendar(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = {.app = app, .place = PLACE_HAND};
    put_back(c);
    case_accept(c, &draft);
    case_close(c);
    struct wall calendar = c->now;
    c->now.ms -= DAY_MS;
    case_open(c);
    assert_int_equal(c->state.recovered, 1);
    assert_int_equal(c->state.depths[0].next_due.ms, calendar.ms);
    c->now = calendar;
    assert_int_equal(case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 1)->count, 1);
}

/* Ids were minted by a clock that was a day behind: idempotency counts its days all the same. */
static void idempotency_counts_by_the_calendar(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = waiting(app);
    draft.event_id = draft.body = "e";
    int64_t id = case_accept(c, &draft);
    put_back(c);
    case_later(c, INT64_C(7) * DAY_MS - 1);
    case_sweep(c, span_s(30 * 86400));
    assert_int_equal(case_accept(c, &draft), id);
    case_later(c, 1);
    assert_true(case_accept(c, &draft) != id);
}

static void retention_counts_by_the_calendar(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = {.app = app, .place = PLACE_ENDED};
    int64_t id = case_accept(c, &draft);
    c->offset_ms = INT64_C(400) * DAY_MS; /* a clock set far ahead removes nothing */
    case_later(c, DAY_MS);
    case_sweep(c, span_s(2 * 86400));
    struct query one = {.type = QUERY_NOTIFICATION, .app = app, .id = id};
    assert_int_equal(case_ask(c, one)->err, OK);
    case_later(c, DAY_MS + 1);
    case_sweep(c, span_s(2 * 86400));
    assert_int_equal(case_ask(c, one)->err, ERR_MISSING);
}

/* -- census ----------------------------------------------------------------------------------- */

static struct census census(struct store_case *c, uint64_t from, uint32_t limit)
{
    struct census op = {.op.verb = VERB_CENSUS, .from = from, .limit = limit};
    case_op(c, &op.op);
    return op;
}

static const struct census_row *row_of(const struct census *census, unsigned lane, uint32_t app)
{
    for (uint32_t i = 0; i < census->count; i++)
        if (census->rows[i].lane == lane && census->rows[i].app == app)
            return &census->rows[i];
    return NULL;
}

static void a_census_tells_what_waits_and_since_when(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop"), other = case_app(c, "other");
    struct draft draft = waiting(app), sms = waiting(other);
    struct wall first = c->now;
    assert_int_equal(census(c, 0, 10).count, 0);
    case_accept(c, &draft);
    case_later(c, 500);
    case_accept(c, &draft);
    sms.kind = KIND_SMS;
    sms.priority = PRIORITY_LOW;
    case_accept(c, &sms);
    struct census got = census(c, 0, 10);
    assert_int_equal(got.count, 2);
    assert_false(got.more);
    assert_int_equal(got.corrected, 0);
    const struct census_row *row = row_of(&got, lane_of(KIND_IOS, PRIORITY_CRITICAL), app);
    assert_int_equal(row->depth, 2);
    assert_int_equal(row->first_due.ms, first.ms);
    row = row_of(&got, lane_of(KIND_SMS, PRIORITY_LOW), other);
    assert_int_equal(row->depth, 1);
    assert_int_equal(row->first_due.ms, c->now.ms);
    assert_int_equal(case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 10)->count, 2);
    assert_int_equal(census(c, 0, 10).count, 1);
}

static void a_census_goes_on_where_its_page_ended(void **state)
{
    struct store_case *c = *state;
    bool seen[8] = {false};
    uint32_t apps[8], pages = 0;
    for (int i = 0; i < 8; i++) {
        char name[8] = {'a', (char)('0' + i), '\0'};
        struct draft draft = waiting(apps[i] = case_app(c, name));
        case_accept(c, &draft);
    }
    struct census got = {.more = true};
    for (uint64_t from = 0; got.more; from = got.from, pages++) {
        got = census(c, from, 3);
        for (uint32_t i = 0; i < got.count; i++)
            for (int app = 0; app < 8; app++)
                if (got.rows[i].app == apps[app]) {
                    assert_false(seen[app]);
                    seen[app] = true;
                }
    }
    assert_int_equal(pages, 3);
    for (int app = 0; app < 8; app++)
        assert_true(seen[app]);
}

/* What an op before it in the same group did, it has seen. */
static void a_census_sees_its_own_group(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = waiting(app);
    struct accept_case *accept = case_make_accept(c, &draft);
    struct census op = {.op.verb = VERB_CENSUS, .limit = 10};
    struct op *ops[] = {&accept->accept.op, &op.op};
    case_run(c, ops, 2);
    assert_int_equal(op.count, 1);
    assert_int_equal(op.rows[0].depth, 1);
    assert_int_equal(op.corrected, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(the_offset_is_told_by_the_next_opening),
        STORE_TEST(a_group_of_nothing_keeps_the_offset),
        STORE_TEST(answers_are_dated_by_the_wall_clock),
        STORE_TEST(what_was_in_hand_is_due_at_once_by_the_calendar),
        STORE_TEST(idempotency_counts_by_the_calendar),
        STORE_TEST(retention_counts_by_the_calendar),
        STORE_TEST(a_census_tells_what_waits_and_since_when),
        STORE_TEST(a_census_goes_on_where_its_page_ended),
        STORE_TEST(a_census_sees_its_own_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
