/* api/call.c - see call.h. */
#include "api/call.h"
#include "model/limits.h"
#include <stdio.h>

/* ------------------------------------------------------------------------------ answering ---- */

static void let_go(struct call *call)
{
    for (struct held *held = call->held; held; held = held->next) {
        if (held->arena)
            arena_done(held->arena);
        if (held->give)
            held->give(call, held->what);
    }
    call->held = NULL;
}

/* RFC 9110 section 6.6.1 wants it of a server with a clock; formatted once a second. */
static struct str date_of(struct call *call)
{
    struct api *api = call->api;
    int64_t second = call->now.wall.ms / 1000;
    if (api->date_s != second) {
        wall_format_http(call->now.wall, api->date);
        api->date_s = second;
    }
    return str_of(api->date);
}

static void respond(struct call *call, struct http_response *response)
{
    struct api *api = call->api;
    must(response->header_count + 2 <= RESPONSE_HEADERS_MAX);
    response->headers[response->header_count++] = (struct header){STR("date"), date_of(call)};
    response->headers[response->header_count++] =
        (struct header){STR("x-request-id"), call->request_id};
    api->stats.answers[response->status / 100 % 6]++;
    api->stats.open--;
    let_go(call);
    struct buf out = call->out; /* the call is gone with its exchange */
    exchange_respond(call->exchange, response);
    buf_done(&out);
}

void call_header(struct call *call, struct str name, struct str value)
{
    must(call->header_count < CALL_HEADERS_MAX);
    call->headers[call->header_count++] = (struct header){name, value};
}

void call_text(struct call *call, int status, struct str content_type, struct str body)
{
    struct http_response response = {
        .status = status,
        .headers = {{STR("content-type"), content_type}},
        .header_count = 1,
        .body = body,
    };
    for (uint32_t i = 0; i < call->header_count; i++)
        response.headers[response.header_count++] = call->headers[i];
    respond(call, &response);
}

struct json_out call_out(struct call *call)
{
    return json_out_to(&call->out);
}

void call_json(struct call *call, int status)
{
    if (call->out.failed || call->arena->failed) {
        call_unavailable(call, ERR_MEMORY, (struct span){0});
        return;
    }
    call_text(call, status, STR("application/json"), buf_str(&call->out));
}

void call_empty(struct call *call, int status)
{
    struct http_response response = {.status = status, .header_count = call->header_count};
    memcpy(response.headers, call->headers, call->header_count * sizeof *call->headers);
    respond(call, &response);
}

static void answer_problem(struct call *call, const struct problem *problem)
{
    buf_clear(&call->out);
    struct json_out out = call_out(call);
    problem_write(problem, &out);
    struct str body = call->out.failed ? STR("{}") : buf_str(&call->out);
    call_text(call, problem_status(problem->type), STR("application/problem+json"), body);
}

static void problem_text(struct call *call, enum problem_type type, const struct faults *faults,
                         const char *format, va_list args) printf_like(4, 0);
static void problem_text(struct call *call, enum problem_type type, const struct faults *faults,
                         const char *format, va_list args)
{
    char text[WHY_MAX];
    struct problem problem = {.type = type, .faults = faults};
    if (format) {
        (void)vsnprintf(text, sizeof text, format, args);
        problem.detail = str_of(text);
    }
    answer_problem(call, &problem);
}

void call_problem(struct call *call, enum problem_type type, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    problem_text(call, type, NULL, format, args);
    va_end(args);
}

void call_faults(struct call *call, enum problem_type type, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    problem_text(call, type, &call->faults, format, args);
    va_end(args);
}

void call_not_found(struct call *call)
{
    call_problem(call, PROBLEM_NOT_FOUND, NULL);
}

void call_invalid(struct call *call)
{
    call_faults(call, PROBLEM_INVALID, NULL);
}

enum problem_type problem_of(enum err err)
{
    switch (err) {
    case ERR_FULL:
    case ERR_MEMORY:
        return PROBLEM_OVERLOADED;
    case ERR_CLOSED:
        return PROBLEM_DRAINING;
    default:
        return PROBLEM_UNAVAILABLE;
    }
}

