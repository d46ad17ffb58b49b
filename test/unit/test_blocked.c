/* Why a lane does not move: every reason, and which comes first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/blocked.h"

static const struct wall now = {1790000000000};

static struct wall ago(int64_t ms)
{
    return (struct wall){now.ms - ms};
}

struct world {
    struct arena arena;
    struct lane_report lane;
    struct provider_report providers[2];
    const struct provider_report *list[2];
    struct steering *steering;
    struct blocked_question question;
    struct blocked blocked;
};

/* Two healthy providers of SMS, one of them busy; something waits and something moves. */
static int start(void **state)
{
    static struct world w;
    w = (struct world){
        .lane = {.lane = lane_of(KIND_SMS, PRIORITY_NORMAL),
                 .depth = 10,
                 .in_flight = 5,
                 .block = {.next_due = ago(1000), .busy_since = ago(60000), .moved_at = ago(10)}},
    };
    arena_init(&w.arena, 1 << 20);
    for (int i = 0; i < 2; i++) {
        w.providers[i] = (struct provider_report){.name = i ? STR("vonage") : STR("twilio"),
                                                  .kinds = 1u << KIND_SMS,
                                                  .routed = 1u << KIND_SMS,
                                                  .in_flight_max = 8};
        w.list[i] = &w.providers[i];
    }
    w.providers[0].in_flight = 5;
    w.steering = steering_new(NULL, 0, 1, now);
    assert_non_null(w.steering);
    w.question = (struct blocked_question){.now = now,
                                           .lane = &w.lane,
                                           .steering = w.steering,
                                           .providers = w.list,
                                           .provider_count = 2};
    *state = &w;
    return 0;
}

static int stop(void **state)
{
    struct world *w = *state;
    steering_free(w->steering);
    arena_done(&w->arena);
    return 0;
}

static bool ask(struct world *w)
{
    return lane_blocked(&w->question, &w->arena, &w->blocked);
}

static void assert_by(struct world *w, const char *by, const char *detail)
{
    assert_true(ask(w));
    assert_string_equal(arena_text(&w->arena, blocker_name(w->blocked.by)), by);
    if (detail)
        assert_string_equal(arena_text(&w->arena, w->blocked.detail), detail);
}

static void open_breaker(struct provider_report *provider, int64_t since_ms, int64_t probe_ms)
{
    provider->state = BREAKER_OPEN;
    provider->since = ago(since_ms);
    provider->next_probe = ago(-probe_ms);
    (void)str_copy(STR("503 ServiceUnavailable"), provider->last_error,
                   sizeof provider->last_error);
}

static void steer(struct world *w, const struct steer *steer)
{
    struct steering *with = steering_with(w->steering, steer, 1u << KIND_SMS, now);
    assert_non_null(with);
    steering_free(w->steering);
    w->question.steering = w->steering = with;
}

static void what_moves_is_not_blocked(void **state)
{
    struct world *w = *state;
    assert_false(ask(w));
    open_breaker(&w->providers[0], 60000, 5000); /* the other one takes it */
    assert_false(ask(w));
    w->lane.depth = w->lane.in_flight = 0; /* nothing there */
    open_breaker(&w->providers[1], 60000, 5000);
    assert_false(ask(w));
}

static void a_pause_comes_before_all_else(void **state)
{
    struct world *w = *state;
    w->question.refused_since = ago(1000);
    const struct steer pause = {.type = STEER_PAUSE,
                                .reason = STR("wrong text"),
                                .by = STR("root"),
                                .since = ago(5000),
                                .until = ago(-60000)};
    steer(w, &pause);
    w->lane.depth = w->lane.in_flight = 0; /* also with nothing there */
    assert_by(w, "paused", "paused by root, until 2026-09-21T14:14:20.000Z: wrong text");
    assert_int_equal(w->blocked.since.ms, ago(5000).ms);
    assert_int_equal(w->blocked.next_due.ms, ago(-60000).ms);
    assert_null(strstr(arena_text(&w->arena, w->blocked.brief), "wrong"));
}

static void the_store_holds_everything(void **state)
{
    struct world *w = *state;
    w->question.refused_since = ago(1000);
    w->question.refused_why = STR("the disk is full");
    assert_by(w, "store", "the store refuses writes: the disk is full");
    assert_int_equal(w->blocked.since.ms, ago(1000).ms);
    w->question.unconfirmed = true;
    assert_by(w, "epoch", NULL);
    w->question.unconfirmed = false;
    w->question.refused_since = (struct wall){0};
    w->question.draining = true;
    assert_by(w, "draining", NULL);
}

