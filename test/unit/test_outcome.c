/* When a delivery is tried again, and what a verdict does to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/outcome.h"

static const struct retry_policy policy = {
    .delay_first = {5000000}, .delay_max = {3600000000}, .attempts_max = 12};
static const struct wall now = {1790000000000};
static const struct wall far = {1790000000000 + 86400000};

static struct verdict again(void)
{
    return (struct verdict){.fate = FATE_AGAIN, .scope = SCOPE_PROVIDER};
}

static void delays_grow_with_full_jitter_and_stay_below_the_cap(void **state)
{
    (void)state;
    struct rng rng = rng_of(1);
    struct verdict verdict = again();
    for (uint32_t attempts = 1; attempts < 12; attempts++) {
        int64_t most = 5000;
        for (uint32_t i = 1; i < attempts && most < 3600000; i++)
            most *= 2;
        most = most < 3600000 ? most : 3600000;
        int64_t low = INT64_MAX, high = 0;
        for (int i = 0; i < 2000; i++) {
            struct wall due;
            assert_true(retry_next(&policy, attempts, &verdict, now, far, &rng, &due));
            int64_t delay = due.ms - now.ms;
            low = delay < low ? delay : low;
            high = delay > high ? delay : high;
        }
        assert_true(low >= 1 && low < most / 10);
        assert_true(high <= most + 1 && high > most - most / 10);
    }
}

static void the_last_attempt_is_the_last(void **state)
{
    (void)state;
    struct rng rng = rng_of(2);
    struct verdict verdict = again();
    struct wall due = {-1};
    assert_false(retry_next(&policy, 12, &verdict, now, far, &rng, &due));
    assert_int_equal(due.ms, -1);
}

static void retry_after_is_a_floor_whatever_the_cap(void **state)
{
    (void)state;
    struct rng rng = rng_of(3);
    struct verdict verdict = again();
    for (int i = 0; i < 500; i++) {
        struct wall due;
        verdict.retry_after = span_s(60);
        assert_true(retry_next(&policy, 1, &verdict, now, far, &rng, &due));
        assert_true(due.ms >= now.ms + 60000 && due.ms <= now.ms + 62000);
        verdict.retry_after = span_s(7200);
        assert_true(retry_next(&policy, 1, &verdict, now, far, &rng, &due));
        assert_true(due.ms >= now.ms + 7200000 && due.ms <= now.ms + 7202000);
    }
}

static void nothing_is_due_after_it_expires(void **state)
{
    (void)state;
    struct rng rng = rng_of(4);
    struct verdict verdict = again();
    struct wall soon = {now.ms + 500}, due;
    verdict.retry_after = span_s(60);
    assert_true(retry_next(&policy, 1, &verdict, now, soon, &rng, &due));
    assert_int_equal(due.ms, soon.ms);
}

static struct outcome ask(const struct verdict *verdict, enum guarantee guarantee,
                          uint32_t attempts, bool cancelled)
{
    struct rng rng = rng_of(5);
    const struct outcome_question question = {
        .verdict = verdict,
        .guarantee = guarantee,
        .attempts = attempts,
        .cancelled = cancelled,
        .now = now,
        .expires = far,
        .policy = &policy,
    };
    return outcome_of(&question, &rng);
}

static void each_fate_has_its_end(void **state)
{
    (void)state;
    const struct {
        struct verdict verdict;
        enum guarantee guarantee;
        uint32_t attempts;
        bool cancelled;
        bool again;
        enum state ends;
        uint32_t used;
        bool retire, suppress;
    } rows[] = {
        {{.fate = FATE_DONE},
         GUARANTEE_AT_LEAST_ONCE,
         0,
         false,
         false,
         STATE_SENT,
         1,
         false,
         false},
        {{.fate = FATE_DONE}, GUARANTEE_AT_LEAST_ONCE, 3, true, false, STATE_SENT, 4, false, false},
        {{.fate = FATE_AGAIN},
         GUARANTEE_AT_LEAST_ONCE,
         0,
         false,
         true,
         STATE_QUEUED,
         1,
         false,
         false},
        {{.fate = FATE_AGAIN},
         GUARANTEE_AT_MOST_ONCE,
         0,
         false,
         true,
         STATE_QUEUED,
         1,
         false,
         false},
        {{.fate = FATE_AGAIN},
         GUARANTEE_AT_LEAST_ONCE,
         11,
         false,
         false,
         STATE_DEAD,
         12,
         false,
         false},
        {{.fate = FATE_AGAIN},
         GUARANTEE_AT_LEAST_ONCE,
         0,
         true,
         false,
         STATE_CANCELLED,
         1,
         false,
         false},
        {{.fate = FATE_AGAIN, .effect = EFFECT_THROTTLE},
         GUARANTEE_AT_LEAST_ONCE,
         4,
         false,
         true,
         STATE_QUEUED,
         4,
         false,
         false},
        {{.fate = FATE_AGAIN, .effect = EFFECT_THROTTLE}, /* even what has used all up */
         GUARANTEE_AT_MOST_ONCE,
         12,
         false,
         true,
         STATE_QUEUED,
         12,
         false,
         false},
        {{.fate = FATE_AMBIGUOUS},
         GUARANTEE_AT_LEAST_ONCE,
         0,
         false,
         true,
         STATE_QUEUED,
         1,
         false,
         false},
        {{.fate = FATE_AMBIGUOUS},
         GUARANTEE_AT_MOST_ONCE,
         0,
         false,
         false,
         STATE_UNKNOWN,
         1,
         false,
         false},
        {{.fate = FATE_NEVER},
         GUARANTEE_AT_LEAST_ONCE,
         0,
         false,
         false,
         STATE_FAILED,
         1,
         false,
         false},
        {{.fate = FATE_NEVER, .effect = EFFECT_RETIRE},
         GUARANTEE_AT_LEAST_ONCE,
         0,
         false,
         false,
         STATE_FAILED,
         1,
         true,
         false},
        {{.fate = FATE_NEVER, .effect = EFFECT_SUPPRESS},
         GUARANTEE_AT_LEAST_ONCE,
         0,
         false,
         false,
         STATE_FAILED,
         1,
         false,
         true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct outcome got =
            ask(&rows[i].verdict, rows[i].guarantee, rows[i].attempts, rows[i].cancelled);
        assert_int_equal(got.again, rows[i].again);
        assert_int_equal(got.state, rows[i].ends);
        assert_int_equal(got.attempts, rows[i].used);
        assert_int_equal(got.retire, rows[i].retire);
        assert_int_equal(got.suppress, rows[i].suppress);
    }
}

