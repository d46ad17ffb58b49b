/* The JSON reader and writer: what is refused and where, what is kept, what is equal. Agreement
 * with jansson on random documents and on their mutations, numbers out of its range apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/rng.h"
#include "json_oracle.h"

static const struct json_limits limits = {.depth_max = 64, .values_max = 200000};

struct parsed {
    struct arena arena;
    const struct json *root; /* NULL if refused */
    struct json_fault fault;
    enum err err;
};

static struct parsed parse_str(struct str text)
{
    struct parsed p = {0};
    arena_init(&p.arena, 64 << 20);
    p.err = json_parse(text, &limits, &p.arena, &p.root, &p.fault);
    return p;
}

static struct parsed parse(const char *text)
{
    return parse_str(str_of(text));
}

static void assert_str(struct str got, const char *want)
{
    assert_int_equal(got.len, strlen(want));
    assert_memory_equal(got.at, want, got.len);
}

static void values_come_back_as_written(void **state)
{
    (void)state;
    struct parsed p = parse(" {\"s\":\"a\\u00e9\\n\\ud83d\\ude00\\/\",\"n\":-1.50e+2,\"t\":true,"
                            "\"f\":false,\"z\":null,\"a\":[1,[],{}],\"\":\"\"} ");
    assert_int_equal(p.err, OK);
    assert_int_equal(p.root->type, JSON_OBJECT);
    assert_int_equal(p.root->count, 7);
    assert_str(json_get(p.root, STR("s"))->text, "a\xc3\xa9\n\xf0\x9f\x98\x80/");
    assert_str(json_get(p.root, STR("s"))->raw, "\"a\\u00e9\\n\\ud83d\\ude00\\/\"");
    assert_str(json_get(p.root, STR("n"))->text, "-1.50e+2");
    assert_true(json_is(json_get(p.root, STR("t")), JSON_TRUE));
    assert_true(json_is(json_get(p.root, STR("f")), JSON_FALSE));
    assert_true(json_is(json_get(p.root, STR("z")), JSON_NULL));
    const struct json *array = json_get(p.root, STR("a"));
    assert_int_equal(array->count, 3);
    assert_str(array->raw, "[1,[],{}]");
    assert_int_equal(array->items[1].count, 0);
    assert_true(json_is(json_get(p.root, STR("")), JSON_STRING));
    assert_non_null(json_get(p.root, STR(""))->text.at);
    assert_null(json_get(p.root, STR("missing")));
    assert_null(json_get(array, STR("a")));
    assert_null(json_get(NULL, STR("a")));
    arena_done(&p.arena);
}

static void strings_without_escapes_are_views(void **state)
{
    (void)state;
    const char *text = "[\"plain \xea\xb0\x80\"]";
    struct parsed p = parse(text);
    assert_ptr_equal(p.root->items[0].text.at, text + 2);
    arena_done(&p.arena);
}

