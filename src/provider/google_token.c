/* provider/google_token.c - see google_token.h. */
#include "provider/google_token.h"
#include "provider/draft.h"
#include "provider/rulings.h"

enum {
    ACCOUNT_BYTES_MAX = 64 * 1024,
    TOKEN_BYTES_MAX = 8 * 1024,
    ASSERTION_MAX = 16 * 1024,
    ASSERTION_LIFE_S = 3600, /* Google's maximum */
    EXPIRES_IN_MAX_S = 24 * 3600,
    RENEW_PERCENT = 85,
    TRY_AGAIN_S = 30 /* after a failed fetch, while the old token lives */
};

#define SCOPE "https://www.googleapis.com/auth/firebase.messaging"

/* invalid_grant is a wrong clock or a revoked key, the others a wrong account: all the operator's.
 */
static const struct ruling token_rulings[] = {
    {200, NULL, FATE_DONE, SCOPE_PROVIDER, EFFECT_NONE, NULL},
    {400, "invalid_grant", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "invalid_grant"},
    {401, "invalid_client", FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "invalid_client"},
    {400, NULL, FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "token_refused"},
    {403, NULL, FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "token_refused"},
    {404, NULL, FATE_AGAIN, SCOPE_PROVIDER, EFFECT_HOLD, "token_refused"},
    {429, NULL, FATE_AGAIN, SCOPE_PROVIDER, EFFECT_NONE, "token_rate_limited"},
    {0},
};

static enum err member(const struct json *account, struct str name, struct str *ret,
                       struct why *why)
{
    *ret = json_word(account, name);
    if (ret->len)
        return OK;
    return why_set(why, ERR_INPUT,
                   "`service_account` has no %.*s: use the JSON of a service account's key as the "
                   "Google Cloud console gives it",
                   STR_ARG(name));
}

static bool is_project(struct str id)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = id.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == ':' || c == '.'))
            return false;
    }
    return id.len > 0;
}

static enum err read_account(struct google_token *token, const struct provider_config *config,
                             const struct json *account, struct keep *keep, struct why *why)
{
    struct str uri, kid = json_word(account, STR("private_key_id"));
    struct str override = provider_setting(config, STR("token_url"));
    const struct json *pem = json_get(account, STR("private_key"));
    struct url url;
    enum err err;
    if ((err = member(account, STR("project_id"), &token->project_id, why)) ||
        (err = member(account, STR("client_email"), &token->client_email, why)) ||
        (err = member(account, STR("token_uri"), &uri, why)) ||
        (err = service_check(override.len ? STR("token_url") : STR("token_uri"),
                             override.len ? override : uri, &url, why)))
        return err;
    if (!is_project(token->project_id))
        return why_set(why, ERR_INPUT, "`service_account` has a project_id that is none");
    err =
        jwt_key_load(JWT_RS256, json_is(pem, JSON_STRING) ? pem->text : STR_NONE, &token->key, why);
    if (err)
        return err;
    struct buf header;
    buf_init(&header, TOKEN_BYTES_MAX);
    struct json_out out = json_out_to(&header);
    json_open(&out, '{');
    json_name(&out, STR("alg"));
    json_str(&out, STR("RS256"));
    json_name(&out, STR("typ"));
    json_str(&out, STR("JWT"));
    if (kid.len) {
        json_name(&out, STR("kid"));
        json_str(&out, kid);
    }
    json_close(&out, '}');
    if (header.failed)
        err = why_set(why, ERR_INPUT, "`service_account` has a private_key_id that is none");
    token->header = keep_buf(keep, &header);
    token->project_id = keep_str(keep, token->project_id);
    token->client_email = keep_str(keep, token->client_email);
    token->audience = keep_str(keep, uri);
    token->origin = keep_str(keep, url.origin);
    token->path = keep_str(keep, url.path.len ? url.path : STR("/"));
    token->ca = keep_str(keep, provider_setting(config, STR("ca")));
    return err;
}

/* The key was unescaped into the arena, which does not wipe; where nothing was escaped, it still
 * stands in the caller's text, which is not ours to change. */
static void wipe_key(const struct json *account, struct str text)
{
    const struct json *pem = json_get(account, STR("private_key"));
    uintptr_t at = pem ? (uintptr_t)pem->text.at : 0, from = (uintptr_t)text.at;
    if (at && (at < from || at >= from + text.len))
        wipe((void *)at, pem->text.len);
}

enum err google_token_open(struct google_token *token, const struct provider_config *config,
                           struct keep *keep, struct why *why)
{
    static const struct json_limits limits = {.depth_max = 8, .values_max = 200};
    const struct json *account = NULL;
    struct json_fault fault;
    struct str text;
    struct arena arena;
    *token = (struct google_token){0};
    buf_init(&token->bearer, TOKEN_BYTES_MAX);
    enum err err =
        setting_need(config, STR("service_account"),
                     "the JSON file of the service account's key, as file:PATH", &text, why);
    if (err)
        return err;
    arena_init(&arena, ACCOUNT_BYTES_MAX);
    if (json_parse(text, &limits, &arena, &account, &fault))
        err = why_set(why, ERR_INPUT,
                      "`service_account` is no JSON (line %u): use the file as the Google Cloud "
                      "console gives it",
                      fault.line);
    else
        err = read_account(token, config, account, keep, why);
    wipe_key(account, text);
    arena_done(&arena);
    return err;
}

