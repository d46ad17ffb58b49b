/* flow/ticket.c - see ticket.h. */
#include "flow/ticket.h"
#include "model/limits.h"

enum { ROUTE_MAX = 128, CODE_MAX = 64, REASON_MAX = 96, MESSAGE_ID_MAX = 128 };

static struct str keep(struct ticket *ticket, struct str s, size_t max)
{
    size_t room = sizeof ticket->text - ticket->text_len;
    if (!s.at)
        return STR_NONE;
    if (s.len > max)
        s.len = max;
    if (s.len > room)
        s.len = room;
    while (s.len && !str_is_utf8(s))
        s.len--;
    char *at = ticket->text + ticket->text_len;
    if (s.len)
        memmove(at, s.at, s.len); /* a second verdict finds the provider where it stays */
    ticket->text_len += (uint32_t)s.len;
    return (struct str){at, s.len};
}

void ticket_route(struct ticket *ticket, struct str words, struct str more)
{
    ticket->text_len = 0;
    ticket->route = keep(ticket, words, ROUTE_MAX);
    if (ticket->route.at)
        ticket->route.len += keep(ticket, more, ROUTE_MAX).len;
}

void ticket_judge(struct ticket *ticket, const struct verdict *verdict)
{
    ticket->result = TICKET_JUDGED;
    ticket->verdict = *verdict;
    ticket->text_len = (uint32_t)ticket->route.len;
    ticket->provider = keep(ticket, ticket->provider, NAME_LEN_MAX);
    ticket->verdict.code = keep(ticket, verdict->code, CODE_MAX);
    ticket->verdict.reason = keep(ticket, verdict->reason, REASON_MAX);
    ticket->verdict.message_id = keep(ticket, verdict->message_id, MESSAGE_ID_MAX);
    ticket->verdict.detail = keep(ticket, verdict->detail, TICKET_TEXT_MAX);
}
