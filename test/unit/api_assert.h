/* test/unit/api_assert.h - what tests of the API assert; after cmocka.h. */
#pragma once
#include "api_node.h"
#include <stdio.h>

static inline void assert_text(const struct answer *answer, const char *pointer,
                               const char *expected)
{
    struct str found = answer_text(answer, pointer);
    if (!str_eq(found, str_of(expected)))
        fail_msg("%s: %.*s instead of %s in %.*s", pointer, STR_ARG(found), expected,
                 STR_ARG(answer->body));
}

static inline void assert_status(const struct answer *answer, int status)
{
    if (answer->status != status)
        fail_msg("%d instead of %d: %.*s", answer->status, status, STR_ARG(answer->body));
}

static inline void assert_problem(const struct answer *answer, int status, const char *slug)
{
    char type[128];
    (void)snprintf(type, sizeof type, "https://bongsu.dev/problems/%s", slug);
    assert_status(answer, status);
    assert_text(answer, "/type", type);
    struct str media = answer_header(answer, "content-type");
    assert_true(str_eq(media, STR("application/problem+json")));
    assert_true(answer_header(answer, "x-request-id").len > 0);
}

static inline void assert_fault(const struct answer *answer, const char *pointer,
                                const char *detail)
{
    assert_problem(answer, 400, "invalid-request");
    if (!answer_faults(answer, pointer, detail))
        fail_msg("no fault at %s (%s) in %.*s", pointer, detail ? detail : "any",
                 STR_ARG(answer->body));
}
