/* codec/jwt.h - signing keys from PEM, and compact JSON Web Tokens signed with them.
 *
 * RFC 7515 and 7518: ES256 (P-256, the signature as raw R||S of 64 bytes) for APNs and VAPID,
 * RS256 (RSASSA-PKCS1-v1_5 with SHA-256) for Google. Keys are only ever given as text; reading
 * files is the configuration's. A loaded key is constant: any thread may sign with it.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"

enum jwt_alg { JWT_ES256, JWT_RS256 };

enum { P256_POINT_SIZE = 65, P256_SCALAR_SIZE = 32 };

struct jwt_key; /* owns the private key; OpenSSL wipes it */

/* ERR_CRYPTO, with what to do about it in `why`: no PEM, encrypted, a public key, the wrong kind
 * or curve, RSA of fewer than 2048 bits. */
enum err jwt_key_load(enum jwt_alg alg, struct str pem, struct jwt_key **ret,
                      struct why *why) must_use;
void jwt_key_free(struct jwt_key *key); /* NULL does nothing */

/* ES256 keys: the public point, uncompressed (SEC 1 section 2.3.3). */
void jwt_key_point(const struct jwt_key *key, unsigned char ret[P256_POINT_SIZE]);

/* Appends header.claims.signature; `header` and `claims` are JSON texts. ERR_CRYPTO, ERR_MEMORY. */
enum err jwt_sign(const struct jwt_key *key, struct str header, struct str claims, struct buf *out,
                  struct why *why) must_use;
