/* test/contract/test_store_idem.c - an event id counts once: in a group, through restarts, through
 * sealed and merged runs, whatever retention says, and for seven days. */
#include "base/rng.h"
#include "store_case.h"

enum { DAY_MS = 86400000 };

static struct draft draft_of(uint32_t app, const char *event_id, const char *body)
{
    return (struct draft){
        .app = app, .place = PLACE_ENDED, .event_id = event_id, .body = body, .deliveries = 3};
}

static enum idem_result probe(struct store_case *c, const struct draft *draft, int64_t *ret_id)
{
    struct probe probe = {.op.verb = VERB_PROBE, .idem = case_idem(c, draft)};
    case_op(c, &probe.op);
    if (ret_id)
        *ret_id = probe.replay_id;
    if (probe.result != IDEM_NEW)
        assert_int_equal(probe.replay_deliveries, 3);
    return probe.result;
}

static enum idem_result accept(struct store_case *c, const struct draft *draft, int64_t *ret_id)
{
    struct accept_case *made = case_make_accept(c, draft);
    case_op(c, &made->accept.op);
    *ret_id = made->accept.result == IDEM_NEW ? made->notification.id : made->accept.replay_id;
    return made->accept.result;
}

static void the_same_request_replays_another_body_does_not(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop"), other = case_app(c, "other");
    struct draft draft = draft_of(app, "e1", "body");
    int64_t first, id;
    assert_int_equal(probe(c, &draft, NULL), IDEM_NEW);
    assert_int_equal(accept(c, &draft, &first), IDEM_NEW);
    assert_int_equal(accept(c, &draft, &id), IDEM_REPLAY);
    assert_int_equal(id, first);
    assert_int_equal(probe(c, &draft, &id), IDEM_REPLAY);
    assert_int_equal(id, first);
    draft.body = "another";
    assert_int_equal(accept(c, &draft, &id), IDEM_MISMATCH);
    assert_int_equal(id, first);
    draft.mode = MODE_TEST;
    assert_int_equal(accept(c, &draft, &id), IDEM_NEW); /* modes have keys of their own */
    draft.app = other;
    assert_int_equal(accept(c, &draft, &id), IDEM_NEW);
    struct query *got =
        case_get(c, (struct query){.type = QUERY_NOTIFICATIONS, .app = app, .any_mode = true});
    assert_int_equal(got->count, 2);
}

static void a_repeat_within_a_group_is_a_replay(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = draft_of(app, "e1", "body"), changed = draft_of(app, "e1", "changed"),
                 fresh = draft_of(app, "e2", "body");
    struct accept_case *made[] = {case_make_accept(c, &draft), case_make_accept(c, &draft),
                                  case_make_accept(c, &changed), case_make_accept(c, &fresh)};
    struct op *ops[] = {&made[0]->accept.op, &made[1]->accept.op, &made[2]->accept.op,
                        &made[3]->accept.op};
    case_run(c, ops, 4);
    assert_int_equal(made[0]->accept.result, IDEM_NEW);
    assert_int_equal(made[1]->accept.result, IDEM_REPLAY);
    assert_int_equal(made[1]->accept.replay_id, made[0]->notification.id);
    assert_int_equal(made[2]->accept.result, IDEM_MISMATCH);
    assert_int_equal(made[3]->accept.result, IDEM_NEW);
}

static void without_an_event_id_nothing_is_remembered(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = draft_of(app, NULL, NULL);
    int64_t id;
    assert_int_equal(accept(c, &draft, &id), IDEM_NEW);
    assert_int_equal(accept(c, &draft, &id), IDEM_NEW);
}

static const char *event_name(struct store_case *c, int i)
{
    return arena_printf(&c->arena, "event-%d%c", i, 0).at;
}

/* Enough keys that small indexes have sealed and merged over and over, in every order of sweep and
 * restart; each answer stays exact. */
static void answers_stay_exact_through_seals_merges_and_restarts(void **state)
{
    enum { COUNT = 600 };
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    int64_t ids[COUNT], id;
    struct rng rng = rng_of(11);
    for (int i = 0; i < COUNT; i++) {
        struct draft draft = draft_of(app, event_name(c, i), "body");
        assert_int_equal(accept(c, &draft, &ids[i]), IDEM_NEW);
        case_later(c, 1000);
        int again = (int)rng_below(&rng, (uint64_t)i + 1);
        draft.event_id = event_name(c, again);
        assert_int_equal(accept(c, &draft, &id), IDEM_REPLAY);
        assert_int_equal(id, ids[again]);
        uint64_t chance = rng_below(&rng, 25);
        if (chance < 10) {
            struct sweep sweep = {
                .op.verb = VERB_SWEEP, .now = c->now, .retention = span_s(8640000), .rows_max = 9};
            case_op(c, &sweep.op);
        } else if (chance == 10) {
            case_close(c);
            case_open(c);
        } else if (chance == 11) {
            case_sweep(c, span_s(8640000));
            case_close(c); /* with what the last step removed */
            case_open(c);
        }
    }
    case_sweep(c, span_s(8640000));
    for (int i = 0; i < COUNT; i++) {
        struct draft draft = draft_of(app, event_name(c, i), i % 2 ? "body" : "another");
        assert_int_equal(probe(c, &draft, &id), i % 2 ? IDEM_REPLAY : IDEM_MISMATCH);
        assert_int_equal(id, ids[i]);
        draft.event_id = arena_printf(&c->arena, "unknown-%d%c", i, 0).at;
        assert_int_equal(probe(c, &draft, NULL), IDEM_NEW);
    }
}

static void an_answer_lives_seven_days_whatever_retention_says(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct draft draft = draft_of(app, "e1", "body");
    int64_t first, id;
    for (int i = 0; i < 20; i++) { /* so that small indexes seal */
        struct draft other = draft_of(app, event_name(c, i), "body");
        accept(c, &other, &id);
    }
    accept(c, &draft, &first);
    case_later(c, DAY_MS);
    case_sweep(c, span_s(3600));
    struct query *got =
        case_ask(c, (struct query){.type = QUERY_NOTIFICATION, .app = app, .id = first});
    assert_int_equal(got->err, ERR_MISSING);
    assert_int_equal(accept(c, &draft, &id), IDEM_REPLAY);
    assert_int_equal(id, first);
    case_close(c);
    case_later(c, 6 * (int64_t)DAY_MS - 1);
    case_open(c);
    case_sweep(c, span_s(3600));
    assert_int_equal(probe(c, &draft, &id), IDEM_REPLAY);
    draft.body = "another";
    assert_int_equal(probe(c, &draft, &id), IDEM_MISMATCH);
    case_later(c, 1);
    assert_int_equal(probe(c, &draft, NULL), IDEM_NEW);
    assert_int_equal(accept(c, &draft, &id), IDEM_NEW); /* a first one again */
    assert_true(id > first);
    assert_int_equal(probe(c, &draft, &first), IDEM_REPLAY);
    assert_int_equal(first, id);
    case_later(c, 8 * (int64_t)DAY_MS);
    case_sweep(c, span_s(3600));
    assert_int_equal(probe(c, &draft, NULL), IDEM_NEW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(the_same_request_replays_another_body_does_not),
        STORE_TEST(a_repeat_within_a_group_is_a_replay),
        STORE_TEST(without_an_event_id_nothing_is_remembered),
        STORE_TEST(answers_stay_exact_through_seals_merges_and_restarts),
        STORE_TEST(an_answer_lives_seven_days_whatever_retention_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
