/* The template language, tag by tag; what is refused, and what bounds a hostile template. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "core/mustache.h"
#include "model/limits.h"

static const struct json_limits limits = {.depth_max = 64, .values_max = 200000};

/* Named partials of a row: "name=text" each, compiled when asked for. */
struct partials {
    struct arena *arena;
    const char *const *list; /* closed by NULL */
};

static const struct mustache *find_partial(void *ctx, struct str name)
{
    const struct partials *partials = ctx;
    for (const char *const *at = partials->list; at && *at; at++) {
        struct str text = str_of(*at), found = str_cut(&text, '=');
        const struct mustache *tree;
        struct mustache_fault fault;
        if (!str_eq(found, name))
            continue;
        assert_int_equal(mustache_compile(text, partials->arena, &tree, &fault), OK);
        return tree;
    }
    return NULL;
}

struct options {
    bool plain, strict;
    const char *lenient;
    const char *const *partials;
    size_t bytes_max;
};

/* The rendered text, in `out`, or the error's sentence in `why`. */
static enum err render(const char *template, const char *data, const struct options *options,
                       struct buf *out, struct why *why)
{
    struct arena arena;
    arena_init(&arena, 64 << 20);
    const struct json *root;
    struct json_fault json_fault;
    assert_int_equal(json_parse(str_of(data), &limits, &arena, &root, &json_fault), OK);
    const struct mustache *tree;
    struct mustache_fault fault;
    assert_int_equal(mustache_compile(str_of(template), &arena, &tree, &fault), OK);
    struct partials partials = {.arena = &arena, .list = options->partials};
    struct str lenient = str_of(options->lenient);
    struct mustache_view view = {
        .contexts = &root,
        .context_count = 1,
        .escape = !options->plain,
        .strict = options->strict,
        .lenient = &lenient,
        .lenient_count = options->lenient != NULL,
        .partial = find_partial,
        .partial_ctx = &partials,
    };
    buf_init(out, options->bytes_max ? options->bytes_max : 1 << 20);
    enum err err = mustache_render(tree, &view, out, why);
    arena_done(&arena);
    return err;
}

static void assert_renders(const char *template, const char *data, const struct options *options,
                           const char *want)
{
    struct buf out;
    struct why why = {""};
    enum err err = render(template, data, options, &out, &why);
    if (err)
        fail_msg("%s: %s", template, why.text);
    if (!str_eq(buf_str(&out), str_of(want)))
        fail_msg("%s with %s: got [%.*s], want [%s]", template, data, STR_ARG(buf_str(&out)), want);
    buf_done(&out);
}

struct row {
    const char *template, *data, *want;
};

static void run(const struct row *rows, size_t count, const struct options *options)
{
    for (size_t i = 0; i < count; i++)
        assert_renders(rows[i].template, rows[i].data, options, rows[i].want);
}
#define RUN(rows, options) run((rows), sizeof(rows) / sizeof *(rows), (options))

static const struct options none = {0};

static void variables_and_their_escapes(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"plain", "{}", "plain"},
        {"", "{}", ""},
        {"{{a}}", "{\"a\":\"x\"}", "x"},
        {"{{ a }}{{\n a\t}}", "{\"a\":\"x\"}", "xx"},
        {"{{a}}|{{{a}}}|{{&a}}|{{& a }}|{{{ a }}}", "{\"a\":\"<&>\\\"'\"}",
         "&lt;&amp;&gt;&quot;&#39;|<&>\"'|<&>\"'|<&>\"'|<&>\"'"},
        {"{{n}} {{f}} {{e}}", "{\"n\":-5,\"f\":1.50,\"e\":1E+2}", "-5 1.50 1E+2"},
        {"{{t}} {{f}} [{{z}}]", "{\"t\":true,\"f\":false,\"z\":null}", "true false []"},
        {"[{{missing}}] [{{a.b}}]", "{\"a\":1}", "[] []"},
        {"{{a}} {{{o}}}", "{\"a\":[1, \"x\"],\"o\":{\"k\":1}}", "[1, &quot;x&quot;] {\"k\":1}"},
        {"{{a.b.c}}", "{\"a\":{\"b\":{\"c\":\"deep\"}}}", "deep"},
        {"Hi, {{.}}!", "\"world\"", "Hi, world!"},
        {"{{a}}}", "{\"a\":1}", "1}"},
        {"{ {a} }{{a}}", "{\"a\":1}", "{ {a} }1"},
        {"\xea\xb0\x80 {{\xeb\x82\x98}}", "{\"\xeb\x82\x98\":\"\xeb\x8b\xa4\"}",
         "\xea\xb0\x80 \xeb\x8b\xa4"},
    };
    RUN(rows, &none);
    static const struct row plain[] = {{"{{a}}{{{a}}}", "{\"a\":\"<&>\"}", "<&><&>"}};
    RUN(plain, &(struct options){.plain = true});
}

