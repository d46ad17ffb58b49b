/* test/contract/provider_case.c - see provider_case.h. */
#include "provider_case.h"
#include "../keys.h"
#include <stdio.h>
#include <stdlib.h>

enum { SETTINGS_MAX = 24, ACCOUNT_MAX = 2 * PEM_MAX };

/* Keys cost time to make: once a run. */
static struct {
    bool made;
    char ec[PEM_MAX], rsa[PEM_MAX], account[ACCOUNT_MAX];
} keys;

static void make_keys(void)
{
    if (keys.made)
        return;
    struct buf buf;
    keys_ec("P-256", keys.ec);
    keys_rsa(2048, keys.rsa);
    buf_init(&buf, ACCOUNT_MAX - 1);
    struct json_out out = json_out_to(&buf);
    json_open(&out, '{');
    static const char *const members[][2] = {
        {"type", "service_account"},
        {"project_id", "demo-project"},
        {"private_key_id", "kid1"},
        {"client_email", "sender@demo-project.iam.gserviceaccount.com"},
        {"token_uri", "https://oauth2.googleapis.com/token"},
    };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        json_name(&out, str_of(members[i][0]));
        json_str(&out, str_of(members[i][1]));
    }
    json_name(&out, STR("private_key"));
    json_str(&out, str_of(keys.rsa));
    json_close(&out, '}');
    assert_true(str_copy(buf_str(&buf), keys.account, sizeof keys.account));
    buf_done(&buf);
    keys.made = true;
}

static const struct default_setting {
    const char *driver, *name, *value;
} defaults[] = {
    {"apns", "team_id", "ABCDE12345"},
    {"apns", "key_id", "FGHIJ67890"},
    {"apns", "key", keys.ec},
    {"fcm", "service_account", keys.account},
    {"webpush", "vapid_key", keys.ec},
    {"webpush", "subject", "mailto:ops@example.com"},
    {"twilio", "account_sid", "AC0123456789abcdef0123456789abcdef"},
    {"twilio", "auth_token", "token"},
    {"twilio", "from", "+15005550006"},
    {"smtp", "url", "smtp://mail.example:587"},
    {"smtp", "from", "Shop <no-reply@shop.example>"},
};

static size_t add(struct setting *settings, size_t count, const char *name, const char *value)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(settings[i].name, str_of(name)))
            return count;
    assert_true(count < SETTINGS_MAX);
    settings[count] = (struct setting){str_of(name), str_of(value)};
    return count + 1;
}

enum err case_try(struct provider_case *c, const char *driver, const char *public_url,
                  setting_change *changes)
{
    struct setting settings[SETTINGS_MAX];
    size_t count = 0;
    *c = (struct provider_case){.ops = provider_find(str_of(driver))};
    assert_non_null(c->ops);
    make_keys();
    for (; changes && (*changes)[0]; changes++)
        count = add(settings, count, (*changes)[0], (*changes)[1]);
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (strcmp(defaults[i].driver, driver) == 0)
            count = add(settings, count, defaults[i].name, defaults[i].value);
    struct provider_config config = {.name = STR("main"),
                                     .settings = settings,
                                     .setting_count = (uint32_t)count,
                                     .public_url = str_of(public_url)};
    return c->ops->open(&config, &c->self, &c->why);
}

static void fill(void *self, void *at, size_t len)
{
    struct provider_case *c = self;
    for (size_t i = 0; i < len; i++)
        ((unsigned char *)at)[i] = (unsigned char)c->entropy_at++;
}

void case_open(struct provider_case *c, const char *driver, setting_change *changes)
{
    if (case_try(c, driver, NULL, changes))
        fail_msg("%s: %s", driver, c->why.text);
    arena_init(&c->arena, 1 << 24);
    c->entropy = (struct entropy){fill, c};
    case_reset(c);
}

void case_close(struct provider_case *c)
{
    c->ops->close(c->self);
    arena_done(&c->arena);
}

static const char *const addresses[KIND_COUNT] = {
    [KIND_IOS] = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0",
    [KIND_ANDROID] = "bk3RNwTe3H0:CI2k_HHwgIpoDKCIZvvDMExUdFQ3P1",
    [KIND_WEB] = "https://push.example/wpush/v2/gAAAA?x=1",
    [KIND_SMS] = "+15005550009",
    [KIND_EMAIL] = "x@y.example",
};

