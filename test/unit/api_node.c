/* test/unit/api_node.c - see api_node.h. */
#include "api_node.h"
#include "codec/base64.h"
#include "codec/digest.h"
#include "provider/drivers.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---------------------------------------------------------------------------- its world ---- */

static void box_post(void *self, struct message *message)
{
    struct node_box *box = self;
    message->next = NULL;
    if (box->first)
        box->last->next = message;
    else
        box->first = message;
    box->last = message;
}

static struct inbox inbox_of(struct node_box *box)
{
    return (struct inbox){.post = box_post, .self = box};
}

static struct message *box_take(struct node_box *box)
{
    struct message *message = box->first;
    if (message)
        box->first = message->next;
    return message;
}

static struct now read_clock(void *self)
{
    return ((struct node *)self)->now;
}

static void fill(void *self, void *at, size_t len)
{
    struct node *node = self;
    for (size_t i = 0; i < len; i++)
        ((unsigned char *)at)[i] = (unsigned char)rng_next(&node->rng);
}

static struct node *node_of(struct transport *transport)
{
    return (struct node *)(void *)((char *)transport - offsetof(struct node, transport));
}

static unsigned room(struct transport *self, const struct request *request)
{
    (void)self, (void)request;
    return 100;
}

static void submit(struct transport *self, struct exchange_call *call)
{
    struct node *node = node_of(self);
    must(node->call_count < sizeof node->calls / sizeof *node->calls);
    call->begun = true;
    node->sent++;
    node->calls[node->call_count++] = call;
}

static bool withdraw(struct transport *self, struct exchange_call *call)
{
    (void)self, (void)call;
    return false;
}

static void close_transport(struct transport *self)
{
    (void)self;
}

static bool answer_call(struct node *node)
{
    if (!node->call_count)
        return false;
    struct exchange_call *call = node->calls[--node->call_count];
    struct reply reply = {
        .exchange = call->request->sandbox_status ? EXCHANGE_WHOLE : EXCHANGE_CUT,
        .status = call->request->sandbox_status,
        .body = STR(""),
        .at = node->now.wall,
    };
    call->done(call, &reply);
    node->courier_wake = node->now.mono;
    return true;
}

/* ----------------------------------------------------------------------------- its life ---- */

static void kick(void *self)
{
    struct node *node = self;
    node->courier_wake = node->now.mono;
}

static void start_ledger(struct node *node)
{
    static const struct retry_policy policy = {
        .delay_first = {1000000}, .delay_max = {2000000}, .attempts_max = 2};
    struct inbox intake = inbox_of(&node->intake_box), courier = inbox_of(&node->courier_box);
    struct store_state state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    memory_store_open(node->disk, &arena, node->now.wall, &state, &node->store);
    struct inbox *inboxes = arena_array(&node->arena, struct inbox, 2);
    must(inboxes);
    inboxes[0] = intake;
    inboxes[1] = courier;
    struct ledger_config config = {
        .store = node->store,
        .inbox = inbox_of(&node->ledger_box),
        .intakes = &inboxes[0],
        .intake_count = 1,
        .couriers = &inboxes[1],
        .courier_count = 1,
        .retention = span_s(30 * 86400),
        .seed = 7,
    };
    for (int i = 0; i < PRIORITY_COUNT; i++)
        config.retry[i] = policy;
    node->ledger = ledger_new(&config, &state, node->now);
    must(node->ledger);
    arena_done(&arena);
}

static void start_courier(struct node *node)
{
    static const struct transport_ops ops = {
        .room = room, .submit = submit, .withdraw = withdraw, .close = close_transport};
    static const struct route_target target = {.provider = 0};
    struct route *routes = arena_array(&node->arena, struct route, KIND_COUNT);
    struct courier_provider *provider = arena_array(&node->arena, struct courier_provider, 3);
    must(routes && provider);
    for (unsigned i = 0; i < KIND_COUNT; i++)
        routes[i] = (struct route){.kind = (enum kind)i, .targets = {target}, .target_count = 1};
    *provider = (struct courier_provider){
        .ops = &sandbox_ops, .name = STR("demo"), .in_flight_max = 100, .timeout = span_s(10)};
    struct why why;
    must(sandbox_ops.open(&(struct provider_config){.name = STR("demo")}, &provider->self, &why) ==
         OK);
    /* Two that no route names: one like the first, and one for text messages alone. */
    static const struct provider_ops texts = {.driver = STR_INIT("texts"), .kinds = 1u << KIND_SMS};
    provider[1] = provider[2] = provider[0];
    provider[1].name = STR("spare");
    provider[2].name = STR("texts");
    provider[2].ops = &texts;
    node->transport.ops = &ops;
    struct courier_config config = {
        .store = node->store,
        .inbox = inbox_of(&node->courier_box),
        .ledger = inbox_of(&node->ledger_box),
        .transport = &node->transport,
        .clock = {read_clock, node},
        .entropy = {fill, node},
        .providers = provider,
        .provider_count = 3,
        .routes = {.list = routes, .count = KIND_COUNT},
        .ids = ledger_ids(node->ledger),
        .library_bytes_max = 1 << 20,
        .seed = 7,
        .kick = kick,
        .kick_self = node,
    };
    node->courier = courier_new(&config);
    must(node->courier);
}

