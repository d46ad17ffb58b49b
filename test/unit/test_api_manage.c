/* What a service manages: apps, keys, users, devices, preferences, categories, templates,
 * suppressions; and lists, page by page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api_assert.h"
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

static struct answer ask(struct node *node, const char *method, const char *path, const char *body)
{
    return node_ask(node, node->shop, method, path, body);
}

static void expect(struct node *node, const char *method, const char *path, const char *body,
                   int status)
{
    struct answer answer = ask(node, method, path, body);
    if (answer.status != status)
        fail_msg("%s %s: %d instead of %d: %.*s", method, path, answer.status, status,
                 STR_ARG(answer.body));
}

/* ----------------------------------------------------------------------------- apps and keys ----
 */

static void apps_are_made_listed_and_deleted_with_their_keys(void **state)
{
    struct node *node = *state;
    node_advance(node, 5);
    struct answer made = node_ask(node, "root", "POST", "/v1/apps", "{\"name\":\"bank\"}");
    assert_status(&made, 201);
    assert_text(&made, "/id", "bank");
    assert_text(&made, "/created_at", "2026-12-01T09:00:00.005Z");
    struct answer again = node_ask(node, "root", "POST", "/v1/apps", "{\"name\":\"bank\"}");
    assert_problem(&again, 409, "conflict");
    struct answer wrong = node_ask(node, "root", "POST", "/v1/apps", "{\"name\":\"a b\"}");
    assert_fault(&wrong, "/name", NULL);
    struct answer none = node_ask(node, "root", "POST", "/v1/apps", "{}");
    assert_fault(&none, "/name", "is needed");
    struct answer list = node_ask(node, "root", "GET", "/v1/apps", NULL);
    assert_text(&list, "/data/0/id", "bank");
    assert_text(&list, "/data/1/id", "shop");
    assert_text(&list, "/next_cursor", "null");

    const char *key = node_key(node, "bank", "{\"scopes\":[\"manage\"]}");
    struct answer put = node_ask(node, key, "PUT", "/v1/users/u1", "{}");
    assert_status(&put, 201);
    struct answer deleted = node_ask(node, "root", "DELETE", "/v1/apps/bank", NULL);
    assert_status(&deleted, 202);
    struct answer refused = node_ask(node, key, "PUT", "/v1/users/u1", "{}");
    assert_problem(&refused, 401, "unauthenticated");
    struct answer gone = node_ask(node, "root", "DELETE", "/v1/apps/bank", NULL);
    assert_problem(&gone, 404, "not-found");
    gone = node_ask(node, "root", "GET", "/v1/users/u1?app=bank", NULL);
    assert_problem(&gone, 404, "not-found");
}

static void a_secret_is_shown_once(void **state)
{
    struct node *node = *state;
    struct answer made = node_ask(node, "root", "POST", "/v1/apps/shop/keys",
                                  "{\"scopes\":[\"read\",\"send\"],\"mode\":\"test\","
                                  "\"expires_at\":\"2027-01-01T00:00:00Z\"}");
    assert_status(&made, 201);
    assert_true(str_starts(answer_text(&made, "/app_key"), STR("key_")));
    assert_int_equal(answer_text(&made, "/app_secret").len, 43);
    assert_text(&made, "/scopes", "[\"send\",\"read\"]");
    assert_text(&made, "/mode", "test");
    assert_text(&made, "/expires_at", "2027-01-01T00:00:00.000Z");
    struct answer list = node_ask(node, "root", "GET", "/v1/apps/shop/keys", NULL);
    assert_status(&list, 200);
    assert_int_equal(answer_at(&list, "/data")->count, 2);
    assert_null(answer_at(&list, "/data/0/app_secret"));
    struct answer unknown = node_ask(node, "root", "GET", "/v1/apps/nobody/keys", NULL);
    assert_problem(&unknown, 404, "not-found");
}

