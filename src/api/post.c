/* api/post.c - see post.h. */
#include "api/post.h"
#include "api/pack.h"
#include "codec/digest.h"
#include <stdio.h>

enum { SCRATCH_KEPT = 256 * 1024 };

static void refuse(struct item *item, enum problem_type type, const char *format, ...)
    printf_like(3, 4);
static void refuse(struct item *item, enum problem_type type, const char *format, ...)
{
    char text[WHY_MAX];
    struct arena *arena = item->post->call->arena;
    item->refused = true;
    item->problem = (struct problem){.type = type, .faults = &item->faults};
    if (!format)
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    item->problem.detail = arena_copy(arena, str_of(text));
}

static void refuse_error(struct item *item, enum err err, struct span retry_after)
{
    item->retry_after = retry_after;
    item->idem.present = false; /* nothing more is asked */
    refuse(item, problem_of(err), NULL);
}

static void refuse_job(struct item *item, const struct job *job)
{
    refuse_error(item, job->err, job->retry_after);
    item->problem.detail = job->detail;
}

/* ---------------------------------------------------------------------------------- reading ----
 */

/* What makes two requests the same: the event id, and the body without it, as parsed JSON. */
static bool identify(struct item *item)
{
    static const struct str left_out = STR_INIT("event_id");
    struct call *call = item->post->call;
    struct buf *scratch = &call->api->scratch;
    unsigned char hash[SHA256_SIZE];
    if (!item->draft.event_id.at)
        return true;
    item->idem = (struct idem){
        .present = true,
        .app = call->caller.app,
        .mode = call->caller.mode,
        .now = call->now.wall,
    };
    sha256(item->draft.event_id, hash);
    memcpy(item->idem.key, hash, IDEM_KEY_SIZE);
    buf_clear(scratch);
    json_canonical(item->body, &left_out, 1, scratch);
    bool fits = !scratch->failed;
    sha256(buf_str(scratch), hash);
    memcpy(item->idem.body, hash, IDEM_BODY_SIZE);
    if (scratch->cap > SCRATCH_KEPT)
        buf_done(scratch);
    return fits;
}

/* `content` is compiled at once: its faults are the request's. */
static enum err compile(struct item *item)
{
    struct arena *arena = item->post->call->arena;
    struct template_ref *refs = NULL;
    if (!item->draft.content)
        return OK;
    enum err err = template_compile(item->draft.content, false, STR("/content"), &item->faults,
                                    &item->inline_template);
    if (err)
        return err;
    err = partials_of(item->inline_template, STR_NONE, arena, &refs, &item->partials.count);
    item->partials.refs = refs;
    if (err == ERR_LIMIT)
        fault_add(&item->faults, STR("/content"), "includes more than %d templates",
                  TEMPLATE_PARTIALS_MAX);
    return err;
}

/* Asked before anything is spent on it: whoever is turned away must hear it soon. */
static bool is_admitted(const struct item *item)
{
    const struct call *call = item->post->call;
    const struct json *priority = NULL, *category = NULL;
    if (item->body->type == JSON_OBJECT) {
        priority = json_get(item->body, STR("priority"));
        category = json_get(item->body, STR("category"));
    }
    return intake_admits(call->api->intake, call->caller.app,
                         priority && priority->type == JSON_STRING ? priority->text : STR_NONE,
                         category && category->type == JSON_STRING ? category->text
                                                                   : CATEGORY_DEFAULT);
}

static void read_item(struct item *item, struct str key)
{
    faults_init(&item->faults, item->post->call->arena);
    if (!is_admitted(item)) {
        item->post->call->api->stats.shed++;
        refuse_error(item, ERR_FULL, span_s(1));
        return;
    }
    draft_read(item->body, key, &item->faults, &item->draft);
    bool identified = identify(item);
    enum err err = compile(item);
    if (!identified || err == ERR_MEMORY)
        refuse_error(item, ERR_MEMORY, (struct span){0});
    else if (item->faults.count)
        refuse(item, PROBLEM_INVALID, NULL);
}

/* ------------------------------------------------------------------------------ looking up ---- */

static uint32_t users_of(const struct draft *draft)
{
    uint32_t users = 0;
    for (uint32_t i = 0; i < draft->entry_count; i++)
        users += draft->entries[i].user_id.at != NULL;
    return users;
}

static bool make_room(struct post *post)
{
    struct arena *arena = post->call->arena;
    size_t users = 0, templates = 0, addresses = 0;
    for (uint32_t i = 0; i < post->count; i++) {
        const struct item *item = &post->items[i];
        uint32_t named = users_of(&item->draft);
        if (item->refused)
            continue;
        users += named;
        addresses += item->draft.entry_count - named;
        templates += item->draft.content ? item->partials.count : 1;
    }
    post->categories = arena_array(arena, struct str, post->count);
    post->templates = arena_array(arena, struct template_ref, templates + 1);
    post->user_ids = arena_array(arena, struct str, users + 1);
    post->addresses = arena_array(arena, struct suppression, addresses + 1);
    return post->categories && post->templates && post->user_ids && post->addresses;
}

