/* net/curl_transport.c - libcurl's sockets and timer on libuv, and who waits; see curl_transport.h.
 */
#include "net/curl_transport.h"
#include "base/map.h"
#include "model/limits.h"
#include "net/curl_transfer.h"
#include <stdlib.h>

enum { SLOTS = 1024, SPARES_MAX = 32, CONNECTIONS_KEPT = 2 * CURL_EXCHANGES_MAX };

struct curl_transport {
    uv_loop_t *loop;
    struct clock clock;
    CURLM *multi;
    struct list waiting;
    struct list running;
    unsigned waiting_count, running_count;
    uint16_t slots[SLOTS];  /* running, by hash of the origin */
    uint16_t queued[SLOTS]; /* waiting */
    uint64_t key[2];
    CURL *spares[SPARES_MAX];
    unsigned spare_count;
    uv_idle_t idle;       /* has work: begin what waits */
    uv_timer_t timer;     /* libcurl's */
    uv_timer_t due_timer; /* of deadlines of what waits */
    struct mono due_at;   /* no deadline of one that waits is before this */
    unsigned handles;     /* that the loop still knows, without those of sockets */
};

/* A socket that libcurl wants to be watched. */
struct watch {
    uv_poll_t poll;
    struct curl_transport *transport;
    curl_socket_t socket;
};

static void collect(struct curl_transport *transport);

/* What libcurl wants of the loop. */

static void on_readiness(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    struct curl_transport *transport = watch->transport;
    int flags = (status < 0 ? CURL_CSELECT_ERR : 0) | (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
                (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
    int running;
    (void)curl_multi_socket_action(transport->multi, watch->socket, flags, &running);
    collect(transport);
}

static void free_watch(uv_handle_t *poll)
{
    free(poll->data);
}

static struct watch *add_watch(struct curl_transport *transport, curl_socket_t socket)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (!watch || uv_poll_init_socket(transport->loop, &watch->poll, socket) != 0) {
        free(watch);
        return NULL;
    }
    watch->poll.data = watch;
    watch->transport = transport;
    watch->socket = socket;
    if (curl_multi_assign(transport->multi, socket, watch) == CURLM_OK)
        return watch;
    uv_close((uv_handle_t *)&watch->poll, free_watch);
    return NULL;
}

/* -1 fails the transfers of this socket. */
static int on_socket(CURL *easy, curl_socket_t socket, int what, void *self, void *assigned)
{
    struct curl_transport *transport = self;
    struct watch *watch = assigned;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch) {
            (void)curl_multi_assign(transport->multi, socket, NULL);
            uv_close((uv_handle_t *)&watch->poll, free_watch);
        }
        return 0;
    }
    if (!watch)
        watch = add_watch(transport, socket);
    int events =
        (what != CURL_POLL_OUT ? UV_READABLE : 0) | (what != CURL_POLL_IN ? UV_WRITABLE : 0);
    return watch && uv_poll_start(&watch->poll, events, on_readiness) == 0 ? 0 : -1;
}

static void on_timer(uv_timer_t *timer)
{
    struct curl_transport *transport = timer->data;
    int running;
    (void)curl_multi_socket_action(transport->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(transport);
}

static int on_timer_wanted(CURLM *multi, long ms, void *self)
{
    struct curl_transport *transport = self;
    (void)multi;
    if (ms < 0)
        (void)uv_timer_stop(&transport->timer);
    else
        (void)uv_timer_start(&transport->timer, on_timer, (uint64_t)ms, 0);
    return 0;
}

/* Beginning and ending. */

static void on_idle(uv_idle_t *idle);

static void stir(struct curl_transport *transport)
{
    (void)uv_idle_start(&transport->idle, on_idle);
}

static CURL *take_easy(struct curl_transport *transport)
{
    return transport->spare_count ? transport->spares[--transport->spare_count] : curl_easy_init();
}

static void give_easy(struct curl_transport *transport, CURL *easy)
{
    if (easy && transport->spare_count < SPARES_MAX)
        transport->spares[transport->spare_count++] = easy;
    else
        curl_easy_cleanup(easy);
}

/* Out of libcurl's hands, whether done or not. */
static void take_back(struct curl_transport *transport, struct transfer *transfer)
{
    (void)curl_multi_remove_handle(transport->multi, transfer->easy);
    give_easy(transport, transfer_release(transfer));
    list_remove(&transfer->out.link);
    transport->running_count--;
    transport->slots[transfer->slot]--;
    if (transport->waiting_count)
        stir(transport);
}

static void collect(struct curl_transport *transport)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(transport->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode result = message->data.result;
        char *owner = NULL;
        must(curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner) == CURLE_OK);
        struct transfer *transfer = (struct transfer *)(void *)owner;
        take_back(transport, transfer);
        transfer_end(transfer, result, clock_now(&transport->clock));
    }
}

