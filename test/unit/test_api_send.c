/* Sending: who gets what, what is refused and why, and requests that come twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api_assert.h"
#include "model/limits.h"

static void put(struct node *node, const char *path, const char *body)
{
    struct answer answer = node_ask(node, node->shop, "PUT", path, body);
    if (answer.status != 200 && answer.status != 201)
        fail_msg("%s: %.*s", path, STR_ARG(answer.body));
}

/* One user who can be reached on every channel, and one who cannot. */
static int start(void **state)
{
    struct node *node = node_new(true);
    put(node, "/v1/users/u1",
        "{\"email\":\"u1@x.example\",\"phone\":\"+14155550100\",\"locale\":\"ko-KR\","
        "\"attributes\":{\"tier\":\"gold\"}}");
    put(node, "/v1/users/u1/devices/phone",
        "{\"platform\":\"ios\",\"token\":\"ios-ok\",\"bundle_id\":\"com.x\"}");
    put(node, "/v1/users/u1/devices/tablet", "{\"platform\":\"android\",\"token\":\"and-ok\"}");
    put(node, "/v1/users/bare", "{}");
    put(node, "/v1/templates/all",
        "{\"push\":{\"title\":\"{{n}}\"},\"sms\":{\"text\":\"{{n}}\"},"
        "\"email\":{\"subject\":\"{{n}}\",\"text\":\"{{n}}\"}}");
    put(node, "/v1/templates/text", "{\"sms\":{\"text\":\"{{n}} {{role}}\"}}");
    put(node, "/v1/templates/strict", "{\"strict\":true,\"sms\":{\"text\":\"{{n}} {{role}}\"}}");
    *state = node;
    return 0;
}

static int stop(void **state)
{
    node_free(*state);
    return 0;
}

static struct answer post(struct node *node, const char *body)
{
    return node_ask(node, node->shop, "POST", "/v1/notifications", body);
}

