/* What operators see and say: queues, providers, pauses, moves, and why a delivery waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api_assert.h"

static int start(void **state)
{
    *state = node_new(true);
    return 0;
}

static int stop(void **state)
{
    node_free(*state);
    return 0;
}

static struct answer root(struct node *node, const char *method, const char *path, const char *body)
{
    return node_ask(node, "root", method, path, body);
}

/* The id of an SMS's delivery. */
static struct str send_sms(struct node *node, const char *phone)
{
    struct str body = arena_printf(
        &node->arena, "{\"to\":[{\"phone\":\"%s\"}],\"content\":{\"sms\":{\"text\":\"hello\"}}}",
        phone);
    struct answer answer = node_ask(node, node->shop, "POST", "/v1/notifications", body.at);
    assert_status(&answer, 202);
    struct str path =
        arena_printf(&node->arena, "/v1/notifications/%.*s", STR_ARG(answer_text(&answer, "/id")));
    answer = root(node, "GET", path.at, NULL);
    return answer_text(&answer, "/deliveries/data/0/id");
}

static struct answer delivery(struct node *node, const char *who, struct str id)
{
    struct str path = arena_printf(&node->arena, "/v1/deliveries/%.*s", STR_ARG(id));
    return node_ask(node, who, "GET", path.at, NULL);
}

/* The row of (kind, normal) in /v1/queues, as a pointer. */
static const char *lane(struct node *node, enum kind kind, const char *member)
{
    return arena_printf(&node->arena, "/data/%u/%s", lane_of(kind, PRIORITY_NORMAL), member).at;
}

/* -- pauses ----------------------------------------------------------------------------------- */

static void a_paused_kind_accepts_and_sends_nothing_until_it_is_resumed(void **state)
{
    struct node *node = *state;
    struct answer answer =
        root(node, "POST", "/v1/queues/sms/pause", "{\"reason\":\"wrong sender\"}");
    assert_status(&answer, 200);
    assert_text(&answer, "/channel", "sms");
    assert_text(&answer, "/kinds/0", "sms");
    assert_text(&answer, "/paused/reason", "wrong sender");
    assert_text(&answer, "/paused/by", "root");
    assert_text(&answer, "/paused/expires_at", "null");
    struct str id = send_sms(node, "+14155550100");
    node_advance(node, 5000);
    assert_int_equal(node->sent, 0);
    answer = root(node, "GET", "/v1/queues", NULL);
    assert_text(&answer, lane(node, KIND_SMS, "depth"), "1");
    assert_text(&answer, lane(node, KIND_SMS, "paused/reason"), "wrong sender");
    assert_text(&answer, lane(node, KIND_SMS, "blocked/by"), "paused");
    assert_text(&answer, lane(node, KIND_SMS, "blocked/detail"),
                "paused by root, until somebody resumes it: wrong sender");
    assert_text(&answer, lane(node, KIND_EMAIL, "paused"), "null");
    assert_text(&answer, lane(node, KIND_EMAIL, "blocked"), "null");
    answer = delivery(node, "root", id);
    assert_text(&answer, "/state", "queued");
    assert_text(&answer, "/blocked/by", "paused");
    assert_text(&answer, "/explanation",
                "Waiting for its turn; not attempted yet. Its lane waits: paused by root, until "
                "somebody resumes it: wrong sender.");
    answer = root(node, "POST", "/v1/queues/sms/resume", NULL);
    assert_status(&answer, 200);
    assert_text(&answer, "/paused", "null");
    node_settle(node);
    assert_int_equal(node->sent, 1);
    answer = delivery(node, node->shop, id);
    assert_text(&answer, "/state", "sent");
    assert_text(&answer, "/blocked", "null");
    answer = root(node, "POST", "/v1/queues/sms/resume", "{}");
    assert_status(&answer, 200);
}