static void faults_name_place_and_cause(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line, column;
        const char *why;
    } rows[] = {
        {"", 1, 1, "expected a value but the text ends"},
        {"{\"a\":1 x}", 1, 8, "expected ',' or '}' but found \"x\""},
        {"[1 2]", 1, 4, "expected ',' or ']' but found \"2\""},
        {"[1,]", 1, 4, "expected a value but found \"]\""},
        {"{,}", 1, 2, "expected a name or '}' but found \",\""},
        {"{\"a\":1,}", 1, 8, "expected a name but found \"}\""},
        {"{\"a\" 1}", 1, 6, "expected ':' but found \"1\""},
        {"{\n \"a\": 1,\n \"a\": 2}", 3, 2, "the member \"a\" stands twice in one object"},
        {"{} {}", 1, 4, "expected the end of the text but found \"{\""},
        {"01", 1, 2, "expected the end of the text but found \"1\""},
        {"-", 1, 2, "expected a digit but the text ends"},
        {"1.", 1, 3, "expected a digit but the text ends"},
        {"1e+", 1, 4, "expected a digit but the text ends"},
        {"1e0001234567890", 1, 6, "an exponent has more than 9 digits"},
        {"+1", 1, 1, "expected a value but found \"+\""},
        {"nul", 1, 1, "expected a value but found \"n\""},
        {"NaN", 1, 1, "expected a value but found \"N\""},
        {"\"abc", 1, 5, "a string is not closed"},
        {"\"a\tb\"", 1, 3, "a control character 0x09 in a string must be escaped"},
        {"\"\\x\"", 1, 3, "expected one of \"\\/bfnrtu behind a backslash but found \"x\""},
        {"\"\\u12g4\"", 1, 6, "expected four hexadecimal digits but found \"g\""},
        {"\"\\u0000\"", 1, 2, "a string may not hold U+0000"},
        {"\"\\ud800\"", 1, 2, "a surrogate stands alone"},
        {"\"\\ud800\\u0041\"", 1, 2, "a surrogate stands alone"},
        {"\"\\udc00\\ud800\"", 1, 2, "a surrogate stands alone"},
        {"\"\xc0\x80\"", 1, 2, "a string holds bytes that are not UTF-8"},
        {"\"1234567\xed\xa0\x80\"", 1, 9, "a string holds bytes that are not UTF-8"},
        {"\"\xf4\x90\x80\x80\"", 1, 2, "a string holds bytes that are not UTF-8"},
        {"[\x01]", 1, 2, "expected a value but found byte 0x01"},
        {"[\xff]", 1, 2, "expected a value but found byte 0xff"},
        {"[\xea\xb0\x80]", 1, 2, "expected a value but found \"\xea\xb0\x80\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct parsed p = parse(rows[i].text);
        assert_int_equal(p.err, ERR_INPUT);
        assert_string_equal(p.fault.why.text, rows[i].why);
        assert_int_equal(p.fault.line, rows[i].line);
        assert_int_equal(p.fault.column, rows[i].column);
        arena_done(&p.arena);
    }
}

static void a_fault_has_its_offset_and_an_absent_text_is_empty(void **state)
{
    (void)state;
    struct parsed p = parse("[1,\n2 3]");
    assert_int_equal(p.fault.offset, 6);
    arena_done(&p.arena);
    p = parse_str(STR_NONE);
    assert_int_equal(p.err, ERR_INPUT);
    arena_done(&p.arena);
    p = parse_str((struct str){"[\0]", 3});
    assert_int_equal(p.err, ERR_INPUT);
    assert_int_equal(p.fault.offset, 1);
    arena_done(&p.arena);
}

static void depth_and_values_are_bounded(void **state)
{
    (void)state;
    static const struct json_limits few = {.depth_max = 3, .values_max = 5};
    static const struct {
        const char *text;
        enum err err;
    } rows[] = {
        {"[[[1]]]", OK},
        {"[[[[1]]]]", ERR_LIMIT},
        {"{\"a\":{\"a\":{\"a\":{}}}}", ERR_LIMIT},
        {"[1,2,3,4]", OK},
        {"[1,2,3,4,5]", ERR_LIMIT},
        {"{\"a\":1,\"b\":[1,2]}", OK},
        {"{\"a\":1,\"b\":[1,2],\"c\":1}", ERR_LIMIT},
        {"[[],[],[[]]]", OK}, /* siblings do not add up */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena;
        arena_init(&arena, 1 << 20);
        const struct json *root;
        struct json_fault fault;
        assert_int_equal(json_parse(str_of(rows[i].text), &few, &arena, &root, &fault),
                         rows[i].err);
        arena_done(&arena);
    }
    char deep[100001];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    struct parsed p = parse(deep);
    assert_int_equal(p.err, ERR_LIMIT);
    arena_done(&p.arena);
}

