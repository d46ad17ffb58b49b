/* test/sim/clients.c - clients that ask, remember what they were told, and ask again. */
#include "asking.h"
#include "base/json.h"
#include <stdio.h>
#include <stdlib.h>

enum { ROOM_S = 3 }; /* from when there is room until the server must have seen it */

static void free_asking(struct asking *asking)
{
    list_remove(&asking->link);
    arena_done(&asking->exchange.arena);
    buf_done(&asking->path);
    buf_done(&asking->body);
    free(asking);
}

/* ----------------------------------------------------------------------------- answers ---- */

const struct json *asking_parse(struct sim *sim, struct arena *arena, struct str text)
{
    static const struct json_limits limits = {32, 100000};
    const struct json *json;
    struct json_fault fault;
    if (json_parse(text, &limits, arena, &json, &fault) != OK)
        sim_fail(sim, "an answer is no JSON: %.*s", STR_ARG(text));
    return json;
}

static void told(struct sim *sim, int status, const struct json *body, int event)
{
    if (status != 202 && status != 200)
        return;
    const struct json *id = json_get(body, STR("id"));
    int64_t deliveries = -1;
    if (!json_is(id, JSON_STRING) || !json_to_i64(json_get(body, STR("deliveries")), &deliveries))
        sim_fail(sim, "an acceptance without id or deliveries");
    struct told news = {.event = event, .deliveries = (uint32_t)deliveries};
    must(str_copy(id->text, news.id, sizeof news.id));
    sim->accepted += status == 202;
    if (event >= 0) {
        struct told *first = &sim->by_event[event];
        if (first->id[0] && strcmp(first->id, news.id) != 0)
            sim_fail(sim, "event id %d: first %s, then %s", event, first->id, news.id);
        if (first->id[0] && status == 202)
            sim_fail(sim, "event id %d accepted twice", event);
        *first = news;
    }
    if (sim->told_count < SIM_NOTIFICATIONS)
        sim->told[sim->told_count++] = news;
}

static void answer_batch(struct sim *sim, const struct json *body)
{
    const struct json *results = json_get(body, STR("results"));
    for (uint32_t i = 0; results && i < results->count; i++) {
        int64_t status = 0;
        (void)json_to_i64(json_get(&results->items[i], STR("status")), &status);
        told(sim, (int)status, json_get(&results->items[i], STR("body")), -1);
        sim->lost_posts += status >= 500; /* refused, or durable and the answer an error? */
    }
}

static void answer_settings(struct asking *asking, int status)
{
    struct sim *sim = asking->sim;
    struct belief *belief = &sim->beliefs[asking->user];
    sim->busy[asking->user] = false;
    if (status >= 300)
        return;
    for (unsigned i = 0; asking->type == ASK_PREFERENCES && i < CHANNEL_COUNT; i++) {
        belief->opted_out[i] = asking->opt_out[i];
        belief->opted_out_at[i] = sim->now.mono;
    }
    if (asking->type == ASK_USER_DELETE)
        belief->gone = true;
}

