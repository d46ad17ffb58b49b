/* net/tls.c - one TLS session over two buffers; see tls.h. */
#include "model/limits.h"
#include "net/tls_context.h"
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

enum { HOST_LEN_MAX = 253 }; /* RFC 1035 section 2.3.4, without the final dot */

struct tls {
    SSL *ssl;
    BIO_METHOD *method;
    struct buf in; /* ciphertext that OpenSSL has not asked for yet */
    size_t in_at;  /* how much of it is taken */
    struct buf out;
    bool ready; /* once finished, always: a later ticket in two pieces changes nothing */
    bool dead;  /* failed, or shut down by us */
};

/* The BIO that stands where OpenSSL expects a socket. */

static int bio_read(BIO *bio, char *into, size_t size, size_t *ret_len)
{
    struct tls *tls = BIO_get_data(bio);
    size_t left = tls->in.len - tls->in_at;
    BIO_clear_retry_flags(bio);
    *ret_len = size < left ? size : left;
    if (*ret_len == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(into, tls->in.at + tls->in_at, *ret_len);
    tls->in_at += *ret_len;
    return 1;
}

static int bio_write(BIO *bio, const char *at, size_t len, size_t *ret_len)
{
    struct tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    buf_add_bytes(&tls->out, at, len);
    *ret_len = tls->out.failed ? 0 : len;
    return !tls->out.failed;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

/* OpenSSL keeps no methods itself; one for each session needs no owner besides it. */
static bool bio_attach(struct tls *tls)
{
    tls->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "buffers");
    if (!tls->method || !BIO_meth_set_read_ex(tls->method, bio_read) ||
        !BIO_meth_set_write_ex(tls->method, bio_write) ||
        !BIO_meth_set_ctrl(tls->method, bio_control))
        return false;
    BIO *bio = BIO_new(tls->method);
    if (!bio)
        return false;
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls->ssl, bio, bio); /* takes it over */
    return true;
}

static struct tls *session_new(const struct tls_context *context)
{
    ERR_clear_error();
    struct tls *tls = calloc(1, sizeof *tls);
    if (!tls)
        return NULL;
    buf_init(&tls->in, TLS_INPUT_BYTES_MAX);
    buf_init(&tls->out, TLS_OUTPUT_BYTES_MAX);
    tls->ssl = SSL_new(context->ssl);
    if (tls->ssl && bio_attach(tls))
        return tls;
    tls_free(tls);
    return NULL;
}

enum err tls_accept(const struct tls_context *context, struct tls **ret, struct why *why)
{
    must(context->server);
    struct tls *tls = session_new(context);
    if (!tls)
        return why_set(why, ERR_MEMORY, "no memory for a TLS session");
    SSL_set_accept_state(tls->ssl);
    *ret = tls;
    return OK;
}