void case_reset(struct provider_case *c)
{
    enum kind kind = 0;
    while (!(c->ops->kinds >> kind & 1))
        kind++;
    c->notification =
        (struct notification){.priority = PRIORITY_NORMAL, .collapse_key = STR("order-42")};
    /* The keys of RFC 8291 section 5. */
    c->delivery = (struct delivery){
        .kind = kind,
        .address = str_of(addresses[kind]),
        .bundle_id = STR("com.example.shop"),
        .p256dh = STR("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH"
                      "6SRpkNtoIAiw4"),
        .auth = STR("BTBZMqHH6r4Tts7J_aSIgg")};
    c->content = (struct content){.title = STR("Order 42"),
                                  .body = STR("On its way \xe2\x80\x94 today"),
                                  .url = STR("https://shop.example/o/42"),
                                  .image = STR("https://shop.example/i.png"),
                                  .text = STR("Order 42 is on its way & early"),
                                  .html = STR("<p>Order 42</p>"),
                                  .subject = STR("Order 42")};
    case_data(c, "{\"k\":\"v\",\"n\":\"2\"}");
    c->parcel = (struct parcel){.notification = &c->notification,
                                .delivery = &c->delivery,
                                .content = &c->content,
                                .delivery_id = STR("dlv_0123456789abc0000001"),
                                .attempt = 1,
                                .now = {NOW_MS},
                                .expires_at = {NOW_MS + 3600 * 1000}};
}

void case_data(struct provider_case *c, const char *json)
{
    static const struct json_limits limits = {8, 10000};
    struct json_fault fault;
    c->content.data = NULL;
    if (json)
        assert_int_equal(json_parse(str_of(json), &limits, &c->arena, &c->content.data, &fault),
                         OK);
}

enum err case_compose(struct provider_case *c)
{
    c->entropy_at = 0;
    c->why.text[0] = '\0';
    c->request = (struct request){0};
    return c->ops->compose(c->self, &c->parcel, STR("CREDENTIAL"), &c->entropy, &c->arena,
                           &c->request, &c->why);
}

struct reply case_reply(struct provider_case *c, int status, const char *headers, const char *body)
{
    struct header *list = arena_array(&c->arena, struct header, 16);
    uint32_t count = 0;
    struct str rest = str_of(headers);
    while (rest.at) {
        struct str line = str_cut(&rest, '\n');
        if (line.len)
            list[count].name = str_cut(&line, ':'), list[count++].value = str_trim(line);
    }
    return (struct reply){.exchange = EXCHANGE_WHOLE,
                          .status = status,
                          .headers = list,
                          .header_count = count,
                          .body = str_of(body),
                          .at = {NOW_MS}};
}

struct verdict case_judge(struct provider_case *c, int status, const char *headers,
                          const char *body)
{
    struct reply reply = case_reply(c, status, headers, body);
    return c->ops->judge(c->self, &reply, &c->arena);
}

struct str case_xs(struct provider_case *c, size_t count)
{
    char *at = arena_take(&c->arena, count + 1);
    assert_non_null(at);
    memset(at, 'x', count);
    return (struct str){at, count};
}

bool str_contains(struct str text, const char *part)
{
    return text.at && memmem(text.at, text.len, part, strlen(part));
}

void check_judgements(const char *driver, const struct judgement *rows, size_t count)
{
    struct provider_case c;
    case_open(&c, driver, NULL);
    for (size_t i = 0; i < count; i++) {
        const struct judgement *want = &rows[i];
        struct verdict got = case_judge(&c, want->status, want->headers, want->body);
        if (got.fate != want->fate || got.scope != want->scope || got.effect != want->effect ||
            !str_eq(got.code, str_of(want->code)) || !str_eq(got.reason, str_of(want->reason)))
            fail_msg("%s row %zu (%d %s): fate %d scope %d effect %d code '%.*s' reason '%.*s'",
                     driver, i, want->status, want->body, (int)got.fate, (int)got.scope,
                     (int)got.effect, STR_ARG(got.code), STR_ARG(got.reason));
    }
    case_close(&c);
}

void check_refusals(const char *driver, const struct refusal *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct provider_case c;
        setting_change changes[] = {{rows[i].name, rows[i].value}, {NULL, NULL}};
        enum err err = case_try(&c, driver, NULL, changes);
        if (err == OK)
            c.ops->close(c.self);
        if ((err != ERR_INPUT && err != ERR_CRYPTO) || !strstr(c.why.text, rows[i].says))
            fail_msg("%s row %zu: %s: %s", driver, i, err_name(err), c.why.text);
    }
}
