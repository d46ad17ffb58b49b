/* test/campaign/fake_push.c - Apple's service: HTTP/2 over TLS, /3/device/TOKEN. */
#include "base/err.h"
#include "fake.h"
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

struct session {
    struct peer peer;
    nghttp2_session *h2;
    struct list streams;
    int32_t last;   /* GOAWAY: no stream above it is processed; 0: not said */
    bool receiving; /* within nghttp2's callbacks, where nothing may be written */
};

struct stream {
    struct list link;
    char address[ADDRESS_MAX], auth[AUTH_MAX], extra[TEXT_MAX * 4], apns_id[TEXT_MAX];
    char body[BODY_MAX];
    size_t body_len;
    struct act act;
    /* Of the answer. */
    char answer[TEXT_MAX * 2];
    size_t answer_len, answer_at;
};

static void flush(struct pipe *pipe)
{
    char out[15 * 1024];
    size_t len = 0;
    const uint8_t *at;
    ssize_t got;
    struct session *session = pipe->session;
    while (!pipe->closing && !pipe->deaf && !session->receiving &&
           (got = nghttp2_session_mem_send(session->h2, &at)) > 0) {
        if (len + (size_t)got > sizeof out) {
            pipe_send(pipe, (struct str){out, len});
            len = 0;
        }
        if ((size_t)got > sizeof out) {
            pipe_send(pipe, (struct str){(const char *)at, (size_t)got});
            continue;
        }
        memcpy(out + len, at, (size_t)got);
        len += (size_t)got;
    }
    pipe_send(pipe, (struct str){out, len});
}

static ssize_t read_answer(nghttp2_session *h2, int32_t id, uint8_t *into, size_t size,
                           uint32_t *flags, nghttp2_data_source *source, void *self)
{
    (void)h2, (void)id, (void)self;
    struct stream *stream = source->ptr;
    size_t len = stream->answer_len - stream->answer_at;
    len = len < size ? len : size;
    memcpy(into, stream->answer + stream->answer_at, len);
    stream->answer_at += len;
    if (stream->answer_at == stream->answer_len)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)len;
}

static nghttp2_nv field(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                        strlen(value), 0};
}

static void respond(struct pipe *pipe, int32_t id, const struct act *act, bool headers_only)
{
    struct session *session = pipe->session;
    struct stream *stream = nghttp2_session_get_stream_user_data(session->h2, id);
    char status[16];
    if (!stream)
        return;
    bool good = act->what != WHAT_status;
    (void)snprintf(status, sizeof status, "%d", good ? 200 : act->status);
    nghttp2_nv fields[] = {field(":status", status), field("apns-id", stream->apns_id),
                           field("retry-after", act->retry)};
    if (!good)
        stream->answer_len = (size_t)snprintf(stream->answer, sizeof stream->answer,
                                              "{\"reason\":\"%s\"}", act->word);
    nghttp2_data_provider provider = {.source.ptr = stream, .read_callback = read_answer};
    size_t count = !good && act->retry[0] ? 3 : 2;
    if (headers_only)
        (void)nghttp2_submit_headers(session->h2, 0, id, NULL, fields, count, NULL);
    else
        (void)nghttp2_submit_response(session->h2, id, fields, count, good ? NULL : &provider);
}

/* The last stream that is processed is `last`: those above are not. */
static void goaway(struct pipe *pipe, int32_t last)
{
    struct session *session = pipe->session;
    struct list *at = session->peer.laters.next;
    while (at != &session->peer.laters) {
        struct later *later = list_of(at, struct later, of_peer);
        at = at->next;
        if (later->stream > last)
            fake_undo(later);
    }
    session->last = last > 0 ? last : -1;
    (void)nghttp2_submit_goaway(session->h2, 0, last, NGHTTP2_NO_ERROR, NULL, 0);
}

static void answer(struct later *later)
{
    struct pipe *pipe = later->pipe;
    struct session *session = pipe->session;
    int32_t id = (int32_t)later->stream;
    switch (later->act.what) {
    case WHAT_cut:
    case WHAT_reset:
        pipe_drop(pipe, later->act.what == WHAT_reset);
        return;
    case WHAT_half:
        respond(pipe, id, &later->act, true);
        flush(pipe);
        pipe_drop(pipe, true);
        return;
    case WHAT_goaway_above:
        goaway(pipe, id > 2 ? id - 2 : 0);
        break;
    case WHAT_goaway_at:
        goaway(pipe, id);
        respond(pipe, id, &later->act, false);
        break;
    case WHAT_refused:
    case WHAT_rst:
        (void)nghttp2_submit_rst_stream(session->h2, 0, id,
                                        later->act.what == WHAT_refused ? NGHTTP2_REFUSED_STREAM
                                                                        : NGHTTP2_INTERNAL_ERROR);
        break;
    default:
        respond(pipe, id, &later->act, false);
    }
    flush(pipe);
}

