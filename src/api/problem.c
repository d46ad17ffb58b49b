/* api/problem.c - see problem.h. */
#include "api/problem.h"

static const struct problem_row {
    struct str uri, title;
    int status;
} rows[] = {
#define PROBLEM(name, slug, status, title) {STR_INIT(PROBLEM_URI slug), STR_INIT(title), status},
#include "api/errors.def"
#undef PROBLEM
};

int problem_status(enum problem_type type)
{
    must(type < PROBLEM_COUNT);
    return rows[type].status;
}

struct str problem_slug(enum problem_type type)
{
    must(type < PROBLEM_COUNT);
    return str_slice(rows[type].uri, sizeof PROBLEM_URI - 1, rows[type].uri.len);
}

static void write_faults(const struct faults *faults, struct json_out *out)
{
    json_name(out, STR("errors"));
    json_open(out, '[');
    for (uint32_t i = 0; i < faults_listed(faults); i++) {
        json_open(out, '{');
        json_name(out, STR("pointer"));
        json_str(out, faults->list[i].pointer);
        json_name(out, STR("detail"));
        json_str(out, faults->list[i].detail);
        json_close(out, '}');
    }
    json_close(out, ']');
}

void problem_write(const struct problem *problem, struct json_out *out)
{
    must(problem->type < PROBLEM_COUNT);
    const struct problem_row *row = &rows[problem->type];
    json_open(out, '{');
    json_name(out, STR("type"));
    json_str(out, row->uri);
    json_name(out, STR("title"));
    json_str(out, row->title);
    json_name(out, STR("status"));
    json_i64(out, row->status);
    json_name(out, STR("detail"));
    json_str(out, problem->detail.at ? problem->detail : row->title);
    if (problem->faults && problem->faults->list && problem->faults->count)
        write_faults(problem->faults, out);
    json_close(out, '}');
}
