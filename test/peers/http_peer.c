/* test/peers/http_peer.c - see http_peer.h. */
#include "http_peer.h"
#include "base/err.h"
#include <stdlib.h>

struct inbox {
    char bytes[HTTP_PEER_BYTES];
    size_t len;
    int requests;
};

static void on_open(void *self, struct pipe *pipe)
{
    (void)self;
    pipe->session = calloc(1, sizeof(struct inbox));
    must(pipe->session != NULL);
    pipe->free_session = free;
}

/* The length of the request that stands first, or 0. */
static size_t complete(const struct inbox *inbox)
{
    const char *end = memmem(inbox->bytes, inbox->len, "\r\n\r\n", 4);
    if (!end)
        return 0;
    size_t head = (size_t)(end - inbox->bytes) + 4;
    const char *field = memmem(inbox->bytes, head, "\r\nContent-Length: ", 18);
    size_t body = field ? (size_t)strtoul(field + 18, NULL, 10) : 0;
    return inbox->len >= head + body ? head + body : 0;
}

static void on_received(void *self, struct pipe *pipe, struct str bytes)
{
    struct http_peer *peer = self;
    struct inbox *inbox = pipe->session;
    must(inbox->len + bytes.len < sizeof inbox->bytes);
    memcpy(inbox->bytes + inbox->len, bytes.at, bytes.len);
    inbox->len += bytes.len;
    size_t len;
    while (!pipe->closing && (len = complete(inbox))) {
        memcpy(peer->last, inbox->bytes, len);
        peer->last[len] = '\0';
        memmove(inbox->bytes, inbox->bytes + len, inbox->len - len);
        inbox->len -= len;
        peer->requests++;
        peer->of_pipe = ++inbox->requests;
        peer->handle(peer, pipe);
    }
}

void http_peer_open(struct http_peer *peer, uv_loop_t *loop, SSL_CTX *tls,
                    void (*handle)(struct http_peer *peer, struct pipe *pipe))
{
    *peer = (struct http_peer){.handle = handle};
    struct pipe_events events = {.opened = on_open, .received = on_received, .self = peer};
    listener_open(&peer->listener, loop, tls, &events);
}

void http_peer_close(struct http_peer *peer)
{
    listener_close(&peer->listener);
}
