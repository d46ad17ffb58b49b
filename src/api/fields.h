/* api/fields.h - takes the members of a JSON object one by one and lists every fault.
 *
 * A reader names each member it knows; fields_done then faults whatever is left. Places are kept
 * as a chain on the stack and written out as JSON Pointers only when there is something to say,
 * so that a request without faults costs nothing here. A member that is null counts as absent.
 * Threads: any; the caller's memory.
 */
#pragma once
#include "base/json.h"
#include "base/time.h"
#include "model/check.h"
#include "model/fault.h"

/* Where a value stands: a member (`name`) or an item (`index`, name absent) of `up`. */
struct spot {
    const struct spot *up; /* NULL: the document itself */
    struct str name;
    uint32_t index;
};

struct str spot_pointer(const struct spot *spot, struct arena *arena);
/* The fault at `spot`; NULL is the whole document. */
void spot_fault(const struct spot *spot, struct faults *faults, const char *format, ...)
    printf_like(3, 4);

struct fields {
    const struct json *object; /* NULL: it was none, and that has been said */
    const struct spot *spot;   /* NULL: the document */
    struct faults *faults;
    uint64_t few;   /* a bit for each member taken */
    uint64_t *seen; /* &few, or as many words as there are members */
};

/* False, and a fault, if `value` is no object; taking members from it then gives nothing. */
bool fields_init(struct fields *fields, const struct json *value, const struct spot *spot,
                 struct faults *faults);
/* A fault for each member that was not taken. */
void fields_done(struct fields *fields);

/* The member, or NULL if it is absent or null. Whatever its type. */
const struct json *fields_take(struct fields *fields, struct str name);
/* The same, and a fault if it is there with another type. */
const struct json *fields_typed(struct fields *fields, struct str name, enum json_type type);
/* True, with *ret written, if the member is there and right; a fault if it is there and wrong. */
bool fields_str(struct fields *fields, struct str name, size_t len_max, struct str *ret);
bool fields_bool(struct fields *fields, struct str name, bool *ret);
bool fields_i64(struct fields *fields, struct str name, int64_t min, int64_t max, int64_t *ret);
bool fields_span(struct fields *fields, struct str name, struct span *ret); /* "90s", above zero */
bool fields_wall(struct fields *fields, struct str name, struct wall *ret);
/* A string out of a closed list of the contract. */
struct one_of {
    const char *names; /* for people */
    bool (*parse)(struct str text, int *ret);
};
extern const struct one_of choice_channel, choice_strategy, choice_priority, choice_guarantee,
    choice_mode;
bool fields_choice(struct fields *fields, struct str name, const struct one_of *choice, int *ret);
/* A fault at `name` of this object, whether or not there is such a member. */
void fields_fault(struct fields *fields, struct str name, const char *format, ...)
    printf_like(3, 4);
/* A fault if the member is absent or null. */
void fields_needed(struct fields *fields, struct str name);
/* A fault, unless the member is absent or null: a part of the contract that is not built yet. */
void fields_later(struct fields *fields, struct str name);

/* A string that `ok` takes (model/check.h); `rule` is the fault if not. */
bool fields_checked(struct fields *fields, struct str name, bool (*ok)(struct str text),
                    const char *rule, struct str *ret);
/* An id or name that clients choose. */
bool fields_name(struct fields *fields, struct str name, struct str *ret);

#define NAME_RULE  "must match [A-Za-z0-9][A-Za-z0-9_.:@-]{0,127}"
#define EMAIL_RULE "must be an e-mail address"
#define PHONE_RULE "must be a phone number as E.164 has it, such as +821012345678"
