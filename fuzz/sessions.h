/* fuzz/sessions.h - a handler for the session targets: answers some requests at once, others later.
 *
 * Keeps a log of what it was handed, so that two runs of the same bytes can be compared.
 */
#pragma once
#include "net/session.h"
#include <stdlib.h>

enum { DESK_LATER_MAX = 512, DESK_LOG_MAX = 1 << 22 };

struct desk {
    struct exchanges *exchanges;
    struct exchange *later[DESK_LATER_MAX];
    unsigned later_count;
    unsigned count;
    struct buf log;
};

static inline void desk_answer(struct exchange *exchange)
{
    struct http_response response = {.status = exchange->request.body_too_large ? 413 : 200,
                                     .body = exchange->request.body};
    response.headers[response.header_count++] =
        (struct header){STR("x-path"), exchange->request.path};
    exchange_respond(exchange, &response);
}

static inline void desk_handle(void *self, struct exchange *exchange)
{
    struct desk *desk = self;
    const struct http_request *request = &exchange->request;
    buf_add(&desk->log, request->method_text);
    buf_add(&desk->log, request->path);
    buf_add(&desk->log, request->query);
    for (uint32_t i = 0; i < request->header_count; i++) {
        must(request->headers[i].name.len > 0);
        buf_add(&desk->log, request->headers[i].name);
        buf_add(&desk->log, request->headers[i].value);
    }
    buf_add(&desk->log, request->body);
    must(!request->body_too_large || request->body.len == 0);
    if (desk->count++ % 3 == 1 && desk->later_count < DESK_LATER_MAX)
        desk->later[desk->later_count++] = exchange;
    else
        desk_answer(exchange);
}

/* The newest first, so that order is put to the test. */
static inline bool desk_answer_later(struct desk *desk)
{
    bool any = desk->later_count > 0;
    while (desk->later_count)
        desk_answer(desk->later[--desk->later_count]);
    return any;
}

static inline void desk_open(struct desk *desk)
{
    *desk = (struct desk){.count = 0};
    buf_init(&desk->log, DESK_LOG_MAX);
    struct exchanges_config config = {
        .handler = {desk_handle, desk},
        .body_bytes_max = 1000,
        .bodies_bytes_max = 1 << 20,
        .in_flight_max = 1000,
        .seed = 1,
    };
    desk->exchanges = exchanges_new(&config);
    must(desk->exchanges != NULL);
}

/* Every slot must have come back. */
static inline void desk_close(struct desk *desk)
{
    (void)desk_answer_later(desk);
    must(desk->exchanges->slots == 0 && desk->exchanges->in_flight == 0 &&
         desk->exchanges->bodies_bytes == 0);
    exchanges_close(desk->exchanges);
    buf_done(&desk->log);
}
