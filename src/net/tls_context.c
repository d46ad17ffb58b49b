/* net/tls_context.c - certificates, keys, roots and the settings all sessions share; see tls.h. */
#include "net/tls_context.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>

enum { PEM_BYTES_MAX = 1024 * 1024, KEY_BYTES = 64 * 1024, CHAIN_MAX = 16, ROOTS_MAX = 4096 };

enum err tls_why(struct why *why, const char *what)
{
    unsigned long first = ERR_get_error();
    const char *reason = first ? ERR_reason_error_string(first) : NULL;
    ERR_clear_error();
    if (!reason)
        return why_set(why, ERR_CRYPTO, "%s", what);
    return why_set(why, ERR_CRYPTO, "%s: %s", what, reason);
}

/* An encrypted key must fail, not ask at the terminal. */
static int no_passphrase(char *into, int size, int writing, void *self)
{
    (void)into, (void)size, (void)writing, (void)self;
    return -1;
}

/* Prefers h2; see tls_server_open in tls.h. */
static int choose_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
                       const unsigned char *offered, unsigned offered_len, void *self)
{
    static const unsigned char ours[] = "\x02h2\x08http/1.1";
    (void)ssl, (void)self;
    unsigned char *chosen = NULL;
    int found =
        SSL_select_next_proto(&chosen, ret_len, ours, sizeof ours - 1, offered, offered_len);
    *ret = chosen;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool apply_settings(SSL_CTX *ssl)
{
    SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    /* Idle sessions give their 16 KiB buffers back. */
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_default_passwd_cb(ssl, no_passphrase);
    return SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ssl, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
           SSL_CTX_set_num_tickets(ssl, 1) == 1;
}

static enum err context_new(const SSL_METHOD *method, bool server, struct tls_context **ret,
                            struct why *why)
{
    ERR_clear_error();
    struct tls_context *context = calloc(1, sizeof *context);
    SSL_CTX *ssl = context ? SSL_CTX_new(method) : NULL;
    if (!ssl || !apply_settings(ssl)) {
        SSL_CTX_free(ssl);
        free(context);
        ERR_clear_error();
        (void)why_set(why, ERR_MEMORY, "no memory for a TLS context");
        return ERR_MEMORY; /* said so that analysers see it */
    }
    *context = (struct tls_context){.ssl = ssl, .server = server};
    *ret = context;
    return OK;
}

/* True at the regular end of PEM text: nothing more that starts with "-----BEGIN". */
static bool pem_ended(void)
{
    unsigned long error = ERR_peek_last_error();
    bool ended = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    if (ended)
        ERR_clear_error();
    return ended;
}

static BIO *pem_open(struct str pem)
{
    return pem.len && pem.len <= PEM_BYTES_MAX ? BIO_new_mem_buf(pem.at, (int)pem.len) : NULL;
}

/* Leaf first, then the chain. */
static bool use_chain(SSL_CTX *ssl, BIO *pem)
{
    int count = 0;
    X509 *cert;
    while (count < CHAIN_MAX && (cert = PEM_read_bio_X509(pem, NULL, no_passphrase, NULL))) {
        int done =
            count ? (int)SSL_CTX_add1_chain_cert(ssl, cert) : SSL_CTX_use_certificate(ssl, cert);
        X509_free(cert);
        if (done != 1)
            return false;
        count++;
    }
    return count > 0 && pem_ended();
}

static bool use_key(SSL_CTX *ssl, BIO *pem)
{
    EVP_PKEY *key = PEM_read_bio_PrivateKey(pem, NULL, no_passphrase, NULL);
    bool used = key && SSL_CTX_use_PrivateKey(ssl, key) == 1;
    EVP_PKEY_free(key);
    return used;
}

enum err tls_server_open(struct str cert_pem, struct str key_pem, struct tls_context **ret,
                         struct why *why)
{
    struct tls_context *context;
    enum err err = context_new(TLS_server_method(), true, &context, why);
    if (err != OK)
        return err;
    SSL_CTX_set_alpn_select_cb(context->ssl, choose_alpn, NULL);
    BIO *cert = pem_open(cert_pem), *key = pem_open(key_pem);
    if (!cert || !use_chain(context->ssl, cert))
        err = tls_why(why, "the certificate is no chain of PEM certificates");
    else if (!key || !use_key(context->ssl, key))
        err = tls_why(why, "the private key is not usable (PEM, without a passphrase, "
                           "belonging to the certificate)");
    BIO_free(cert);
    BIO_free(key);
    if (err == OK)
        *ret = context;
    else
        tls_context_close(context);
    return err;
}

static enum err read_file(const char *path, struct buf *into, struct why *why)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return why_set(why, errno == ENOENT ? ERR_MISSING : ERR_IO, "%s: %s", path,
                       strerror(errno));
    ssize_t got = 1;
    while (got > 0 && buf_reserve(into, 4096)) {
        got = read(file, into->at + into->len, into->cap - into->len);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            into->len += (size_t)got;
    }
    int saved = errno;
    (void)close(file);
    if (into->failed)
        return why_set(why, ERR_LIMIT, "%s: over %d bytes", path, PEM_BYTES_MAX);
    return got < 0 ? why_set(why, ERR_IO, "%s: %s", path, strerror(saved)) : OK;
}

