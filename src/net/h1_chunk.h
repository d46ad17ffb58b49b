/* net/h1_chunk.h - the chunked coding, taken off strictly (RFC 9112 section 7.1).
 *
 * Extensions and trailers are checked, bounded and dropped. A chunk's line is hex digits (1 to 16),
 * then nothing or ';' with extensions; CRLF everywhere; no space before or after the size.
 */
#pragma once
#include "model/limits.h"
#include "net/refusal.h"

enum h1_chunk_state {
    CHUNK_SIZE,     /* in the line of a size */
    CHUNK_DATA,     /* `left` bytes of data follow */
    CHUNK_DATA_END, /* the CRLF behind data */
    CHUNK_TRAILER,  /* in a line of the trailer */
    CHUNK_DONE,
};

struct h1_chunk {
    enum h1_chunk_state state;
    uint64_t left;
    uint32_t trailer_bytes; /* so far */
    uint32_t line_len;
    char line[CHUNK_LINE_MAX]; /* the present one; a longer field of the trailer is refused */
};

void h1_chunk_init(struct h1_chunk *chunk);
/* Takes bytes until there is a piece of data, or the end, or no more. Returns how many it took;
 * *ret_data is a piece of the body within them, or absent. *ret_wrong is NULL, or says what. */
size_t h1_chunk_take(struct h1_chunk *chunk, const char *at, size_t len, struct str *ret_data,
                     const struct refusal **ret_wrong);
