/* codec/aes128gcm.c - see aes128gcm.h. */
#include "codec/aes128gcm.h"
#include "codec/base64.h"
#include "codec/digest.h"
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <stdlib.h>

enum { CEK_SIZE = 16, NONCE_SIZE = 12, TAG_SIZE = 16, SECRET_SIZE = 32, RECORD_SIZE = 4096 };

struct sealer {
    EC_GROUP *group;
    EVP_CIPHER *cipher;
};

struct sealer *sealer_new(void)
{
    struct sealer *sealer = calloc(1, sizeof *sealer);
    if (!sealer)
        return NULL;
    sealer->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    sealer->cipher = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
    if (sealer->group && sealer->cipher)
        return sealer;
    sealer_free(sealer);
    return NULL;
}

void sealer_free(struct sealer *sealer)
{
    if (!sealer)
        return;
    EC_GROUP_free(sealer->group);
    EVP_CIPHER_free(sealer->cipher);
    free(sealer);
}

static bool is_point(const struct sealer *sealer, const unsigned char *bytes)
{
    EC_POINT *point = EC_POINT_new(sealer->group);
    /* Reading checks that it is on the curve; with cofactor 1 that is all there is to check. The
     * first byte tells the uncompressed form from OpenSSL's hybrid one. */
    bool ok = point && bytes[0] == POINT_CONVERSION_UNCOMPRESSED &&
              EC_POINT_oct2point(sealer->group, point, bytes, PUSH_POINT_SIZE, NULL) == 1;
    EC_POINT_free(point);
    ERR_clear_error();
    return ok;
}

enum err push_keys_parse(const struct sealer *sealer, struct str p256dh, struct str auth,
                         struct push_keys *ret, struct why *why)
{
    struct push_keys keys;
    size_t len = 0;
    if (!base64url_decode(p256dh, keys.p256dh, sizeof keys.p256dh, &len) ||
        len != sizeof keys.p256dh || !is_point(sealer, keys.p256dh))
        return why_set(why, ERR_INPUT,
                       "p256dh must be a point of P-256 in 65 bytes of base64url, as the browser's "
                       "getKey('p256dh') gives it");
    if (!base64url_decode(auth, keys.auth, sizeof keys.auth, &len) || len != sizeof keys.auth)
        return why_set(why, ERR_INPUT,
                       "auth must be 16 bytes of base64url, as the browser's getKey('auth') "
                       "gives it");
    *ret = keys;
    return OK;
}

bool push_point_ok(struct str p256dh)
{
    unsigned char bytes[PUSH_POINT_SIZE];
    size_t len = 0;
    if (!base64url_decode(p256dh, bytes, sizeof bytes, &len) || len != sizeof bytes)
        return false;
    struct sealer sealer = {.group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)};
    bool ok = sealer.group && is_point(&sealer, bytes);
    EC_GROUP_free(sealer.group);
    return ok;
}

bool push_scalar_ok(const struct sealer *sealer, const unsigned char scalar[PUSH_SCALAR_SIZE])
{
    BIGNUM *number = BN_bin2bn(scalar, PUSH_SCALAR_SIZE, NULL);
    bool ok =
        number && !BN_is_zero(number) && BN_cmp(number, EC_GROUP_get0_order(sealer->group)) < 0;
    BN_clear_free(number);
    return ok;
}

/* Our public point, and the x of (scalar times theirs): RFC 5903's ECDH as RFC 8291 uses it. */
static bool agree(const struct sealer *sealer, const unsigned char *theirs,
                  const unsigned char *scalar, unsigned char *ret_ours, unsigned char *ret_secret)
{
    const EC_GROUP *group = sealer->group;
    BN_CTX *context = BN_CTX_secure_new();
    BIGNUM *d = BN_bin2bn(scalar, PUSH_SCALAR_SIZE, NULL), *x = BN_new();
    EC_POINT *ours = EC_POINT_new(group), *peer = EC_POINT_new(group),
             *shared = EC_POINT_new(group);
    bool ok = context && d && x && ours && peer && shared;
    if (ok) {
        BN_set_flags(d, BN_FLG_CONSTTIME);
        ok = EC_POINT_oct2point(group, peer, theirs, PUSH_POINT_SIZE, context) == 1 &&
             EC_POINT_mul(group, ours, d, NULL, NULL, context) == 1 &&
             EC_POINT_mul(group, shared, NULL, peer, d, context) == 1 &&
             EC_POINT_point2oct(group, ours, POINT_CONVERSION_UNCOMPRESSED, ret_ours,
                                PUSH_POINT_SIZE, context) == PUSH_POINT_SIZE &&
             EC_POINT_get_affine_coordinates(group, shared, x, NULL, context) == 1 &&
             BN_bn2binpad(x, ret_secret, SECRET_SIZE) == SECRET_SIZE;
    }
    EC_POINT_clear_free(shared);
    EC_POINT_free(peer);
    EC_POINT_free(ours);
    BN_clear_free(x);
    BN_clear_free(d);
    BN_CTX_free(context);
    ERR_clear_error();
    return ok;
}