static struct answer get(struct node *node, const char *format, ...) printf_like(2, 3);
static struct answer get(struct node *node, const char *format, ...)
{
    char path[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(path, sizeof path, format, args);
    va_end(args);
    return node_ask(node, node->shop, "GET", path, NULL);
}

static struct answer deliveries_of(struct node *node, const struct answer *accepted)
{
    assert_status(accepted, 202);
    return get(node, "/v1/notifications/%.*s/deliveries", STR_ARG(answer_text(accepted, "/id")));
}

static void nothing_is_stored(struct node *node)
{
    struct answer list = get(node, "/v1/notifications");
    assert_text(&list, "/data", "[]");
}

/* ---------------------------------------------------------------------------------- planning ----
 */

static void a_user_gets_one_delivery_a_device_number_and_address(void **state)
{
    struct node *node = *state;
    struct answer sent =
        post(node, "{\"to\":[{\"user_id\":\"u1\"}],\"template\":\"all\",\"data\":{\"n\":1}}");
    assert_status(&sent, 202);
    assert_text(&sent, "/status", "accepted");
    assert_text(&sent, "/deliveries", "4");
    struct str where = answer_header(&sent, "location");
    assert_true(str_starts(where, STR("/v1/notifications/ntf_")));
    assert_true(str_ends(where, answer_text(&sent, "/id")));
    struct answer list = deliveries_of(node, &sent);
    static const char *const kinds[] = {"ios", "android", "sms", "email"};
    for (int i = 0; i < 4; i++) {
        char pointer[64];
        (void)snprintf(pointer, sizeof pointer, "/data/%d/kind", i);
        bool found = false;
        for (int k = 0; k < 4; k++)
            found = found || str_eq(answer_text(&list, pointer), str_of(kinds[k]));
        assert_true(found);
    }
    assert_text(&list, "/data/2/address", "+1***00");
    assert_text(&list, "/data/3/address", "u***@x.example");
}

static void what_cannot_be_sent_is_a_row_that_says_why(void **state)
{
    struct node *node = *state;
    struct answer sent = post(node, "{\"to\":[{\"user_id\":\"bare\"},{\"user_id\":\"nobody\"}],"
                                    "\"template\":\"all\",\"channels\":[\"push\",\"email\"]}");
    assert_text(&sent, "/deliveries", "3");
    struct answer list = deliveries_of(node, &sent);
    assert_text(&list, "/data/0/user_id", "bare");
    assert_text(&list, "/data/0/channel", "push");
    assert_text(&list, "/data/0/kind", "null");
    assert_text(&list, "/data/0/state", "suppressed");
    assert_text(&list, "/data/0/reason", "no_address");
    assert_text(&list, "/data/1/channel", "email");
    assert_text(&list, "/data/1/kind", "email");
    assert_text(&list, "/data/2/user_id", "nobody");
    assert_text(&list, "/data/2/reason", "no_address");
    node_settle(node);
    assert_int_equal(node->sent, 0);
}

static void opt_outs_and_suppressions_hold_unless_the_category_is_mandatory(void **state)
{
    struct node *node = *state;
    put(node, "/v1/users/u1/preferences",
        "{\"channels\":{\"email\":false},\"categories\":{\"orders\":{\"sms\":false}}}");
    put(node, "/v1/categories/orders", "{\"channels\":[\"email\",\"sms\"]}");
    put(node, "/v1/categories/security", "{\"channels\":[\"email\",\"sms\"],\"mandatory\":true}");
    struct answer sent = post(
        node,
        "{\"to\":[{\"user_id\":\"u1\"}],\"template\":\"all\",\"data\":{\"n\":1},\"category\":\"orders\"}");
    struct answer list = deliveries_of(node, &sent);
    assert_text(&list, "/data/0/channel", "email");
    assert_text(&list, "/data/0/reason", "opted_out");
    assert_text(&list, "/data/1/reason", "opted_out");
    put(node, "/v1/suppressions/sms/+14155550100", NULL);
    sent = post(
        node,
        "{\"to\":[{\"user_id\":\"u1\"}],\"template\":\"all\",\"data\":{\"n\":1},\"category\":\"security\"}");
    list = deliveries_of(node, &sent);
    assert_text(&list, "/data/0/channel", "email");
    assert_text(&list, "/data/0/reason", "null");
    assert_text(&list, "/data/1/reason", "suppression_list");
    node_settle(node);
    assert_int_equal(node->sent, 1);
}

static void direct_addresses_are_reached_without_a_user(void **state)
{
    struct node *node = *state;
    put(node, "/v1/suppressions/email/b@x.example", NULL);
    struct answer sent =
        post(node, "{\"to\":[{\"email\":\"a@X.Example\"},{\"email\":\"b@X.example\"},"
                   "{\"phone\":\"+14155550123\"},"
                   "{\"platform\":\"ios\",\"token\":\"t-ok\",\"bundle_id\":\"com.x\"},"
                   "{\"platform\":\"android\",\"token\":\"t-ok\"},"
                   "{\"email\":\"a@x.example\"}],"
                   "\"template\":\"all\",\"data\":{\"n\":\"x\"}}");
    assert_text(&sent, "/deliveries", "5"); /* the last says the first again */
    struct answer list = deliveries_of(node, &sent);
    assert_text(&list, "/data/0/user_id", "null");
    assert_text(&list, "/data/1/reason", "suppression_list");
    assert_text(&list, "/data/3/kind", "ios");
    node_settle(node);
    assert_int_equal(node->sent, 4);
}

static void a_channel_without_content_makes_no_row(void **state)
{
    struct node *node = *state;
    struct answer sent = post(node, "{\"to\":[{\"user_id\":\"u1\"},{\"email\":\"a@x.example\"}],"
                                    "\"template\":\"text\"}");
    assert_status(&sent, 202);
    assert_text(&sent, "/deliveries", "1");
    sent = post(node, "{\"to\":[{\"email\":\"a@x.example\"}],\"template\":\"text\"}");
    assert_text(&sent, "/deliveries", "0");
    struct answer got = get(node, "/v1/notifications/%.*s", STR_ARG(answer_text(&sent, "/id")));
    assert_text(&got, "/status", "done");
}

static void a_notification_goes_over_its_category(void **state)
{
    struct node *node = *state;
    put(node, "/v1/categories/c", "{\"channels\":[\"email\"],\"priority\":\"low\",\"ttl\":\"1h\"}");
    struct answer sent =
        post(node, "{\"to\":[{\"user_id\":\"u1\"}],\"template\":\"all\",\"category\":\"c\"}");
    struct answer got = get(node, "/v1/notifications/%.*s", STR_ARG(answer_text(&sent, "/id")));
    assert_text(&got, "/priority", "low");
    assert_text(&got, "/category", "c");
    assert_text(&got, "/expires_at", "2026-12-01T10:00:00.000Z");
    assert_text(&got, "/deliveries/data/0/channel", "email");
    sent = post(node, "{\"to\":[{\"user_id\":\"u1\"}],\"template\":\"all\",\"category\":\"c\","
                      "\"channels\":[\"sms\"],\"priority\":\"critical\",\"ttl\":\"30s\","
                      "\"collapse_key\":\"k\",\"strategy\":\"all\",\"dry_run\":false,"
                      "\"guarantee\":\"at_least_once\"}");
    got = get(node, "/v1/notifications/%.*s", STR_ARG(answer_text(&sent, "/id")));
    assert_text(&got, "/priority", "critical");
    assert_text(&got, "/expires_at", "2026-12-01T09:00:30.000Z");
    assert_text(&got, "/deliveries/data/0/channel", "sms");
    assert_text(&got, "/collapse_key", "k");
    assert_text(&got, "/template/name", "all");
    assert_text(&got, "/template/version", "1");
}

/* ----------------------------------------------------------------------------------- faults ----
 */

static void every_fault_of_a_notification_is_listed(void **state)
{
    static const struct {
        const char *body, *pointer, *detail;
    } rows[] = {
        {"{}", "/to", "is needed"},
        {"{}", "", "must have either template or content"},
        {"{\"to\":[]}", "/to", "must have 1 to 1000 entries"},
        {"{\"to\":{}}", "/to", "must be an array"},
        {"{\"to\":[1]}", "/to/0", "must be an object"},
        {"{\"to\":[{}]}", "/to/0", NULL},
        {"{\"to\":[{\"user_id\":\"a\",\"email\":\"a@b.cd\"}]}", "/to/0", NULL},
        {"{\"to\":[{\"user_id\":\"a b\"}]}", "/to/0/user_id", NULL},
        {"{\"to\":[{\"user_id\":\"a\",\"data\":[]}]}", "/to/0/data", "must be an object"},
        {"{\"to\":[{\"email\":\"a\"}]}", "/to/0/email", "must be an e-mail address"},
        {"{\"to\":[{\"phone\":\"123\"}]}", "/to/0/phone", NULL},
        {"{\"to\":[{\"topic\":\"news\"}]}", "/to/0/topic", "topics are not supported yet"},
        {"{\"to\":[{\"platform\":\"ios\",\"token\":\"x\"}]}", "/to/0/bundle_id", "is needed"},
        {"{\"to\":[{\"user_id\":\"a\",\"token\":\"x\"}]}", "/to/0/token", "needs a platform"},
        {"{\"to\":[{\"user_id\":\"a\",\"x\":1}]}", "/to/0/x", "unknown member"},
        {"{\"template\":\"t\",\"content\":{\"sms\":{\"text\":\"x\"}}}", "", NULL},
        {"{\"template\":7}", "/template", NULL},
        {"{\"template\":{}}", "/template/name", "is needed"},
        {"{\"template\":{\"name\":\"t\",\"version\":0}}", "/template/version", NULL},
        {"{\"template\":{\"name\":\"t\",\"version\":1.5}}", "/template/version", NULL},
        {"{\"template\":{\"name\":\"t\",\"v\":1}}", "/template/v", "unknown member"},
        {"{\"content\":{}}", "/content", NULL},
        {"{\"content\":{\"sms\":{\"text\":\"{{x\"}}}", "/content/sms/text", NULL},
        {"{\"content\":{\"sms\":{\"text\":\"x\"},\"locales\":{}}}", "/content/locales", NULL},
        {"{\"data\":[]}", "/data", "must be an object"},
        {"{\"category\":\"\"}", "/category", NULL},
        {"{\"event_id\":\"\"}", "/event_id", NULL},
        {"{\"event_id\":\"a\\u0007\"}", "/event_id", NULL},
        {"{\"channels\":[\"fax\"]}", "/channels/0", NULL},
        {"{\"channels\":[\"sms\",\"sms\"]}", "/channels/1", "is listed twice"},
        {"{\"channels\":[\"sms\"],\"to\":[{\"email\":\"a@b.cd\"}]}", "/to/0", NULL},
        {"{\"priority\":\"now\"}", "/priority", NULL},
        {"{\"ttl\":\"1y\"}", "/ttl", NULL},
        {"{\"ttl\":\"367d\"}", "/ttl", "must be at most 366 days"},
        {"{\"collapse_key\":\"\"}", "/collapse_key", NULL},
        {"{\"strategy\":\"some\"}", "/strategy", "must be one of all, first"},
        {"{\"guarantee\":\"exactly_once\"}", "/guarantee",
         "must be one of at_least_once, at_most_once"},
        {"{\"send_at\":\"2026-12-02T00:00:00Z\"}", "/send_at", "not supported yet"},
        {"{\"confirm_recipients\":5}", "/confirm_recipients", "not supported yet"},
        {"{\"spread\":\"1h\"}", "/spread", "not supported yet"},
        {"{\"dry_run\":true}", "/dry_run", "true is not supported yet"},
        {"{\"sendat\":\"2026-12-02T00:00:00Z\"}", "/sendat", "unknown member"},
    };
    struct node *node = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = post(node, rows[i].body);
        assert_fault(&answer, rows[i].pointer, rows[i].detail);
    }
    nothing_is_stored(node);
}