static void a_small_arena_is_an_answer(void **state)
{
    (void)state;
    const char *text = "{\"a\":[1,2,{\"b\":\"\\n\\u00e9 and more\"}],\"c\":{\"d\":[[]]}}";
    bool whole = false;
    for (size_t max = 0; max < 4096 && !whole; max += 16) {
        struct arena arena;
        arena_init(&arena, max);
        const struct json *root;
        enum err err = json_parse(str_of(text), &limits, &arena, &root, NULL);
        assert_true(err == OK || err == ERR_MEMORY);
        whole = err == OK;
        arena_done(&arena);
    }
    assert_true(whole);
}

/* {"k0":0,"k1":1,...} with `count` members, the last one named `last`. */
static struct str many_members(struct buf *buf, unsigned count, const char *last)
{
    buf_clear(buf);
    buf_add_char(buf, '{');
    for (unsigned i = 0; i + 1 < count; i++)
        buf_printf(buf, "\"k%u\":%u,", i, i);
    buf_printf(buf, "\"%s\":1}", last);
    return buf_str(buf);
}

static void duplicates_are_found_in_small_and_in_large_objects(void **state)
{
    (void)state;
    static const unsigned counts[] = {2, 16, 17, 64, 65, 1000, 100000};
    struct buf buf;
    buf_init(&buf, 8 << 20);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct parsed p = parse_str(many_members(&buf, counts[i], "last"));
        assert_int_equal(p.err, OK);
        assert_int_equal(p.root->count, counts[i]);
        arena_done(&p.arena);
        p = parse_str(many_members(&buf, counts[i], "k0"));
        assert_int_equal(p.err, ERR_INPUT);
        arena_done(&p.arena);
        p = parse_str(many_members(&buf, counts[i], "\\u006b0")); /* the same name, escaped */
        assert_int_equal(p.err, ERR_INPUT);
        arena_done(&p.arena);
    }
    buf_done(&buf);
}

static void whole_numbers_are_exact_and_others_are_no_integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool whole;
        int64_t value;
    } rows[] = {
        {"5", true, 5},
        {"-0", true, 0},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"5.0", false, 0},
        {"5e0", false, 0},
        {"\"5\"", false, 0},
        {"true", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct parsed p = parse(rows[i].text);
        int64_t value = 0;
        assert_int_equal(json_to_i64(p.root, &value), rows[i].whole);
        assert_true(value == rows[i].value);
        arena_done(&p.arena);
    }
    struct parsed p = parse("[-12.5e-1,1e999,\"1\"]");
    double number = 0;
    assert_true(json_to_double(&p.root->items[0], &number));
    assert_true(number > -1.2501 && number < -1.2499);
    assert_false(json_to_double(&p.root->items[1], &number));
    assert_false(json_to_double(&p.root->items[2], &number));
    assert_false(json_to_double(NULL, &number));
    arena_done(&p.arena);
}

static struct str canonical(const struct json *value, struct buf *buf)
{
    buf_clear(buf);
    json_canonical(value, NULL, 0, buf);
    assert_false(buf->failed);
    return buf_str(buf);
}