static void providers_that_all_fail_are_named_with_the_next_probe(void **state)
{
    struct world *w = *state;
    open_breaker(&w->providers[0], 60000, 9000);
    open_breaker(&w->providers[1], 30000, 5000);
    assert_by(w, "breaker_open",
              "twilio is left alone since 2026-09-21T14:12:20.000Z, after 503 ServiceUnavailable; "
              "vonage is left alone since 2026-09-21T14:12:50.000Z, after 503 ServiceUnavailable");
    assert_int_equal(w->blocked.since.ms, ago(30000).ms); /* since both are */
    assert_int_equal(w->blocked.next_due.ms, ago(-5000).ms);
    assert_null(strstr(arena_text(&w->arena, w->blocked.brief), "twilio"));
}

static void providers_that_asked_to_wait_are_throttled(void **state)
{
    struct world *w = *state;
    w->providers[0].paused_until = ago(-4000);
    assert_false(ask(w));
    w->providers[1].paused_until = ago(-8000);
    assert_by(w, "throttled", NULL);
    assert_int_equal(w->blocked.next_due.ms, ago(-4000).ms);
    w->providers[0].paused_until = ago(1); /* over */
    assert_false(ask(w));
}

static void what_keeps_coming_back_is_blocked_though_another_rule_goes_on(void **state)
{
    struct world *w = *state;
    open_breaker(&w->providers[0], 60000, 5000);
    w->lane.block.stuck_since = ago(20000);
    w->lane.block.stuck_at = ago(500);
    assert_by(w, "breaker_open", NULL);
    w->lane.block.stuck_at = ago(10000); /* no longer */
    assert_false(ask(w));
}

static void a_move_leads_past_a_provider_that_fails(void **state)
{
    struct world *w = *state;
    w->providers[1].routed = 0;
    open_breaker(&w->providers[0], 60000, 5000);
    assert_by(w, "breaker_open", NULL);
    const struct steer move = {
        .type = STEER_MOVE, .from = STR("twilio"), .to = STR("vonage"), .until = WALL_NEVER};
    steer(w, &move);
    assert_false(ask(w));
}

static void what_nobody_answers_is_slow(void **state)
{
    struct world *w = *state;
    w->lane.block.moved_at = ago(11000);
    assert_by(w, "slow",
              "no attempt has come to anything since 2026-09-21T14:13:09.000Z; twilio has 5 of 8 "
              "requests open and 0 waiting");
    w->lane.block.busy_since = ago(2000); /* only just handed out */
    assert_false(ask(w));
}

static void what_is_due_later_says_when(void **state)
{
    struct world *w = *state;
    w->lane.in_flight = 0;
    w->lane.block.busy_since = (struct wall){0};
    w->lane.block.next_due = ago(-90000);
    assert_by(w, "not_due", "all that waits is due later, the first at 2026-09-21T14:14:50.000Z");
    assert_int_equal(w->blocked.next_due.ms, ago(-90000).ms);
}

static void what_is_due_and_held_by_nothing_is_a_fault(void **state)
{
    struct world *w = *state;
    w->lane.in_flight = 0;
    w->lane.block.busy_since = (struct wall){0};
    w->lane.block.moved_at = ago(60000);
    assert_false(ask(w)); /* for a second only */
    w->lane.block.next_due = ago(6000);
    assert_by(w, "stalled", NULL);
    w->lane.block.full = true;
    assert_false(ask(w));
}

static void a_kind_without_a_route_says_so(void **state)
{
    struct world *w = *state;
    w->providers[0].routed = w->providers[1].routed = 1u << KIND_IOS;
    assert_by(w, "no_route", NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_moves_is_not_blocked),
        TEST(a_pause_comes_before_all_else),
        TEST(the_store_holds_everything),
        TEST(providers_that_all_fail_are_named_with_the_next_probe),
        TEST(providers_that_asked_to_wait_are_throttled),
        TEST(what_keeps_coming_back_is_blocked_though_another_rule_goes_on),
        TEST(a_move_leads_past_a_provider_that_fails),
        TEST(what_nobody_answers_is_slow),
        TEST(what_is_due_later_says_when),
        TEST(what_is_due_and_held_by_nothing_is_a_fault),
        TEST(a_kind_without_a_route_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
