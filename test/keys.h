/* test/keys.h - keys made for one test run; no private key lies in the tree. */
#pragma once
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/str.h"

enum { PEM_MAX = 4096 };

static inline struct str keys_pem(EVP_PKEY *pkey, const char *passphrase, bool public_only,
                                  char into[PEM_MAX])
{
    BIO *bio = BIO_new(BIO_s_mem());
    if (public_only)
        PEM_write_bio_PUBKEY(bio, pkey);
    else
        PEM_write_bio_PKCS8PrivateKey(bio, pkey, passphrase ? EVP_aes_128_cbc() : NULL, NULL, 0,
                                      NULL, (void *)(uintptr_t)passphrase);
    int len = BIO_read(bio, into, PEM_MAX - 1);
    into[len] = '\0';
    BIO_free(bio);
    return (struct str){into, (size_t)len};
}

static inline struct str keys_ec(const char *curve, char into[PEM_MAX])
{
    EVP_PKEY *pkey = EVP_EC_gen(curve);
    struct str pem = keys_pem(pkey, NULL, false, into);
    EVP_PKEY_free(pkey);
    return pem;
}

static inline struct str keys_rsa(unsigned bits, char into[PEM_MAX])
{
    EVP_PKEY *pkey = EVP_RSA_gen(bits);
    struct str pem = keys_pem(pkey, NULL, false, into);
    EVP_PKEY_free(pkey);
    return pem;
}
