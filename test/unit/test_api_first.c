/* Strategy `first`, through a whole node: which channel is tried after which, and why. The sandbox
 * does what an address says: the token "ok" or "dead", a phone's last digit, an e-mail's name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api_assert.h"

enum { LONG_MS = 60000 }; /* longer than all retries take */

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

static void put(struct node *node, const char *path, const char *body)
{
    struct answer answer = node_ask(node, node->shop, "PUT", path, body);
    if (answer.status != 200 && answer.status != 201)
        fail_msg("%s: %.*s", path, STR_ARG(answer.body));
}

static const char *text(struct node *node, const char *format, ...) printf_like(2, 3);
static const char *text(struct node *node, const char *format, ...)
{
    char into[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(into, sizeof into, format, args);
    va_end(args);
    return arena_text(&node->arena, str_of(into));
}

/* A user by what the sandbox makes of the addresses: tokens with blanks between; NULL: none. */
static void make_user(struct node *node, const char *name, const char *tokens, const char *phone,
                      const char *email)
{
    struct str rest = str_of(tokens);
    const char *phone_text = phone ? text(node, "\"%s\"", phone) : "null";
    const char *email_text = email ? text(node, "\"%s@x.example\"", email) : "null";
    put(node, text(node, "/v1/users/%s", name),
        text(node, "{\"phone\":%s,\"email\":%s}", phone_text, email_text));
    for (int i = 0; rest.len; i++) {
        struct str token = str_cut(&rest, ' ');
        put(node, text(node, "/v1/users/%s/devices/d%d", name, i),
            text(node, "{\"platform\":\"ios\",\"bundle_id\":\"com.x\",\"token\":\"%s-%d-%.*s\"}",
                 name, i, STR_ARG(token)));
    }
}

static struct str post(struct node *node, const char *body)
{
    struct answer answer = node_ask(node, node->shop, "POST", "/v1/notifications", body);
    assert_status(&answer, 202);
    return answer_text(&answer, "/id");
}

static const char *const content =
    "\"content\":{\"push\":{\"body\":\"b\"},\"sms\":{\"text\":\"t\"},"
    "\"email\":{\"subject\":\"s\",\"text\":\"t\"}}";

static struct str post_first(struct node *node, const char *user)
{
    return post(node, text(node, "{\"to\":[{\"user_id\":\"%s\"}],\"strategy\":\"first\",%s}", user,
                           content));
}

static struct answer get(struct node *node, struct str id, const char *rest)
{
    return node_ask(node, node->shop, "GET",
                    text(node, "/v1/notifications/%.*s%s", STR_ARG(id), rest), NULL);
}

/* Its deliveries: "push:failed sms:sent". */
static const char *rows(struct node *node, struct str id)
{
    struct answer answer = get(node, id, "/deliveries");
    const struct json *data = answer_at(&answer, "/data");
    struct buf out;
    buf_init(&out, 4096);
    for (uint32_t i = 0; i < data->count; i++)
        buf_printf(&out, "%s%.*s:%.*s", i ? " " : "",
                   STR_ARG(json_get(&data->items[i], STR("channel"))->text),
                   STR_ARG(json_get(&data->items[i], STR("state"))->text));
    const char *ret = arena_text(&node->arena, buf_str(&out));
    buf_done(&out);
    return ret;
}

static void settle_all(struct node *node)
{
    node_settle(node);
    for (int i = 0; i < 4; i++)
        node_advance(node, LONG_MS / 4);
}

/* -- which channel after which ---------------------------------------------------------------- */

static void the_next_channel_is_tried_where_one_reaches_nobody(void **state)
{
    static const struct {
        const char *what, *tokens, *phone, *email, *rows;
    } table[] = {
        {"reached", "ok", "+14155550100", "a-ok", "push:sent"},
        {"one of two devices", "dead ok", "+14155550100", "a-ok", "push:failed push:sent"},
        {"no device", "", "+14155550100", "a-ok", "push:suppressed sms:sent"},
        {"a dead token", "dead", "+14155550100", "a-ok", "push:failed sms:sent"},
        {"two dead tokens", "dead dead", "+14155550100", "a-ok",
         "push:failed push:failed sms:sent"},
        {"refused for good", "refused", "+14155550100", "a-ok", "push:failed sms:sent"},
        {"a dead letter", "transient", "+14155550100", "a-ok", "push:dead sms:sent"},
        {"a dead token and a dead letter", "transient dead", "+14155550100", "a-ok",
         "push:dead push:failed sms:sent"},
        {"no device, no phone", "", NULL, "a-ok", "push:suppressed sms:suppressed email:sent"},
        {"a dead token, no phone", "dead", NULL, "a-ok", "push:failed sms:suppressed email:sent"},
        {"down to e-mail", "dead", "+14155550104", "a-ok", "push:failed sms:failed email:sent"},
        {"nobody", "transient", "+14155550101", "a-refused", "push:dead sms:dead email:failed"},
        {"no address at all", "", NULL, NULL, "push:suppressed sms:suppressed email:suppressed"},
    };
    struct node *node = *state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *user = text(node, "u%zu", i);
        make_user(node, user, table[i].tokens, table[i].phone, table[i].email);
        struct str id = post_first(node, user);
        settle_all(node);
        const char *got = rows(node, id);
        if (strcmp(got, table[i].rows) != 0)
            fail_msg("%s: %s", table[i].what, got);
        struct answer answer = get(node, id, "");
        assert_text(&answer, "/status", "done");
        assert_text(&answer, "/strategy", "first");
    }
}

