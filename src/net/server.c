/* net/server.c - listeners, the sweep, and the way in and out; see server.h. */
#include "net/server.h"
#include "model/limits.h"
#include "net/server_state.h"
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

enum { BACKLOG = 1024, SWEEP_MS = 1000, LOG_EVERY_S = 10 };

static void server_log(struct server *server, struct now now, const char *sentence)
{
    if (!server->log || !mono_reached(now.mono, server->log_next))
        return;
    server->log_next = mono_add(now.mono, span_s(LOG_EVERY_S));
    server->log(server->log_self, sentence);
}

/* -- ends ------------------------------------------------------------------------------------- */

static void server_free(struct server *server)
{
    void (*closed)(void *self) = server->closed;
    void *self = server->closed_self;
    for (uint32_t i = 0; i < server->listener_count; i++)
        tls_context_close(server->listeners[i].tls);
    exchanges_close(server->exchanges);
    free(server->input);
    free(server);
    if (closed)
        closed(self);
}

static void say_drained(struct server *server)
{
    if (!server->draining || server->handles != 2 || !server->done)
        return;
    void (*done)(void *self) = server->done; /* the sweep and the flush are left */
    server->done = NULL;
    done(server->done_self);
}

/* A handle has gone: the last one takes the server with it, the last socket ends the drain. */
void server_handle_closed(struct server *server)
{
    server->handles--;
    if (server->closing && server->handles == 0) {
        server_free(server);
    } else {
        say_drained(server);
    }
}

static void own_handle_closed(uv_handle_t *handle)
{
    server_handle_closed(handle->data);
}

/* -- accepting -------------------------------------------------------------------------------- */

/* No descriptors or memory: what waits in the backlog has to wait on. */
static void accept_failed(struct server *server, int error, struct now now)
{
    if (error == EAGAIN || error == EWOULDBLOCK || error == EINTR || error == ECONNABORTED ||
        error == EPERM || error == EPROTO)
        return;
    server_log(server, now, strerror(error));
    server->paused = true;
    server_set_accepting(server, false);
    server_set_sweeping(server, true);
}

static void accept_some(struct listener *listener, int most)
{
    struct server *server = listener->server;
    struct now now = server_now(server);
    for (int i = 0; i < most; i++) {
        if (server->connections >= server->connections_max) {
            server_log(server, now, "the limit of connections is reached; new ones wait");
            server_set_accepting(server, false);
            return;
        }
        int socket = accept4(listener->socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket < 0) {
            accept_failed(server, errno, now);
            return;
        }
        if (!peer_new(listener, socket, now)) {
            (void)close(socket);
            accept_failed(server, ENOMEM, now);
            return;
        }
    }
}

static void on_listener(uv_poll_t *handle, int status, int events)
{
    (void)status, (void)events;
    accept_some(handle->data, ACCEPTS_MAX);
}

void server_set_accepting(struct server *server, bool accepting)
{
    for (uint32_t i = 0; server->listening && i < server->listener_count; i++) {
        uv_poll_t *poll = &server->listeners[i].poll;
        if (accepting)
            (void)uv_poll_start(poll, UV_READABLE, on_listener);
        else
            (void)uv_poll_stop(poll);
    }
}

/* -- the sweep -------------------------------------------------------------------------------- */

static void sweep_peer(struct peer *peer, struct now now)
{
    if (mono_reached(now.mono, connection_deadline(peer->connection))) {
        connection_expire(peer->connection, now);
        peer_go_on(peer, now);
    } else if (peer->quiet) {
        connection_trim(peer->connection);
    } else {
        peer->quiet = true;
    }
}

static void on_sweep(uv_timer_t *handle)
{
    struct server *server = handle->data;
    struct now now = server_now(server);
    for (struct list *at = server->peers.next, *next; at != &server->peers; at = next) {
        next = at->next; /* only this peer can go */
        sweep_peer(list_of(at, struct peer, link), now);
    }
    if (server->paused) {
        server->paused = false;
        server_set_accepting(server, server->connections < server->connections_max);
    }
    if (list_empty(&server->peers))
        server_set_sweeping(server, false);
}

void server_set_sweeping(struct server *server, bool sweeping)
{
    if (sweeping == (uv_is_active((uv_handle_t *)&server->sweep) != 0))
        return;
    if (sweeping)
        (void)uv_timer_start(&server->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    else
        (void)uv_timer_stop(&server->sweep);
}

/* -- the public functions --------------------------------------------------------------------- */

static enum err listen_failed(int socket, const struct address *address, struct why *why)
{
    char text[ADDRESS_TEXT_SIZE];
    int saved = errno;
    address_format(address, text);
    if (socket >= 0)
        (void)close(socket);
    return why_set(why, ERR_IO, "cannot listen on %s: %s", text, strerror(saved));
}

static enum err open_listener(struct server *server, const struct server_listen *config,
                              bool reuse_port, struct why *why)
{
    struct listener *listener = &server->listeners[server->listener_count];
    struct address address = config->address;
    socklen_t len = address_len(&address);
    int on = 1;
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        (reuse_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) ||
        (address.any.sa_family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) ||
        bind(fd, &address.any, len) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, &address.any, &len) != 0)
        return listen_failed(fd, &config->address, why);
    struct tls_context *tls = config->tls ? tls_context_share(config->tls) : NULL;
    if ((config->tls && !tls) || uv_poll_init(server->loop, &listener->poll, fd) != 0) {
        tls_context_close(tls);
        (void)close(fd);
        return why_set(why, ERR_MEMORY, "no memory to listen");
    }
    listener->poll.data = listener;
    listener->server = server;
    listener->socket = fd;
    listener->port = address_port(&address);
    listener->tls = tls;
    server->listener_count++;
    server->handles++;
    return OK;
}