static void unknown_references_are_422(void **state)
{
    static const char *const rows[] = {
        "{\"to\":[{\"user_id\":\"u1\"}],\"template\":\"nope\"}",
        "{\"to\":[{\"user_id\":\"u1\"}],\"template\":{\"name\":\"all\",\"version\":2}}",
        "{\"to\":[{\"user_id\":\"u1\"}],\"template\":\"all\",\"category\":\"nope\"}",
        "{\"to\":[{\"user_id\":\"u1\"}],\"content\":{\"sms\":{\"text\":\"{{>nope}}\"}}}",
    };
    struct node *node = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = post(node, rows[i]);
        assert_problem(&answer, 422, "unprocessable-reference");
    }
    nothing_is_stored(node);
}

static void a_strict_template_refuses_data_that_lacks_a_variable(void **state)
{
    struct node *node = *state;
    struct answer common =
        post(node, "{\"to\":[{\"user_id\":\"u1\"}],\"template\":\"strict\",\"data\":{\"n\":1}}");
    assert_fault(&common, "/data", NULL);
    struct answer own = post(node, "{\"to\":[{\"user_id\":\"u1\",\"data\":{\"role\":\"x\"}},"
                                   "{\"phone\":\"+14155550123\",\"data\":{\"rule\":\"y\"}}],"
                                   "\"template\":\"strict\",\"data\":{\"n\":1}}");
    assert_fault(&own, "/to/1/data", NULL);
    assert_false(answer_faults(&own, "/to/0/data", NULL));
    struct answer good = post(node, "{\"to\":[{\"user_id\":\"u1\",\"data\":{\"role\":\"x\"}}],"
                                    "\"template\":\"strict\",\"data\":{\"n\":1}}");
    assert_status(&good, 202);
}

