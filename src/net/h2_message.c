/* net/h2_message.c - see h2_message.h. */
#include "net/h2_message.h"
#include <stdio.h>

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
