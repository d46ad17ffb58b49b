/* base/json_peek.c - a glance at a document: its members are found, nothing is read or kept. */
#include "base/json.h"
#include "base/json_scan.h"

struct glance {
    const char *at, *end;
};

static bool skip_space(struct glance *g)
{
    while (g->at < g->end && (*g->at == ' ' || *g->at == '\n' || *g->at == '\r' || *g->at == '\t'))
        g->at++;
    return g->at < g->end;
}

static bool skip_char(struct glance *g, char c)
{
    if (!skip_space(g) || *g->at != c)
        return false;
    g->at++;
    return true;
}

/* Behind the opening quote; moves behind the closing one. */
static bool skip_string(struct glance *g)
{
    while ((g->at = json_plain_end(g->at, g->end)) < g->end) {
        char c = *g->at++;
        if (c == '"')
            return true;
        if (c == '\\' && g->at < g->end)
            g->at++;
    }
    return false;
}

/* An array or an object: up to the bracket that closes it. */
static bool skip_container(struct glance *g)
{
    size_t depth = 0;
    while (g->at < g->end) {
        char c = *g->at++;
        if (c == '"' && !skip_string(g))
            return false;
        depth += c == '{' || c == '[';
        if ((c == '}' || c == ']') && --depth == 0)
            return true;
    }
    return false;
}

static bool skip_value(struct glance *g)
{
    if (!skip_space(g))
        return false;
    if (*g->at == '{' || *g->at == '[')
        return skip_container(g);
    if (*g->at == '"') {
        g->at++;
        return skip_string(g);
    }
    const char *from = g->at;
    while (g->at < g->end && *g->at != ',' && *g->at != '}' && (unsigned char)*g->at > ' ')
        g->at++;
    return g->at > from;
}

static bool look_at_member(struct glance *g, const struct str *names, struct str *ret,
                           uint32_t count)
{
    if (!skip_char(g, '"'))
        return false;
    const char *from = g->at;
    if (!skip_string(g))
        return false;
    struct str name = {from, (size_t)(g->at - from) - 1};
    if (!skip_char(g, ':') || !skip_space(g))
        return false;
    const char *value = g->at;
    if (!skip_value(g))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (str_eq(name, names[i]))
            ret[i] = (struct str){value, (size_t)(g->at - value)};
    return true;
}

bool json_peek(struct str text, const struct str *names, struct str *ret, uint32_t count)
{
    struct glance g = {text.at, text.at + text.len};
    for (uint32_t i = 0; i < count; i++)
        ret[i] = STR_NONE;
    if (!text.len || !skip_char(&g, '{') || !skip_space(&g))
        return false;
    if (*g.at == '}')
        return true;
    do
        if (!look_at_member(&g, names, ret, count))
            return false;
    while (skip_char(&g, ','));
    return skip_char(&g, '}');
}