static void more_deliveries_than_one_request_may_make_are_refused(void **state)
{
    struct node *node = *state;
    struct buf body;
    buf_init(&body, 1 << 20);
    buf_add(&body, STR("{\"template\":\"all\",\"to\":[{\"user_id\":\"u0\"}"));
    for (int i = 1; i <= TO_MAX; i++)
        buf_printf(&body, ",{\"user_id\":\"u%d\"}", i);
    buf_add(&body, STR("]}"));
    buf_add_char(&body, '\0');
    struct answer answer = post(node, body.at);
    assert_fault(&answer, "/to", "must have 1 to 1000 entries");
    buf_done(&body);
}

static void a_test_key_needs_a_sandbox_provider(void **state)
{
    struct node *with = *state;
    const char *key = node_key(with, "shop", "{\"scopes\":[\"send\",\"read\"],\"mode\":\"test\"}");
    static const char *const body =
        "{\"event_id\":\"e\",\"to\":[{\"user_id\":\"u1\"}],\"template\":\"text\"}";
    struct answer live = post(with, body);
    assert_status(&live, 202);
    struct answer test = node_ask(with, key, "POST", "/v1/notifications", body);
    assert_status(&test, 202); /* event ids belong to app and mode */
    struct str id = answer_text(&test, "/id");
    struct answer seen =
        node_ask(with, key, "GET",
                 arena_printf(&with->arena, "/v1/notifications/%.*s", STR_ARG(id)).at, NULL);
    assert_status(&seen, 200);
    assert_text(&seen, "/mode", "test");
    struct answer unseen = get(with, "/v1/notifications/%.*s", STR_ARG(id));
    assert_problem(&unseen, 404, "not-found");
    struct answer mine = node_ask(with, key, "GET", "/v1/notifications", NULL);
    assert_int_equal(answer_at(&mine, "/data")->count, 1);

    struct node *without = node_new(false);
    key = node_key(without, "shop", "{\"scopes\":[\"send\"],\"mode\":\"test\"}");
    struct answer refused = node_ask(without, key, "POST", "/v1/notifications", body);
    assert_problem(&refused, 422, "no-sandbox-provider");
    node_free(without);
}

