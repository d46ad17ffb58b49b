/* net/transports.c - which transport carries a request; see transports.h. */
#include "net/transports.h"
#include "net/curl_transport.h"
#include "net/link_pool.h"
#include "net/outgoing.h"
#include "net/sandbox_transport.h"
#include <stdlib.h>

struct transports {
    struct transport port;
    struct clock clock;
    struct link_pool *pool;
    struct curl_transport *curl;
    struct sandbox_transport *sandbox;
    uv_idle_t idle;                  /* answers what could not even be queued */
    struct list refused;             /* struct refusal */
    struct exchange_call *forgotten; /* without memory for a record: chained by `work` */
    bool closing;
};

struct refusal {
    struct outgoing out;
    struct why why;
};

/* What is answered without being sent. */

static void answer_refused(struct transports *transports)
{
    struct now now = clock_now(&transports->clock);
    struct list *at;
    while ((at = list_take_first(&transports->refused))) {
        struct refusal *refusal = list_of(at, struct refusal, out.link);
        outgoing_fail(&refusal->out, EXCHANGE_UNSENT, now, "%s", refusal->why.text);
    }
    struct exchange_call *call;
    while ((call = transports->forgotten)) {
        struct reply reply = {
            .exchange = EXCHANGE_UNSENT, .error = STR("no memory to send"), .at = now.wall};
        transports->forgotten = call->work;
        call->work = NULL;
        call->done(call, &reply);
    }
}

static void on_idle(uv_idle_t *idle)
{
    (void)uv_idle_stop(idle); /* what happens now may start it again */
    answer_refused(idle->data);
}

static void forget(struct transports *transports, struct exchange_call *call)
{
    call->work = transports->forgotten;
    transports->forgotten = call;
    (void)uv_idle_start(&transports->idle, on_idle);
}

static void refuse(struct transports *transports, struct exchange_call *call, const struct why *why)
{
    struct refusal *refusal = outgoing_new(call, sizeof *refusal, CARRIER_LATER);
    if (!refusal) {
        forget(transports, call);
        return;
    }
    (void)why_set(&refusal->why, ERR_INPUT, "refused request: %s", why->text);
    list_add_last(&transports->refused, &refusal->out.link);
    (void)uv_idle_start(&transports->idle, on_idle);
}

static bool withdraw_forgotten(struct transports *transports, struct exchange_call *call)
{
    struct exchange_call *before = NULL;
    for (struct exchange_call *at = transports->forgotten; at; before = at, at = at->work) {
        if (at != call)
            continue;
        if (before)
            before->work = call->work;
        else
            transports->forgotten = call->work;
        call->work = NULL;
        return true;
    }
    return false;
}

/* Who carries it. */

static enum carrier carrier_of(const struct transports *transports, const struct request *request)
{
    switch (request->wire) {
    case WIRE_H2:
        return request->subscriber_chosen || link_pool_is_refused(transports->pool, request)
                   ? CARRIER_CURL
                   : CARRIER_POOL;
    case WIRE_SANDBOX:
        return CARRIER_SANDBOX;
    case WIRE_SMTP:
        return CARRIER_POOL;
    case WIRE_HTTP:
        break;
    }
    return CARRIER_CURL;
}

static unsigned room(struct transport *self, const struct request *request)
{
    struct transports *transports = (struct transports *)self;
    switch (carrier_of(transports, request)) {
    case CARRIER_POOL:
        return link_pool_room(transports->pool, request);
    case CARRIER_SANDBOX:
        return sandbox_transport_room(transports->sandbox);
    case CARRIER_LATER:
    case CARRIER_CURL:
        break;
    }
    return curl_transport_room(transports->curl, request);
}

static void submit(struct transport *self, struct exchange_call *call)
{
    struct transports *transports = (struct transports *)self;
    struct why why;
    bool taken = true;
    must(!transports->closing);
    call->begun = false;
    if (!outgoing_allowed(call->request, &why)) {
        refuse(transports, call, &why);
        return;
    }
    switch (carrier_of(transports, call->request)) {
    case CARRIER_POOL:
        taken = link_pool_submit(transports->pool, call);
        break;
    case CARRIER_SANDBOX:
        taken = sandbox_transport_submit(transports->sandbox, call);
        break;
    case CARRIER_LATER:
    case CARRIER_CURL:
        taken = curl_transport_submit(transports->curl, call);
        break;
    }
    if (!taken)
        forget(transports, call);
}

/* The origin does not speak HTTP/2; nothing was begun. */
static void take_fallback(void *self, struct exchange_call *call)
{
    struct transports *transports = self;
    if (!curl_transport_submit(transports->curl, call))
        forget(transports, call);
}

static bool withdraw(struct transport *self, struct exchange_call *call)
{
    struct transports *transports = (struct transports *)self;
    if (call->begun)
        return false;
    if (withdraw_forgotten(transports, call))
        return true;
    struct outgoing *outgoing = call->work;
    must(outgoing != NULL); /* it is open, as the port demands */
    switch (outgoing->carrier) {
    case CARRIER_POOL:
        return link_pool_withdraw(transports->pool, call);
    case CARRIER_CURL:
        return curl_transport_withdraw(transports->curl, call);
    case CARRIER_SANDBOX:
        return sandbox_transport_withdraw(transports->sandbox, call);
    case CARRIER_LATER:
        break;
    }
    list_remove(&outgoing->link);
    call->work = NULL;
    return true;
}

/* Beginning and end. */

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void close_all(struct transport *self)
{
    struct transports *transports = (struct transports *)self;
    must(!transports->closing);
    transports->closing = true;
    if (transports->pool)
        link_pool_close(transports->pool);
    if (transports->curl)
        curl_transport_close(transports->curl);
    if (transports->sandbox)
        sandbox_transport_close(transports->sandbox);
    answer_refused(transports);
    uv_close((uv_handle_t *)&transports->idle, on_closed);
}

static const struct transport_ops ops = {room, submit, withdraw, close_all};

enum err transports_new(uv_loop_t *loop, struct clock clock, const struct entropy *entropy,
                        struct transport **ret, struct why *why)
{
    struct transports *transports = calloc(1, sizeof *transports);
    if (!transports)
        return why_set(why, ERR_MEMORY, "no memory for the transports");
    transports->port.ops = &ops;
    transports->clock = clock;
    list_init(&transports->refused);
    must(uv_idle_init(loop, &transports->idle) == 0); /* it only enters the loop's lists */
    transports->idle.data = transports;
    struct link_fallback fallback = {take_fallback, transports};
    enum err err = link_pool_new(loop, clock, entropy, &fallback, &transports->pool, why);
    if (err == OK)
        err = curl_transport_new(loop, clock, entropy, &transports->curl, why);
    if (err == OK)
        err = sandbox_transport_new(loop, clock, &transports->sandbox, why);
    if (err == OK)
        *ret = &transports->port;
    else
        close_all(&transports->port); /* goes when the loop is run to its end */
    return err;
}
