/* What became of it: notifications, deliveries, events and contents; cancel, queues, dead
 * letters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api_assert.h"

static void put(struct node *node, const char *path, const char *body)
{
    struct answer answer = node_ask(node, node->shop, "PUT", path, body);
    if (answer.status != 200 && answer.status != 201)
        fail_msg("%s: %.*s", path, STR_ARG(answer.body));
}

static int start(void **state)
{
    struct node *node = node_new(true);
    put(node, "/v1/users/u1",
        "{\"email\":\"u1-ok@x.example\",\"phone\":\"+14155550100\",\"locale\":\"ko-KR\","
        "\"attributes\":{\"tier\":\"gold\"}}");
    put(node, "/v1/templates/order",
        "{\"sms\":{\"text\":\"Order {{id}} {{user.attributes.tier}}\"},"
        "\"email\":{\"subject\":\"Order {{id}}\",\"html\":\"<p>{{who}}</p>\"},"
        "\"locales\":{\"ko\":{\"sms\":{\"text\":\"\xec\xa3\xbc\xeb\xac\xb8 {{id}}\"}}}}");
    *state = node;
    return 0;
}

static int stop(void **state)
{
    node_free(*state);
    return 0;
}

static struct answer get(struct node *node, const char *format, ...) printf_like(2, 3);
static struct answer get(struct node *node, const char *format, ...)
{
    char path[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(path, sizeof path, format, args);
    va_end(args);
    return node_ask(node, node->shop, "GET", path, NULL);
}

/* The id of what was sent. */
static struct str post(struct node *node, const char *body)
{
    struct answer answer = node_ask(node, node->shop, "POST", "/v1/notifications", body);
    assert_status(&answer, 202);
    return answer_text(&answer, "/id");
}

static struct str send_sms(struct node *node, const char *phone)
{
    return post(node, arena_printf(&node->arena,
                                   "{\"to\":[{\"phone\":\"%s\"}],"
                                   "\"content\":{\"sms\":{\"text\":\"hi\"}}}",
                                   phone)
                          .at);
}

static struct str delivery_of(struct node *node, struct str notification)
{
    struct answer answer = get(node, "/v1/notifications/%.*s", STR_ARG(notification));
    return answer_text(&answer, "/deliveries/data/0/id");
}

/* ------------------------------------------------------------------------------- looking up ----
 */

static void a_notification_tells_its_request_counts_and_deliveries(void **state)
{
    struct node *node = *state;
    struct str id = post(node, "{\"to\":[{\"user_id\":\"u1\"},{\"user_id\":\"nobody\"}],"
                               "\"template\":\"order\",\"data\":{\"id\":42,\"who\":\"<A>\"},"
                               "\"channels\":[\"sms\",\"email\"]}");
    struct answer got = get(node, "/v1/notifications/%.*s", STR_ARG(id));
    assert_text(&got, "/status", "accepted");
    node_settle(node);
    got = get(node, "/v1/notifications/%.*s", STR_ARG(id));
    assert_status(&got, 200);
    assert_true(str_eq(answer_text(&got, "/id"), id));
    assert_text(&got, "/status", "done");
    assert_text(&got, "/mode", "live");
    assert_text(&got, "/category", "default");
    assert_text(&got, "/created_at", "2026-12-01T09:00:00.000Z");
    assert_text(&got, "/expires_at", "2026-12-02T09:00:00.000Z");
    assert_text(&got, "/request/data/id", "42");
    assert_text(&got, "/counts/sent", "2");
    assert_text(&got, "/counts/suppressed", "1");
    assert_text(&got, "/counts/queued", "0");
    assert_text(&got, "/deliveries/data/0/state", "sent");
    assert_text(&got, "/deliveries/data/0/provider", "demo");
    assert_text(&got, "/deliveries/data/0/attempts", "1");
    assert_text(&got, "/deliveries/data/2/reason", "no_address");
    assert_text(&got, "/deliveries/next_cursor", "null");
}

