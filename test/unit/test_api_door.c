/* The way in: routes, credentials, scopes, headers, query parameters and bodies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api_assert.h"
#include "codec/digest.h"
#include "model/limits.h"

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

/* ---------------------------------------------------------------------------------- routes ---- */

static void unknown_paths_are_404_and_wrong_methods_405_with_allow(void **state)
{
    static const struct {
        const char *method, *path;
        int status;
        const char *allow;
    } rows[] = {
        {"GET", "/", 404, NULL},
        {"GET", "/v1", 404, NULL},
        {"GET", "/v1/", 404, NULL},
        {"GET", "/v1/users/u1/", 404, NULL},
        {"GET", "/v1//users", 404, NULL},
        {"GET", "/v1/users/", 404, NULL},
        {"GET", "/V1/users/u1", 404, NULL},
        {"GET", "v1/users/u1", 404, NULL},
        {"GET", "/v1/notifications/a/b/c/d/e/f/g/h", 404, NULL},
        {"PATCH", "/v1/users/u1", 405, "GET, HEAD, PUT, DELETE"},
        {"POST", "/v1/users/u1", 405, "GET, HEAD, PUT, DELETE"},
        {"DELETE", "/v1/notifications", 405, "GET, HEAD, POST"},
        {"OPTIONS", "/healthz", 405, "GET, HEAD"},
        {"PUT", "/v1/notifications/batch", 405, "GET, HEAD, POST"},
    };
    struct node *node = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = node_ask(node, node->shop, rows[i].method, rows[i].path, NULL);
        assert_problem(&answer, rows[i].status, rows[i].allow ? "method-not-allowed" : "not-found");
        if (rows[i].allow)
            assert_true(str_eq(answer_header(&answer, "allow"), str_of(rows[i].allow)));
    }
}

static void path_segments_are_decoded_once(void **state)
{
    struct node *node = *state;
    struct answer put = node_ask(node, node->shop, "PUT", "/v1/users/a%40b.c", "{}");
    assert_int_equal(put.status, 201);
    assert_text(&put, "/user_id", "a@b.c");
    assert_int_equal(node_ask(node, node->shop, "GET", "/v1/users/a@b.c", NULL).status, 200);
    struct answer twice = node_ask(node, node->shop, "GET", "/v1/users/a%2540b.c", NULL);
    assert_problem(&twice, 404, "not-found");
    struct answer slash = node_ask(node, node->shop, "PUT", "/v1/users/a%2Fdevices", "{}");
    assert_problem(&slash, 400, "invalid-request");
    struct answer nul = node_ask(node, node->shop, "GET", "/v1/users/a%00", NULL);
    assert_problem(&nul, 400, "invalid-request");
    struct answer bytes = node_ask(node, node->shop, "GET", "/v1/users/%ff", NULL);
    assert_problem(&bytes, 400, "invalid-request");
    struct answer half = node_ask(node, node->shop, "GET", "/v1/users/a%4", NULL);
    assert_problem(&half, 400, "invalid-request");
}

static void head_goes_where_get_goes(void **state)
{
    struct node *node = *state;
    assert_int_equal(node_ask(node, NULL, "HEAD", "/healthz", NULL).status, 200);
    assert_int_equal(node_ask(node, node->shop, "HEAD", "/v1/users/nobody", NULL).status, 404);
}

static void what_is_not_built_yet_says_so_to_whoever_has_a_key(void **state)
{
    static const char *const rows[][2] = {
        {"POST", "/v1/users/import"}, {"POST", "/v1/users/u1/tokens"},
        {"GET", "/v1/topics/news"},   {"PUT", "/v1/topics/news/members/u1"},
        {"PUT", "/v1/settings"},      {"PUT", "/v1/schedules/s"},
        {"PUT", "/v1/webhooks/w"},    {"GET", "/v1/stats"},
        {"GET", "/v1/events"},        {"POST", "/v1/schedules/s/resume"},
    };
    struct node *node = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = node_ask(node, node->shop, rows[i][0], rows[i][1], NULL);
        assert_problem(&answer, 400, "not-supported-yet");
        answer = node_ask(node, NULL, rows[i][0], rows[i][1], NULL);
        assert_problem(&answer, 401, "unauthenticated");
    }
}

/* ----------------------------------------------------------------------------- credentials ---- */