static void an_app_key_sees_that_its_lane_waits_but_not_why(void **state)
{
    struct node *node = *state;
    (void)root(node, "POST", "/v1/queues/sms/pause", "{\"reason\":\"a secret of the house\"}");
    struct str id = send_sms(node, "+14155550100");
    struct answer answer = node_ask(node, node->shop, "GET", "/v1/queues", NULL);
    assert_text(&answer, lane(node, KIND_SMS, "blocked/by"), "paused");
    assert_null(memmem(answer.body.at, answer.body.len, "secret", 6));
    answer = delivery(node, node->shop, id);
    assert_text(&answer, "/blocked/by", "paused");
    assert_null(memmem(answer.body.at, answer.body.len, "secret", 6));
    static const char *const paths[] = {"/v1/queues/sms/pause", "/v1/queues/sms/resume"};
    for (int i = 0; i < 2; i++) {
        answer = node_ask(node, node->shop, "POST", paths[i], NULL);
        assert_problem(&answer, 403, "forbidden");
    }
    answer = node_ask(node, node->shop, "GET", "/v1/providers", NULL);
    assert_problem(&answer, 403, "forbidden");
}

static void a_pause_ends_by_itself(void **state)
{
    struct node *node = *state;
    struct answer answer = root(node, "POST", "/v1/queues/sms/pause", "{\"expires_in\":\"10m\"}");
    assert_status(&answer, 200);
    struct str since = answer_text(&answer, "/paused/since");
    assert_true(answer_text(&answer, "/paused/expires_at").len > 4);
    send_sms(node, "+14155550100");
    node_advance(node, 9 * 60000);
    assert_int_equal(node->sent, 0);
    answer = root(node, "POST", "/v1/queues/push/pause", NULL); /* says nothing of sms */
    /* Said anew, it stands since it stood. */
    answer = root(node, "POST", "/v1/queues/sms/pause", "{\"expires_in\":\"2m\"}");
    assert_true(str_eq(answer_text(&answer, "/paused/since"), since));
    node_advance(node, 60000);
    assert_int_equal(node->sent, 0);
    node_advance(node, 60000);
    assert_int_equal(node->sent, 1);
    answer = root(node, "GET", "/v1/queues", NULL);
    assert_text(&answer, lane(node, KIND_SMS, "paused"), "null");
    assert_text(&answer, lane(node, KIND_IOS, "blocked/by"), "paused");
    assert_text(&answer, lane(node, KIND_WEB, "blocked/by"), "paused");
}

static void what_a_pause_says_is_checked(void **state)
{
    static const struct {
        const char *path, *body, *pointer, *detail;
    } rows[] = {
        {"/v1/queues/sms/pause", "{\"expires_in\":\"soon\"}", "/expires_in", NULL},
        {"/v1/queues/sms/pause", "{\"expires_at\":\"2020-01-01T00:00:00Z\"}", "/expires_at",
         "must lie in the future"},
        {"/v1/queues/sms/pause", "{\"expires_in\":\"400d\"}", "/expires_in",
         "must be within 366 days"},
        {"/v1/queues/sms/pause", "{\"expires_in\":\"1h\",\"expires_at\":\"2027-01-01T00:00:00Z\"}",
         "/expires_at", NULL},
        {"/v1/queues/sms/pause", "{\"until\":\"1h\"}", "/until", NULL},
        {"/v1/queues/sms/resume", "{\"reason\":\"x\"}", "/reason", NULL},
        {"/v1/queues/sms/move", "{\"from\":\"demo\"}", "/to", NULL},
        {"/v1/queues/sms/move", "{\"from\":\"demo\",\"to\":\"demo\"}", "/to",
         "must be another provider"},
    };
    struct node *node = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = root(node, "POST", rows[i].path, rows[i].body);
        assert_fault(&answer, rows[i].pointer, rows[i].detail);
    }
    struct answer answer = root(node, "POST", "/v1/queues/fax/pause", NULL);
    assert_problem(&answer, 400, "invalid-request");
    answer = root(node, "POST", "/v1/queues/sms/pause?app=shop", NULL);
    assert_problem(&answer, 400, "invalid-request");
}

/* -- moves ------------------------------------------------------------------------------------ */