static void begin(struct curl_transport *transport, struct transfer *transfer, struct now now)
{
    struct why why;
    CURL *easy = take_easy(transport);
    enum err err = easy ? transfer_prepare(transfer, easy, now, &why)
                        : why_set(&why, ERR_MEMORY, "no memory to send");
    if (err == OK && curl_multi_add_handle(transport->multi, easy) != CURLM_OK) {
        (void)transfer_release(transfer);
        err = why_set(&why, ERR_MEMORY, "no memory to send");
    }
    if (err == OK) {
        list_add_last(&transport->running, &transfer->out.link);
        transport->running_count++;
        transport->slots[transfer->slot]++;
        return;
    }
    if (easy)
        curl_easy_reset(easy);
    give_easy(transport, easy);
    outgoing_fail(&transfer->out, EXCHANGE_UNSENT, now, "%s", why.text);
}

/* Who waits. */

static unsigned slot_of(const struct curl_transport *transport, const struct request *request)
{
    return (unsigned)(siphash13(transport->key, request->origin.at, request->origin.len) % SLOTS);
}

static bool may_begin(const struct curl_transport *transport, const struct transfer *transfer)
{
    return transport->running_count < CURL_EXCHANGES_MAX &&
           transport->slots[transfer->slot] < HTTP1_CONNECTIONS_MAX;
}

static void enter_queue(struct curl_transport *transport, struct transfer *transfer)
{
    list_add_last(&transport->waiting, &transfer->out.link);
    transport->waiting_count++;
    transport->queued[transfer->slot]++;
}

static void leave_queue(struct curl_transport *transport, struct transfer *transfer)
{
    list_remove(&transfer->out.link);
    transport->waiting_count--;
    transport->queued[transfer->slot]--;
}

static void on_due(uv_timer_t *timer);

static void wait_until(struct curl_transport *transport, struct mono deadline)
{
    if (deadline.us >= transport->due_at.us)
        return;
    int64_t us = mono_since(clock_now(&transport->clock).mono, deadline).us;
    transport->due_at = deadline;
    (void)uv_timer_start(&transport->due_timer, on_due, us > 0 ? (uint64_t)(us + 999) / 1000 : 0,
                         0);
}

/* Looks at each that waits, once: it begins, has waited too long, or goes on waiting. `done` may
 * withdraw others meanwhile, so they are taken one by one. */
static void serve(struct curl_transport *transport)
{
    struct now now = clock_now(&transport->clock);
    struct list todo, *at;
    list_init(&todo);
    while ((at = list_take_first(&transport->waiting)))
        list_add_last(&todo, at);
    while ((at = list_take_first(&todo))) {
        struct transfer *transfer = list_of(at, struct transfer, out.link);
        leave_queue(transport, transfer);
        if (mono_reached(now.mono, transfer->out.call->deadline)) {
            transfer_stop(transfer, now, "no connection was free in time");
        } else if (may_begin(transport, transfer)) {
            begin(transport, transfer, now);
        } else {
            enter_queue(transport, transfer);
            wait_until(transport, transfer->out.call->deadline);
        }
    }
}

static void on_idle(uv_idle_t *idle)
{
    (void)uv_idle_stop(idle); /* what happens now may start it again */
    serve(idle->data);
}

