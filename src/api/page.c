/* api/page.c - see page.h. */
#include "api/page.h"
#include "api/cursor.h"

/* All that makes the query what it is, but for the page: who asks, the path, the filters. */
static struct str identity(struct call *call, struct str path)
{
    struct str text = arena_printf(call->arena, "%u %d %d %.*s", call->caller.app,
                                   (int)call->caller.mode, call->caller.root, STR_ARG(path));
    struct str words = str_of(call->route->query);
    while (words.at) {
        struct str name = str_cut(&words, ' ');
        if (str_eq(name, STR("limit")) || str_eq(name, STR("cursor")))
            continue;
        struct str value = call_param(call, name);
        if (value.at)
            text = arena_printf(call->arena, "%.*s&%.*s=%zu:%.*s", STR_ARG(text), STR_ARG(name),
                                value.len, STR_ARG(value));
    }
    return text;
}

bool page_read(struct call *call, struct query *query)
{
    struct str limit = call_param(call, STR("limit"));
    struct str cursor = call_param(call, STR("cursor"));
    uint64_t count = PAGE_DEFAULT;
    struct position from;
    if (limit.at && (!str_to_u64(limit, &count) || count < 1 || count > PAGE_MAX)) {
        call_problem(call, PROBLEM_INVALID, "limit must be a number from 1 to %d", PAGE_MAX);
        return false;
    }
    query->limit = (uint32_t)count;
    if (!cursor.at)
        return true;
    if (!cursor_read(&call->api->config.ids, identity(call, call->exchange->request.path), cursor,
                     call->arena, &from)) {
        call_problem(call, PROBLEM_INVALID, "cursor is none of this query");
        return false;
    }
    query->cursor_set = true;
    query->cursor_name = from.name;
    query->cursor_id = from.notification;
    query->cursor_ordinal = from.ordinal;
    query->cursor_seq = from.seq;
    return true;
}

void page_open(struct json_out *out)
{
    json_open(out, '{');
    json_name(out, STR("data"));
    json_open(out, '[');
}

void page_close_for(struct call *call, struct str path, struct json_out *out,
                    const struct query *query)
{
    struct str cursor = STR_NONE;
    if (query->more) {
        struct position next = {query->next_name, query->next_id, query->next_ordinal,
                                query->next_seq};
        cursor = cursor_write(&call->api->config.ids, identity(call, path), &next, call->arena);
    }
    json_close(out, ']');
    json_name(out, STR("next_cursor"));
    json_str(out, cursor);
    json_close(out, '}');
}

void page_close(struct call *call, struct json_out *out, const struct query *query)
{
    page_close_for(call, call->exchange->request.path, out, query);
}
