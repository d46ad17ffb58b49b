/* port/provider.h - what a provider is: data plus pure functions.
 *
 * A driver is a constant table (struct provider_ops); a provider is one configured instance of it.
 * A driver MUST NOT do I/O, read a clock, sleep, retry, log, or keep state between calls, except
 * for the credential it caches in `authorize`. Adding one: one file src/provider/x.c, one line in
 * providers.def, its fixtures under test/fixtures/x/.
 * Threads: open, close, authorize, refresh_* on the courier's thread; compose and judge on any
 * thread, at the same time, on a const instance.
 */
#pragma once
#include "base/arena.h"
#include "model/content.h"
#include "model/names.h"
#include "model/notification.h"
#include "model/verdict.h"
#include "model/wire.h"
#include "port/entropy.h"

/* All that composing needs about one attempt. */
struct parcel {
    const struct notification *notification;
    const struct delivery *delivery;
    const struct content *content;
    struct str delivery_id; /* "dlv_...": our own reference, carried through the provider */
    uint32_t attempt;       /* from 1 */
    struct wall now;
    struct wall expires_at; /* when it is worth nothing any more; WALL_NEVER: never */
};

/* A setting of this provider from the configuration, secrets already resolved. */
struct setting {
    struct str name;
    struct str value;
};

struct provider_config {
    struct str name; /* the configured one */
    const struct setting *settings;
    uint32_t setting_count;
    struct str public_url; /* for callbacks; absent if none is configured */
};

/* The setting of that name; absent if there is none. */
struct str provider_setting(const struct provider_config *config, struct str name);

enum authorize { AUTHORIZED, AUTHORIZE_FETCH, AUTHORIZE_FAILED };

struct provider_ops {
    struct str driver; /* "apns" */
    unsigned kinds;    /* bit (1 << kind) for each kind it serves */
    bool heavy;        /* compose costs over 50 us: runs on the crypto pool */
    /* Names of the settings that the driver knows besides the common ones (url, ca, rate,
     * in_flight, timeout), closed by STR_NONE; `secret` ones are never shown or logged. */
    const struct setting_def {
        struct str name;
        bool required, secret;
    } * settings;

    /* Checks the settings, parses keys. ERR_INPUT or ERR_CRYPTO with the remedy in `why`. */
    enum err (*open)(const struct provider_config *config, void **ret, struct why *why);
    void (*close)(void *self);

    /* Makes sure that a credential for `parcel` is at hand and writes it to *ret (borrowed until
     * the next call on this instance; the courier copies it). AUTHORIZE_FETCH: one must be fetched
     * first, by refresh_compose; the courier sees to it that only one fetch runs. NULL: the driver
     * needs none. */
    enum authorize (*authorize)(void *self, const struct parcel *parcel, struct str *ret,
                                struct why *why);
    /* The request that fetches a credential, and what its reply means. On DONE the credential is
     * cached until shortly before it expires. NULL where nothing is fetched. */
    enum err (*refresh_compose)(void *self, struct wall now, struct arena *arena,
                                struct request *ret, struct why *why);
    struct verdict (*refresh_judge)(void *self, const struct reply *reply, struct arena *arena);
    /* Forgets the cached credential: the provider has called it stale. NULL where none is cached.
     */
    void (*forget)(void *self, struct wall now);

    /* The request for one attempt. Pure. ERR_INPUT or ERR_LIMIT: this message can never be sent
     * (the delivery fails with `why`), e.g. a payload over the provider's limit. */
    enum err (*compose)(const void *self, const struct parcel *parcel, struct str credential,
                        const struct entropy *entropy, struct arena *arena, struct request *ret,
                        struct why *why);
    /* What the reply means. Total: every reply gives a verdict. Its strings may borrow from the
     * reply or the arena. */
    struct verdict (*judge)(const void *self, const struct reply *reply, struct arena *arena);
};

/* One row of a table that ends with status 0: what a status, with a code or without, means. Where
 * the effect is SUPPRESS, `reason` is the suppression's: bounced, stop or invalid. */
enum {
    RULING_ANY = -1
}; /* as status: the code decides, whatever status from 400 on it came with */

struct ruling {
    int status;
    const char *code; /* NULL: any */
    enum fate fate;
    enum scope scope;
    enum effect effect;
    const char *reason; /* said if the provider gives no word of its own */
};

/* provider/rulings.c: the first row that matches (status, code), then (RULING_ANY, code), then
 * (status, any), then by class: 2xx DONE, 3xx and 401 HOLD, 429 THROTTLE, other 4xx NEVER, 5xx
 * AMBIGUOUS; and for what is not WHOLE: UNSENT and REFUSED are AGAIN, CUT is AMBIGUOUS. `wide` is
 * SCOPE_PROVIDER, or SCOPE_ORIGIN for endpoints that subscribers choose, and stands wherever the
 * class rules say provider. */
struct verdict rule(const struct ruling *rulings, const struct reply *reply, struct str code,
                    enum scope wide, struct arena *arena);

/* The drivers, one line each in provider/providers.def; NULL if there is none of that name. */
const struct provider_ops *provider_find(struct str driver);
const struct provider_ops *const *provider_all(size_t *ret_count);