static void the_first_page_goes_on_at_the_list_of_deliveries(void **state)
{
    struct node *node = *state;
    struct buf body;
    buf_init(&body, 1 << 16);
    buf_add(&body, STR("{\"content\":{\"sms\":{\"text\":\"hi\"}},\"to\":["));
    for (int i = 0; i < 120; i++)
        buf_printf(&body, "%s{\"phone\":\"+1415555%03d0\"}", i ? "," : "", i);
    buf_add(&body, STR("]}"));
    buf_add_char(&body, '\0');
    struct str id = post(node, body.at);
    buf_done(&body);
    node_settle(node);
    struct answer got = get(node, "/v1/notifications/%.*s", STR_ARG(id));
    assert_int_equal(answer_at(&got, "/deliveries/data")->count, 50);
    struct str cursor = answer_text(&got, "/deliveries/next_cursor");
    struct answer next = get(node, "/v1/notifications/%.*s/deliveries?cursor=%.*s&limit=70",
                             STR_ARG(id), STR_ARG(cursor));
    assert_status(&next, 200);
    assert_int_equal(answer_at(&next, "/data")->count, 70);
    assert_text(&next, "/next_cursor", "null");
    assert_text(&next, "/data/0/address", "+1***00");
    struct answer sent =
        get(node, "/v1/notifications/%.*s/deliveries?state=sent&limit=200", STR_ARG(id));
    assert_int_equal(answer_at(&sent, "/data")->count, 120);
    struct answer dead = get(node, "/v1/notifications/%.*s/deliveries?state=dead", STR_ARG(id));
    assert_text(&dead, "/data", "[]");
    struct answer other = get(node, "/v1/notifications/%.*s/deliveries?state=sent&cursor=%.*s",
                              STR_ARG(id), STR_ARG(cursor));
    assert_problem(&other, 400, "invalid-request");
}

static void the_events_of_a_delivery_explain_it(void **state)
{
    struct node *node = *state;
    struct str id = send_sms(node, "+14155550101"); /* transient */
    node_advance(node, 10000);
    node_advance(node, 10000);
    struct answer got = get(node, "/v1/deliveries/%.*s", STR_ARG(delivery_of(node, id)));
    assert_status(&got, 200);
    assert_text(&got, "/state", "dead");
    assert_text(&got, "/attempts", "2");
    assert_int_equal(answer_at(&got, "/events")->count, 3);
    assert_text(&got, "/events/0/type", "queued");
    assert_text(&got, "/events/0/at", "2026-12-01T09:00:00.000Z");
    static const char *const always[] = {"attempt", "next_attempt_at", "provider",           "code",
                                         "reason",  "detail",          "provider_message_id"};
    for (size_t i = 0; i < sizeof always / sizeof *always; i++) {
        char pointer[64];
        (void)snprintf(pointer, sizeof pointer, "/events/0/%s", always[i]);
        assert_text(&got, pointer, "null"); /* there, without a meaning yet */
    }
    assert_text(&got, "/events/1/type", "attempted");
    assert_text(&got, "/events/1/state", "queued");
    assert_text(&got, "/events/1/attempt", "1");
    assert_text(&got, "/events/1/provider", "demo");
    assert_text(&got, "/events/1/code", "503");
    assert_text(&got, "/events/2/type", "dead");
    assert_text(&got, "/events/2/attempt", "2");
    assert_int_equal(answer_at(&got, "/attempt_history")->count, 2);
    assert_text(&got, "/attempt_history/0/outcome", "attempted");
    assert_text(&got, "/attempt_history/1/outcome", "dead");

    /* The same, step by step over pages. */
    struct answer page = get(node, "/v1/notifications/%.*s/events?limit=1", STR_ARG(id));
    for (int i = 0; i < 3; i++) {
        char pointer[32];
        assert_int_equal(answer_at(&page, "/data")->count, 1);
        (void)snprintf(pointer, sizeof pointer, "/events/%d/id", i);
        assert_true(str_eq(answer_text(&page, "/data/0/id"), answer_text(&got, pointer)));
        struct str cursor = answer_text(&page, "/next_cursor");
        if (i == 2)
            assert_true(str_eq(cursor, STR("null")));
        else
            page = get(node, "/v1/notifications/%.*s/events?limit=1&cursor=%.*s", STR_ARG(id),
                       STR_ARG(cursor));
    }
    struct answer whole = get(node, "/v1/notifications/%.*s/events", STR_ARG(id));
    assert_int_equal(answer_at(&whole, "/data")->count, 3);
}

