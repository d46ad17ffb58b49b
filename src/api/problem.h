/* api/problem.h - what went wrong, as application/problem+json (RFC 9457).
 *
 * A problem never says more than its table row, a sentence written here, and the faults: no stack,
 * SQL, path or secret.
 */
#pragma once
#include "base/json.h"
#include "model/fault.h"

#define PROBLEM(name, slug, status, title) PROBLEM_##name,
enum problem_type {
#include "api/errors.def"
    PROBLEM_COUNT
};
#undef PROBLEM

#define PROBLEM_URI "https://bongsu.dev/problems/"

struct problem {
    enum problem_type type;
    struct str detail;           /* absent: the title stands in its place */
    const struct faults *faults; /* NULL, or listed as `errors` */
};

int problem_status(enum problem_type type);
struct str problem_slug(enum problem_type type);
/* The object {"type","title","status","detail"}, and "errors" if there are faults. */
void problem_write(const struct problem *problem, struct json_out *out);