/* ------------------------------------------------------------------------------- idempotency ----
 */

static void the_same_request_twice_is_sent_once(void **state)
{
    struct node *node = *state;
    struct answer first = post(node, "{\"event_id\":\"e1\",\"to\":[{\"user_id\":\"u1\"}],"
                                     "\"template\":\"text\",\"data\":{\"a\":1,\"b\":[1.0]}}");
    assert_status(&first, 202);
    assert_null(answer_header(&first, "idempotent-replayed").at);
    node_advance(node, 3600 * 1000);
    struct answer again =
        post(node, "{ \"data\":{\"b\":[1],\"a\":1.0}, \"template\":\"te\\u0078t\","
                   "\"to\":[{\"user_id\":\"u1\"}],\"event_id\":\"e1\"}");
    assert_status(&again, 200);
    assert_true(str_eq(again.body, first.body));
    assert_true(str_eq(answer_header(&again, "idempotent-replayed"), STR("true")));
    assert_true(str_eq(answer_header(&again, "location"), answer_header(&first, "location")));
    struct answer other = post(node, "{\"event_id\":\"e1\",\"to\":[{\"user_id\":\"u1\"}],"
                                     "\"template\":\"text\",\"data\":{\"a\":2,\"b\":[1.0]}}");
    assert_problem(&other, 422, "idempotency-mismatch");
    assert_int_equal(node->sent, 1);
    node_advance(node, INT64_C(8) * 86400 * 1000);
    struct answer later = post(node, "{\"event_id\":\"e1\",\"to\":[{\"user_id\":\"u1\"}],"
                                     "\"template\":\"text\",\"data\":{\"a\":1,\"b\":[1.0]}}");
    assert_status(&later, 202);
}

