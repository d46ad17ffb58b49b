/* net/h2_head.h - the head of an HTTP/2 request, put together field by field and then judged.
 *
 * nghttp2 has checked by then what RFC 9113 calls malformed; here stand our limits (HEAD_BYTES_MAX,
 * HEADERS_MAX, TARGET_LEN_MAX) and what HTTP/1.1 would be refused for as well (net/target.h).
 */
#pragma once
#include "net/exchanges.h"

/* Copies a field, pseudo or not, into the slot. What is wrong is kept for h2_head_judge. */
void h2_head_add(struct slot *slot, struct str name, struct str value);
/* The head is whole: completes the request; NULL, or what is wrong with it. */
const struct refusal *h2_head_judge(struct slot *slot);