static struct str bytes_of(const void *at, size_t len)
{
    return (struct str){at, len};
}

/* RFC 8291 section 3.4: from the shared secret to the content key and the nonce. */
static void derive(const struct push_keys *keys, const unsigned char *ours,
                   const unsigned char *secret, const unsigned char *salt, unsigned char *ret_cek,
                   unsigned char *ret_nonce)
{
    unsigned char prk[SHA256_SIZE], ikm[SHA256_SIZE], okm[SHA256_SIZE];
    char info[14 + 2 * PUSH_POINT_SIZE + 1] = "WebPush: info"; /* its NUL counts */
    memcpy(info + 14, keys->p256dh, PUSH_POINT_SIZE);
    memcpy(info + 14 + PUSH_POINT_SIZE, ours, PUSH_POINT_SIZE);
    info[sizeof info - 1] = 1;
    hmac_sha256(bytes_of(keys->auth, PUSH_AUTH_SIZE), bytes_of(secret, SECRET_SIZE), prk);
    hmac_sha256(bytes_of(prk, sizeof prk), bytes_of(info, sizeof info), ikm);

    hmac_sha256(bytes_of(salt, PUSH_SALT_SIZE), bytes_of(ikm, sizeof ikm), prk);
    hmac_sha256(bytes_of(prk, sizeof prk), STR("Content-Encoding: aes128gcm\0\1"), okm);
    memcpy(ret_cek, okm, CEK_SIZE);
    hmac_sha256(bytes_of(prk, sizeof prk), STR("Content-Encoding: nonce\0\1"), okm);
    memcpy(ret_nonce, okm, NONCE_SIZE);
    wipe(prk, sizeof prk);
    wipe(ikm, sizeof ikm);
    wipe(okm, sizeof okm);
}

/* plain | 0x02 (the last record), sealed, the tag behind it; `into` has room. */
static bool encrypt(const EVP_CIPHER *cipher, const unsigned char *cek, const unsigned char *nonce,
                    struct str plain, unsigned char *into)
{
    static const unsigned char last_record = 2;
    int len = 0, more = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool ok = context && EVP_EncryptInit_ex2(context, cipher, cek, nonce, NULL) == 1 &&
              EVP_EncryptUpdate(context, into, &len, (const unsigned char *)plain.at,
                                (int)plain.len) == 1;
    into += len;
    ok = ok && EVP_EncryptUpdate(context, into, &more, &last_record, 1) == 1;
    into += more;
    ok = ok && EVP_EncryptFinal_ex(context, into, &more) == 1 &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, into) == 1;
    EVP_CIPHER_CTX_free(context);
    ERR_clear_error();
    return ok;
}

enum err push_seal(const struct sealer *sealer, const struct push_keys *keys,
                   const unsigned char scalar[PUSH_SCALAR_SIZE],
                   const unsigned char salt[PUSH_SALT_SIZE], struct str plain, struct buf *out,
                   struct why *why)
{
    unsigned char ours[PUSH_POINT_SIZE], secret[SECRET_SIZE], cek[CEK_SIZE], nonce[NONCE_SIZE];
    if (plain.len > PUSH_PLAIN_MAX)
        return why_set(why, ERR_LIMIT, "%zu bytes, the limit is %d", plain.len, PUSH_PLAIN_MAX);
    size_t size = PUSH_HEAD_SIZE + plain.len + 1 + TAG_SIZE;
    if (!buf_reserve(out, size))
        return why_set(why, ERR_MEMORY, "no memory for an encrypted message");
    if (!agree(sealer, keys->p256dh, scalar, ours, secret))
        return why_set(why, ERR_CRYPTO, "key agreement failed: p256dh or the ephemeral key");

    unsigned char *at = (unsigned char *)out->at + out->len;
    memcpy(at, salt, PUSH_SALT_SIZE);
    memcpy(at + 16, (const unsigned char[]){0, 0, RECORD_SIZE >> 8, 0, PUSH_POINT_SIZE}, 5);
    memcpy(at + 21, ours, PUSH_POINT_SIZE);
    derive(keys, ours, secret, salt, cek, nonce);
    bool ok = encrypt(sealer->cipher, cek, nonce, plain, at + PUSH_HEAD_SIZE);
    wipe(secret, sizeof secret);
    wipe(cek, sizeof cek);
    wipe(nonce, sizeof nonce);
    if (!ok)
        return why_set(why, ERR_CRYPTO, "AES-128-GCM failed in OpenSSL");
    out->len += size;
    return OK;
}
