/* Templates: their shape, their locales, what is in scope, and what each channel comes to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "core/locale.h"
#include "core/template.h"
#include "model/limits.h"

static const struct json_limits limits = {.depth_max = 32, .values_max = 200000};

static const struct json *parse(struct arena *arena, struct str text)
{
    const struct json *root;
    struct json_fault fault = {0};
    if (!text.at)
        return NULL;
    if (json_parse(text, &limits, arena, &root, &fault))
        fail_msg("%s: %.*s", fault.why.text, STR_ARG(text));
    return root;
}

/* Compiles what must be right. The source is gone afterwards. */
static struct template *compile(const char *source)
{
    struct arena arena;
    arena_init(&arena, 4 << 20);
    struct faults faults;
    faults_init(&faults, &arena);
    struct template *template = NULL;
    char *copy = strdup(source);
    enum err err = template_compile(parse(&arena, str_of(copy)), true, STR(""), &faults, &template);
    if (err)
        fail_msg("%.*s: %.*s", STR_ARG(faults.list[0].pointer), STR_ARG(faults.list[0].detail));
    free(copy);
    arena_done(&arena);
    return template;
}

static void faults_point_at_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        bool inline_content;
        const char *pointer, *detail;
    } rows[] = {
        {"[]", false, "/t", "must be an object"},
        {"{}", false, "/t", "needs push, sms or email"},
        {"{\"push\":null}", false, "/t", "needs push, sms or email"},
        {"{\"pusch\":{}}", false, "/t/pusch", "unknown member"},
        {"{\"push\":[]}", false, "/t/push", "must be an object"},
        {"{\"push\":{}}", false, "/t/push", "may not be empty"},
        {"{\"push\":{\"url\":\"x\"}}", false, "/t/push", "needs a title, a body or data"},
        {"{\"push\":{\"title\":null}}", false, "/t/push", "needs a title, a body or data"},
        {"{\"push\":{\"title\":5}}", false, "/t/push/title", "must be a string"},
        {"{\"push\":{\"title\":\"\"}}", false, "/t/push/title", "may not be empty"},
        {"{\"push\":{\"title\":\"x\",\"tilte\":null}}", false, "/t/push/tilte", "unknown member"},
        {"{\"push\":{\"title\":\"x\",\"text\":\"x\"}}", false, "/t/push/text", "unknown member"},
        {"{\"push\":{\"data\":\"x\"}}", false, "/t/push/data", "must be an object"},
        {"{\"push\":{\"data\":{\"k\":1}}}", false, "/t/push/data/k", "must be a string"},
        {"{\"push\":{\"data\":{\"\":\"x\"}}}", false, "/t/push/data/",
         "the name must have 1 to 128 bytes"},
        {"{\"push\":{\"data\":{\"a/b\":\"{{\"}}}", false, "/t/push/data/a~1b",
         "line 1, column 1: the tag is not closed: \"}}\" is missing"},
        {"{\"sms\":{}}", false, "/t/sms", "may not be empty"},
        {"{\"sms\":{\"text\":\"a\\n  {{#b}}\"}}", false, "/t/sms/text",
         "line 2, column 3: the section \"b\" is not closed"},
        {"{\"sms\":{\"text\":\"{{>a b}}\"}}", false, "/t/sms/text",
         "line 1, column 1: the name \"a b\" may not hold spaces"},
        {"{\"sms\":{\"text\":\"{{>a/b}}\"}}", false, "/t/sms/text",
         "the partial \"a/b\" is no template's name"},
        {"{\"email\":{\"text\":\"x\"}}", false, "/t/email", "needs a subject"},
        {"{\"email\":{\"subject\":\"x\"}}", false, "/t/email", "needs html or text"},
        {"{\"sms\":{\"text\":\"x\"},\"strict\":\"yes\"}", false, "/t/strict",
         "must be true or false"},
        {"{\"sms\":{\"text\":\"x\"},\"locales\":[]}", false, "/t/locales", "must be an object"},
        {"{\"sms\":{\"text\":\"x\"},\"locales\":{}}", true, "/t/locales", "unknown member"},
        {"{\"sms\":{\"text\":\"x\"},\"locales\":{\"k\":{\"sms\":{\"text\":\"y\"}}}}", false,
         "/t/locales/k", "the name is no locale as BCP 47 has them"},
        {"{\"sms\":{\"text\":\"x\"},\"locales\":{\"ko\":1}}", false, "/t/locales/ko",
         "must be an object"},
        {"{\"sms\":{\"text\":\"x\"},\"locales\":{\"ko\":{}}}", false, "/t/locales/ko",
         "may not be empty"},
        {"{\"sms\":{\"text\":\"x\"},\"locales\":{\"ko\":{\"sns\":{}}}}", false, "/t/locales/ko/sns",
         "unknown member"},
        {"{\"locales\":{\"ko\":{\"push\":{\"title\":\"y\"}}},\"sms\":{\"text\":\"x\"}}", false,
         "/t/locales/ko/push", "the template itself has no push"},
        {"{\"sms\":{\"text\":\"x\"},\"locales\":{\"ko\":{\"sms\":{\"text\":\"{{/x}}\"}}}}", false,
         "/t/locales/ko/sms/text", "line 1, column 1: the section \"x\" is closed but not open"},
        {"{\"sms\":{\"text\":\"x\"},\"locales\":{\"ko-KR\":{\"sms\":{\"text\":\"y\"}},"
         "\"ko-kr\":{\"sms\":{\"text\":\"z\"}}}}",
         false, "/t/locales/ko-kr", "this locale stands twice"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena;
        arena_init(&arena, 4 << 20);
        struct faults faults;
        faults_init(&faults, &arena);
        struct template *template = NULL;
        enum err err = template_compile(parse(&arena, str_of(rows[i].source)),
                                        !rows[i].inline_content, STR("/t"), &faults, &template);
        if (err != ERR_INPUT)
            fail_msg("accepted: %s", rows[i].source);
        assert_null(template);
        assert_true(str_eq(faults.list[0].pointer, str_of(rows[i].pointer)));
        assert_true(str_eq(faults.list[0].detail, str_of(rows[i].detail)));
        arena_done(&arena);
    }
}

