/* provider/google_token.h - access tokens for a Google service account.
 *
 * RFC 7523: an assertion signed with the account's key is exchanged for a token that lives an hour.
 * developers.google.com, "Using OAuth 2.0 for Server to Server Applications". One fetch at a time;
 * an old token goes on being used while it is valid and a fetch fails. Courier's thread only.
 */
#pragma once
#include "codec/jwt.h"
#include "provider/settings.h"

struct google_token {
    struct str project_id;
    struct str client_email, audience; /* audience: the token_uri of the account */
    struct str header;                 /* of the assertion, JSON */
    struct str origin, path;           /* where the token is fetched */
    struct str ca;
    struct jwt_key *key;
    struct buf bearer;    /* "Bearer <token>" */
    struct wall asked_at; /* by the fetch under way */
    struct wall renew_at; /* from here on a fetch is due */
    struct wall ends_at;  /* ms == 0: there is no token */
};

/* Reads `service_account` (the JSON that Google gives out) and `token_url`. On failure, too,
 * google_token_done is due. */
enum err google_token_open(struct google_token *token, const struct provider_config *config,
                           struct keep *keep, struct why *why) must_use;
void google_token_done(struct google_token *token);

enum authorize google_token_authorize(const struct google_token *token, struct wall now,
                                      struct str *ret);
enum err google_token_compose(struct google_token *token, struct wall now, struct arena *arena,
                              struct request *ret, struct why *why) must_use;
struct verdict google_token_judge(struct google_token *token, const struct reply *reply,
                                  struct arena *arena);
void google_token_forget(struct google_token *token);