static void an_opt_out_goes_on_at_acceptance_and_at_the_claim(void **state)
{
    struct node *node = *state;
    make_user(node, "u", "ok", "+14155550100", "a-ok");
    put(node, "/v1/users/u/preferences", "{\"channels\":{\"push\":false}}");
    struct str id = post_first(node, "u");
    settle_all(node);
    assert_string_equal(rows(node, id), "push:suppressed sms:sent");
    /* Between attempts: the retry is suppressed, and the next channel tried. */
    make_user(node, "v", "transient", "+14155550100", "a-ok");
    id = post_first(node, "v");
    node_settle(node);
    assert_string_equal(rows(node, id), "push:queued");
    put(node, "/v1/users/v/preferences", "{\"channels\":{\"push\":false,\"sms\":false}}");
    settle_all(node);
    assert_string_equal(rows(node, id), "push:suppressed sms:suppressed email:sent");
}

static void the_notification_wins_over_its_category(void **state)
{
    struct node *node = *state;
    make_user(node, "u", "dead", "+14155550100", "a-ok");
    put(node, "/v1/categories/c",
        "{\"strategy\":\"first\",\"channels\":[\"email\",\"sms\",\"push\"]}");
    struct str id =
        post(node, text(node, "{\"to\":[{\"user_id\":\"u\"}],\"category\":\"c\",%s}", content));
    settle_all(node);
    assert_string_equal(rows(node, id), "email:sent");
    id = post(node, text(node,
                         "{\"to\":[{\"user_id\":\"u\"}],\"category\":\"c\",\"strategy\":\"all\","
                         "\"channels\":[\"push\",\"sms\"],%s}",
                         content));
    settle_all(node);
    assert_string_equal(rows(node, id), "push:failed sms:sent");
    struct answer answer = get(node, id, "");
    assert_text(&answer, "/strategy", "all");
}

static void a_channel_without_content_is_passed_over(void **state)
{
    struct node *node = *state;
    make_user(node, "u", "dead", "+14155550100", "a-ok");
    struct str id = post(node, "{\"to\":[{\"user_id\":\"u\"}],\"strategy\":\"first\",\"content\":{"
                               "\"push\":{\"body\":\"b\"},\"email\":{\"subject\":\"s\",\"text\":"
                               "\"t\"}}}");
    settle_all(node);
    assert_string_equal(rows(node, id), "push:failed email:sent");
}

