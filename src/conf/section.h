/* conf/section.h - how the sections of bongsu.yaml are read by the rows of config.def.
 *
 * Private to conf/. A reader goes on after a fault, so that one run lists them all; what it could
 * not read keeps its default, and the whole is refused at the end.
 */
#pragma once
#include "conf/config.h"
#include "conf/yaml_tree.h"

struct reader {
    struct config *config; /* being filled */
    struct config_faults *faults;
    bool exposed; /* a listener is not on loopback */
};

enum section {
    SECTION_ROOT,
    SECTION_LISTENER,
    SECTION_TLS,
    SECTION_RETENTION,
    SECTION_LIMITS,
    SECTION_PROVIDER,
    SECTION_ROUTE,
    SECTION_MATCH,
    SECTION_CHOICE,
    SECTION_PRIORITIES,
    SECTION_RETRY,
};

/* What a route names, before it is looked up. */
struct choice {
    const struct yaml_node *name;
    uint64_t weight;
};

/* Readers of a PART. `into` is what section_read was given. */
#define PART(section, key, read, required, text)                                                   \
    void read(struct reader *reader, struct yaml_node *node, void *into);
#include "conf/config.def"

/* Readers of a ROW of type NAMES, and of type RETRY. */
void names_read(struct reader *reader, struct yaml_node *node, struct config_names *ret);
void retry_read(struct reader *reader, struct yaml_node *node, struct config_retry *ret);

/* Called for a key that is in no row. */
typedef void section_other(struct reader *reader, struct yaml_node *key, struct yaml_node *item,
                           void *into);

/* Reads a map by the rows of `section`, in their order; `other` may be NULL: then a key without a
 * row is a fault. False if the node is no map. */
bool section_read(struct reader *reader, enum section section, struct yaml_node *node,
                  section_other *other, void *into);
void section_defaults(enum section section, void *into);
/* Has the section a row of this key? */
bool section_has(enum section section, struct str key);
/* The fault of a key that is not known; `more` are names beyond the section's, closed by NULL. */
void section_unknown(struct reader *reader, enum section section, const struct yaml_node *key,
                     const struct setting_def *more);
/* The item of a key; NULL if it is missing or null. */
struct yaml_node *section_item(const struct yaml_node *map, struct str key);

struct config_place place_of(const struct yaml_node *node);
#define node_fault(reader, node, remedy, ...)                                                      \
    config_fault_add((reader)->faults, place_of(node), str_of(remedy), __VA_ARGS__)

/* The node's text; false, with a fault, if it is a list or a map or empty. */
bool node_text(struct reader *reader, const struct yaml_node *node, struct str *ret);
/* `64KiB`: a whole number and B, KiB, MiB or GiB. */
bool bytes_parse(struct str text, uint64_t *ret);
/* ADDRESS:PORT, the address numeric (IPv6 in brackets) or localhost. */
bool listen_parse(struct str text, struct str *ret_host, uint16_t *ret_port);
bool listen_is_loopback(struct str host);

/* A list's items, or the one item that stands in its place. */
static inline uint32_t node_count(const struct yaml_node *node)
{
    return node->type == YAML_LIST ? node->count : 1;
}
static inline struct yaml_node *node_at(struct yaml_node *node, uint32_t i)
{
    return node->type == YAML_LIST ? node->items[i] : node;
}

/* The value behind env:NAME or file:PATH, or the text itself. A literal secret is a fault where a
 * listener is exposed. Lives in the configuration's arena. */
bool value_read(struct reader *reader, const struct yaml_node *node, bool secret, struct str *ret);
/* The content of a file, named with or without file:. */
bool file_read(struct reader *reader, const struct yaml_node *node, size_t max, struct str *ret);