static void every_fault_is_listed(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4 << 20);
    struct faults faults;
    faults_init(&faults, &arena);
    struct template *template;
    const char *source = "{\"push\":{\"title\":1,\"body\":\"{{\"},\"sms\":{\"text\":\"\"},\"x\":1,"
                         "\"email\":{},\"locales\":{\"_\":{}}}";
    assert_int_equal(
        template_compile(parse(&arena, str_of(source)), true, STR(""), &faults, &template),
        ERR_INPUT);
    assert_int_equal(faults.count, 7);
    arena_done(&arena);
}

static void size_is_bounded(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 16 << 20);
    struct faults faults;
    struct template *template;
    struct buf buf;
    buf_init(&buf, 1 << 20);
    /* As many tags as fit, and then one more byte. */
    buf_add(&buf, STR("{\"sms\":{\"text\":\""));
    while (buf.len + 6 + 3 <= TEMPLATE_BYTES_MAX)
        buf_add(&buf, STR("x{{a}}"));
    while (buf.len + 3 < TEMPLATE_BYTES_MAX)
        buf_add_char(&buf, 'y');
    buf_add(&buf, STR("\"}}"));
    faults_init(&faults, &arena);
    assert_int_equal(
        template_compile(parse(&arena, buf_str(&buf)), true, STR(""), &faults, &template), OK);
    assert_true(template_bytes(template) > TEMPLATE_BYTES_MAX);
    template_free(template);
    buf_clear(&buf);
    buf_add(&buf, STR("{\"sms\":{\"text\":\""));
    while (buf.len + 3 <= TEMPLATE_BYTES_MAX)
        buf_add_char(&buf, 'y');
    buf_add(&buf, STR("\"}}"));
    assert_int_equal(
        template_compile(parse(&arena, buf_str(&buf)), true, STR(""), &faults, &template),
        ERR_INPUT);
    buf_done(&buf);
    arena_done(&arena);
}