static void equality_is_of_values(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool equal;
    } rows[] = {
        {"1", "1.0", true},
        {"1", "1e0", true},
        {"10", "1E+1", true},
        {"0.10", "1e-1", true},
        {"-0", "0.000e5", true},
        {"120", "1.20e2", true},
        {"0.0012", "12e-4", true},
        {"-1", "1", false},
        {"1", "10", false},
        {"101", "1.1", false},
        {"9007199254740993", "9007199254740992", false},
        {"9007199254740993", "9007199254740993.0", true},
        {"123456789012345678901234567890", "123456789012345678901234567891", false},
        {"1e400", "1e401", false},
        {"1e400", "10e399", true},
        {"1e-400", "0", false},
        {"1e999999999", "1e-999999999", false},
        {"0e999999999", "0", true},
        {"12e999999998", "1.2e999999999", true},
        {"1e0000000000000000000000002", "100", true},
        {"\"\\u0061\\/\"", "\"a/\"", true},
        {"\"1\"", "1", false},
        {"null", "false", false},
        {"true", "true", true},
        {"{\"a\":1,\"b\":[1,2]}", "{ \"b\":[1.0,2] , \"a\":1 }", true},
        {"{\"a\":1}", "{\"a\":2}", false},
        {"{\"a\":1}", "{\"b\":1}", false},
        {"{\"a\":1}", "{\"a\":1,\"b\":1}", false},
        {"[1,2]", "[2,1]", false},
        {"[]", "{}", false},
        {"[[1],2]", "[[1,2]]", false},
    };
    struct buf x, y;
    buf_init(&x, 1 << 20);
    buf_init(&y, 1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct parsed a = parse(rows[i].a), b = parse(rows[i].b);
        assert_int_equal(json_equal(a.root, b.root), rows[i].equal);
        assert_int_equal(json_equal(b.root, a.root), rows[i].equal);
        assert_int_equal(str_eq(canonical(a.root, &x), canonical(b.root, &y)), rows[i].equal);
        arena_done(&a.arena);
        arena_done(&b.arena);
    }
    buf_done(&x);
    buf_done(&y);
}

static void the_canonical_form_sorts_and_leaves_out(void **state)
{
    (void)state;
    struct parsed p = parse("{\"b\":{\"event_id\":1},\"event_id\":\"x\",\"a\":\"\\u0041\\u0001\"}");
    struct str out[] = {STR("event_id")};
    struct buf buf;
    buf_init(&buf, 1 << 10);
    json_canonical(p.root, out, 1, &buf);
    assert_str(buf_str(&buf), "{\"a\":\"A\\u0001\",\"b\":{\"event_id\":1}}");
    buf_done(&buf);
    buf_init(&buf, 10);
    json_canonical(p.root, NULL, 0, &buf);
    assert_true(buf.failed);
    buf_done(&buf);
    arena_done(&p.arena);
}

static void the_writer_minds_commas_and_escapes(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1 << 10);
    struct json_out out = json_out_to(&buf);
    json_open(&out, '{');
    json_name(&out, STR("a"));
    json_open(&out, '[');
    json_i64(&out, -7);
    json_bool(&out, true);
    json_null(&out);
    json_open(&out, '{');
    json_close(&out, '}');
    json_str(&out, STR_NONE);
    json_str(&out, STR(""));
    json_close(&out, ']');
    json_name(&out, STR("q\"\\"));
    json_str(&out, STR("\x01\b\t\n\v\f\r/\x7f\xea\xb0\x80"));
    json_name(&out, STR("r"));
    json_raw(&out, STR("{\"x\":1}"));
    json_name(&out, STR("bad"));
    json_str(&out, STR("a\xff\xc3(\xed\xa0\x80"));
    json_close(&out, '}');
    assert_str(buf_str(&buf), "{\"a\":[-7,true,null,{},null,\"\"],\"q\\\"\\\\\":"
                              "\"\\u0001\\b\\t\\n\\u000b\\f\\r/\x7f\xea\xb0\x80\",\"r\":{\"x\":1},"
                              "\"bad\":\"a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd"
                              "\xef\xbf\xbd\"}");
    buf_done(&buf);
}

static void the_escaped_length_is_the_written_one(void **state)
{
    (void)state;
    struct rng rng = rng_of(7);
    struct buf buf;
    buf_init(&buf, 1 << 12);
    for (int i = 0; i < 20000; i++) {
        char bytes[40];
        size_t len = rng_below(&rng, sizeof bytes);
        for (size_t j = 0; j < len; j++)
            bytes[j] = (char)(rng_below(&rng, 3) ? rng_next(&rng) & 0x7f : rng_next(&rng));
        struct str text = {bytes, len};
        buf_clear(&buf);
        struct json_out out = json_out_to(&buf);
        json_str(&out, text);
        assert_int_equal(buf.len, json_escaped_len(text) + 2);
        if (str_is_utf8(text) && !str_has(text, '\0')) {
            struct parsed p = parse_str(buf_str(&buf));
            assert_int_equal(p.err, OK);
            assert_true(str_eq(p.root->text, text));
            arena_done(&p.arena);
        }
    }
    buf_done(&buf);
}

