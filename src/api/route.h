/* api/route.h - which handler answers which method and path.
 *
 * One table, routes.def, feeds the router, the Allow header of a 405, and the build's check
 * against openapi.json. A path is split at its slashes first and percent-decoded once, segment by
 * segment, so that an encoded slash stays inside its segment. HEAD goes where GET goes. A slash
 * too many is another path.
 */
#pragma once
#include "base/arena.h"
#include "model/app.h"
#include "model/http.h"

struct call;

enum { ROUTE_PARAMS_MAX = 3, ROUTE_SEGMENTS_MAX = 8 };

/* Who may: any of these scopes of an app key, and always the root key. */
enum access {
    ACCESS_OPEN = 0, /* nobody is asked */
    ACCESS_SEND = KEY_SEND,
    ACCESS_MANAGE = KEY_MANAGE,
    ACCESS_READ = KEY_READ,
    ACCESS_SEE = KEY_READ | KEY_MANAGE,
    ACCESS_ANY = KEY_SEND | KEY_READ | KEY_MANAGE,
    ACCESS_ROOT = 1 << 8, /* the root key alone */
};

/* Which app is meant: an app key says it; the root key by ?app=. */
enum route_app {
    NO_APP,   /* none: ?app= is an unknown parameter */
    ONE_APP,  /* one it must be */
    SOME_APP, /* without ?app= the root key reaches all */
};

enum route_body {
    NO_BODY,   /* one that comes is not looked at */
    JSON_BODY, /* needed */
    MAY_BODY,  /* JSON if there is one */
};

struct route {
    enum method method;
    const char *pattern; /* "/v1/users/{user_id}" */
    unsigned access;
    enum route_app app;
    enum route_body body;
    const char *query; /* names of the parameters besides `app`, with spaces between */
    void (*handler)(struct call *call);
};

struct route_match {
    const struct route *route;           /* NULL: see `allow` */
    struct str params[ROUTE_PARAMS_MAX]; /* decoded, in the order of the pattern */
    unsigned allow;                      /* bits (1 << method) that this path does take */
    bool malformed;                      /* a segment is not well encoded UTF-8 */
};

void route_find(enum method method, struct str path, struct arena *arena, struct route_match *ret);
/* "GET, HEAD, PUT" into the arena. */
struct str route_allow(unsigned allow, struct arena *arena);

/* The whole table, for tests and documents. */
extern const struct route routes[];
extern const uint32_t route_count;
