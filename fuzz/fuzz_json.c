/* fuzz/fuzz_json.c - any bytes as a JSON document: what is accepted survives its canonical form. */
#include "base/json.h"
#include "fuzz.h"

enum { BYTES_MAX = 256 << 20 };
static const struct json_limits limits = {.depth_max = 32, .values_max = 20000};

static void check_value(struct str text, const struct json *value)
{
    must(value->raw.at >= text.at && value->raw.at + value->raw.len <= text.at + text.len);
    must(value->type != JSON_STRING || str_is_utf8(value->text));
    must(value->type != JSON_STRING || !str_has(value->text, '\0'));
    for (uint32_t i = 0; i < value->count; i++)
        check_value(text, &value->items[i]);
}

/* The form is JSON, of an equal value, and its own canonical form. */
static void check_canonical(const struct json *value)
{
    struct buf form, again;
    struct arena arena;
    const struct json *back;
    buf_init(&form, BYTES_MAX);
    buf_init(&again, BYTES_MAX);
    arena_init(&arena, BYTES_MAX);
    json_canonical(value, NULL, 0, &form);
    must(!form.failed);
    enum err err = json_parse(buf_str(&form), &limits, &arena, &back, NULL);
    if (!err) { /* the largest exponents may grow by a digit in this form */
        must(json_equal(value, back) && json_equal(back, value));
        json_canonical(back, NULL, 0, &again);
        must(str_eq(buf_str(&form), buf_str(&again)));
    }
    arena_done(&arena);
    buf_done(&again);
    buf_done(&form);
}

/* A glance at anything stays inside of it, and finds what the reader finds. */
static void check_peek(struct str text, const struct json *root)
{
    struct str name = root && root->type == JSON_OBJECT && root->count ? root->names[0] : STR("a");
    struct str raw;
    bool whole = json_peek(text, &name, &raw, 1);
    must(!raw.at || (raw.at >= text.at && raw.at + raw.len <= text.at + text.len));
    if (!root)
        return;
    must(whole == (root->type == JSON_OBJECT));
    if (whole && root->count && raw.at)
        must(str_eq(raw, root->items[0].raw));
}

void fuzz_json(const uint8_t *bytes, size_t len)
{
    struct str text = {(const char *)bytes, len};
    struct arena arena;
    struct json_fault fault = {0};
    const struct json *root = NULL;
    arena_init(&arena, BYTES_MAX);
    if (json_parse(text, &limits, &arena, &root, &fault)) {
        must(fault.offset <= len && fault.line >= 1 && fault.column >= 1 && fault.why.text[0]);
    } else {
        check_value(text, root);
        check_canonical(root);
    }
    check_peek(text, root);
    arena_done(&arena);
}
