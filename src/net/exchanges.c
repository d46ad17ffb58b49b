/* net/exchanges.c - slots, their counts and their way to the handler and back; see exchanges.h. */
#include "net/exchanges.h"
#include "model/limits.h"
#include "net/session.h"
#include <stdio.h>
#include <stdlib.h>

enum { SPARE_ARENA_MAX = 16 * 1024 };

const struct refusal refusal_overloaded = {503, "too many requests are being answered; try later"};
const struct refusal refusal_body_too_large = {413, "the body is larger than this server takes"};

void exchanges_set_in_flight_max(struct exchanges *exchanges, uint32_t in_flight_max)
{
    exchanges->config.in_flight_max = in_flight_max;
    /* Those with the handler, as many being received or sent, and some for very small limits. */
    exchanges->slots_max = 2 * in_flight_max + 1024;
}

struct exchanges *exchanges_new(const struct exchanges_config *config)
{
    struct exchanges *exchanges = calloc(1, sizeof *exchanges);
    if (!exchanges)
        return NULL;
    exchanges->config = *config;
    exchanges->rng = rng_of(config->seed);
    exchanges_set_in_flight_max(exchanges, config->in_flight_max);
    list_init(&exchanges->spare);
    return exchanges;
}

static void slot_free(struct slot *slot)
{
    arena_done(&slot->exchange.arena);
    buf_done(&slot->body);
    buf_done(&slot->held);
    free(slot);
}

static void free_if_done(struct exchanges *exchanges)
{
    if (!exchanges->closed || exchanges->slots)
        return;
    struct list *at;
    while ((at = list_take_first(&exchanges->spare)))
        slot_free(list_of(at, struct slot, link));
    free(exchanges);
}

void exchanges_close(struct exchanges *exchanges)
{
    exchanges->closed = true;
    free_if_done(exchanges);
}

/* The handler's answer, on its way back to the session, if that is still there. */
static void respond(struct exchange *exchange, const struct http_response *response)
{
    struct slot *slot = (struct slot *)(void *)exchange;
    must(slot->handed);
    slot->handed = false;
    slot->exchanges->in_flight--;
    if (slot->session)
        slot->session->ops->answer(slot->session, slot, response);
    else
        slot_give(slot);
}

static struct slot *slot_new(void)
{
    struct slot *slot = malloc(sizeof *slot);
    if (slot)
        arena_init(&slot->exchange.arena, EXCHANGE_ARENA_BYTES_MAX);
    return slot;
}

struct slot *slot_take(struct session *session)
{
    struct exchanges *exchanges = session->exchanges;
    if (exchanges->slots >= exchanges->slots_max)
        return NULL;
    struct list *at = list_take_first(&exchanges->spare);
    struct slot *slot = at ? list_of(at, struct slot, link) : slot_new();
    if (!slot)
        return NULL;
    exchanges->spare_count -= at != NULL;
    exchanges->slots++;
    struct arena arena = slot->exchange.arena;
    /* Nothing of the request before is left. */
    *slot = (struct slot){
        .exchange = {.arena = arena, .respond = respond, .request = {.tls = session->tls}},
        .exchanges = exchanges,
        .session = session,
    };
    list_init(&slot->link);
    return slot;
}

void slot_give(struct slot *slot)
{
    struct exchanges *exchanges = slot->exchanges;
    must(!slot->handed);
    list_remove(&slot->link);
    exchanges->slots--;
    exchanges->bodies_bytes -= slot->charged;
    buf_done(&slot->body);
    buf_done(&slot->held);
    arena_reset(&slot->exchange.arena);
    if (slot->exchange.arena.used > SPARE_ARENA_MAX)
        arena_done(&slot->exchange.arena);
    if (exchanges->spare_count < EXCHANGES_SPARE_MAX && !exchanges->closed) {
        list_add_first(&exchanges->spare, &slot->link);
        exchanges->spare_count++;
    } else {
        slot_free(slot);
    }
    free_if_done(exchanges);
}

void slot_abandon(struct slot *slot)
{
    list_remove(&slot->link);
    slot->session = NULL;
    if (!slot->handed)
        slot_give(slot);
}

bool slot_charge(struct slot *slot, size_t len)
{
    struct exchanges *exchanges = slot->exchanges;
    if (len > exchanges->config.bodies_bytes_max - exchanges->bodies_bytes)
        return false;
    exchanges->bodies_bytes += len;
    slot->charged += len;
    return true;
}

void slot_set_body_limit(struct slot *slot)
{
    const struct exchanges_config *config = &slot->exchanges->config;
    slot->body_bytes_max = config->body_bytes_for ? config->body_bytes_for(config->body_bytes_self,
                                                                           &slot->exchange.request)
                                                  : config->body_bytes_max;
    buf_init(&slot->body, slot->body_bytes_max);
}

const struct refusal *slot_body_add(struct slot *slot, const char *at, size_t len)
{
    if (len > slot->body_bytes_max - slot->body.len) {
        buf_done(&slot->body);
        return &refusal_body_too_large;
    }
    if (!slot_charge(slot, len))
        return &refusal_overloaded;
    buf_add_bytes(&slot->body, at, len);
    return slot->body.failed ? &refusal_overloaded : NULL;
}

void slot_hand(struct slot *slot, struct now now)
{
    struct exchanges *exchanges = slot->exchanges;
    if (exchanges->in_flight >= exchanges->config.in_flight_max) {
        slot_refuse(slot, &refusal_overloaded);
        return;
    }
    exchanges->in_flight++;
    exchanges->requests++;
    slot->handed = true;
    slot->exchange.began = now;
    exchanges->config.handler.handle(exchanges->config.handler.self, &slot->exchange);
}

void slot_refuse(struct slot *slot, const struct refusal *refusal)
{
    struct refusal_text text;
    struct http_response response;
    exchanges_refusal(slot->exchanges, &slot->exchange.request, refusal, &text, &response);
    slot->session->ops->answer(slot->session, slot, &response);
}

/* The client's own, if it is short and printable. */
static struct str client_id(const struct http_request *request)
{
    struct str id = request ? http_header(request, STR("x-request-id")) : STR_NONE;
    if (id.len == 0 || id.len > REQUEST_ID_LEN_MAX)
        return STR_NONE;
    for (size_t i = 0; i < id.len; i++)
        if (id.at[i] <= ' ' || id.at[i] > '~')
            return STR_NONE;
    return id;
}

void exchanges_refusal(struct exchanges *exchanges, const struct http_request *request,
                       const struct refusal *refusal, struct refusal_text *into,
                       struct http_response *ret)
{
    if (refusal->status == 503)
        exchanges->refused++;
    refusal_response(refusal, into->body, ret);
    struct str id = client_id(request);
    if (!id.at) {
        (void)snprintf(into->id, sizeof into->id, "%016llx",
                       (unsigned long long)rng_next(&exchanges->rng));
        id = str_of(into->id);
    }
    ret->headers[ret->header_count++] = (struct header){STR("x-request-id"), id};
}
