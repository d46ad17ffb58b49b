/* net/h2_message.h - a request as header fields and body, a response gathered in its call's arena.
 *
 * Of a response, what does not fit is left out, never an error: headers past REPLY_HEADERS_MAX or
 * HEAD_BYTES_MAX, a body past REPLY_BYTES_MAX, anything once the arena is full. The status is
 * always kept.
 */
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

/* One header field; ":status" among them. */
void h2_reply_header(struct h2_stream *stream, struct str name, struct str value);
/* A header block is complete: forgets an interim one (1xx, RFC 9110 section 15.2). */
void h2_reply_headers_end(struct h2_stream *stream);
/* Part of the body; false once it is full. */
bool h2_reply_body(struct h2_stream *stream, struct str bytes);