struct str retry_after_text(struct span span, struct arena *arena)
{
    int64_t seconds = (span.us + 999999) / 1000000;
    struct str text = arena_printf(arena, "%lld", (long long)(seconds > 0 ? seconds : 1));
    return text.at ? text : STR("1");
}

static void unavailable(struct call *call, enum err err, struct span retry_after, struct str detail)
{
    call->header_count = 0;
    if (err == ERR_MEMORY && call->arena->full && call->exchange->request.body.len) {
        /* Nothing that a later try would change. */
        call_problem(call, PROBLEM_TOO_LARGE, "the body holds more than can be taken apart");
        return;
    }
    call_header(call, STR("retry-after"), retry_after_text(retry_after, call->arena));
    if (detail.at)
        call_problem(call, problem_of(err), "%.*s", STR_ARG(detail));
    else
        call_problem(call, problem_of(err), NULL);
}

void call_unavailable(struct call *call, enum err err, struct span retry_after)
{
    unavailable(call, err, retry_after, STR_NONE);
}

/* ----------------------------------------------------------------------------- the request ---- */

struct str call_param(const struct call *call, struct str name)
{
    for (uint32_t i = 0; i < call->query_count; i++)
        if (str_eq(call->query[i].name, name))
            return call->query[i].value;
    return STR_NONE;
}

/* ---------------------------------------------------------------------------------- asking ---- */

static bool hold_arena(struct call *call, struct arena *arena)
{
    struct held *held = arena_new(call->arena, struct held);
    if (!held)
        return false;
    *held = (struct held){.next = call->held, .arena = arena};
    call->held = held;
    return true;
}

bool call_hold(struct call *call, void (*give)(struct call *call, void *what), void *what)
{
    struct held *held = arena_new(call->arena, struct held);
    if (!held)
        return false;
    *held = (struct held){.next = call->held, .give = give, .what = what};
    call->held = held;
    return true;
}

struct query *call_query(struct call *call, enum query_type type)
{
    struct query *query = arena_new(call->arena, struct query);
    if (!query || !hold_arena(call, &query->arena)) {
        call_unavailable(call, ERR_MEMORY, (struct span){0});
        return NULL;
    }
    arena_init(&query->arena, ANSWER_BYTES_MAX);
    query->type = type;
    query->owner = call;
    query->app = call->caller.app;
    query->mode = call->caller.mode;
    query->any_mode = call->caller.root;
    return query;
}

void call_ask(struct query *query, void (*done)(struct query *query))
{
    struct call *call = query->owner;
    intake_query(call->api->intake, query, done);
}

bool call_came(struct query *query)
{
    struct call *call = query->owner;
    if (query->err == OK)
        return true;
    if (query->err == ERR_MISSING)
        call_not_found(call);
    else
        call_unavailable(call, query->err, (struct span){0});
    return false;
}

struct job *call_job(struct call *call, enum job_type type)
{
    struct job *job = arena_new(call->arena, struct job);
    if (!job || !hold_arena(call, &job->arena)) {
        call_unavailable(call, ERR_MEMORY, (struct span){0});
        return NULL;
    }
    arena_init(&job->arena, ANSWER_BYTES_MAX);
    job->type = type;
    job->owner = call;
    job->now = call->now;
    return job;
}

struct job *call_change(struct call *call, enum change_type type, struct str name)
{
    struct job *job = call_job(call, JOB_CHANGE);
    if (!job)
        return NULL;
    job->change = (struct change){
        .op = {.verb = VERB_CHANGE},
        .type = type,
        .app = call->caller.app,
        .now = call->now.wall,
        .name = name,
    };
    return job;
}

void call_do(struct job *job, void (*finish)(struct job *job))
{
    struct call *call = job->owner;
    job->finish = finish;
    intake_job(call->api->intake, job);
}

bool call_done(struct job *job)
{
    struct call *call = job->owner;
    if (job->err == OK)
        return true;
    unavailable(call, job->err, job->retry_after, job->detail);
    return false;
}

void call_deleted(struct job *job)
{
    struct call *call = job->owner;
    if (!call_done(job))
        return;
    if (job->change.result == CHANGE_MISSING)
        call_not_found(call);
    else
        call_empty(call, 204);
}