/* Over whatever may be answered, in whatever order: once it may have been taken nothing follows. */
static void at_most_once_ends_with_the_first_doubt(void **state)
{
    (void)state;
    static const enum effect effects[] = {EFFECT_NONE, EFFECT_THROTTLE, EFFECT_REFRESH,
                                          EFFECT_HOLD};
    struct rng rng = rng_of(7);
    for (uint32_t attempts = 0; attempts < 14; attempts++)
        for (uint32_t i = 0; i < 2 * 2 * 2 * 4; i++) {
            struct verdict verdict = {.fate = i & 1 ? FATE_AMBIGUOUS : FATE_AGAIN,
                                      .scope = SCOPE_PROVIDER,
                                      .effect = effects[i >> 3],
                                      .answered = i & 2};
            const struct outcome_question question = {.verdict = &verdict,
                                                      .guarantee = GUARANTEE_AT_MOST_ONCE,
                                                      .attempts = attempts,
                                                      .next_provider = true,
                                                      .cancelled = i & 4,
                                                      .now = now,
                                                      .expires = far,
                                                      .policy = &policy};
            struct outcome got = outcome_of(&question, &rng);
            if (verdict.fate == FATE_AMBIGUOUS) {
                assert_false(got.again);
                assert_int_equal(got.state, STATE_UNKNOWN);
            } else { /* dead only when no attempt can have been taken */
                assert_true(got.again || got.state == STATE_DEAD || got.state == STATE_CANCELLED);
            }
        }
}

