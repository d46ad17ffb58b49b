/* net/h2_head.c - see h2_head.h. */
#include "net/h2_head.h"
#include "model/limits.h"
#include "net/target.h"

enum { HEADERS_FIRST = 16, ENTRY_OVERHEAD = 32 /* RFC 9113 section 6.5.2 */ };

static const struct refusal head_too_large = {431, "the head is larger than this server takes"};
static const struct refusal target_too_long = {414, "the target is longer than this server takes"};
static const struct refusal bad_target = {400, "the target is malformed"};
static const struct refusal bad_authority = {400, "exactly one valid authority is required"};
static const struct refusal no_connect = {400, "this server is no proxy"};
static const struct refusal bad_expect = {417, "the only expectation known is 100-continue"};

/* Room for one more header; grows by doubling inside the arena. */
static struct header *next_header(struct slot *slot)
{
    struct http_request *request = &slot->exchange.request;
    if (request->header_count == slot->header_cap) {
        uint32_t cap = slot->header_cap ? slot->header_cap * 2 : HEADERS_FIRST;
        struct header *more = arena_array(&slot->exchange.arena, struct header, cap);
        if (!more)
            return NULL;
        if (request->header_count)
            memcpy(more, request->headers, request->header_count * sizeof *more);
        slot->headers = more;
        slot->header_cap = cap;
        request->headers = more;
    }
    return &slot->headers[request->header_count];
}

static void keep_header(struct slot *slot, struct str name, struct str value)
{
    struct header *header = next_header(slot);
    if (header)
        *header = (struct header){arena_copy(&slot->exchange.arena, name),
                                  arena_copy(&slot->exchange.arena, value)};
    if (slot->exchange.arena.failed)
        slot->refusal = &refusal_overloaded;
    else
        slot->exchange.request.header_count++;
}

static void keep_pseudo(struct slot *slot, struct str name, struct str value)
{
    struct http_request *request = &slot->exchange.request;
    if (str_eq(name, STR(":path")) && value.len > TARGET_LEN_MAX) {
        slot->refusal = &target_too_long;
        return;
    }
    struct str copy = arena_copy(&slot->exchange.arena, value);
    if (str_eq(name, STR(":method"))) {
        request->method_text = copy;
        request->method = method_of(copy);
    } else if (str_eq(name, STR(":path"))) {
        request->path = copy;
    } else if (str_eq(name, STR(":authority"))) {
        slot->authority = copy;
    }
}

void h2_head_add(struct slot *slot, struct str name, struct str value)
{
    if (slot->refusal)
        return;
    slot->head_size += (uint32_t)(name.len + value.len + ENTRY_OVERHEAD);
    if (slot->head_size > HEAD_BYTES_MAX || slot->exchange.request.header_count >= HEADERS_MAX)
        slot->refusal = &head_too_large;
    else if (name.len && name.at[0] == ':')
        keep_pseudo(slot, name, value);
    else
        keep_header(slot, name, value);
}

/* RFC 9113 section 8.3.1: `host` must agree with `:authority`; the handler sees `host` alone. */
static const struct refusal *judge_authority(struct slot *slot)
{
    struct str host = http_header(&slot->exchange.request, STR("host"));
    struct str authority = slot->authority.at ? slot->authority : host;
    if (!authority.at || !authority_valid(authority))
        return &bad_authority;
    if (host.at)
        return str_eq_nocase(host, authority) ? NULL : &bad_authority;
    keep_header(slot, STR("host"), authority);
    return slot->refusal;
}

const struct refusal *h2_head_judge(struct slot *slot)
{
    struct http_request *request = &slot->exchange.request;
    struct str target = request->path;
    if (slot->refusal)
        return slot->refusal;
    if (str_eq(request->method_text, STR("CONNECT")))
        return &no_connect;
    if (!target.len || target.at[0] == '?' ||
        !target_split(target, &request->path, &request->query) ||
        (target.at[0] == '*' && request->method != METHOD_OPTIONS))
        return &bad_target;
    struct str expect = http_header(request, STR("expect"));
    slot->expects = str_eq_nocase(expect, STR("100-continue"));
    if (expect.at && !slot->expects)
        return &bad_expect;
    return judge_authority(slot);
}
