/* core/route_text.c - a choice of route in words: what an attempt's event says of it. */
#include "core/route.h"

/* Text that is left out from where it does not fit. */
struct line {
    char *at;
    size_t len;
    bool full;
};

static void add(struct line *line, struct str text)
{
    if (line->full || text.len > ROUTE_TEXT_MAX - line->len) {
        line->full = true;
        return;
    }
    if (text.len)
        memcpy(line->at + line->len, text.at, text.len);
    line->len += text.len;
}

static void add_number(struct line *line, uint32_t number)
{
    char digits[10];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    add(line, (struct str){digits + at, sizeof digits - at});
}

static void add_condition(struct line *line, struct str what, const struct str *list,
                          uint32_t count, bool *first)
{
    if (!count)
        return;
    add(line, *first ? STR(" (") : STR("; "));
    add(line, what);
    for (uint32_t i = 0; i < count; i++) {
        add(line, i ? STR(", ") : STR(" "));
        add(line, list[i]);
    }
    *first = false;
}

static void add_rule(struct line *line, const struct route *route, uint32_t number)
{
    bool first = true;
    add(line, STR("rule "));
    add_number(line, number);
    size_t bare = line->len;
    add_condition(line, STR("app"), route->apps, route->app_count, &first);
    add_condition(line, STR("bundle_id"), route->bundle_ids, route->bundle_id_count, &first);
    add_condition(line, STR("country"), route->countries, route->country_count, &first);
    add_condition(line, STR("category"), route->categories, route->category_count, &first);
    if (!first)
        add(line, STR(")"));
    if (line->full) { /* long conditions: the number says which */
        line->len = bare;
        line->full = false;
    }
}

static void add_past(struct line *line, const struct route_choice *choice, unsigned bits,
                     struct str why, struct str (*name)(const void *self, uint32_t provider),
                     const void *self)
{
    for (uint32_t i = 0; i < choice->target_count; i++) {
        size_t before = line->len;
        if (!(bits & 1u << i))
            continue;
        add(line, STR(", past "));
        add(line, name(self, choice->targets[i].provider));
        add(line, why);
        if (line->full)
            line->len = before;
    }
}

struct str route_text(const struct routes *routes, const struct route_choice *choice,
                      struct str (*name)(const void *self, uint32_t provider), const void *self,
                      char into[ROUTE_TEXT_MAX])
{
    struct line line = {.at = into};
    if (choice->test_key)
        return STR("test key");
    if (!choice->rule)
        return STR_NONE;
    add_rule(&line, &routes->list[choice->rule - 1], choice->rule);
    if (choice->probe)
        add(&line, STR(", as a probe"));
    add_past(&line, choice, choice->tried, STR(": tried before"), name, self);
    add_past(&line, choice, choice->shut, STR(": breaker open"), name, self);
    add_past(&line, choice, choice->narrow, STR(": coming back"), name, self);
    return (struct str){into, line.len};
}
