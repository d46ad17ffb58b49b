/* test/unit/sessions.h - a handler that remembers what it was handed, for tests of the sessions. */
#pragma once
#include "net/session.h"
#include <stdio.h>
#include <stdlib.h>

enum { HANDED_MAX = 2000 };

struct desk {
    struct exchange *handed[HANDED_MAX]; /* in the order of arrival */
    unsigned count;                      /* handed over so far */
    unsigned answered;                   /* by desk_answer_all */
    bool answers;                        /* at once, by echo */
    struct exchanges *exchanges;
    unsigned wakes;
};

static inline void desk_answer(struct exchange *exchange, int status, struct str body)
{
    struct http_response response = {.status = status, .body = body};
    response.headers[response.header_count++] =
        (struct header){STR("content-type"), STR("text/plain")};
    exchange_respond(exchange, &response);
}

/* Says what was understood: "POST /path ?query 413 [body]". */
static inline void desk_echo(struct exchange *exchange)
{
    const struct http_request *request = &exchange->request;
    struct buf text;
    buf_init(&text, 4 * 1024 * 1024);
    buf_add(&text, request->method_text);
    buf_add_char(&text, ' ');
    buf_add(&text, request->path);
    if (request->query.at) {
        buf_add(&text, STR(" ?"));
        buf_add(&text, request->query);
    }
    buf_add(&text, STR(" ["));
    buf_add(&text, request->body);
    buf_add(&text, STR("]"));
    desk_answer(exchange, request->body_too_large ? 413 : 200, buf_str(&text));
    buf_done(&text);
}

static inline void desk_handle(void *self, struct exchange *exchange)
{
    struct desk *desk = self;
    must(desk->count < HANDED_MAX);
    desk->handed[desk->count++] = exchange;
    if (desk->answers)
        desk_echo(exchange);
}

static inline void desk_wake(void *self)
{
    ((struct desk *)self)->wakes++;
}

static inline struct desk *desk_new(bool answers, size_t body_bytes_max)
{
    struct desk *desk = calloc(1, sizeof *desk);
    must(desk != NULL);
    desk->answers = answers;
    struct exchanges_config config = {
        .handler = {desk_handle, desk},
        .body_bytes_max = body_bytes_max,
        .bodies_bytes_max = 1024 * 1024,
        .in_flight_max = 1000,
        .seed = 1,
    };
    desk->exchanges = exchanges_new(&config);
    must(desk->exchanges != NULL);
    return desk;
}

/* Every slot must have come back. */
static inline void desk_free(struct desk *desk)
{
    must(desk->exchanges->slots == 0 && desk->exchanges->in_flight == 0 &&
         desk->exchanges->bodies_bytes == 0);
    exchanges_close(desk->exchanges);
    free(desk);
}

static inline struct now at_ms(int64_t ms)
{
    return (struct now){.mono = {ms * 1000}, .wall = {1796115600000 + ms}};
}