static void on_due(uv_timer_t *timer)
{
    struct curl_transport *transport = timer->data;
    transport->due_at = MONO_NEVER;
    serve(transport);
}

/* The public face. */

static bool open_multi(struct curl_transport *transport)
{
    CURLM *multi = transport->multi = curl_multi_init();
    return multi && curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, transport) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_TIMERDATA, transport) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT) == CURLM_OK;
}

enum err curl_transport_new(uv_loop_t *loop, struct clock clock, const struct entropy *entropy,
                            struct curl_transport **ret, struct why *why)
{
    struct curl_transport *transport = calloc(1, sizeof *transport);
    if (!transport)
        return why_set(why, ERR_MEMORY, "no memory for libcurl's transport");
    transport->loop = loop;
    transport->clock = clock;
    transport->due_at = MONO_NEVER;
    transport->handles = 3;
    list_init(&transport->waiting);
    list_init(&transport->running);
    entropy_fill(entropy, transport->key, sizeof transport->key);
    if (!open_multi(transport)) {
        (void)curl_multi_cleanup(transport->multi);
        free(transport);
        return why_set(why, ERR_MEMORY, "no memory for libcurl");
    }
    /* None can fail: they only enter the handles into the loop's lists. */
    must(uv_idle_init(loop, &transport->idle) == 0 && uv_timer_init(loop, &transport->timer) == 0 &&
         uv_timer_init(loop, &transport->due_timer) == 0);
    transport->idle.data = transport->timer.data = transport->due_timer.data = transport;
    *ret = transport;
    return OK;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct curl_transport *transport = handle->data;
    if (--transport->handles == 0)
        free(transport);
}

void curl_transport_close(struct curl_transport *transport)
{
    static const char reason[] = "the server is stopping";
    struct now now = clock_now(&transport->clock);
    while (!list_empty(&transport->running)) {
        struct transfer *transfer = list_of(transport->running.next, struct transfer, out.link);
        take_back(transport, transfer);
        transfer_stop(transfer, now, reason);
    }
    struct list *at;
    while ((at = list_take_first(&transport->waiting))) {
        struct transfer *transfer = list_of(at, struct transfer, out.link);
        leave_queue(transport, transfer);
        transfer_stop(transfer, now, reason);
    }
    while (transport->spare_count)
        curl_easy_cleanup(transport->spares[--transport->spare_count]);
    (void)curl_multi_cleanup(transport->multi);
    uv_close((uv_handle_t *)&transport->idle, on_handle_closed);
    uv_close((uv_handle_t *)&transport->timer, on_handle_closed);
    uv_close((uv_handle_t *)&transport->due_timer, on_handle_closed);
}

unsigned curl_transport_room(const struct curl_transport *transport, const struct request *request)
{
    unsigned all = transport->running_count + transport->waiting_count;
    unsigned of_all = all < CURL_EXCHANGES_MAX ? CURL_EXCHANGES_MAX - all : 0;
    unsigned slot = slot_of(transport, request);
    unsigned used = (unsigned)transport->slots[slot] + transport->queued[slot];
    unsigned of_origin = used < HTTP1_CONNECTIONS_MAX ? HTTP1_CONNECTIONS_MAX - used : 0;
    return of_all < of_origin ? of_all : of_origin;
}

bool curl_transport_submit(struct curl_transport *transport, struct exchange_call *call)
{
    struct transfer *transfer = outgoing_new(call, sizeof *transfer, CARRIER_CURL);
    if (!transfer)
        return false;
    transfer->clock = &transport->clock;
    transfer->slot = slot_of(transport, call->request);
    enter_queue(transport, transfer);
    stir(transport);
    return true;
}

bool curl_transport_withdraw(struct curl_transport *transport, struct exchange_call *call)
{
    struct transfer *transfer = call->work;
    if (call->begun)
        return false;
    if (transfer->easy) {
        take_back(transport, transfer);
    } else {
        leave_queue(transport, transfer);
    }
    call->work = NULL;
    return true;
}
