/* net/h2_client.c - the calling side of one HTTP/2 connection over nghttp2; see h2_client.h. */
#include "net/h2_client.h"
#include "model/limits.h"
#include "net/h2_message.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    SESSION_OUTPUT_MAX = 256 * 1024, /* a full output, one frame more, and answers to a flood */
    CONNECTION_WINDOW = 1024 * 1024,
    STREAM_IDS_SPARE = 1 << 20
};

struct h2_client {
    struct h2_client_config config;
    nghttp2_session *session;
    struct buf out;
    struct list streams; /* begun, their exchange not ended */
    uint32_t open;       /* on the wire: a stream that we reset counts until its RST is output */
    uint64_t answered;
    struct h2_stream *beginning; /* its HEADERS are not made yet */
    struct now now;              /* of the call that is running */
    struct mono heard_at;
    struct mono streams_due; /* no deadline of a stream is before this */
    struct mono ping_due;    /* MONO_NEVER: none is out */
    uint64_t ping_number;
    char goodbye[96]; /* what GOAWAY said; empty: nothing */
    bool settled, draining, failed;
};

/* Ends. */

/* From here on nghttp2 knows the stream, but not the exchange. */
static void detach(struct h2_client *client, struct h2_stream *stream)
{
    (void)nghttp2_session_set_stream_user_data(client->session, stream->id, NULL);
    list_remove(&stream->out.link);
    if (client->beginning == stream)
        client->beginning = NULL;
}

/* Says CANCEL for what is no longer wanted. Without memory the peer is not told, no more. */
static void reset(struct h2_client *client, const struct h2_stream *stream)
{
    (void)nghttp2_submit_rst_stream(client->session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_CANCEL);
}

static void answer(struct h2_client *client, struct h2_stream *stream)
{
    detach(client, stream);
    client->answered++;
    outgoing_answer(&stream->out, client->now);
}

/* What the peer's end of a stream without an answer proves. */
static void end_unanswered(struct h2_client *client, struct h2_stream *stream, uint32_t code)
{
    detach(client, stream);
    if (stream->unsent)
        outgoing_fail(&stream->out, EXCHANGE_UNSENT, client->now,
                      "the request does not fit into HTTP/2 frames");
    else if (code == NGHTTP2_REFUSED_STREAM && !stream->out.reply.status)
        outgoing_fail(&stream->out, EXCHANGE_REFUSED, client->now, "the peer refused the stream%s",
                      client->goodbye);
    else
        outgoing_fail(&stream->out, EXCHANGE_CUT, client->now, "the peer reset the stream: %s%s",
                      nghttp2_http2_strerror(code), client->goodbye);
}

/* nghttp2's callbacks. */

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *self)
{
    (void)flags, (void)self;
    struct h2_stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    struct str field = {(const char *)name, name_len};
    struct str is = {(const char *)value, value_len};
    if (stream && str_eq(field, STR(":status")))
        gather_status(&stream->gather, is);
    else if (stream)
        gather_header(&stream->gather, field, is);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *at,
                   size_t len, void *self)
{
    (void)flags;
    struct h2_client *client = self;
    struct h2_stream *stream = nghttp2_session_get_stream_user_data(session, id);
    if (stream && !gather_body(&stream->gather, (struct str){(const char *)at, len})) {
        reset(client, stream);
        answer(client, stream);
    }
    return 0;
}

static void on_goaway(struct h2_client *client, const nghttp2_goaway *frame)
{
    client->draining = true;
    /* APNs gives its reason here; keep what is fit for a log. */
    char said[64] = "";
    size_t len = 0;
    for (; len < frame->opaque_data_len && len < sizeof said - 1; len++) {
        char c = (char)frame->opaque_data[len];
        said[len] = c >= ' ' && c <= '~' ? c : '.';
    }
    (void)snprintf(client->goodbye, sizeof client->goodbye, "; GOAWAY %s%s%s",
                   nghttp2_http2_strerror(frame->error_code), len ? " " : "", said);
}

static void on_response_part(struct h2_client *client, const nghttp2_frame *frame)
{
    struct h2_stream *stream =
        nghttp2_session_get_stream_user_data(client->session, frame->hd.stream_id);
    if (!stream)
        return;
    if (frame->hd.type == NGHTTP2_HEADERS)
        gather_headers_end(&stream->gather);
    if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM) || !stream->gather.answering)
        return;
    /* An answer before all of the request was sent: the rest is not wanted (RFC 9113, 8.1). */
    if (nghttp2_session_get_stream_local_close(client->session, stream->id) == 0)
        reset(client, stream);
    answer(client, stream);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *self)
{
    (void)session;
    struct h2_client *client = self;
    bool ack = frame->hd.flags & NGHTTP2_FLAG_ACK;
    uint64_t number;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA:
        on_response_part(client, frame);
        break;
    case NGHTTP2_SETTINGS:
        client->settled = client->settled || !ack;
        break;
    case NGHTTP2_PING:
        memcpy(&number, frame->ping.opaque_data, sizeof number);
        if (ack && number == client->ping_number)
            client->ping_due = MONO_NEVER;
        break;
    case NGHTTP2_GOAWAY:
        on_goaway(client, &frame->goaway);
        break;
    default:
        break;
    }
    return 0;
}

