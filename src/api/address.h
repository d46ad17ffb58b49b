/* api/address.h - addresses as they are kept: stores compare them byte by byte. Pure. */
#pragma once
#include "base/arena.h"
#include "model/names.h"

/* An e-mail address with its domain in lower case (the local part is its host's affair, RFC 5321
 * section 2.4); any other address as it is. Copies only what changes; absent without memory. */
struct str address_normal(struct arena *arena, enum channel channel, struct str address);
/* A browser's push endpoint: https, or http on a loopback name for trials. */
bool endpoint_ok(struct str text);
/* A device token that can stand in a path or a JSON text as it is: [A-Za-z0-9_:.-]. Providers
 * judge the rest: their formats may change. */
bool token_ok(struct str text);
/* An application's identifier: [A-Za-z0-9._-], as Apple and Google have them. */
bool bundle_id_ok(struct str text);
/* A time zone that the system's tzdata knows. Reads a file's first bytes. */
bool timezone_known(struct str text);
