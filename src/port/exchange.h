/* port/exchange.h - one HTTP request being answered.
 *
 * Made by whoever listens (net/server.h) or pretends to (the simulator), handed to one handler,
 * answered exactly once by `exchange_respond`, at once or later, on the thread that handed it over.
 * A client that goes away in the meantime changes nothing: the exchange lives until it is
 * answered, and the answer is dropped. The request and the arena live until then, too.
 */
#pragma once
#include "base/arena.h"
#include "model/http.h"

struct exchange {
    struct http_request request;
    struct arena arena;
    struct now began; /* when the request was complete */
    /* Copies the response before it returns. The exchange is gone afterwards. */
    void (*respond)(struct exchange *exchange, const struct http_response *response);
    void *owner; /* the handler's */
};

/* What a listener calls with each complete request. */
struct exchange_handler {
    void (*handle)(void *self, struct exchange *exchange);
    void *self;
};

static inline void exchange_respond(struct exchange *exchange, const struct http_response *response)
{
    exchange->respond(exchange, response);
}
