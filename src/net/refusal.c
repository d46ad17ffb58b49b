/* net/refusal.c - statuses, their names, and the problems that sessions answer; see refusal.h. */
#include "net/refusal.h"
#include <stdio.h>

/* X(status, title, slug of the problem type) */
#define STATUSES(X)                                                                                \
    X(100, "Continue", "")                                                                         \
    X(200, "OK", "")                                                                               \
    X(201, "Created", "")                                                                          \
    X(202, "Accepted", "")                                                                         \
    X(204, "No Content", "")                                                                       \
    X(206, "Partial Content", "")                                                                  \
    X(301, "Moved Permanently", "")                                                                \
    X(302, "Found", "")                                                                            \
    X(303, "See Other", "")                                                                        \
    X(304, "Not Modified", "")                                                                     \
    X(307, "Temporary Redirect", "")                                                               \
    X(308, "Permanent Redirect", "")                                                               \
    X(400, "Bad Request", "malformed")                                                             \
    X(401, "Unauthorized", "unauthorized")                                                         \
    X(403, "Forbidden", "forbidden")                                                               \
    X(404, "Not Found", "not-found")                                                               \
    X(405, "Method Not Allowed", "method-not-allowed")                                             \
    X(406, "Not Acceptable", "not-acceptable")                                                     \
    X(408, "Request Timeout", "timeout")                                                           \
    X(409, "Conflict", "conflict")                                                                 \
    X(410, "Gone", "gone")                                                                         \
    X(411, "Length Required", "length-required")                                                   \
    X(412, "Precondition Failed", "precondition-failed")                                           \
    X(413, "Content Too Large", "body-too-large")                                                  \
    X(414, "URI Too Long", "target-too-long")                                                      \
    X(415, "Unsupported Media Type", "unsupported-media-type")                                     \
    X(417, "Expectation Failed", "expectation-failed")                                             \
    X(421, "Misdirected Request", "misdirected")                                                   \
    X(422, "Unprocessable Content", "unprocessable")                                               \
    X(428, "Precondition Required", "precondition-required")                                       \
    X(429, "Too Many Requests", "too-many-requests")                                               \
    X(431, "Request Header Fields Too Large", "head-too-large")                                    \
    X(500, "Internal Server Error", "internal")                                                    \
    X(501, "Not Implemented", "not-implemented")                                                   \
    X(502, "Bad Gateway", "bad-gateway")                                                           \
    X(503, "Service Unavailable", "overloaded")                                                    \
    X(504, "Gateway Timeout", "gateway-timeout")                                                   \
    X(505, "HTTP Version Not Supported", "version-not-supported")

struct str status_text(int status)
{
    switch (status) {
#define STATUS_TEXT(number, title, slug)                                                           \
    case number:                                                                                   \
        return STR(title);
        STATUSES(STATUS_TEXT)
    default:
        return STR("");
    }
}

static const char *status_slug(int status)
{
    switch (status) {
#define STATUS_SLUG(number, title, slug)                                                           \
    case number:                                                                                   \
        return slug;
        STATUSES(STATUS_SLUG)
    default:
        return "unknown";
    }
}

void refusal_response(const struct refusal *refusal, char into[REFUSAL_BODY_MAX],
                      struct http_response *ret)
{
    int len = snprintf(into, REFUSAL_BODY_MAX,
                       "{\"type\":\"https://bongsu.dev/problems/%s\",\"title\":\"%.*s\","
                       "\"status\":%d,\"detail\":\"%s\"}",
                       status_slug(refusal->status), STR_ARG(status_text(refusal->status)),
                       refusal->status, refusal->detail);
    must(len > 0 && len < REFUSAL_BODY_MAX);
    *ret = (struct http_response){.status = refusal->status, .body = {into, (size_t)len}};
    ret->headers[ret->header_count++] =
        (struct header){STR("content-type"), STR("application/problem+json")};
    if (refusal->status == 503)
        ret->headers[ret->header_count++] = (struct header){STR("retry-after"), STR("1")};
}