static void wrong_credentials_of_any_kind_are_401(void **state)
{
    static const char *const rows[] = {
        NULL,
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic bm9jb2xvbg==",             /* nocolon */
        "Basic OnNlY3JldA==",             /* :secret */
        "Basic a2V5X25vYm9keTpzZWNyZXQ=", /* key_nobody:secret */
        "Bearer",
        "Bearer wrong",
        "Bearer an-operators-key-of-thirty-two-character",
        "Digest username=root",
        "an-operators-key-of-thirty-two-characters",
    };
    struct node *node = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = node_ask(node, rows[i], "GET", "/v1/users/u1", NULL);
        assert_problem(&answer, 401, "unauthenticated");
        assert_true(str_starts(answer_header(&answer, "www-authenticate"), STR("Basic realm=")));
    }
    char wrong[300];
    (void)snprintf(wrong, sizeof wrong, "%s", node->shop);
    wrong[strlen(wrong) - 6] ^= 1;
    struct answer answer = node_ask(node, wrong, "GET", "/v1/users/u1", NULL);
    assert_problem(&answer, 401, "unauthenticated");
    assert_int_equal(node_ask(node, node->shop, "GET", "/v1/categories", NULL).status, 200);
}

static void a_key_stops_when_it_expires_or_is_revoked(void **state)
{
    struct node *node = *state;
    const char *key = node_key(
        node, "shop", "{\"scopes\":[\"read\"],\"expires_at\":\"2026-12-01T10:00:00+00:30\"}");
    assert_int_equal(node_ask(node, key, "GET", "/v1/queues", NULL).status, 200);
    node_advance(node, 30 * 60 * 1000 - 1);
    assert_int_equal(node_ask(node, key, "GET", "/v1/queues", NULL).status, 200);
    node_advance(node, 1);
    assert_int_equal(node_ask(node, key, "GET", "/v1/queues", NULL).status, 401);

    struct answer made = node_ask(node, "root", "POST", "/v1/apps/shop/keys",
                                  "{\"scopes\":[\"read\"],\"mode\":\"test\"}");
    assert_int_equal(made.status, 201);
    assert_text(&made, "/mode", "test");
    struct str path = arena_printf(&node->arena, "/v1/apps/shop/keys/%.*s",
                                   STR_ARG(answer_text(&made, "/app_key")));
    assert_int_equal(node_ask(node, "root", "DELETE", path.at, NULL).status, 204);
    assert_int_equal(node_ask(node, "root", "DELETE", path.at, NULL).status, 404);
}

static void scopes_decide_who_may_do_what(void **state)
{
    static const struct {
        const char *method, *path, *body;
        const char *may; /* of "smr" */
    } rows[] = {
        {"POST", "/v1/notifications", "{}", "s"},
        {"POST", "/v1/notifications/batch", "{}", "s"},
        {"GET", "/v1/notifications", NULL, "r"},
        {"GET", "/v1/notifications/x", NULL, "r"},
        {"POST", "/v1/notifications/x/cancel", NULL, "s"},
        {"GET", "/v1/deliveries/x", NULL, "r"},
        {"PUT", "/v1/users/u1", "{}", "m"},
        {"GET", "/v1/users/u1", NULL, "mr"},
        {"DELETE", "/v1/users/u2", NULL, "m"},
        {"PUT", "/v1/users/u1/devices/d", "{}", "m"},
        {"PUT", "/v1/users/u1/preferences", "{}", "m"},
        {"PUT", "/v1/categories/c", "{}", "m"},
        {"PUT", "/v1/templates/t", "{}", "m"},
        {"POST", "/v1/templates/t/preview", "{}", "mr"},
        {"PUT", "/v1/suppressions/email/a@b.cd", NULL, "m"},
        {"GET", "/v1/queues", NULL, "r"},
        {"GET", "/v1/dead-letters", NULL, "r"},
        {"POST", "/v1/dead-letters/redrive", "{}", "s"},
        {"GET", "/v1/apps", NULL, ""},
        {"POST", "/v1/apps", "{}", ""},
        {"DELETE", "/v1/apps/shop", NULL, ""},
    };
    struct node *node = *state;
    const char *keys[3] = {node_key(node, "shop", "{\"scopes\":[\"send\"]}"),
                           node_key(node, "shop", "{\"scopes\":[\"manage\"]}"),
                           node_key(node, "shop", "{\"scopes\":[\"read\"]}")};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t k = 0; k < 3; k++) {
            struct answer answer =
                node_ask(node, keys[k], rows[i].method, rows[i].path, rows[i].body);
            bool may = strchr(rows[i].may, "smr"[k]) != NULL;
            if ((answer.status == 403) == may)
                fail_msg("%s %s with %c: %d", rows[i].method, rows[i].path, "smr"[k],
                         answer.status);
            if (!may)
                assert_problem(&answer, 403, "forbidden");
        }
}