static void it_knows_its_channels_and_what_it_includes(void **state)
{
    (void)state;
    struct template *t =
        compile("{\"sms\":{\"text\":\"{{>a}}{{>b}}\"},\"push\":{\"data\":{\"k\":\"{{>a}}\"}},"
                "\"email\":null,\"locales\":{\"ko\":{\"sms\":{\"text\":\"{{user.id}}{{>c}}\"}}}}");
    assert_true(template_has(t, CHANNEL_SMS));
    assert_true(template_has(t, CHANNEL_PUSH));
    assert_false(template_has(t, CHANNEL_EMAIL));
    assert_true(template_uses_attributes(t));
    assert_false(template_is_strict(t));
    uint32_t at = 0;
    assert_true(str_eq(template_partial(t, &at), STR("a")));
    assert_true(str_eq(template_partial(t, &at), STR("b")));
    assert_true(str_eq(template_partial(t, &at), STR("c")));
    assert_null(template_partial(t, &at).at);
    template_free(t);
    t = compile("{\"sms\":{\"text\":\"{{data.user}}\"},\"strict\":true}");
    assert_false(template_uses_attributes(t));
    assert_true(template_is_strict(t));
    template_free(t);
    template_free(NULL);
}

/* --- rendering --- */

struct included {
    struct template *header, *loop;
};

static const struct template *find_included(void *ctx, struct str name)
{
    const struct included *included = ctx;
    if (str_eq(name, STR("header")))
        return included->header;
    return str_eq(name, STR("loop")) ? included->loop : NULL;
}

/* A rendering with its surroundings. */
struct rendered {
    struct arena arena;
    struct content content;
    struct why why;
    enum err err;
};

struct setting {
    const char *locale, *data, *overlay, *user_id, *user_locale, *attributes, *unsubscribe_url;
    struct included *included;
};

static struct template_scope scope_of(const struct setting *with, struct arena *arena)
{
    return (struct template_scope){
        .locale = str_of(with->locale),
        .data = parse(arena, str_of(with->data)),
        .overlay = parse(arena, str_of(with->overlay)),
        .user_id = str_of(with->user_id),
        .user_locale = str_of(with->user_locale),
        .attributes = parse(arena, str_of(with->attributes)),
        .unsubscribe_url = str_of(with->unsubscribe_url),
        .partial = with->included ? find_included : NULL,
        .partial_ctx = with->included,
    };
}

static struct rendered render(const struct template *template, enum channel channel,
                              struct setting with)
{
    struct rendered r = {0};
    arena_init(&r.arena, 8 << 20);
    struct template_scope scope = scope_of(&with, &r.arena);
    r.err = template_render(template, channel, &scope, &r.arena, &r.content, &r.why);
    return r;
}

static void assert_text(struct str got, const char *want)
{
    if (!want)
        assert_null(got.at);
    else if (!got.at || !str_eq(got, str_of(want)))
        fail_msg("got [%.*s], want [%s]", STR_ARG(got), want);
}

/* The SMS text that `source` comes to. */
static void assert_sms(const char *source, struct setting with, const char *want)
{
    struct buf json;
    buf_init(&json, 1 << 16);
    struct json_out out = json_out_to(&json);
    json_open(&out, '{');
    json_name(&out, STR("sms"));
    json_open(&out, '{');
    json_name(&out, STR("text"));
    json_str(&out, str_of(source));
    json_close(&out, '}');
    json_close(&out, '}');
    buf_add_char(&json, '\0');
    struct template *t = compile(json.at);
    struct rendered r = render(t, CHANNEL_SMS, with);
    assert_int_equal(r.err, OK);
    assert_text(r.content.text, want);
    arena_done(&r.arena);
    template_free(t);
    buf_done(&json);
}

static const char whole[] =
    "{\"push\":{\"title\":\"T {{a}}\",\"body\":\"B {{a}}\",\"url\":\"u?{{a}}\",\"image\":\"i\","
    "\"data\":{\"k\":\"{{a}}\",\"empty\":\"\",\"q\\\"\":\"\\n{{b}}\"}},"
    "\"sms\":{\"text\":\"S {{a}}\"},"
    "\"email\":{\"from\":\"F <f@x.example>\",\"subject\":\"J {{a}}\",\"html\":\"<b>{{a}}</b>\","
    "\"text\":\"X {{a}}\"}}";