static void want(struct post *post, struct item *item)
{
    struct lookup *lookup = &post->lookup;
    const struct draft *draft = &item->draft;
    item->category_at = lookup->category_count;
    item->template_at = lookup->template_count;
    item->user_at = lookup->user_id_count;
    item->address_at = lookup->address_count;
    post->categories[lookup->category_count++] = draft->category;
    if (!draft->content)
        post->templates[lookup->template_count++] =
            (struct template_ref){draft->template_name, draft->template_version};
    for (uint32_t i = 0; i < item->partials.count; i++)
        post->templates[lookup->template_count++] = item->partials.refs[i];
    for (uint32_t i = 0; i < draft->entry_count; i++) {
        const struct draft_entry *entry = &draft->entries[i];
        enum channel channel = kind_channel(entry->target.kind);
        if (entry->user_id.at)
            post->user_ids[lookup->user_id_count++] = entry->user_id;
        else if (channel != CHANNEL_PUSH)
            post->addresses[lookup->address_count++] =
                (struct suppression){.channel = channel, .address = entry->target.address};
    }
}

/* -------------------------------------------------------------------------------- planning ---- */

static void pack(struct item *item)
{
    struct post *post = item->post;
    struct call *call = post->call;
    const struct lookup *lookup = &post->lookup;
    const struct draft *draft = &item->draft;
    struct packing packing = {
        .draft = draft,
        .request = item->body->raw,
        .traceparent = post->traceparent,
        .app = call->caller.app,
        .mode = call->caller.mode,
        .now = call->now.wall,
        .category = lookup->found_categories[item->category_at],
        .recipients = lookup->found_recipients + item->user_at,
        .suppressed = lookup->suppressed + item->address_at,
        .arena = call->arena,
        .faults = &item->faults,
    };
    if (draft->content) {
        packing.template = item->inline_template;
        packing.pins = partials_pins(&item->partials, call->arena);
        packing.uses_attributes = template_uses_attributes(item->inline_template) ||
                                  partials_use_attributes(&item->partials);
        packing.partial = partials_resolve;
        packing.partial_ctx = &item->partials;
    } else {
        const struct template_entry *entry = lookup->found_templates[item->template_at];
        packing.template = entry->template;
        packing.template_version = entry->version;
        packing.uses_attributes = entry->uses_attributes;
        packing.partial = template_entry_partial;
        packing.partial_ctx = (void *)(uintptr_t)entry; /* a resolver changes nothing */
    }
    struct bundle *bundle;
    struct why why;
    enum err err = pack_bundle(&packing, &bundle, &why);
    if (err == ERR_INPUT)
        refuse(item, PROBLEM_INVALID, NULL);
    else if (err == ERR_LIMIT)
        refuse(item, PROBLEM_UNPROCESSABLE, "%s", why.text);
    else if (err)
        refuse_error(item, err, (struct span){0});
    else
        item->job->accept.bundle = bundle;
}

/* True if everything that the item names exists. */
static bool all_found(struct item *item)
{
    const struct lookup *lookup = &item->post->lookup;
    const struct draft *draft = &item->draft;
    if (!lookup->found_categories[item->category_at]) {
        refuse(item, PROBLEM_UNPROCESSABLE, "there is no category %.*s", STR_ARG(draft->category));
        return false;
    }
    item->partials.entries = lookup->found_templates + item->template_at;
    if (draft->content) {
        struct str missing = partials_missing(&item->partials);
        if (missing.at)
            refuse(item, PROBLEM_UNPROCESSABLE, "there is no template %.*s to include",
                   STR_ARG(missing));
        return !missing.at;
    }
    if (lookup->found_templates[item->template_at])
        return true;
    if (draft->template_version)
        refuse(item, PROBLEM_UNPROCESSABLE, "there is no version %u of a template %.*s",
               draft->template_version, STR_ARG(draft->template_name));
    else
        refuse(item, PROBLEM_UNPROCESSABLE, "there is no template %.*s",
               STR_ARG(draft->template_name));
    return false;
}

/* ------------------------------------------------------------------------------ the ledger ---- */

static void decided(struct post *post)
{
    must(post->waiting > 0);
    if (--post->waiting == 0)
        post->done(post);
}

static void decide(struct item *item, enum idem_result result, int64_t id, uint32_t deliveries)
{
    if (result == IDEM_MISMATCH) {
        item->faults.count = 0;
        refuse(item, PROBLEM_MISMATCH, NULL);
    } else if (result == IDEM_REPLAY || !item->refused) {
        item->refused = false;
        item->replayed = result == IDEM_REPLAY;
        item->id = id;
        item->deliveries = deliveries;
    }
}

