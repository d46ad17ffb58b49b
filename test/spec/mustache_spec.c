/* Runs the official Mustache specification: mustache_spec FOLDER, where FOLDER holds its *.json.
 *
 * Prints each failure and "N passed, N failed"; exits 1 if any failed, 2 if it cannot be run.
 */
#include "base/json.h"
#include "core/mustache.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_BYTES_MAX = 8 << 20, ARENA_BYTES_MAX = 64 << 20, PARTIALS_MAX = 64 };

struct tally {
    unsigned passed, failed;
};

/* The partials of one test, compiled. */
struct partials {
    uint32_t count;
    struct str names[PARTIALS_MAX];
    const struct mustache *trees[PARTIALS_MAX];
};

static const struct mustache *find_partial(void *ctx, struct str name)
{
    const struct partials *partials = ctx;
    for (uint32_t i = 0; i < partials->count; i++)
        if (str_eq(partials->names[i], name))
            return partials->trees[i];
    return NULL;
}

static struct str text_of(const struct json *test, struct str name)
{
    const struct json *value = json_get(test, name);
    return json_is(value, JSON_STRING) ? value->text : STR_NONE;
}

static enum err compile_partials(const struct json *test, struct arena *arena, struct partials *ret,
                                 struct mustache_fault *fault)
{
    const struct json *object = json_get(test, STR("partials"));
    for (uint32_t i = 0; object && i < object->count && i < PARTIALS_MAX; i++) {
        enum err err = mustache_compile(object->items[i].text, arena, &ret->trees[i], fault);
        if (err)
            return err;
        ret->names[i] = object->names[i];
        ret->count = i + 1;
    }
    return OK;
}

static enum err render(const struct json *test, struct arena *arena, struct buf *out,
                       struct why *why)
{
    struct partials partials = {0};
    struct mustache_fault fault = {0};
    const struct mustache *tree;
    enum err err = compile_partials(test, arena, &partials, &fault);
    if (!err)
        err = mustache_compile(text_of(test, STR("template")), arena, &tree, &fault);
    if (err)
        return why_set(why, err, "line %u, column %u: %s", fault.line, fault.column,
                       fault.why.text);
    const struct json *contexts[] = {json_get(test, STR("data"))};
    struct mustache_view view = {
        .contexts = contexts,
        .context_count = 1,
        .escape = true,
        .partial = find_partial,
        .partial_ctx = &partials,
    };
    return mustache_render(tree, &view, out, why);
}

static bool run_test(const struct json *test, const char *file, struct arena *arena)
{
    struct buf out;
    struct why why = {""};
    buf_init(&out, 1 << 20);
    enum err err = render(test, arena, &out, &why);
    struct str want = text_of(test, STR("expected")), name = text_of(test, STR("name"));
    bool passed = !err && want.at && str_eq(buf_str(&out), want);
    if (!passed && err)
        printf("%s: %.*s: %s: %s\n", file, STR_ARG(name), err_name(err), why.text);
    else if (!passed)
        printf("%s: %.*s:\n--- expected\n%.*s\n--- rendered\n%.*s\n---\n", file, STR_ARG(name),
               STR_ARG(want), STR_ARG(buf_str(&out)));
    buf_done(&out);
    return passed;
}

static bool read_file(const char *path, struct buf *into)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    char piece[4096];
    for (size_t len; (len = fread(piece, 1, sizeof piece, file)) > 0;)
        buf_add_bytes(into, piece, len);
    bool good = !ferror(file) && !into->failed;
    return fclose(file) == 0 && good;
}

static bool run_file(const char *path, struct tally *tally)
{
    static const struct json_limits limits = {.depth_max = 64, .values_max = 100000};
    struct buf text;
    struct arena arena;
    struct json_fault fault = {0};
    const struct json *root;
    buf_init(&text, FILE_BYTES_MAX);
    arena_init(&arena, ARENA_BYTES_MAX);
    bool good = read_file(path, &text);
    if (good && json_parse(buf_str(&text), &limits, &arena, &root, &fault) != OK) {
        printf("%s: %s\n", path, fault.why.text);
        good = false;
    }
    const struct json *tests = good ? json_get(root, STR("tests")) : NULL;
    for (uint32_t i = 0; tests && i < tests->count; i++) {
        bool passed = run_test(&tests->items[i], path, &arena);
        tally->passed += passed;
        tally->failed += !passed;
    }
    arena_done(&arena);
    buf_done(&text);
    return good && tests;
}

int main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (!folder) {
        fprintf(stderr, "usage: mustache_spec FOLDER\n");
        return 2;
    }
    struct tally tally = {0};
    unsigned files = 0, unreadable = 0;
    for (const struct dirent *entry; (entry = readdir(folder));) {
        char path[4096];
        if (!str_ends(str_of(entry->d_name), STR(".json")))
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        files++;
        unreadable += !run_file(path, &tally);
    }
    (void)closedir(folder);
    printf("%u passed, %u failed\n", tally.passed, tally.failed);
    if (!files || unreadable)
        return 2;
    return tally.failed ? 1 : 0;
}
