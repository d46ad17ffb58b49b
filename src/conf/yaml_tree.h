/* conf/yaml_tree.h - one YAML document as a tree that knows where everything stands.
 *
 * Over libyaml's events, so that what a configuration has no use for can be refused: anchors and
 * aliases, tags, several documents, keys that are no plain names. Bounded in nodes and depth. The
 * tree lives in the arena; its texts may be secrets: yaml_wipe before the arena goes.
 */
#pragma once
#include "base/arena.h"

enum yaml_type { YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_type type;
    unsigned line, column; /* from 1 */
    bool plain;            /* text without quotes: may be null */
    struct str text;
    uint32_t count;
    struct yaml_node **items; /* list and map */
    struct yaml_node **keys;  /* map: texts, beside their items */
};

struct yaml_fault {
    unsigned line, column;
    struct why why;
};

/* An empty document is an empty map. ERR_INPUT with *ret_fault, or ERR_MEMORY. */
enum err yaml_read(struct str text, struct arena *arena, struct yaml_node **ret,
                   struct yaml_fault *ret_fault) must_use;
void yaml_wipe(struct yaml_node *node);
/* `null`, `~` or nothing at all, without quotes. */
bool yaml_is_null(const struct yaml_node *node);
