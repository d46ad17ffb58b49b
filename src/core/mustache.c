/* core/mustache.c - compiles a template: text to a flat tree of nodes. */
#include "core/mustache.h"
#include "core/mustache_tree.h"
#include "model/limits.h"
#include <stdio.h>
#include <stdlib.h>

enum { NODES_FIRST = 32, NAME_SHOWN_MAX = 40, DELIMITER_LEN_MAX = 16 };

struct opened {
    uint32_t node;
    size_t offset; /* of its tag */
};

struct compiler {
    struct str text;
    size_t at; /* behind what is compiled already */
    struct arena *arena;
    struct mustache_fault *fault;
    struct str open, close; /* the delimiters */
    struct node few[NODES_FIRST], *nodes, *heap;
    uint32_t count, cap;
    struct opened opened[SECTION_DEPTH_MAX];
    uint32_t depth;
};

/* One tag as it stands in the text. */
struct tag {
    size_t from, to; /* from the opening delimiter to behind the closing one */
    char sigil;      /* '\0' for a plain variable */
    struct str body; /* trimmed, behind the sigil */
    bool standalone;
    size_t line, rest; /* standalone: where its line begins, and the next one */
};

static enum err fault_at(struct compiler *c, size_t offset, const char *format, ...)
    printf_like(3, 4);
static enum err fault_at(struct compiler *c, size_t offset, const char *format, ...)
{
    struct mustache_fault fault = {.offset = offset, .line = 1, .column = 1};
    for (size_t i = 0; i < offset; i++) {
        bool first = ((unsigned char)c->text.at[i] & 0xc0) != 0x80;
        fault.column = c->text.at[i] == '\n' ? 1 : fault.column + first;
        fault.line += c->text.at[i] == '\n';
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fault.why.text, sizeof fault.why.text, format, args);
    va_end(args);
    *c->fault = fault;
    return ERR_INPUT;
}

