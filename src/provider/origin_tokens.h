/* provider/origin_tokens.h - VAPID credentials, one for each push service.
 *
 * A credential names the origin it is for (RFC 8292 section 2) and costs a signature, so it is kept
 * for as long as it lives. Subscribers choose the origins: at most ORIGINS_MAX are remembered, the
 * longest unused goes first, and their hash is keyed. Courier's thread only.
 */
#pragma once
#include "codec/uri.h"
#include "codec/vapid.h"

struct origin_tokens;

/* Borrows key and subject. `secret` (any length) keys the hash; only its digest is kept. NULL: no
 * memory. */
struct origin_tokens *origin_tokens_new(const struct jwt_key *key, struct str subject,
                                        struct str secret);
void origin_tokens_free(struct origin_tokens *tokens); /* NULL does nothing */

/* The Authorization header for that origin; borrowed until the next call. */
enum err origin_tokens_get(struct origin_tokens *tokens, const struct url *endpoint,
                           struct wall now, struct str *ret, struct why *why) must_use;
/* Some service called its credential stale: all are made anew, at most once a minute, since any
 * endpoint can say so. */
void origin_tokens_forget(struct origin_tokens *tokens, struct wall now);