static void accepted(struct job *job)
{
    struct item *item = job->owner;
    arena_done(&job->arena);
    if (job->err)
        refuse_job(item, job);
    else
        decide(item, job->accept.result, job->accept.id, job->accept.deliveries);
    decided(item->post);
}

static void probed(struct job *job)
{
    struct item *item = job->owner;
    arena_done(&job->arena);
    if (job->err)
        refuse_job(item, job);
    else
        decide(item, job->probe.result, job->probe.id, job->probe.deliveries);
    decided(item->post);
}

/* An item's share of what its request holds until it is answered. */
static size_t held_bytes(const struct post *post)
{
    const struct call *call = post->call;
    return (call->arena->used + call->exchange->request.body.len) / post->count;
}

static void hand_over(struct item *item)
{
    struct call *call = item->post->call;
    struct job *job = item->job;
    if (item->refused && !item->idem.present)
        return;
    arena_init(&job->arena, ANSWER_BYTES_MAX);
    job->owner = item;
    job->now = call->now;
    if (item->refused) {
        job->type = JOB_PROBE;
        job->finish = probed;
        job->probe.idem = item->idem;
    } else {
        job->type = JOB_ACCEPT;
        job->finish = accepted;
        job->accept.idem = item->idem;
        job->accept.recheck = item->post->lookup.changed;
        job->accept.held = held_bytes(item->post);
    }
    item->post->waiting++;
    intake_job(call->api->intake, job);
}

static void hand_over_all(struct post *post)
{
    post->waiting = 1;
    for (uint32_t i = 0; i < post->count; i++)
        hand_over(&post->items[i]);
    decided(post);
}

static void free_templates(struct post *post)
{
    for (uint32_t i = 0; i < post->count; i++) {
        template_free(post->items[i].inline_template);
        post->items[i].inline_template = NULL;
    }
}

static void looked_up(struct lookup *lookup)
{
    struct post *post = lookup->owner;
    struct call *call = post->call;
    for (uint32_t i = 0; i < post->count && !lookup->err; i++)
        if (!post->items[i].refused && all_found(&post->items[i]))
            pack(&post->items[i]);
    lookup_release(call->api->intake, lookup);
    free_templates(post);
    if (lookup->err)
        call_unavailable(call, lookup->err, (struct span){0});
    else
        hand_over_all(post);
}

void post_begin(struct call *call, const struct json *bodies, uint32_t count, struct str key,
                void (*done)(struct post *post))
{
    struct post *post = arena_new(call->arena, struct post);
    struct item *items = arena_array(call->arena, struct item, count);
    struct job *jobs = arena_array(call->arena, struct job, count);
    if (!post || !items || !jobs) {
        call_unavailable(call, ERR_MEMORY, (struct span){0});
        return;
    }
    struct str trace = http_header(&call->exchange->request, STR("traceparent"));
    *post = (struct post){.call = call, .items = items, .count = count, .done = done};
    if (trace.at && traceparent_ok(trace))
        post->traceparent = trace;
    call->state = post;
    uint32_t refused = 0;
    for (uint32_t i = 0; i < count; i++) {
        items[i] = (struct item){.post = post, .body = &bodies[i], .job = &jobs[i]};
        read_item(&items[i], key);
        refused += items[i].refused;
    }
    if (refused == count) { /* above all who is turned away hears it at once */
        free_templates(post);
        hand_over_all(post);
        return;
    }
    if (call->arena->failed || !make_room(post)) {
        free_templates(post);
        call_unavailable(call, ERR_MEMORY, (struct span){0});
        return;
    }
    post->lookup = (struct lookup){
        .app = call->caller.app,
        .categories = post->categories,
        .templates = post->templates,
        .user_ids = post->user_ids,
        .addresses = post->addresses,
        .arena = call->arena,
        .done = looked_up,
        .owner = post,
    };
    for (uint32_t i = 0; i < count; i++)
        if (!items[i].refused)
            want(post, &items[i]);
    intake_lookup(call->api->intake, &post->lookup);
}

/* ------------------------------------------------------------------------------- answering ---- */

int item_status(const struct item *item)
{
    return item->refused ? problem_status(item->problem.type) : item->replayed ? 200 : 202;
}

void item_write(const struct item *item, struct json_out *out)
{
    char id[ID_TEXT_SIZE];
    if (item->refused) {
        problem_write(&item->problem, out);
        return;
    }
    json_open(out, '{');
    json_name(out, STR("id"));
    json_str(out, ntf_format(&item->post->call->api->config.ids, item->id, id));
    json_name(out, STR("status"));
    json_str(out, STR("accepted"));
    json_name(out, STR("deliveries"));
    json_i64(out, item->deliveries);
    json_close(out, '}');
}
