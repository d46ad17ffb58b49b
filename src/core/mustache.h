/* core/mustache.h - the template language: Mustache as its specification has it (mustache/spec 1.4,
 * without lambdas, inheritance and dynamic names).
 *
 * Compiled once into an arena, rendered often, on any threads. The tree borrows from the text.
 * Values: a number renders as it is written, true and false as words, null as nothing, an array or
 * object as its JSON. In a section null, false, 0, "", [] and what is missing count as false, as in
 * JavaScript; the specification leaves 0 and "" to the language.
 */
#pragma once
#include "base/json.h"

struct mustache;

struct mustache_fault {
    size_t offset;         /* of the tag that is wrong */
    unsigned line, column; /* from 1; columns count characters */
    struct why why;
};

/* ERR_INPUT with *ret_fault, or ERR_MEMORY. */
enum err mustache_compile(struct str text, struct arena *arena, const struct mustache **ret,
                          struct mustache_fault *ret_fault) must_use;

/* Whether a variable or section begins with this name: "user" for {{user.id}}. */
bool mustache_uses(const struct mustache *mustache, struct str name);
/* The names of its partials, in order, repeated as written: start with *at == 0; absent at the
 * end. */
struct str mustache_partial(const struct mustache *mustache, uint32_t *at);

struct mustache_view {
    const struct json *const *contexts; /* the outermost first; NULL ones are passed over */
    uint32_t context_count;             /* at most MUSTACHE_CONTEXTS_MAX */
    bool escape;                        /* {{x}} for HTML; {{{x}}} and {{&x}} never are */
    bool strict;                        /* a variable that is not there is an error... */
    const struct str *lenient;          /* ...unless it begins with one of these names */
    uint32_t lenient_count;
    /* NULL gives nothing (strict: an error). May be NULL itself. */
    const struct mustache *(*partial)(void *ctx, struct str name);
    void *partial_ctx;
};

/* Appends to `out`. ERR_INPUT: strict, or partials nested deeper than PARTIAL_DEPTH_MAX; ERR_LIMIT:
 * `out` has reached its maximum, or the work RENDER_STEPS_MAX; ERR_MEMORY. */
enum err mustache_render(const struct mustache *mustache, const struct mustache_view *view,
                         struct buf *out, struct why *why) must_use;
