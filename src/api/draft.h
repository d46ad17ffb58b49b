/* api/draft.h - a notification as a client asks for it, read and checked as far as its own text
 * goes. Strings are views of the JSON, but for normalised addresses.
 */
#pragma once
#include "api/settings.h"
#include "api/target.h"

/* One entry of `to`. */
struct draft_entry {
    struct str user_id;   /* absent: a direct address */
    struct target target; /* direct; e-mail and phone in `kind` and `address` */
    const struct json *data;
};

struct draft {
    struct str event_id; /* absent: none, or none that could be read */
    struct str category; /* `default` if none is stated */
    struct str template_name;
    uint32_t template_version; /* 0: the latest */
    const struct json *content, *data;
    struct settings settings;
    struct str collapse_key;
    struct draft_entry *entries;
    uint32_t entry_count;
};

/* Every fault goes to `faults`. `key` is the Idempotency-Key header, or absent. */
void draft_read(const struct json *body, struct str key, struct faults *faults, struct draft *ret);
