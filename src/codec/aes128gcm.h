/* codec/aes128gcm.h - message encryption for Web Push (RFC 8291 over RFC 8188).
 *
 * One record, one receiver: body = salt(16) | rs(4) = 4096 | idlen(1) = 65 | our public key(65) |
 * ciphertext. The ephemeral key and the salt are injected, so that the same input always gives the
 * same bytes, as in RFC 8291 appendix A. Costs about 80 us, nearly all of it P-256.
 * A sealer is constant once made: any thread may use it. Intermediate secrets are wiped.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"

enum {
    PUSH_POINT_SIZE = 65,  /* p256dh: an uncompressed point */
    PUSH_AUTH_SIZE = 16,   /* auth */
    PUSH_SCALAR_SIZE = 32, /* the ephemeral private key */
    PUSH_SALT_SIZE = 16,
    PUSH_HEAD_SIZE = 16 + 4 + 1 + 65,
    PUSH_BODY_MAX = 4096,                                 /* RFC 8030 section 7.2 */
    PUSH_PLAIN_MAX = PUSH_BODY_MAX - PUSH_HEAD_SIZE - 17, /* 3993: less delimiter and tag */
};

/* Whom a message is for: the keys of a subscription. */
struct push_keys {
    unsigned char p256dh[PUSH_POINT_SIZE];
    unsigned char auth[PUSH_AUTH_SIZE];
};

struct sealer; /* the curve and the cipher, looked up once */

struct sealer *sealer_new(void); /* NULL: no memory, or an OpenSSL without P-256 */
void sealer_free(struct sealer *sealer);

/* From base64url as browsers give it, padding accepted. ERR_INPUT unless p256dh is a point of the
 * curve in 65 bytes and auth has 16. */
enum err push_keys_parse(const struct sealer *sealer, struct str p256dh, struct str auth,
                         struct push_keys *ret, struct why *why) must_use;
/* Whether p256dh is a point of the curve in 65 bytes of base64url; false, too, without memory.
 * Needs no sealer: for whoever takes subscriptions and never seals. */
bool push_point_ok(struct str p256dh);
/* Whether 32 random bytes are a private key: 1 <= scalar < order. About one in 2^32 is not. */
bool push_scalar_ok(const struct sealer *sealer, const unsigned char scalar[PUSH_SCALAR_SIZE]);

/* Appends the body. ERR_LIMIT: over PUSH_PLAIN_MAX; ERR_INPUT: p256dh is no point of the curve;
 * ERR_CRYPTO, ERR_MEMORY. */
enum err push_seal(const struct sealer *sealer, const struct push_keys *keys,
                   const unsigned char scalar[PUSH_SCALAR_SIZE],
                   const unsigned char salt[PUSH_SALT_SIZE], struct str plain, struct buf *out,
                   struct why *why) must_use;
