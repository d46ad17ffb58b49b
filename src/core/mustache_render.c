/* core/mustache_render.c - renders a compiled template against a stack of values. */
#include "core/mustache.h"
#include "core/mustache_tree.h"
#include "model/limits.h"

enum { MEMBERS_A_STEP = 16, NUMBER_LEN_MAX = 400 };

/* One value that names are looked up in; the innermost points at those around it. */
struct frame {
    const struct json *value;
    const struct frame *up;
};

/* What stands before each line of a partial: of all partials around it, the outermost first. */
struct indent {
    struct str text;
    const struct indent *up;
};

struct renderer {
    const struct mustache_view *view;
    struct buf *out;
    struct why *why;
    enum err err; /* the first; nothing is done after it */
    uint32_t steps;
    uint32_t partials; /* nested now */
};

static void render_nodes(struct renderer *r, const struct mustache *mustache, uint32_t from,
                         uint32_t to, const struct frame *frame, const struct indent *indent);

static void emit(struct renderer *r, struct str text)
{
    if (r->err)
        return;
    size_t room = r->out->max - r->out->len;
    buf_add(r->out, text);
    if (!r->out->failed)
        return;
    if (text.len > room)
        r->err = why_set(r->why, ERR_LIMIT, "the text is longer than %zu bytes", r->out->max);
    else
        r->err = why_set(r->why, ERR_MEMORY, "no memory for the text");
}

/* Newlines and all, with the escapes that are safe in text and in quoted attributes. */
static void emit_html(struct renderer *r, struct str text)
{
    size_t from = 0;
    for (size_t i = 0; i < text.len && !r->err; i++) {
        struct str escape;
        switch (text.at[i]) {
        case '&':
            escape = STR("&amp;");
            break;
        case '<':
            escape = STR("&lt;");
            break;
        case '>':
            escape = STR("&gt;");
            break;
        case '"':
            escape = STR("&quot;");
            break;
        case '\'':
            escape = STR("&#39;");
            break;
        default:
            continue;
        }
        emit(r, str_slice(text, from, i));
        emit(r, escape);
        from = i + 1;
    }
    emit(r, str_slice(text, from, text.len));
}

static void emit_indent(struct renderer *r, const struct indent *indent)
{
    if (!indent)
        return;
    emit_indent(r, indent->up);
    emit(r, indent->text);
}

/* A text of the template: inside an indented partial each of its lines is moved in. */
static void emit_text(struct renderer *r, struct str text, const struct indent *indent)
{
    while (indent && text.len) {
        const char *newline = memchr(text.at, '\n', text.len);
        size_t line = newline ? (size_t)(newline - text.at) + 1 : text.len;
        if (line == text.len)
            break; /* the start of the next line is the next node's business */
        emit(r, str_slice(text, 0, line));
        emit_indent(r, indent);
        text = str_slice(text, line, text.len);
    }
    emit(r, text);
}

/* Looking through a large object is work, too. */
static const struct json *member(struct renderer *r, const struct json *object, struct str name)
{
    if (!json_is(object, JSON_OBJECT))
        return NULL;
    r->steps += object->count / MEMBERS_A_STEP;
    return json_get(object, name);
}

static const struct json *look_up(struct renderer *r, const struct node *node,
                                  const struct frame *frame)
{
    if (!node->step_count)
        return frame ? frame->value : NULL;
    const struct json *found = NULL;
    for (; frame && !found; frame = frame->up)
        found = member(r, frame->value, node->steps[0]);
    for (uint32_t i = 1; found && i < node->step_count; i++)
        found = member(r, found, node->steps[i]);
    return found;
}

/* Not even an endless number may cost more than this; a longer one is taken for true. */
static bool is_zero(struct str number)
{
    if (number.len > NUMBER_LEN_MAX)
        return false;
    for (size_t i = 0; i < number.len && (number.at[i] | 0x20) != 'e'; i++)
        if (number.at[i] >= '1' && number.at[i] <= '9')
            return false;
    return true;
}

static bool is_truthy(const struct json *value)
{
    if (!value)
        return false;
    switch (value->type) {
    case JSON_NULL:
    case JSON_FALSE:
        return false;
    case JSON_NUMBER:
        return !is_zero(value->text);
    case JSON_STRING:
        return value->text.len > 0;
    case JSON_ARRAY:
        return value->count > 0;
    case JSON_TRUE:
    case JSON_OBJECT:
        break;
    }
    return true;
}