static void start_api(struct node *node, bool has_sandbox)
{
    node->courier_inbox = inbox_of(&node->courier_box);
    struct intake_config intake = {
        .store = node->store,
        .ledger = inbox_of(&node->ledger_box),
        .couriers = &node->courier_inbox,
        .courier_count = 1,
        .inbox = inbox_of(&node->intake_box),
        .clock = {read_clock, node},
        .entropy = {fill, node},
        .cache_bytes_max = 4 << 20,
        .waiting_bytes_max = 16 << 20,
    };
    node->intake = intake_new(&intake);
    must(node->intake);
    struct api_config config = {
        .intake = node->intake,
        .ids = ledger_ids(node->ledger),
        .has_root_key = true,
        .body_bytes_max = 1 << 20,
        .has_sandbox = has_sandbox,
        .version = STR("0.0-test"),
        .store = node->store,
    };
    sha256(STR(ROOT_KEY), config.root_hash);
    node->api = api_new(&config);
    must(node->api);
}

struct node *node_new(bool has_sandbox)
{
    struct node *node = calloc(1, sizeof *node);
    must(node);
    arena_init(&node->arena, 256 << 20);
    node->rng = rng_of(7);
    node->arena_max = EXCHANGE_ARENA_BYTES_MAX;
    must(wall_parse(STR("2026-12-01T09:00:00Z"), &node->now.wall));
    node->now.mono.us = 1000000;
    node->disk = memory_disk_new(7);
    start_ledger(node);
    start_courier(node);
    start_api(node, has_sandbox);
    node->ledger_wake = node->courier_wake = node->now.mono;
    struct answer made = node_ask(node, "root", "POST", "/v1/apps", "{\"name\":\"shop\"}");
    must(made.status == 201);
    (void)snprintf(node->shop, sizeof node->shop, "%s",
                   node_key(node, "shop", "{\"scopes\":[\"send\",\"manage\",\"read\"]}"));
    return node;
}

void node_free(struct node *node)
{
    node_settle(node);
    api_free(node->api);
    intake_free(node->intake);
    if (courier_at_rest(node->courier))
        courier_free(node->courier);
    ledger_free(node->ledger);
    node->store->ops->close(node->store);
    memory_disk_free(node->disk);
    arena_done(&node->arena);
    free(node);
}

/* ---------------------------------------------------------------------------- its steps ---- */

static bool step_actor(struct node *node, struct actor actor, struct node_box *box,
                       struct mono *wake)
{
    struct message *message = box_take(box);
    if (!message && (!wake || !mono_reached(node->now.mono, *wake)))
        return false;
    if (message)
        actor.step(actor.self, node->now, message);
    struct mono next = actor.turn ? actor.turn(actor.self, node->now) : MONO_NEVER;
    /* A turn that asks to be turned again at once has work that a message will bring. */
    bool again = wake && mono_reached(node->now.mono, next);
    if (wake)
        *wake = next;
    return message || !again;
}

static bool node_step(struct node *node)
{
    enum memory_step fate = node->refuse_store ? STEP_REFUSE : STEP_COMMIT;
    return step_actor(node, intake_actor(node->intake), &node->intake_box, NULL) ||
           step_actor(node, ledger_actor(node->ledger), &node->ledger_box, &node->ledger_wake) ||
           step_actor(node, courier_actor(node->courier), &node->courier_box,
                      &node->courier_wake) ||
           memory_store_step(node->store, fate) || answer_call(node);
}

void node_settle(struct node *node)
{
    for (int steps = 0; node_step(node); steps++)
        must(steps < 1000000);
}

void node_advance(struct node *node, int64_t ms)
{
    node_settle(node);
    node->now.mono.us += ms * 1000;
    node->now.wall.ms += ms;
    node_settle(node);
}

/* -------------------------------------------------------------------------------- asking ---- */

struct asking {
    struct exchange exchange;
    struct node *node;
    struct header headers[8];
    struct answer answer;
    bool answered;
};

static void respond(struct exchange *exchange, const struct http_response *response)
{
    struct asking *asking = (struct asking *)exchange;
    struct answer *answer = &asking->answer;
    struct arena *arena = &asking->node->arena;
    static const struct json_limits limits = {64, 1000000};
    struct json_fault fault;
    must(!asking->answered);
    asking->answered = true;
    answer->status = response->status;
    for (uint32_t i = 0; i < response->header_count; i++)
        answer->headers[answer->header_count++] =
            (struct header){arena_copy(arena, response->headers[i].name),
                            arena_copy(arena, response->headers[i].value)};
    answer->body = arena_copy(arena, response->body);
    if (!answer->body.len || json_parse(answer->body, &limits, arena, &answer->json, &fault) != OK)
        answer->json = NULL;
    arena_done(&exchange->arena);
}

static void add_header(struct asking *asking, const char *name, struct str value)
{
    struct http_request *request = &asking->exchange.request;
    asking->headers[request->header_count++] = (struct header){str_of(name), value};
}