static void a_key_needs_scopes_and_a_future(void **state)
{
    static const struct {
        const char *body, *pointer;
    } rows[] = {
        {"{}", "/scopes"},
        {"{\"scopes\":[]}", "/scopes"},
        {"{\"scopes\":\"send\"}", "/scopes"},
        {"{\"scopes\":[\"send\",\"root\"]}", "/scopes/1"},
        {"{\"scopes\":[\"send\",\"send\"]}", "/scopes/1"},
        {"{\"scopes\":[1]}", "/scopes/0"},
        {"{\"scopes\":[\"send\"],\"mode\":\"prod\"}", "/mode"},
        {"{\"scopes\":[\"send\"],\"expires_at\":\"2026-12-01T09:00:00Z\"}", "/expires_at"},
        {"{\"scopes\":[\"send\"],\"expires_at\":\"soon\"}", "/expires_at"},
        {"{\"scopes\":[\"send\"],\"rate\":1}", "/rate"},
    };
    struct node *node = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = node_ask(node, "root", "POST", "/v1/apps/shop/keys", rows[i].body);
        assert_fault(&answer, rows[i].pointer, NULL);
    }
}

/* ------------------------------------------------------------------------------------- users ----
 */

static void a_user_is_replaced_whole(void **state)
{
    struct node *node = *state;
    struct answer made = ask(node, "PUT", "/v1/users/u1",
                             "{\"email\":\"Anna@Shop.EXAMPLE\",\"phone\":\"+821012345678\","
                             "\"locale\":\"ko-KR\",\"timezone\":\"Asia/Seoul\","
                             "\"attributes\":{\"tier\":\"gold\",\"n\":1.50}}");
    assert_status(&made, 201);
    assert_text(&made, "/email", "Anna@shop.example");
    assert_text(&made, "/attributes/n", "1.50");
    node_advance(node, 5000);
    struct answer again = ask(node, "PUT", "/v1/users/u1", "{\"locale\":\"en\",\"email\":null}");
    assert_status(&again, 200);
    struct answer got = ask(node, "GET", "/v1/users/u1", NULL);
    assert_status(&got, 200);
    assert_text(&got, "/user_id", "u1");
    assert_text(&got, "/email", "null");
    assert_text(&got, "/phone", "null");
    assert_text(&got, "/locale", "en");
    assert_text(&got, "/attributes", "{}");
    assert_text(&got, "/created_at", "2026-12-01T09:00:00.000Z");
    assert_text(&got, "/updated_at", "2026-12-01T09:00:05.000Z");
}

static void a_deleted_user_is_gone_and_may_be_made_anew(void **state)
{
    struct node *node = *state;
    expect(node, "PUT", "/v1/users/u1", "{\"email\":\"a@b.example\"}", 201);
    expect(node, "PUT", "/v1/users/u1/devices/d1", "{\"platform\":\"android\",\"token\":\"abc\"}",
           201);
    expect(node, "PUT", "/v1/users/u1/preferences", "{\"channels\":{\"sms\":false}}", 200);
    expect(node, "DELETE", "/v1/users/u1", NULL, 204);
    expect(node, "DELETE", "/v1/users/u1", NULL, 404);
    expect(node, "GET", "/v1/users/u1", NULL, 404);
    expect(node, "GET", "/v1/users/u1/devices", NULL, 404);
    expect(node, "GET", "/v1/users/u1/preferences", NULL, 404);
    expect(node, "PUT", "/v1/users/u1/preferences", "{}", 404);
    expect(node, "PUT", "/v1/users/u1", "{}", 201);
    struct answer devices = ask(node, "GET", "/v1/users/u1/devices", NULL);
    assert_text(&devices, "/data", "[]");
    struct answer choices = ask(node, "GET", "/v1/users/u1/preferences", NULL);
    assert_text(&choices, "/channels", "{}");
}

