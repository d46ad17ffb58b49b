/* test/contract/test_store_manage.c - apps, keys, users, devices, categories, templates,
 * suppressions: what a change answers, and what reads show after it. */
#include "model/limits.h"
#include "store_case.h"
#include <stdio.h>

static struct change named(enum change_type type, uint32_t app, const char *name)
{
    return (struct change){.type = type, .app = app, .name = str_of(name)};
}

/* -- apps and keys ---------------------------------------------------------------------------- */

static void apps_have_numbers_that_are_never_used_again(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    assert_int_equal(case_change(c, named(CHANGE_APP_CREATE, 0, "shop")).result, CHANGE_EXISTS);
    struct query *got = case_get(c, (struct query){.type = QUERY_APP, .name = STR("shop")});
    assert_int_equal(got->apps->number, app);
    assert_int_equal(got->apps->created_at.ms, c->now.ms);
    assert_int_equal(case_change(c, named(CHANGE_APP_DELETE, app, NULL)).result, CHANGED_REPLACED);
    assert_int_equal(case_change(c, named(CHANGE_APP_DELETE, app, NULL)).result, CHANGE_MISSING);
    assert_int_equal(case_ask(c, (struct query){.type = QUERY_APP, .name = STR("shop")})->err,
                     ERR_MISSING);
    assert_int_equal(case_change(c, named(CHANGE_USER_PUT, app, "u1")).result, CHANGE_MISSING);
    assert_true(case_app(c, "shop") > app);
    case_later(c, 5);
    case_app(c, "zoo");
    case_app(c, "bank");
    got = case_get(c, (struct query){.type = QUERY_APPS, .limit = 2});
    assert_int_equal(got->count, 2);
    assert_true(got->more);
    assert_str(got->apps[0].name, "zoo");
    assert_str(got->apps[1].name, "bank");
    case_later(c, 5);
    case_app(c, "aaa"); /* newer than the page: it moves nothing behind it */
    got = case_get(c, (struct query){.type = QUERY_APPS,
                                     .cursor_set = true,
                                     .cursor_id = got->next_id,
                                     .cursor_name = got->next_name});
    assert_int_equal(got->count, 1);
    assert_false(got->more);
    assert_str(got->apps[0].name, "shop");
}

static struct change create_key(struct store_case *c, uint32_t app, const char *app_key)
{
    struct change create = {.type = CHANGE_KEY_CREATE, .app = app};
    create.key = (struct key){.app_key = str_of(app_key),
                              .scopes = KEY_SEND | KEY_READ,
                              .mode = MODE_TEST,
                              .expires_at = {12345}};
    memset(create.key.secret_hash, 0xab, SECRET_HASH_SIZE);
    return case_change(c, create);
}

static void keys_belong_to_an_app_and_stop_with_it(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop"), other = case_app(c, "other");
    assert_int_equal(create_key(c, app, "key_1").result, CHANGED_CREATED);
    assert_int_equal(create_key(c, other, "key_1").result, CHANGE_EXISTS);
    assert_int_equal(create_key(c, app, "key_2").result, CHANGED_CREATED);
    assert_int_equal(create_key(c, other, "key_3").result, CHANGED_CREATED);
    assert_int_equal(create_key(c, 999, "key_4").result, CHANGE_MISSING);
    struct query *got = case_get(c, (struct query){.type = QUERY_KEY, .name = STR("key_1")});
    assert_int_equal(got->keys->app, app);
    assert_str(got->keys->app_name, "shop");
    assert_int_equal(got->keys->scopes, KEY_SEND | KEY_READ);
    assert_int_equal(got->keys->mode, MODE_TEST);
    assert_int_equal(got->keys->expires_at.ms, 12345);
    assert_int_equal(got->keys->secret_hash[31], 0xab);
    got = case_get(c, (struct query){.type = QUERY_KEYS, .app = app});
    assert_int_equal(got->count, 2);
    assert_int_equal(case_change(c, named(CHANGE_KEY_REVOKE, other, "key_1")).result,
                     CHANGE_MISSING);
    assert_int_equal(case_change(c, named(CHANGE_KEY_REVOKE, app, "key_1")).result,
                     CHANGED_REPLACED);
    assert_int_equal(case_ask(c, (struct query){.type = QUERY_KEY, .name = STR("key_1")})->err,
                     ERR_MISSING);
    assert_int_equal(
        case_ask(c, (struct query){.type = QUERY_KEY, .name = STR("key_2"), .app = other})->err,
        ERR_MISSING);
    case_change(c, named(CHANGE_APP_DELETE, app, NULL));
    assert_int_equal(case_ask(c, (struct query){.type = QUERY_KEY, .name = STR("key_2")})->err,
                     ERR_MISSING);
    assert_int_equal(case_get(c, (struct query){.type = QUERY_KEYS, .app = other})->count, 1);
}

