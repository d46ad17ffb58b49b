/* test/peers/certs.c - see certs.h. */
#include "certs.h"
#include "base/err.h"
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

static void extend(X509 *cert, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    must(extension && X509_add_ext(cert, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static X509 *make(EVP_PKEY *key, const char *name, long serial)
{
    X509 *cert = X509_new();
    must(cert && X509_set_version(cert, 2) == 1);
    must(ASN1_INTEGER_set(X509_get_serialNumber(cert), serial) == 1);
    must(X509_gmtime_adj(X509_getm_notBefore(cert), -3600) != NULL);
    must(X509_gmtime_adj(X509_getm_notAfter(cert), 86400) != NULL);
    X509_NAME *subject = X509_get_subject_name(cert);
    must(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1,
                                    -1, 0) == 1);
    must(X509_set_pubkey(cert, key) == 1);
    return cert;
}

void certs_init(struct certs *certs)
{
    certs->key = EVP_EC_gen("P-256");
    must(certs->key != NULL);
    certs->root = make(certs->key, "a test's authority", 1);
    must(X509_set_issuer_name(certs->root, X509_get_subject_name(certs->root)) == 1);
    extend(certs->root, certs->root, NID_basic_constraints, "critical,CA:TRUE");
    extend(certs->root, certs->root, NID_key_usage, "critical,keyCertSign,cRLSign");
    extend(certs->root, certs->root, NID_subject_key_identifier, "hash");
    must(X509_sign(certs->root, certs->key, EVP_sha256()) > 0);
    BIO *pem = BIO_new(BIO_s_mem());
    must(pem && PEM_write_bio_X509(pem, certs->root) == 1);
    char *at;
    long len = BIO_get_mem_data(pem, &at);
    certs->root_pem = strndup(at, (size_t)len);
    must(certs->root_pem != NULL);
    BIO_free(pem);
}

void certs_done(struct certs *certs)
{
    EVP_PKEY_free(certs->key);
    X509_free(certs->root);
    free(certs->root_pem);
}

struct str certs_roots(const struct certs *certs)
{
    return str_of(certs->root_pem);
}

/* What is chosen must outlive the call: it points into what the client offered. */
static int choose(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
                  const unsigned char *offered, unsigned offered_len, void *self)
{
    (void)ssl;
    const char *alpn = self;
    size_t len = strlen(alpn);
    for (unsigned at = 0; at < offered_len; at += offered[at] + 1u)
        if (offered[at] == len && at + len < offered_len &&
            memcmp(offered + at + 1, alpn, len) == 0) {
            *ret = offered + at + 1;
            *ret_len = (unsigned char)len;
            return SSL_TLSEXT_ERR_OK;
        }
    return SSL_TLSEXT_ERR_NOACK;
}

SSL_CTX *certs_server(const struct certs *certs, const char *names, const char *alpn)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    must(key != NULL);
    X509 *leaf = make(key, "a test's server", 2);
    must(X509_set_issuer_name(leaf, X509_get_subject_name(certs->root)) == 1);
    extend(leaf, certs->root, NID_basic_constraints, "critical,CA:FALSE");
    extend(leaf, certs->root, NID_subject_alt_name, names);
    extend(leaf, certs->root, NID_ext_key_usage, "serverAuth");
    must(X509_sign(leaf, certs->key, EVP_sha256()) > 0);
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    must(context && SSL_CTX_use_certificate(context, leaf) == 1);
    must(SSL_CTX_use_PrivateKey(context, key) == 1);
    if (alpn)
        SSL_CTX_set_alpn_select_cb(context, choose, (void *)(uintptr_t)alpn);
    X509_free(leaf);
    EVP_PKEY_free(key);
    return context;
}
