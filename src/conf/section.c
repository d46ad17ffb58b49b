/* conf/section.c - the rows of config.def, and how a map is read by them. */
#include "conf/section.h"
#include "conf/nearest.h"
#include "model/limits.h"

enum row_type { ROW_SPAN, ROW_BYTES, ROW_COUNT, ROW_URL, ROW_NAMES, ROW_RETRY, ROW_PART };

struct row {
    enum section section;
    struct str key;
    enum row_type type;
    size_t offset;
    const char *fallback;
    int64_t min, max;
    bool required;
    void (*read)(struct reader *reader, struct yaml_node *node, void *into);
    const char *text;
};

static const struct row rows[] = {
#define ROW(section, key, type, of, member, fallback, min, max, text)                              \
    {SECTION_##section,                                                                            \
     STR_INIT(key),                                                                                \
     ROW_##type,                                                                                   \
     offsetof(struct of, member),                                                                  \
     fallback,                                                                                     \
     min,                                                                                          \
     max,                                                                                          \
     false,                                                                                        \
     NULL,                                                                                         \
     text},
#define PART(section, key, read, required, text)                                                   \
    {SECTION_##section, STR_INIT(key), ROW_PART, 0, NULL, 0, 0, required, read, text},
#include "conf/config.def"
};

enum { ROW_COUNT_ALL = sizeof rows / sizeof *rows };

struct config_place place_of(const struct yaml_node *node)
{
    return (struct config_place){node->line, node->column};
}

bool node_text(struct reader *reader, const struct yaml_node *node, struct str *ret)
{
    if (node->type != YAML_TEXT) {
        node_fault(reader, node, "write a single value", "a %s stands where a value should",
                   node->type == YAML_LIST ? "list" : "mapping");
        return false;
    }
    if (!node->text.len) {
        node_fault(reader, node, "write a value, or leave the key out", "an empty value");
        return false;
    }
    *ret = node->text;
    return true;
}

struct yaml_node *section_item(const struct yaml_node *map, struct str key)
{
    for (uint32_t i = 0; i < map->count; i++)
        if (str_eq(map->keys[i]->text, key))
            return yaml_is_null(map->items[i]) ? NULL : map->items[i];
    return NULL;
}

bool section_has(enum section section, struct str key)
{
    for (size_t i = 0; i < ROW_COUNT_ALL; i++)
        if (rows[i].section == section && str_eq(rows[i].key, key))
            return true;
    return false;
}

void section_unknown(struct reader *reader, enum section section, const struct yaml_node *key,
                     const struct setting_def *more)
{
    struct nearest nearest;
    nearest_init(&nearest, key->text);
    for (size_t i = 0; i < ROW_COUNT_ALL; i++)
        if (rows[i].section == section)
            nearest_offer(&nearest, rows[i].key);
    for (; more && more->name.at; more++)
        nearest_offer(&nearest, more->name);
    node_fault(reader, key, nearest_remedy(&nearest), "unknown key \"%.*s\"", STR_ARG(key->text));
}

/* -- values of a row --------------------------------------------------------------------------- */

bool bytes_parse(struct str text, uint64_t *ret)
{
    static const struct {
        struct str unit;
        uint64_t bytes;
    } units[] = {{STR_INIT("B"), 1},
                 {STR_INIT("KiB"), 1024},
                 {STR_INIT("MiB"), 1024 * 1024},
                 {STR_INIT("GiB"), 1024 * 1024 * 1024}};
    size_t digits = 0;
    while (digits < text.len && text.at[digits] >= '0' && text.at[digits] <= '9')
        digits++;
    uint64_t number;
    if (!str_to_u64(str_slice(text, 0, digits), &number))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (str_eq(str_slice(text, digits, text.len), units[i].unit))
            return !__builtin_mul_overflow(number, units[i].bytes, ret);
    return false;
}

static bool is_url(struct str text)
{
    struct str rest = text;
    if (str_starts(text, STR("https://")))
        rest = str_slice(text, 8, text.len);
    else if (str_starts(text, STR("http://")))
        rest = str_slice(text, 7, text.len);
    else
        return false;
    for (size_t i = 0; i < rest.len; i++)
        if (rest.at[i] <= ' ' || rest.at[i] >= 0x7f || strchr("?#@\"<>\\", rest.at[i]))
            return false;
    return rest.len && rest.at[0] != '/' && rest.at[0] != ':';
}

/* Parses `text` and writes it into the member; false if it is not of the row's type. */
static bool row_parse(const struct row *row, struct str text, void *into, int64_t *ret)
{
    char *member = (char *)into + row->offset;
    uint64_t number = 0;
    struct span span;
    switch (row->type) {
    case ROW_SPAN:
        if (!span_parse(text, &span))
            return false;
        *ret = span.us;
        memcpy(member, &span, sizeof span);
        return true;
    case ROW_BYTES:
    case ROW_COUNT:
        if (!(row->type == ROW_BYTES ? bytes_parse(text, &number) : str_to_u64(text, &number)) ||
            number > INT64_MAX)
            return false;
        *ret = (int64_t)number;
        memcpy(member, &number, sizeof number);
        return true;
    default:
        must(false);
        return false;
    }
}

static const char *type_remedy(enum row_type type)
{
    switch (type) {
    case ROW_SPAN:
        return "write a whole number and a unit: 500ms, 30s, 10m, 24h or 30d";
    case ROW_BYTES:
        return "write a whole number and a unit: 512B, 64KiB, 1MiB or 2GiB";
    default:
        return "write a whole number";
    }
}

static void format_value(const struct row *row, int64_t value, struct buf *into)
{
    static const struct {
        enum row_type type;
        int64_t unit;
        const char *name;
    } units[] = {{ROW_SPAN, 86400000000, "d"}, {ROW_SPAN, 3600000000, "h"},
                 {ROW_SPAN, 60000000, "m"},    {ROW_SPAN, 1000000, "s"},
                 {ROW_SPAN, 1000, "ms"},       {ROW_BYTES, 1073741824, "GiB"},
                 {ROW_BYTES, 1048576, "MiB"},  {ROW_BYTES, 1024, "KiB"},
                 {ROW_BYTES, 1, "B"},          {ROW_COUNT, 1, ""}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (units[i].type == row->type && value % units[i].unit == 0 &&
            (value || units[i].unit == 1)) {
            buf_printf(into, "%lld%s", (long long)(value / units[i].unit), units[i].name);
            return;
        }
    buf_add(into, STR("0"));
}

static void out_of_range(struct reader *reader, const struct row *row, const struct yaml_node *node)
{
    struct buf remedy;
    buf_init(&remedy, WHY_MAX);
    buf_add(&remedy, STR("write a value from "));
    format_value(row, row->min, &remedy);
    buf_add(&remedy, STR(" to "));
    format_value(row, row->max, &remedy);
    config_fault_add(reader->faults, place_of(node), buf_str(&remedy),
                     "%.*s is out of range: \"%.*s\"", STR_ARG(row->key), STR_ARG(node->text));
    buf_done(&remedy);
}

static void read_url(struct reader *reader, const struct yaml_node *node, struct str *ret)
{
    struct str text;
    if (!node_text(reader, node, &text))
        return;
    while (str_ends(text, STR("/")))
        text.len--;
    if (is_url(text))
        *ret = arena_copy(&reader->config->arena, text);
    else
        node_fault(reader, node, "write it like https://notify.example",
                   "\"%.*s\" is no http or https URL without query", STR_ARG(node->text));
}

static void read_value(struct reader *reader, const struct row *row, const struct yaml_node *node,
                       void *into)
{
    struct str text;
    int64_t value;
    if (!node_text(reader, node, &text))
        return;
    if (!row_parse(row, text, into, &value))
        node_fault(reader, node, type_remedy(row->type), "%.*s cannot be \"%.*s\"",
                   STR_ARG(row->key), STR_ARG(text));
    else if (value < row->min || value > row->max)
        out_of_range(reader, row, node);
}

static void row_read(struct reader *reader, const struct row *row, struct yaml_node *node,
                     void *into)
{
    void *member = (char *)into + row->offset;
    switch (row->type) {
    case ROW_PART:
        row->read(reader, node, into);
        break;
    case ROW_URL:
        read_url(reader, node, member);
        break;
    case ROW_NAMES:
        names_read(reader, node, member);
        break;
    case ROW_RETRY:
        retry_read(reader, node, member);
        break;
    default:
        read_value(reader, row, node, into);
    }
}

void section_defaults(enum section section, void *into)
{
    int64_t value;
    for (size_t i = 0; i < ROW_COUNT_ALL; i++)
        if (rows[i].section == section && rows[i].fallback)
            must(row_parse(&rows[i], str_of(rows[i].fallback), into, &value));
}

/* -- the map ----------------------------------------------------------------------------------- */

static void check_keys(struct reader *reader, enum section section, struct yaml_node *map,
                       section_other *other, void *into)
{
    for (uint32_t i = 0; i < map->count; i++) {
        struct yaml_node *key = map->keys[i];
        for (uint32_t j = 0; j < i; j++)
            if (str_eq(map->keys[j]->text, key->text)) {
                node_fault(reader, key, "keep one of them", "\"%.*s\" stands here twice (line %u)",
                           STR_ARG(key->text), map->keys[j]->line);
                break;
            }
        if (section_has(section, key->text))
            continue;
        if (other)
            other(reader, key, map->items[i], into);
        else
            section_unknown(reader, section, key, NULL);
    }
}

bool section_read(struct reader *reader, enum section section, struct yaml_node *node,
                  section_other *other, void *into)
{
    if (node->type != YAML_MAP) {
        node_fault(reader, node, "write key: value pairs", "a %s stands where a mapping should",
                   node->type == YAML_LIST ? "list" : "single value");
        return false;
    }
    for (size_t i = 0; i < ROW_COUNT_ALL; i++) {
        const struct row *row = &rows[i];
        if (row->section != section)
            continue;
        struct yaml_node *item = section_item(node, row->key);
        if (item)
            row_read(reader, row, item, into);
        else if (row->required)
            node_fault(reader, node, row->text, "%.*s is missing", STR_ARG(row->key));
    }
    check_keys(reader, section, node, other, into);
    return true;
}
