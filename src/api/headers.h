/* api/headers.h - the request headers that the API reads, each parsed by its own rule. Pure. */
#pragma once
#include "base/arena.h"

/* A client's X-Request-Id is taken over if it is 1 to 128 of [A-Za-z0-9_.-]. */
bool request_id_ok(struct str text);

/* W3C Trace Context, section 3.2: "00-" 32 hex "-" 16 hex "-" 2 hex, lower case, ids not all
 * zero; a later version may go on behind another '-'. One that is not valid is to be ignored. */
bool traceparent_ok(struct str text);

/* application/json, with parameters, of which a charset must be utf-8 (RFC 9110 section 8.3). */
bool content_type_is_json(struct str text);

enum scheme { SCHEME_NONE, SCHEME_BASIC, SCHEME_BEARER, SCHEME_WRONG };

struct credentials {
    enum scheme scheme;            /* SCHEME_WRONG: another one, or not well formed */
    struct str name;               /* Basic: the user, in the arena */
    unsigned char secret_hash[32]; /* SHA-256 of the password or the token */
};

/* What an Authorization header holds (RFC 7617, RFC 6750); what was decoded is wiped again. */
void credentials_read(struct str text, struct arena *arena, struct credentials *ret);