/* --- random documents, and jansson's opinion of them --- */

static void add_space(struct rng *rng, struct buf *buf)
{
    while (rng_below(rng, 8) == 0)
        buf_add_char(buf, " \n\t\r"[rng_below(rng, 4)]);
}

static void add_string(struct rng *rng, struct buf *buf)
{
    static const char *const pieces[] = {
        "a",
        "key",
        "0123456789",
        "\\n",
        "\\\"",
        "\\\\",
        "\\/",
        "\\u0041",
        "\\u00e9",
        "\xc3\xa9",
        "\xea\xb0\x80",
        "\\uac00",
        "\\ud83d\\ude00",
        "\xf0\x9f\x98\x80",
        "\\b\\f\\r\\t",
        "\x7f",
        "\\u001f",
        " ",
        "{[,:]}",
        "\xef\xbf\xbf",
    };
    buf_add_char(buf, '"');
    for (uint64_t n = rng_below(rng, 6); n; n--)
        buf_add(buf, str_of(pieces[rng_below(rng, sizeof pieces / sizeof *pieces)]));
    buf_add_char(buf, '"');
}

static void add_number(struct rng *rng, struct buf *buf)
{
    if (rng_below(rng, 2))
        buf_add_char(buf, '-');
    buf_add_u64(buf, rng_below(rng, rng_below(rng, 2) ? 10 : 1000000000000));
    if (rng_below(rng, 3) == 0)
        buf_printf(buf, ".%03u", (unsigned)rng_below(rng, 1000));
    if (rng_below(rng, 4) == 0)
        buf_printf(
            buf, "%c%s%u", "eE" [rng_below(rng, 2)],
            (const char *const[]) { "", "+", "-" }[rng_below(rng, 3)],
            (unsigned)rng_below(rng, 30));
}

static void add_value(struct rng *rng, struct buf *buf, unsigned depth)
{
    add_space(rng, buf);
    uint64_t pick = rng_below(rng, depth ? 8 : 6);
    uint64_t count = rng_below(rng, 30) ? rng_below(rng, 5) : 40;
    if (pick < 2) {
        add_string(rng, buf);
    } else if (pick < 4) {
        add_number(rng, buf);
    } else if (pick < 6) {
        buf_add(buf, str_of((const char *const[]){"true", "false", "null"}[rng_below(rng, 3)]));
    } else {
        bool object = pick == 7;
        buf_add_char(buf, object ? '{' : '[');
        for (uint64_t i = 0; i < count; i++) {
            if (i)
                buf_add_char(buf, ',');
            add_space(rng, buf);
            if (object && rng_below(rng, 3))
                buf_printf(buf, "\"m%u\"", (unsigned)(rng_below(rng, 200)));
            else if (object)
                add_string(rng, buf);
            add_space(rng, buf);
            if (object)
                buf_add_char(buf, ':');
            add_value(rng, buf, depth - 1);
        }
        buf_add_char(buf, object ? '}' : ']');
    }
    add_space(rng, buf);
}

static void mutate(struct rng *rng, struct buf *buf)
{
    static const char alphabet[] = "\"\\{}[]:,0123456789.eE+-untrfals \n\x01\x7f\x80\xc3\xed\xf4u";
    for (uint64_t n = 1 + rng_below(rng, 3); n && buf->len; n--) {
        size_t at = rng_below(rng, buf->len);
        char c =
            rng_below(rng, 4) ? alphabet[rng_below(rng, sizeof alphabet - 1)] : (char)rng_next(rng);
        switch (rng_below(rng, 4)) {
        case 0:
            buf->at[at] = c;
            break;
        case 1:
            memmove(buf->at + at, buf->at + at + 1, buf->len - at - 1);
            buf->len--;
            break;
        case 2:
            buf_add_char(buf, c);
            memmove(buf->at + at + 1, buf->at + at, buf->len - at - 1);
            buf->at[at] = c;
            break;
        default:
            if (rng_below(rng, 4) == 0)
                buf->len = at;
            break;
        }
    }
}

