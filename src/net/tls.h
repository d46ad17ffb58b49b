/* net/tls.h - TLS as bytes in and bytes out, for servers and for clients.
 *
 * OpenSSL over memory, without a socket: ciphertext from the peer goes in by `tls_feed`, plaintext
 * comes out by `tls_read`, what `tls_write` is given becomes ciphertext that `tls_take_output`
 * hands over for sending. After every call of feed, read, write, connect or shutdown there may be
 * output: handshakes, alerts, tickets. The whole of a session in its caller's words:
 *
 *     tls_connect or tls_accept
 *     loop: tls_take_output -> socket;  socket -> tls_feed;  tls_read until it gives 0 bytes
 *     once tls_ready: tls_alpn decides the protocol, tls_write sends
 *
 * TLS 1.2 and 1.3, AEAD with forward secrecy only (RFC 9113 section 9.2), no renegotiation, no
 * compression. A client always verifies: the chain against its roots, and the name it dialled
 * against the certificate (RFC 9110 section 4.3.4; an IP address against iPAddress names only).
 * Threads: a context may be used by sessions of several threads at once; a session belongs to one.
 * Errors: after any but OK from feed, read or write the session is dead: send the output that is
 * left (the alert), then free it.
 */
#pragma once
#include "base/buf.h"

struct tls_context;
struct tls;

/* Bits, to be offered or chosen by ALPN (RFC 7301). */
enum tls_alpn { TLS_ALPN_NONE = 0, TLS_ALPN_HTTP1 = 1, TLS_ALPN_H2 = 2 };

/* A server's certificate chain (leaf first) and key, PEM. Chooses h2 before http/1.1; a client that
 * offers ALPN with neither is refused, one that offers none speaks HTTP/1.1. ERR_IO, ERR_CRYPTO
 * (not PEM, key and certificate do not belong together, key under a passphrase), ERR_MEMORY. */
enum err tls_server_open_files(const char *cert_path, const char *key_path,
                               struct tls_context **ret, struct why *why) must_use;
enum err tls_server_open(struct str cert_pem, struct str key_pem, struct tls_context **ret,
                         struct why *why) must_use;
/* A client's roots: the system's if `roots_pem` is absent, else these alone. */
enum err tls_client_open(struct str roots_pem, struct tls_context **ret, struct why *why) must_use;
/* A second owner of the same context, e.g. of another thread; each is closed for itself. NULL
 * without memory. */
struct tls_context *tls_context_share(const struct tls_context *context);
/* Sessions that are open go on. NULL is allowed. */
void tls_context_close(struct tls_context *context);

/* A session on the accepting side. */
enum err tls_accept(const struct tls_context *context, struct tls **ret, struct why *why) must_use;
/* A session on the calling side; its first flight is output at once. `host` is a DNS name (sent as
 * SNI) or an IP address without brackets; `alpn` are the bits to offer, h2 first. */
enum err tls_connect(const struct tls_context *context, struct str host, unsigned alpn,
                     struct tls **ret, struct why *why) must_use;
void tls_free(struct tls *tls); /* NULL is allowed */

/* Takes over (copies) ciphertext. ERR_FULL past TLS_INPUT_BYTES_MAX that was not read yet. */
enum err tls_feed(struct tls *tls, const void *at, size_t len) must_use;
/* Advances the handshake and decrypts. OK with *ret_len == 0: feed more first. ERR_CLOSED: the peer
 * has ended its side (close_notify). A connection that ends without it was cut: the caller knows.
 * ERR_CRYPTO: handshake, verification or record failed, `why` says which and for clients why the
 * certificate was refused. */
enum err tls_read(struct tls *tls, void *into, size_t size, size_t *ret_len,
                  struct why *why) must_use;
/* Encrypts all of it; requires tls_ready. One call makes full records (16 KiB), so gather small
 * writes first. ERR_MEMORY: output over TLS_OUTPUT_BYTES_MAX. */
enum err tls_write(struct tls *tls, const void *at, size_t len, struct why *why) must_use;
/* Says close_notify; nothing can be written afterwards. */
void tls_shutdown(struct tls *tls);

/* The handshake is done (and, for a client, the peer verified). */
bool tls_ready(const struct tls *tls);
/* What was agreed; TLS_ALPN_NONE before tls_ready, or if the peer does not speak ALPN. */
enum tls_alpn tls_alpn(const struct tls *tls);

/* Ciphertext to be sent, borrowed until the next call; then drop what was sent. */
struct str tls_output(const struct tls *tls);
void tls_output_drop(struct tls *tls, size_t len);
/* The same by ownership: moves all of it to the end of `into` (without a copy if `into` is empty
 * and its max is large enough). False: `into` has failed. */
bool tls_take_output(struct tls *tls, struct buf *into);