/* -- users and devices ------------------------------------------------------------------------ */

static const struct recipient *recipient(struct store_case *c, uint32_t app, const char *user_id)
{
    struct str *name = arena_new(&c->arena, struct str);
    *name = str_of(user_id);
    return case_get(c,
                    (struct query){
                        .type = QUERY_RECIPIENTS, .app = app, .user_ids = name, .user_id_count = 1})
        ->recipients;
}

static void a_user_is_replaced_whole_and_made_anew_is_another(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop"), other = case_app(c, "other");
    struct change put = named(CHANGE_USER_PUT, app, "u1");
    put.user = (struct user){.email = STR("a@b.example"), .attributes = STR("{}")};
    put = case_change(c, put);
    int64_t number = put.users[0], created = c->now.ms;
    assert_int_equal(put.result, CHANGED_CREATED);
    assert_str(put.user_ids[0], "u1");
    assert_int_equal(put.users[1], 0);
    case_later(c, 10);
    put.user = (struct user){.timezone = STR("Asia/Seoul")};
    put = case_change(c, put);
    assert_int_equal(put.result, CHANGED_REPLACED);
    assert_int_equal(put.users[0], number);
    assert_int_equal(put.created_at.ms, created);
    assert_int_equal(put.updated_at.ms, c->now.ms);
    const struct recipient *got = recipient(c, app, "u1");
    assert_int_equal(got->user.number, number);
    assert_str(got->user.email, NULL);
    assert_str(got->user.timezone, "Asia/Seoul");
    assert_int_equal(got->user.created_at.ms, created);
    assert_int_equal(got->preferences.category_count, 0);
    assert_int_equal(recipient(c, other, "u1")->user.number, 0);
    case_device(c, app, "u1", "phone", "token");
    assert_int_equal(case_change(c, named(CHANGE_USER_DELETE, other, "u1")).result, CHANGE_MISSING);
    put = case_change(c, named(CHANGE_USER_DELETE, app, "u1"));
    assert_int_equal(put.result, CHANGED_REPLACED);
    assert_int_equal(put.users[0], number);
    assert_int_equal(recipient(c, app, "u1")->user.number, 0);
    assert_true(case_user(c, app, "u1") > number);
    assert_int_equal(recipient(c, app, "u1")->device_count, 0);
}

static void a_number_is_not_used_again_after_a_restart(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    int64_t number = case_user(c, app, "u1");
    case_change(c, named(CHANGE_USER_DELETE, app, "u1"));
    case_change(c, named(CHANGE_APP_DELETE, app, NULL));
    case_sweep(c, span_s(1000));
    case_close(c);
    case_open(c);
    uint32_t anew = case_app(c, "shop");
    assert_true(anew > app);
    assert_true(case_user(c, anew, "u1") > number);
}

