/* model/http.h - a request as the intake's sessions hand it up, and the answer they write.
 *
 * The same for HTTP/1.1 and HTTP/2; a handler cannot tell them apart.
 */
#pragma once
#include "base/buf.h"
#include "model/wire.h"

enum method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_OTHER
};

struct http_request {
    enum method method;
    struct str method_text;
    struct str path;              /* of the target, still percent-encoded */
    struct str query;             /* behind '?', still percent-encoded; absent without one */
    const struct header *headers; /* names in lower case */
    uint32_t header_count;
    struct str body;
    bool body_too_large; /* the body was over the limit and was not kept: answer 413 */
    bool tls;
};

/* The first header of that name (lower case); absent if there is none. */
struct str http_header(const struct http_request *request, struct str name);

enum { RESPONSE_HEADERS_MAX = 16 };

struct http_response {
    int status;
    struct header headers[RESPONSE_HEADERS_MAX]; /* names in lower case; no content-length */
    uint32_t header_count;
    struct str body;
};
