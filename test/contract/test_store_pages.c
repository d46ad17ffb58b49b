/* test/contract/test_store_pages.c - lists: filters, paging without doubles or gaps while others
 * come and go, and what retention and the erasing of apps leave. */
#include "base/rng.h"
#include "model/limits.h"
#include "store_case.h"

enum { IDS_MAX = 4000 };

struct ids_seen {
    int64_t ids[IDS_MAX];
    uint32_t count;
};

/* All pages of the query; ids fall from one to the next. */
static void read_all(struct store_case *c, struct query query, struct ids_seen *ret)
{
    ret->count = 0;
    for (;;) {
        struct query *page = case_get(c, query);
        for (uint32_t i = 0; i < page->count; i++) {
            int64_t id = page->notifications[i].notification.id;
            assert_true(ret->count == 0 || id < ret->ids[ret->count - 1]);
            ret->ids[ret->count++] = id;
        }
        if (!page->more)
            return;
        assert_true(page->next_id != 0 && (!query.cursor_set || page->next_id < query.cursor_id));
        query.cursor_set = true;
        query.cursor_id = page->next_id;
    }
}

static void assert_same(const struct ids_seen *seen, const int64_t *expected, uint32_t count)
{
    assert_int_equal(seen->count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(seen->ids[i], expected[count - 1 - i]);
}

static void notifications_are_listed_newest_first_by_filter(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop"), other = case_app(c, "other");
    int64_t user = case_user(c, app, "u1"), ids[10];
    struct wall began = c->now;
    for (int i = 0; i < 10; i++) {
        struct draft draft = {.app = i == 9 ? other : app,
                              .mode = i == 8 ? MODE_TEST : MODE_LIVE,
                              .place = i % 2 ? PLACE_PENDING : PLACE_ENDED,
                              .user = i < 4 ? user : 0,
                              .user_id = i < 4 ? "u1" : NULL,
                              .category = i == 3 ? "news" : NULL,
                              .template_name = i >= 6 ? "order" : NULL};
        ids[i] = case_accept(c, &draft);
        case_later(c, 1000);
    }
    struct ids_seen *seen = arena_new(&c->arena, struct ids_seen);
    struct query query = {.type = QUERY_NOTIFICATIONS, .app = app, .limit = 3};
    read_all(c, query, seen);
    assert_same(seen, ids, 8);
    query.any_mode = true;
    read_all(c, query, seen);
    assert_same(seen, ids, 9);
    query.app = 0;
    read_all(c, query, seen);
    assert_same(seen, ids, 10);
    query.app = app;
    query.filter.user_id = STR("u1");
    read_all(c, query, seen);
    assert_same(seen, ids, 4);
    query.filter.category = STR("news");
    read_all(c, query, seen);
    assert_same(seen, &ids[3], 1);
    query.filter.user_id = STR("nobody");
    read_all(c, query, seen);
    assert_int_equal(seen->count, 0);
    query.filter = (struct notification_filter){.template_name = STR("order")};
    read_all(c, query, seen);
    assert_same(seen, &ids[6], 3);
    query.filter = (struct notification_filter){.by_state = true, .state = STATE_QUEUED};
    read_all(c, query, seen);
    assert_int_equal(seen->count, 4);
    assert_int_equal(seen->ids[3], ids[1]);
    query.filter =
        (struct notification_filter){.since = {began.ms + 2000}, .until = {began.ms + 5000}};
    read_all(c, query, seen);
    assert_same(seen, &ids[2], 3);
    assert_int_equal(case_get(c, query)->notifications->counts[STATE_SUPPRESSED], 1);
}

/* By-user look-ups go through runs, frozen and open pairs; others come while pages are read. */
static void a_users_list_misses_nothing_while_others_come(void **state)
{
    enum { USERS = 3, ROUNDS = 400 };
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct rng rng = rng_of(5);
    int64_t users[USERS], expected[USERS][ROUNDS];
    static const char *const names[USERS] = {"a", "b", "c"};
    uint32_t counts[USERS] = {0};
    for (int i = 0; i < USERS; i++)
        users[i] = case_user(c, app, names[i]);
    struct ids_seen *seen = arena_new(&c->arena, struct ids_seen);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t who = rng_below(&rng, USERS);
        struct draft draft = {.app = app,
                              .place = PLACE_ENDED,
                              .deliveries = 1 + (uint32_t)rng_below(&rng, 3),
                              .user = users[who],
                              .user_id = names[who]};
        expected[who][counts[who]++] = case_accept(c, &draft);
        if (rng_below(&rng, 5) == 0) {
            struct sweep sweep = {
                .op.verb = VERB_SWEEP, .now = c->now, .retention = span_s(8640000), .rows_max = 50};
            case_op(c, &sweep.op);
        }
        if (rng_below(&rng, 100) == 0) {
            case_close(c);
            case_open(c);
        }
        case_later(c, 3);
    }
    for (int who = 0; who < USERS; who++) {
        struct query query = {.type = QUERY_NOTIFICATIONS,
                              .app = app,
                              .limit = 7,
                              .filter.user_id = str_of(names[who])};
        seen->count = 0;
        for (struct query *page;;) {
            page = case_get(c, query);
            for (uint32_t i = 0; i < page->count; i++)
                seen->ids[seen->count++] = page->notifications[i].notification.id;
            if (!page->more)
                break;
            query.cursor_set = true;
            query.cursor_id = page->next_id;
            struct draft draft = {
                .app = app, .place = PLACE_ENDED, .user = users[who], .user_id = names[who]};
            case_accept(c, &draft); /* newer than the page: not on the next one */
        }
        assert_same(seen, expected[who], counts[who]);
    }
    struct query query = {.type = QUERY_NOTIFICATIONS, .app = app, .limit = 50};
    read_all(c, query, seen);
    assert_true(seen->count >= ROUNDS);
}

