/* net/h2_stream.c - what nghttp2 calls back, and the answers; see h2_stream.h. */
#include "net/h2_stream.h"
#include "model/limits.h"
#include "net/h1_write.h"
#include "net/h2_head.h"
#include <stdio.h>

enum { SMALL_BODY = 2048 };

bool h2_idle(const struct h2 *h2)
{
    return list_empty(&h2->receiving) && list_empty(&h2->handed) && list_empty(&h2->answered);
}

static void reset(struct h2 *h2, int32_t stream, uint32_t code)
{
    if (nghttp2_submit_rst_stream(h2->ng, NGHTTP2_FLAG_NONE, stream, code) != 0)
        h2->dead = true;
}

static void move(struct slot *slot, struct list *to)
{
    list_remove(&slot->link);
    list_add_last(to, &slot->link);
}

/* -- answers ---------------------------------------------------------------------------------- */

static ssize_t read_answer(nghttp2_session *ng, int32_t stream, uint8_t *into, size_t size,
                           uint32_t *flags, nghttp2_data_source *source, void *self)
{
    struct slot *slot = source->ptr;
    struct h2 *h2 = self;
    (void)ng, (void)stream;
    size_t piece = slot->unsent.len < size ? slot->unsent.len : size;
    memcpy(into, slot->unsent.at, piece);
    slot->unsent = str_slice(slot->unsent, piece, slot->unsent.len);
    h2->unsent_bytes -= piece;
    slot->since = h2->now.mono;
    if (slot->unsent.len == 0)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)piece;
}

static nghttp2_nv nv_of(struct str name, struct str value)
{
    /* nghttp2 copies both before the call that it is for returns. */
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name.at,
                        .namelen = name.len,
                        .value = (uint8_t *)(uintptr_t)value.at,
                        .valuelen = value.len};
}

/* The status and the headers that may be sent; at most RESPONSE_HEADERS_MAX + 2. */
static size_t fill_headers(const struct http_response *response, char status[4], char length[21],
                           nghttp2_nv *into)
{
    size_t count = 0;
    must(response->status >= 200 && response->status <= 999);
    must(response->header_count <= RESPONSE_HEADERS_MAX);
    (void)snprintf(status, 4, "%d", response->status);
    into[count++] = nv_of(STR(":status"), (struct str){status, 3});
    for (uint32_t i = 0; i < response->header_count; i++)
        if (response_header_valid(&response->headers[i]))
            into[count++] = nv_of(response->headers[i].name, str_trim(response->headers[i].value));
    if (response->status != 204 && response->status != 304) {
        (void)snprintf(length, 21, "%zu", response->body.len);
        into[count++] = nv_of(STR("content-length"), str_of(length));
    }
    return count;
}

/* Keeps a copy for as long as the stream lives. */
static bool keep_body(struct h2 *h2, struct slot *slot, struct str body)
{
    if (body.len <= SMALL_BODY) {
        slot->unsent = arena_copy(&slot->exchange.arena, body);
    } else {
        buf_init(&slot->held, OUTPUT_BYTES_MAX);
        buf_add(&slot->held, body);
        slot->unsent = slot->held.failed ? STR_NONE : buf_str(&slot->held);
    }
    h2->unsent_bytes += slot->unsent.len;
    return slot->unsent.at != NULL;
}

void h2_answer(struct session *session, struct slot *slot, const struct http_response *response)
{
    struct h2 *h2 = list_of(session, struct h2, session);
    nghttp2_nv headers[RESPONSE_HEADERS_MAX + 2] __attribute__((uninitialized));
    char status[4], length[21];
    nghttp2_data_provider body = {.source.ptr = slot, .read_callback = read_answer};
    bool has_body = response->body.len && slot->exchange.request.method != METHOD_HEAD &&
                    response->status != 204 && response->status != 304;
    bool kept = !has_body || keep_body(h2, slot, response->body);
    size_t count = fill_headers(response, status, length, headers);
    slot->answered = true;
    slot->since = MONO_NEVER;
    move(slot, &h2->answered);
    if (!kept ||
        nghttp2_submit_response(h2->ng, slot->stream, headers, count, has_body ? &body : NULL) != 0)
        reset(h2, slot->stream, NGHTTP2_INTERNAL_ERROR);
    if (!h2->feeding)
        session_wake(session);
}

