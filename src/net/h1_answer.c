/* net/h1_answer.c - answers of an HTTP/1.1 session, in the order of their requests. */
#include "net/h1_session.h"
#include "net/h1_write.h"

static void write_refusal(struct h1 *h1)
{
    struct refusal_text text;
    struct http_response response;
    exchanges_refusal(h1->session.exchanges, NULL, h1->refusal, &text, &response);
    h1_write(&h1->out, &response, (struct h1_write){.close = true});
    h1->refusal = NULL;
}

void h1_drop_slot(struct h1 *h1, struct slot *slot)
{
    h1->waiting_count--;
    slot_give(slot); /* takes it off the list, too */
}

void h1_advance(struct h1 *h1)
{
    while (!list_empty(&h1->waiting)) {
        struct slot *first = list_of(h1->waiting.next, struct slot, link);
        if (!first->answered) {
            if (first == h1->current && h1->owes_continue) {
                buf_add(&h1->out, STR("HTTP/1.1 100 Continue\r\n\r\n"));
                h1->owes_continue = false;
            }
            break;
        }
        buf_add(&h1->out, buf_str(&first->held));
        h1->dead = h1->dead || first->held.failed;
        h1_drop_slot(h1, first);
    }
    if (list_empty(&h1->waiting) && h1->refusal)
        write_refusal(h1);
    h1->dead = h1->dead || h1->out.failed;
}

void h1_answer(struct session *session, struct slot *slot, const struct http_response *response)
{
    struct h1 *h1 = h1_of(session);
    bool first = h1->waiting.next == &slot->link, newest = h1->waiting.prev == &slot->link;
    struct h1_write how = {
        .head_only = slot->exchange.request.method == METHOD_HEAD,
        .close = slot->close || (h1->last && newest && !h1->refusal),
    };
    how.keep_alive = slot->http10 && !how.close;
    if (first) {
        h1_write(&h1->out, response, how);
        h1_drop_slot(h1, slot);
        h1_advance(h1);
    } else {
        buf_init(&slot->held, h1->out.max);
        h1_write(&slot->held, response, how);
        slot->answered = true;
    }
    if (!h1->feeding)
        session_wake(session);
}