static int on_not_sent(nghttp2_session *session, const nghttp2_frame *frame, int error, void *self)
{
    (void)session, (void)error;
    struct h2_client *client = self;
    if (client->beginning && frame->hd.type == NGHTTP2_HEADERS &&
        frame->hd.stream_id == client->beginning->id)
        client->beginning->unsent = true;
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *self)
{
    struct h2_client *client = self;
    struct h2_stream *stream = nghttp2_session_get_stream_user_data(session, id);
    if (id % 2 == 0)
        return 0; /* promised by the peer before it took note of our SETTINGS */
    must(client->open > 0);
    client->open--;
    if (stream)
        end_unanswered(client, stream, code);
    return 0;
}

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *into, size_t size,
                         uint32_t *flags, nghttp2_data_source *source, void *self)
{
    (void)source, (void)self;
    struct h2_stream *stream = nghttp2_session_get_stream_user_data(session, id);
    if (!stream)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    size_t len;
    if (h2_request_body(stream, into, size, &len))
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)len;
}

/* Making and ending the session. */

static bool session_open(struct h2_client *client)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    bool opened = false;
    if (nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0) {
        nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
        nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_not_sent);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
        nghttp2_option_set_no_closed_streams(option, 1);
        opened = nghttp2_session_client_new2(&client->session, callbacks, client, option) == 0;
    }
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return opened;
}

/* Moves what nghttp2 has to say into the output, until a record is full; never stops before a
 * stream that begins, whose fields nghttp2 has not copied. */
static void serialise(struct h2_client *client)
{
    while (!client->failed && (client->out.len < H2_OUTPUT_BYTES || client->beginning)) {
        const uint8_t *at;
        ssize_t len = nghttp2_session_mem_send(client->session, &at);
        if (len == 0)
            return;
        if (len > 0)
            buf_add_bytes(&client->out, at, (size_t)len);
        client->failed = len < 0 || client->out.failed;
        struct h2_stream *stream = client->beginning;
        if (stream && nghttp2_session_get_stream_user_data(client->session, stream->id) == stream)
            client->beginning = NULL; /* open: its HEADERS are made */
    }
}

struct h2_client *h2_client_new(const struct h2_client_config *config, struct now now)
{
    struct h2_client *client = calloc(1, sizeof *client);
    if (!client)
        return NULL;
    *client = (struct h2_client){.config = *config,
                                 .now = now,
                                 .heard_at = now.mono,
                                 .streams_due = MONO_NEVER,
                                 .ping_due = MONO_NEVER};
    list_init(&client->streams);
    buf_init(&client->out, SESSION_OUTPUT_MAX);
    static const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
    if (session_open(client) &&
        nghttp2_submit_settings(client->session, NGHTTP2_FLAG_NONE, settings, 1) == 0 &&
        nghttp2_session_set_local_window_size(client->session, NGHTTP2_FLAG_NONE, 0,
                                              CONNECTION_WINDOW) == 0) {
        serialise(client);
        if (!client->failed)
            return client;
    }
    h2_client_free(client);
    return NULL;
}

void h2_client_free(struct h2_client *client)
{
    if (!client)
        return;
    must(list_empty(&client->streams));
    nghttp2_session_del(client->session);
    buf_done(&client->out);
    free(client);
}

bool h2_client_settled(const struct h2_client *client)
{
    return client->settled;
}

bool h2_client_draining(const struct h2_client *client)
{
    return client->draining || client->failed ||
           nghttp2_session_get_next_stream_id(client->session) > INT32_MAX - STREAM_IDS_SPARE;
}

uint32_t h2_client_open(const struct h2_client *client)
{
    return client->open;
}

uint64_t h2_client_answered(const struct h2_client *client)
{
    return client->answered;
}