static void a_stale_credential_is_tried_again_at_once(void **state)
{
    (void)state;
    const struct verdict verdict = {.fate = FATE_AGAIN, .effect = EFFECT_REFRESH};
    struct outcome got = ask(&verdict, GUARANTEE_AT_LEAST_ONCE, 0, false);
    assert_true(got.again);
    assert_int_equal(got.due.ms, now.ms);
}

static void a_fault_of_the_provider_goes_on_to_the_next_at_once(void **state)
{
    (void)state;
    struct rng rng = rng_of(6);
    struct verdict verdict = again();
    struct outcome_question question = {
        .verdict = &verdict, .next_provider = true, .now = now, .expires = far, .policy = &policy};
    assert_int_equal(outcome_of(&question, &rng).due.ms, now.ms);
    verdict.effect = EFFECT_THROTTLE; /* not its fault, and it asks for patience */
    assert_true(outcome_of(&question, &rng).due.ms > now.ms);
    verdict.effect = EFFECT_NONE;
    verdict.scope = SCOPE_DELIVERY;
    assert_true(outcome_of(&question, &rng).due.ms > now.ms);
    verdict.scope = SCOPE_PROVIDER;
    verdict.fate = FATE_AMBIGUOUS; /* another provider could send it a second time */
    assert_true(outcome_of(&question, &rng).due.ms > now.ms);
    verdict.answered = true; /* it says itself that it failed */
    assert_int_equal(outcome_of(&question, &rng).due.ms, now.ms);
    verdict.fate = FATE_AGAIN;
    question.attempts = 11;
    assert_int_equal(outcome_of(&question, &rng).state, STATE_DEAD);
}

static void whom_one_provider_cannot_reach_the_next_may(void **state)
{
    (void)state;
    struct rng rng = rng_of(7);
    struct verdict verdict = {
        .fate = FATE_NEVER, .scope = SCOPE_DELIVERY, .effect = EFFECT_ELSEWHERE, .answered = true};
    struct outcome_question question = {
        .verdict = &verdict, .next_provider = true, .now = now, .expires = far, .policy = &policy};
    for (int once = 0; once <= 1; once++) {
        question.guarantee = once ? GUARANTEE_AT_MOST_ONCE : GUARANTEE_AT_LEAST_ONCE;
        struct outcome outcome = outcome_of(&question, &rng);
        assert_true(outcome.again);
        assert_int_equal(outcome.due.ms, now.ms);
        assert_int_equal(outcome.attempts, 1);
    }
    question.cancelled = true;
    assert_int_equal(outcome_of(&question, &rng).state, STATE_FAILED);
    question.cancelled = false;
    question.next_provider = false; /* it was the last of the rule */
    assert_int_equal(outcome_of(&question, &rng).state, STATE_FAILED);
    question.next_provider = true;
    question.attempts = 11;
    assert_int_equal(outcome_of(&question, &rng).state, STATE_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delays_grow_with_full_jitter_and_stay_below_the_cap),
        cmocka_unit_test(the_last_attempt_is_the_last),
        cmocka_unit_test(retry_after_is_a_floor_whatever_the_cap),
        cmocka_unit_test(whom_one_provider_cannot_reach_the_next_may),
        cmocka_unit_test(nothing_is_due_after_it_expires),
        cmocka_unit_test(each_fate_has_its_end),
        cmocka_unit_test(a_fault_of_the_provider_goes_on_to_the_next_at_once),
        cmocka_unit_test(a_stale_credential_is_tried_again_at_once),
        cmocka_unit_test(at_most_once_ends_with_the_first_doubt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