static bool same_number(const struct json *ours, const struct json_t *theirs)
{
    int64_t whole;
    double real;
    if (oracle_type(theirs) == ORACLE_INTEGER)
        return json_to_i64(ours, &whole) && whole == oracle_integer(theirs);
    return oracle_type(theirs) == ORACLE_REAL && json_to_double(ours, &real) &&
           real <= oracle_real(theirs) && real >= oracle_real(theirs);
}

static bool same(const struct json *ours, const struct json_t *theirs)
{
    static const enum oracle_type types[] = {
        [JSON_NULL] = ORACLE_NULL,     [JSON_FALSE] = ORACLE_FALSE, [JSON_TRUE] = ORACLE_TRUE,
        [JSON_STRING] = ORACLE_STRING, [JSON_ARRAY] = ORACLE_ARRAY, [JSON_OBJECT] = ORACLE_OBJECT,
    };
    if (ours->type == JSON_NUMBER)
        return same_number(ours, theirs);
    if (!theirs || oracle_type(theirs) != types[ours->type])
        return false;
    if (ours->type == JSON_STRING)
        return str_eq(ours->text, (struct str){oracle_string(theirs), oracle_size(theirs)});
    if (ours->type != JSON_ARRAY && ours->type != JSON_OBJECT)
        return true;
    if (oracle_size(theirs) != ours->count)
        return false;
    for (uint32_t i = 0; i < ours->count; i++) {
        const struct json_t *item =
            ours->type == JSON_ARRAY ? oracle_item(theirs, i)
                                     : oracle_member(theirs, ours->names[i].at, ours->names[i].len);
        if (!item || !same(&ours->items[i], item))
            return false;
    }
    return true;
}

/* The differences that are meant: jansson refuses numbers that no int64 or double holds, which we
 * keep as text; we stop at another depth. */
static void agree_with_jansson(struct str text, unsigned *accepted)
{
    char *copy =
        malloc(text.len ? text.len : 1); /* of the exact size, so that ASan minds the end */
    assert_non_null(copy);
    memcpy(copy, text.at, text.len);
    struct parsed p = parse_str((struct str){copy, text.len});
    struct oracle theirs = oracle_parse(copy, text.len);
    bool meant = p.err == ERR_LIMIT || theirs.out_of_range;
    if (!meant && (p.err == OK) != (theirs.root != NULL))
        fail_msg("we: %s, jansson: %s, on: %.*s", p.err ? p.fault.why.text : "ok",
                 theirs.root ? "ok" : theirs.why, STR_ARG(text));
    if (p.err == OK && theirs.root) {
        if (!same(p.root, theirs.root))
            fail_msg("another value: %.*s", STR_ARG(text));
        (*accepted)++;
    }
    oracle_free(&theirs);
    arena_done(&p.arena);
    free(copy);
}

static void jansson_agrees_on_documents_and_mutations(void **state)
{
    (void)state;
    assert_true(oracle_open());
    struct rng rng = rng_of(20261122);
    struct buf buf;
    buf_init(&buf, 8 << 20);
    unsigned whole = 0, mutated = 0;
    for (int i = 0; i < 6000; i++) {
        buf_clear(&buf);
        add_value(&rng, &buf, 5);
        agree_with_jansson(buf_str(&buf), &whole);
        mutate(&rng, &buf);
        agree_with_jansson(buf_str(&buf), &mutated);
    }
    assert_in_range(whole, 3000, 6000);
    assert_in_range(mutated, 500, 6000);
    buf_done(&buf);
}