static void preferences_come_back_as_they_were_put(void **state)
{
    struct node *node = *state;
    expect(node, "PUT", "/v1/users/u1", "{}", 201);
    struct answer put = ask(node, "PUT", "/v1/users/u1/preferences",
                            "{\"channels\":{\"push\":true,\"sms\":false},"
                            "\"categories\":{\"marketing\":{\"email\":false}},"
                            "\"quiet_hours\":null}");
    assert_status(&put, 200);
    struct answer got = ask(node, "GET", "/v1/users/u1/preferences", NULL);
    assert_text(&got, "/channels", "{\"push\":true,\"sms\":false}");
    assert_text(&got, "/categories", "{\"marketing\":{\"email\":false}}");
    struct answer wrong = ask(node, "PUT", "/v1/users/u1/preferences",
                              "{\"channels\":{\"fax\":true,\"sms\":1},"
                              "\"categories\":{\"a b\":{\"push\":null,\"x\":0},\"c\":[]},"
                              "\"quiet_hours\":{\"start\":\"22:00\",\"end\":\"08:00\"}}");
    assert_fault(&wrong, "/channels/fax", "unknown member");
    assert_fault(&wrong, "/channels/sms", "must be true or false");
    assert_fault(&wrong, "/categories/a b", NULL);
    assert_fault(&wrong, "/categories/a b/x", "unknown member");
    assert_fault(&wrong, "/categories/c", "must be an object");
    assert_fault(&wrong, "/quiet_hours", "not supported yet");
}

/* ----------------------------------------------------------------------------------- devices ----
 */

#define KEYS                                                                                        \
    "\"keys\":{\"p256dh\":\"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8" \
    "pZGH6SRpkNtoIAiw4\",\"auth\":\"BTBZMqHH6r4Tts7J_aSIgg\"}"

static void devices_are_listed_newest_first_and_masked(void **state)
{
    struct node *node = *state;
    expect(node, "PUT", "/v1/users/u1", "{}", 201);
    struct answer ios = ask(node, "PUT", "/v1/users/u1/devices/phone",
                            "{\"platform\":\"ios\",\"token\":\"0123456789abcdef0123456789abcdef\","
                            "\"bundle_id\":\"com.example.shop\",\"environment\":\"sandbox\"}");
    assert_status(&ios, 201);
    assert_text(&ios, "/token", "0123***cdef");
    assert_text(&ios, "/environment", "sandbox");
    node_advance(node, 1000);
    expect(node, "PUT", "/v1/users/u1/devices/browser",
           "{\"platform\":\"web\",\"subscription\":{\"endpoint\":"
           "\"https://push.example/send/abcdefghijklmnop\",\"expirationTime\":null," KEYS "}}",
           201);
    node_advance(node, 1000);
    expect(node, "PUT", "/v1/users/u1/devices/tablet",
           "{\"platform\":\"android\",\"token\":\"tok:en-1\"}", 201);
    struct answer list = ask(node, "GET", "/v1/users/u1/devices", NULL);
    assert_status(&list, 200);
    assert_text(&list, "/data/0/device_id", "tablet");
    assert_text(&list, "/data/1/device_id", "browser");
    assert_text(&list, "/data/1/subscription/endpoint", "https://push.example/***mnop");
    assert_text(&list, "/data/2/device_id", "phone");
    assert_text(&list, "/data/2/last_seen_at", "2026-12-01T09:00:00.000Z");
    assert_text(&list, "/data/2/invalid_at", "null");
    assert_null(strstr(arena_text(&node->arena, list.body), "abcdefghijkl"));
    expect(node, "DELETE", "/v1/users/u1/devices/browser", NULL, 204);
    expect(node, "DELETE", "/v1/users/u1/devices/browser", NULL, 404);
}

static void a_token_moves_to_whoever_registers_it_last(void **state)
{
    static const char *const body = "{\"platform\":\"android\",\"token\":\"shared\"}";
    struct node *node = *state;
    expect(node, "PUT", "/v1/users/u1", "{}", 201);
    expect(node, "PUT", "/v1/users/u2", "{}", 201);
    expect(node, "PUT", "/v1/users/u1/devices/d", body, 201);
    expect(node, "PUT", "/v1/users/u2/devices/d", body, 201);
    struct answer first = ask(node, "GET", "/v1/users/u1/devices", NULL);
    assert_text(&first, "/data", "[]");
    struct answer second = ask(node, "GET", "/v1/users/u2/devices", NULL);
    assert_text(&second, "/data/0/device_id", "d");
    expect(node, "PUT", "/v1/users/nobody/devices/d", body, 404);
}