static void stop_listening(struct server *server)
{
    for (uint32_t i = 0; server->listening && i < server->listener_count; i++) {
        struct listener *listener = &server->listeners[i];
        listener->poll.data = server;
        uv_close((uv_handle_t *)&listener->poll, own_handle_closed);
        (void)close(listener->socket);
    }
    server->listening = false;
}

static struct server *server_make(uv_loop_t *loop, const struct server_config *config,
                                  struct clock clock, struct exchange_handler handler)
{
    struct exchanges_config exchanges = {
        .handler = handler,
        .body_bytes_max = config->body_bytes_max ? config->body_bytes_max : BODY_BYTES_DEFAULT,
        .body_bytes_for = config->body_bytes_for,
        .body_bytes_self = config->body_bytes_self,
        .bodies_bytes_max =
            config->bodies_bytes_max ? config->bodies_bytes_max : BODIES_BYTES_DEFAULT,
        .in_flight_max = config->in_flight_max ? config->in_flight_max : IN_FLIGHT_DEFAULT,
        .seed = config->seed,
    };
    struct server *server = calloc(1, sizeof *server);
    if (!server)
        return NULL;
    server->input = malloc(READ_BYTES);
    server->exchanges = server->input ? exchanges_new(&exchanges) : NULL;
    if (!server->exchanges) {
        free(server->input);
        free(server);
        return NULL;
    }
    server->loop = loop;
    server->clock = clock;
    server->connections_max = config->connections_max ? config->connections_max : CONNECTIONS_MAX;
    server->log = config->log;
    server->log_self = config->log_self;
    server->log_next = (struct mono){INT64_MIN};
    list_init(&server->peers);
    list_init(&server->woken);
    must(uv_timer_init(loop, &server->sweep) == 0 && uv_prepare_init(loop, &server->flush) == 0);
    server->sweep.data = server->flush.data = server;
    server->handles = 2;
    return server;
}

enum err server_new(uv_loop_t *loop, const struct server_config *config, struct clock clock,
                    struct exchange_handler handler, struct why *why, struct server **ret)
{
    must(config->listen_count >= 1 && config->listen_count <= LISTENERS_MAX);
    struct server *server = server_make(loop, config, clock, handler);
    if (!server)
        return why_set(why, ERR_MEMORY, "no memory for a server");
    server->listening = true;
    enum err err = OK;
    for (uint32_t i = 0; err == OK && i < config->listen_count; i++)
        err = open_listener(server, &config->listens[i], config->reuse_port, why);
    if (err != OK) {
        server_close(server, NULL, NULL);
        return err;
    }
    must(uv_prepare_start(&server->flush, peer_flush_woken) == 0);
    server_set_accepting(server, true);
    *ret = server;
    return OK;
}

uint16_t server_port(const struct server *server, uint32_t index)
{
    must(index < server->listener_count);
    return server->listeners[index].port;
}

void server_set_tls(struct server *server, uint32_t index, struct tls_context *context)
{
    must(index < server->listener_count && server->listeners[index].tls && context);
    tls_context_close(server->listeners[index].tls);
    server->listeners[index].tls = context;
}

void server_set_limits(struct server *server, size_t body_bytes_max, uint32_t in_flight_max)
{
    server->exchanges->config.body_bytes_max = body_bytes_max;
    exchanges_set_in_flight_max(server->exchanges, in_flight_max);
}

static void drain_peers(struct server *server, bool idle_too)
{
    struct now now = server_now(server);
    for (struct list *at = server->peers.next, *next; at != &server->peers; at = next) {
        struct peer *peer = list_of(at, struct peer, link);
        next = at->next;
        connection_drain(peer->connection, idle_too, now);
        peer_go_on(peer, now);
    }
}

void server_refuse(struct server *server)
{
    must(!server->draining && !server->closing);
    for (uint32_t i = 0; server->listening && i < server->listener_count; i++)
        accept_some(&server->listeners[i], BACKLOG);
    stop_listening(server);
    drain_peers(server, false);
}

static void on_empty(uv_timer_t *handle)
{
    say_drained(handle->data);
}

void server_drain(struct server *server, void (*done)(void *self), void *self)
{
    must(!server->draining && !server->closing);
    server->draining = true;
    server->done = done;
    server->done_self = self;
    stop_listening(server);
    drain_peers(server, true);
    if (server->handles == 2) /* nobody is left whose end would say so */
        (void)uv_timer_start(&server->sweep, on_empty, 0, 0);
}

void server_close(struct server *server, void (*closed)(void *self), void *self)
{
    must(!server->closing);
    server->closing = true;
    server->closed = closed;
    server->closed_self = self;
    stop_listening(server);
    while (!list_empty(&server->peers))
        peer_close(list_of(server->peers.next, struct peer, link));
    uv_close((uv_handle_t *)&server->sweep, own_handle_closed);
    uv_close((uv_handle_t *)&server->flush, own_handle_closed);
}

void server_stats(const struct server *server, struct server_stats *ret)
{
    const struct exchanges *exchanges = server->exchanges;
    *ret = (struct server_stats){
        .connections = server->connections,
        .in_flight = exchanges->in_flight,
        .bodies_bytes = exchanges->bodies_bytes,
        .accepted = server->accepted,
        .requests = exchanges->requests,
        .refused = exchanges->refused,
    };
}
