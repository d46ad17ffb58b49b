/* api/handlers.h - the handlers of routes.def. Each answers its call exactly once, now or later. */
#pragma once
#include <stdbool.h>

struct call;

#define ROUTE(method, pattern, access, app, body, query, handler) void handler(struct call *call);
#define LATER(method, pattern)
#include "api/routes.def"
#undef ROUTE
#undef LATER

/* While too much waits to be stored, before a notification's body is read: whoever is turned away
 * is to cost little and to hear it soon. True: answered, 503. */
bool notifications_turned_away(struct call *call);

/* For LATER: 400 with the slug not-supported-yet. */
void not_supported_yet(struct call *call);