static void a_device_must_fit_its_platform(void **state)
{
    static const struct {
        const char *body, *pointer;
    } rows[] = {
        {"{}", "/platform"},
        {"{\"platform\":\"symbian\",\"token\":\"x\"}", "/platform"},
        {"{\"platform\":\"sms\",\"token\":\"x\"}", "/platform"},
        {"{\"platform\":\"ios\",\"token\":\"x\"}", "/bundle_id"},
        {"{\"platform\":\"ios\",\"bundle_id\":\"a\"}", "/token"},
        {"{\"platform\":\"android\",\"token\":\"\"}", "/token"},
        {"{\"platform\":\"android\",\"token\":\"../x\"}", "/token"},
        {"{\"platform\":\"android\",\"token\":\"x\",\"environment\":\"sandbox\"}", "/environment"},
        {"{\"platform\":\"ios\",\"token\":\"x\",\"bundle_id\":\"a\",\"environment\":\"dev\"}",
         "/environment"},
        {"{\"platform\":\"android\",\"token\":\"x\",\"subscription\":{}}", "/subscription"},
        {"{\"platform\":\"web\"}", "/subscription"},
        {"{\"platform\":\"web\",\"token\":\"x\",\"subscription\":{\"endpoint\":\"https://a.b/c\"," KEYS
         "}}",
         "/token"},
        {"{\"platform\":\"web\",\"subscription\":{\"endpoint\":\"http://push.example/c\"," KEYS
         "}}",
         "/subscription/endpoint"},
        {"{\"platform\":\"web\",\"subscription\":{\"endpoint\":\"https://a.b/c\"}}",
         "/subscription/keys"},
        {"{\"platform\":\"web\",\"subscription\":{\"endpoint\":\"https://a.b/c\",\"keys\":"
         "{\"p256dh\":\"AAAA\",\"auth\":\"AAAA\",\"x\":1}}}",
         "/subscription/keys/p256dh"},
        {"{\"platform\":\"web\",\"subscription\":{\"endpoint\":\"https://a.b/c\",\"keys\":"
         "{\"p256dh\":\"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRp"
         "kNtoIAiw8\",\"auth\":\"BTBZMqHH6r4Tts7J_aSIgg\"}}}",
         "/subscription/keys/p256dh"},
        {"{\"token\":\"x\"}", "/token"},
    };
    struct node *node = *state;
    expect(node, "PUT", "/v1/users/u1", "{}", 201);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = ask(node, "PUT", "/v1/users/u1/devices/d", rows[i].body);
        assert_fault(&answer, rows[i].pointer, NULL);
    }
    expect(node, "PUT", "/v1/users/u1/devices/d",
           "{\"platform\":\"web\",\"subscription\":{\"endpoint\":\"http://127.0.0.1:9/c\"," KEYS
           "}}",
           201);
}

static void devices_page_without_gaps_while_others_come(void **state)
{
    struct node *node = *state;
    char path[128], body[128], seen[16][32];
    int count = 0;
    expect(node, "PUT", "/v1/users/u1", "{}", 201);
    for (int i = 0; i < 7; i++) {
        (void)snprintf(path, sizeof path, "/v1/users/u1/devices/d%d", i);
        (void)snprintf(body, sizeof body, "{\"platform\":\"android\",\"token\":\"t%d\"}", i);
        expect(node, "PUT", path, body, 201);
        if (i % 2)
            node_advance(node, 1000);
    }
    struct answer page = ask(node, "GET", "/v1/users/u1/devices?limit=3", NULL);
    for (;;) {
        assert_status(&page, 200);
        const struct json *data = answer_at(&page, "/data");
        for (uint32_t i = 0; i < data->count; i++)
            (void)snprintf(seen[count++], sizeof seen[0], "%.*s",
                           STR_ARG(json_get(&data->items[i], STR("device_id"))->text));
        struct str cursor = answer_text(&page, "/next_cursor");
        if (str_eq(cursor, STR("null")))
            break;
        node_advance(node, 1000);
        (void)snprintf(body, sizeof body, "{\"platform\":\"android\",\"token\":\"n%d\"}", count);
        (void)snprintf(path, sizeof path, "/v1/users/u1/devices/new%d", count);
        expect(node, "PUT", path, body, 201);
        page = ask(
            node, "GET",
            arena_printf(&node->arena, "/v1/users/u1/devices?limit=3&cursor=%.*s", STR_ARG(cursor))
                .at,
            NULL);
    }
    assert_int_equal(count, 7);
    for (int i = 0; i < 7; i++)
        for (int k = i + 1; k < 7; k++)
            assert_string_not_equal(seen[i], seen[k]);
}

