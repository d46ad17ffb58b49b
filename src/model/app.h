/* model/app.h - who may call: apps and their keys, and the templates an app owns. */
#pragma once
#include "base/time.h"
#include "model/names.h"

struct app {
    uint32_t number; /* the store's own, from 1, never used again */
    struct str name; /* the id outside */
    struct wall created_at;
};

enum key_scope { KEY_SEND = 1, KEY_MANAGE = 2, KEY_READ = 4 };

enum { SECRET_HASH_SIZE = 32 };

struct key {
    struct str app_key; /* "key_..." */
    uint32_t app;
    struct str app_name;
    unsigned char secret_hash[SECRET_HASH_SIZE]; /* SHA-256; secrets have 256 bits, so no salt */
    unsigned scopes;                             /* of enum key_scope */
    enum mode mode;
    struct wall created_at;
    struct wall expires_at; /* ms == 0: never */
};

/* One immutable version. `partials` pins the versions of the templates it includes, as a JSON
 * object {"name": version}, so that a version renders the same for ever. */
struct template_version {
    struct str name;
    uint32_t version;  /* from 1 */
    struct str source; /* the JSON that was PUT */
    struct str partials;
    struct wall created_at;
};
