/* test/peers/certs.h - certificates made at test time: one authority, and leaves it signs. */
#pragma once
#include "base/str.h"
#include <openssl/ssl.h>

struct certs {
    EVP_PKEY *key; /* the authority's */
    X509 *root;
    char *root_pem; /* terminated; owned */
};

void certs_init(struct certs *certs);
void certs_done(struct certs *certs);
struct str certs_roots(const struct certs *certs);

/* A server's context with a leaf for `names` ("DNS:localhost,IP:127.0.0.1"), speaking `alpn` alone
 * ("h2", "http/1.1"; NULL: no ALPN). SSL_CTX_free ends it. */
SSL_CTX *certs_server(const struct certs *certs, const char *names, const char *alpn);
