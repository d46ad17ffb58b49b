/* net/h2_message.h - a request as HTTP/2 header fields and body. */
#pragma once
#include "net/h2_client.h"
#include <nghttp2/nghttp2.h>

enum { H2_FIELDS_MAX = 4 + REQUEST_HEADERS_MAX + 1, H2_LENGTH_SIZE = 24 };

/* The fields of a request; they borrow from it, from `config` and from `length`. Returns how many.
 */
size_t h2_request_fields(const struct h2_client_config *config, const struct request *request,
                         char length[H2_LENGTH_SIZE], nghttp2_nv fields[H2_FIELDS_MAX]);
/* The next part of its body; true with the last. */
bool h2_request_body(struct h2_stream *stream, void *into, size_t size, size_t *ret_len);