static void the_root_key_says_which_app_it_means(void **state)
{
    struct node *node = *state;
    struct answer answer = node_ask(node, "root", "GET", "/v1/users/u1", NULL);
    assert_problem(&answer, 400, "invalid-request");
    answer = node_ask(node, "root", "GET", "/v1/users/u1?app=nobody", NULL);
    assert_problem(&answer, 404, "not-found");
    assert_int_equal(node_ask(node, "root", "PUT", "/v1/users/u1?app=shop", "{}").status, 201);
    assert_int_equal(node_ask(node, "root", "GET", "/v1/queues", NULL).status, 200);
    answer = node_ask(node, "root", "GET", "/v1/apps?app=shop", NULL);
    assert_problem(&answer, 400, "invalid-request");
    assert_int_equal(node_ask(node, node->shop, "GET", "/v1/users/u1?app=shop", NULL).status, 200);
    answer = node_ask(node, node->shop, "GET", "/v1/users/u1?app=bank", NULL);
    assert_problem(&answer, 404, "not-found");
}

/* -------------------------------------------------------------------------- headers, query ---- */

static void a_sane_request_id_comes_back_and_another_is_made(void **state)
{
    static const char *const strange[] = {"", "a b", "a/b", "\xc3\xa4", "a\r"};
    struct node *node = *state;
    struct answer answer =
        node_ask_with(node, NULL, "GET", "/healthz", NULL, "x-request-id", "Ab_9.-");
    assert_true(str_eq(answer_header(&answer, "x-request-id"), STR("Ab_9.-")));
    assert_true(str_eq(answer_header(&answer, "date"), STR("Tue, 01 Dec 2026 09:00:00 GMT")));
    node_advance(node, 61000);
    answer = node_ask(node, NULL, "GET", "/x", NULL);
    assert_true(str_eq(answer_header(&answer, "date"), STR("Tue, 01 Dec 2026 09:01:01 GMT")));
    struct str last = STR("");
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        answer = node_ask_with(node, NULL, "GET", "/x", NULL, "x-request-id", strange[i]);
        struct str made = answer_header(&answer, "x-request-id");
        assert_int_equal(made.len, 32);
        assert_false(str_eq(made, last));
        last = made;
    }
}

static void unknown_repeated_and_broken_query_parameters_are_400(void **state)
{
    static const char *const rows[] = {
        "/v1/users/u1?x=1",
        "/v1/categories?limit=1&limit=2",
        "/v1/categories?limit=0",
        "/v1/categories?limit=201",
        "/v1/categories?limit=ten",
        "/v1/categories?limit=",
        "/v1/categories?cursor=nope",
        "/v1/categories?%zz=1",
        "/v1/categories?limit=%ff",
        "/v1/notifications?state=ok",
        "/v1/notifications?since=today",
        "/healthz?x",
        "/v1/dead-letters?channel=fax",
    };
    struct node *node = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = node_ask(node, node->shop, "GET", rows[i], NULL);
        assert_problem(&answer, 400, "invalid-request");
    }
    struct answer named = node_ask(node, node->shop, "GET", "/v1/users/u1?colour=red", NULL);
    assert_text(&named, "/detail", "unknown query parameter colour");
    assert_int_equal(node_ask(node, node->shop, "GET", "/v1/categories?&limit=200&", NULL).status,
                     200);
}

/* ---------------------------------------------------------------------------------- bodies ---- */

