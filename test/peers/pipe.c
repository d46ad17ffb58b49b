/* test/peers/pipe.c - see pipe.h. */
#include "pipe.h"
#include "base/err.h"
#include <stdlib.h>

struct write {
    uv_write_t request;
    struct pipe *pipe;
    char bytes[];
};

static void on_closed(uv_handle_t *handle)
{
    struct pipe *pipe = handle->data;
    SSL_free(pipe->ssl);
    if (pipe->free_session)
        pipe->free_session(pipe->session);
    free(pipe);
}

void pipe_drop(struct pipe *pipe, bool reset)
{
    if (pipe->closing)
        return;
    pipe->closing = true;
    list_remove(&pipe->place);
    if (pipe->listener->events.closed)
        pipe->listener->events.closed(pipe->listener->events.self, pipe);
    if (reset)
        must(uv_tcp_close_reset(&pipe->socket, on_closed) == 0);
    else
        uv_close((uv_handle_t *)&pipe->socket, on_closed);
}

static void on_written(uv_write_t *request, int status)
{
    (void)status;
    struct write *write = (struct write *)(void *)request;
    struct pipe *pipe = write->pipe;
    pipe->writing--;
    free(write);
    if (pipe->eof_after_flush && !pipe->writing)
        pipe_drop(pipe, false);
}

static void send_raw(struct pipe *pipe, const char *at, size_t len)
{
    if (!len || pipe->closing)
        return;
    struct write *write = malloc(sizeof *write + len);
    must(write != NULL);
    write->pipe = pipe;
    memcpy(write->bytes, at, len);
    uv_buf_t piece = uv_buf_init(write->bytes, (unsigned)len);
    pipe->writing++;
    must(uv_write(&write->request, (uv_stream_t *)&pipe->socket, &piece, 1, on_written) == 0);
}

static void flush_tls(struct pipe *pipe)
{
    char *at;
    long len = BIO_get_mem_data(pipe->out, &at);
    send_raw(pipe, at, (size_t)len);
    must(BIO_reset(pipe->out) == 1);
}

void pipe_send(struct pipe *pipe, struct str bytes)
{
    if (!bytes.len || pipe->closing)
        return;
    if (!pipe->ssl) {
        send_raw(pipe, bytes.at, bytes.len);
        return;
    }
    (void)SSL_write(pipe->ssl, bytes.at, (int)bytes.len);
    flush_tls(pipe);
}

void pipe_finish(struct pipe *pipe)
{
    pipe->eof_after_flush = true;
    if (!pipe->writing)
        pipe_drop(pipe, false);
}

void pipe_freeze(struct pipe *pipe)
{
    pipe->deaf = true;
    (void)uv_read_stop((uv_stream_t *)&pipe->socket);
}

void pipe_start_tls(struct pipe *pipe, SSL_CTX *tls)
{
    pipe->ssl = SSL_new(tls);
    pipe->in = BIO_new(BIO_s_mem());
    pipe->out = BIO_new(BIO_s_mem());
    must(pipe->ssl && pipe->in && pipe->out);
    SSL_set_bio(pipe->ssl, pipe->in, pipe->out);
    SSL_set_accept_state(pipe->ssl);
}

static void receive_tls(struct pipe *pipe, const char *at, size_t len)
{
    struct pipe_events *events = &pipe->listener->events;
    must(BIO_write(pipe->in, at, (int)len) == (int)len);
    char plain[16 * 1024];
    int got = 1;
    while (!pipe->closing && got > 0) {
        got = SSL_read(pipe->ssl, plain, sizeof plain);
        int error = SSL_get_error(pipe->ssl, got);
        flush_tls(pipe);
        if (!pipe->secured && SSL_is_init_finished(pipe->ssl)) {
            pipe->secured = true;
            if (events->secured)
                events->secured(events->self, pipe);
        }
        if (got > 0)
            events->received(events->self, pipe, (struct str){plain, (size_t)got});
        else if (error != SSL_ERROR_WANT_READ)
            pipe_finish(pipe);
    }
}

static void give_room(uv_handle_t *handle, size_t hint, uv_buf_t *ret)
{
    (void)handle;
    *ret = uv_buf_init(malloc(hint), (unsigned)hint);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *from)
{
    struct pipe *pipe = stream->data;
    struct pipe_events *events = &pipe->listener->events;
    if (len < 0)
        pipe_drop(pipe, false);
    else if (len > 0 && pipe->ssl)
        receive_tls(pipe, from->base, (size_t)len);
    else if (len > 0 && events->received)
        events->received(events->self, pipe, (struct str){from->base, (size_t)len});
    free(from->base);
}

static void on_connection(uv_stream_t *server, int status)
{
    struct listener *listener = server->data;
    must(status == 0);
    struct pipe *pipe = calloc(1, sizeof *pipe);
    must(pipe != NULL);
    must(uv_tcp_init(server->loop, &pipe->socket) == 0);
    pipe->socket.data = pipe;
    pipe->listener = listener;
    list_add_last(&listener->pipes, &pipe->place);
    must(uv_accept(server, (uv_stream_t *)&pipe->socket) == 0);
    (void)uv_tcp_nodelay(&pipe->socket, 1);
    listener->accepted++;
    if (listener->tls)
        pipe_start_tls(pipe, listener->tls);
    if (listener->events.opened)
        listener->events.opened(listener->events.self, pipe);
    if (!pipe->closing && !pipe->deaf)
        must(uv_read_start((uv_stream_t *)&pipe->socket, give_room, on_read) == 0);
}

void listener_open(struct listener *listener, uv_loop_t *loop, SSL_CTX *tls,
                   const struct pipe_events *events)
{
    *listener = (struct listener){.events = *events, .tls = tls};
    list_init(&listener->pipes);
    struct sockaddr_in address;
    must(uv_ip4_addr("127.0.0.1", 0, &address) == 0);
    must(uv_tcp_init(loop, &listener->socket) == 0);
    listener->socket.data = listener;
    must(uv_tcp_bind(&listener->socket, (const struct sockaddr *)&address, 0) == 0);
    must(uv_listen((uv_stream_t *)&listener->socket, 128, on_connection) == 0);
    int len = sizeof address;
    must(uv_tcp_getsockname(&listener->socket, (struct sockaddr *)&address, &len) == 0);
    listener->port = ntohs(address.sin_port);
}

void listener_refuse(struct listener *listener)
{
    uv_close((uv_handle_t *)&listener->socket, NULL);
}

void listener_close(struct listener *listener)
{
    while (!list_empty(&listener->pipes))
        pipe_drop(list_of(listener->pipes.next, struct pipe, place), false);
    if (!uv_is_closing((uv_handle_t *)&listener->socket))
        uv_close((uv_handle_t *)&listener->socket, NULL);
}