static void a_token_belongs_to_one_device_of_the_app(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop"), other = case_app(c, "other");
    int64_t u1 = case_user(c, app, "u1"), u2 = case_user(c, app, "u2");
    case_user(c, other, "u1");
    case_device(c, other, "u1", "phone", "t1");
    case_device(c, app, "u1", "phone", "t1");
    assert_int_equal(recipient(c, other, "u1")->device_count, 1); /* apps do not share */
    case_later(c, 10);
    struct change put = named(CHANGE_DEVICE_PUT, app, "u2");
    put.device = (struct device){.device_id = STR("tablet"),
                                 .kind = KIND_WEB,
                                 .token = STR("t1"),
                                 .p256dh = STR("key"),
                                 .auth = STR("auth")};
    put = case_change(c, put);
    assert_int_equal(put.result, CHANGED_CREATED);
    assert_int_equal(put.users[0], u2);
    assert_int_equal(put.users[1], u1); /* who lost it */
    assert_str(put.user_ids[1], "u1");
    assert_int_equal(recipient(c, app, "u1")->device_count, 0);
    const struct recipient *got = recipient(c, app, "u2");
    assert_int_equal(got->device_count, 1);
    assert_int_equal(got->devices[0].kind, KIND_WEB);
    assert_str(got->devices[0].p256dh, "key");
    assert_str(got->devices[0].bundle_id, NULL);
    assert_int_equal(got->devices[0].registered_at.ms, c->now.ms);
    /* To another device of the same user: one stays. */
    put.device.device_id = STR("watch");
    put = case_change(c, put);
    assert_int_equal(put.users[1], 0);
    got = recipient(c, app, "u2");
    assert_int_equal(got->device_count, 1);
    assert_str(got->devices[0].device_id, "watch");
    /* A new token for the same device, and the same again: a new registration. */
    case_later(c, 10);
    put.device.token = STR("t2");
    assert_int_equal(case_change(c, put).result, CHANGED_REPLACED);
    case_later(c, 10);
    assert_int_equal(case_change(c, put).result, CHANGED_REPLACED);
    got = recipient(c, app, "u2");
    assert_int_equal(got->devices[0].registered_at.ms, c->now.ms);
    assert_str(got->devices[0].token, "t2");
    struct change gone = named(CHANGE_DEVICE_DELETE, app, "u2");
    gone.device_id = STR("tablet");
    assert_int_equal(case_change(c, gone).result, CHANGE_MISSING);
    gone.device_id = STR("watch");
    assert_int_equal(case_change(c, gone).result, CHANGED_REPLACED);
    assert_int_equal(case_change(c, gone).result, CHANGE_MISSING);
    put.name = STR("nobody");
    assert_int_equal(case_change(c, put).result, CHANGE_MISSING);
}

static void a_user_has_a_bounded_number_of_devices(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    char name[32];
    case_user(c, app, "u1");
    for (int i = 0; i < DEVICES_MAX; i++) {
        (void)snprintf(name, sizeof name, "device-%03d", i);
        case_device(c, app, "u1", name, name);
    }
    struct change put = named(CHANGE_DEVICE_PUT, app, "u1");
    put.device = (struct device){.device_id = STR("more"), .kind = KIND_IOS, .token = STR("more")};
    assert_int_equal(case_change(c, put).result, CHANGE_FULL);
    put.device.token = STR("device-007"); /* moves within the user: no more than before */
    assert_int_equal(case_change(c, put).result, CHANGED_CREATED);
    const struct recipient *got = recipient(c, app, "u1");
    assert_int_equal(got->device_count, DEVICES_MAX);
    assert_str(got->devices[0].device_id, "device-000");
}

