/* net/gather.c - see gather.h. */
#include "net/gather.h"
#include "model/limits.h"

enum { HEADERS_FIRST = 8, BODY_FIRST = 512 };

static bool headers_reserve(struct gather *gather)
{
    if (gather->reply->header_count < gather->header_cap)
        return true;
    uint32_t cap = gather->header_cap ? gather->header_cap * 2 : HEADERS_FIRST;
    struct header *headers =
        cap <= REPLY_HEADERS_MAX ? arena_array(gather->arena, struct header, cap) : NULL;
    if (!headers)
        return false;
    if (gather->header_cap)
        memcpy(headers, gather->headers, gather->header_cap * sizeof *headers);
    gather->headers = headers;
    gather->header_cap = cap;
    gather->reply->headers = headers;
    return true;
}

void gather_status(struct gather *gather, struct str digits)
{
    uint64_t status;
    if (!gather->answering && str_to_u64(digits, &status) && status >= 100 && status <= 999)
        gather->reply->status = (int)status;
}

static struct str copy_lower(struct arena *arena, struct str name)
{
    char *at = arena_take(arena, name.len);
    for (size_t i = 0; at && i < name.len; i++)
        at[i] = name.at[i] >= 'A' && name.at[i] <= 'Z' ? (char)(name.at[i] | 0x20) : name.at[i];
    return at ? (struct str){at, name.len} : STR_NONE;
}

void gather_header(struct gather *gather, struct str name, struct str value)
{
    if (gather->answering || gather->header_bytes + name.len + value.len > HEAD_BYTES_MAX ||
        !headers_reserve(gather))
        return;
    struct header header = {copy_lower(gather->arena, name), arena_copy(gather->arena, value)};
    if (!header.name.at || !header.value.at)
        return;
    gather->header_bytes += name.len + value.len;
    gather->headers[gather->reply->header_count++] = header;
}

void gather_headers_end(struct gather *gather)
{
    if (gather->answering)
        return;
    if (gather->reply->status >= 200) {
        gather->answering = true;
        return;
    }
    gather->reply->status = 0;
    gather->reply->header_count = 0;
    gather->header_bytes = 0;
}

static bool body_reserve(struct gather *gather, size_t more)
{
    size_t need = gather->reply->body.len + more;
    if (need <= gather->body_cap)
        return true;
    size_t cap = gather->body_cap ? gather->body_cap : BODY_FIRST;
    while (cap < need)
        cap *= 2;
    char *body = arena_take(gather->arena, cap);
    if (!body)
        return false;
    if (gather->reply->body.len)
        memcpy(body, gather->body, gather->reply->body.len);
    gather->body = body;
    gather->body_cap = cap;
    return true;
}

bool gather_body(struct gather *gather, struct str bytes)
{
    size_t have = gather->reply->body.len;
    size_t room = REPLY_BYTES_MAX - have;
    size_t take = bytes.len < room ? bytes.len : room;
    if (take && !body_reserve(gather, take))
        return false;
    if (take) {
        memcpy(gather->body + have, bytes.at, take);
        gather->reply->body = (struct str){gather->body, have + take};
    }
    return bytes.len <= room;
}