static void check_missing(struct renderer *r, const struct node *node)
{
    const struct mustache_view *view = r->view;
    for (uint32_t i = 0; i < view->lenient_count; i++)
        if (node->step_count && str_eq(node->steps[0], view->lenient[i]))
            return;
    if (view->strict)
        r->err =
            why_set(r->why, ERR_INPUT, "the variable \"%.*s\" is missing", STR_ARG(node->text));
}

static void render_variable(struct renderer *r, const struct node *node, const struct frame *frame)
{
    const struct json *value = look_up(r, node, frame);
    if (!value) {
        check_missing(r, node);
        return;
    }
    if (value->type == JSON_NULL)
        return;
    struct str text = value->type == JSON_STRING ? value->text : value->raw;
    if (r->view->escape && !node->raw && value->type != JSON_NUMBER)
        emit_html(r, text);
    else
        emit(r, text);
}

static void render_section(struct renderer *r, const struct mustache *mustache, uint32_t index,
                           const struct frame *frame, const struct indent *indent)
{
    const struct node *node = &mustache->nodes[index];
    const struct json *value = look_up(r, node, frame);
    bool truthy = is_truthy(value);
    if (node->kind == NODE_INVERTED) {
        if (!truthy)
            render_nodes(r, mustache, index + 1, node->end, frame, indent);
        return;
    }
    if (!truthy)
        return;
    bool list = value->type == JSON_ARRAY;
    uint32_t count = list ? value->count : 1;
    for (uint32_t i = 0; i < count && !r->err; i++) {
        struct frame inner = {.value = list ? &value->items[i] : value, .up = frame};
        r->steps++; /* an empty body is work, too */
        render_nodes(r, mustache, index + 1, node->end, &inner, indent);
    }
}

static void render_partial(struct renderer *r, const struct node *node, const struct frame *frame,
                           const struct indent *indent)
{
    const struct mustache_view *view = r->view;
    const struct mustache *partial =
        view->partial ? view->partial(view->partial_ctx, node->text) : NULL;
    if (!partial) {
        if (view->strict)
            r->err =
                why_set(r->why, ERR_INPUT, "the partial \"%.*s\" is missing", STR_ARG(node->text));
        return;
    }
    if (r->partials == PARTIAL_DEPTH_MAX) {
        r->err = why_set(r->why, ERR_INPUT, "partials are nested deeper than %d, at \"%.*s\"",
                         PARTIAL_DEPTH_MAX, STR_ARG(node->text));
        return;
    }
    struct indent deeper = {.text = node->indent, .up = indent};
    bool indented = node->standalone && (indent || node->indent.len);
    r->partials++;
    render_nodes(r, partial, 0, partial->count, frame, indented ? &deeper : NULL);
    r->partials--;
}

static void render_nodes(struct renderer *r, const struct mustache *mustache, uint32_t from,
                         uint32_t to, const struct frame *frame, const struct indent *indent)
{
    for (uint32_t i = from; i < to && !r->err;) {
        const struct node *node = &mustache->nodes[i];
        if (++r->steps > RENDER_STEPS_MAX) {
            r->err = why_set(r->why, ERR_LIMIT, "the template takes more than %d steps",
                             RENDER_STEPS_MAX);
            return;
        }
        if (node->line_start && indent && !node->standalone)
            emit_indent(r, indent);
        bool section = node->kind == NODE_SECTION || node->kind == NODE_INVERTED;
        if (section)
            render_section(r, mustache, i, frame, indent);
        else if (node->kind == NODE_VARIABLE)
            render_variable(r, node, frame);
        else if (node->kind == NODE_PARTIAL)
            render_partial(r, node, frame, indent);
        else
            emit_text(r, node->text, indent);
        i = section ? node->end : i + 1;
    }
}

enum err mustache_render(const struct mustache *mustache, const struct mustache_view *view,
                         struct buf *out, struct why *why)
{
    struct renderer r = {.view = view, .out = out, .why = why};
    struct frame frames[MUSTACHE_CONTEXTS_MAX];
    const struct frame *frame = NULL;
    must(view->context_count <= MUSTACHE_CONTEXTS_MAX);
    for (uint32_t i = 0; i < view->context_count; i++) {
        frames[i] = (struct frame){.value = view->contexts[i], .up = frame};
        if (view->contexts[i])
            frame = &frames[i];
    }
    render_nodes(&r, mustache, 0, mustache->count, frame, NULL);
    return r.err;
}
