/* conf/yaml_tree.c - see yaml_tree.h. */
#include "conf/yaml_tree.h"
#include "model/limits.h"
#include <yaml.h>

/* An open list or map, with the children found so far. */
struct level {
    struct yaml_node *node;
    uint32_t cap;
    struct yaml_node *key; /* map: the key that waits for its value */
};

struct walk {
    yaml_parser_t parser;
    struct arena *arena;
    struct yaml_fault *fault;
    struct yaml_node *root;
    struct level levels[CONFIG_DEPTH_MAX];
    unsigned depth, nodes, documents;
};

static enum err refuse(struct walk *walk, yaml_mark_t at, const char *what)
{
    walk->fault->line = (unsigned)at.line + 1;
    walk->fault->column = (unsigned)at.column + 1;
    return why_set(&walk->fault->why, ERR_INPUT, "%s", what);
}

/* Doubles the room of a list; the old arrays stay in the arena. */
static bool make_room(struct walk *walk, struct level *level)
{
    struct yaml_node *node = level->node;
    if (node->count < level->cap)
        return true;
    uint32_t cap = level->cap ? level->cap * 2 : 8;
    struct yaml_node **items = arena_array(walk->arena, struct yaml_node *, cap);
    struct yaml_node **keys = arena_array(walk->arena, struct yaml_node *, cap);
    if (!items || !keys)
        return false;
    if (node->count) {
        memcpy(items, node->items, node->count * sizeof(*items));
        memcpy(keys, node->keys, node->count * sizeof(*keys));
    }
    node->items = items;
    node->keys = keys;
    level->cap = cap;
    return true;
}

/* Hangs a node where it belongs: root, item, key or value. */
static enum err place(struct walk *walk, struct yaml_node *node, yaml_mark_t at)
{
    if (!walk->depth) {
        walk->root = node;
        return OK;
    }
    struct level *level = &walk->levels[walk->depth - 1];
    if (level->node->type == YAML_MAP && !level->key) {
        if (node->type != YAML_TEXT)
            return refuse(walk, at, "a key must be a name");
        level->key = node;
        return OK;
    }
    if (!make_room(walk, level))
        return ERR_MEMORY;
    level->node->keys[level->node->count] = level->key;
    level->node->items[level->node->count++] = node;
    level->key = NULL;
    return OK;
}

static enum err add(struct walk *walk, const yaml_event_t *event, enum yaml_type type,
                    struct yaml_node **ret)
{
    if (walk->nodes++ >= CONFIG_NODES_MAX)
        return refuse(walk, event->start_mark, "too many values in one file");
    struct yaml_node *node = arena_new(walk->arena, struct yaml_node);
    if (!node)
        return ERR_MEMORY;
    node->type = type;
    node->line = (unsigned)event->start_mark.line + 1;
    node->column = (unsigned)event->start_mark.column + 1;
    *ret = node;
    return place(walk, node, event->start_mark);
}

static enum err open_level(struct walk *walk, const yaml_event_t *event, enum yaml_type type)
{
    struct yaml_node *node;
    enum err err = add(walk, event, type, &node);
    if (err)
        return err;
    if (walk->depth == CONFIG_DEPTH_MAX)
        return refuse(walk, event->start_mark, "nested too deeply");
    walk->levels[walk->depth++] = (struct level){.node = node};
    return OK;
}

static enum err add_text(struct walk *walk, const yaml_event_t *event)
{
    struct yaml_node *node;
    if (event->data.scalar.anchor)
        return refuse(walk, event->start_mark, "anchors are not supported");
    if (event->data.scalar.tag)
        return refuse(walk, event->start_mark, "tags are not supported");
    enum err err = add(walk, event, YAML_TEXT, &node);
    if (err)
        return err;
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->text = arena_copy(
        walk->arena, (struct str){(char *)event->data.scalar.value, event->data.scalar.length});
    return node->text.at ? OK : ERR_MEMORY;
}

static enum err take(struct walk *walk, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return walk->documents++ ? refuse(walk, event->start_mark, "a second document") : OK;
    case YAML_ALIAS_EVENT:
        return refuse(walk, event->start_mark, "aliases are not supported");
    case YAML_SCALAR_EVENT:
        return add_text(walk, event);
    case YAML_SEQUENCE_START_EVENT:
        if (event->data.sequence_start.anchor)
            return refuse(walk, event->start_mark, "anchors are not supported");
        if (event->data.sequence_start.tag)
            return refuse(walk, event->start_mark, "tags are not supported");
        return open_level(walk, event, YAML_LIST);
    case YAML_MAPPING_START_EVENT:
        if (event->data.mapping_start.anchor)
            return refuse(walk, event->start_mark, "anchors are not supported");
        if (event->data.mapping_start.tag)
            return refuse(walk, event->start_mark, "tags are not supported");
        return open_level(walk, event, YAML_MAP);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        walk->depth--;
        return OK;
    default:
        return OK;
    }
}

static enum err parser_fault(struct walk *walk)
{
    const yaml_parser_t *parser = &walk->parser;
    if (parser->error == YAML_MEMORY_ERROR)
        return ERR_MEMORY;
    yaml_mark_t at = parser->problem_mark;
    if (parser->error == YAML_READER_ERROR)
        at = parser->mark;
    walk->fault->line = (unsigned)at.line + 1;
    walk->fault->column = (unsigned)at.column + 1;
    return why_set(&walk->fault->why, ERR_INPUT, "not YAML: %s%s%s",
                   parser->context ? parser->context : "", parser->context ? ", " : "",
                   parser->problem ? parser->problem : "unreadable");
}

static enum err walk_all(struct walk *walk)
{
    enum err err = OK;
    for (bool end = false; !end && !err;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&walk->parser, &event))
            return parser_fault(walk);
        end = event.type == YAML_STREAM_END_EVENT;
        err = take(walk, &event);
        yaml_event_delete(&event);
    }
    return err;
}

enum err yaml_read(struct str text, struct arena *arena, struct yaml_node **ret,
                   struct yaml_fault *ret_fault)
{
    struct walk walk = {.arena = arena, .fault = ret_fault};
    if (!yaml_parser_initialize(&walk.parser))
        return ERR_MEMORY;
    yaml_parser_set_input_string(&walk.parser, (const unsigned char *)text.at, text.len);
    enum err err = walk_all(&walk);
    yaml_parser_delete(&walk.parser);
    if (err)
        return err;
    if (!walk.root || yaml_is_null(walk.root)) {
        walk.root = arena_new(arena, struct yaml_node);
        if (!walk.root)
            return ERR_MEMORY;
        walk.root->type = YAML_MAP;
        walk.root->line = walk.root->column = 1;
    }
    *ret = walk.root;
    return OK;
}

/* As deep as CONFIG_DEPTH_MAX at most. */
void yaml_wipe(struct yaml_node *node)
{
    if (node->text.len)
        wipe((char *)(uintptr_t)node->text.at, node->text.len);
    for (uint32_t i = 0; i < node->count; i++)
        yaml_wipe(node->items[i]);
}

bool yaml_is_null(const struct yaml_node *node)
{
    return node->type == YAML_TEXT && node->plain &&
           (str_eq(node->text, STR("")) || str_eq(node->text, STR("~")) ||
            str_eq(node->text, STR("null")));
}
