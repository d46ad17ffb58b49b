/* fuzz/fuzz_mustache.c - any template over any data. Parts of the input are separated by U+001F:
 * the template, the data as JSON, and the partial that every name stands for.
 */
#include "core/mustache.h"
#include "fuzz.h"
#include "model/limits.h"

enum { BYTES_MAX = 256 << 20, OUT_BYTES_MAX = 64 * 1024 };

static const struct mustache *same_partial(void *ctx, struct str name)
{
    must(name.len);
    return ctx;
}

static const struct mustache *compile(struct str text, struct arena *arena)
{
    const struct mustache *tree = NULL;
    struct mustache_fault fault = {0};
    enum err err = mustache_compile(text, arena, &tree, &fault);
    must(err == OK || err == ERR_INPUT);
    if (err)
        must(fault.offset < text.len && fault.line >= 1 && fault.column >= 1 && fault.why.text[0]);
    else
        (void)mustache_uses(tree, STR("user"));
    return tree;
}

static void render(const struct mustache *tree, const struct json *data,
                   const struct mustache *partial, unsigned options)
{
    struct buf out;
    struct why why = {""};
    struct mustache_view view = {
        .contexts = &data,
        .context_count = 1,
        .escape = options & 1,
        .strict = options & 2,
        .partial = same_partial,
        .partial_ctx = (void *)(uintptr_t)partial,
    };
    buf_init(&out, OUT_BYTES_MAX);
    enum err err = mustache_render(tree, &view, &out, &why);
    must(err == OK || err == ERR_INPUT || err == ERR_LIMIT);
    must((err != OK) == (why.text[0] != '\0'));
    must(out.len <= OUT_BYTES_MAX);
    buf_done(&out);
}

void fuzz_mustache(const uint8_t *bytes, size_t len)
{
    static const struct json_limits limits = {.depth_max = 32, .values_max = 2000};
    struct str rest = {(const char *)bytes, len};
    struct str template = str_cut(&rest, '\x1f'), data = str_cut(&rest, '\x1f');
    struct arena arena;
    const struct json *root = NULL;
    arena_init(&arena, BYTES_MAX);
    if (json_parse(data, &limits, &arena, &root, NULL))
        root = NULL;
    const struct mustache *tree = compile(template, &arena);
    const struct mustache *partial = compile(rest, &arena);
    for (unsigned options = 0; tree && options < 4; options++)
        render(tree, root, partial, options);
    arena_done(&arena);
}
