/* test/sim/strangers.c - keys to which nothing belongs, and addresses that are not to be written
 * to.
 *
 * Another app's key and this app's test key ask for what a live key of the app was told: they must
 * learn and change nothing.
 */
#include "asking.h"
#include "codec/base64.h"
#include <stdio.h>

void strangers_login(struct sim *sim, const char *app, const char *mode, char *into, size_t size)
{
    struct buf path, answer, plain, basic;
    struct arena arena;
    buf_init(&path, 256);
    buf_init(&answer, BODY_MAX);
    buf_init(&plain, BODY_MAX);
    buf_init(&basic, BODY_MAX);
    arena_init(&arena, BODY_MAX);
    buf_printf(&path, "/v1/apps/%s/keys%c", app, 0);
    bool live = strcmp(mode, "live") == 0;
    setup(sim, METHOD_POST, "POST", path.at,
          live ? "{\"scopes\":[\"send\",\"manage\",\"read\"]}"
               : "{\"scopes\":[\"send\",\"manage\",\"read\"],\"mode\":\"test\"}",
          &answer);
    const struct json *key = asking_parse(sim, &arena, buf_str(&answer));
    buf_printf(&plain, "%.*s:%.*s", STR_ARG(json_get(key, STR("app_key"))->text),
               STR_ARG(json_get(key, STR("app_secret"))->text));
    buf_add(&basic, STR("Basic "));
    base64_add(&basic, buf_str(&plain));
    must(str_copy(buf_str(&basic), into, size));
    buf_done(&path);
    buf_done(&answer);
    buf_done(&plain);
    buf_done(&basic);
    arena_done(&arena);
}

/* ---------------------------------------------------------------------------- questions ---- */

void ask_stranger(struct sim *sim)
{
    struct asking *asking = asking_new(sim, ASK_STRANGER);
    uint64_t what = rng_below(&sim->rng, 6);
    bool other = chance(sim, 2);
    asking->who = sim->strangers[other ? 0 : 1];
    if (what < 2 && sim->told_count) {
        const char *id = sim->told[rng_below(&sim->rng, sim->told_count)].id;
        bool cancel = what == 1 && other; /* a test key is of the same app */
        buf_printf(&asking->path, "/v1/notifications/%s%s", id, cancel ? "/cancel" : "");
        ask(asking, cancel ? METHOD_POST : METHOD_GET, cancel ? "POST" : "GET");
    } else if (what < 3) {
        buf_add(&asking->path, STR("/v1/notifications"));
        ask(asking, METHOD_GET, "GET");
    } else if (what < 4) {
        buf_add(&asking->path, STR("/v1/dead-letters"));
        ask(asking, METHOD_GET, "GET");
    } else {
        buf_add(&asking->path, STR("/v1/dead-letters/redrive"));
        buf_add(&asking->body, STR("{\"filter\":{}}"));
        ask(asking, METHOD_POST, "POST");
    }
}

void stranger_answered(struct asking *asking, int status, const struct json *body)
{
    struct sim *sim = asking->sim;
    const struct json *data = json_get(body, STR("data"));
    int64_t redriven = 0;
    (void)json_to_i64(json_get(body, STR("redriven")), &redriven);
    if (status == 503 || status == 404)
        return;
    if (status != 200 || (data ? data->count : !json_get(body, STR("redriven"))) || redriven)
        sim_fail(sim, "H2: %.*s is answered %d to a key of another app or mode",
                 STR_ARG(buf_str(&asking->path)), status);
}

void ask_suppress(struct sim *sim)
{
    uint32_t user;
    if (!take_user(sim, &user))
        return;
    struct asking *asking = asking_new(sim, ASK_SUPPRESS);
    asking->user = user;
    asking->suppress = chance(sim, 3);
    asking->channel = chance(sim, 2) ? CHANNEL_SMS : CHANNEL_EMAIL;
    if (asking->channel == CHANNEL_SMS)
        buf_printf(&asking->path, "/v1/suppressions/sms/%%2B1415555%04u", user);
    else
        buf_printf(&asking->path, "/v1/suppressions/email/u%u@mail.example", user);
    if (asking->suppress)
        buf_add(&asking->body, STR("{\"reason\":\"manual\"}"));
    ask(asking, asking->suppress ? METHOD_PUT : METHOD_DELETE, asking->suppress ? "PUT" : "DELETE");
}

void suppress_answered(struct asking *asking, int status)
{
    struct sim *sim = asking->sim;
    sim->busy[asking->user] = false;
    if (status != 503 && status != 404 && (status < 200 || status > 299))
        sim_fail(sim, "%.*s is answered %d", STR_ARG(buf_str(&asking->path)), status);
    if (status < 300)
        sim->beliefs[asking->user].suppressed[asking->channel] = asking->suppress;
}
