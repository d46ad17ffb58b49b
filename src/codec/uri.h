/* codec/uri.h - percent-encoding, forms, and the parts of a URL.
 *
 * RFC 3986 (components, URLs) and the URL standard's application/x-www-form-urlencoded. Encoding
 * appends to a buffer, whose failure is sticky. Pure; any thread.
 */
#pragma once
#include "base/arena.h"
#include "base/buf.h"

/* Everything but letters, digits and "-._~" becomes %XX (RFC 3986 section 2.3). */
void uri_add_component(struct buf *out, struct str text);
/* Decodes %XX, into the arena where there is one. False: a '%' without two digits behind it, a
 * %00, or no memory. `plus_is_space`: for queries and forms. */
bool uri_decode(struct str text, bool plus_is_space, struct arena *arena, struct str *ret) must_use;

/* Appends "name=value", after '&' unless the buffer is empty; a space becomes %20. */
void form_add(struct buf *out, struct str name, struct str value);
/* Takes the next pair off a form or a query string and decodes it. False at the end, and with
 * *ret_bad set for what cannot be decoded. Empty pairs are passed over; no '=' is an empty value.
 * Start with *ret_bad == false. */
bool form_next(struct str *rest, struct arena *arena, struct str *ret_name, struct str *ret_value,
               bool *ret_bad);

/* The parts of an absolute URL with a host, all views of the text. */
struct url {
    struct str scheme; /* as written: compare without case */
    struct str host;   /* an IPv6 address keeps its brackets */
    uint16_t port;     /* 0: not given */
    struct str origin; /* scheme://host[:port] as written */
    struct str path;   /* from '/', with the query; absent if nothing follows the host */
};

/* False for what is no absolute URL, has user information or a fragment, or holds a character
 * that no URL has (spaces, controls, non-ASCII, quotes). */
bool url_parse(struct str text, struct url *ret) must_use;
/* localhost, 127.0.0.0/8 or [::1]: by the text alone, nothing is resolved. */
bool url_is_loopback(const struct url *url);
bool url_has_scheme(const struct url *url, struct str scheme);