static void a_move_sends_what_waits_and_what_comes_by_the_other_provider(void **state)
{
    struct node *node = *state;
    (void)root(node, "POST", "/v1/queues/sms/pause", NULL);
    struct str waiting = send_sms(node, "+14155550100");
    struct answer answer = root(node, "POST", "/v1/queues/sms/move",
                                "{\"from\":\"demo\",\"to\":\"spare\",\"reason\":\"slow\","
                                "\"expires_in\":\"1h\"}");
    assert_status(&answer, 200);
    assert_text(&answer, "/moved/from", "demo");
    assert_text(&answer, "/moved/to", "spare");
    (void)root(node, "POST", "/v1/queues/sms/resume", NULL);
    struct str later = send_sms(node, "+14155550110");
    node_settle(node);
    answer = delivery(node, "root", waiting);
    assert_text(&answer, "/provider", "spare");
    answer = delivery(node, "root", later);
    assert_text(&answer, "/provider", "spare");
    assert_text(&answer, "/attempt_history/0/route", "rule 4, moved from demo");
    answer = root(node, "GET", "/v1/queues", NULL);
    assert_text(&answer, lane(node, KIND_SMS, "moves/0/to"), "spare");
    answer = root(node, "GET", "/v1/providers/spare", NULL);
    assert_text(&answer, "/moves/0/from", "demo");
    answer = root(node, "DELETE", "/v1/queues/sms/move?from=demo", NULL);
    assert_status(&answer, 204);
    answer = root(node, "DELETE", "/v1/queues/sms/move?from=demo", NULL);
    assert_problem(&answer, 404, "not-found");
    struct str after = send_sms(node, "+14155550120");
    node_settle(node);
    answer = delivery(node, "root", after);
    assert_text(&answer, "/provider", "demo");
}

static void a_move_ends_by_itself(void **state)
{
    struct node *node = *state;
    (void)root(node, "POST", "/v1/queues/sms/move",
               "{\"from\":\"demo\",\"to\":\"spare\",\"expires_in\":\"1m\"}");
    node_advance(node, 61000);
    struct str id = send_sms(node, "+14155550100");
    node_settle(node);
    struct answer answer = delivery(node, "root", id);
    assert_text(&answer, "/provider", "demo");
}

static void a_move_to_what_cannot_serve_is_refused(void **state)
{
    static const struct {
        const char *path, *body, *pointer;
    } rows[] = {
        {"/v1/queues/email/move", "{\"from\":\"demo\",\"to\":\"texts\"}", "/to"},
        {"/v1/queues/sms/move", "{\"from\":\"demo\",\"to\":\"nobody\"}", "/to"},
        {"/v1/queues/sms/move", "{\"from\":\"nobody\",\"to\":\"spare\"}", "/from"},
    };
    struct node *node = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = root(node, "POST", rows[i].path, rows[i].body);
        assert_problem(&answer, 422, "unprocessable-reference");
        assert_true(answer_faults(&answer, rows[i].pointer, NULL));
    }
    /* Nor one that another would go on with. */
    (void)root(node, "POST", "/v1/queues/sms/move", "{\"from\":\"demo\",\"to\":\"spare\"}");
    struct answer answer =
        root(node, "POST", "/v1/queues/sms/move", "{\"from\":\"spare\",\"to\":\"texts\"}");
    assert_problem(&answer, 409, "conflict");
    answer = root(node, "POST", "/v1/queues/sms/move", "{\"from\":\"texts\",\"to\":\"demo\"}");
    assert_problem(&answer, 409, "conflict");
}

/* -- providers -------------------------------------------------------------------------------- */

static void providers_are_listed_in_the_order_of_the_configuration(void **state)
{
    struct node *node = *state;
    struct answer answer = root(node, "GET", "/v1/providers", NULL);
    assert_status(&answer, 200);
    assert_text(&answer, "/data/0/name", "demo");
    assert_text(&answer, "/data/0/driver", "sandbox");
    assert_text(&answer, "/data/0/breaker", "closed");
    assert_text(&answer, "/data/0/in_flight_limit", "100");
    assert_text(&answer, "/data/0/throttled_until", "null");
    assert_text(&answer, "/data/0/last_error", "null");
    assert_text(&answer, "/data/2/name", "texts");
    assert_text(&answer, "/data/2/kinds/0", "sms");
    answer = root(node, "GET", "/v1/providers?limit=2", NULL);
    assert_text(&answer, "/data/1/name", "spare");
    struct str cursor = answer_text(&answer, "/next_cursor");
    struct str next =
        arena_printf(&node->arena, "/v1/providers?limit=2&cursor=%.*s", STR_ARG(cursor));
    answer = root(node, "GET", next.at, NULL);
    assert_text(&answer, "/data/0/name", "texts");
    assert_text(&answer, "/next_cursor", "null");
    answer = root(node, "GET", "/v1/providers/nobody", NULL);
    assert_problem(&answer, 404, "not-found");
}

