/* conf/providers.c - the section `providers`: the common settings, and those the driver knows. */
#include "conf/section.h"
#include "model/limits.h"
#include <stdio.h>

/* One provider while it is read; begins with what the rows of its section write to. */
struct provider_reading {
    struct config_provider provider;
    struct setting *settings;
    uint32_t count;
};

static const struct setting_def *find_def(const struct provider_ops *ops, struct str name)
{
    for (const struct setting_def *def = ops->settings; def && def->name.at; def++)
        if (str_eq(def->name, name))
            return def;
    return NULL;
}

static bool is_name(struct str name)
{
    if (!name.len || name.len > NAME_LEN_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alnum && (i == 0 || !strchr("_.-", c)))
            return false;
    }
    return true;
}

static void keep(struct reader *reader, struct provider_reading *reading,
                 const struct yaml_node *at, struct str name, struct str value)
{
    if (reading->count == SETTINGS_MAX) {
        node_fault(reader, at, "leave some out", "over %d settings", SETTINGS_MAX);
        return;
    }
    reading->settings[reading->count++] =
        (struct setting){arena_copy(&reader->config->arena, name), value};
}

void read_driver(struct reader *reader, struct yaml_node *node, void *into)
{
    struct provider_reading *reading = into;
    struct str driver;
    if (!node_text(reader, node, &driver))
        return;
    reading->provider.ops = provider_find(driver);
    if (reading->provider.ops)
        return;
    char known[WHY_MAX] = "there are";
    size_t count, used = strlen(known);
    const struct provider_ops *const *all = provider_all(&count);
    for (size_t i = 0; i < count && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s %.*s", i ? "," : "",
                                 STR_ARG(all[i]->driver));
    node_fault(reader, node, known, "unknown driver \"%.*s\"", STR_ARG(driver));
}

void read_text(struct reader *reader, struct yaml_node *node, void *into)
{
    struct provider_reading *reading = into;
    struct str value;
    if (value_read(reader, node, false, &value))
        keep(reader, reading, node, STR("url"), value);
}

void read_ca(struct reader *reader, struct yaml_node *node, void *into)
{
    struct provider_reading *reading = into;
    struct str pem;
    if (!file_read(reader, node, CA_BYTES_MAX, &pem))
        return;
    if (!memmem(pem.at, pem.len, "-----BEGIN CERTIFICATE-----", 27)) {
        node_fault(reader, node, "name a PEM file of root certificates",
                   "no PEM certificate in %.*s", STR_ARG(node->text));
        return;
    }
    keep(reader, reading, node, STR("ca"), pem);
}

/* A list of plain values is one setting, separated by commas. */
static bool list_read(struct reader *reader, const struct yaml_node *node, struct str *ret)
{
    struct str all = STR_NONE, one;
    for (uint32_t i = 0; i < node->count; i++) {
        if (!node_text(reader, node->items[i], &one))
            return false;
        if (str_has(one, ',')) {
            node_fault(reader, node->items[i], "write two items", "a comma in an item of a list");
            return false;
        }
        all = arena_printf(&reader->config->arena, "%.*s%s%.*s", STR_ARG(all), i ? "," : "",
                           STR_ARG(one));
    }
    if (!node->count)
        node_fault(reader, node, "write an item, or leave the key out", "an empty list");
    *ret = all;
    return all.at != NULL;
}

static void driver_setting(struct reader *reader, struct provider_reading *reading,
                           struct yaml_node *key, struct yaml_node *item, struct str name)
{
    const struct provider_ops *ops = reading->provider.ops;
    const struct setting_def *def = find_def(ops, name);
    struct str value;
    if (!def)
        section_unknown(reader, SECTION_PROVIDER, key, ops->settings);
    else if (yaml_is_null(item))
        return;
    else if (item->type == YAML_LIST ? list_read(reader, item, &value)
                                     : value_read(reader, item, def->secret, &value))
        keep(reader, reading, item, name, value);
}

/* A key that is not common to all drivers. A mapping gives settings named `key.member`. */
static void other_setting(struct reader *reader, struct yaml_node *key, struct yaml_node *item,
                          void *into)
{
    struct provider_reading *reading = into;
    if (!reading->provider.ops)
        return; /* the unknown driver is the fault; what its settings are nobody knows */
    if (item->type != YAML_MAP) {
        driver_setting(reader, reading, key, item, key->text);
        return;
    }
    for (uint32_t i = 0; i < item->count; i++) {
        struct str name = arena_printf(&reader->config->arena, "%.*s.%.*s", STR_ARG(key->text),
                                       STR_ARG(item->keys[i]->text));
        driver_setting(reader, reading, item->keys[i], item->items[i], name);
    }
}