static void deliveries_are_paged_by_key(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = {.app = app, .place = PLACE_HAND, .deliveries = 9};
    int64_t id = case_accept(c, &draft);
    for (uint32_t i = 0; i < 9; i += 3)
        case_settle(c, app, (struct delivery_key){id, i}, 1, STATE_SENT);
    case_receipt(c, (struct delivery_key){id, 3}, STATE_DELIVERED);
    case_receipt(c, (struct delivery_key){id, 3}, STATE_OPENED);
    struct query query = {.type = QUERY_DELIVERIES, .app = app, .id = id, .limit = 4};
    uint32_t next = 0;
    for (struct query *page;; query.cursor_set = true, query.cursor_ordinal = page->next_ordinal) {
        page = case_get(c, query);
        for (uint32_t i = 0; i < page->count; i++)
            assert_int_equal(page->deliveries[i].delivery.ordinal, next++);
        if (!page->more)
            break;
    }
    assert_int_equal(next, 9);
    query = (struct query){
        .type = QUERY_DELIVERIES, .app = app, .id = id, .by_state = true, .state = STATE_SENT};
    assert_int_equal(case_get(c, query)->count, 2);
    struct query missing = {.type = QUERY_EVENTS, .app = app + 1, .id = id};
    assert_int_equal(case_ask(c, missing)->err, ERR_MISSING);
    missing = (struct query){.type = QUERY_DELIVERY, .app = app, .key = {id, 9}};
    assert_int_equal(case_ask(c, missing)->err, ERR_MISSING);
    missing = (struct query){.type = QUERY_DELIVERY, .app = app, .mode = MODE_TEST, .key = {id, 1}};
    assert_int_equal(case_ask(c, missing)->err, ERR_MISSING);
}

/* Pages of `limit` steps: how many acceptances and events there were, each once and in order. */
static void events_in_pages(struct store_case *c, uint32_t app, int64_t id, uint32_t limit,
                            uint32_t accepted_wanted, uint32_t events_wanted)
{
    struct query list = {.type = QUERY_EVENTS, .app = app, .id = id, .limit = limit};
    uint32_t events = 0, accepted = 0, pages = 0;
    struct event last = {.at = {0}};
    for (struct query *page;; list.cursor_set = true, list.cursor_id = page->next_id,
                              list.cursor_ordinal = page->next_ordinal,
                              list.cursor_seq = page->next_seq) {
        page = case_get(c, list);
        for (uint32_t i = 0; i < page->delivery_count; i++) {
            bool is_new = page->by_time || i > 0 || !list.cursor_set ||
                          page->deliveries[0].delivery.ordinal != list.cursor_ordinal;
            assert_true(!is_new || page->deliveries[i].delivery.ordinal == accepted);
            accepted += is_new;
        }
        for (uint32_t i = 0; i < page->count; i++) {
            const struct event *event = &page->events[i];
            assert_true(event->key.notification == id);
            if (page->by_time)
                assert_true(event->at.ms >= last.at.ms && accepted == accepted_wanted);
            else
                assert_true(event->key.ordinal >= last.key.ordinal);
            last = *event;
        }
        events += page->count;
        pages++;
        if (!page->more)
            break;
        assert_true(page->count + page->delivery_count >= limit);
    }
    assert_int_equal(accepted, accepted_wanted);
    assert_int_equal(events, events_wanted);
    assert_int_equal(pages, (accepted + events + limit - 1) / limit);
}