static void the_header_and_the_member_say_the_same(void **state)
{
    static const char *const body = "{\"to\":[{\"user_id\":\"u1\"}],\"template\":\"text\"}";
    static const char *const with =
        "{\"event_id\":\"k1\",\"to\":[{\"user_id\":\"u1\"}],\"template\":\"text\"}";
    struct node *node = *state;
    struct answer first =
        node_ask_with(node, node->shop, "POST", "/v1/notifications", body, "idempotency-key", "k1");
    assert_status(&first, 202);
    struct answer again = post(node, with);
    assert_status(&again, 200);
    again =
        node_ask_with(node, node->shop, "POST", "/v1/notifications", with, "idempotency-key", "k1");
    assert_status(&again, 200);
    struct answer differs =
        node_ask_with(node, node->shop, "POST", "/v1/notifications", with, "idempotency-key", "k2");
    assert_fault(&differs, "/event_id", "differs from the header Idempotency-Key");
    struct answer strange =
        node_ask_with(node, node->shop, "POST", "/v1/notifications", body, "idempotency-key", " ");
    assert_fault(&strange, "/event_id", NULL);
    struct answer got = get(node, "/v1/notifications/%.*s", STR_ARG(answer_text(&first, "/id")));
    assert_text(&got, "/event_id", "k1");
}

static void a_replay_is_answered_before_anything_that_is_wrong(void **state)
{
    static const char *const body = "{\"event_id\":\"e1\",\"to\":[{\"user_id\":\"u1\"}],"
                                    "\"category\":\"c\",\"template\":\"text\"}";
    struct node *node = *state;
    struct answer refused = post(node, body);
    assert_problem(&refused, 422, "unprocessable-reference");
    put(node, "/v1/categories/c", "{}");
    struct answer first = post(node, body); /* what was refused reserved nothing */
    assert_status(&first, 202);
    struct answer gone = node_ask(node, node->shop, "DELETE", "/v1/categories/c", NULL);
    assert_status(&gone, 204);
    struct answer again = post(node, body);
    assert_status(&again, 200);
    assert_true(str_eq(again.body, first.body));
    struct answer wrong = post(node, "{\"event_id\":\"e1\",\"to\":[]}");
    assert_problem(&wrong, 422, "idempotency-mismatch");
    assert_null(answer_at(&wrong, "/errors"));
    struct answer fresh = post(node, "{\"event_id\":\"e2\",\"to\":[]}");
    assert_fault(&fresh, "/to", NULL);
}

static void concurrent_duplicates_come_to_one_notification(void **state)
{
    static const char *const body =
        "{\"event_id\":\"e1\",\"to\":[{\"user_id\":\"u1\"}],\"template\":\"text\"}";
    enum { COUNT = 40 };
    struct node *node = *state;
    const char *bodies[COUNT];
    struct answer answers[COUNT];
    for (int i = 0; i < COUNT; i++)
        bodies[i] = body;
    node_ask_many(node, node->shop, "POST", "/v1/notifications", bodies, COUNT, answers);
    int accepted = 0;
    for (int i = 0; i < COUNT; i++) {
        accepted += answers[i].status == 202;
        assert_true(answers[i].status == 202 || answers[i].status == 200);
        assert_true(str_eq(answers[i].body, answers[0].body));
    }
    assert_int_equal(accepted, 1);
    node_settle(node);
    assert_int_equal(node->sent, 1);
}

/* ------------------------------------------------------------------------------------ batches ----
 */

