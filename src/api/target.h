/* api/target.h - a device or browser as JSON, in PUT .../devices/{id} and in `to`. */
#pragma once
#include "api/fields.h"
#include "model/names.h"

struct target {
    bool present; /* there is a `platform` */
    enum kind kind;
    struct str address; /* the token, or the browser's endpoint */
    struct str bundle_id;
    struct str p256dh, auth;
    bool sandbox;
};

/* Takes platform, token, bundle_id, environment and subscription; faults what does not fit
 * together. Strings are views of the JSON. */
void target_read(struct fields *fields, struct target *ret);