static void preferences_are_replaced_whole(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    case_user(c, app, "u1");
    struct category_choice choices[] = {
        {STR("orders"), {[CHANNEL_PUSH] = CHOICE_NO}},
        {STR("news"), {[CHANNEL_SMS] = CHOICE_YES, [CHANNEL_EMAIL] = CHOICE_NO}}};
    struct change put = named(CHANGE_PREFERENCES_PUT, app, "u1");
    put.preferences = (struct preferences){
        .channels = {[CHANNEL_PUSH] = CHOICE_YES}, .categories = choices, .category_count = 2};
    assert_int_equal(case_change(c, put).result, CHANGED_CREATED);
    const struct preferences *got = &recipient(c, app, "u1")->preferences;
    assert_int_equal(got->channels[CHANNEL_PUSH], CHOICE_YES);
    assert_int_equal(got->channels[CHANNEL_SMS], CHOICE_ABSENT);
    assert_int_equal(got->category_count, 2);
    assert_str(got->categories[1].category, "news");
    assert_int_equal(got->categories[1].channels[CHANNEL_EMAIL], CHOICE_NO);
    put.preferences = (struct preferences){.category_count = 0};
    assert_int_equal(case_change(c, put).result, CHANGED_REPLACED);
    case_user(c, app, "u1"); /* a new record keeps them */
    assert_int_equal(recipient(c, app, "u1")->preferences.category_count, 0);
    assert_int_equal(case_change(c, put).result, CHANGED_REPLACED);
    put.name = STR("nobody");
    assert_int_equal(case_change(c, put).result, CHANGE_MISSING);
}

/* -- categories, templates, suppressions ------------------------------------------------------ */

static void default_always_exists_among_the_categories(void **state)
{
    static const char *const names[] = {"alerts", "news", "beta"};
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct query ask = {.type = QUERY_CATEGORY, .app = app, .name = CATEGORY_DEFAULT};
    assert_int_equal(case_get(c, ask)->categories->channel_count, 3);
    struct change put = named(CHANGE_CATEGORY_PUT, app, "alerts");
    put.category = category_default();
    put.category.guarantee = GUARANTEE_AT_MOST_ONCE;
    put.category.strategy = STRATEGY_FIRST;
    put.category.priority = PRIORITY_LOW;
    for (int i = 0; i < 3; i++) {
        put.name = str_of(names[i]);
        assert_int_equal(case_change(c, put).result, CHANGED_CREATED);
        case_later(c, 5);
    }
    ask.name = STR("alerts");
    const struct category *category = case_get(c, ask)->categories;
    assert_int_equal(category->guarantee, GUARANTEE_AT_MOST_ONCE);
    assert_int_equal(category->strategy, STRATEGY_FIRST);
    assert_int_equal(category->priority, PRIORITY_LOW);
    assert_int_equal(category->created_at.ms, c->now.ms - 15);
    ask.name = STR("none");
    assert_int_equal(case_ask(c, ask)->err, ERR_MISSING);
    /* Newest first; `default`, which was always there, comes last. */
    static const char *const all[] = {"beta", "news", "alerts", "default"};
    for (uint32_t limit = 1; limit <= 5; limit++) {
        struct query list = {.type = QUERY_CATEGORIES, .app = app, .limit = limit};
        uint32_t seen = 0;
        for (struct query *page;; list.cursor_set = true, list.cursor_id = page->next_id,
                                  list.cursor_name = page->next_name) {
            page = case_get(c, list);
            for (uint32_t i = 0; i < page->count; i++)
                assert_str(page->categories[i].name, all[seen++]);
            if (!page->more)
                break;
        }
        assert_int_equal(seen, 4);
    }
    put.name = CATEGORY_DEFAULT;
    put.category.ttl = span_s(5);
    assert_int_equal(case_change(c, put).result, CHANGED_CREATED);
    ask.name = CATEGORY_DEFAULT;
    assert_int_equal(case_get(c, ask)->categories->ttl.us, 5000000);
    struct query list = {.type = QUERY_CATEGORIES, .app = app};
    assert_int_equal(case_get(c, list)->count, 4);
    assert_int_equal(case_change(c, named(CHANGE_CATEGORY_DELETE, app, "default")).result,
                     CHANGED_REPLACED);
    assert_int_equal(case_change(c, named(CHANGE_CATEGORY_DELETE, app, "default")).result,
                     CHANGE_MISSING);
    assert_int_equal(case_get(c, ask)->categories->ttl.us, category_default().ttl.us);
}