static void sections(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{{#a}}yes{{/a}}{{^a}}no{{/a}}", "{\"a\":true}", "yes"},
        {"{{#a}}yes{{/a}}{{^a}}no{{/a}}", "{\"a\":false}", "no"},
        {"{{#a}}yes{{/a}}{{^a}}no{{/a}}", "{\"a\":null}", "no"},
        {"{{#a}}yes{{/a}}{{^a}}no{{/a}}", "{}", "no"},
        {"{{#a}}yes{{/a}}{{^a}}no{{/a}}", "{\"a\":[]}", "no"},
        {"{{#a}}yes{{/a}}{{^a}}no{{/a}}", "{\"a\":{}}", "yes"},
        {"{{#a}}yes{{/a}}{{^a}}no{{/a}}", "{\"a\":\"\"}", "no"},
        {"{{#a}}yes{{/a}}{{^a}}no{{/a}}", "{\"a\":\"0\"}", "yes"},
        {"{{#a}}yes{{/a}}{{^a}}no{{/a}}", "{\"a\":0}", "no"},
        {"{{#a}}yes{{/a}}{{^a}}no{{/a}}", "{\"a\":-0.00e5}", "no"},
        {"{{#a}}yes{{/a}}{{^a}}no{{/a}}", "{\"a\":0.01}", "yes"},
        {"{{#a}}{{b}}{{/a}}", "{\"a\":{\"b\":1},\"b\":2}", "1"},
        {"{{#a}}{{c}}{{/a}}", "{\"a\":{\"b\":1},\"c\":2}", "2"},
        {"{{#a}}({{.}}){{/a}}", "{\"a\":[1,\"x\",2.0]}", "(1)(x)(2.0)"},
        {"{{#a}}({{.}}){{/a}}", "{\"a\":\"once\"}", "(once)"},
        {"{{#a}}({{#.}}{{.}}{{/.}}){{/a}}", "{\"a\":[[1,2],[3]]}", "(12)(3)"},
        {"{{#.}}{{v}}{{/.}}", "[{\"v\":1},{\"v\":2}]", "12"},
        {"{{#a}}{{n}} {{/a}}", "{\"a\":[{\"n\":\"p\"},{\"n\":\"q\"}]}", "p q "},
        {"{{#a.b}}{{c}}{{/a.b}}", "{\"a\":{\"b\":{\"c\":9}}}", "9"},
        {"{{#a}}{{b.c}}{{/a}}", "{\"a\":{\"b\":{}},\"b\":{\"c\":\"outer\"}}", ""},
        {"{{#a}}{{#a}}{{x}}{{/a}}{{/a}}", "{\"a\":{\"x\":1}}", "1"},
        {"{{^a}}{{b}}{{/a}}", "{\"b\":\"in\"}", "in"},
        {"{{# a }}x{{/ a }}", "{\"a\":1}", "x"},
    };
    RUN(rows, &none);
}

static void tags_alone_on_their_line_take_it_with_them(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a\n{{#b}}\nc\n{{/b}}\nd\n", "{\"b\":true}", "a\nc\nd\n"},
        {"a\r\n{{#b}}\r\nc\r\n{{/b}}\r\nd", "{\"b\":true}", "a\r\nc\r\nd"},
        {" \t{{#b}} \t\nc\n  {{/b}}", "{\"b\":true}", "c\n"},
        {"{{#b}}\n{{/b}}\nx", "{\"b\":true}", "x"},
        {"a {{#b}}\nc\n{{/b}} d", "{\"b\":true}", "a \nc\n d"},
        {"a\n{{! comment }}\nb", "{}", "a\nb"},
        {"a\n  {{! two\nlines }}  \nb", "{}", "a\nb"},
        {"a {{! inline }} b", "{}", "a  b"},
        {"a\n{{=<% %>=}}\n<%x%>{{x}}", "{\"x\":1}", "a\n1{{x}}"},
        {"a\n{{x}}\nb", "{\"x\":\"\"}", "a\n\nb"},
        {"{{#b}}{{! two on a line }}\n{{/b}}", "{\"b\":true}", "\n"},
        {"\r{{! a lone CR ends no line }}\rx", "{}", "\r\rx"},
    };
    RUN(rows, &none);
}

static void delimiters_change_until_they_change_again(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{{=| |=}}|x| {{x}} |={{ }}=|{{x}}", "{\"x\":1}", "1 {{x}} 1"},
        {"{{= <% %> =}}<%#a%><%x%><%={{ }}=%>{{/a}}{{x}}", "{\"a\":[1,2],\"x\":3}", "333"},
        {"{{=<% %>=}}<%{x}%><%&x%>", "{\"x\":\"<\"}", "<<"},
        {"{{=@ @=}}@x@", "{\"x\":1}", "1"},
    };
    RUN(rows, &none);
}

static void partials(void **state)
{
    (void)state;
    static const char *const list[] = {"p=[{{x}}]",
                                       "lines=1\n2\n",
                                       "open=1\n2",
                                       "nest={{>p}}!",
                                       "indent=a\n {{>lines}}\nb\n",
                                       "var=|\n{{x}}\n|\n",
                                       "sec={{#l}}\n{{.}}\n{{/l}}\n",
                                       "html=<{{x}}>",
                                       "tree={{x}}{{#c}}<{{>tree}}>{{/c}}",
                                       "inline=- {{>open}} -\n",
                                       "delim={{=| |=}}|x|",
                                       NULL};
    static const struct row rows[] = {
        {"{{>p}} {{> p }}", "{\"x\":1}", "[1] [1]"},
        {"a{{>missing}}b", "{}", "ab"},
        {"{{>nest}}", "{\"x\":1}", "[1]!"},
        {"x\n  {{>lines}}\ny", "{}", "x\n  1\n  2\ny"},
        {"  {{>open}}\ny", "{}", "  1\n  2y"},
        {"z {{>lines}}", "{}", "z 1\n2\n"},
        {"  {{>lines}} z", "{}", "  1\n2\n z"},
        {"  {{>indent}}", "{}", "  a\n   1\n   2\n  b\n"},
        {" {{>var}}", "{\"x\":\"p\\nq\"}", " |\n p\nq\n |\n"}, /* values are not moved in */
        {" {{>sec}}", "{\"l\":[1,2]}", " 1\n 2\n"},
        {"  {{>inline}}", "{}", "  - 1\n2 -\n"},
        {"{{>html}}", "{\"x\":\"&\"}", "<&amp;>"},
        {"{{>tree}}", "{\"x\":1,\"c\":[{\"x\":2,\"c\":[]},{\"x\":3,\"c\":[]}]}", "1<2><3>"},
        {"{{>delim}}{{x}}", "{\"x\":1}", "11"},
        {"{{=| |=}}|>p|", "{\"x\":1}", "[1]"},
    };
    RUN(rows, &(struct options){.partials = list});
}

static void syntax_errors_have_line_and_column(void **state)
{
    (void)state;
    static const struct {
        const char *template;
        unsigned line, column;
        const char *why;
    } rows[] = {
        {"a {{b", 1, 3, "the tag is not closed: \"}}\" is missing"},
        {"a {{{b}}", 1, 3, "the tag is not closed: \"}}}\" is missing"},
        {"{{=<% %>}}", 1, 1, "the tag is not closed: \"=}}\" is missing"},
        {"x\n {{#a}}b", 2, 2, "the section \"a\" is not closed"},
        {"{{#a}}{{^b}}{{/b}}", 1, 1, "the section \"a\" is not closed"},
        {"{{/a}}", 1, 1, "the section \"a\" is closed but not open"},
        {"{{#a}}\n{{/b}}", 2, 1, "\"b\" is closed, but the open section is \"a\""},
        {"{{#a}}{{#b}}{{/a}}{{/b}}", 1, 13, "\"a\" is closed, but the open section is \"b\""},
        {"\xea\xb0\x80\xeb\x82\x98{{}}", 1, 3, "the tag has no name"},
        {"{{#}}{{/}}", 1, 1, "the tag has no name"},
        {"{{> }}", 1, 1, "the tag has no name"},
        {"{{a b}}", 1, 1, "the name \"a b\" may not hold spaces"},
        {"{{#if x}}", 1, 1, "the name \"if x\" may not hold spaces"},
        {"{{a..b}}", 1, 1, "the name \"a..b\" has an empty part"},
        {"{{.a}}", 1, 1, "the name \".a\" has an empty part"},
        {"{{a.}}", 1, 1, "the name \"a.\" has an empty part"},
        {"{{<a}}", 1, 1, "a name may not begin with '<'"},
        {"{{$a}}{{/a}}", 1, 1, "a name may not begin with '$'"},
        {"{{>*a}}", 1, 1, "a name may not begin with '*'"},
        {"{{=<%=}}", 1, 1, "delimiters are two marks with a space between, without '='"},
        {"{{=a b c=}}", 1, 1, "delimiters are two marks with a space between, without '='"},
        {"{{=a= b=}}", 1, 1, "delimiters are two marks with a space between, without '='"},
        {"{{= =}}", 1, 1, "delimiters are two marks with a space between, without '='"},
        {"{{=12345678901234567 b=}}", 1, 1, "a delimiter may have 16 bytes at most"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena;
        arena_init(&arena, 1 << 20);
        const struct mustache *tree;
        struct mustache_fault fault = {0};
        assert_int_equal(mustache_compile(str_of(rows[i].template), &arena, &tree, &fault),
                         ERR_INPUT);
        assert_string_equal(fault.why.text, rows[i].why);
        assert_int_equal(fault.line, rows[i].line);
        assert_int_equal(fault.column, rows[i].column);
        arena_done(&arena);
    }
}

static void strict_names_the_first_that_is_missing(void **state)
{
    (void)state;
    static const struct {
        const char *template, *why;
    } rows[] = {
        {"{{a}}{{n}}{{#no}}{{x}}{{/no}}{{^no}}{{a}}{{/no}}", NULL},
        {"{{a}}{{b.c}}{{d}}", "the variable \"b.c\" is missing"},
        {"{{a.b}}", "the variable \"a.b\" is missing"},
        {"{{{b}}}", "the variable \"b\" is missing"},
        {"{{#l}}{{x}}{{/l}}", "the variable \"x\" is missing"},
        {"{{>p}}", "the partial \"p\" is missing"},
        {"{{user.name}}{{user}}", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out;
        struct why why = {""};
        enum err err = render(rows[i].template, "{\"a\":1,\"n\":null,\"l\":[{\"y\":1}]}",
                              &(struct options){.strict = true, .lenient = "user"}, &out, &why);
        assert_int_equal(err, rows[i].why ? ERR_INPUT : OK);
        assert_string_equal(why.text, rows[i].why ? rows[i].why : "");
        buf_done(&out);
    }
}

static void what_it_uses_and_includes(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    const struct mustache *tree;
    struct mustache_fault fault;
    struct str text = STR("{{#a.user}}{{>p}}{{/a.user}}{{^user}}{{>q}}{{/user}}{{.}}{{>p}}");
    assert_int_equal(mustache_compile(text, &arena, &tree, &fault), OK);
    assert_true(mustache_uses(tree, STR("user")));
    assert_true(mustache_uses(tree, STR("a")));
    assert_false(mustache_uses(tree, STR("p")));
    assert_false(mustache_uses(tree, STR("use")));
    uint32_t at = 0;
    assert_true(str_eq(mustache_partial(tree, &at), STR("p")));
    assert_true(str_eq(mustache_partial(tree, &at), STR("q")));
    assert_true(str_eq(mustache_partial(tree, &at), STR("p")));
    assert_null(mustache_partial(tree, &at).at);
    arena_done(&arena);
}

static void the_stack_is_searched_from_its_inner_end(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    const struct json *outer, *inner;
    const struct mustache *tree;
    struct mustache_fault fault;
    assert_int_equal(json_parse(STR("{\"a\":1,\"b\":2}"), &limits, &arena, &outer, NULL), OK);
    assert_int_equal(json_parse(STR("{\"b\":3}"), &limits, &arena, &inner, NULL), OK);
    assert_int_equal(mustache_compile(STR("{{a}}{{b}}"), &arena, &tree, &fault), OK);
    const struct json *contexts[] = {outer, inner, NULL};
    struct buf out;
    buf_init(&out, 100);
    struct mustache_view view = {.contexts = contexts, .context_count = 3};
    assert_int_equal(mustache_render(tree, &view, &out, NULL), OK);
    assert_true(str_eq(buf_str(&out), STR("13")));
    buf_done(&out);
    arena_done(&arena);
}

static void hostile_templates_come_to_an_end(void **state)
{
    (void)state;
    static const char *const list[] = {"self=x{{>self}}", "twice={{>twice}}{{>twice}}",
                                       "ping={{>pong}}", "pong={{>ping}}", NULL};
    static const struct {
        const char *template, *data;
        size_t bytes_max;
        enum err err;
    } rows[] = {
        {"{{>self}}", "{}", 0, ERR_INPUT},
        {"{{>twice}}", "{}", 0, ERR_INPUT},
        {"{{>ping}}", "{}", 0, ERR_INPUT},
        {"{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{/a}}{{/a}}{{/a}}{{/a}}{{/a}}{{/a}}"
         "{{/a}}{{/a}}",
         "{\"a\":[1,2,3,4,5,6,7,8,9,10]}", 0, ERR_LIMIT},
        {"12345{{a}}", "{\"a\":\"67890\"}", 9, ERR_LIMIT},
        {"12345{{a}}", "{\"a\":\"67890\"}", 10, OK},
        {"{{a}}", "{\"a\":\"<<\"}", 7, ERR_LIMIT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out;
        struct why why = {""};
        struct options options = {.partials = list, .bytes_max = rows[i].bytes_max};
        assert_int_equal(render(rows[i].template, rows[i].data, &options, &out, &why), rows[i].err);
        assert_true((why.text[0] == '\0') == (rows[i].err == OK));
        buf_done(&out);
    }
}

static void sections_nest_so_far_and_no_further(void **state)
{
    (void)state;
    for (int depth = SECTION_DEPTH_MAX; depth <= SECTION_DEPTH_MAX + 1; depth++) {
        struct buf text;
        struct arena arena;
        buf_init(&text, 1 << 20);
        arena_init(&arena, 1 << 20);
        for (int i = 0; i < depth; i++)
            buf_add(&text, STR("{{#a}}"));
        for (int i = 0; i < depth; i++)
            buf_add(&text, STR("{{/a}}"));
        const struct mustache *tree;
        struct mustache_fault fault;
        assert_int_equal(mustache_compile(buf_str(&text), &arena, &tree, &fault),
                         depth > SECTION_DEPTH_MAX ? ERR_INPUT : OK);
        arena_done(&arena);
        buf_done(&text);
    }
}

static void looking_through_large_objects_is_work(void **state)
{
    (void)state;
    struct buf data, text, out;
    struct why why = {""};
    buf_init(&data, 8 << 20);
    buf_init(&text, 8 << 20);
    buf_add(&data, STR("{\"k\":1"));
    for (unsigned i = 0; i < 50000; i++)
        buf_printf(&data, ",\"m%u\":1", i);
    buf_add(&data, STR("}"));
    buf_add_char(&data, '\0');
    for (int i = 0; i < 50000; i++)
        buf_add(&text, STR("{{x}}"));
    buf_add_char(&text, '\0');
    assert_int_equal(render(text.at, data.at, &none, &out, &why), ERR_LIMIT);
    buf_done(&out);
    assert_int_equal(render("{{k}}{{m49999}}", data.at, &none, &out, &why), OK);
    buf_done(&out);
    buf_done(&text);
    buf_done(&data);
}

static void a_small_arena_is_an_answer(void **state)
{
    (void)state;
    bool whole = false;
    for (size_t max = 0; max < 8192 && !whole; max += 16) {
        struct arena arena;
        arena_init(&arena, max);
        const struct mustache *tree;
        struct mustache_fault fault;
        enum err err =
            mustache_compile(STR("{{a.b}}{{#c}}{{d.e.f}}\n{{>p}}\n{{/c}}"), &arena, &tree, &fault);
        assert_true(err == OK || err == ERR_MEMORY);
        whole = err == OK;
        arena_done(&arena);
    }
    assert_true(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_and_their_escapes),
        cmocka_unit_test(sections),
        cmocka_unit_test(tags_alone_on_their_line_take_it_with_them),
        cmocka_unit_test(delimiters_change_until_they_change_again),
        cmocka_unit_test(partials),
        cmocka_unit_test(syntax_errors_have_line_and_column),
        cmocka_unit_test(strict_names_the_first_that_is_missing),
        cmocka_unit_test(what_it_uses_and_includes),
        cmocka_unit_test(the_stack_is_searched_from_its_inner_end),
        cmocka_unit_test(hostile_templates_come_to_an_end),
        cmocka_unit_test(sections_nest_so_far_and_no_further),
        cmocka_unit_test(looking_through_large_objects_is_work),
        cmocka_unit_test(a_small_arena_is_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