static void respond(struct exchange *exchange, const struct http_response *response)
{
    struct asking *asking = list_of(exchange, struct asking, exchange);
    struct sim *sim = asking->sim;
    struct arena arena;
    arena_init(&arena, 4 << 20);
    const struct json *body = response->body.len ? asking_parse(sim, &arena, response->body) : NULL;
    if (response->status >= 500 && response->status != 503)
        sim_fail(sim, "status %d: %.*s", response->status, STR_ARG(response->body));
    if (sim->verbose)
        (void)printf("%8lld %.*s -> %d\n", (long long)(sim->now.mono.us / 1000),
                     STR_ARG(buf_str(&asking->path)), response->status);
    switch (asking->type) {
    case ASK_SETUP:
        if (response->status >= 300)
            sim_fail(sim, "setup %.*s: %d %.*s", STR_ARG(buf_str(&asking->path)), response->status,
                     STR_ARG(response->body));
        if (asking->answer)
            buf_add(asking->answer, response->body);
        *asking->answered = true;
        break;
    case ASK_POST:
        if (response->status == 400)
            sim_fail(sim, "refused: %.*s", STR_ARG(response->body));
        told(sim, response->status, body, asking->event);
        if (sim->last && response->status == 503)
            sim_fail(sim, "refused %d s after the disk had room again", ROOM_S);
        break;
    case ASK_CONFIRM:
        sim->confirming = false;
        break;
    case ASK_BATCH:
        if (response->status == 200)
            answer_batch(sim, body);
        break;
    case ASK_PREFERENCES:
    case ASK_USER_PUT:
    case ASK_USER_DELETE:
        answer_settings(asking, response->status);
        break;
    case ASK_CANCEL:
        if (response->status == 200) {
            sim->told[asking->told].cancelled = true;
            sim->told[asking->told].cancelled_at = sim->now.mono;
        }
        break;
    case ASK_STEER:
        sim->steer_busy = false;
        if (response->status >= 400 && response->status != 503 && response->status != 404)
            sim_fail(sim, "a pause or a move is refused: %.*s", STR_ARG(response->body));
        if (response->status == 200)
            *asking->steer = asking->steered;
        break;
    case ASK_SUPPRESS:
        suppress_answered(asking, response->status);
        break;
    case ASK_STRANGER:
        stranger_answered(asking, response->status, body);
        break;
    case ASK_REDRIVE:
        if (sim->redriven && response->status != 200)
            sim_fail(sim, "a redrive is refused: %.*s", STR_ARG(response->body));
        break;
    case ASK_READ:
    case ASK_TEMPLATE:
        break;
    }
    sim->answered++;
    arena_done(&arena);
    free_asking(asking);
}

/* ---------------------------------------------------------------------------- questions ---- */

struct asking *asking_new(struct sim *sim, enum ask_type type)
{
    struct asking *asking = calloc(1, sizeof *asking);
    must(asking);
    asking->sim = sim;
    asking->type = type;
    asking->event = -1;
    buf_init(&asking->path, BODY_MAX);
    buf_init(&asking->body, BODY_MAX);
    arena_init(&asking->exchange.arena, 32 << 20);
    list_add_last(&sim->asking, &asking->link);
    return asking;
}

void ask(struct asking *asking, enum method method, const char *method_text)
{
    struct sim *sim = asking->sim;
    struct exchange_handler handler = api_handler(sim->api);
    struct str rest = buf_str(&asking->path);
    struct str path = str_cut(&rest, '?');
    static const char root[] = "Bearer " SIM_ROOT_KEY;
    const char *who = asking->type == ASK_STEER ? root : sim->authorization;
    if (asking->who)
        who = asking->who;
    asking->headers[0] = (struct header){STR("authorization"), str_of(who)};
    asking->headers[1] = (struct header){STR("content-type"), STR("application/json")};
    asking->exchange.request = (struct http_request){
        .method = method,
        .method_text = str_of(method_text),
        .path = path,
        .query = rest,
        .headers = asking->headers,
        .header_count = asking->body.len ? 2 : 1,
        .body = buf_str(&asking->body),
    };
    asking->exchange.began = sim->now;
    asking->exchange.respond = respond;
    sim->asked++;
    handler.handle(handler.self, &asking->exchange);
}

static const char *pick(struct sim *sim, const char *const *list, size_t count)
{
    return list[rng_below(&sim->rng, count)];
}