static void bodies_must_be_json_and_say_so(void **state)
{
    static const struct {
        const char *type;
        int status;
    } types[] = {
        {"application/json", 201},
        {"Application/JSON; charset=utf-8", 200},
        {"application/json;charset=\"UTF-8\"", 200},
        {"application/json; profile=x", 200},
        {"application/json; charset=latin1", 415},
        {"application/jsonx", 415},
        {"text/plain", 415},
        {"", 415},
        {"application/x-www-form-urlencoded", 415},
    };
    struct node *node = *state;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct answer answer = node_ask_with(node, node->shop, "PUT", "/v1/users/u1", "{}",
                                             "content-type", types[i].type);
        if (answer.status != types[i].status)
            fail_msg("%s: %d", types[i].type, answer.status);
        if (answer.status == 415)
            assert_problem(&answer, 415, "unsupported-media-type");
    }
    struct answer packed =
        node_ask_with(node, node->shop, "PUT", "/v1/users/u1", "{}", "content-encoding", "gzip");
    assert_problem(&packed, 415, "unsupported-media-type");
    assert_true(str_eq(answer_header(&packed, "accept-encoding"), STR("identity")));
    struct answer empty = node_ask(node, node->shop, "PUT", "/v1/users/u1", "");
    assert_problem(&empty, 400, "malformed-json");
    struct answer broken = node_ask(node, node->shop, "PUT", "/v1/users/u1", "{\n  \"a\": tru}");
    assert_problem(&broken, 400, "malformed-json");
    assert_true(str_starts(answer_text(&broken, "/detail"), STR("line 2, column ")));
    assert_true(answer_faults(&broken, "", NULL));
    struct answer twice =
        node_ask(node, node->shop, "PUT", "/v1/users/u1", "{\"email\":null,\"email\":null}");
    assert_problem(&twice, 400, "malformed-json");
    struct answer list = node_ask(node, node->shop, "PUT", "/v1/users/u1", "[]");
    assert_problem(&list, 400, "invalid-request");
    assert_true(answer_faults(&list, "", "must be an object"));
}

static void a_body_over_the_limit_is_413_once_the_caller_is_known(void **state)
{
    struct node *node = *state;
    static const struct {
        const char *who;
        int status;
    } rows[] = {{"shop", 413}, {NULL, 401}};
    for (size_t i = 0; i < 2; i++) {
        node->refuse_body = true;
        struct answer answer =
            node_ask(node, rows[i].who ? node->shop : NULL, "POST", "/v1/notifications", "{}");
        assert_int_equal(answer.status, rows[i].status);
    }
    node->refuse_body = false;
}

static void every_fault_is_listed_with_its_pointer(void **state)
{
    struct node *node = *state;
    struct answer answer =
        node_ask(node, node->shop, "PUT", "/v1/users/u1",
                 "{\"email\":\"nobody\",\"phone\":12,\"locale\":\"x\",\"timezone\":\"Mars/Base\","
                 "\"attributes\":[],\"a/b\":1,\"c~d\":2}");
    assert_problem(&answer, 400, "invalid-request");
    assert_true(answer_faults(&answer, "/email", "must be an e-mail address"));
    assert_true(answer_faults(&answer, "/phone", "must be a string"));
    assert_true(answer_faults(&answer, "/locale", NULL));
    assert_true(answer_faults(&answer, "/timezone", NULL));
    assert_true(answer_faults(&answer, "/attributes", "must be an object"));
    assert_true(answer_faults(&answer, "/a~1b", "unknown member"));
    assert_true(answer_faults(&answer, "/c~0d", "unknown member"));
    assert_int_equal(answer_at(&answer, "/errors")->count, 7);
    assert_int_equal(node_ask(node, node->shop, "GET", "/v1/users/u1", NULL).status, 404);
}

static void faults_are_listed_up_to_a_hundred(void **state)
{
    struct node *node = *state;
    struct buf body;
    buf_init(&body, 1 << 20);
    buf_add(&body, STR("{\"x0\":0"));
    for (int i = 1; i < 300; i++)
        buf_printf(&body, ",\"x%d\":0", i);
    buf_add(&body, STR(",\"locale\":\"ko\"}"));
    buf_add_char(&body, '\0');
    struct answer answer = node_ask(node, node->shop, "PUT", "/v1/users/u1", body.at);
    assert_problem(&answer, 400, "invalid-request");
    assert_int_equal(answer_at(&answer, "/errors")->count, FAULTS_MAX);
    assert_false(answer_faults(&answer, "/locale", NULL));
    buf_done(&body);
}

/* ----------------------------------------------------------------------- without credentials ----
 */

