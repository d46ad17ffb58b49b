/* api/cursor.c - see cursor.h. */
#include "api/cursor.h"
#include "base/map.h"
#include "codec/base64.h"
#include "model/limits.h"

enum { MARK_SIZE = 8 };

/* The query's hash becomes half of the key for the position's: the two cannot run together. */
static void mark_of(const struct ids *ids, struct str query, struct str position,
                    char into[MARK_SIZE])
{
    uint64_t key[2] = {siphash13(ids->secret, query.at, query.len), ids->secret[1]};
    uint64_t mark = siphash13(key, position.at, position.len);
    memcpy(into, &mark, MARK_SIZE);
}

struct str cursor_write(const struct ids *ids, struct str query, const struct position *position,
                        struct arena *arena)
{
    char id[ID_TEXT_SIZE] = "-";
    if (position->notification)
        (void)ntf_format(ids, position->notification, id);
    struct str text = arena_printf(arena, "%*s%s %u %u %.*s", MARK_SIZE, "", id, position->ordinal,
                                   position->seq, STR_ARG(position->name));
    char *bytes = arena_take(arena, text.len);
    if (!text.at || !bytes)
        return STR_NONE;
    memcpy(bytes, text.at, text.len);
    mark_of(ids, query, str_slice(text, MARK_SIZE, text.len), bytes);
    struct buf out;
    buf_init(&out, 2 * CURSOR_LEN_MAX);
    base64url_add(&out, (struct str){bytes, text.len});
    struct str ret = out.failed ? STR_NONE : arena_copy(arena, buf_str(&out));
    buf_done(&out);
    return ret;
}

static bool position_read(const struct ids *ids, struct str text, struct position *ret)
{
    struct position position = {0};
    struct str id = str_cut(&text, ' ');
    uint64_t ordinal, seq;
    if (!str_eq(id, STR("-")) && !ntf_parse(ids, id, &position.notification))
        return false;
    if (!str_to_u64(str_cut(&text, ' '), &ordinal) || ordinal > UINT32_MAX ||
        !str_to_u64(str_cut(&text, ' '), &seq) || seq > UINT32_MAX || !text.at)
        return false;
    position.ordinal = (uint32_t)ordinal;
    position.seq = (uint32_t)seq;
    position.name = text;
    *ret = position;
    return true;
}

bool cursor_read(const struct ids *ids, struct str query, struct str text, struct arena *arena,
                 struct position *ret)
{
    size_t len;
    char mark[MARK_SIZE];
    char *bytes = text.len <= 2 * CURSOR_LEN_MAX ? arena_take(arena, CURSOR_LEN_MAX) : NULL;
    if (!bytes || !base64url_decode(text, bytes, CURSOR_LEN_MAX, &len) || len < MARK_SIZE)
        return false;
    struct str position = {bytes + MARK_SIZE, len - MARK_SIZE};
    mark_of(ids, query, position, mark);
    return str_eq_secret((struct str){mark, MARK_SIZE}, (struct str){bytes, MARK_SIZE}) &&
           position_read(ids, position, ret);
}