static void template_versions_stay(void **state)
{
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct change put = named(CHANGE_TEMPLATE_PUT, app, "order");
    put.template_put.source = STR("{\"v\":1}");
    put.template_put.partials = STR("{\"footer\":2}");
    put = case_change(c, put);
    assert_int_equal(put.result, CHANGED_CREATED);
    assert_int_equal(put.number, 1);
    put.template_put.source = STR("{\"v\":2}");
    put = case_change(c, put);
    assert_int_equal(put.result, CHANGED_REPLACED);
    assert_int_equal(put.number, 2);
    put.name = STR("a");
    case_later(c, 5);
    case_change(c, put);
    struct query ask = {.type = QUERY_TEMPLATE, .app = app, .name = STR("order")};
    assert_str(case_get(c, ask)->templates->source, "{\"v\":2}");
    ask.version = 1;
    const struct template_version *version = case_get(c, ask)->templates;
    assert_str(version->source, "{\"v\":1}");
    assert_str(version->partials, "{\"footer\":2}");
    ask.version = 3;
    assert_int_equal(case_ask(c, ask)->err, ERR_MISSING);
    struct query *got = case_get(c, (struct query){.type = QUERY_TEMPLATES, .app = app});
    assert_int_equal(got->count, 2);
    assert_str(got->templates[0].name, "a");
    assert_int_equal(got->templates[1].version, 2);
    case_later(c, 5);
    put.name = STR("order"); /* a new version of it does not move it */
    case_change(c, put);
    got = case_get(c, (struct query){.type = QUERY_TEMPLATES, .app = app, .limit = 1});
    assert_str(got->templates[0].name, "a");
    got = case_get(c, (struct query){.type = QUERY_TEMPLATES,
                                     .app = app,
                                     .cursor_set = true,
                                     .cursor_id = got->next_id,
                                     .cursor_name = got->next_name});
    assert_int_equal(got->count, 1);
    assert_int_equal(got->templates[0].version, 3);
}

static void suppressions_are_by_channel_and_address(void **state)
{
    static const struct {
        enum channel channel;
        const char *address;
    } rows[] = {{CHANNEL_SMS, "+1"}, {CHANNEL_EMAIL, "a@b"}, {CHANNEL_PUSH, "a@b"}};
    struct store_case *c = *state;
    uint32_t app = case_app(c, "shop");
    struct change put = {.type = CHANGE_SUPPRESSION_PUT, .app = app};
    int64_t created = c->now.ms;
    for (size_t i = 0; i < 3; i++) {
        created = c->now.ms;
        put.suppression = (struct suppression){
            .channel = rows[i].channel, .address = str_of(rows[i].address), .reason = STR("stop")};
        assert_int_equal(case_change(c, put).result, CHANGED_CREATED);
        if (i == 0)
            case_later(c, 5); /* the others at one time: by address and channel */
    }
    case_later(c, 5);
    put.suppression.reason = STR("manual");
    assert_int_equal(case_change(c, put).result, CHANGED_REPLACED);
    struct query ask = {.type = QUERY_SUPPRESSION, .app = app, .suppression = put.suppression};
    struct query *got = case_get(c, ask);
    assert_str(got->suppressions->reason, "manual");
    assert_int_equal(got->suppressions->created_at.ms, created);
    struct query list = {.type = QUERY_SUPPRESSIONS, .app = app, .limit = 1};
    uint32_t seen = 0;
    static const enum channel order[] = {CHANNEL_EMAIL, CHANNEL_PUSH, CHANNEL_SMS};
    for (struct query *page;; list.cursor_set = true, list.cursor_id = page->next_id,
                              list.cursor_name = page->next_name,
                              list.cursor_ordinal = page->next_ordinal) {
        page = case_get(c, list);
        for (uint32_t i = 0; i < page->count; i++)
            assert_int_equal(page->suppressions[i].channel, order[seen++]);
        if (!page->more)
            break;
    }
    assert_int_equal(seen, 3);
    put.type = CHANGE_SUPPRESSION_DELETE;
    assert_int_equal(case_change(c, put).result, CHANGED_REPLACED);
    assert_int_equal(case_change(c, put).result, CHANGE_MISSING);
    assert_int_equal(case_ask(c, ask)->err, ERR_MISSING);
}