static int on_begin(nghttp2_session *h2, const nghttp2_frame *frame, void *self)
{
    struct stream *stream = calloc(1, sizeof *stream);
    must(stream != NULL);
    struct pipe *pipe = self;
    struct session *session = pipe->session;
    list_add_last(&session->streams, &stream->link);
    return nghttp2_session_set_stream_user_data(h2, frame->hd.stream_id, stream);
}

static void keep(char *into, size_t size, const uint8_t *at, size_t len)
{
    size_t used = strlen(into);
    if (used && used + 1 < size)
        into[used++] = ' ';
    len = len < size - used - 1 ? len : size - used - 1;
    memcpy(into + used, at, len);
    into[used + len] = '\0';
}

static int on_header(nghttp2_session *h2, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t len, uint8_t flags, void *self)
{
    (void)flags, (void)self;
    static const char prefix[] = "/3/device/";
    struct stream *stream = nghttp2_session_get_stream_user_data(h2, frame->hd.stream_id);
    struct str word = {(const char *)name, name_len};
    if (!stream)
        return 0;
    if (str_eq(word, STR(":path")) && len > sizeof prefix - 1)
        keep(stream->address, sizeof stream->address, value + sizeof prefix - 1,
             len - (sizeof prefix - 1));
    else if (str_eq(word, STR("authorization")))
        keep(stream->auth, sizeof stream->auth, value, len);
    else if (str_eq(word, STR("apns-id")))
        keep(stream->apns_id, sizeof stream->apns_id, value, len);
    else if (str_eq(word, STR("apns-topic")) || str_eq(word, STR("apns-collapse-id")))
        keep(stream->extra, sizeof stream->extra, value, len);
    return 0;
}

static int on_data(nghttp2_session *h2, uint8_t flags, int32_t id, const uint8_t *at, size_t len,
                   void *self)
{
    (void)flags, (void)self;
    struct stream *stream = nghttp2_session_get_stream_user_data(h2, id);
    if (stream && stream->body_len + len <= sizeof stream->body) {
        memcpy(stream->body + stream->body_len, at, len);
        stream->body_len += len;
    }
    return 0;
}

static int on_frame(nghttp2_session *h2, const nghttp2_frame *frame, void *self)
{
    struct pipe *pipe = self;
    struct session *session = pipe->session;
    struct fake *fake = session->peer.fake;
    int32_t id = frame->hd.stream_id;
    bool head = frame->hd.type == NGHTTP2_HEADERS, data = frame->hd.type == NGHTTP2_DATA;
    struct stream *stream = head || data ? nghttp2_session_get_stream_user_data(h2, id) : NULL;
    if (!stream || pipe->closing || (session->last && id > session->last))
        return 0;
    if (head)
        stream->act = fake_draw(fake, stream->address);
    bool cut = head && stream->act.what == WHAT_cut_body;
    if (!cut && !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    fake_take(fake, &session->peer, pipe, id, &stream->act, stream->address, stream->auth,
              stream->extra, (struct str){stream->body, stream->body_len});
    if (cut && !pipe->closing)
        pipe_drop(pipe, true);
    return 0;
}

static int on_stream_close(nghttp2_session *h2, int32_t id, uint32_t code, void *self)
{
    (void)code, (void)self;
    struct stream *stream = nghttp2_session_get_stream_user_data(h2, id);
    (void)nghttp2_session_set_stream_user_data(h2, id, NULL);
    if (stream)
        list_remove(&stream->link);
    free(stream);
    return 0;
}

static void free_session(void *self)
{
    struct session *session = self;
    struct list *at;
    nghttp2_session_del(session->h2);
    while ((at = list_take_first(&session->streams)))
        free(list_of(at, struct stream, link));
    free(session);
}

static void on_open(void *self, struct pipe *pipe)
{
    struct fake *fake = self;
    struct session *session = calloc(1, sizeof *session);
    nghttp2_session_callbacks *callbacks;
    must(session && nghttp2_session_callbacks_new(&callbacks) == 0);
    peer_init(&session->peer, fake);
    list_init(&session->streams);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    must(nghttp2_session_server_new(&session->h2, callbacks, pipe) == 0);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, fake->streams},
                                         {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, fake->window}};
    must(nghttp2_submit_settings(session->h2, 0, settings, 2) == 0);
    must(nghttp2_session_set_local_window_size(session->h2, 0, 0, 64 << 20) == 0);
    pipe->session = session;
    pipe->free_session = free_session;
    if (fake->stall)
        pipe_freeze(pipe);
}

static void on_closed(void *self, struct pipe *pipe)
{
    (void)self;
    struct session *session = pipe->session;
    peer_gone(&session->peer);
}

static void on_received(void *self, struct pipe *pipe, struct str bytes)
{
    (void)self;
    struct session *session = pipe->session;
    session->receiving = true;
    ssize_t taken = nghttp2_session_mem_recv(session->h2, (const uint8_t *)bytes.at, bytes.len);
    session->receiving = false;
    if (taken < 0 && !pipe->closing)
        pipe_drop(pipe, false);
    if (!pipe->closing)
        flush(pipe);
}

const struct role push_role = {
    .name = "push",
    .tls = true,
    .events = {.opened = on_open, .received = on_received, .closed = on_closed},
    .answer = answer,
};