/* One notification: the body says whom it is for, so that a mix-up shows. */
static void add_notification(struct sim *sim, struct buf *body, int event)
{
    static const char *const priorities[] = {"critical", "high", "normal", "low"};
    static const char *const channels[] = {"[\"push\"]", "[\"sms\",\"email\"]",
                                           "[\"push\",\"sms\",\"email\"]",
                                           "[\"email\",\"push\",\"sms\"]"};
    static const char *const ttls[] = {"20s", "10m", "24h"};
    /* What has an event id must be the same whenever it is asked again. */
    struct rng own = event >= 0 ? rng_of(sim->seed * 1000 + (uint64_t)event) : sim->rng;
    struct rng saved = sim->rng;
    sim->rng = own;
    buf_add(body, STR("{"));
    if (event >= 0)
        buf_printf(body, "\"event_id\":\"event-%d\",", event);
    buf_add(body, STR("\"to\":["));
    uint64_t count = 1 + rng_below(&sim->rng, 3), first = rng_below(&sim->rng, SIM_USERS);
    for (uint64_t i = 0; i < count; i++)
        buf_printf(body, "%s{\"user_id\":\"u%llu\"}", i ? "," : "",
                   (unsigned long long)((first + i) % SIM_USERS));
    if (chance(sim, 3))
        buf_add(body, STR("],\"guarantee\":\"at_most_once\""));
    else
        buf_add_char(body, ']');
    buf_printf(body, ",\"priority\":\"%s\",\"channels\":%s,\"ttl\":\"%s\",",
               pick(sim, priorities, 4), pick(sim, channels, 4), pick(sim, ttls, 3));
    if (chance(sim, 2))
        buf_add(body, STR("\"strategy\":\"first\","));
    if (chance(sim, 2))
        buf_add(body, STR("\"template\":\"greeting\"}"));
    else if (chance(sim, 3))
        buf_add(body, STR("\"content\":{\"push\":{\"body\":\"for {{>who}}\"},\"sms\":{\"text\":"
                          "\"for {{>who}}\"},\"email\":{\"subject\":\"s\",\"text\":\"for "
                          "{{>who}}\"}}}"));
    else
        buf_add(body, STR("\"content\":{\"push\":{\"body\":\"for {{user.id}}.\"},\"sms\":{\"text\":"
                          "\"for {{user.id}}.\"},\"email\":{\"subject\":\"s\",\"text\":\"for "
                          "{{user.id}}.\"}}}"));
    if (event >= 0)
        sim->rng = saved;
}

static void ask_post(struct sim *sim)
{
    struct asking *asking = asking_new(sim, ASK_POST);
    asking->posts = 1;
    if (chance(sim, 2))
        asking->event = (int)rng_below(&sim->rng, SIM_EVENT_IDS);
    buf_add(&asking->path, STR("/v1/notifications"));
    add_notification(sim, &asking->body, asking->event);
    ask(asking, METHOD_POST, "POST");
}

static void ask_batch(struct sim *sim)
{
    struct asking *asking = asking_new(sim, ASK_BATCH);
    asking->posts = 1 + (uint32_t)rng_below(&sim->rng, 6);
    buf_add(&asking->path, STR("/v1/notifications/batch"));
    buf_add(&asking->body, STR("{\"notifications\":["));
    for (uint32_t i = 0; i < asking->posts; i++) {
        buf_add(&asking->body, i ? STR(",") : STR(""));
        add_notification(sim, &asking->body, -1);
    }
    buf_add(&asking->body, STR("]}"));
    ask(asking, METHOD_POST, "POST");
}

bool take_user(struct sim *sim, uint32_t *ret)
{
    *ret = (uint32_t)rng_below(&sim->rng, SIM_USERS);
    if (sim->busy[*ret])
        return false;
    sim->busy[*ret] = true;
    memset(&sim->beliefs[*ret], 0, sizeof sim->beliefs[*ret]); /* uncertain until answered */
    return true;
}

static void ask_preferences(struct sim *sim)
{
    uint32_t user;
    if (!take_user(sim, &user))
        return;
    struct asking *asking = asking_new(sim, ASK_PREFERENCES);
    asking->user = user;
    buf_printf(&asking->path, "/v1/users/u%u/preferences", user);
    buf_add(&asking->body, STR("{\"channels\":{"));
    for (unsigned i = 0; i < CHANNEL_COUNT; i++) {
        asking->opt_out[i] = chance(sim, 2);
        buf_printf(&asking->body, "%s\"%.*s\":%s", i ? "," : "",
                   STR_ARG(channel_name((enum channel)i)), asking->opt_out[i] ? "false" : "true");
    }
    buf_add(&asking->body, STR("}}"));
    ask(asking, METHOD_PUT, "PUT");
}

static void user_body(struct buf *body, uint32_t user)
{
    buf_printf(body,
               "{\"email\":\"u%u@mail.example\",\"phone\":\"+1415555%04u\",\"locale\":\"en\"}",
               user, user);
}

static void device_body(struct sim *sim, struct buf *body, uint32_t user, const char *platform)
{
    buf_printf(body,
               "{\"platform\":\"%s\",\"token\":\"token-u%u-%u\",\"bundle_id\":\"com.example\"}",
               platform, user, sim->token_serial++);
}

