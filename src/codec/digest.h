/* codec/digest.h - SHA-256, and HMAC (RFC 2104) with SHA-256 and SHA-1.
 *
 * SHA-1 only where a protocol asks for it (Twilio's signature). Pure; any thread. OpenSSL's own
 * failure can only be want of memory or a broken installation, and ends the process by `must`.
 */
#pragma once
#include "base/str.h"

enum { SHA256_SIZE = 32, SHA1_SIZE = 20 };

/* One shot: about half a microsecond for a short text. */
void sha256(struct str text, unsigned char ret[SHA256_SIZE]);
void hmac_sha256(struct str key, struct str text, unsigned char ret[SHA256_SIZE]);
void hmac_sha1(struct str key, struct str text, unsigned char ret[SHA1_SIZE]);