enum err tls_server_open_files(const char *cert_path, const char *key_path,
                               struct tls_context **ret, struct why *why)
{
    struct buf cert, key;
    buf_init(&cert, PEM_BYTES_MAX);
    buf_init(&key, PEM_BYTES_MAX);
    /* Whole at once: growing would leave copies of the key behind. */
    enum err err = buf_reserve(&key, KEY_BYTES)
                       ? OK
                       : why_set(why, ERR_MEMORY, "no memory to read %s", key_path);
    if (err == OK)
        err = read_file(cert_path, &cert, why);
    if (err == OK)
        err = read_file(key_path, &key, why);
    if (err == OK)
        err = tls_server_open(buf_str(&cert), buf_str(&key), ret, why);
    if (key.at)
        wipe(key.at, key.cap);
    buf_done(&key);
    buf_done(&cert);
    return err;
}

static enum err use_roots(SSL_CTX *ssl, struct str pem, struct why *why)
{
    BIO *bio = pem_open(pem);
    X509_STORE *store = SSL_CTX_get_cert_store(ssl);
    int count = 0;
    bool good = bio != NULL;
    X509 *cert;
    while (good && count < ROOTS_MAX &&
           (cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL))) {
        good = X509_STORE_add_cert(store, cert) == 1;
        X509_free(cert);
        count++;
    }
    good = good && count > 0 && pem_ended();
    BIO_free(bio);
    return good ? OK : tls_why(why, "the roots are no PEM certificates");
}

enum err tls_client_open(struct str roots_pem, struct tls_context **ret, struct why *why)
{
    struct tls_context *context;
    enum err err = context_new(TLS_client_method(), false, &context, why);
    if (err != OK)
        return err;
    SSL_CTX_set_verify(context->ssl, SSL_VERIFY_PEER, NULL);
    if (roots_pem.at)
        err = use_roots(context->ssl, roots_pem, why);
    else if (SSL_CTX_set_default_verify_paths(context->ssl) != 1)
        err = tls_why(why, "the system's roots cannot be read");
    if (err == OK)
        *ret = context;
    else
        tls_context_close(context);
    return err;
}

struct tls_context *tls_context_share(const struct tls_context *context)
{
    struct tls_context *second = malloc(sizeof *second);
    if (!second)
        return NULL;
    must(SSL_CTX_up_ref(context->ssl) == 1);
    *second = *context;
    return second;
}

void tls_context_close(struct tls_context *context)
{
    if (!context)
        return;
    SSL_CTX_free(context->ssl);
    free(context);
}
