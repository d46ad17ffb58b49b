/* net/target.h - request targets, authorities and methods, the same for HTTP/1.1 and HTTP/2.
 *
 * Strict where leniency lets two parsers disagree about one request: no control or non-ASCII
 * bytes, no '#' (a fragment never travels), no backslash, no quotes or angle brackets.
 */
#pragma once
#include "model/http.h"

enum method method_of(struct str text); /* METHOD_OTHER if it is not one of ours */

/* Splits an origin-form ("/path?query") or "*", or what target_take_authority left, in which an
 * empty path means "/". False: malformed. */
bool target_split(struct str target, struct str *ret_path, struct str *ret_query);
/* Takes "http://authority" or "https://authority" off the front of an absolute-form; what is left
 * begins with '/' or '?' or is empty. False: malformed. */
bool target_take_authority(struct str *target, struct str *ret_authority);
/* host [":" port] without userinfo, not empty (RFC 9110 sections 4.2.1 and 4.2.4). */
bool authority_valid(struct str authority);
