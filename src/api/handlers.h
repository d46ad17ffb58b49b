/* api/handlers.h - the handlers of routes.def. Each answers its call exactly once, now or later. */
#pragma once

struct call;

#define ROUTE(method, pattern, access, app, body, query, handler) void handler(struct call *call);
#define LATER(method, pattern)
#include "api/routes.def"
#undef ROUTE
#undef LATER

/* For LATER: 400 with the slug not-supported-yet. */
void not_supported_yet(struct call *call);