static void a_suppressed_delivery_is_explained_by_its_acceptance(void **state)
{
    struct node *node = *state;
    struct str id = post(node, "{\"to\":[{\"user_id\":\"nobody\"}],\"template\":\"order\"}");
    struct answer events = get(node, "/v1/notifications/%.*s/events", STR_ARG(id));
    assert_int_equal(answer_at(&events, "/data")->count, 1);
    assert_text(&events, "/data/0/type", "suppressed");
    assert_text(&events, "/data/0/reason", "no_address");
}

static void what_was_sent_can_be_read_again(void **state)
{
    struct node *node = *state;
    struct str id = post(node, "{\"to\":[{\"user_id\":\"u1\",\"data\":{\"id\":43}}],"
                               "\"template\":\"order\",\"data\":{\"id\":42,\"who\":\"<A>\"},"
                               "\"channels\":[\"sms\",\"email\"]}");
    put(node, "/v1/templates/order", "{\"sms\":{\"text\":\"changed\"}}");
    put(node, "/v1/users/u1", "{\"locale\":\"en\"}");
    node_settle(node);
    struct answer list = get(node, "/v1/notifications/%.*s/deliveries", STR_ARG(id));
    struct answer sms =
        get(node, "/v1/deliveries/%.*s/content", STR_ARG(answer_text(&list, "/data/0/id")));
    assert_status(&sms, 200);
    assert_text(&sms, "/channel", "sms");
    assert_text(&sms, "/locale", "ko-KR");
    assert_text(&sms, "/sms/text", "\xec\xa3\xbc\xeb\xac\xb8 43");
    assert_text(&sms, "/sms/encoding", "UCS-2");
    struct answer email =
        get(node, "/v1/deliveries/%.*s/content", STR_ARG(answer_text(&list, "/data/1/id")));
    assert_text(&email, "/email/subject", "Order 43");
    assert_text(&email, "/email/html", "<p>&lt;A&gt;</p>");

    id = post(node, "{\"to\":[{\"user_id\":\"u1\"}],\"channels\":[\"sms\"],\"data\":{\"n\":1},"
                    "\"content\":{\"sms\":{\"text\":\"{{n}} {{>order}}\"}}}");
    put(node, "/v1/templates/order", "{\"sms\":{\"text\":\"changed again\"}}");
    struct answer direct = get(node, "/v1/deliveries/%.*s/content", STR_ARG(delivery_of(node, id)));
    assert_status(&direct, 200);
    assert_text(&direct, "/sms/text", "1 changed");
}

static void lists_of_notifications_are_filtered(void **state)
{
    static const struct {
        const char *query;
        uint32_t count;
    } rows[] = {
        {"", 3},
        {"?user_id=u1", 2},
        {"?user_id=nobody", 0},
        {"?category=c", 1},
        {"?category=d", 0},
        {"?template=order", 2},
        {"?template=order&category=c", 1},
        {"?state=sent", 2},
        {"?state=suppressed", 1},
        {"?user_id=u1&state=suppressed", 0},
        {"?since=2026-12-01T09:00:05Z", 1},
        {"?until=2026-12-01T09:00:05Z", 2},
        {"?since=2026-12-01T10:00:05%2B01:00", 1},
    };
    struct node *node = *state;
    put(node, "/v1/categories/c", "{\"channels\":[\"email\"]}");
    static const char *const data = "\"data\":{\"id\":1}";
    (void)post(node, arena_printf(&node->arena,
                                  "{\"to\":[{\"user_id\":\"u1\"}],\"template\":\"order\","
                                  "\"category\":\"c\",%s}",
                                  data)
                         .at);
    (void)post(node, arena_printf(&node->arena,
                                  "{\"to\":[{\"user_id\":\"x\"}],\"template\":\"order\",%s}", data)
                         .at);
    node_advance(node, 10000);
    (void)post(node, "{\"to\":[{\"user_id\":\"u1\"}],\"content\":{\"sms\":{\"text\":\"x\"}}}");
    node_settle(node);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer list = get(node, "/v1/notifications%s", rows[i].query);
        assert_status(&list, 200);
        if (answer_at(&list, "/data")->count != rows[i].count)
            fail_msg("%s: %u", rows[i].query, answer_at(&list, "/data")->count);
    }
    struct answer newest = get(node, "/v1/notifications?limit=1");
    assert_text(&newest, "/data/0/template", "null");
    assert_null(answer_at(&newest, "/data/0/request"));
}

/* ----------------------------------------------------------------------------------- cancel ----
 */

