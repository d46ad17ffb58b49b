/* provider/settings.h - a driver's settings: looked up, checked, and kept.
 *
 * Every complaint is ERR_INPUT with a sentence that names the setting and says what to write.
 * Open's thread only.
 */
#pragma once
#include "codec/uri.h"
#include "port/provider.h"

/* The instance's own copies of settings and of what is made from them, wiped when it closes. */
struct keep {
    char *at;
    size_t used, size;
};

/* Room for every setting, the name and public_url, once as they are and once in base64. */
enum err keep_init(struct keep *keep, const struct provider_config *config,
                   struct why *why) must_use;
void keep_done(struct keep *keep);
struct str keep_str(struct keep *keep, struct str text); /* an absent string stays absent */
struct str keep_buf(struct keep *keep, struct buf *buf); /* takes it over: wiped and freed */

/* A setting that must be there and not empty; `what` says what it is. */
enum err setting_need(const struct provider_config *config, struct str name, const char *what,
                      struct str *ret, struct why *why) must_use;
/* Fails unless the setting, if it is there, is visible ASCII without spaces. */
enum err setting_word(const struct provider_config *config, struct str name,
                      struct why *why) must_use;

/* A service's address. */
struct service {
    struct str origin; /* scheme://host[:port] */
    struct str prefix; /* what paths begin with: "" or "/x", with no '/' at its end */
    bool plain;        /* http: */
    bool loopback;
};

/* Checks an address that requests go to: https, or http on loopback. */
enum err service_check(struct str name, struct str text, struct url *ret, struct why *why) must_use;
/* The setting, or `fallback` without it, as a service. */
enum err setting_service(const struct provider_config *config, struct str name, struct str fallback,
                         struct keep *keep, struct service *ret, struct why *why) must_use;