/* -- pauses and moves ------------------------------------------------------------------------- */

static struct change steer(enum change_type type, enum steer_type what, unsigned kinds,
                           const char *from, int64_t until_ms)
{
    struct change change = {.type = type};
    change.steering.kinds = kinds;
    change.steering.steer = (struct steer){
        .type = what,
        .from = from ? str_of(from) : STR_NONE,
        .to = from ? STR("vonage") : STR_NONE,
        .reason = STR("a reason"),
        .by = STR("root"),
        .since = {1000},
        .until = {until_ms},
    };
    return change;
}

static void pauses_and_moves_stand_through_a_restart_until_their_end(void **state)
{
    struct store_case *c = *state;
    unsigned push = 1u << KIND_IOS | 1u << KIND_ANDROID | 1u << KIND_WEB, sms = 1u << KIND_SMS;
    int64_t never = WALL_NEVER.ms, soon = c->now.ms + 1000;
    assert_int_equal(c->state.steer_count, 0);
    assert_int_equal(case_change(c, steer(CHANGE_STEER_PUT, STEER_PAUSE, push, NULL, never)).result,
                     CHANGED_CREATED);
    assert_int_equal(
        case_change(c, steer(CHANGE_STEER_PUT, STEER_MOVE, sms, "twilio", soon)).result,
        CHANGED_CREATED);
    assert_int_equal(
        case_change(c, steer(CHANGE_STEER_PUT, STEER_MOVE, sms, "other", never)).result,
        CHANGED_CREATED);
    assert_int_equal(
        case_change(c, steer(CHANGE_STEER_PUT, STEER_PAUSE, 1u << KIND_WEB, NULL, never)).result,
        CHANGED_REPLACED);
    assert_int_equal(
        case_change(c, steer(CHANGE_STEER_END, STEER_PAUSE, 1u << KIND_IOS, NULL, 0)).result,
        CHANGED_REPLACED);
    assert_int_equal(
        case_change(c, steer(CHANGE_STEER_END, STEER_PAUSE, 1u << KIND_IOS, NULL, 0)).result,
        CHANGE_MISSING);
    case_close(c);
    case_open(c);
    assert_int_equal(c->state.steer_count, 4);
    uint32_t moves = 0, pauses = 0;
    for (uint32_t i = 0; i < c->state.steer_count; i++) {
        const struct steer *steer = &c->state.steers[i];
        moves += steer->type == STEER_MOVE && str_eq(steer->to, STR("vonage")) &&
                 steer->kind == KIND_SMS;
        pauses += steer->type == STEER_PAUSE && !steer->from.at &&
                  (steer->kind == KIND_ANDROID || steer->kind == KIND_WEB) &&
                  str_eq(steer->reason, STR("a reason")) && str_eq(steer->by, STR("root")) &&
                  steer->since.ms == 1000 && steer->until.ms == never;
    }
    assert_int_equal(moves, 2);
    assert_int_equal(pauses, 2);
    case_later(c, 2000);
    case_close(c);
    case_open(c);
    assert_int_equal(c->state.steer_count, 3);
    /* What has ended by itself is not there to be ended. */
    assert_int_equal(case_change(c, steer(CHANGE_STEER_END, STEER_MOVE, sms, "twilio", 0)).result,
                     CHANGE_MISSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(apps_have_numbers_that_are_never_used_again),
        STORE_TEST(keys_belong_to_an_app_and_stop_with_it),
        STORE_TEST(a_user_is_replaced_whole_and_made_anew_is_another),
        STORE_TEST(a_number_is_not_used_again_after_a_restart),
        STORE_TEST(a_token_belongs_to_one_device_of_the_app),
        STORE_TEST(a_user_has_a_bounded_number_of_devices),
        STORE_TEST(preferences_are_replaced_whole),
        STORE_TEST(default_always_exists_among_the_categories),
        STORE_TEST(template_versions_stay),
        STORE_TEST(suppressions_are_by_channel_and_address),
        STORE_TEST(pauses_and_moves_stand_through_a_restart_until_their_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
