/* net/peer.c - one accepted socket and its connection; see server_state.h. */
#include "model/limits.h"
#include "net/server_state.h"
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

enum { SENDS_MAX = 16 }; /* of one connection before others have their turn */

static void peer_closed(uv_handle_t *handle)
{
    struct peer *peer = handle->data;
    struct server *server = peer->server;
    free(peer);
    server_handle_closed(server);
}

void peer_close(struct peer *peer)
{
    struct server *server = peer->server;
    list_remove(&peer->link);
    list_remove(&peer->woken);
    connection_free(peer->connection);
    uv_close((uv_handle_t *)&peer->poll, peer_closed); /* stops it, too */
    (void)close(peer->socket);
    server->connections--;
    if (server->listening && !server->paused && server->connections + 1 == server->connections_max)
        server_set_accepting(server, true);
}

static void on_peer(uv_poll_t *handle, int status, int events);

/* False: the socket has failed. *ret_full: it takes no more now. */
static bool send_output(struct peer *peer, struct now now, bool *ret_full)
{
    *ret_full = false;
    for (int i = 0; i < SENDS_MAX && !*ret_full; i++) {
        struct str output = connection_output(peer->connection);
        if (output.len == 0)
            return true;
        ssize_t sent;
        do
            sent = send(peer->socket, output.at, output.len, MSG_NOSIGNAL);
        while (sent < 0 && errno == EINTR);
        if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
            return false;
        *ret_full = sent < 0 || (size_t)sent < output.len;
        connection_sent(peer->connection, sent < 0 ? 0 : (size_t)sent, now);
    }
    *ret_full = *ret_full || connection_output(peer->connection).len > 0;
    return true;
}

/* Sends what there is, then waits for what the connection wants next; it may be gone afterwards. */
void peer_go_on(struct peer *peer, struct now now)
{
    bool full;
    bool alive = send_output(peer, now, &full);
    enum connection_state state = connection_state(peer->connection);
    if (!alive || state == CONNECTION_OVER) {
        peer_close(peer);
        return;
    }
    if (state == CONNECTION_LINGERS && !peer->shut) {
        peer->shut = true;
        (void)shutdown(peer->socket, SHUT_WR);
    }
    int events = full ? UV_WRITABLE : 0;
    if (state != CONNECTION_PAUSED && !peer->ended)
        events |= UV_READABLE;
    if (events == peer->events)
        return;
    peer->events = events;
    int failed = events ? uv_poll_start(&peer->poll, events, on_peer) : uv_poll_stop(&peer->poll);
    if (failed)
        peer_close(peer);
}

/* False: the socket has failed. */
static bool receive(struct peer *peer, struct now now)
{
    ssize_t got = recv(peer->socket, peer->server->input, READ_BYTES, 0);
    if (got > 0) {
        connection_feed(peer->connection, peer->server->input, (size_t)got, now);
    } else if (got == 0) {
        peer->ended = true;
        connection_feed_end(peer->connection, now);
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        return false;
    }
    return true;
}

static void on_peer(uv_poll_t *handle, int status, int events)
{
    struct peer *peer = handle->data;
    struct now now = server_now(peer->server);
    peer->quiet = false;
    if (status < 0 || ((events & UV_READABLE) && !receive(peer, now)))
        peer_close(peer);
    else
        peer_go_on(peer, now);
}

static void on_wake(void *owner)
{
    struct peer *peer = owner;
    if (list_empty(&peer->woken))
        list_add_last(&peer->server->woken, &peer->woken);
}

/* Before the loop waits: the answers that came outside of their connection's own events. */
void peer_flush_woken(uv_prepare_t *handle)
{
    struct server *server = handle->data;
    if (list_empty(&server->woken))
        return;
    struct now now = server_now(server);
    struct list *at;
    while ((at = list_take_first(&server->woken))) {
        struct peer *peer = list_of(at, struct peer, woken);
        peer->quiet = false;
        connection_step(peer->connection, now);
        peer_go_on(peer, now);
    }
}

bool peer_new(struct listener *listener, int socket, struct now now)
{
    struct server *server = listener->server;
    struct peer *peer = calloc(1, sizeof *peer);
    if (!peer)
        return false;
    peer->connection = connection_new(server->exchanges, listener->tls, on_wake, peer, now);
    if (!peer->connection || uv_poll_init(server->loop, &peer->poll, socket) != 0) {
        connection_free(peer->connection);
        free(peer);
        return false;
    }
    int on = 1;
    (void)setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    peer->poll.data = peer;
    peer->server = server;
    peer->socket = socket;
    list_init(&peer->woken);
    list_add_last(&server->peers, &peer->link);
    server->handles++;
    server->connections++;
    server->accepted++;
    server_set_sweeping(server, true);
    peer_go_on(peer, now);
    return true;
}
