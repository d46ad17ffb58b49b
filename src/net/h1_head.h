/* net/h1_head.h - the head of an HTTP/1.x request: find its end, then parse it (RFC 9112).
 *
 * Both are pure. Strict: whatever two parsers could read differently is refused (request
 * smuggling): bare CR or LF, folded lines, a space before the colon, repeated or listed
 * Content-Length, Content-Length beside Transfer-Encoding, any coding but `chunked`, and the rest
 * of the table in test/unit/test_h1_head.c. The result does not depend on how the bytes were cut.
 */
#pragma once
#include "net/refusal.h"

/* How far a head that is still coming has been looked at. */
struct h1_scan {
    size_t at;      /* bytes seen */
    size_t line;    /* where the present line begins */
    uint32_t lines; /* complete ones: the request line and the fields */
};

/* Looks at bytes [scan->at, len) of a head that begins at `at`. True: *ret_len is its length with
 * the empty line. False: *ret says what is wrong, or is NULL: more bytes are needed. */
bool h1_scan(struct h1_scan *scan, const char *at, size_t len, size_t *ret_len,
             const struct refusal **ret);

/* What the head says about its message beyond the request itself. */
struct h1_head {
    uint64_t length; /* of the body; 0 without one */
    bool chunked;
    bool http10;
    bool close;   /* no further request on this connection */
    bool expects; /* 100-continue */
};

/* Parses a complete head in place (names become lower case; the request's views point into it).
 * `headers` has room for `header_cap`; h1_scan's lines - 1 is enough. NULL, or what is wrong. */
const struct refusal *h1_head_parse(char *at, size_t len, struct header *headers,
                                    uint32_t header_cap, struct http_request *request,
                                    struct h1_head *ret);

/* One field line without its CRLF, as in a trailer: NULL, or what is wrong. Lowers the name. */
const struct refusal *h1_field_parse(char *at, size_t len, struct header *ret);
