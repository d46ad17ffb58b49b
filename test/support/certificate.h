/* test/support/certificate.h - a certificate authority and certificates, made when a test runs.
 *
 * Header only; link with OpenSSL. Every function ends the test when OpenSSL fails.
 */
#pragma once
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

struct certificate {
    X509 *cert;
    EVP_PKEY *key;
    char *cert_pem, *key_pem; /* terminated */
};

static inline char *certificate_text(BIO *bio)
{
    char *at;
    long len = BIO_get_mem_data(bio, &at);
    char *text = calloc(1, (size_t)len + 1);
    if (!text)
        abort();
    memcpy(text, at, (size_t)len);
    BIO_free(bio);
    return text;
}

static inline void certificate_extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    if (!extension || !X509_add_ext(cert, extension, -1))
        abort();
    X509_EXTENSION_free(extension);
}

/* `names` as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1"; NULL makes an authority, signed by
 * itself. `lasts_s` from now; negative: expired. */
static inline struct certificate certificate_new(const struct certificate *issuer, const char *name,
                                                 const char *names, long lasts_s)
{
    struct certificate made = {.cert = X509_new(), .key = EVP_EC_gen("P-256")};
    if (!made.cert || !made.key)
        abort();
    X509 *cert = made.cert;
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), names ? 2 : 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -86400);
    X509_gmtime_adj(X509_getm_notAfter(cert), lasts_s);
    X509_set_pubkey(cert, made.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer->cert : cert));
    X509 *by = issuer ? issuer->cert : cert;
    certificate_extend(cert, by, NID_basic_constraints,
                       names ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (names)
        certificate_extend(cert, by, NID_subject_alt_name, names);
    if (!X509_sign(cert, issuer ? issuer->key : made.key, EVP_sha256()))
        abort();
    BIO *cert_bio = BIO_new(BIO_s_mem()), *key_bio = BIO_new(BIO_s_mem());
    if (!PEM_write_bio_X509(cert_bio, cert) ||
        !PEM_write_bio_PrivateKey(key_bio, made.key, NULL, NULL, 0, NULL, NULL))
        abort();
    made.cert_pem = certificate_text(cert_bio);
    made.key_pem = certificate_text(key_bio);
    return made;
}

static inline void certificate_free(struct certificate *certificate)
{
    X509_free(certificate->cert);
    EVP_PKEY_free(certificate->key);
    free(certificate->cert_pem);
    free(certificate->key_pem);
}