/* -- heads ------------------------------------------------------------------------------------ */

static struct slot *slot_of(nghttp2_session *ng, int32_t stream)
{
    return nghttp2_session_get_stream_user_data(ng, stream);
}

static int on_begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *self)
{
    struct h2 *h2 = self;
    h2->head_since = h2->now.mono;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct slot *slot = slot_take(&h2->session);
    if (!slot) {
        reset(h2, frame->hd.stream_id, NGHTTP2_REFUSED_STREAM);
        return 0;
    }
    slot->stream = frame->hd.stream_id;
    list_add_last(&h2->handed, &slot->link);
    h2->idle_since = MONO_NEVER;
    return nghttp2_session_set_stream_user_data(ng, slot->stream, slot);
}

static int on_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *self)
{
    struct slot *slot = slot_of(ng, frame->hd.stream_id);
    struct str header = {(const char *)name, name_len}, text = {(const char *)value, value_len};
    (void)flags, (void)self;
    if (!slot || frame->hd.type != NGHTTP2_HEADERS ||
        frame->headers.cat != NGHTTP2_HCAT_REQUEST) /* trailers are dropped */
        return 0;
    h2_head_add(slot, header, text);
    return 0;
}

/* By default nghttp2 would only leave such a header out; the message is malformed. */
static int on_invalid_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
                             size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                             void *self)
{
    (void)ng, (void)frame, (void)name, (void)name_len, (void)value, (void)value_len;
    (void)flags, (void)self;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* -- requests --------------------------------------------------------------------------------- */

static void hand_over(struct h2 *h2, struct slot *slot)
{
    slot->body_done = true;
    h2->control_frames = 0;
    slot->exchange.request.body =
        slot->exchange.request.body_too_large ? STR_NONE : buf_str(&slot->body);
    move(slot, &h2->handed);
    slot_hand(slot, h2->now);
}

static void refuse(struct slot *slot, const struct refusal *refusal)
{
    slot->body_done = true;
    slot_refuse(slot, refusal);
}

static void refuse_body(struct h2 *h2, struct slot *slot, const struct refusal *refusal)
{
    if (refusal == &refusal_body_too_large) {
        slot->exchange.request.body_too_large = true;
        hand_over(h2, slot);
    } else {
        refuse(slot, refusal);
    }
}

static void say_continue(struct h2 *h2, struct slot *slot)
{
    nghttp2_nv status = nv_of(STR(":status"), STR("100"));
    (void)nghttp2_submit_headers(h2->ng, NGHTTP2_FLAG_NONE, slot->stream, NULL, &status, 1, NULL);
}

static void head_ended(struct h2 *h2, struct slot *slot)
{
    uint64_t length = 0;
    const struct refusal *wrong = h2_head_judge(slot);
    if (wrong) {
        refuse(slot, wrong);
        return;
    }
    if (h2->unsent_bytes > OUTPUT_UNSENT_BYTES_MAX) {
        refuse(slot, &refusal_overloaded);
        return;
    }
    slot_set_body_limit(slot);
    /* nghttp2 has checked that it is one number; without the header the length stays 0. */
    (void)str_to_u64(http_header(&slot->exchange.request, STR("content-length")), &length);
    if (slot->complete) {
        hand_over(h2, slot);
    } else if (length > slot->body_bytes_max) {
        refuse_body(h2, slot, &refusal_body_too_large);
    } else {
        slot->since = slot->began = h2->now.mono;
        move(slot, &h2->receiving);
        if (slot->expects)
            say_continue(h2, slot);
    }
}

static int on_data(nghttp2_session *ng, uint8_t flags, int32_t stream, const uint8_t *at,
                   size_t len, void *self)
{
    struct h2 *h2 = self;
    struct slot *slot = slot_of(ng, stream);
    (void)flags;
    if (!slot || slot->body_done)
        return 0;
    slot->since = h2->now.mono;
    const struct refusal *wrong = slot_body_add(slot, (const char *)at, len);
    if (wrong)
        refuse_body(h2, slot, wrong);
    return 0;
}

void h2_say_last_goaway(struct h2 *h2)
{
    h2->drained = true;
    (void)nghttp2_submit_goaway(h2->ng, NGHTTP2_FLAG_NONE,
                                nghttp2_session_get_last_proc_stream_id(h2->ng), NGHTTP2_NO_ERROR,
                                NULL, 0);
}

/* A PING comes back once the peer has seen the notice that we drain. */
static void on_ping(struct h2 *h2, const nghttp2_frame *frame)
{
    if ((frame->hd.flags & NGHTTP2_FLAG_ACK) && h2->draining && !h2->drained)
        h2_say_last_goaway(h2);
}

static int on_frame(nghttp2_session *ng, const nghttp2_frame *frame, void *self)
{
    struct h2 *h2 = self;
    if (frame->hd.type == NGHTTP2_PING)
        on_ping(h2, frame);
    if (frame->hd.type == NGHTTP2_HEADERS)
        h2->head_since = MONO_NEVER;
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
        return 0;
    struct slot *slot = slot_of(ng, frame->hd.stream_id);
    if (!slot)
        return 0;
    slot->complete = slot->complete || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM);
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        head_ended(h2, slot);
    else if (slot->complete && !slot->body_done)
        hand_over(h2, slot);
    return 0;
}

