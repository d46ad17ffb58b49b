/* api/redrive.c - see dead_letters.h. */
#include "api/cursor.h"
#include "api/dead_letters.h"
#include "api/views.h"
#include "model/limits.h"

enum { PREVIEW_PAGES_MAX = 100 }; /* of a thousand each: beyond, the count is "more than" */

static struct span gap_of(const struct redriving *redriving)
{
    return (struct span){redriving->rate ? 1000000 / redriving->rate : 0};
}

/* When the next one is due. */
static struct wall next_due(const struct redriving *redriving)
{
    return wall_add(redriving->start, (struct span){gap_of(redriving).us * redriving->count});
}

/* ------------------------------------------------------------------------------- answering ---- */

static void write_skipped(struct call *call, struct json_out *out)
{
    const struct redriving *redriving = call->state;
    char id[ID_TEXT_SIZE];
    json_name(out, STR("skipped"));
    json_open(out, '[');
    for (uint32_t i = 0; i < redriving->skipped_count; i++)
        json_str(out, dlv_format(&call->api->config.ids, redriving->skipped[i], id));
    for (uint32_t i = 0; i < redriving->strange_count; i++)
        json_str(out, redriving->strange[i]);
    json_close(out, ']');
}

/* Where the next call goes on, at the same rate. */
static struct str cursor_of(struct call *call)
{
    const struct redriving *redriving = call->state;
    struct position next = {.notification = redriving->after.notification,
                            .ordinal = redriving->after.ordinal};
    next.name = arena_printf(call->arena, "%lld", (long long)next_due(redriving).ms);
    return cursor_write(&call->api->config.ids, redriving->query, &next, call->arena);
}

static void answer(struct call *call, bool more)
{
    const struct redriving *redriving = call->state;
    if (redriving->delete_only) {
        if (redriving->count)
            call_empty(call, 204);
        else
            call_not_found(call);
        return;
    }
    struct wall last = {0};
    if (redriving->count)
        last.ms = next_due(redriving).ms - gap_of(redriving).us / 1000;
    struct json_out out = call_out(call);
    json_open(&out, '{');
    view_i64(&out, STR("redriven"), redriving->count);
    write_skipped(call, &out);
    view_bool(&out, STR("more"), more);
    view_str(&out, STR("next_cursor"), more ? cursor_of(call) : STR_NONE);
    view_wall(&out, STR("last_due_at"), last);
    json_close(&out, '}');
    call_json(call, 200);
}

static void answer_preview(struct call *call, bool exact)
{
    const struct redriving *redriving = call->state;
    struct json_out out = call_out(call);
    json_open(&out, '{');
    view_i64(&out, STR("matching"), redriving->count);
    view_bool(&out, STR("exact"), exact);
    json_close(&out, '}');
    call_json(call, 200);
}

/* ----------------------------------------------------------------------------------- steps ---- */

static void step(struct call *call);

static void keep_skipped(struct redriving *redriving, const struct redrive *redrive)
{
    for (uint32_t i = 0; i < redrive->skipped_count; i++)
        redriving->skipped[redriving->skipped_count++] = redrive->skipped[i];
}

static void stepped(struct job *job)
{
    struct call *call = job->owner;
    struct redriving *redriving = call->state;
    const struct redrive *redrive = &job->redrive;
    if (!call_done(job))
        return;
    redriving->count += redrive->redriven_count;
    redriving->after_set = redrive->after_set;
    redriving->after = redrive->after;
    bool more = redrive->more;
    if (redriving->keys) {
        keep_skipped(redriving, redrive);
        redriving->keys_done += redrive->key_count;
        more = redriving->keys_done < redriving->key_count;
    }
    if (more && (redriving->keys || redriving->count < redriving->limit))
        step(call);
    else if (redriving->preview)
        answer_preview(call, true);
    else
        answer(call, more);
}

static void step(struct call *call)
{
    const struct redriving *redriving = call->state;
    struct job *job = call_job(call, JOB_REDRIVE);
    if (!job)
        return;
    uint32_t limit = REDRIVE_STEP, left = redriving->limit - redriving->count;
    if (redriving->keys)
        left = redriving->key_count - redriving->keys_done;
    job->redrive = (struct redrive){
        .op = {.verb = VERB_REDRIVE},
        .filter = redriving->filter,
        .keys = redriving->keys ? redriving->keys + redriving->keys_done : NULL,
        .key_count = redriving->keys ? (left < limit ? left : limit) : 0,
        .limit = left < limit ? left : limit,
        .after_set = redriving->after_set,
        .after = redriving->after,
        .delete_only = redriving->delete_only,
        .preview = redriving->preview,
        .now = call->now.wall,
        .gap = gap_of(redriving),
        .detail = redriving->detail,
    };
    job->due_at = mono_add(call->now.mono, span_ms(next_due(redriving).ms - call->now.wall.ms));
    call_do(job, stepped);
}

/* --------------------------------------------------------------------------------- preview ---- */

static void counted(struct query *query);

static void count_page(struct call *call)
{
    const struct redriving *redriving = call->state;
    struct query *query = call_query(call, QUERY_DEAD);
    if (!query)
        return;
    query->dead = redriving->filter;
    query->count_only = true;
    query->cursor_set = redriving->after_set;
    query->cursor_id = redriving->after.notification;
    query->cursor_ordinal = redriving->after.ordinal;
    call_ask(query, counted);
}

static void counted(struct query *query)
{
    struct call *call = query->owner;
    struct redriving *redriving = call->state;
    if (!call_came(query))
        return;
    redriving->count += query->count;
    redriving->after_set = true;
    redriving->after = (struct delivery_key){query->next_id, query->next_ordinal};
    if (query->more && ++redriving->looked < PREVIEW_PAGES_MAX)
        count_page(call);
    else
        answer_preview(call, !query->more);
}

void redrive_begin(struct call *call, struct redriving *redriving)
{
    call->state = redriving;
    if (redriving->keys && !redriving->key_count) { /* nothing that could be there */
        if (redriving->preview)
            answer_preview(call, true);
        else
            answer(call, false);
    } else if (redriving->preview && !redriving->keys) {
        count_page(call);
    } else {
        step(call);
    }
}