/* -------------------------------------------------------------------------------- categories ----
 */

static void default_is_there_until_it_is_changed_and_after(void **state)
{
    struct node *node = *state;
    struct answer got = ask(node, "GET", "/v1/categories/default", NULL);
    assert_status(&got, 200);
    assert_text(&got, "/channels", "[\"push\",\"sms\",\"email\"]");
    assert_text(&got, "/ttl", "24h");
    assert_text(&got, "/mandatory", "false");
    expect(node, "DELETE", "/v1/categories/default", NULL, 404);
    struct answer put = ask(node, "PUT", "/v1/categories/default",
                            "{\"channels\":[\"email\",\"push\"],\"ttl\":\"90m\",\"priority\":"
                            "\"high\",\"mandatory\":true,\"strategy\":\"first\","
                            "\"guarantee\":\"at_least_once\"}");
    assert_status(&put, 200); /* it was there */
    got = ask(node, "GET", "/v1/categories/default", NULL);
    assert_text(&got, "/channels", "[\"email\",\"push\"]");
    assert_text(&got, "/ttl", "90m");
    assert_text(&got, "/priority", "high");
    assert_text(&got, "/mandatory", "true");
    assert_text(&got, "/strategy", "first");
    expect(node, "PUT", "/v1/categories/default", "{}", 200);
    expect(node, "DELETE", "/v1/categories/default", NULL, 204);
    expect(node, "GET", "/v1/categories/default", NULL, 200);
    expect(node, "GET", "/v1/categories/orders", NULL, 404);
}

static void a_category_lists_its_faults(void **state)
{
    struct node *node = *state;
    struct answer wrong = ask(node, "PUT", "/v1/categories/c",
                              "{\"channels\":[\"push\",\"fax\",\"push\"],\"strategy\":\"best\","
                              "\"priority\":\"urgent\",\"ttl\":\"0s\",\"guarantee\":"
                              "\"twice\",\"rate_limit\":{\"limit\":5,\"period\":\"1h\"},"
                              "\"mandatory\":\"yes\"}");
    assert_fault(&wrong, "/channels/1", "must be one of push, sms, email");
    assert_fault(&wrong, "/channels/2", "is listed twice");
    assert_fault(&wrong, "/strategy", "must be one of all, first");
    assert_fault(&wrong, "/priority", "must be one of critical, high, normal, low");
    assert_fault(&wrong, "/ttl", NULL);
    assert_fault(&wrong, "/guarantee", "must be one of at_least_once, at_most_once");
    assert_fault(&wrong, "/rate_limit", "not supported yet");
    assert_fault(&wrong, "/mandatory", "must be true or false");
    struct answer none = ask(node, "PUT", "/v1/categories/c", "{\"channels\":[]}");
    assert_fault(&none, "/channels", NULL);
    struct answer name = ask(node, "PUT", "/v1/categories/-c", "{}");
    assert_problem(&name, 400, "invalid-request");
}

