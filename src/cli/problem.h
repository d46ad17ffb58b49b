/* cli/problem.h - an answer that is no success, as a person reads it: RFC 9457 and its faults.
 *
 * Exit codes: 400, 409, 413, 415, 422 EX_DATAERR; 401, 403 EX_NOPERM; 404 EX_NOINPUT; 429, 503
 * EX_TEMPFAIL; other 5xx EX_SOFTWARE; the rest EX_PROTOCOL.
 */
#pragma once
#include "base/json.h"
#include <stdio.h>

/* `problem` is NULL if the body was not JSON. Returns the exit code. */
int problem_print(int status, const struct json *problem, struct str retry_after, FILE *err);
