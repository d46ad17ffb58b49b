/* api/auth.h - who calls, and whether they may.
 *
 * HTTP Basic with appKey and appSecret, or Bearer with the root key. Secrets are compared as
 * SHA-256 hashes in constant time; an unknown key takes the same way as a wrong secret. A key says
 * its app; the root key names one by ?app=. Another app than one's own is 404, like a missing one.
 */
#pragma once
#include "api/call.h"

/* Calls `done` with call->caller filled in, at once or later; or answers: 401, 403, 404, 400 (the
 * root key without a needed ?app=), 503. */
void auth_begin(struct call *call, void (*done)(struct call *call));
