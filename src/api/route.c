/* api/route.c - see route.h. */
#include "api/route.h"
#include "api/handlers.h"
#include "base/buf.h"
#include "codec/uri.h"

const struct route routes[] = {
#define ROUTE(method, pattern, access, app, body, query, handler)                                  \
    {METHOD_##method, pattern, ACCESS_##access, app, body, query, handler},
#define LATER(method, pattern)                                                                     \
    {METHOD_##method, pattern, ACCESS_ANY, SOME_APP, NO_BODY, NULL, not_supported_yet},
#include "api/routes.def"
#undef ROUTE
#undef LATER
};
const uint32_t route_count = sizeof routes / sizeof *routes;

/* A path's segments, still encoded: "/v1/users" has "v1" and "users". */
struct segments {
    struct str list[ROUTE_SEGMENTS_MAX];
    uint32_t count;
};

static bool split(struct str path, struct segments *ret)
{
    ret->count = 0;
    if (!path.len || path.at[0] != '/')
        return false;
    struct str rest = str_slice(path, 1, path.len);
    while (rest.at) {
        if (ret->count == ROUTE_SEGMENTS_MAX)
            return false;
        ret->list[ret->count++] = str_cut(&rest, '/');
    }
    return true;
}

/* Whether the segments are of this pattern; *ret_params has a bit for each that is a parameter. */
static bool matches(const char *pattern, const struct segments *segments, unsigned *ret_params)
{
    const char *at = pattern;
    *ret_params = 0;
    for (uint32_t i = 0; i < segments->count; i++) {
        if (*at++ != '/')
            return false;
        size_t len = strcspn(at, "/");
        struct str segment = segments->list[i];
        if (*at == '{') {
            if (!segment.len)
                return false;
            *ret_params |= 1u << i;
        } else if (len != segment.len || memcmp(at, segment.at, len) != 0) {
            return false;
        }
        at += len;
    }
    return *at == '\0';
}

static void decode(const struct segments *segments, unsigned params, struct arena *arena,
                   struct route_match *ret)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < segments->count; i++) {
        if (!(params >> i & 1))
            continue;
        must(count < ROUTE_PARAMS_MAX);
        struct str *param = &ret->params[count++];
        if (!uri_decode(segments->list[i], false, arena, param) || !str_is_utf8(*param))
            ret->malformed = true;
    }
}

void route_find(enum method method, struct str path, struct arena *arena, struct route_match *ret)
{
    *ret = (struct route_match){0};
    struct segments segments;
    if (!split(path, &segments))
        return;
    enum method wanted = method == METHOD_HEAD ? METHOD_GET : method;
    for (uint32_t i = 0; i < route_count; i++) {
        unsigned params;
        if (!matches(routes[i].pattern, &segments, &params))
            continue;
        if (routes[i].method == wanted) {
            ret->route = &routes[i];
            decode(&segments, params, arena, ret);
            return;
        }
        ret->allow |= 1u << routes[i].method;
    }
    if (ret->allow & 1u << METHOD_GET)
        ret->allow |= 1u << METHOD_HEAD;
}

struct str route_allow(unsigned allow, struct arena *arena)
{
    static const struct {
        enum method method;
        const char *name;
    } names[] = {{METHOD_GET, "GET"},
                 {METHOD_HEAD, "HEAD"},
                 {METHOD_POST, "POST"},
                 {METHOD_PUT, "PUT"},
                 {METHOD_DELETE, "DELETE"}};
    struct str text = STR("");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (allow >> names[i].method & 1)
            text =
                arena_printf(arena, "%.*s%s%s", STR_ARG(text), text.len ? ", " : "", names[i].name);
    return text;
}
