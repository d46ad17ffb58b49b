/* net/sandbox_transport.c - answers by a heap of times; see sandbox_transport.h. */
#include "net/sandbox_transport.h"
#include "base/heap.h"
#include "base/map.h"
#include "model/limits.h"
#include <inttypes.h>
#include <stdlib.h>

struct pretence {
    struct outgoing out;
    struct heap_node node; /* in `due` from the moment it has begun */
};

struct sandbox_transport {
    struct clock clock;
    struct list waiting; /* submitted, not begun */
    unsigned open;
    struct heap due;
    uv_idle_t idle;
    uv_timer_t timer;
    unsigned handles; /* that the loop still knows */
};

static void answer(struct sandbox_transport *transport, struct pretence *pretence, struct now now)
{
    static const uint64_t key[2] = {0x5bd1e995, 0x27d4eb2f}; /* no secret: ids that stay the same */
    struct exchange_call *call = pretence->out.call;
    transport->open--;
    if (!call->request->sandbox_status) {
        outgoing_fail(&pretence->out, EXCHANGE_CUT, now, "the sandbox cut it off");
        return;
    }
    pretence->out.reply.status = call->request->sandbox_status;
    pretence->out.reply.body =
        arena_printf(call->arena, "{\"id\":\"sbx-%016" PRIx64 "\"}",
                     siphash13(key, call->request->path.at, call->request->path.len) ^
                         siphash13(key, call->request->body.at, call->request->body.len));
    outgoing_answer(&pretence->out, now);
}

static void on_timer(uv_timer_t *timer);

static void arm(struct sandbox_transport *transport, struct now now)
{
    const struct heap_node *first = heap_first(&transport->due);
    int64_t us = first ? first->key - now.mono.us : 0;
    if (first)
        (void)uv_timer_start(&transport->timer, on_timer, us > 0 ? (uint64_t)(us + 999) / 1000 : 0,
                             0);
    else
        (void)uv_timer_stop(&transport->timer);
}

static void on_timer(uv_timer_t *timer)
{
    struct sandbox_transport *transport = timer->data;
    struct now now = clock_now(&transport->clock);
    struct heap_node *first;
    while ((first = heap_first(&transport->due)) && first->key <= now.mono.us) {
        heap_remove(&transport->due, first);
        answer(transport, list_of(first, struct pretence, node), now);
    }
    arm(transport, now);
}

/* Begins what was submitted: from here on it counts as sent. */
static void on_idle(uv_idle_t *idle)
{
    struct sandbox_transport *transport = idle->data;
    struct now now = clock_now(&transport->clock);
    struct list *at;
    (void)uv_idle_stop(idle);
    while ((at = list_take_first(&transport->waiting))) {
        struct pretence *pretence = list_of(at, struct pretence, out.link);
        struct exchange_call *call = pretence->out.call;
        struct mono due = mono_add(now.mono, call->request->sandbox_delay);
        call->begun = true;
        pretence->out.begun_at = now.mono;
        if (heap_put(&transport->due, &pretence->node, due.us) != OK) {
            transport->open--;
            outgoing_fail(&pretence->out, EXCHANGE_CUT, now, "no memory for the sandbox");
        }
    }
    arm(transport, now);
}

enum err sandbox_transport_new(uv_loop_t *loop, struct clock clock, struct sandbox_transport **ret,
                               struct why *why)
{
    struct sandbox_transport *transport = calloc(1, sizeof *transport);
    if (!transport)
        return why_set(why, ERR_MEMORY, "no memory for the sandbox");
    transport->clock = clock;
    transport->handles = 2;
    list_init(&transport->waiting);
    heap_init(&transport->due);
    /* Neither can fail: both only enter the handle into the loop's lists. */
    must(uv_idle_init(loop, &transport->idle) == 0 && uv_timer_init(loop, &transport->timer) == 0);
    transport->idle.data = transport->timer.data = transport;
    *ret = transport;
    return OK;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct sandbox_transport *transport = handle->data;
    if (--transport->handles)
        return;
    heap_done(&transport->due);
    free(transport);
}

void sandbox_transport_close(struct sandbox_transport *transport)
{
    static const char reason[] = "the server is stopping";
    struct now now = clock_now(&transport->clock);
    struct heap_node *node;
    struct list *at;
    while ((node = heap_first(&transport->due))) {
        heap_remove(&transport->due, node);
        transport->open--;
        outgoing_fail(&list_of(node, struct pretence, node)->out, EXCHANGE_CUT, now, "%s", reason);
    }
    while ((at = list_take_first(&transport->waiting))) {
        transport->open--;
        outgoing_fail(&list_of(at, struct pretence, out.link)->out, EXCHANGE_UNSENT, now, "%s",
                      reason);
    }
    uv_close((uv_handle_t *)&transport->idle, on_handle_closed);
    uv_close((uv_handle_t *)&transport->timer, on_handle_closed);
}

unsigned sandbox_transport_room(const struct sandbox_transport *transport)
{
    return transport->open < SANDBOX_OPEN_MAX ? SANDBOX_OPEN_MAX - transport->open : 0;
}

bool sandbox_transport_submit(struct sandbox_transport *transport, struct exchange_call *call)
{
    struct pretence *pretence = outgoing_new(call, sizeof *pretence, CARRIER_SANDBOX);
    if (!pretence)
        return false;
    heap_node_init(&pretence->node);
    list_add_last(&transport->waiting, &pretence->out.link);
    transport->open++;
    (void)uv_idle_start(&transport->idle, on_idle);
    return true;
}

bool sandbox_transport_withdraw(struct sandbox_transport *transport, struct exchange_call *call)
{
    struct pretence *pretence = call->work;
    if (call->begun)
        return false;
    list_remove(&pretence->out.link);
    transport->open--;
    call->work = NULL;
    return true;
}