static void cancel_ends_what_waits_and_says_so_again(void **state)
{
    struct node *node = *state;
    struct str id = send_sms(node, "+14155550101"); /* transient: waits for its second attempt */
    node_settle(node);
    struct str path = arena_printf(&node->arena, "/v1/notifications/%.*s/cancel", STR_ARG(id));
    for (int i = 0; i < 2; i++) {
        struct answer answer = node_ask(node, node->shop, "POST", path.at, i ? "{}" : NULL);
        assert_status(&answer, 200);
        assert_text(&answer, "/status", "cancelled");
        assert_text(&answer, "/counts/cancelled", "1");
    }
    uint32_t sent = node->sent;
    node_advance(node, 60000);
    assert_int_equal(node->sent, sent);
    struct answer got = get(node, "/v1/notifications/%.*s", STR_ARG(id));
    assert_text(&got, "/status", "cancelled");
    struct answer extra = node_ask(node, node->shop, "POST", path.at, "{\"why\":\"x\"}");
    assert_fault(&extra, "/why", "unknown member");

    struct str done = send_sms(node, "+14155550100");
    node_settle(node);
    path = arena_printf(&node->arena, "/v1/notifications/%.*s/cancel", STR_ARG(done));
    struct answer late = node_ask(node, node->shop, "POST", path.at, NULL);
    assert_status(&late, 200);
    assert_text(&late, "/status", "done");
    assert_text(&late, "/counts/sent", "1");
}

/* ----------------------------------------------------------------------------- dead letters ----
 */

/* Three dead letters, of SMS and e-mail, a minute apart. */
static void make_dead(struct node *node)
{
    static const char *const bodies[] = {
        "{\"to\":[{\"phone\":\"+14155550101\"}],\"content\":{\"sms\":{\"text\":\"hi\"}}}",
        ("{\"to\":[{\"email\":\"a-transient@x.example\"}],"
         "\"content\":{\"email\":{\"subject\":\"s\",\"text\":\"t\"}}}"),
        "{\"to\":[{\"phone\":\"+14155550111\"}],\"content\":{\"sms\":{\"text\":\"hi\"}}}",
    };
    for (int i = 0; i < 3; i++) {
        (void)post(node, bodies[i]);
        node_advance(node, 30000);
        node_advance(node, 30000);
    }
}

static void dead_letters_are_listed_by_channel_reason_and_time(void **state)
{
    static const struct {
        const char *query;
        uint32_t count;
    } rows[] = {
        {"", 3},
        {"?channel=sms", 2},
        {"?channel=push", 0},
        {"?reason=transient", 3},
        {"?reason=other", 0},
        {"?since=2026-12-01T09:01:00Z", 2},
        {"?limit=2", 2},
    };
    struct node *node = *state;
    make_dead(node);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer list = get(node, "/v1/dead-letters%s", rows[i].query);
        assert_status(&list, 200);
        if (answer_at(&list, "/data")->count != rows[i].count)
            fail_msg("%s: %.*s", rows[i].query, STR_ARG(list.body));
    }
    struct answer list = get(node, "/v1/dead-letters?limit=2");
    assert_text(&list, "/data/0/state", "dead");
    assert_text(&list, "/data/0/channel", "sms");
    assert_text(&list, "/data/1/channel", "email");
    struct answer rest =
        get(node, "/v1/dead-letters?cursor=%.*s", STR_ARG(answer_text(&list, "/next_cursor")));
    assert_int_equal(answer_at(&rest, "/data")->count, 1);
    assert_text(&rest, "/next_cursor", "null");
}