/* Is the key written at all? Then a fault of its value has been said already. */
static bool written(const struct yaml_node *map, struct str name)
{
    struct str rest = name, head = str_cut(&rest, '.');
    const struct yaml_node *item = section_item(map, head);
    if (item && rest.at)
        return item->type == YAML_MAP && section_item(item, rest);
    return item != NULL;
}

static void check_required(struct reader *reader, const struct provider_ops *ops,
                           const struct yaml_node *map)
{
    for (const struct setting_def *def = ops->settings; def && def->name.at; def++)
        if (def->required && !written(map, def->name))
            node_fault(reader, map, "see bongsu.yaml(5) for what the driver needs",
                       "%.*s is missing: driver %.*s needs it", STR_ARG(def->name),
                       STR_ARG(ops->driver));
}

static void common_setting(struct reader *reader, struct provider_reading *reading,
                           const struct yaml_node *map, struct str name)
{
    const struct yaml_node *item = section_item(map, name);
    if (item && item->type == YAML_TEXT)
        keep(reader, reading, item, name, arena_copy(&reader->config->arena, item->text));
}

/* What only the driver can tell: whether its settings go together, its keys are keys. */
static void try_open(struct reader *reader, const struct config_provider *provider)
{
    void *self = NULL;
    struct why why = {""};
    enum err err = provider->ops->open(&provider->open, &self, &why);
    if (err)
        config_fault_add(reader->faults, provider->place, STR_NONE, "provider %.*s: %s",
                         STR_ARG(provider->open.name), why.text);
    else
        provider->ops->close(self);
}

static void read_provider(struct reader *reader, struct yaml_node *key, struct yaml_node *map,
                          struct config_provider *ret)
{
    struct config *config = reader->config;
    uint32_t faults = reader->faults->count;
    struct provider_reading reading = {
        .provider = {.place = place_of(key)},
        .settings = arena_array(&config->arena, struct setting, SETTINGS_MAX)};
    if (!is_name(key->text))
        node_fault(reader, key, "use letters, digits, '_', '.' and '-', a letter or digit first",
                   "\"%.*s\" is no name for a provider", STR_ARG(key->text));
    section_defaults(SECTION_PROVIDER, &reading);
    if (!reading.settings)
        return;
    if (section_read(reader, SECTION_PROVIDER, map, other_setting, &reading)) {
        if (reading.provider.ops)
            check_required(reader, reading.provider.ops, map);
        common_setting(reader, &reading, map, STR("rate"));
        common_setting(reader, &reading, map, STR("in_flight"));
        common_setting(reader, &reading, map, STR("timeout"));
    }
    reading.provider.open = (struct provider_config){.name = arena_copy(&config->arena, key->text),
                                                     .settings = reading.settings,
                                                     .setting_count = reading.count,
                                                     .public_url = config->public_url};
    *ret = reading.provider;
    if (ret->ops && reader->faults->count == faults)
        try_open(reader, ret);
}

void read_providers(struct reader *reader, struct yaml_node *node, void *into)
{
    struct config *config = into;
    if (node->type != YAML_MAP) {
        node_fault(reader, node, "write NAME: {driver: ...}", "no mapping of names to providers");
        return;
    }
    if (node->count > PROVIDERS_MAX) {
        node_fault(reader, node, "use fewer", "over %d providers", PROVIDERS_MAX);
        return;
    }
    struct config_provider *list = arena_array(&config->arena, struct config_provider, node->count);
    if (!list)
        return;
    for (uint32_t i = 0; i < node->count; i++) {
        for (uint32_t j = 0; j < i; j++)
            if (str_eq(node->keys[i]->text, node->keys[j]->text))
                node_fault(reader, node->keys[i], "give each a name of its own",
                           "a second provider \"%.*s\" (the first is on line %u)",
                           STR_ARG(node->keys[i]->text), node->keys[j]->line);
        read_provider(reader, node->keys[i], node->items[i], &list[i]);
    }
    config->providers = list;
    config->provider_count = node->count;
}