static enum method method_of(const char *text)
{
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i]) == 0)
            return (enum method)i;
    return METHOD_OTHER;
}

static struct asking *begin(struct node *node, const char *credentials, const char *method,
                            const char *target, const char *body, const char *name,
                            const char *value)
{
    struct asking *asking = arena_new(&node->arena, struct asking);
    must(asking);
    struct http_request *request = &asking->exchange.request;
    struct str rest = arena_copy(&node->arena, str_of(target));
    asking->node = node;
    arena_init(&asking->exchange.arena, node->arena_max);
    asking->exchange.began = node->now;
    asking->exchange.respond = respond;
    request->headers = asking->headers;
    request->method = method_of(method);
    request->method_text = str_of(method);
    request->path = str_cut(&rest, '?');
    request->query = rest;
    if (credentials)
        add_header(asking, "authorization",
                   str_of(strcmp(credentials, "root") == 0 ? "Bearer " ROOT_KEY : credentials));
    if (body) {
        request->body_too_large = node->refuse_body;
        request->body = arena_copy(&node->arena, str_of(body));
        if (!name || strcmp(name, "content-type") != 0)
            add_header(asking, "content-type", STR("application/json"));
    }
    if (name)
        add_header(asking, name, str_of(value));
    struct exchange_handler handler = api_handler(node->api);
    handler.handle(handler.self, &asking->exchange);
    return asking;
}

static struct answer finish(struct node *node, struct asking *asking)
{
    for (int steps = 0; !asking->answered; steps++) {
        must(steps < 1000000);
        if (node_step(node))
            continue;
        /* Somebody waits for a moment to pass. */
        struct mono next = mono_min(node->ledger_wake, node->courier_wake);
        must(next.us > node->now.mono.us && next.us != MONO_NEVER.us);
        node->now.wall.ms += (next.us - node->now.mono.us + 999) / 1000;
        node->now.mono = next;
    }
    return asking->answer;
}

struct answer node_ask_with(struct node *node, const char *credentials, const char *method,
                            const char *target, const char *body, const char *name,
                            const char *value)
{
    return finish(node, begin(node, credentials, method, target, body, name, value));
}

struct answer node_ask(struct node *node, const char *credentials, const char *method,
                       const char *target, const char *body)
{
    return node_ask_with(node, credentials, method, target, body, NULL, NULL);
}

void node_ask_many(struct node *node, const char *credentials, const char *method,
                   const char *target, const char *const *bodies, uint32_t count,
                   struct answer *ret)
{
    struct asking **all = arena_array(&node->arena, struct asking *, count);
    must(all);
    for (uint32_t i = 0; i < count; i++)
        all[i] = begin(node, credentials, method, target, bodies[i], NULL, NULL);
    for (uint32_t i = 0; i < count; i++)
        ret[i] = finish(node, all[i]);
}

const char *node_key(struct node *node, const char *app, const char *body)
{
    struct str target = arena_printf(&node->arena, "/v1/apps/%s/keys", app);
    struct answer answer = node_ask(node, "root", "POST", target.at, body);
    must(answer.status == 201);
    struct str pair =
        arena_printf(&node->arena, "%.*s:%.*s", STR_ARG(answer_text(&answer, "/app_key")),
                     STR_ARG(answer_text(&answer, "/app_secret")));
    struct buf out;
    buf_init(&out, 1024);
    buf_add(&out, STR("Basic "));
    base64_add(&out, pair);
    const char *text = arena_text(&node->arena, buf_str(&out));
    buf_done(&out);
    return text;
}

/* ------------------------------------------------------------------------------ reading ---- */

const struct json *answer_at(const struct answer *answer, const char *pointer)
{
    const struct json *at = answer->json;
    struct str rest = str_of(pointer);
    (void)str_cut(&rest, '/');
    while (at && rest.at) {
        struct str step = str_cut(&rest, '/');
        uint64_t index;
        if (at->type == JSON_ARRAY)
            at = str_to_u64(step, &index) && index < at->count ? &at->items[index] : NULL;
        else
            at = json_get(at, step);
    }
    return at;
}

struct str answer_text(const struct answer *answer, const char *pointer)
{
    const struct json *value = answer_at(answer, pointer);
    return !value ? STR("") : value->type == JSON_STRING ? value->text : value->raw;
}

struct str answer_header(const struct answer *answer, const char *name)
{
    for (uint32_t i = 0; i < answer->header_count; i++)
        if (str_eq(answer->headers[i].name, str_of(name)))
            return answer->headers[i].value;
    return STR_NONE;
}

bool answer_faults(const struct answer *answer, const char *pointer, const char *detail)
{
    const struct json *errors = json_get(answer->json, STR("errors"));
    for (uint32_t i = 0; errors && i < errors->count; i++) {
        const struct json *at = json_get(&errors->items[i], STR("pointer"));
        const struct json *what = json_get(&errors->items[i], STR("detail"));
        if (str_eq(at->text, str_of(pointer)) && (!detail || str_eq(what->text, str_of(detail))))
            return true;
    }
    return false;
}
