/* codec/vapid.h - how an application server identifies itself to push services (RFC 8292).
 *
 * Pure; any thread.
 */
#pragma once
#include "base/time.h"
#include "codec/jwt.h"

/* RFC 8292 section 2 allows 24 h at most, and services refuse more; ours lives half of that. */
enum { VAPID_LIFE_S = 12 * 3600 };

/* Appends "vapid t=<JWT>, k=<public key>", the value of an Authorization header. `origin` is the
 * audience, scheme://host[:port] without a default port; `subject` a mailto: or https: URL. */
enum err vapid_credential(const struct jwt_key *key, struct str origin, struct str subject,
                          struct wall expires, struct buf *out, struct why *why) must_use;
/* Appends the public key as browsers want it (applicationServerKey): base64url. */
void vapid_public_key(const struct jwt_key *key, struct buf *out);
/* What services accept as `sub`: "mailto:a@b" without spaces or angle brackets (Apple answers 403
 * BadJwtToken to those), or "https://host...". False: why says what to write. */
bool vapid_subject_ok(struct str subject, struct why *why);
