/* fuzz/fuzz_template.c - any JSON as a template, rendered on every channel. The data is the
 * template itself, and so is every partial.
 */
#include "core/template.h"
#include "fuzz.h"

enum { BYTES_MAX = 256 << 20 };

static const struct template *itself(void *ctx, struct str name)
{
    must(name.len);
    return ctx;
}

static void render(struct template *template, const struct json *source, struct str locale)
{
    struct template_scope scope = {
        .locale = locale,
        .data = source,
        .overlay = json_get(source, STR("overlay")),
        .user_id = STR("u1"),
        .attributes = source,
        .unsubscribe_url = STR("https://x.example/u"),
        .partial = itself,
        .partial_ctx = template,
    };
    struct why why;
    (void)!template_check_data(template, 7, &scope, &why);
    for (unsigned channel = 0; channel < CHANNEL_COUNT; channel++) {
        struct arena arena;
        struct content content;
        arena_init(&arena, BYTES_MAX);
        enum err err =
            template_render(template, (enum channel)channel, &scope, &arena, &content, &why);
        must((err == ERR_MISSING) != template_has(template, (enum channel)channel));
        must(err != ERR_MEMORY);
        arena_done(&arena);
    }
}

void fuzz_template(const uint8_t *bytes, size_t len)
{
    static const struct json_limits limits = {.depth_max = 32, .values_max = 2000};
    struct str text = {(const char *)bytes, len};
    struct arena arena;
    struct faults faults;
    struct template *template;
    const struct json *root;
    arena_init(&arena, BYTES_MAX);
    faults_init(&faults, &arena);
    if (!json_parse(text, &limits, &arena, &root, NULL)) {
        enum err err = template_compile(root, true, STR(""), &faults, &template);
        must((err != OK) == (faults.count > 0));
        if (!err) {
            render(template, root, STR_NONE);
            render(template, root, STR("ko-KR"));
            template_free(template);
        }
    }
    arena_done(&arena);
}