static void ask_user_put(struct sim *sim)
{
    uint32_t user;
    if (!take_user(sim, &user))
        return;
    struct asking *asking = asking_new(sim, ASK_USER_PUT);
    asking->user = user;
    if (chance(sim, 2)) {
        buf_printf(&asking->path, "/v1/users/u%u", user);
        user_body(&asking->body, user);
    } else {
        buf_printf(&asking->path, "/v1/users/u%u/devices/d1", user);
        device_body(sim, &asking->body, user, "ios");
    }
    ask(asking, METHOD_PUT, "PUT");
}

static void ask_user_delete(struct sim *sim)
{
    uint32_t user;
    if (!take_user(sim, &user))
        return;
    struct asking *asking = asking_new(sim, ASK_USER_DELETE);
    asking->user = user;
    buf_printf(&asking->path, "/v1/users/u%u", user);
    ask(asking, METHOD_DELETE, "DELETE");
}

static void ask_cancel(struct sim *sim)
{
    if (!sim->told_count)
        return;
    uint32_t which = (uint32_t)rng_below(&sim->rng, sim->told_count);
    struct asking *asking = asking_new(sim, ASK_CANCEL);
    asking->told = which;
    buf_printf(&asking->path, "/v1/notifications/%s/cancel", sim->told[which].id);
    ask(asking, METHOD_POST, "POST");
}

static void ask_read(struct sim *sim)
{
    static const char *const paths[] = {"/v1/queues", "/v1/dead-letters", "/v1/notifications",
                                        "/v1/users/u1/devices"};
    struct asking *asking = asking_new(sim, ASK_READ);
    if (sim->told_count && chance(sim, 2))
        buf_printf(&asking->path, "/v1/notifications/%s",
                   sim->told[rng_below(&sim->rng, sim->told_count)].id);
    else
        buf_add(&asking->path, str_of(pick(sim, paths, 4)));
    ask(asking, METHOD_GET, "GET");
}

static void ask_redrive(struct sim *sim)
{
    struct asking *asking = asking_new(sim, ASK_REDRIVE);
    if (!sim->redriven && chance(sim, 4)) {
        buf_add(&asking->path, STR("/v1/dead-letters"));
        buf_add(&asking->body, STR("{\"filter\":{\"channel\":\"sms\"},\"reason\":\"chance\"}"));
        ask(asking, METHOD_DELETE, "DELETE");
        return;
    }
    buf_add(&asking->path, STR("/v1/dead-letters/redrive"));
    buf_add(&asking->body, STR("{\"filter\":{}"));
    if (!sim->redriven && chance(sim, 2))
        buf_printf(&asking->body, ",\"rate\":%d,\"limit\":%d", 1 + (int)rng_below(&sim->rng, 9),
                   1 + (int)rng_below(&sim->rng, 20));
    buf_add_char(&asking->body, '}');
    ask(asking, METHOD_POST, "POST");
}

/* Pauses and moves end by themselves, so that everything can come to rest. */
static void ask_steer(struct sim *sim)
{
    enum channel channel = (enum channel)rng_below(&sim->rng, CHANNEL_COUNT);
    bool move = channel != CHANNEL_PUSH && chance(sim, 2), end = chance(sim, 3);
    int64_t seconds = 1 + (int64_t)rng_below(&sim->rng, 60);
    if (sim->steer_busy)
        return;
    struct asking *asking = asking_new(sim, ASK_STEER);
    sim->steer_busy = true;
    asking->steer = move ? &sim->moved[channel] : &sim->paused[channel];
    *asking->steer = (struct sim_steer){0}; /* uncertain until answered */
    asking->steered =
        (struct sim_steer){!end, mono_add(sim->now.mono, span_s(seconds)), sim->steps};
    if (!move && !end && asking->steered.until.us > sim->paused_most[channel].us)
        sim->paused_most[channel] = asking->steered.until;
    if (!move && !end)
        sim->paused_steps[channel] = sim->steps;
    buf_printf(&asking->path, "/v1/queues/%.*s/%s", STR_ARG(channel_name(channel)),
               move  ? end ? "move?from=plain" : "move"
               : end ? "resume"
                     : "pause");
    if (!end)
        buf_printf(&asking->body, "{%s\"expires_in\":\"%llds\"}",
                   move ? "\"from\":\"plain\",\"to\":\"token\"," : "", (long long)seconds);
    if (move && end)
        ask(asking, METHOD_DELETE, "DELETE");
    else
        ask(asking, METHOD_POST, "POST");
}