static void items_of_a_batch_succeed_or_fail_alone_and_in_order(void **state)
{
    struct node *node = *state;
    struct answer answer =
        node_ask(node, node->shop, "POST", "/v1/notifications/batch",
                 "{\"notifications\":["
                 "{\"event_id\":\"b1\",\"to\":[{\"user_id\":\"u1\"}],\"template\":\"all\"},"
                 "{\"to\":[{\"email\":\"nobody\"}],\"template\":\"all\"},"
                 "{\"event_id\":\"b1\",\"to\":[{\"user_id\":\"u1\"}],\"template\":\"all\"},"
                 "{\"event_id\":\"b1\",\"to\":[{\"user_id\":\"bare\"}],\"template\":\"all\"},"
                 "{\"to\":[{\"user_id\":\"u1\"}],\"template\":\"nope\"},"
                 "{\"to\":[{\"phone\":\"+14155550123\"}],\"content\":{\"sms\":{\"text\":\"hi\"}}},"
                 "7]}");
    static const char *const statuses[] = {"202", "400", "200", "422", "422", "202", "400"};
    assert_status(&answer, 200);
    assert_int_equal(answer_at(&answer, "/results")->count, 7);
    for (int i = 0; i < 7; i++) {
        char pointer[64];
        (void)snprintf(pointer, sizeof pointer, "/results/%d/status", i);
        assert_text(&answer, pointer, statuses[i]);
    }
    assert_true(str_eq(answer_text(&answer, "/results/0/body/id"),
                       answer_text(&answer, "/results/2/body/id")));
    assert_text(&answer, "/results/0/body/deliveries", "4");
    assert_text(&answer, "/results/1/body/errors/0/pointer", "/to/0/email");
    assert_text(&answer, "/results/3/body/type",
                "https://bongsu.dev/problems/idempotency-mismatch");
    assert_text(&answer, "/results/4/body/status", "422");
    assert_text(&answer, "/results/5/body/deliveries", "1");
    assert_text(&answer, "/results/6/body/errors/0/detail", "must be an object");
    struct answer list = get(node, "/v1/notifications");
    assert_int_equal(answer_at(&list, "/data")->count, 2);
}

static void a_batch_is_refused_whole_only_for_its_own_faults(void **state)
{
    struct node *node = *state;
    struct answer none = node_ask(node, node->shop, "POST", "/v1/notifications/batch", "{}");
    assert_fault(&none, "/notifications", "is needed");
    struct answer empty =
        node_ask(node, node->shop, "POST", "/v1/notifications/batch", "{\"notifications\":[]}");
    assert_fault(&empty, "/notifications", "must have 1 to 1000 entries");
    struct answer more = node_ask(node, node->shop, "POST", "/v1/notifications/batch",
                                  "{\"notifications\":[{}],\"x\":1}");
    assert_fault(&more, "/x", "unknown member");
    struct answer key = node_ask_with(node, node->shop, "POST", "/v1/notifications/batch",
                                      "{\"notifications\":[{}]}", "idempotency-key", "k");
    assert_problem(&key, 400, "invalid-request");
}

static void a_full_batch_is_answered_item_by_item(void **state)
{
    struct node *node = *state;
    struct buf body;
    buf_init(&body, 1 << 20);
    buf_add(&body, STR("{\"notifications\":["));
    for (int i = 0; i < BATCH_MAX; i++)
        buf_printf(&body,
                   "%s{\"event_id\":\"e%d\",\"to\":[{\"user_id\":\"u1\"}],\"template\":\"text\","
                   "\"data\":{\"n\":%d}}",
                   i ? "," : "", i, i);
    buf_add(&body, STR("]}"));
    buf_add_char(&body, '\0');
    struct answer answer = node_ask(node, node->shop, "POST", "/v1/notifications/batch", body.at);
    assert_status(&answer, 200);
    const struct json *results = answer_at(&answer, "/results");
    assert_int_equal(results->count, BATCH_MAX);
    for (uint32_t i = 0; i < results->count; i++)
        assert_true(str_eq(json_get(&results->items[i], STR("status"))->text, STR("202")));
    buf_done(&body);
}

/* --------------------------------------------------------------------------------- trouble ---- */

static void a_store_that_refuses_accepts_nothing(void **state)
{
    static const char *const body =
        "{\"event_id\":\"e1\",\"to\":[{\"user_id\":\"u1\"}],\"template\":\"text\"}";
    struct node *node = *state;
    node->refuse_store = true;
    struct answer answer = post(node, body);
    assert_problem(&answer, 503, "unavailable");
    assert_true(answer_header(&answer, "retry-after").len > 0);
    node->refuse_store = false;
    nothing_is_stored(node);
    struct answer again = post(node, body);
    assert_status(&again, 202);
}

#define TO_U1 "\"to\":[{\"user_id\":\"u1\"}],\"template\":\"text\""