uint32_t h2_client_room(const struct h2_client *client)
{
    if (!client->settled || h2_client_draining(client) || client->out.len >= H2_OUTPUT_BYTES ||
        !nghttp2_session_check_request_allowed(client->session))
        return 0;
    uint32_t max = nghttp2_session_get_remote_settings(client->session,
                                                       NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    if (max > client->config.streams_max)
        max = client->config.streams_max;
    return max > client->open ? max - client->open : 0;
}

/* Beginning. */

void h2_client_begin(struct h2_client *client, struct h2_stream *stream, struct now now)
{
    must(h2_client_room(client) > 0);
    client->now = now;
    struct exchange_call *call = stream->out.call;
    const struct request *request = call->request;
    char length[H2_LENGTH_SIZE];
    nghttp2_nv fields[H2_FIELDS_MAX];
    size_t count = h2_request_fields(&client->config, request, length, fields);
    nghttp2_data_provider body = {.read_callback = read_body};
    int32_t id = nghttp2_submit_request(client->session, NULL, fields, count,
                                        request->body.len ? &body : NULL, stream);
    if (id < 0) {
        outgoing_fail(&stream->out, EXCHANGE_UNSENT, now, "HTTP/2: %s", nghttp2_strerror(id));
        return;
    }
    stream->id = id;
    stream->out.begun_at = now.mono;
    stream->gather = (struct gather){.arena = call->arena, .reply = &stream->out.reply};
    call->begun = true;
    list_add_last(&client->streams, &stream->out.link);
    client->open++;
    client->streams_due = mono_min(client->streams_due, call->deadline);
    client->beginning = stream;
    serialise(client);
    if (client->beginning && stream->unsent) { /* and was not even opened */
        client->open--;
        end_unanswered(client, stream, NGHTTP2_NO_ERROR);
    }
    client->beginning = NULL;
}

/* Input, output, time. */

struct str h2_client_output(struct h2_client *client)
{
    serialise(client);
    return buf_str(&client->out);
}

void h2_client_output_drop(struct h2_client *client, size_t len)
{
    buf_drop(&client->out, len);
}

/* Both sides are done, or nghttp2 has given up on what the peer sends. */
static enum err check_over(const struct h2_client *client, struct why *why)
{
    if (nghttp2_session_want_read(client->session) || nghttp2_session_want_write(client->session))
        return OK;
    if (!client->settled)
        return why_set(why, ERR_INPUT, "the peer does not speak HTTP/2");
    return why_set(why, ERR_CLOSED, "the HTTP/2 connection has ended%s", client->goodbye);
}

enum err h2_client_receive(struct h2_client *client, struct str bytes, struct now now,
                           struct why *why)
{
    client->now = now;
    client->heard_at = now.mono;
    ssize_t taken = nghttp2_session_mem_recv(client->session, (const uint8_t *)bytes.at, bytes.len);
    serialise(client);
    if (taken == NGHTTP2_ERR_NOMEM || client->failed)
        return why_set(why, ERR_MEMORY, "no memory for the HTTP/2 session");
    if (taken < 0)
        return why_set(why, ERR_INPUT, "the peer does not speak HTTP/2: %s",
                       nghttp2_strerror((int)taken));
    return check_over(client, why);
}

static struct mono silence_ends(const struct h2_client *client)
{
    return mono_add(client->heard_at,
                    client->open ? client->config.ping_after : client->config.ping_idle);
}

static void cut_late(struct h2_client *client)
{
    struct mono due = MONO_NEVER;
    for (struct list *at = client->streams.next, *next; at != &client->streams; at = next) {
        next = at->next;
        struct h2_stream *stream = list_of(at, struct h2_stream, out.link);
        if (!mono_reached(client->now.mono, stream->out.call->deadline)) {
            due = mono_min(due, stream->out.call->deadline);
            continue;
        }
        reset(client, stream);
        detach(client, stream);
        outgoing_fail(&stream->out, EXCHANGE_CUT, client->now, "no answer before the deadline");
    }
    client->streams_due = due;
}

enum err h2_client_tick(struct h2_client *client, struct now now, struct why *why)
{
    client->now = now;
    if (mono_reached(now.mono, client->ping_due))
        return why_set(why, ERR_TIMEOUT, "no answer to a PING in %lld ms",
                       (long long)(client->config.ping_timeout.us / 1000));
    if (mono_reached(now.mono, client->streams_due))
        cut_late(client);
    if (client->ping_due.us == MONO_NEVER.us && mono_reached(now.mono, silence_ends(client))) {
        client->ping_number++;
        uint8_t number[8];
        memcpy(number, &client->ping_number, sizeof number);
        if (nghttp2_submit_ping(client->session, NGHTTP2_FLAG_NONE, number) == 0)
            client->ping_due = mono_add(now.mono, client->config.ping_timeout);
    }
    serialise(client);
    if (client->failed)
        return why_set(why, ERR_MEMORY, "no memory for the HTTP/2 session");
    return check_over(client, why);
}

struct mono h2_client_deadline(const struct h2_client *client)
{
    struct mono ping =
        client->ping_due.us == MONO_NEVER.us ? silence_ends(client) : client->ping_due;
    return mono_min(ping, client->streams_due);
}

void h2_client_drain(struct h2_client *client)
{
    client->draining = true;
    (void)nghttp2_submit_goaway(client->session, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, NULL, 0);
    serialise(client);
}

void h2_client_close(struct h2_client *client, struct now now, const char *reason)
{
    client->draining = true;
    client->now = now;
    while (!list_empty(&client->streams)) {
        struct h2_stream *stream = list_of(client->streams.next, struct h2_stream, out.link);
        detach(client, stream);
        outgoing_fail(&stream->out, EXCHANGE_CUT, now, "%s", reason);
    }
}