static void a_provider_that_was_not_asked_has_no_figures(void **state)
{
    struct node *node = *state;
    struct answer answer = root(node, "GET", "/v1/providers/demo", NULL);
    assert_text(&answer, "/success_ratio", "null");
    assert_text(&answer, "/latency/p50_ms", "null");
    assert_text(&answer, "/latency/p99_ms", "null");
    (void)send_sms(node, "+14155550100");
    node_settle(node);
    answer = root(node, "GET", "/v1/providers/demo", NULL);
    assert_text(&answer, "/success_ratio", "1.000");
    assert_true(answer_at(&answer, "/latency/p99_ms")->type == JSON_NUMBER);
}

/* -- what a delivery says of itself ----------------------------------------------------------- */

static void a_delivery_says_what_became_of_it(void **state)
{
    struct node *node = *state;
    struct str id = send_sms(node, "+14155550101"); /* the sandbox: transient */
    node_settle(node);
    struct answer answer = delivery(node, node->shop, id);
    assert_text(&answer, "/state", "queued");
    assert_true(str_starts(answer_text(&answer, "/explanation"),
                           STR("Waiting for attempt 2, due at 2026-12-01T09:00:0")));
    assert_non_null(strstr(arena_text(&node->arena, answer_text(&answer, "/explanation")),
                           ": attempt 1, by demo at 2026-12-01T09:00:00.000Z got "));
    node_advance(node, 60000);
    answer = delivery(node, node->shop, id);
    assert_text(&answer, "/state", "dead");
    assert_true(str_starts(answer_text(&answer, "/explanation"),
                           STR("Given up after 2 attempts: attempt 2, by demo at ")));
}

static void a_store_that_refuses_holds_every_lane_that_has_something(void **state)
{
    struct node *node = *state;
    (void)root(node, "POST", "/v1/queues/sms/pause", NULL);
    send_sms(node, "+14155550100");
    (void)root(node, "POST", "/v1/queues/sms/resume", NULL);
    send_sms(node, "+14155550101"); /* will be tried again */
    node->refuse_store = true;
    node_advance(node, 10000);
    struct answer answer = root(node, "GET", "/v1/queues", NULL);
    assert_text(&answer, lane(node, KIND_SMS, "blocked/by"), "store");
    assert_text(&answer, lane(node, KIND_SMS, "blocked/detail"),
                "the store refuses writes: the memory store was told to refuse");
    assert_true(answer_text(&answer, lane(node, KIND_SMS, "blocked/since")).len > 4);
    node->refuse_store = false;
    node_advance(node, 10000);
    answer = root(node, "GET", "/v1/queues", NULL);
    assert_text(&answer, lane(node, KIND_SMS, "blocked"), "null");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_paused_kind_accepts_and_sends_nothing_until_it_is_resumed),
        TEST(an_app_key_sees_that_its_lane_waits_but_not_why),
        TEST(a_pause_ends_by_itself),
        TEST(what_a_pause_says_is_checked),
        TEST(a_move_sends_what_waits_and_what_comes_by_the_other_provider),
        TEST(a_move_ends_by_itself),
        TEST(a_move_to_what_cannot_serve_is_refused),
        TEST(providers_are_listed_in_the_order_of_the_configuration),
        TEST(a_provider_that_was_not_asked_has_no_figures),
        TEST(a_delivery_says_what_became_of_it),
        TEST(a_store_that_refuses_holds_every_lane_that_has_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