static void health_and_contract_need_no_credentials(void **state)
{
    struct node *node = *state;
    struct answer alive = node_ask(node, NULL, "GET", "/healthz", NULL);
    assert_int_equal(alive.status, 200);
    assert_text(&alive, "/status", "alive");
    struct answer ready = node_ask(node, NULL, "GET", "/readyz", NULL);
    assert_int_equal(ready.status, 200);
    struct answer contract = node_ask(node, NULL, "GET", "/openapi.json", NULL);
    assert_int_equal(contract.status, 200);
    assert_text(&contract, "/openapi", "3.1.0");
}

static void figures_are_prometheus_text(void **state)
{
    static const char *const lines[] = {
#define SCALAR(name, type, value, help)  "# TYPE " name " " type "\n" name " ",
#define FAMILY(name, type, writer, help) "# TYPE " name " " type "\n" name "{",
#include "ops/metrics.def"
#undef SCALAR
#undef FAMILY
    };
    struct node *node = *state;
    (void)node_ask(node, NULL, "GET", "/v1/users/u1", NULL);
    struct answer answer = node_ask(node, NULL, "GET", "/metrics", NULL);
    assert_int_equal(answer.status, 200);
    assert_true(str_starts(answer_header(&answer, "content-type"), STR("text/plain")));
    const char *text = arena_text(&node->arena, answer.body);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (!strstr(text, lines[i]))
            fail_msg("no %s", lines[i]);
    assert_non_null(strstr(text, "bongsu_http_unauthenticated_total 1\n"));
    assert_non_null(strstr(text, "bongsu_http_responses_total{class=\"4xx\"} 1\n"));
    assert_non_null(strstr(text, "bongsu_http_requests_open 1\n"));
    assert_non_null(strstr(text, "bongsu_queue_depth{kind=\"sms\",priority=\"critical\"} 0\n"));
    assert_non_null(strstr(text, "bongsu_provider_available{provider=\"demo\"} 1\n"));
}

static void a_store_that_refuses_is_503_with_retry_after(void **state)
{
    struct node *node = *state;
    node->refuse_store = true;
    struct answer answer = node_ask(node, node->shop, "PUT", "/v1/users/u1", "{}");
    assert_problem(&answer, 503, "unavailable");
    assert_true(str_eq(answer_header(&answer, "retry-after"), STR("1")));
    struct answer ready = node_ask(node, NULL, "GET", "/readyz", NULL);
    assert_problem(&ready, 503, "unavailable");
    node->refuse_store = false;
    assert_int_equal(node_ask(node, node->shop, "PUT", "/v1/users/u1", "{}").status, 201);
    assert_int_equal(node_ask(node, NULL, "GET", "/readyz", NULL).status, 200);
}

static void whoever_has_no_memory_is_told_so(void **state)
{
    static const struct {
        const char *method, *target, *body;
        int status;
    } rows[] = {
        {"GET", "/healthz", NULL, 200},
        {"GET", "/metrics", NULL, 200},
        {"PATCH", "/v1/users/u%31", NULL, 405},
        {"PUT", "/v1/users/u1", "{\"email\":\"A@B.example\",\"attributes\":{\"a\":[1,2]}}", 200},
        {"PUT", "/v1/users/u1", "{\"email\":1,\"x\":2,\"y\":{}}", 400},
        {"GET", "/v1/users/u1/devices", NULL, 200},
        {"PUT", "/v1/users/u1/devices/d", "{\"platform\":\"android\",\"token\":\"t\"}", 200},
        {"PUT", "/v1/templates/t", "{\"sms\":{\"text\":\"{{a}}\"}}", 200},
        {"POST", "/v1/templates/t/preview", "{\"data\":{\"a\":1}}", 200},
        {"GET", "/v1/categories?limit=1", NULL, 200},
        {"GET", "/v1/notifications?state=sent&limit=1", NULL, 200},
        {"GET", "/v1/queues?limit=3", NULL, 200},
        {"POST", "/v1/notifications",
         "{\"event_id\":\"e\",\"to\":[{\"user_id\":\"u1\"},{\"email\":\"a@b.cd\"}],"
         "\"template\":\"t\"}",
         200},
        {"POST", "/v1/notifications",
         "{\"to\":[{\"user_id\":\"u1\"}],\"content\":{\"sms\":{\"text\":\"{{>t}}\"}}}", 202},
        {"POST", "/v1/notifications", "{\"to\":[{},{\"email\":1}]}", 400},
        {"POST", "/v1/notifications/batch", "{\"notifications\":[{},{\"to\":[]}]}", 200},
        {"POST", "/v1/dead-letters/redrive", "{\"ids\":[\"a\",\"b\"]}", 200},
    };
    struct node *node = *state;
    assert_int_equal(node_ask(node, node->shop, "PUT", "/v1/categories/c", "{}").status, 201);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = node_ask(node, node->shop, rows[i].method, rows[i].target,
                                        rows[i].body); /* what it is with memory */
        int usual = answer.status;
        for (size_t max = 64; max < 24000; max += 203) {
            node->arena_max = max;
            answer = node_ask(node, node->shop, rows[i].method, rows[i].target, rows[i].body);
            /* A body that fills an arena is told so: it would never fit. */
            bool told = answer.status == 503 || (rows[i].body && answer.status == 413);
            if (!told && answer.status != usual && answer.status != rows[i].status)
                fail_msg("%s with %zu bytes: %d: %.*s", rows[i].target, max, answer.status,
                         STR_ARG(answer.body));
        }
        node->arena_max = EXCHANGE_ARENA_BYTES_MAX;
        answer = node_ask(node, node->shop, rows[i].method, rows[i].target, rows[i].body);
        if (answer.status != rows[i].status)
            fail_msg("%s: %d: %.*s", rows[i].target, answer.status, STR_ARG(answer.body));
    }
}

