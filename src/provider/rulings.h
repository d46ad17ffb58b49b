/* provider/rulings.h - the parts of rule() (port/provider.h), for drivers with classes of their
 * own.
 *
 * Pure; any thread.
 */
#pragma once
#include "port/provider.h"

/* The row for (status, code), or (RULING_ANY, code), or (status, any); NULL if there is none. A
 * code decides alone only for a status from 400 on. */
const struct ruling *ruling_find(const struct ruling *rulings, int status, struct str code);
/* What a row says; `code` absent: the status in digits. */
struct verdict ruling_verdict(const struct ruling *ruling, const struct reply *reply,
                              struct str code, struct arena *arena);
/* What is not WHOLE. */
struct verdict ruling_unanswered(const struct reply *reply, enum scope wide);

/* A reply's body as JSON; NULL if it is none. */
const struct json *reply_json(const struct reply *reply, struct arena *arena);
/* A string of an object, absent if it is missing, no string, or holds a control character. */
struct str json_word(const struct json *object, struct str name);