static void redriven_letters_are_tried_again_and_others_skipped(void **state)
{
    struct node *node = *state;
    make_dead(node);
    struct answer list = get(node, "/v1/dead-letters");
    struct str first = answer_text(&list, "/data/0/id");
    struct str body = arena_printf(&node->arena, "{\"ids\":[\"%.*s\",\"%.*s\",\"nonsense\"]}",
                                   STR_ARG(first), STR_ARG(first));
    struct answer done = node_ask(node, node->shop, "POST", "/v1/dead-letters/redrive", body.at);
    assert_status(&done, 200);
    assert_text(&done, "/redriven", "1");
    assert_text(&done, "/skipped", "[\"nonsense\"]"); /* and not the one named twice */
    assert_text(&done, "/more", "false");
    struct answer got = get(node, "/v1/deliveries/%.*s", STR_ARG(first));
    assert_text(&got, "/attempts", "0");
    assert_text(&got, "/events/3/type", "queued");
    assert_text(&got, "/events/3/reason", "redriven");
    struct answer sms = node_ask(node, node->shop, "POST", "/v1/dead-letters/redrive",
                                 "{\"filter\":{\"channel\":\"email\"}}");
    assert_text(&sms, "/redriven", "1");
    struct answer all =
        node_ask(node, node->shop, "POST", "/v1/dead-letters/redrive", "{\"filter\":{}}");
    assert_text(&all, "/redriven", "1");
    list = get(node, "/v1/dead-letters");
    assert_text(&list, "/data", "[]");
    node_advance(node, 60000);
    node_advance(node, 60000);
    list = get(node, "/v1/dead-letters");
    assert_int_equal(answer_at(&list, "/data")->count, 3);
}

static void a_redrive_says_which(void **state)
{
    static const struct {
        const char *body, *pointer;
    } rows[] = {
        {"{}", ""},
        {"{\"ids\":[\"x\"],\"filter\":{}}", ""},
        {"{\"ids\":[]}", "/ids"},
        {"{\"ids\":[1]}", "/ids/0"},
        {"{\"filter\":{\"channel\":\"fax\"}}", "/filter/channel"},
        {"{\"filter\":{\"since\":\"x\"}}", "/filter/since"},
        {"{\"filter\":{\"kind\":\"sms\"}}", "/filter/kind"},
        {"{\"filter\":[]}", "/filter"},
    };
    struct node *node = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer =
            node_ask(node, node->shop, "POST", "/v1/dead-letters/redrive", rows[i].body);
        assert_fault(&answer, rows[i].pointer, NULL);
    }
    struct answer skipped =
        node_ask(node, node->shop, "POST", "/v1/dead-letters/redrive", "{\"ids\":[\"nonsense\"]}");
    assert_text(&skipped, "/redriven", "0");
    assert_text(&skipped, "/skipped/0", "nonsense");
}

static void dead_letters_are_deleted_one_by_one_or_by_filter(void **state)
{
    struct node *node = *state;
    make_dead(node);
    struct answer list = get(node, "/v1/dead-letters");
    struct str path = arena_printf(&node->arena, "/v1/dead-letters/%.*s",
                                   STR_ARG(answer_text(&list, "/data/0/id")));
    struct answer one = node_ask(node, node->shop, "DELETE", path.at, NULL);
    assert_status(&one, 204);
    one = node_ask(node, node->shop, "DELETE", path.at, NULL);
    assert_problem(&one, 404, "not-found");
    one = node_ask(node, node->shop, "DELETE", "/v1/dead-letters/nonsense", NULL);
    assert_problem(&one, 404, "not-found");
    struct answer none = node_ask(node, node->shop, "DELETE", "/v1/dead-letters", NULL);
    assert_problem(&none, 400, "invalid-request");
    struct answer some =
        node_ask(node, node->shop, "DELETE", "/v1/dead-letters?channel=email", NULL);
    assert_status(&some, 204);
    some = node_ask(node, node->shop, "DELETE", "/v1/dead-letters?channel=email", NULL);
    assert_problem(&some, 404, "not-found");
    struct answer all = node_ask(node, node->shop, "DELETE", "/v1/dead-letters", "{\"filter\":{}}");
    assert_status(&all, 204);
    list = get(node, "/v1/dead-letters");
    assert_text(&list, "/data", "[]");
}

/* ----------------------------------------------------------------------------------- queues ----
 */

static void queues_count_what_waits_between_attempts(void **state)
{
    struct node *node = *state;
    for (int i = 0; i < 3; i++)
        (void)send_sms(node, "+14155550101");
    node_settle(node);
    struct answer list = get(node, "/v1/queues");
    assert_status(&list, 200);
    const struct json *data = answer_at(&list, "/data");
    assert_int_equal(data->count, LANE_COUNT);
    for (uint32_t i = 0; i < data->count; i++) {
        const struct json *row = &data->items[i];
        bool ours = str_eq(json_get(row, STR("kind"))->text, STR("sms")) &&
                    str_eq(json_get(row, STR("priority"))->text, STR("normal"));
        assert_true(str_eq(json_get(row, STR("depth"))->text, ours ? STR("3") : STR("0")));
        assert_true(str_eq(json_get(row, STR("in_flight"))->text, STR("0")));
        assert_true(str_eq(json_get(row, STR("scheduled"))->text, STR("0")));
    }
    struct answer some = get(node, "/v1/queues?limit=15");
    struct answer rest =
        get(node, "/v1/queues?limit=15&cursor=%.*s", STR_ARG(answer_text(&some, "/next_cursor")));
    assert_int_equal(answer_at(&rest, "/data")->count, LANE_COUNT - 15);
    assert_text(&rest, "/next_cursor", "null");
}

