/* net/h1_write.h - an HTTP/1.1 response as bytes.
 *
 * The session owns content-length, connection and transfer-encoding: the handler's are left out. So
 * is a header whose name is no token or whose value has a control character: nothing that a
 * client or a store can put into a value ever splits a response (H4).
 */
#pragma once
#include "model/http.h"

struct h1_write {
    bool head_only;  /* the answer to HEAD: the length, but no body */
    bool close;      /* say that the connection ends here */
    bool keep_alive; /* say that it does not, to HTTP/1.0 */
};

/* Appends to `out`; on failure (out->failed) nothing of it is there. */
void h1_write(struct buf *out, const struct http_response *response, struct h1_write how);
/* True if the header may be sent. Shared with HTTP/2. */
bool response_header_valid(const struct header *header);
