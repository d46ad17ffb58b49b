/* api/api.c - see api.h: what every request goes through before its handler. */
#include "api/auth.h"
#include "api/call.h"
#include "api/handlers.h"
#include "codec/uri.h"
#include "model/limits.h"
#include <stdlib.h>

/* ---------------------------------------------------------------------------- the request ---- */

static struct str request_id_of(struct call *call)
{
    static const char digits[] = "0123456789abcdef";
    struct str given = http_header(&call->exchange->request, STR("x-request-id"));
    if (given.at && request_id_ok(given))
        return given;
    char *at = arena_take(call->arena, 32);
    if (!at)
        return STR("unknown");
    for (size_t i = 0; i < 32; i += 16) {
        uint64_t bits = rng_next(&call->api->rng);
        for (size_t k = 0; k < 16; k++, bits >>= 4)
            at[i + k] = digits[bits & 15];
    }
    return (struct str){at, 32};
}

static bool is_known(const struct route *route, struct str name)
{
    if (route->app != NO_APP && str_eq(name, STR("app")))
        return true;
    struct str words = str_of(route->query);
    while (words.at)
        if (str_eq(str_cut(&words, ' '), name))
            return true;
    return false;
}

/* A fault is kept until the caller has shown who he is. */
static void read_query(struct call *call)
{
    struct str rest = call->exchange->request.query;
    struct param param;
    bool bad = false;
    while (!call->query_fault && form_next(&rest, call->arena, &param.name, &param.value, &bad)) {
        call->query_name = param.name;
        if (!str_is_utf8(param.name) || !str_is_utf8(param.value))
            bad = true;
        else if (!param.name.len || !is_known(call->route, param.name))
            call->query_fault = "unknown query parameter";
        else if (call_param(call, param.name).at)
            call->query_fault = "query parameter given twice:";
        else if (call->query_count < QUERY_PARAMS_MAX)
            call->query[call->query_count++] = param;
    }
    if (bad) {
        call->query_name = STR_NONE;
        call->query_fault = "the query string is not well encoded";
    }
}

/* False: answered. */
static bool read_body(struct call *call)
{
    static const struct json_limits limits = {.depth_max = JSON_DEPTH_MAX,
                                              .values_max = JSON_VALUES_MAX};
    const struct http_request *request = &call->exchange->request;
    struct str type = http_header(request, STR("content-type"));
    struct str coding = http_header(request, STR("content-encoding"));
    struct json_fault fault;
    if (coding.at && !str_eq_nocase(coding, STR("identity"))) {
        call_header(call, STR("accept-encoding"), STR("identity")); /* RFC 9110, 15.5.16 */
        call_problem(call, PROBLEM_MEDIA_TYPE, "send the body without Content-Encoding");
        return false;
    }
    if (!type.at || !content_type_is_json(type)) {
        call_problem(call, PROBLEM_MEDIA_TYPE, "send Content-Type: application/json");
        return false;
    }
    switch (json_parse(request->body, &limits, call->arena, &call->body, &fault)) {
    case OK:
        return true;
    case ERR_MEMORY:
        call_unavailable(call, ERR_MEMORY, (struct span){0});
        return false;
    case ERR_LIMIT:
        call_problem(call, PROBLEM_MALFORMED, "nested deeper than %d, or more than %d values",
                     JSON_DEPTH_MAX, JSON_VALUES_MAX);
        return false;
    default:
        fault_add(&call->faults, STR(""), "line %u, column %u: %s", fault.line, fault.column,
                  fault.why.text);
        call_faults(call, PROBLEM_MALFORMED, "line %u, column %u: %s", fault.line, fault.column,
                    fault.why.text);
        return false;
    }
}

/* Behind the credentials: query parameters, then the body, then the handler. */
static void admitted(struct call *call)
{
    const struct http_request *request = &call->exchange->request;
    bool wants_body = call->route->body != NO_BODY;
    if (call->query_fault) {
        call_problem(call, PROBLEM_INVALID, "%s %.*s", call->query_fault,
                     STR_ARG(call->query_name));
        return;
    }
    if (wants_body && request->body_too_large) {
        call_problem(call, PROBLEM_TOO_LARGE, "a body may have %llu bytes",
                     (unsigned long long)call->api->config.body_bytes_max);
        return;
    }
    if (call->route->body == JSON_BODY && !request->body.len) {
        call_problem(call, PROBLEM_MALFORMED, "a JSON body is needed");
        return;
    }
    if (call->route->handler == notifications_post && notifications_turned_away(call))
        return;
    if (wants_body && request->body.len && !read_body(call))
        return;
    call->route->handler(call);
}

/* ------------------------------------------------------------------------------- the entry ---- */

static void route_call(struct call *call)
{
    const struct http_request *request = &call->exchange->request;
    struct route_match match;
    route_find(request->method, request->path, call->arena, &match);
    if (!match.route && !match.allow) {
        call_not_found(call);
        return;
    }
    if (!match.route) {
        call_header(call, STR("allow"), route_allow(match.allow, call->arena));
        call_problem(call, PROBLEM_METHOD, NULL);
        return;
    }
    call->route = match.route;
    if (call->api->draining && match.route->handler != healthz) {
        call_header(call, STR("retry-after"), STR("5"));
        call_problem(call, PROBLEM_DRAINING, NULL);
        return;
    }
    memcpy(call->params, match.params, sizeof call->params);
    if (match.malformed) {
        call_problem(call, PROBLEM_INVALID, "the path is not well encoded");
        return;
    }
    if (call->route->query)
        read_query(call);
    if (call->route->access == ACCESS_OPEN)
        admitted(call);
    else
        auth_begin(call, admitted);
}

static void handle(void *self, struct exchange *exchange)
{
    struct api *api = self;
    struct call *call = arena_new(&exchange->arena, struct call);
    if (!call) {
        struct http_response response = {
            .status = problem_status(PROBLEM_OVERLOADED),
            .headers = {{STR("retry-after"), STR("1")}},
            .header_count = 1,
        };
        exchange_respond(exchange, &response);
        return;
    }
    call->api = api;
    call->exchange = exchange;
    call->arena = &exchange->arena;
    call->now = exchange->began;
    buf_init(&call->out, ANSWER_BYTES_MAX);
    faults_init(&call->faults, call->arena);
    call->request_id = request_id_of(call);
    api->stats.open++;
    route_call(call);
}

void not_supported_yet(struct call *call)
{
    call_problem(call, PROBLEM_LATER, NULL);
}

struct api *api_new(const struct api_config *config)
{
    struct api *api = calloc(1, sizeof *api);
    if (!api)
        return NULL;
    uint64_t seed;
    entropy_fill(intake_entropy(config->intake), &seed, sizeof seed);
    api->intake = config->intake;
    api->config = *config;
    api->rng = rng_of(seed);
    buf_init(&api->scratch, ANSWER_BYTES_MAX);
    return api;
}

void api_configure(struct api *api, const struct api_config *config)
{
    must(config->intake == api->intake);
    api->config = *config;
}

void api_drain(struct api *api)
{
    api->draining = true;
}

void api_free(struct api *api)
{
    if (!api)
        return;
    buf_done(&api->scratch);
    wipe(api->config.root_hash, sizeof api->config.root_hash);
    free(api);
}

struct exchange_handler api_handler(struct api *api)
{
    return (struct exchange_handler){.handle = handle, .self = api};
}
