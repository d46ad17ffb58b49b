/* api/mask.c - see mask.h. */
#include "api/mask.h"
#include "codec/uri.h"

#define STARS "***"

/* The start of the `at`-th byte's UTF-8 sequence. */
static size_t boundary(struct str text, size_t at)
{
    while (at > 0 && at < text.len && ((unsigned char)text.at[at] & 0xc0) == 0x80)
        at--;
    return at;
}

/* `head` bytes at the front and `tail` at the end, but no more than a third of the whole. */
static struct str ends(struct arena *arena, struct str text, size_t head, size_t tail)
{
    while (head + tail > text.len / 3) {
        if (head >= tail && head)
            head--;
        else
            tail--;
    }
    head = boundary(text, head);
    size_t from = boundary(text, text.len - tail);
    return arena_printf(arena, "%.*s" STARS "%.*s", STR_ARG(str_slice(text, 0, head)),
                        STR_ARG(str_slice(text, from, text.len)));
}

static struct str mask_email(struct arena *arena, struct str email)
{
    struct str domain = email;
    struct str local = str_cut(&domain, '@');
    if (!domain.at)
        return ends(arena, email, 1, 0);
    size_t head = 1;
    while (head < local.len && boundary(local, head) != head)
        head++;
    /* A local part of one character would be shown whole. */
    return arena_printf(arena, "%.*s" STARS "@%.*s",
                        STR_ARG(str_slice(local, 0, head < local.len ? head : 0)), STR_ARG(domain));
}

static struct str mask_endpoint(struct arena *arena, struct str endpoint)
{
    struct url url;
    if (!url_parse(endpoint, &url))
        return ends(arena, endpoint, 4, 4);
    size_t tail = url.path.len > 16 ? 4 : 0;
    return arena_printf(arena, "%.*s/" STARS "%.*s", STR_ARG(url.origin),
                        STR_ARG(str_slice(endpoint, endpoint.len - tail, endpoint.len)));
}

struct str mask_address(struct arena *arena, enum kind kind, struct str address)
{
    if (!address.at)
        return STR_NONE;
    switch (kind) {
    case KIND_EMAIL:
        return mask_email(arena, address);
    case KIND_SMS:
        return ends(arena, address, 3, 2);
    case KIND_WEB:
        return mask_endpoint(arena, address);
    default:
        return ends(arena, address, 4, 4);
    }
}
