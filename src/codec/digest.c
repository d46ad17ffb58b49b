/* codec/digest.c - see digest.h. */
#include "codec/digest.h"
#include "base/err.h"
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

void sha256(struct str text, unsigned char ret[SHA256_SIZE])
{
    unsigned len = 0;
    must(EVP_Digest(text.at, text.len, ret, &len, EVP_sha256(), NULL) == 1);
    must(len == SHA256_SIZE);
}

static void hmac(const EVP_MD *digest, struct str key, struct str text, unsigned char *ret,
                 unsigned size)
{
    unsigned len = 0;
    must(key.len <= INT_MAX);
    /* OpenSSL takes a NULL key for "the same as before". */
    const void *secret = key.at ? key.at : "";
    must(HMAC(digest, secret, (int)key.len, (const unsigned char *)(text.at ? text.at : ""),
              text.len, ret, &len) != NULL);
    must(len == size);
}

void hmac_sha256(struct str key, struct str text, unsigned char ret[SHA256_SIZE])
{
    hmac(EVP_sha256(), key, text, ret, SHA256_SIZE);
}

void hmac_sha1(struct str key, struct str text, unsigned char ret[SHA1_SIZE])
{
    hmac(EVP_sha1(), key, text, ret, SHA1_SIZE);
}