static void events_are_listed_oldest_first(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = {.app = app, .place = PLACE_HAND, .deliveries = 9};
    int64_t id = case_accept(c, &draft);
    for (uint32_t i = 0; i < 9; i += 3) { /* the last delivery first */
        case_later(c, 5);
        case_settle(c, app, (struct delivery_key){id, 8 - i}, 1, STATE_SENT);
    }
    case_later(c, 5);
    case_receipt(c, (struct delivery_key){id, 8}, STATE_DELIVERED);
    case_receipt(c, (struct delivery_key){id, 8}, STATE_OPENED);
    for (uint32_t limit = 1; limit <= 15; limit++)
        events_in_pages(c, app, id, limit, 9, 5);
}

static void events_of_many_deliveries_come_one_delivery_after_another(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = {.app = app, .place = PLACE_HAND, .deliveries = EVENTS_BY_TIME_MAX + 1};
    int64_t id = case_accept(c, &draft);
    for (uint32_t i = 0; i < 100; i += 20) {
        case_later(c, 5);
        case_settle(c, app, (struct delivery_key){id, 100 - i}, 1, STATE_SENT);
    }
    for (uint32_t limit = 1; limit <= 120; limit += 7)
        events_in_pages(c, app, id, limit, EVENTS_BY_TIME_MAX + 1, 5);
}

static void dead_letters_are_listed_newest_first(void **state)
{
    struct store_case *c = *state;
    uint32_t apps[] = {case_app(c, "shop"), case_app(c, "other")};
    int64_t ids[6];
    for (int i = 0; i < 6; i++) {
        struct draft draft = {.app = apps[i % 2], .place = PLACE_HAND, .deliveries = 2};
        ids[i] = case_accept(c, &draft);
        for (uint32_t k = 0; k < 2; k++)
            case_settle(c, apps[i % 2], (struct delivery_key){ids[i], k}, 1, STATE_DEAD);
        case_later(c, 1000);
    }
    struct query query = {.type = QUERY_DEAD, .dead = {.app = apps[0]}, .limit = 2};
    uint32_t seen = 0;
    for (struct query *page;; query.cursor_set = true, query.cursor_id = page->next_id,
                              query.cursor_ordinal = page->next_ordinal) {
        page = case_get(c, query);
        for (uint32_t i = 0; i < page->count; i++, seen++) {
            assert_int_equal(page->deliveries[i].notification, ids[4 - seen / 2 * 2]);
            assert_int_equal(page->deliveries[i].delivery.ordinal, 1 - seen % 2);
            assert_int_equal(page->deliveries[i].state, STATE_DEAD);
            assert_str(page->deliveries[i].reason, "attempts_used_up");
        }
        if (!page->more)
            break;
    }
    assert_int_equal(seen, 6);
    query = (struct query){.type = QUERY_DEAD, .dead.since = {c->now.ms - 2000}};
    assert_int_equal(case_get(c, query)->count, 4);
    query = (struct query){.type = QUERY_DEAD, .app = apps[1]};
    assert_int_equal(case_get(c, query)->count, 6);
    query.dead.mode = MODE_TEST;
    assert_int_equal(case_get(c, query)->count, 0);
}

/* -- sweeps ----------------------------------------------------------------------------------- */

static bool exists(struct store_case *c, int64_t id)
{
    struct query query = {.type = QUERY_NOTIFICATION, .id = id, .any_mode = true};
    return case_ask(c, query)->err == OK;
}

