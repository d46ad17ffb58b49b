/* codec/base64.h - base64 and base64url (RFC 4648 sections 4 and 5).
 *
 * Encoding appends to a buffer, whose failure is sticky. Decoding is strict: only the alphabet, no
 * white space, no bits left over; padding may be there whole or not at all. Pure; any thread.
 */
#pragma once
#include "base/buf.h"

/* With '+' and '/', padded. */
void base64_add(struct buf *out, struct str bytes);
/* With '-' and '_', not padded. */
void base64url_add(struct buf *out, struct str bytes);

/* Writes at most `size` bytes; false, with *ret_len untouched, if the text is wrong or the result
 * longer. */
bool base64_decode(struct str text, void *into, size_t size, size_t *ret_len) must_use;
bool base64url_decode(struct str text, void *into, size_t size, size_t *ret_len) must_use;

/* Bytes that `len` bytes come to, with padding and without. */
size_t base64_len(size_t len);
size_t base64url_len(size_t len);