/* -------------------------------------------------------------------------------- isolation ----
 */

static void another_apps_sendings_are_nobodys(void **state)
{
    struct node *node = *state;
    make_dead(node);
    struct answer list = get(node, "/v1/dead-letters");
    struct str delivery = answer_text(&list, "/data/0/id");
    struct str ntf = answer_text(&list, "/data/0/notification_id");
    struct {
        const char *method;
        struct str path;
    } rows[] = {
        {"GET", arena_printf(&node->arena, "/v1/notifications/%.*s", STR_ARG(ntf))},
        {"GET", arena_printf(&node->arena, "/v1/notifications/%.*s/deliveries", STR_ARG(ntf))},
        {"GET", arena_printf(&node->arena, "/v1/notifications/%.*s/events", STR_ARG(ntf))},
        {"POST", arena_printf(&node->arena, "/v1/notifications/%.*s/cancel", STR_ARG(ntf))},
        {"GET", arena_printf(&node->arena, "/v1/deliveries/%.*s", STR_ARG(delivery))},
        {"GET", arena_printf(&node->arena, "/v1/deliveries/%.*s/content", STR_ARG(delivery))},
        {"DELETE", arena_printf(&node->arena, "/v1/dead-letters/%.*s", STR_ARG(delivery))},
    };
    must(node_ask(node, "root", "POST", "/v1/apps", "{\"name\":\"bank\"}").status == 201);
    const char *bank = node_key(node, "bank", "{\"scopes\":[\"send\",\"manage\",\"read\"]}");
    struct answer none =
        node_ask_with(node, bank, "GET", "/v1/deliveries/dlv_x", NULL, "x-request-id", "same");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = node_ask_with(node, bank, rows[i].method, rows[i].path.at, NULL,
                                             "x-request-id", "same");
        assert_problem(&answer, 404, "not-found");
        assert_true(str_eq(answer.body, none.body));
    }
    struct str body = arena_printf(&node->arena, "{\"ids\":[\"%.*s\"]}", STR_ARG(delivery));
    struct answer redrive = node_ask(node, bank, "POST", "/v1/dead-letters/redrive", body.at);
    assert_text(&redrive, "/redriven", "0");
    assert_true(str_eq(answer_text(&redrive, "/skipped/0"), delivery));
    struct answer lists = node_ask(node, bank, "GET", "/v1/dead-letters", NULL);
    assert_text(&lists, "/data", "[]");
    lists = node_ask(node, bank, "GET", "/v1/notifications", NULL);
    assert_text(&lists, "/data", "[]");
    struct answer root =
        node_ask(node, "root", "GET", rows[0].path.at, NULL); /* the operator sees all */
    assert_status(&root, 200);
    root = node_ask(node, "root", "GET", "/v1/dead-letters", NULL);
    assert_int_equal(answer_at(&root, "/data")->count, 3);
    root = node_ask(node, "root", "GET", "/v1/dead-letters?app=bank", NULL);
    assert_int_equal(answer_at(&root, "/data")->count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_notification_tells_its_request_counts_and_deliveries),
        TEST(the_first_page_goes_on_at_the_list_of_deliveries),
        TEST(the_events_of_a_delivery_explain_it),
        TEST(a_suppressed_delivery_is_explained_by_its_acceptance),
        TEST(what_was_sent_can_be_read_again),
        TEST(lists_of_notifications_are_filtered),
        TEST(cancel_ends_what_waits_and_says_so_again),
        TEST(dead_letters_are_listed_by_channel_reason_and_time),
        TEST(redriven_letters_are_tried_again_and_others_skipped),
        TEST(a_redrive_says_which),
        TEST(dead_letters_are_deleted_one_by_one_or_by_filter),
        TEST(queues_count_what_waits_between_attempts),
        TEST(another_apps_sendings_are_nobodys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
