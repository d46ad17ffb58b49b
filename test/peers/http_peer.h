/* test/peers/http_peer.h - an HTTP/1.1 server that keeps raw requests and does what a story says.
 */
#pragma once
#include "pipe.h"

enum { HTTP_PEER_BYTES = 64 * 1024 };

struct http_peer {
    struct listener listener;
    int requests;               /* complete ones */
    char last[HTTP_PEER_BYTES]; /* the newest, terminated: head and body */
    int of_pipe;                /* its number on its own connection, from 1 */
    /* Called with each complete request; the answer is its business. */
    void (*handle)(struct http_peer *peer, struct pipe *pipe);
    void *owner;
};

void http_peer_open(struct http_peer *peer, uv_loop_t *loop, SSL_CTX *tls,
                    void (*handle)(struct http_peer *peer, struct pipe *pipe));
void http_peer_close(struct http_peer *peer);
