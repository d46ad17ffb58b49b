/* provider/origin_tokens.c - see origin_tokens.h. */
#include "provider/origin_tokens.h"
#include "base/list.h"
#include "base/map.h"
#include "codec/digest.h"
#include "model/limits.h"
#include <stdlib.h>

enum {
    RENEW_BEFORE_MS = 3600 * 1000, /* a credential is used until an hour before its end */
    FORGET_EVERY_MS = 60 * 1000,
    CREDENTIAL_MAX = 8192
};

struct origin_token {
    struct list link; /* most lately used first */
    struct str origin;
    struct str credential;
    struct wall expires;
    char bytes[]; /* of both */
};

struct origin_tokens {
    const struct jwt_key *key;
    struct str subject;
    struct map by_origin;
    struct list used;
    struct wall forgot_at;
};

struct origin_tokens *origin_tokens_new(const struct jwt_key *key, struct str subject,
                                        struct str secret)
{
    struct origin_tokens *tokens = calloc(1, sizeof *tokens);
    unsigned char hash[SHA256_SIZE];
    uint64_t map_key[2];
    if (!tokens)
        return NULL;
    sha256(secret, hash);
    memcpy(map_key, hash, sizeof map_key);
    map_init(&tokens->by_origin, ORIGINS_MAX, map_key);
    wipe(hash, sizeof hash);
    list_init(&tokens->used);
    tokens->key = key;
    tokens->subject = subject;
    return tokens;
}

static void drop(struct origin_tokens *tokens, struct origin_token *token)
{
    map_remove(&tokens->by_origin, token->origin);
    list_remove(&token->link);
    free(token);
}

static void drop_all(struct origin_tokens *tokens)
{
    while (!list_empty(&tokens->used))
        drop(tokens, list_of(tokens->used.next, struct origin_token, link));
}

void origin_tokens_free(struct origin_tokens *tokens)
{
    if (!tokens)
        return;
    drop_all(tokens);
    map_done(&tokens->by_origin);
    free(tokens);
}

/* RFC 6454 section 6.2: lower case, without the scheme's own port. False if it is too long. */
static bool origin_of(const struct url *url, struct buf *out)
{
    bool tls = url_has_scheme(url, STR("https"));
    buf_add(out, tls ? STR("https://") : STR("http://"));
    for (size_t i = 0; i < url->host.len; i++) {
        char c = url->host.at[i];
        buf_add_char(out, c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c);
    }
    if (url->port && url->port != (tls ? 443 : 80))
        buf_printf(out, ":%u", url->port);
    return !out->failed;
}

static struct origin_token *token_new(struct str origin, struct str credential, struct wall expires)
{
    struct origin_token *token = malloc(sizeof *token + origin.len + credential.len);
    if (!token)
        return NULL;
    *token = (struct origin_token){.origin = {token->bytes, origin.len},
                                   .credential = {token->bytes + origin.len, credential.len},
                                   .expires = expires};
    memcpy(token->bytes, origin.at, origin.len);
    memcpy(token->bytes + origin.len, credential.at, credential.len);
    list_init(&token->link);
    return token;
}

static enum err make(struct origin_tokens *tokens, struct str origin, struct wall now,
                     struct origin_token **ret, struct why *why)
{
    struct buf credential;
    struct wall expires = wall_add(now, span_s(VAPID_LIFE_S));
    buf_init(&credential, CREDENTIAL_MAX);
    enum err err =
        vapid_credential(tokens->key, origin, tokens->subject, expires, &credential, why);
    struct origin_token *token = err ? NULL : token_new(origin, buf_str(&credential), expires);
    buf_done(&credential);
    if (err)
        return err;
    if (tokens->by_origin.count >= ORIGINS_MAX)
        drop(tokens, list_of(tokens->used.prev, struct origin_token, link));
    if (!token || map_put(&tokens->by_origin, token->origin, token, NULL)) {
        free(token);
        return why_set(why, ERR_MEMORY, "no memory for a VAPID token");
    }
    *ret = token;
    return OK;
}

enum err origin_tokens_get(struct origin_tokens *tokens, const struct url *endpoint,
                           struct wall now, struct str *ret, struct why *why)
{
    struct buf origin;
    enum err err = OK;
    buf_init(&origin, ENDPOINT_LEN_MAX);
    if (!origin_of(endpoint, &origin)) {
        buf_done(&origin);
        return why_set(why, ERR_MEMORY, "no memory for a VAPID token");
    }
    struct origin_token *token = map_get(&tokens->by_origin, buf_str(&origin));
    int64_t left_ms = token ? token->expires.ms - now.ms : 0;
    if (token && (left_ms < RENEW_BEFORE_MS || left_ms > VAPID_LIFE_S * 1000ll)) {
        drop(tokens, token); /* near its end, or the clock went back: `exp` would be too far off */
        token = NULL;
    }
    if (!token)
        err = make(tokens, buf_str(&origin), now, &token, why);
    buf_done(&origin);
    if (err)
        return err;
    list_remove(&token->link);
    list_add_first(&tokens->used, &token->link);
    *ret = token->credential;
    return OK;
}

void origin_tokens_forget(struct origin_tokens *tokens, struct wall now)
{
    int64_t since = now.ms - tokens->forgot_at.ms;
    if (since >= 0 && since < FORGET_EVERY_MS)
        return;
    tokens->forgot_at = now;
    drop_all(tokens);
}
