/* net/refusal.h - what the listening sessions answer by themselves, and the names of statuses.
 *
 * A refusal is a constant: where a parser finds a fault it points at one. The answer is
 * application/problem+json (RFC 9457), as everywhere else in the API.
 */
#pragma once
#include "model/http.h"

struct refusal {
    int status;
    const char *detail; /* one sentence; plain ASCII without quotes or backslashes */
};

/* The reason phrase (RFC 9110 section 15), "" if unknown. */
struct str status_text(int status);

enum { REFUSAL_BODY_MAX = 512 };

/* Writes the body into `into`, and a response that borrows it. 503 has a retry-after. */
void refusal_response(const struct refusal *refusal, char into[REFUSAL_BODY_MAX],
                      struct http_response *ret);