static void cursors_belong_to_their_query(void **state)
{
    struct node *node = *state;
    char path[128];
    for (int i = 0; i < 5; i++) {
        (void)snprintf(path, sizeof path, "/v1/categories/c%d", i);
        expect(node, "PUT", path, "{}", 201);
        node_advance(node, 5);
    }
    struct answer first = ask(node, "GET", "/v1/categories?limit=2", NULL);
    assert_text(&first, "/data/0/name", "c4");
    assert_text(&first, "/data/1/name", "c3");
    struct str cursor = answer_text(&first, "/next_cursor");
    assert_true(cursor.len > 8);
    expect(node, "DELETE", "/v1/categories/c3", NULL, 204); /* where the cursor stands */
    expect(node, "PUT", "/v1/categories/a", "{}", 201);     /* before it: it is newer */
    struct arena *arena = &node->arena;
    struct answer next =
        ask(node, "GET",
            arena_printf(arena, "/v1/categories?cursor=%.*s&limit=50", STR_ARG(cursor)).at, NULL);
    assert_status(&next, 200);
    assert_text(&next, "/data/0/name", "c2");
    assert_text(&next, "/next_cursor", "null");
    struct answer other = ask(
        node, "GET", arena_printf(arena, "/v1/templates?cursor=%.*s", STR_ARG(cursor)).at, NULL);
    assert_problem(&other, 400, "invalid-request");
    char *bent = arena_text(arena, cursor);
    bent[cursor.len - 2] = bent[cursor.len - 2] == 'A' ? 'B' : 'A';
    other = ask(node, "GET", arena_printf(arena, "/v1/categories?cursor=%s", bent).at, NULL);
    assert_problem(&other, 400, "invalid-request");
    must(node_ask(node, "root", "POST", "/v1/apps", "{\"name\":\"bank\"}").status == 201);
    const char *bank = node_key(node, "bank", "{\"scopes\":[\"read\"]}");
    other = node_ask(node, bank, "GET",
                     arena_printf(arena, "/v1/categories?cursor=%.*s", STR_ARG(cursor)).at, NULL);
    assert_problem(&other, 400, "invalid-request");
}

/* --------------------------------------------------------------------------------- templates ----
 */

static void each_put_of_a_template_makes_a_version(void **state)
{
    struct node *node = *state;
    struct answer first = ask(node, "PUT", "/v1/templates/t",
                              "{\"sms\":{\"text\":\"one {{x}}\"},\n \"strict\":true}\n");
    assert_status(&first, 201);
    assert_text(&first, "/version", "1");
    struct answer second = ask(node, "PUT", "/v1/templates/t", "{\"sms\":{\"text\":\"two\"}}");
    assert_status(&second, 200);
    assert_text(&second, "/version", "2");
    struct answer latest = ask(node, "GET", "/v1/templates/t", NULL);
    assert_text(&latest, "/version", "2");
    assert_text(&latest, "/sms/text", "two");
    struct answer old = ask(node, "GET", "/v1/templates/t?version=1", NULL);
    assert_text(&old, "/name", "t");
    assert_text(&old, "/version", "1");
    assert_text(&old, "/sms/text", "one {{x}}");
    assert_text(&old, "/strict", "true");
    expect(node, "GET", "/v1/templates/t?version=3", NULL, 404);
    expect(node, "GET", "/v1/templates/t?version=0", NULL, 400);
    expect(node, "GET", "/v1/templates/u", NULL, 404);
    struct answer list = ask(node, "GET", "/v1/templates", NULL);
    assert_text(&list, "/data/0/name", "t");
    assert_text(&list, "/data/0/version", "2");
    assert_int_equal(answer_at(&list, "/data")->count, 1);
}

static void a_template_is_refused_with_every_fault(void **state)
{
    struct node *node = *state;
    struct answer wrong = ask(node, "PUT", "/v1/templates/t",
                              "{\"sms\":{\"text\":\"one\\n {{#x}}\"},\"push\":{\"titel\":\"x\"},"
                              "\"email\":{\"html\":\"{{\"}}");
    assert_fault(&wrong, "/sms/text", NULL);
    assert_fault(&wrong, "/push/titel", NULL);
    assert_fault(&wrong, "/email/html", NULL);
    struct answer none = ask(node, "PUT", "/v1/templates/t", "{}");
    assert_problem(&none, 400, "invalid-request");
    expect(node, "GET", "/v1/templates/t", NULL, 404);
}