/* Two templates, one of which includes the other; a new version says the same. */
static const char *const template_names[] = {"who", "greeting"};
static const char *const template_texts[] = {
    "{\"push\":{\"body\":\"{{user.id}}.\"},\"sms\":{\"text\":\"{{user.id}}.\"},"
    "\"email\":{\"subject\":\"s\",\"text\":\"{{user.id}}.\"}}",
    "{\"push\":{\"body\":\"for {{>who}}\"},\"sms\":{\"text\":\"for {{>who}}\"},"
    "\"email\":{\"subject\":\"s\",\"text\":\"for {{>who}}\"}}"};

static void ask_template(struct sim *sim)
{
    struct asking *asking = asking_new(sim, ASK_TEMPLATE);
    uint64_t which = rng_below(&sim->rng, 2);
    buf_printf(&asking->path, "/v1/templates/%s", template_names[which]);
    buf_add(&asking->body, str_of(template_texts[which]));
    ask(asking, METHOD_PUT, "PUT");
}

/* The operator's call; it may be refused, like any. */
static void ask_confirm(struct sim *sim)
{
    char saved[sizeof sim->authorization];
    struct asking *asking = asking_new(sim, ASK_CONFIRM);
    memcpy(saved, sim->authorization, sizeof saved);
    sim->confirming = true;
    buf_add(&asking->path, STR("/v1/store/confirm-epoch"));
    (void)snprintf(sim->authorization, sizeof sim->authorization, "Bearer %s", SIM_ROOT_KEY);
    ask(asking, METHOD_POST, "POST");
    memcpy(sim->authorization, saved, sizeof saved);
}

static void ask_something(struct sim *sim)
{
    uint64_t what = rng_below(&sim->rng, 100);
    if (sim->seed % 5 == 1 && chance(sim, 5)) /* while the disk is slow */
        ask_steer(sim);
    else if (what < 46)
        ask_post(sim);
    else if (what < 54)
        ask_batch(sim);
    else if (what < 66)
        ask_preferences(sim);
    else if (what < 74)
        ask_cancel(sim);
    else if (what < 81)
        ask_user_put(sim);
    else if (what < 84)
        ask_user_delete(sim);
    else if (what < 87)
        ask_read(sim);
    else if (what < 93)
        ask_steer(sim);
    else if (what < 94)
        ask_template(sim);
    else if (what < 96)
        ask_suppress(sim);
    else if (what < 98)
        ask_stranger(sim);
    else
        ask_redrive(sim);
}

/* -------------------------------------------------------------------------------- setup ---- */

void setup(struct sim *sim, enum method method, const char *method_text, const char *path,
           const char *body, struct buf *answer)
{
    bool answered = false;
    struct asking *asking = asking_new(sim, ASK_SETUP);
    asking->answered = &answered;
    asking->answer = answer;
    buf_add(&asking->path, str_of(path));
    buf_add(&asking->body, str_of(body));
    ask(asking, method, method_text);
    while (!answered)
        if (!node_event(sim) && !answered)
            sim_fail(sim, "setup %s waits for nothing", path);
}

static void login(struct sim *sim)
{
    (void)snprintf(sim->authorization, sizeof sim->authorization, "Bearer %s", SIM_ROOT_KEY);
    setup(sim, METHOD_POST, "POST", "/v1/apps", "{\"name\":\"other\"}", NULL);
    setup(sim, METHOD_POST, "POST", "/v1/apps", "{\"name\":\"shop\"}", NULL);
    strangers_login(sim, "other", "live", sim->strangers[0], sizeof sim->strangers[0]);
    strangers_login(sim, "shop", "test", sim->strangers[1], sizeof sim->strangers[1]);
    strangers_login(sim, "shop", "live", sim->authorization, sizeof sim->authorization);
}

