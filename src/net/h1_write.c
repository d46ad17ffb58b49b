/* net/h1_write.c - see h1_write.h. */
#include "net/h1_write.h"
#include "net/refusal.h"

enum { FIXED_MAX = 160 }; /* status line, content-length, connection, CRLFs; see h1_write */

static bool name_valid(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
            return false;
    }
    return name.len > 0;
}

static bool value_valid(struct str value)
{
    for (size_t i = 0; i < value.len; i++)
        if (((unsigned char)value.at[i] < ' ' && value.at[i] != '\t') || value.at[i] == 0x7f)
            return false;
    return true;
}

bool response_header_valid(const struct header *header)
{
    static const struct str ours[] = {STR_INIT("content-length"), STR_INIT("connection"),
                                      STR_INIT("transfer-encoding"), STR_INIT("keep-alive"),
                                      STR_INIT("upgrade")};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (str_eq(header->name, ours[i]))
            return false;
    return name_valid(header->name) && value_valid(header->value);
}

static char *put(char *at, struct str s)
{
    if (s.len)
        memcpy(at, s.at, s.len);
    return at + s.len;
}

static char *put_u64(char *at, uint64_t value)
{
    char digits[20];
    size_t from = sizeof digits;
    do {
        digits[--from] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    return put(at, (struct str){digits + from, sizeof digits - from});
}

/* RFC 9110 section 8.6: no content-length in 1xx and 204; 304 would need that of the 200. */
static bool has_length(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

static char *put_status_line(char *at, int status)
{
    must(status >= 100 && status <= 999);
    at = put(at, STR("HTTP/1.1 "));
    at = put_u64(at, (uint64_t)status);
    *at++ = ' ';
    at = put(at, status_text(status)); /* at most 31 bytes */
    return put(at, STR("\r\n"));
}

static char *put_headers(char *at, const struct http_response *response)
{
    for (uint32_t i = 0; i < response->header_count; i++) {
        const struct header *header = &response->headers[i];
        if (!response_header_valid(header))
            continue;
        at = put(at, header->name);
        at = put(at, STR(": "));
        at = put(at, header->value);
        at = put(at, STR("\r\n"));
    }
    return at;
}

static size_t bound(const struct http_response *response)
{
    size_t size = FIXED_MAX + response->body.len;
    for (uint32_t i = 0; i < response->header_count; i++)
        size += response->headers[i].name.len + response->headers[i].value.len + 4;
    return size;
}

void h1_write(struct buf *out, const struct http_response *response, struct h1_write how)
{
    must(response->header_count <= RESPONSE_HEADERS_MAX);
    if (!buf_reserve(out, bound(response)))
        return;
    char *at = put_status_line(out->at + out->len, response->status);
    at = put_headers(at, response);
    if (has_length(response->status)) {
        at = put(at, STR("content-length: "));
        at = put_u64(at, response->body.len);
        at = put(at, STR("\r\n"));
    }
    if (how.close)
        at = put(at, STR("connection: close\r\n"));
    else if (how.keep_alive)
        at = put(at, STR("connection: keep-alive\r\n"));
    at = put(at, STR("\r\n"));
    if (!how.head_only && has_length(response->status))
        at = put(at, response->body);
    out->len = (size_t)(at - out->at);
}
