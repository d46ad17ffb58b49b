/* net/h2_message.c - see h2_reply.h. */
#include "net/h2_message.h"
#include "model/limits.h"
#include <stdio.h>

enum { HEADERS_FIRST = 8, BODY_FIRST = 512 };

static nghttp2_nv field(struct str name, struct str value, unsigned flags)
{
    return (nghttp2_nv){
        (uint8_t *)(uintptr_t)name.at, (uint8_t *)(uintptr_t)value.at, name.len, value.len,
        (uint8_t)(NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE | flags)};
}

/* Different with each request: they would only push others out of the peer's table, which APNs
 * keeps small (Apple, "Sending notification requests to APNs": HPACK). */
static bool is_unique(struct str name)
{
    return str_eq(name, STR("apns-id")) || str_eq(name, STR("apns-collapse-id")) ||
           str_eq(name, STR("apns-expiration"));
}

size_t h2_request_fields(const struct h2_client_config *config, const struct request *request,
                         char length[H2_LENGTH_SIZE], nghttp2_nv fields[H2_FIELDS_MAX])
{
    size_t count = 0;
    fields[count++] = field(STR(":method"), request->method, 0);
    fields[count++] = field(STR(":scheme"), config->scheme, 0);
    fields[count++] = field(STR(":authority"), config->authority, 0);
    fields[count++] = field(STR(":path"), request->path, 0);
    for (uint32_t i = 0; i < request->header_count; i++)
        fields[count++] = field(request->headers[i].name, request->headers[i].value,
                                is_unique(request->headers[i].name) ? NGHTTP2_NV_FLAG_NO_INDEX : 0);
    if (request->body.len) {
        int len = snprintf(length, H2_LENGTH_SIZE, "%zu", request->body.len);
        fields[count++] = field(STR("content-length"), (struct str){length, (size_t)len}, 0);
    }
    return count;
}

bool h2_request_body(struct h2_stream *stream, void *into, size_t size, size_t *ret_len)
{
    struct str body = stream->out.call->request->body;
    size_t left = body.len - stream->sent;
    *ret_len = left < size ? left : size;
    memcpy(into, body.at + stream->sent, *ret_len);
    stream->sent += *ret_len;
    return stream->sent == body.len;
}

static bool headers_reserve(struct h2_stream *stream)
{
    if (stream->out.reply.header_count < stream->header_cap)
        return true;
    uint32_t cap = stream->header_cap ? stream->header_cap * 2 : HEADERS_FIRST;
    struct header *headers =
        cap <= REPLY_HEADERS_MAX ? arena_array(stream->out.call->arena, struct header, cap) : NULL;
    if (!headers)
        return false;
    if (stream->header_cap)
        memcpy(headers, stream->headers, stream->header_cap * sizeof *headers);
    stream->headers = headers;
    stream->header_cap = cap;
    stream->out.reply.headers = headers;
    return true;
}

static int status_of(struct str value)
{
    uint64_t status;
    return str_to_u64(value, &status) && status >= 100 && status <= 999 ? (int)status : 0;
}

void h2_reply_header(struct h2_stream *stream, struct str name, struct str value)
{
    struct reply *reply = &stream->out.reply;
    if (stream->answering)
        return; /* trailers */
    if (str_eq(name, STR(":status"))) {
        reply->status = status_of(value);
        return;
    }
    if (stream->header_bytes + name.len + value.len > HEAD_BYTES_MAX || !headers_reserve(stream))
        return;
    struct header header = {arena_copy(stream->out.call->arena, name),
                            arena_copy(stream->out.call->arena, value)};
    if (!header.name.at || !header.value.at)
        return;
    stream->header_bytes += name.len + value.len;
    stream->headers[reply->header_count++] = header;
}

void h2_reply_headers_end(struct h2_stream *stream)
{
    struct reply *reply = &stream->out.reply;
    if (stream->answering)
        return;
    if (reply->status >= 200) {
        stream->answering = true;
        return;
    }
    reply->status = 0;
    reply->header_count = 0;
    stream->header_bytes = 0;
}

static bool body_reserve(struct h2_stream *stream, size_t more)
{
    struct reply *reply = &stream->out.reply;
    size_t need = reply->body.len + more;
    if (need <= stream->body_cap)
        return true;
    size_t cap = stream->body_cap ? stream->body_cap : BODY_FIRST;
    while (cap < need)
        cap *= 2;
    char *body = arena_take(stream->out.call->arena, cap);
    if (!body)
        return false;
    if (reply->body.len)
        memcpy(body, stream->body, reply->body.len);
    stream->body = body;
    stream->body_cap = cap;
    return true;
}

bool h2_reply_body(struct h2_stream *stream, struct str bytes)
{
    struct reply *reply = &stream->out.reply;
    size_t room = REPLY_BYTES_MAX - reply->body.len;
    size_t take = bytes.len < room ? bytes.len : room;
    if (take && body_reserve(stream, take)) {
        memcpy(stream->body + reply->body.len, bytes.at, take);
        reply->body = (struct str){stream->body, reply->body.len + take};
    } else if (take) {
        return false;
    }
    return bytes.len <= room;
}