static void each_channel_gets_its_own(void **state)
{
    (void)state;
    struct template *t = compile(whole);
    struct setting with = {.data = "{\"a\":\"<&>\",\"b\":1}"};
    struct rendered r = render(t, CHANNEL_PUSH, with);
    assert_int_equal(r.err, OK);
    assert_text(r.content.title, "T <&>");
    assert_text(r.content.body, "B <&>");
    assert_text(r.content.url, "u?<&>");
    assert_text(r.content.image, "i");
    assert_text(r.content.text, NULL);
    assert_text(r.content.html, NULL);
    assert_int_equal(r.content.data->count, 3);
    assert_text(json_get(r.content.data, STR("k"))->text, "<&>");
    assert_text(json_get(r.content.data, STR("empty"))->text, "");
    assert_text(json_get(r.content.data, STR("q\""))->text, "\n1");
    assert_text(r.content.data->raw, "{\"k\":\"<&>\",\"empty\":\"\",\"q\\\"\":\"\\n1\"}");
    arena_done(&r.arena);
    r = render(t, CHANNEL_SMS, with);
    assert_text(r.content.text, "S <&>");
    assert_text(r.content.title, NULL);
    assert_null(r.content.data);
    arena_done(&r.arena);
    r = render(t, CHANNEL_EMAIL, with);
    assert_text(r.content.from, "F <f@x.example>");
    assert_text(r.content.subject, "J <&>");
    assert_text(r.content.html, "<b>&lt;&amp;&gt;</b>");
    assert_text(r.content.text, "X <&>");
    arena_done(&r.arena);
    template_free(t);
}

static void a_channel_that_is_not_there_is_missing(void **state)
{
    (void)state;
    struct template *t = compile("{\"sms\":{\"text\":\"{{a}}\"}}");
    struct rendered r = render(t, CHANNEL_PUSH, (struct setting){0});
    assert_int_equal(r.err, ERR_MISSING);
    arena_done(&r.arena);
    r = render(t, CHANNEL_SMS, (struct setting){0});
    assert_int_equal(r.err, OK);
    assert_text(r.content.text, ""); /* there, and empty */
    arena_done(&r.arena);
    template_free(t);
}

static void what_is_in_scope(void **state)
{
    (void)state;
    struct setting with = {
        .data = "{\"order\":{\"id\":42},\"x\":\"common\"}",
        .user_id = "u1",
        .user_locale = "ko-KR",
        .attributes = "{\"name\":\"Kim\"}",
        .unsubscribe_url = "https://x.example/u/1",
    };
    assert_sms("{{order.id}} {{data.order.id}}", with, "42 42");
    assert_sms("{{user.id}} {{user.locale}} {{user.attributes.name}}", with, "u1 ko-KR Kim");
    assert_sms("{{unsubscribe_url}}", with, "https://x.example/u/1");
    assert_sms("{{#user}}{{id}}{{/user}}{{^user}}nobody{{/user}}", (struct setting){0}, "nobody");
    with.overlay = "{\"x\":\"own\",\"order\":{\"n\":1}}";
    assert_sms("{{x}} {{data.x}}", with, "own own");
    assert_sms("[{{order.id}}] {{order.n}}", with, "[] 1"); /* replaced, not merged */
    with.overlay = "{\"y\":1}";
    assert_sms("{{x}} {{y}} {{data.x}} {{data.y}}", with, "common 1 common 1");
    with.data = NULL;
    assert_sms("{{y}}{{data.y}}{{x}}", with, "11");
    with.overlay = "{\"user\":{\"id\":\"theirs\"}}";
    assert_sms("{{user.id}}", with, "theirs");
}