static void while_too_much_waits_only_what_is_critical_is_let_in(void **state)
{
    static const struct {
        const char *body;
        int status;
    } rows[] = {
        {"{" TO_U1 "}", 503},
        {"{\"priority\":\"high\"," TO_U1 "}", 503},
        {"{\"category\":\"news\"," TO_U1 "}", 503},
        {"{\"category\":\"alarms\",\"priority\":\"low\"," TO_U1 "}", 503},
        {"{\"data\":{\"priority\":\"critical\"}," TO_U1 "}", 503},
        {"{\"unknown\":1," TO_U1 "}", 503}, /* it is not looked at any further */
        {"{\"to\":", 400},
        {"{" TO_U1 ",\"priority\":\"critical\"}", 202},
        {"{" TO_U1 ",\"priority\":\"criti\\u0063al\"}", 202},
        {"{\"category\":\"alarms\"," TO_U1 "}", 202},
    };
    const struct entrant full = {.work = 4};
    struct node *node = *state;
    put(node, "/v1/categories/alarms", "{\"priority\":\"critical\"}");
    put(node, "/v1/categories/news", "{}");
    struct answer first = post(node, "{\"category\":\"alarms\"," TO_U1 "}");
    assert_status(&first, 202);
    struct admission *admission =
        (struct admission *)(uintptr_t)intake_admission(node->intake); /* which fills up */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        admission->standing = true;
        admission->limit = 4;
        admission_enter(admission, full);
        struct answer answer = post(node, rows[i].body);
        if (answer.status != rows[i].status)
            fail_msg("%s: %d", rows[i].body, answer.status);
        if (answer.status == 503)
            assert_true(str_eq(answer_header(&answer, "retry-after"), STR("1")));
        admission_leave(admission, node->now, full, (struct span){0}, false);
    }
}

static void a_traceparent_is_kept_if_it_is_one(void **state)
{
    static const char *const body = "{\"to\":[{\"user_id\":\"u1\"}],\"template\":\"text\"}";
    static const char *const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    struct node *node = *state;
    struct answer sent =
        node_ask_with(node, node->shop, "POST", "/v1/notifications", body, "traceparent", trace);
    struct answer got = get(node, "/v1/notifications/%.*s", STR_ARG(answer_text(&sent, "/id")));
    assert_text(&got, "/traceparent", trace);
    sent = node_ask_with(node, node->shop, "POST", "/v1/notifications", body, "traceparent",
                         "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01");
    assert_status(&sent, 202);
    got = get(node, "/v1/notifications/%.*s", STR_ARG(answer_text(&sent, "/id")));
    assert_text(&got, "/traceparent", "null");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_user_gets_one_delivery_a_device_number_and_address),
        TEST(what_cannot_be_sent_is_a_row_that_says_why),
        TEST(opt_outs_and_suppressions_hold_unless_the_category_is_mandatory),
        TEST(direct_addresses_are_reached_without_a_user),
        TEST(a_channel_without_content_makes_no_row),
        TEST(a_notification_goes_over_its_category),
        TEST(every_fault_of_a_notification_is_listed),
        TEST(unknown_references_are_422),
        TEST(a_strict_template_refuses_data_that_lacks_a_variable),
        TEST(more_deliveries_than_one_request_may_make_are_refused),
        TEST(a_test_key_needs_a_sandbox_provider),
        TEST(the_same_request_twice_is_sent_once),
        TEST(the_header_and_the_member_say_the_same),
        TEST(a_replay_is_answered_before_anything_that_is_wrong),
        TEST(concurrent_duplicates_come_to_one_notification),
        TEST(items_of_a_batch_succeed_or_fail_alone_and_in_order),
        TEST(a_batch_is_refused_whole_only_for_its_own_faults),
        TEST(a_full_batch_is_answered_item_by_item),
        TEST(a_store_that_refuses_accepts_nothing),
        TEST(while_too_much_waits_only_what_is_critical_is_let_in),
        TEST(a_traceparent_is_kept_if_it_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
