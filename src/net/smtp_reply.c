/* net/smtp_reply.c - see smtp_reply.h. */
#include "net/smtp_reply.h"

static void add(struct smtp_reply *reply, struct str text)
{
    size_t room = sizeof reply->text - reply->len;
    size_t take = text.len < room ? text.len : room;
    if (take)
        memcpy(reply->text + reply->len, text.at, take);
    reply->len += take;
}

bool smtp_reply_line(struct smtp_reply *reply, struct str line)
{
    while (line.len && (line.at[line.len - 1] == '\n' || line.at[line.len - 1] == '\r'))
        line.len--;
    uint64_t code;
    if (line.len < 3 || !str_to_u64(str_slice(line, 0, 3), &code) || code < 200 || code > 599)
        return false;
    if (!reply->open)
        reply->len = 0;
    else
        add(reply, STR("\n"));
    if (line.len > 4)
        add(reply, str_slice(line, 4, line.len));
    reply->code = (int)code;
    reply->open = line.len > 3 && line.at[3] == '-';
    return !reply->open;
}