/* A name for a message: not endless, and whole characters. */
static struct str shown(struct str name)
{
    if (name.len > NAME_SHOWN_MAX) {
        name.len = NAME_SHOWN_MAX;
        while (name.len && ((unsigned char)name.at[name.len] & 0xc0) == 0x80)
            name.len--;
    }
    return name;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct str trim(struct str s)
{
    while (s.len && is_space(s.at[0]))
        s = str_slice(s, 1, s.len);
    while (s.len && is_space(s.at[s.len - 1]))
        s.len--;
    return s;
}

/* Offset of `what` at or behind `from`; the length of the text if there is none. */
static size_t find(const struct compiler *c, size_t from, struct str what)
{
    const char *found = memmem(c->text.at + from, c->text.len - from, what.at, what.len);
    return found ? (size_t)(found - c->text.at) : c->text.len;
}

static struct node *add_node(struct compiler *c, enum node_kind kind, size_t offset)
{
    if (c->count == c->cap) {
        struct node *heap = reallocarray(c->heap, c->cap * (size_t)2, sizeof *heap);
        if (!heap)
            return NULL;
        if (!c->heap)
            memcpy(heap, c->few, sizeof c->few);
        c->nodes = c->heap = heap;
        c->cap *= 2;
    }
    struct node *node = &c->nodes[c->count++];
    *node =
        (struct node){.kind = kind, .line_start = offset == 0 || c->text.at[offset - 1] == '\n'};
    return node;
}

static enum err add_text(struct compiler *c, size_t from, size_t to)
{
    if (from == to)
        return OK;
    struct node *node = add_node(c, NODE_TEXT, from);
    if (!node)
        return ERR_MEMORY;
    node->text = str_slice(c->text, from, to);
    return OK;
}

/* Alone on its line but for spaces and tabs. Kinds that print something never are. */
static void see_standalone(const struct compiler *c, struct tag *tag)
{
    if (tag->sigil == '\0' || tag->sigil == '&' || tag->sigil == '{')
        return;
    const char *text = c->text.at;
    size_t line = tag->from, rest = tag->to;
    while (line > c->at && (text[line - 1] == ' ' || text[line - 1] == '\t'))
        line--;
    while (rest < c->text.len && (text[rest] == ' ' || text[rest] == '\t'))
        rest++;
    if (line > 0 && text[line - 1] != '\n')
        return;
    if (rest < c->text.len) {
        rest += text[rest] == '\r' && rest + 1 < c->text.len && text[rest + 1] == '\n';
        if (text[rest] != '\n')
            return;
        rest++;
    }
    tag->standalone = true;
    tag->line = line;
    tag->rest = rest;
}

/* The tag that opens at `from`. */
static enum err read_tag(struct compiler *c, size_t from, struct tag *ret)
{
    struct tag tag = {.from = from};
    size_t at = from + c->open.len;
    if (at < c->text.len && c->text.at[at] == '{') {
        tag.sigil = '{';
        at++;
    } else {
        while (at < c->text.len && is_space(c->text.at[at]))
            at++;
        if (at < c->text.len && strchr("#^/!>&=", c->text.at[at]) && c->text.at[at])
            tag.sigil = c->text.at[at++];
    }
    char closing[DELIMITER_LEN_MAX + 1];
    size_t before = tag.sigil == '{' || tag.sigil == '=';
    if (before)
        closing[0] = tag.sigil == '{' ? '}' : '=';
    memcpy(closing + before, c->close.at, c->close.len);
    struct str close = {closing, before + c->close.len};
    size_t end = find(c, at, close);
    if (end == c->text.len)
        return fault_at(c, from, "the tag is not closed: \"%.*s\" is missing", STR_ARG(close));
    tag.to = end + close.len;
    tag.body = trim(str_slice(c->text, at, end));
    see_standalone(c, &tag);
    *ret = tag;
    return OK;
}

/* {{=<% %>=}}: two marks without spaces or '='. */
static enum err set_delimiters(struct compiler *c, const struct tag *tag)
{
    size_t first = 0, second;
    while (first < tag->body.len && !is_space(tag->body.at[first]))
        first++;
    for (second = first; second < tag->body.len && is_space(tag->body.at[second]);)
        second++;
    struct str open = str_slice(tag->body, 0, first);
    struct str close = str_slice(tag->body, second, tag->body.len);
    bool good = open.len && close.len && !str_has(tag->body, '=');
    for (size_t i = 0; i < close.len; i++)
        good = good && !is_space(close.at[i]);
    if (!good)
        return fault_at(c, tag->from, "delimiters are two marks with a space between, without '='");
    if (open.len > DELIMITER_LEN_MAX || close.len > DELIMITER_LEN_MAX)
        return fault_at(c, tag->from, "a delimiter may have %d bytes at most", DELIMITER_LEN_MAX);
    c->open = open;
    c->close = close;
    return OK;
}

static enum err check_name(struct compiler *c, const struct tag *tag)
{
    struct str name = tag->body;
    if (!name.len)
        return fault_at(c, tag->from, "the tag has no name");
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.at[i] <= ' ' || name.at[i] == 0x7f)
            return fault_at(c, tag->from, "the name \"%.*s\" may not hold spaces",
                            STR_ARG(shown(name)));
    if (strchr("#^/!>&={}<$*", name.at[0]))
        return fault_at(c, tag->from, "a name may not begin with '%c'", name.at[0]);
    return OK;
}

/* Splits a dotted name; "." alone has no steps. */
static enum err split_name(struct compiler *c, const struct tag *tag, struct node *node)
{
    struct str rest = tag->body;
    node->text = rest;
    if (str_eq(rest, STR(".")))
        return OK;
    uint32_t count = 1;
    for (size_t i = 0; i < rest.len; i++)
        count += rest.at[i] == '.';
    struct str *steps = arena_array(c->arena, struct str, count);
    if (!steps)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        steps[i] = str_cut(&rest, '.');
        if (!steps[i].len)
            return fault_at(c, tag->from, "the name \"%.*s\" has an empty part",
                            STR_ARG(shown(tag->body)));
    }
    node->steps = steps;
    node->step_count = count;
    return OK;
}

static enum err add_named(struct compiler *c, const struct tag *tag, enum node_kind kind)
{
    struct node *node = add_node(c, kind, tag->from);
    if (!node)
        return ERR_MEMORY;
    node->raw = tag->sigil == '{' || tag->sigil == '&';
    return split_name(c, tag, node);
}

static enum err open_section(struct compiler *c, const struct tag *tag)
{
    if (c->depth == SECTION_DEPTH_MAX)
        return fault_at(c, tag->from, "sections are nested deeper than %d", SECTION_DEPTH_MAX);
    c->opened[c->depth++] = (struct opened){.node = c->count, .offset = tag->from};
    enum err err = add_named(c, tag, tag->sigil == '#' ? NODE_SECTION : NODE_INVERTED);
    if (!err && tag->standalone)
        c->nodes[c->count - 1].line_start = false;
    return err;
}

