/* net/tls_context.h - what tls.c and tls_context.c share; nobody else includes it. */
#pragma once
#include "net/tls.h"
#include <openssl/ssl.h>

struct tls_context {
    SSL_CTX *ssl; /* counted by OpenSSL: sessions hold it, too */
    bool server;
};

/* The first error of this thread's queue as one sentence; empties the queue. */
enum err tls_why(struct why *why, const char *what);
