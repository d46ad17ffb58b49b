/* api/auth.c - see auth.h. */
#include "api/auth.h"
#include "api/headers.h"
#include "codec/digest.h"

static void refuse(struct call *call)
{
    call->api->stats.unauthenticated++;
    call_header(call, STR("www-authenticate"),
                STR("Basic realm=\"bongsu\", charset=\"UTF-8\", Bearer realm=\"bongsu\""));
    call_problem(call, PROBLEM_UNAUTHENTICATED, NULL);
}

static bool same_hash(const unsigned char *a, const unsigned char *b)
{
    return str_eq_secret((struct str){(const char *)a, SHA256_SIZE},
                         (struct str){(const char *)b, SHA256_SIZE});
}

static void app_found(void *owner, enum err err, uint32_t app)
{
    struct call *call = owner;
    if (err != OK) {
        call_unavailable(call, err, (struct span){0});
    } else if (app == 0) {
        call_not_found(call);
    } else {
        call->caller.app = app;
        call->after_auth(call);
    }
}

/* The root key may do everything; what is left to ask is which app. */
static void root_calls(struct call *call)
{
    call->caller = (struct caller){.root = true, .scopes = ACCESS_ANY, .mode = MODE_LIVE};
    struct str app = call_param(call, STR("app"));
    if (call->route->app == NO_APP)
        call->after_auth(call);
    else if (app.at)
        intake_find_app(call->api->intake, app, app_found, call);
    else if (call->route->app == ONE_APP)
        call_problem(call, PROBLEM_INVALID, "the root key needs the query parameter app here");
    else
        call->after_auth(call);
}

/* The key is there, its secret right: is it valid still, and may it do this? */
static void key_calls(struct call *call, const struct key *key)
{
    struct str app = call_param(call, STR("app"));
    if (app.at && !str_eq(app, key->app_name)) {
        call_not_found(call);
        return;
    }
    if (!(call->route->access & key->scopes)) {
        call_problem(call, PROBLEM_FORBIDDEN, "the key lacks the scope that this needs");
        return;
    }
    call->caller = (struct caller){.scopes = key->scopes, .app = key->app, .mode = key->mode};
    call->after_auth(call);
}

static void key_found(void *owner, enum err err, const struct key *key)
{
    static const unsigned char nobody[SHA256_SIZE];
    struct call *call = owner;
    if (err != OK) {
        call_unavailable(call, err, (struct span){0});
        return;
    }
    bool right = same_hash(call->credentials.secret_hash, key ? key->secret_hash : nobody);
    bool expired = key && key->expires_at.ms && wall_reached(call->now.wall, key->expires_at);
    if (!key || !right || expired)
        refuse(call);
    else
        key_calls(call, key);
}

static bool is_root(const struct call *call)
{
    const struct api_config *config = &call->api->config;
    bool same = same_hash(call->credentials.secret_hash, config->root_hash);
    return config->has_root_key && same;
}

void auth_begin(struct call *call, void (*done)(struct call *call))
{
    struct str text = http_header(&call->exchange->request, STR("authorization"));
    credentials_read(text, call->arena, &call->credentials);
    call->after_auth = done;
    switch (call->credentials.scheme) {
    case SCHEME_BASIC:
        intake_find_key(call->api->intake, call->credentials.name, key_found, call);
        return;
    case SCHEME_BEARER:
        if (is_root(call))
            root_calls(call);
        else
            refuse(call);
        return;
    case SCHEME_NONE:
    case SCHEME_WRONG:
        break;
    }
    refuse(call);
}