static void retention_keeps_what_is_open_and_young_dead_letters(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = {.app = app, .place = PLACE_HAND, .deliveries = 60};
    int64_t ended = case_accept(c, &draft);
    for (uint32_t i = 0; i < 60; i++)
        case_settle(c, app, (struct delivery_key){ended, i}, 1, STATE_SENT);
    draft.deliveries = 2;
    int64_t half = case_accept(c, &draft);
    case_settle(c, app, (struct delivery_key){half, 0}, 1, STATE_SENT);
    case_again(c, app, (struct delivery_key){half, 1}, 1, (struct wall){c->now.ms + 50000}, 1);
    int64_t dead = case_accept(c, &draft);
    case_settle(c, app, (struct delivery_key){dead, 0}, 1, STATE_SENT);
    case_later(c, 9000);
    case_settle(c, app, (struct delivery_key){dead, 1}, 1, STATE_DEAD);
    case_later(c, 2000);
    int64_t young = case_accept(c, &draft);
    struct span retention = span_s(10);
    case_sweep(c, retention);
    assert_false(exists(c, ended));
    assert_true(exists(c, half));
    assert_true(exists(c, dead));
    assert_true(exists(c, young));
    case_sweep(c, retention);
    case_later(c, 40000);
    struct claim *claim = case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 9);
    assert_int_equal(claim->count, 1);
    assert_true(case_settle(c, app, (struct delivery_key){half, 1}, 2, STATE_EXPIRED));
    case_sweep(c, retention);
    assert_false(exists(c, half)); /* its last one has ended */
    assert_false(exists(c, dead)); /* old by now */
    assert_true(exists(c, young)); /* in hand */
    struct query query = {.type = QUERY_DEAD};
    assert_int_equal(case_get(c, query)->count, 0);
    case_settle(c, app, (struct delivery_key){young, 0}, 1, STATE_SENT);
    case_settle(c, app, (struct delivery_key){young, 1}, 1, STATE_SENT);
    int64_t last = c->ids.last;
    case_sweep(c, retention);
    assert_false(exists(c, young));
    case_close(c);
    case_open(c);
    assert_int_equal(c->state.last_id, last); /* though no row tells it */
    assert_int_equal(c->state.depth_count, 0);
    query = (struct query){.type = QUERY_NOTIFICATIONS, .app = app};
    assert_int_equal(case_get(c, query)->count, 0);
}

static void a_deleted_app_is_erased(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop"), other = case_app(c, "other");
    int64_t user = case_user(c, app, "u1");
    case_device(c, app, "u1", "phone", "t");
    struct draft draft = {.app = app, .place = PLACE_PENDING, .deliveries = 50, .user = user};
    int64_t id = case_accept(c, &draft);
    draft.place = PLACE_HAND;
    int64_t hand = case_accept(c, &draft);
    case_settle(c, app, (struct delivery_key){hand, 0}, 1, STATE_DEAD);
    draft = (struct draft){.app = other, .place = PLACE_PENDING};
    int64_t kept = case_accept(c, &draft);
    case_change(c, (struct change){.type = CHANGE_APP_DELETE, .app = app});
    case_sweep(c, span_s(1000));
    assert_false(exists(c, id));
    assert_false(exists(c, hand));
    assert_true(exists(c, kept));
    assert_false(case_settle(c, app, (struct delivery_key){hand, 1}, 1, STATE_SENT));
    assert_int_equal(case_claim(c, app, KIND_IOS, PRIORITY_CRITICAL, 9)->count, 0);
    struct query query = {.type = QUERY_DEAD, .dead.any_mode = true};
    assert_int_equal(case_get(c, query)->count, 0);
    case_close(c);
    case_open(c);
    assert_int_equal(c->state.recovered, 0);
    assert_int_equal(c->state.depth_count, 1);
    assert_int_equal(c->state.depths[0].app, other);
}

static void what_was_done_is_counted(void **state)
{
    struct store_case *c = *state;
    struct store_metrics metrics;
    uint32_t app = case_app(c, "shop");
    case_get(c, (struct query){.type = QUERY_KEYS, .app = app});
    c->store->ops->measure(c->store, &metrics);
    assert_true(metrics.groups >= 1);
    assert_true(metrics.reads >= 1);
    assert_int_equal(metrics.groups_refused, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(notifications_are_listed_newest_first_by_filter),
        STORE_TEST(a_users_list_misses_nothing_while_others_come),
        STORE_TEST(deliveries_are_paged_by_key),
        STORE_TEST(events_are_listed_oldest_first),
        STORE_TEST(events_of_many_deliveries_come_one_delivery_after_another),
        STORE_TEST(dead_letters_are_listed_newest_first),
        STORE_TEST(retention_keeps_what_is_open_and_young_dead_letters),
        STORE_TEST(a_deleted_app_is_erased),
        STORE_TEST(what_was_done_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
