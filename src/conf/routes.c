/* conf/routes.c - the section `routes`: which providers serve which deliveries. */
#include "conf/nearest.h"
#include "conf/section.h"
#include "model/limits.h"

/* One rule while it is read. */
struct route_reading {
    struct config_route *route;
    bool kind_known;
    const struct yaml_node *match;
};

void read_kind(struct reader *reader, struct yaml_node *node, void *into)
{
    struct route_reading *reading = into;
    struct str text;
    if (!node_text(reader, node, &text))
        return;
    reading->kind_known = kind_parse(text, &reading->route->kind);
    if (!reading->kind_known)
        node_fault(reader, node, "write ios, android, web, sms or email", "no kind \"%.*s\"",
                   STR_ARG(text));
}

/* -- conditions -------------------------------------------------------------------------------- */

void names_read(struct reader *reader, struct yaml_node *node, struct config_names *ret)
{
    uint32_t count = node_count(node);
    if (!count || count > MATCH_MAX) {
        node_fault(reader, node, "name from 1 to 64", "a condition of %u names", count);
        return;
    }
    struct str *list = arena_array(&reader->config->arena, struct str, count);
    for (uint32_t i = 0; list && i < count; i++) {
        struct str text;
        if (!node_text(reader, node_at(node, i), &text))
            return;
        list[i] = arena_copy(&reader->config->arena, text);
    }
    ret->list = list;
    ret->count = list ? count : 0;
}

void read_match(struct reader *reader, struct yaml_node *node, void *into)
{
    struct route_reading *reading = into;
    reading->match = node;
    section_read(reader, SECTION_MATCH, node, NULL, &reading->route->match);
}

static void check_countries(struct reader *reader, struct yaml_node *node)
{
    for (uint32_t i = 0; i < node_count(node); i++) {
        struct yaml_node *item = node_at(node, i);
        struct str text = item->type == YAML_TEXT ? item->text : STR("");
        if (item->type == YAML_TEXT && (text.len != 2 || text.at[0] < 'A' || text.at[0] > 'Z' ||
                                        text.at[1] < 'A' || text.at[1] > 'Z'))
            node_fault(reader, item, "write two capitals of ISO 3166-1, like KR",
                       "\"%.*s\" is no country", STR_ARG(text));
    }
}

static void check_match(struct reader *reader, const struct route_reading *reading)
{
    if (!reading->match || reading->match->type != YAML_MAP)
        return;
    enum kind kind = reading->route->kind;
    struct yaml_node *country = section_item(reading->match, STR("country"));
    struct yaml_node *bundle = section_item(reading->match, STR("bundle_id"));
    if (country)
        check_countries(reader, country);
    if (!reading->kind_known)
        return;
    if (country && kind != KIND_SMS)
        node_fault(reader, country, "leave it out: only a phone number has a country",
                   "a rule of kind %.*s cannot match a country", STR_ARG(kind_name(kind)));
    if (bundle && kind != KIND_IOS && kind != KIND_ANDROID)
        node_fault(reader, bundle, "leave it out: only ios and android devices have one",
                   "a rule of kind %.*s cannot match a bundle_id", STR_ARG(kind_name(kind)));
}

/* -- providers of a rule ----------------------------------------------------------------------- */

void read_choice_name(struct reader *reader, struct yaml_node *node, void *into)
{
    struct choice *choice = into;
    struct str text;
    if (node_text(reader, node, &text))
        choice->name = node;
}

static bool find_provider(struct reader *reader, const struct yaml_node *name, uint32_t *ret)
{
    const struct config *config = reader->config;
    struct nearest nearest;
    nearest_init(&nearest, name->text);
    for (uint32_t i = 0; i < config->provider_count; i++) {
        struct str known = config->providers[i].open.name;
        if (str_eq(known, name->text)) {
            *ret = i;
            return true;
        }
        nearest_offer(&nearest, known);
    }
    node_fault(reader, name,
               config->provider_count ? nearest_remedy(&nearest) : "add it under providers",
               "no provider \"%.*s\"", STR_ARG(name->text));
    return false;
}

static void add_choice(struct reader *reader, const struct choice *choice,
                       struct config_choice *list, struct config_route *route)
{
    uint32_t provider;
    if (!choice->name || !find_provider(reader, choice->name, &provider))
        return;
    for (uint32_t i = 0; i < route->choice_count; i++)
        if (list[i].provider == provider) {
            node_fault(reader, choice->name, "keep one of them", "\"%.*s\" stands here twice",
                       STR_ARG(choice->name->text));
            return;
        }
    list[route->choice_count++] = (struct config_choice){provider, (uint32_t)choice->weight};
}

void read_choices(struct reader *reader, struct yaml_node *node, void *into)
{
    struct config_route *route = ((struct route_reading *)into)->route;
    uint32_t count = node_count(node), weighed = 0;
    if (!count || count > CHOICES_MAX) {
        node_fault(reader, node, "name from 1 to 8 providers", "a rule with %u providers", count);
        return;
    }
    struct config_choice *list = arena_array(&reader->config->arena, struct config_choice, count);
    if (!list)
        return;
    for (uint32_t i = 0; i < count; i++) {
        struct yaml_node *item = node_at(node, i);
        struct choice choice = {0};
        if (item->type == YAML_MAP)
            section_read(reader, SECTION_CHOICE, item, NULL, &choice);
        else
            read_choice_name(reader, item, &choice);
        weighed += item->type == YAML_MAP && section_item(item, STR("weight"));
        add_choice(reader, &choice, list, route);
    }
    if (weighed && weighed < count)
        node_fault(reader, node, "give all of them a weight, or none",
                   "%u of %u providers have a weight", weighed, count);
    route->choices = list;
}

/* Every provider of the rule must serve its kind. */
static void check_kinds(struct reader *reader, const struct route_reading *reading,
                        struct yaml_node *map)
{
    const struct config_route *route = reading->route;
    struct yaml_node *at = section_item(map, STR("providers"));
    for (uint32_t i = 0; reading->kind_known && i < route->choice_count; i++) {
        const struct config_provider *provider =
            &reader->config->providers[route->choices[i].provider];
        if (provider->ops && !(provider->ops->kinds & 1u << route->kind))
            node_fault(reader, at, "name a provider that does",
                       "\"%.*s\" (driver %.*s) does not serve %.*s", STR_ARG(provider->open.name),
                       STR_ARG(provider->ops->driver), STR_ARG(kind_name(route->kind)));
    }
}

static void read_route(struct reader *reader, struct yaml_node *node, struct config_route *route)
{
    struct route_reading reading = {.route = route};
    route->place = place_of(node);
    if (!section_read(reader, SECTION_ROUTE, node, NULL, &reading))
        return;
    check_match(reader, &reading);
    check_kinds(reader, &reading, node);
}

void read_routes(struct reader *reader, struct yaml_node *node, void *into)
{
    struct config *config = into;
    if (node->type != YAML_LIST || node->count > ROUTES_MAX) {
        node_fault(reader, node, "write a list of at most 256 rules", "no list of rules");
        return;
    }
    struct config_route *list = arena_array(&config->arena, struct config_route, node->count);
    if (!list)
        return;
    for (uint32_t i = 0; i < node->count; i++)
        read_route(reader, node->items[i], &list[i]);
    config->routes = list;
    config->route_count = node->count;
}