static void what_a_template_includes_is_pinned(void **state)
{
    struct node *node = *state;
    struct answer missing =
        ask(node, "PUT", "/v1/templates/t", "{\"sms\":{\"text\":\"{{>head}} body {{>t}}\"}}");
    assert_problem(&missing, 422, "unprocessable-reference");
    expect(node, "PUT", "/v1/templates/head", "{\"sms\":{\"text\":\"old\"}}", 201);
    expect(node, "PUT", "/v1/templates/t", "{\"sms\":{\"text\":\"{{>head}} body\"}}", 201);
    expect(node, "PUT", "/v1/templates/head", "{\"sms\":{\"text\":\"new\"}}", 200);
    struct answer shown = ask(node, "POST", "/v1/templates/t/preview", "{}");
    assert_status(&shown, 200);
    assert_text(&shown, "/sms/text", "old body");
    expect(node, "PUT", "/v1/templates/t", "{\"sms\":{\"text\":\"{{>head}} body\"}}", 200);
    shown = ask(node, "POST", "/v1/templates/t/preview", "{}");
    assert_text(&shown, "/sms/text", "new body");
}

static void a_preview_shows_each_channel_and_the_segments(void **state)
{
    struct node *node = *state;
    expect(node, "PUT", "/v1/templates/t",
           "{\"push\":{\"title\":\"Order {{order.id}}\",\"data\":{\"k\":\"v{{n}}\"}},"
           "\"sms\":{\"text\":\"Order {{order.id}}\"},"
           "\"email\":{\"subject\":\"S\",\"html\":\"<p>{{n}}</p>\"},"
           "\"locales\":{\"ko\":{\"sms\":{\"text\":\"\xec\xa3\xbc\xeb\xac\xb8 {{order.id}}\"}}}}",
           201);
    struct answer shown = ask(node, "POST", "/v1/templates/t/preview",
                              "{\"data\":{\"order\":{\"id\":42},\"n\":\"<\"},"
                              "\"locale\":\"ko-KR\",\"version\":1}");
    assert_status(&shown, 200);
    assert_text(&shown, "/version", "1");
    assert_text(&shown, "/push/title", "Order 42");
    assert_text(&shown, "/push/data/k", "v<");
    assert_text(&shown, "/sms/text", "\xec\xa3\xbc\xeb\xac\xb8 42");
    assert_text(&shown, "/sms/encoding", "UCS-2");
    assert_text(&shown, "/sms/segments", "1");
    assert_text(&shown, "/email/html", "<p>&lt;</p>");
    expect(node, "POST", "/v1/templates/t/preview", "{\"version\":9}", 404);
    expect(node, "POST", "/v1/templates/t/preview", "{\"version\":0}", 400);
    expect(node, "POST", "/v1/templates/u/preview", "{}", 404);
    expect(node, "PUT", "/v1/templates/s", "{\"strict\":true,\"sms\":{\"text\":\"{{a}}\"}}", 201);
    struct answer lacking = ask(node, "POST", "/v1/templates/s/preview", "{\"data\":{}}");
    assert_fault(&lacking, "/data", NULL);
}

/* ------------------------------------------------------------------------------ suppressions ----
 */

static void suppressed_addresses_are_kept_normalised(void **state)
{
    struct node *node = *state;
    struct answer put =
        ask(node, "PUT", "/v1/suppressions/email/A%40B.Example", "{\"reason\":\"bounced\"}");
    assert_status(&put, 201);
    assert_text(&put, "/address", "A@b.example");
    struct answer got = ask(node, "GET", "/v1/suppressions/email/A@b.EXAMPLE", NULL);
    assert_status(&got, 200);
    assert_text(&got, "/reason", "bounced");
    expect(node, "PUT", "/v1/suppressions/sms/%2B14155550123", NULL, 201);
    expect(node, "PUT", "/v1/suppressions/sms/+14155550123", "{}", 200);
    struct answer list = ask(node, "GET", "/v1/suppressions?channel=sms", NULL);
    assert_int_equal(answer_at(&list, "/data")->count, 1);
    assert_text(&list, "/data/0/address", "+14155550123");
    assert_text(&list, "/data/0/reason", "manual");
    expect(node, "DELETE", "/v1/suppressions/email/A@b.example", NULL, 204);
    expect(node, "DELETE", "/v1/suppressions/email/A@b.example", NULL, 404);
    expect(node, "GET", "/v1/suppressions/email/A@b.example", NULL, 404);
    expect(node, "PUT", "/v1/suppressions/push/token", NULL, 400);
    expect(node, "PUT", "/v1/suppressions/email/nobody", NULL, 400);
    expect(node, "PUT", "/v1/suppressions/sms/0123", NULL, 400);
    expect(node, "PUT", "/v1/suppressions/email/a@b.cd", "{\"reason\":\"whim\"}", 400);
    expect(node, "GET", "/v1/suppressions?channel=fax", NULL, 400);
}

