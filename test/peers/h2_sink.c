/* test/peers/h2_sink.c - see h2_sink.h. */
#include "h2_sink.h"
#include "base/err.h"
#include <stdlib.h>

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *self)
{
    (void)session;
    struct pipe *pipe = self;
    struct h2_sink *sink = pipe->listener->events.self;
    bool part = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (!part || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    sink->requests++;
    if (sink->handle)
        sink->handle(sink, pipe, frame->hd.stream_id);
    else
        h2_sink_answer(pipe, frame->hd.stream_id, "200");
    return 0;
}

static void free_session(void *session)
{
    nghttp2_session_del(session);
}

static void on_open(void *self, struct pipe *pipe)
{
    struct h2_sink *sink = self;
    nghttp2_session_callbacks *callbacks;
    nghttp2_session *session;
    must(nghttp2_session_callbacks_new(&callbacks) == 0);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    must(nghttp2_session_server_new(&session, callbacks, pipe) == 0);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, sink->streams_max},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1024 * 1024}};
    must(nghttp2_submit_settings(session, 0, settings, 2) == 0);
    must(nghttp2_session_set_local_window_size(session, 0, 0, 16 * 1024 * 1024) == 0);
    pipe->session = session;
    pipe->free_session = free_session; /* a handler may drop the pipe from within it */
    if (!pipe->ssl)
        h2_sink_flush(pipe);
}

void h2_sink_flush(struct pipe *pipe)
{
    char out[60 * 1024];
    size_t len = 0;
    const uint8_t *at;
    ssize_t got;
    while (!pipe->closing && (got = nghttp2_session_mem_send(pipe->session, &at)) > 0) {
        if (len + (size_t)got > sizeof out) {
            pipe_send(pipe, (struct str){out, len});
            len = 0;
        }
        must((size_t)got <= sizeof out);
        memcpy(out + len, at, (size_t)got);
        len += (size_t)got;
    }
    pipe_send(pipe, (struct str){out, len});
}

static void on_received(void *self, struct pipe *pipe, struct str bytes)
{
    (void)self;
    ssize_t taken = nghttp2_session_mem_recv(pipe->session, (const uint8_t *)bytes.at, bytes.len);
    if (taken < 0 && !pipe->closing)
        pipe_drop(pipe, false);
    if (!pipe->closing)
        h2_sink_flush(pipe);
}

void h2_sink_answer(struct pipe *pipe, int32_t id, const char *status)
{
    static const char apns_id[] = "7f5e1f0c-0000-4000-8000-000000000001";
    nghttp2_nv fields[] = {
        {(uint8_t *)(uintptr_t) ":status", (uint8_t *)(uintptr_t)status, 7, strlen(status), 0},
        {(uint8_t *)(uintptr_t) "apns-id", (uint8_t *)(uintptr_t)apns_id, 7, sizeof apns_id - 1, 0},
    };
    must(nghttp2_submit_response(pipe->session, id, fields, 2, NULL) == 0);
}

void h2_sink_reset(struct pipe *pipe, int32_t id, uint32_t code)
{
    must(nghttp2_submit_rst_stream(pipe->session, 0, id, code) == 0);
}

void h2_sink_goaway(struct pipe *pipe, int32_t last_id)
{
    must(nghttp2_submit_goaway(pipe->session, 0, last_id, NGHTTP2_NO_ERROR, NULL, 0) == 0);
}

void h2_sink_open(struct h2_sink *sink, uv_loop_t *loop, SSL_CTX *tls, uint32_t streams_max)
{
    *sink = (struct h2_sink){.streams_max = streams_max};
    struct pipe_events events = {.opened = on_open, .received = on_received, .self = sink};
    listener_open(&sink->listener, loop, tls, &events);
}

void h2_sink_close(struct h2_sink *sink)
{
    listener_close(&sink->listener);
}