static void the_canonical_form_is_the_same_value_and_a_fixed_point(void **state)
{
    (void)state;
    struct rng rng = rng_of(4);
    struct buf text, once, twice;
    buf_init(&text, 8 << 20);
    buf_init(&once, 8 << 20);
    buf_init(&twice, 8 << 20);
    for (int i = 0; i < 2000; i++) {
        buf_clear(&text);
        add_value(&rng, &text, 5);
        struct parsed p = parse_str(buf_str(&text));
        if (p.err == OK) {
            struct parsed again = parse_str(canonical(p.root, &once));
            assert_int_equal(again.err, OK);
            assert_true(json_equal(p.root, again.root));
            assert_true(str_eq(buf_str(&once), canonical(again.root, &twice)));
            arena_done(&again.arena);
        }
        arena_done(&p.arena);
    }
    buf_done(&text);
    buf_done(&once);
    buf_done(&twice);
}

static void check_peek(struct str text, const struct json *root)
{
    struct str names[16], raw[16];
    uint32_t count = root->type == JSON_OBJECT && root->count < 16 ? root->count : 0;
    for (uint32_t i = 0; i < count; i++)
        names[i] = root->names[i];
    assert_int_equal(json_peek(text, names, raw, count), root->type == JSON_OBJECT);
    for (uint32_t i = 0; i < count; i++) {
        bool plain = root->names[i].at > text.at && root->names[i].at < text.at + text.len;
        if (plain || raw[i].at) /* a name with escapes was decoded elsewhere */
            assert_true(str_eq(raw[i], root->items[i].raw));
    }
}

static void a_glance_finds_what_a_reading_does(void **state)
{
    (void)state;
    struct rng rng = rng_of(11);
    struct buf text;
    buf_init(&text, 8 << 20);
    for (int i = 0; i < 4000; i++) {
        buf_clear(&text);
        add_value(&rng, &text, 5);
        struct parsed p = parse_str(buf_str(&text));
        if (p.err == OK)
            check_peek(buf_str(&text), p.root);
        arena_done(&p.arena);
    }
    buf_done(&text);
}

static void a_glance_at_what_is_no_object_says_so(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",        "[]",       "\"a\"",          "{",          "{\"a",       "{\"a\"",
        "{\"a\":", "{\"a\":1", "{\"a\":\"\\\"}", "{\"a\":[1}", "{\"a\":1,}", "{\"a\":{\"b\":\"}\"}",
    };
    const struct str name = STR("a");
    struct str raw;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (json_peek(str_of(texts[i]), &name, &raw, 1))
            fail_msg("%s", texts[i]);
    assert_true(json_peek(STR(" { } "), &name, &raw, 1));
    assert_null(raw.at);
    assert_true(json_peek(STR("{\"b\":{\"a\":1},\"a\" : \"}\\\"\" }"), &name, &raw, 1));
    assert_true(str_eq(raw, STR("\"}\\\"\"")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back_as_written),
        cmocka_unit_test(strings_without_escapes_are_views),
        cmocka_unit_test(faults_name_place_and_cause),
        cmocka_unit_test(a_fault_has_its_offset_and_an_absent_text_is_empty),
        cmocka_unit_test(depth_and_values_are_bounded),
        cmocka_unit_test(a_small_arena_is_an_answer),
        cmocka_unit_test(duplicates_are_found_in_small_and_in_large_objects),
        cmocka_unit_test(whole_numbers_are_exact_and_others_are_no_integers),
        cmocka_unit_test(equality_is_of_values),
        cmocka_unit_test(the_canonical_form_sorts_and_leaves_out),
        cmocka_unit_test(the_writer_minds_commas_and_escapes),
        cmocka_unit_test(the_escaped_length_is_the_written_one),
        cmocka_unit_test(jansson_agrees_on_documents_and_mutations),
        cmocka_unit_test(the_canonical_form_is_the_same_value_and_a_fixed_point),
        cmocka_unit_test(a_glance_finds_what_a_reading_does),
        cmocka_unit_test(a_glance_at_what_is_no_object_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
