/* test/peers/pipe.h - a server's socket on a libuv loop, with TLS from the start, later or never.
 *
 * What the peers of the tests have in common: they listen on 127.0.0.1, port 0, and see plaintext.
 */
#pragma once
#include "base/list.h"
#include "base/str.h"
#include <openssl/ssl.h>
#include <uv.h>

struct pipe;

struct pipe_events {
    void (*opened)(void *self, struct pipe *pipe); /* sets pipe->session */
    void (*received)(void *self, struct pipe *pipe, struct str bytes);
    void (*closed)(void *self, struct pipe *pipe);  /* by either side; the pipe goes */
    void (*secured)(void *self, struct pipe *pipe); /* TLS stands */
    void *self;
};

struct listener {
    uv_tcp_t socket;
    struct pipe_events events;
    SSL_CTX *tls; /* from the first byte; NULL: plain */
    struct list pipes;
    unsigned accepted;
    uint16_t port;
};

struct pipe {
    uv_tcp_t socket;
    struct listener *listener;
    struct list place;
    SSL *ssl;
    BIO *in, *out;
    bool deaf; /* reads no more */
    bool closing;
    bool secured;
    bool eof_after_flush;
    unsigned writing;
    void *session;
    void (*free_session)(void *session); /* with the socket; NULL: nothing to free */
};

void listener_open(struct listener *listener, uv_loop_t *loop, SSL_CTX *tls,
                   const struct pipe_events *events);
/* Takes no more connections; those that stand go on. */
void listener_refuse(struct listener *listener);
/* With all its pipes; run the loop afterwards. */
void listener_close(struct listener *listener);

void pipe_send(struct pipe *pipe, struct str bytes);
/* From the next byte on TLS (STARTTLS). */
void pipe_start_tls(struct pipe *pipe, SSL_CTX *tls);
/* Closes once all is sent. */
void pipe_finish(struct pipe *pipe);
/* At once; `reset`: with RST. */
void pipe_drop(struct pipe *pipe, bool reset);
/* Reads nothing more. */
void pipe_freeze(struct pipe *pipe);