/* -- floods and ends -------------------------------------------------------------------------- */

static int on_begin_frame(nghttp2_session *ng, const nghttp2_frame_hd *hd, void *self)
{
    struct h2 *h2 = self;
    if (hd->type != NGHTTP2_CONTINUATION)
        h2->head_since = MONO_NEVER;
    bool furthers = hd->type == NGHTTP2_HEADERS || (hd->type == NGHTTP2_DATA && hd->length);
    if (!furthers && ++h2->control_frames > CONTROL_FRAMES_MAX)
        (void)nghttp2_session_terminate_session(ng, NGHTTP2_ENHANCE_YOUR_CALM);
    return 0;
}

/* Streams that fail cost us work and the peer nothing, whoever resets them (CVE-2023-44487). */
static void count_reset(struct h2 *h2)
{
    struct mono window = mono_add(h2->resets_since, span_s(RESETS_WINDOW_S));
    if (mono_reached(h2->now.mono, window)) {
        h2->resets_since = h2->now.mono;
        h2->resets = 0;
    }
    if (++h2->resets > RESETS_MAX)
        (void)nghttp2_session_terminate_session(h2->ng, NGHTTP2_ENHANCE_YOUR_CALM);
}

static int on_stream_close(nghttp2_session *ng, int32_t stream, uint32_t code, void *self)
{
    struct h2 *h2 = self;
    struct slot *slot = slot_of(ng, stream);
    h2->head_since = MONO_NEVER;
    if (code != NGHTTP2_NO_ERROR)
        count_reset(h2);
    if (slot) {
        h2->unsent_bytes -= slot->unsent.len;
        slot_abandon(slot);
    }
    if (h2_idle(h2) && h2->idle_since.us == MONO_NEVER.us)
        h2->idle_since = h2->now.mono;
    return 0;
}

/* The answer is out, but the request is still coming. What comes is dropped; a reset at once would
 * make some clients (curl 7.88) lose the answer, so it waits for LINGER_TIMEOUT_S. */
static int on_frame_sent(nghttp2_session *ng, const nghttp2_frame *frame, void *self)
{
    struct h2 *h2 = self;
    if ((frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) ||
        !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    struct slot *slot = slot_of(ng, frame->hd.stream_id);
    if (slot) {
        slot->sent = true;
        slot->since = h2->now.mono;
    }
    return 0;
}

void h2_stream_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
}