static enum err close_section(struct compiler *c, const struct tag *tag)
{
    if (!c->depth)
        return fault_at(c, tag->from, "the section \"%.*s\" is closed but not open",
                        STR_ARG(shown(tag->body)));
    uint32_t index = c->opened[--c->depth].node;
    struct str name = c->nodes[index].text;
    if (!str_eq(name, tag->body))
        return fault_at(c, tag->from, "\"%.*s\" is closed, but the open section is \"%.*s\"",
                        STR_ARG(shown(tag->body)), STR_ARG(shown(name)));
    /* Indentation that would stand before a closing tag belongs to the body. */
    bool line_start = !tag->standalone && tag->from && c->text.at[tag->from - 1] == '\n';
    if (line_start && !add_node(c, NODE_TEXT, tag->from))
        return ERR_MEMORY;
    c->nodes[index].end = c->count;
    return OK;
}

static enum err add_partial(struct compiler *c, const struct tag *tag)
{
    struct node *node = add_node(c, NODE_PARTIAL, tag->from);
    if (!node)
        return ERR_MEMORY;
    node->text = tag->body;
    node->standalone = tag->standalone;
    if (tag->standalone)
        node->indent = str_slice(c->text, tag->line, tag->from);
    return OK;
}

static enum err add_tag(struct compiler *c, const struct tag *tag)
{
    if (tag->sigil == '!')
        return OK;
    if (tag->sigil == '=')
        return set_delimiters(c, tag);
    enum err err = check_name(c, tag);
    if (err)
        return err;
    switch (tag->sigil) {
    case '#':
    case '^':
        return open_section(c, tag);
    case '/':
        return close_section(c, tag);
    case '>':
        return add_partial(c, tag);
    default:
        return add_named(c, tag, NODE_VARIABLE);
    }
}

static enum err compile_all(struct compiler *c)
{
    while (c->at < c->text.len) {
        size_t from = find(c, c->at, c->open);
        struct tag tag = {.from = from, .to = from};
        enum err err = from < c->text.len ? read_tag(c, from, &tag) : OK;
        if (!err)
            err = add_text(c, c->at, tag.standalone ? tag.line : tag.from);
        if (!err && from < c->text.len)
            err = add_tag(c, &tag);
        if (err)
            return err;
        c->at = tag.standalone ? tag.rest : tag.to;
    }
    if (c->depth) {
        const struct opened *opened = &c->opened[c->depth - 1];
        return fault_at(c, opened->offset, "the section \"%.*s\" is not closed",
                        STR_ARG(shown(c->nodes[opened->node].text)));
    }
    return OK;
}

enum err mustache_compile(struct str text, struct arena *arena, const struct mustache **ret,
                          struct mustache_fault *ret_fault)
{
    struct compiler c = {
        .text = text.at ? text : STR(""),
        .arena = arena,
        .fault = ret_fault,
        .open = STR("{{"),
        .close = STR("}}"),
        .cap = NODES_FIRST,
    };
    c.nodes = c.few;
    enum err err = compile_all(&c);
    if (!err) {
        struct mustache *mustache = arena_new(arena, struct mustache);
        struct node *nodes = arena_array(arena, struct node, c.count);
        if (mustache && (nodes || !c.count)) {
            if (c.count)
                memcpy(nodes, c.nodes, c.count * sizeof *nodes);
            *mustache = (struct mustache){.nodes = nodes, .count = c.count};
            *ret = mustache;
        } else {
            err = ERR_MEMORY;
        }
    }
    free(c.heap);
    return err;
}

bool mustache_uses(const struct mustache *mustache, struct str name)
{
    for (uint32_t i = 0; i < mustache->count; i++) {
        const struct node *node = &mustache->nodes[i];
        if (node->step_count && str_eq(node->steps[0], name))
            return true;
    }
    return false;
}

struct str mustache_partial(const struct mustache *mustache, uint32_t *at)
{
    while (*at < mustache->count) {
        const struct node *node = &mustache->nodes[(*at)++];
        if (node->kind == NODE_PARTIAL)
            return node->text;
    }
    return STR_NONE;
}