/* Both the name asked for (SNI, RFC 6066 section 3: never an address) and the name checked. */
static bool set_host(SSL *ssl, struct str host)
{
    char name[HOST_LEN_MAX + 1];
    unsigned char address[sizeof(struct in6_addr)];
    if (str_ends(host, STR(".")))
        host.len--;
    if (!host.len || str_has(host, '\0') || !str_copy(host, name, sizeof name))
        return false;
    if (inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

static bool set_alpn(SSL *ssl, unsigned alpn)
{
    unsigned char list[12];
    unsigned len = 0;
    if (alpn & TLS_ALPN_H2) {
        memcpy(list, "\x02h2", 3);
        len += 3;
    }
    if (alpn & TLS_ALPN_HTTP1) {
        memcpy(list + len, "\x08http/1.1", 9);
        len += 9;
    }
    return len == 0 || SSL_set_alpn_protos(ssl, list, len) == 0; /* 0 is success here */
}

/* Why a call failed, in the words that help most. */
static enum err failed(struct tls *tls, struct why *why)
{
    tls->dead = true;
    if (tls->out.failed) {
        ERR_clear_error();
        return why_set(why, ERR_MEMORY, "over %d bytes of TLS output wait", TLS_OUTPUT_BYTES_MAX);
    }
    long verified = SSL_get_verify_result(tls->ssl);
    if (!SSL_is_server(tls->ssl) && verified != X509_V_OK) {
        ERR_clear_error();
        return why_set(why, ERR_CRYPTO, "the peer's certificate is refused: %s",
                       X509_verify_cert_error_string(verified));
    }
    return tls_why(why, SSL_is_init_finished(tls->ssl) ? "TLS failed" : "TLS handshake failed");
}

/* Sends what the handshake has to say before the peer speaks. */
static bool handshake_starts(struct tls *tls)
{
    ERR_clear_error();
    return SSL_get_error(tls->ssl, SSL_do_handshake(tls->ssl)) == SSL_ERROR_WANT_READ;
}

enum err tls_connect(const struct tls_context *context, struct str host, unsigned alpn,
                     struct tls **ret, struct why *why)
{
    must(!context->server);
    struct tls *tls = session_new(context);
    if (!tls)
        return why_set(why, ERR_MEMORY, "no memory for a TLS session");
    enum err err = OK;
    SSL_set_connect_state(tls->ssl);
    if (!set_host(tls->ssl, host))
        err = why_set(why, ERR_INPUT, "\"%.*s\" is no host name", STR_ARG(host));
    else if (!set_alpn(tls->ssl, alpn))
        err = why_set(why, ERR_MEMORY, "no memory for a TLS session");
    else if (!handshake_starts(tls))
        err = failed(tls, why);
    if (err == OK)
        *ret = tls;
    else
        tls_free(tls);
    return err;
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    SSL_free(tls->ssl);
    BIO_meth_free(tls->method);
    if (tls->in.at)
        wipe(tls->in.at, tls->in.len);
    buf_done(&tls->in);
    buf_done(&tls->out);
    free(tls);
}

enum err tls_feed(struct tls *tls, const void *at, size_t len)
{
    if (tls->dead)
        return ERR_CLOSED;
    if (tls->in_at) {
        buf_drop(&tls->in, tls->in_at);
        tls->in_at = 0;
    }
    if (len > tls->in.max - tls->in.len)
        return ERR_FULL;
    buf_add_bytes(&tls->in, at, len);
    return tls->in.failed ? ERR_MEMORY : OK;
}

/* A session that waits holds no memory for input. */
static void release_input(struct tls *tls)
{
    if (tls->in_at == tls->in.len) {
        buf_done(&tls->in);
        tls->in_at = 0;
    }
}

enum err tls_read(struct tls *tls, void *into, size_t size, size_t *ret_len, struct why *why)
{
    *ret_len = 0;
    if (tls->dead)
        return why_set(why, ERR_CLOSED, "the TLS session has ended");
    ERR_clear_error();
    size_t got = 0;
    int done = SSL_read_ex(tls->ssl, into, size, &got);
    int error = done ? SSL_ERROR_NONE : SSL_get_error(tls->ssl, done);
    release_input(tls);
    tls->ready = tls->ready || SSL_is_init_finished(tls->ssl);
    *ret_len = got;
    if (error == SSL_ERROR_NONE || (error == SSL_ERROR_WANT_READ && !tls->out.failed))
        return OK;
    if (error == SSL_ERROR_ZERO_RETURN)
        return why_set(why, ERR_CLOSED, "the peer has ended the TLS session");
    return failed(tls, why);
}

enum err tls_write(struct tls *tls, const void *at, size_t len, struct why *why)
{
    if (tls->dead)
        return why_set(why, ERR_CLOSED, "the TLS session has ended");
    must(tls_ready(tls));
    ERR_clear_error();
    size_t taken = 0;
    if (len && (!SSL_write_ex(tls->ssl, at, len, &taken) || tls->out.failed))
        return failed(tls, why);
    must(taken == len); /* without SSL_MODE_ENABLE_PARTIAL_WRITE it is all or an error */
    return OK;
}

void tls_shutdown(struct tls *tls)
{
    if (tls->dead)
        return;
    ERR_clear_error();
    (void)SSL_shutdown(tls->ssl);
    ERR_clear_error();
    tls->dead = true;
}

bool tls_ready(const struct tls *tls)
{
    return tls->ready;
}

enum tls_alpn tls_alpn(const struct tls *tls)
{
    const unsigned char *name;
    unsigned len;
    SSL_get0_alpn_selected(tls->ssl, &name, &len);
    struct str chosen = {(const char *)name, len};
    if (!tls_ready(tls) || !len)
        return TLS_ALPN_NONE;
    return str_eq(chosen, STR("h2"))         ? TLS_ALPN_H2
           : str_eq(chosen, STR("http/1.1")) ? TLS_ALPN_HTTP1
                                             : TLS_ALPN_NONE;
}

struct str tls_output(const struct tls *tls)
{
    return buf_str(&tls->out);
}

void tls_output_drop(struct tls *tls, size_t len)
{
    if (len == tls->out.len)
        buf_done(&tls->out);
    else
        buf_drop(&tls->out, len);
}

bool tls_take_output(struct tls *tls, struct buf *into)
{
    if (into->len == 0 && into->max >= tls->out.len && !into->failed) {
        struct buf taken = tls->out;
        buf_init(&tls->out, TLS_OUTPUT_BYTES_MAX);
        taken.max = into->max;
        taken.failed = false;
        buf_done(into);
        *into = taken;
        return true;
    }
    buf_add(into, buf_str(&tls->out));
    tls_output_drop(tls, tls->out.len);
    return !into->failed;
}
