/* codec/jwt.c - see jwt.h. */
#include "codec/jwt.h"
#include "codec/base64.h"
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>

enum { RSA_BITS_MIN = 2048, SIGNATURE_MAX = 1024 /* RSA of 8192 bits */ };

struct jwt_key {
    enum jwt_alg alg;
    EVP_PKEY *pkey;
    unsigned char point[P256_POINT_SIZE];
};

/* Instead of OpenSSL's own, which would ask on the terminal. */
static int no_passphrase(char *into, int size, int writing, void *asked)
{
    (void)into, (void)size, (void)writing;
    *(bool *)asked = true;
    return -1;
}

static const char *wanted(enum jwt_alg alg)
{
    return alg == JWT_ES256 ? "an EC key on P-256" : "an RSA key of 2048 bits or more";
}

static enum err read_pem(enum jwt_alg alg, struct str pem, EVP_PKEY **ret, struct why *why)
{
    if (pem.len > INT_MAX || !memmem(pem.at ? pem.at : "", pem.len, "-----BEGIN ", 11))
        return why_set(why, ERR_CRYPTO,
                       "no PEM text: give %s with its '-----BEGIN PRIVATE KEY-----' lines",
                       wanted(alg));
    BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.len);
    if (!bio)
        return why_set(why, ERR_MEMORY, "no memory to read a key");
    bool asked = false;
    *ret = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &asked);
    BIO_free(bio);
    ERR_clear_error();
    if (*ret)
        return OK;
    if (asked)
        return why_set(why, ERR_CRYPTO,
                       "the key is encrypted: store it without a passphrase "
                       "(openssl pkcs8 -topk8 -nocrypt)");
    if (memmem(pem.at, pem.len, "PRIVATE KEY-----", 16))
        return why_set(why, ERR_CRYPTO,
                       "the private key is damaged: copy the file again, with its line ends");
    return why_set(why, ERR_CRYPTO, "the PEM text holds no private key: give %s", wanted(alg));
}

static enum err check_rsa(const EVP_PKEY *pkey, struct why *why)
{
    if (!EVP_PKEY_is_a(pkey, "RSA"))
        return why_set(why, ERR_CRYPTO, "the key is %s: give %s", EVP_PKEY_get0_type_name(pkey),
                       wanted(JWT_RS256));
    int bits = EVP_PKEY_get_bits(pkey);
    if (bits < RSA_BITS_MIN || bits > SIGNATURE_MAX * 8)
        return why_set(why, ERR_CRYPTO, "the RSA key has %d bits: give one of %d to %d", bits,
                       RSA_BITS_MIN, SIGNATURE_MAX * 8);
    return OK;
}

static enum err check_ec(const EVP_PKEY *pkey, unsigned char *ret_point, struct why *why)
{
    char curve[64] = "";
    size_t len = 0;
    if (!EVP_PKEY_is_a(pkey, "EC"))
        return why_set(why, ERR_CRYPTO, "the key is %s: give %s", EVP_PKEY_get0_type_name(pkey),
                       wanted(JWT_ES256));
    EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, curve, sizeof curve, &len);
    if (strcmp(curve, "prime256v1") != 0)
        return why_set(why, ERR_CRYPTO,
                       "the key is on the curve %s: make one with "
                       "'openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256'",
                       *curve ? curve : "(unnamed)");
    unsigned char x[P256_SCALAR_SIZE], y[P256_SCALAR_SIZE];
    BIGNUM *bx = NULL, *by = NULL;
    bool ok = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_X, &bx) == 1 &&
              EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, &by) == 1 &&
              BN_bn2binpad(bx, x, sizeof x) == sizeof x &&
              BN_bn2binpad(by, y, sizeof y) == sizeof y;
    BN_free(bx);
    BN_free(by);
    if (!ok)
        return why_set(why, ERR_CRYPTO, "the EC key has no public part: export it again");
    ret_point[0] = 4; /* uncompressed */
    memcpy(ret_point + 1, x, sizeof x);
    memcpy(ret_point + 1 + sizeof x, y, sizeof y);
    return OK;
}

enum err jwt_key_load(enum jwt_alg alg, struct str pem, struct jwt_key **ret, struct why *why)
{
    struct jwt_key key = {.alg = alg};
    enum err err = read_pem(alg, pem, &key.pkey, why);
    if (err)
        return err;
    err = alg == JWT_ES256 ? check_ec(key.pkey, key.point, why) : check_rsa(key.pkey, why);
    struct jwt_key *made = err ? NULL : malloc(sizeof *made);
    if (!made) {
        EVP_PKEY_free(key.pkey);
        ERR_clear_error();
        return err ? err : why_set(why, ERR_MEMORY, "no memory for a key");
    }
    *made = key;
    *ret = made;
    return OK;
}

void jwt_key_free(struct jwt_key *key)
{
    if (key)
        EVP_PKEY_free(key->pkey);
    free(key);
}

void jwt_key_point(const struct jwt_key *key, unsigned char ret[P256_POINT_SIZE])
{
    must(key->alg == JWT_ES256);
    memcpy(ret, key->point, P256_POINT_SIZE);
}

/* DER to the 64 bytes R||S that RFC 7518 section 3.4 wants. */
static bool der_to_raw(const unsigned char *der, size_t len, unsigned char *raw)
{
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)len);
    if (!signature)
        return false;
    bool ok =
        BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, P256_SCALAR_SIZE) > 0 &&
        BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + P256_SCALAR_SIZE, P256_SCALAR_SIZE) > 0;
    ECDSA_SIG_free(signature);
    return ok;
}

static bool sign(const struct jwt_key *key, struct str text, unsigned char *ret, size_t *ret_len)
{
    unsigned char der[SIGNATURE_MAX];
    size_t len = sizeof der;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key->pkey) == 1 &&
              EVP_DigestSign(context, der, &len, (const unsigned char *)text.at, text.len) == 1;
    EVP_MD_CTX_free(context);
    if (!ok)
        return false;
    if (key->alg == JWT_ES256) {
        *ret_len = 2 * P256_SCALAR_SIZE;
        return der_to_raw(der, len, ret);
    }
    memcpy(ret, der, len);
    *ret_len = len;
    return true;
}

enum err jwt_sign(const struct jwt_key *key, struct str header, struct str claims, struct buf *out,
                  struct why *why)
{
    unsigned char signature[SIGNATURE_MAX];
    size_t len = 0, from = out->len;
    base64url_add(out, header);
    buf_add_char(out, '.');
    base64url_add(out, claims);
    if (out->failed)
        return why_set(why, ERR_MEMORY, "no memory for a token");
    bool ok = sign(key, str_slice(buf_str(out), from, out->len), signature, &len);
    ERR_clear_error();
    if (!ok) {
        out->len = from;
        return why_set(why, ERR_CRYPTO, "signing a token failed in OpenSSL");
    }
    buf_add_char(out, '.');
    base64url_add(out, (struct str){(const char *)signature, len});
    return out->failed ? why_set(why, ERR_MEMORY, "no memory for a token") : OK;
}