void google_token_done(struct google_token *token)
{
    jwt_key_free(token->key);
    token->key = NULL;
    google_token_forget(token);
    buf_done(&token->bearer);
}

void google_token_forget(struct google_token *token)
{
    if (token->bearer.at)
        wipe(token->bearer.at, token->bearer.cap);
    buf_clear(&token->bearer);
    token->ends_at = token->renew_at = (struct wall){0};
}

enum authorize google_token_authorize(const struct google_token *token, struct wall now,
                                      struct str *ret)
{
    if (!token->ends_at.ms || wall_reached(now, wall_min(token->renew_at, token->ends_at)))
        return AUTHORIZE_FETCH;
    *ret = buf_str(&token->bearer);
    return AUTHORIZED;
}

static enum err assertion(const struct google_token *token, struct wall now, struct buf *out,
                          struct why *why)
{
    struct buf claims;
    buf_init(&claims, ASSERTION_MAX);
    struct json_out json = json_out_to(&claims);
    json_open(&json, '{');
    json_name(&json, STR("iss"));
    json_str(&json, token->client_email);
    json_name(&json, STR("scope"));
    json_str(&json, STR(SCOPE));
    json_name(&json, STR("aud"));
    json_str(&json, token->audience);
    json_name(&json, STR("iat"));
    json_i64(&json, now.ms / 1000);
    json_name(&json, STR("exp"));
    json_i64(&json, now.ms / 1000 + ASSERTION_LIFE_S);
    json_close(&json, '}');
    enum err err = claims.failed ? why_set(why, ERR_MEMORY, "no memory for an assertion")
                                 : jwt_sign(token->key, token->header, buf_str(&claims), out, why);
    buf_done(&claims);
    return err;
}

enum err google_token_compose(struct google_token *token, struct wall now, struct arena *arena,
                              struct request *ret, struct why *why)
{
    struct buf jwt, form;
    buf_init(&jwt, ASSERTION_MAX);
    buf_init(&form, 2 * ASSERTION_MAX);
    enum err err = assertion(token, now, &jwt, why);
    form_add(&form, STR("grant_type"), STR("urn:ietf:params:oauth:grant-type:jwt-bearer"));
    form_add(&form, STR("assertion"), buf_str(&jwt));
    buf_done(&jwt);
    token->asked_at = now;
    *ret = (struct request){.wire = WIRE_HTTP,
                            .method = STR("POST"),
                            .origin = token->origin,
                            .path = token->path,
                            .ca = token->ca,
                            .body = draft_take(arena, &form)};
    draft_header(ret, STR("content-type"), STR("application/x-www-form-urlencoded"));
    return err ? err : draft_finish(arena, why);
}

/* Takes the token out of a 200; false if there is none in it. */
static bool keep_token(struct google_token *token, const struct json *body)
{
    struct str text = json_word(body, STR("access_token"));
    int64_t life_s;
    if (!draft_is_word(text) || text.len + sizeof "Bearer " > TOKEN_BYTES_MAX)
        return false;
    if (!json_to_i64(json_get(body, STR("expires_in")), &life_s) || life_s < 1)
        return false;
    if (life_s > EXPIRES_IN_MAX_S)
        life_s = EXPIRES_IN_MAX_S;
    google_token_forget(token);
    buf_add(&token->bearer, STR("Bearer "));
    buf_add(&token->bearer, text);
    if (token->bearer.failed)
        return false;
    token->ends_at = wall_add(token->asked_at, span_s(life_s));
    token->renew_at = wall_add(token->asked_at, span_ms(life_s * 10 * RENEW_PERCENT));
    return true;
}

struct verdict google_token_judge(struct google_token *token, const struct reply *reply,
                                  struct arena *arena)
{
    const struct json *body = reply_json(reply, arena);
    struct str word = reply->status >= 400 ? json_word(body, STR("error")) : STR_NONE;
    struct verdict verdict = rule(token_rulings, reply, word, SCOPE_PROVIDER, arena);
    if (verdict.fate == FATE_DONE) {
        if (keep_token(token, body))
            return verdict;
        verdict.reason = STR("no_token_in_reply");
        verdict.detail = STR("the token endpoint's answer holds no usable access_token");
    }
    /* A fetch that failed says nothing of the message that waits for it: it may be tried again. */
    verdict.fate = FATE_AGAIN;
    verdict.scope = SCOPE_PROVIDER;
    if (!verdict.detail.len)
        verdict.detail = json_word(body, STR("error_description"));
    token->renew_at = wall_add(token->asked_at, span_s(TRY_AGAIN_S));
    return verdict;
}
