/* net/gather.h - an HTTP response as it comes in, kept in the arena of its call.
 *
 * What does not fit is left out, never an error: headers past REPLY_HEADERS_MAX or HEAD_BYTES_MAX,
 * a body past REPLY_BYTES_MAX, anything once the arena is full. The status is always kept.
 */
#pragma once
#include "base/arena.h"
#include "model/wire.h"

struct gather {
    struct arena *arena;
    struct reply *reply; /* filled; outlives this */
    struct header *headers;
    uint32_t header_cap;
    size_t header_bytes;
    char *body;
    size_t body_cap;
    bool answering; /* the final response's headers are complete */
};

void gather_status(struct gather *gather, struct str digits);
/* One field; the name is kept in lower case. Nothing once the headers are complete: trailers. */
void gather_header(struct gather *gather, struct str name, struct str value);
/* A block of headers is complete: forgets an interim one (1xx, RFC 9110 section 15.2). */
void gather_headers_end(struct gather *gather);
/* Part of the body; false once it is full. */
bool gather_body(struct gather *gather, struct str bytes);