static void a_node_that_stops_says_so_to_everybody(void **state)
{
    struct node *node = *state;
    api_drain(node->api);
    assert_int_equal(node_ask(node, NULL, "GET", "/healthz", NULL).status, 200);
    static const char *const refused[] = {"/readyz", "/metrics", "/v1/queues", "/v1/users/u"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct answer answer = node_ask(node, node->shop, "GET", refused[i], NULL);
        assert_problem(&answer, 503, "draining");
        assert_non_null(answer_header(&answer, "retry-after").at);
    }
    assert_int_equal(node_ask(node, NULL, "GET", "/nothing", NULL).status, 404);
}

static void a_new_root_key_holds_from_the_next_request_on(void **state)
{
    struct node *node = *state;
    struct api_config config = {.intake = node->intake,
                                .ids = ledger_ids(node->ledger),
                                .has_root_key = true,
                                .body_bytes_max = 1000,
                                .version = STR("1")};
    sha256(STR("another-key-of-at-least-thirty-two-characters"), config.root_hash);
    assert_int_equal(node_ask(node, "root", "GET", "/v1/apps", NULL).status, 200);
    api_configure(node->api, &config);
    assert_int_equal(node_ask(node, "root", "GET", "/v1/apps", NULL).status, 401);
    assert_int_equal(node_ask(node, "Bearer another-key-of-at-least-thirty-two-characters", "GET",
                              "/v1/apps", NULL)
                         .status,
                     200);
    assert_int_equal(node_ask(node, node->shop, "GET", "/v1/queues", NULL).status, 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(unknown_paths_are_404_and_wrong_methods_405_with_allow),
        TEST(path_segments_are_decoded_once),
        TEST(head_goes_where_get_goes),
        TEST(what_is_not_built_yet_says_so_to_whoever_has_a_key),
        TEST(wrong_credentials_of_any_kind_are_401),
        TEST(a_key_stops_when_it_expires_or_is_revoked),
        TEST(scopes_decide_who_may_do_what),
        TEST(the_root_key_says_which_app_it_means),
        TEST(a_sane_request_id_comes_back_and_another_is_made),
        TEST(unknown_repeated_and_broken_query_parameters_are_400),
        TEST(bodies_must_be_json_and_say_so),
        TEST(a_body_over_the_limit_is_413_once_the_caller_is_known),
        TEST(every_fault_is_listed_with_its_pointer),
        TEST(faults_are_listed_up_to_a_hundred),
        TEST(health_and_contract_need_no_credentials),
        TEST(figures_are_prometheus_text),
        TEST(a_store_that_refuses_is_503_with_retry_after),
        TEST(whoever_has_no_memory_is_told_so),
        TEST(a_node_that_stops_says_so_to_everybody),
        TEST(a_new_root_key_holds_from_the_next_request_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