static void each_entry_goes_its_own_way_and_a_direct_address_none(void **state)
{
    struct node *node = *state;
    make_user(node, "u", "dead", "+14155550100", "a-ok");
    make_user(node, "v", "ok", "+14155550100", "a-ok");
    struct str id = post(
        node, text(node,
                   "{\"to\":[{\"email\":\"x-refused@x.example\"},{\"user_id\":\"u\"},{\"user_id\":"
                   "\"v\"},{\"user_id\":\"nobody\"}],\"strategy\":\"first\",%s}",
                   content));
    settle_all(node);
    assert_string_equal(rows(node, id),
                        "email:failed push:failed push:sent push:suppressed sms:sent");
}

static void entries_keep_their_own_data(void **state)
{
    struct node *node = *state;
    make_user(node, "u", "dead", "+14155550100", NULL);
    make_user(node, "v", "dead", "+14155550100", NULL);
    struct str id = post(node, "{\"to\":[{\"user_id\":\"u\",\"data\":{\"n\":\"one\"}},"
                               "{\"user_id\":\"v\",\"data\":{\"n\":\"two\"}}],"
                               "\"strategy\":\"first\",\"content\":{\"push\":{\"body\":\"{{n}}\"},"
                               "\"sms\":{\"text\":\"for {{n}} {{user.id}}\"}}}");
    settle_all(node);
    assert_string_equal(rows(node, id), "push:failed push:failed sms:sent sms:sent");
    struct answer list = get(node, id, "/deliveries");
    for (int i = 2; i < 4; i++) {
        struct str delivery = answer_text(&list, text(node, "/data/%d/id", i));
        struct answer got =
            node_ask(node, node->shop, "GET",
                     text(node, "/v1/deliveries/%.*s/content", STR_ARG(delivery)), NULL);
        struct str user = answer_text(&list, text(node, "/data/%d/user_id", i));
        assert_text(&got, "/sms/text",
                    text(node, "for %s %.*s", user.at[0] == 'u' ? "one" : "two", STR_ARG(user)));
    }
}

/* -- what is told ----------------------------------------------------------------------------- */

static void what_follows_says_what_it_follows(void **state)
{
    struct node *node = *state;
    make_user(node, "u", "transient", NULL, "a-ok");
    struct str id = post_first(node, "u");
    struct answer answer = get(node, id, "");
    assert_text(&answer, "/counts/sending", "1");
    assert_text(&answer, "/status", "accepted");
    settle_all(node);
    assert_string_equal(rows(node, id), "push:dead sms:suppressed email:sent");
    answer = get(node, id, "/deliveries");
    struct str sms = answer_text(&answer, "/data/1/id"), email = answer_text(&answer, "/data/2/id");
    struct answer got =
        node_ask(node, node->shop, "GET", text(node, "/v1/deliveries/%.*s", STR_ARG(sms)), NULL);
    assert_text(&got, "/reason", "no_address");
    assert_text(&got, "/events/0/detail", "push: dead transient");
    assert_null(answer_at(&got, "/events/1"));
    got =
        node_ask(node, node->shop, "GET", text(node, "/v1/deliveries/%.*s", STR_ARG(email)), NULL);
    assert_text(&got, "/events/0/type", "queued");
    assert_text(&got, "/events/0/reason", "push: dead transient");
    assert_text(&got, "/events/1/type", "sent");
    assert_true(str_eq(answer_text(&got, "/events/0/at"), answer_text(&got, "/created_at")));
    assert_false(
        str_eq(answer_text(&answer, "/data/0/created_at"), answer_text(&got, "/created_at")));
    got = get(node, id, "/events");
    static const char *const types[] = {"queued",     "attempted", "dead",
                                        "suppressed", "queued",    "sent"};
    for (int i = 0; i < 6; i++)
        assert_text(&got, text(node, "/data/%d/type", i), types[i]);
    assert_null(answer_at(&got, "/data/6"));
}

