/* api/users.h - what the handlers below /v1/users/{user_id} share. */
#pragma once
#include "api/call.h"

/* False: answered, the id of the path is none. */
bool user_path_ok(struct call *call);
/* The query for the user of the path with devices and preferences. NULL: answered. */
struct query *user_query(struct call *call);
/* The user; NULL: answered, 404 or 503. */
const struct recipient *user_came(struct query *query);