/* --------------------------------------------------------------------------------- isolation ----
 */

static void another_apps_things_answer_as_missing_ones_byte_for_byte(void **state)
{
    static const struct {
        const char *method, *path, *body;
    } rows[] = {
        {"GET", "/v1/users/u1", NULL},
        {"DELETE", "/v1/users/u1", NULL},
        {"GET", "/v1/users/u1/devices", NULL},
        {"PUT", "/v1/users/u1/devices/d9", "{\"platform\":\"android\",\"token\":\"z\"}"},
        {"DELETE", "/v1/users/u1/devices/d", NULL},
        {"GET", "/v1/users/u1/preferences", NULL},
        {"PUT", "/v1/users/u1/preferences", "{}"},
        {"GET", "/v1/categories/u1", NULL},
        {"DELETE", "/v1/categories/u1", NULL},
        {"GET", "/v1/templates/u1", NULL},
        {"POST", "/v1/templates/u1/preview", "{}"},
        {"GET", "/v1/suppressions/email/u1@x.example", NULL},
        {"DELETE", "/v1/suppressions/email/u1@x.example", NULL},
    };
    struct node *node = *state;
    expect(node, "PUT", "/v1/users/u1", "{}", 201);
    expect(node, "PUT", "/v1/users/u1/devices/d", "{\"platform\":\"android\",\"token\":\"z\"}",
           201);
    expect(node, "PUT", "/v1/categories/u1", "{}", 201);
    expect(node, "PUT", "/v1/templates/u1", "{\"sms\":{\"text\":\"x\"}}", 201);
    expect(node, "PUT", "/v1/suppressions/email/u1@x.example", NULL, 201);
    must(node_ask(node, "root", "POST", "/v1/apps", "{\"name\":\"bank\"}").status == 201);
    const char *bank = node_key(node, "bank", "{\"scopes\":[\"send\",\"manage\",\"read\"]}");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char missing[128];
        (void)snprintf(missing, sizeof missing, "%s", rows[i].path);
        strstr(missing, "u1")[1] = '7';
        struct answer foreign = node_ask_with(node, bank, rows[i].method, rows[i].path,
                                              rows[i].body, "x-request-id", "same");
        struct answer none = node_ask_with(node, bank, rows[i].method, missing, rows[i].body,
                                           "x-request-id", "same");
        assert_problem(&foreign, 404, "not-found");
        assert_true(str_eq(foreign.body, none.body));
        assert_int_equal(foreign.header_count, none.header_count);
    }
    expect(node, "GET", "/v1/users/u1", NULL, 200);
    expect(node, "GET", "/v1/suppressions/email/u1@x.example", NULL, 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(apps_are_made_listed_and_deleted_with_their_keys),
        TEST(a_secret_is_shown_once),
        TEST(a_key_needs_scopes_and_a_future),
        TEST(a_user_is_replaced_whole),
        TEST(a_deleted_user_is_gone_and_may_be_made_anew),
        TEST(preferences_come_back_as_they_were_put),
        TEST(devices_are_listed_newest_first_and_masked),
        TEST(a_token_moves_to_whoever_registers_it_last),
        TEST(a_device_must_fit_its_platform),
        TEST(devices_page_without_gaps_while_others_come),
        TEST(default_is_there_until_it_is_changed_and_after),
        TEST(a_category_lists_its_faults),
        TEST(cursors_belong_to_their_query),
        TEST(each_put_of_a_template_makes_a_version),
        TEST(a_template_is_refused_with_every_fault),
        TEST(what_a_template_includes_is_pinned),
        TEST(a_preview_shows_each_channel_and_the_segments),
        TEST(suppressed_addresses_are_kept_normalised),
        TEST(another_apps_things_answer_as_missing_ones_byte_for_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