void clients_prepare(struct sim *sim)
{
    struct buf path, body;
    buf_init(&path, 256);
    buf_init(&body, BODY_MAX);
    login(sim);
    for (int i = 0; i < 2; i++) {
        buf_clear(&path);
        buf_printf(&path, "/v1/templates/%s%c", template_names[i], 0);
        setup(sim, METHOD_PUT, "PUT", path.at, template_texts[i], NULL);
    }
    for (uint32_t user = 0; user < SIM_USERS - 2; user++) {
        static const char *const platforms[] = {"ios", "android"};
        buf_clear(&path);
        buf_clear(&body);
        buf_printf(&path, "/v1/users/u%u%c", user, 0);
        user_body(&body, user);
        buf_add_char(&body, '\0');
        setup(sim, METHOD_PUT, "PUT", path.at, body.at, NULL);
        for (int i = 0; i < 2; i++) {
            buf_clear(&path);
            buf_clear(&body);
            buf_printf(&path, "/v1/users/u%u/devices/d%d%c", user, i, 0);
            device_body(sim, &body, user, platforms[i]);
            buf_add_char(&body, '\0');
            setup(sim, METHOD_PUT, "PUT", path.at, body.at, NULL);
        }
    }
    buf_done(&path);
    buf_done(&body);
    sim->asked = sim->answered = 0;
    sim->ask_at = sim->now.mono;
    sim->ready = true;
}

/* One question at rest, answered in full. */
const struct json *clients_ask(struct sim *sim, struct arena *arena, const char *path)
{
    struct buf answer;
    buf_init(&answer, 1 << 20);
    setup(sim, METHOD_GET, "GET", path, "", &answer);
    const struct json *json = asking_parse(sim, arena, arena_copy(arena, buf_str(&answer)));
    buf_done(&answer);
    return json;
}

/* ------------------------------------------------------------------------------- events ---- */

/* Somebody says it sooner or later; at the latest when nobody asks for anything else. */
static bool confirm_event(struct sim *sim)
{
    if (sim->life != LIFE_RUNS || sim->confirming || !memory_disk_unconfirmed(sim->disk) ||
        (sim->asked < sim->to_ask && !chance(sim, 2000)))
        return false;
    ask_confirm(sim);
    return true;
}

bool clients_event(struct sim *sim)
{
    if (confirm_event(sim))
        return true;
    if (sim->life != LIFE_RUNS || sim->asked >= sim->to_ask ||
        !mono_reached(sim->now.mono, sim->ask_at))
        return false;
    static const uint64_t pauses_us[] = {100, 100, 100, 1000, 20000};
    uint64_t most = chance(sim, 10) ? 8000000 : pauses_us[rng_below(&sim->rng, 5)];
    int64_t pause = (int64_t)rng_below(&sim->rng, most); /* most overlap with others */
    if (!sim->flood && chance(sim, 200) && !sim->last && !sim->redriven)
        sim->flood = 20 + (uint32_t)rng_below(&sim->rng, 60);
    sim->ask_at = sim->flood ? sim->now.mono : mono_add(sim->now.mono, (struct span){pause});
    if (sim->flood) {
        sim->flood--;
        sim->to_ask++;
    }
    if (sim->redriven)
        ask_redrive(sim);
    else if (sim->last || sim->flood)
        ask_post(sim);
    else
        ask_something(sim);
    return true;
}

void clients_last(struct sim *sim)
{
    node_fill(sim, false);
    sim->last = true;
    sim->to_ask = sim->asked + 1;
    sim->ask_at = mono_add(sim->now.mono, span_s(ROOM_S));
}

void clients_redrive(struct sim *sim)
{
    sim->redriven = true;
    sim->to_ask = sim->asked + 1;
    sim->ask_at = mono_add(sim->now.mono, span_s(ROOM_S)); /* it may just have been full */
}

struct mono clients_next(const struct sim *sim)
{
    return sim->life == LIFE_RUNS && sim->asked < sim->to_ask ? sim->ask_at : MONO_NEVER;
}

bool clients_wait(const struct sim *sim)
{
    return !list_empty(&sim->asking);
}

bool clients_done(const struct sim *sim)
{
    return sim->asked >= sim->to_ask && list_empty(&sim->asking);
}

/* Whoever was waiting hears nothing: it may have happened, or not. The requests stay behind, as
 * what was in memory does. */
void clients_crash(struct sim *sim)
{
    for (struct list *at; (at = list_take_first(&sim->asking));) {
        struct asking *asking = list_of(at, struct asking, link);
        sim->lost_posts += asking->posts;
        if (asking->type == ASK_PREFERENCES || asking->type == ASK_USER_PUT ||
            asking->type == ASK_USER_DELETE || asking->type == ASK_SUPPRESS)
            sim->busy[asking->user] = false;
        if (asking->type == ASK_STEER)
            sim->steer_busy = false;
    }
    sim->confirming = false;
}