static void a_replay_tells_the_first_count(void **state)
{
    struct node *node = *state;
    make_user(node, "u", "dead", "+14155550100", NULL);
    const char *body =
        text(node, "{\"event_id\":\"e\",\"to\":[{\"user_id\":\"u\"}],\"strategy\":\"first\",%s}",
             content);
    struct str id = post(node, body);
    settle_all(node);
    assert_string_equal(rows(node, id), "push:failed sms:sent");
    struct answer again = node_ask(node, node->shop, "POST", "/v1/notifications", body);
    assert_status(&again, 200);
    assert_text(&again, "/deliveries", "1");
}

/* -- where it ends ---------------------------------------------------------------------------- */

static void what_was_cancelled_or_is_too_late_goes_no_further(void **state)
{
    struct node *node = *state;
    make_user(node, "u", "transient", "+14155550100", "a-ok");
    struct str id = post_first(node, "u");
    node_settle(node);
    struct answer answer = node_ask(node, node->shop, "POST",
                                    text(node, "/v1/notifications/%.*s/cancel", STR_ARG(id)), "{}");
    assert_text(&answer, "/status", "cancelled");
    settle_all(node);
    assert_string_equal(rows(node, id), "push:cancelled");
    id = post(node,
              text(node, "{\"to\":[{\"user_id\":\"u\"}],\"strategy\":\"first\",\"ttl\":\"1s\",%s}",
                   content));
    settle_all(node);
    assert_true(strstr(rows(node, id), "sms") == NULL);
}

static void a_redriven_dead_letter_is_not_followed_twice(void **state)
{
    struct node *node = *state;
    make_user(node, "u", "transient", "+14155550100", "a-ok");
    struct str id = post_first(node, "u");
    settle_all(node);
    assert_string_equal(rows(node, id), "push:dead sms:sent");
    struct answer answer =
        node_ask(node, node->shop, "POST", "/v1/dead-letters/redrive", "{\"filter\":{}}");
    assert_status(&answer, 200);
    settle_all(node);
    assert_string_equal(rows(node, id), "push:dead sms:sent");
}

/* While the store refuses, nothing is lost and nothing doubled. */
static void a_refusing_store_delays_it(void **state)
{
    struct node *node = *state;
    make_user(node, "u", "transient", "+14155550100", "a-ok");
    struct str id = post_first(node, "u");
    node_settle(node);
    node->refuse_store = true;
    node_advance(node, 5000);
    node->refuse_store = false;
    settle_all(node);
    assert_string_equal(rows(node, id), "push:dead sms:sent");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_next_channel_is_tried_where_one_reaches_nobody, start,
                                        stop),
        cmocka_unit_test_setup_teardown(an_opt_out_goes_on_at_acceptance_and_at_the_claim, start,
                                        stop),
        cmocka_unit_test_setup_teardown(the_notification_wins_over_its_category, start, stop),
        cmocka_unit_test_setup_teardown(a_channel_without_content_is_passed_over, start, stop),
        cmocka_unit_test_setup_teardown(each_entry_goes_its_own_way_and_a_direct_address_none,
                                        start, stop),
        cmocka_unit_test_setup_teardown(entries_keep_their_own_data, start, stop),
        cmocka_unit_test_setup_teardown(what_follows_says_what_it_follows, start, stop),
        cmocka_unit_test_setup_teardown(a_replay_tells_the_first_count, start, stop),
        cmocka_unit_test_setup_teardown(what_was_cancelled_or_is_too_late_goes_no_further, start,
                                        stop),
        cmocka_unit_test_setup_teardown(a_redriven_dead_letter_is_not_followed_twice, start, stop),
        cmocka_unit_test_setup_teardown(a_refusing_store_delays_it, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