static void locales_fall_back_member_by_member(void **state)
{
    (void)state;
    struct template *t = compile(
        "{\"push\":{\"title\":\"en\",\"body\":\"en\",\"url\":\"u\",\"data\":{\"l\":\"en\",\"m\":"
        "\"1\"}},\"sms\":{\"text\":\"en\"},\"locales\":{"
        "\"ko\":{\"push\":{\"title\":\"ko\",\"body\":\"ko\",\"data\":{\"l\":\"ko\"}}},"
        "\"ko-KR\":{\"push\":{\"title\":\"ko-KR\"}},"
        "\"zh-Hant\":{\"push\":{\"title\":\"zh-Hant\"}}}}");
    static const struct {
        const char *locale, *title, *body, *data;
    } rows[] = {
        {NULL, "en", "en", "en"},
        {"fr", "en", "en", "en"},
        {"ko", "ko", "ko", "ko"},
        {"ko-KP", "ko", "ko", "ko"},
        {"ko-KR", "ko-KR", "ko", "ko"},
        {"KO-kr", "ko-KR", "ko", "ko"},
        {"ko-KR-x-a", "ko-KR", "ko", "ko"},
        {"zh-Hant-TW", "zh-Hant", "en", "en"},
        {"zh", "en", "en", "en"},
        {"", "en", "en", "en"},
        {"-", "en", "en", "en"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct setting with = {.locale = rows[i].locale};
        struct rendered r = render(t, CHANNEL_PUSH, with);
        assert_text(r.content.title, rows[i].title);
        assert_text(r.content.body, rows[i].body);
        assert_text(r.content.url, "u");
        assert_text(json_get(r.content.data, STR("l"))->text, rows[i].data);
        assert_int_equal(r.content.data->count, strcmp(rows[i].data, "en") == 0 ? 2 : 1);
        arena_done(&r.arena);
        r = render(t, CHANNEL_SMS, with);
        assert_text(r.content.text, "en");
        arena_done(&r.arena);
    }
    template_free(t);
}

static void shortening_a_locale(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } rows[] = {
        {"zh-Hant-TW", "zh-Hant"}, {"ko-KR", "ko"}, {"ko", NULL}, {"en-u-ca-buddhist", "en-u-ca"},
        {"en-u-ca", "en"},         {"", NULL},      {"-", NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str locale = str_of(rows[i].from);
        assert_int_equal(locale_shorten(&locale), rows[i].to != NULL);
        if (rows[i].to)
            assert_text(locale, rows[i].to);
    }
}

static void partials_stand_for_the_same_text_of_another_template(void **state)
{
    (void)state;
    struct included included = {
        .header = compile("{\"sms\":{\"text\":\"H-sms {{a}}\"},\"push\":{\"title\":\"H-title\","
                          "\"data\":{\"k\":\"H-k\"}},"
                          "\"email\":{\"subject\":\"H-subject\",\"html\":\"<h1>{{a}}</h1>\"},"
                          "\"locales\":{\"ko\":{\"sms\":{\"text\":\"H-ko\"}}}}"),
        .loop = compile("{\"sms\":{\"text\":\"{{>loop}}\"}}"),
    };
    struct template *t =
        compile("{\"sms\":{\"text\":\"{{>header}}|{{>missing}}\"},"
                "\"push\":{\"title\":\"{{>header}}\",\"body\":\"[{{>header}}]\","
                "\"data\":{\"k\":\"{{>header}}\",\"z\":\"{{>header}}\"}},"
                "\"email\":{\"subject\":\"{{>header}}\",\"html\":\"{{>header}}{{a}}\"}}");
    struct setting with = {.data = "{\"a\":\"<\"}", .included = &included};
    struct rendered r = render(t, CHANNEL_SMS, with);
    assert_text(r.content.text, "H-sms <|");
    arena_done(&r.arena);
    r = render(t, CHANNEL_PUSH, with);
    assert_text(r.content.title, "H-title");
    assert_text(r.content.body, "[]");
    assert_text(json_get(r.content.data, STR("k"))->text, "H-k");
    assert_text(json_get(r.content.data, STR("z"))->text, "");
    arena_done(&r.arena);
    r = render(t, CHANNEL_EMAIL, with);
    assert_text(r.content.subject, "H-subject");
    assert_text(r.content.html, "<h1>&lt;</h1>&lt;");
    arena_done(&r.arena);
    with.locale = "ko-KR";
    r = render(t, CHANNEL_SMS, with);
    assert_text(r.content.text, "H-ko|");
    arena_done(&r.arena);
    r = render(included.loop, CHANNEL_SMS, with);
    assert_int_equal(r.err, ERR_INPUT);
    arena_done(&r.arena);
    template_free(t);
    template_free(included.header);
    template_free(included.loop);
}

static void strict_templates_want_their_data(void **state)
{
    (void)state;
    struct template *t = compile(
        "{\"strict\":true,\"sms\":{\"text\":\"{{a}}{{user.attributes.n}}{{unsubscribe_url}}\"},"
        "\"email\":{\"subject\":\"{{b.c}}\",\"text\":\"x\"},"
        "\"locales\":{\"ko\":{\"sms\":{\"text\":\"{{a}}{{only_ko}}\"}}}}");
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct why why;
    static const struct {
        const char *data, *overlay;
        unsigned channels;
        const char *why;
    } rows[] = {
        {"{\"a\":1,\"only_ko\":1}", NULL, 1 << CHANNEL_SMS, NULL},
        {"{\"a\":1,\"only_ko\":1}", NULL, 1 << CHANNEL_PUSH | 1 << CHANNEL_SMS, NULL},
        {"{\"only_ko\":1}", "{\"a\":null}", 1 << CHANNEL_SMS, NULL},
        {"{\"only_ko\":1}", NULL, 1 << CHANNEL_SMS, "the variable \"a\" is missing"},
        {"{\"a\":1}", NULL, 1 << CHANNEL_SMS, "the variable \"only_ko\" is missing"},
        {NULL, NULL, 1 << CHANNEL_EMAIL, "the variable \"b.c\" is missing"},
        {"{\"b\":{\"c\":1}}", NULL, 1 << CHANNEL_EMAIL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct setting with = {.data = rows[i].data, .overlay = rows[i].overlay};
        struct template_scope scope = scope_of(&with, &arena);
        enum err err = template_check_data(t, rows[i].channels, &scope, &why);
        assert_int_equal(err, rows[i].why ? ERR_INPUT : OK);
        if (rows[i].why)
            assert_string_equal(why.text, rows[i].why);
    }
    arena_done(&arena);
    struct rendered r = render(t, CHANNEL_SMS, (struct setting){.data = "{}"});
    assert_int_equal(r.err, ERR_INPUT);
    arena_done(&r.arena);
    template_free(t);
    t = compile("{\"sms\":{\"text\":\"{{a}}\"}}");
    struct template_scope nothing = {0};
    assert_int_equal(template_check_data(t, 7, &nothing, NULL), OK);
    template_free(t);
}

static void a_small_arena_is_an_answer(void **state)
{
    (void)state;
    struct template *t = compile(whole);
    struct arena inputs;
    arena_init(&inputs, 1 << 20);
    struct setting with = {.data = "{\"a\":1}", .overlay = "{\"b\":2}"};
    struct template_scope scope = scope_of(&with, &inputs);
    bool done = false;
    for (size_t max = 0; max < 8192 && !done; max += 16) {
        struct arena arena;
        arena_init(&arena, max);
        struct content content;
        struct why why = {""};
        enum err err = template_render(t, CHANNEL_PUSH, &scope, &arena, &content, &why);
        assert_true(err == OK || err == ERR_MEMORY);
        done = err == OK;
        arena_done(&arena);
    }
    assert_true(done);
    arena_done(&inputs);
    template_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_point_at_their_place),
        cmocka_unit_test(every_fault_is_listed),
        cmocka_unit_test(size_is_bounded),
        cmocka_unit_test(it_knows_its_channels_and_what_it_includes),
        cmocka_unit_test(each_channel_gets_its_own),
        cmocka_unit_test(a_channel_that_is_not_there_is_missing),
        cmocka_unit_test(what_is_in_scope),
        cmocka_unit_test(locales_fall_back_member_by_member),
        cmocka_unit_test(shortening_a_locale),
        cmocka_unit_test(partials_stand_for_the_same_text_of_another_template),
        cmocka_unit_test(strict_templates_want_their_data),
        cmocka_unit_test(a_small_arena_is_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
