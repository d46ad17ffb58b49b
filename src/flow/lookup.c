/* flow/lookup.c - one request's look-ups together: what is cached at once, the rest in one query a
 * kind of thing. */
#include "flow/intake_state.h"
#include "model/limits.h"

enum { QUERY_BYTES_MAX = 16 * 1024 * 1024 };

struct lookup_work {
    struct intake *intake;
    struct lookup *lookup;
    uint64_t generation;
    uint32_t waiting;                              /* answers to come, and one while asking */
    struct cache_entry **categories, **recipients; /* pinned */
    struct template_entry **templates;             /* pinned */
    struct category_ask *category_asks;
    struct template_ask *template_asks;
    struct query recipients_query;
    const struct str *missing_ids;
    uint32_t *missing_at; /* where in the lookup each missing id stands */
};

struct category_ask {
    struct query query;
    struct lookup_work *work;
    uint32_t at;
};

struct template_ask {
    struct lookup_work *work;
    uint32_t at;
};

static void note_error(struct lookup *lookup, enum err err)
{
    if (!lookup->err)
        lookup->err = err;
}

static void answered(struct lookup_work *work)
{
    must(work->waiting > 0);
    if (--work->waiting)
        return;
    work->lookup->changed = work->generation != work->intake->directory.generation;
    work->lookup->done(work->lookup);
}

/* --------------------------------------------------------------------------- categories ---- */

static void category_found(struct query *query)
{
    struct category_ask *ask = query->owner;
    struct lookup_work *work = ask->work;
    if (!query->err) {
        struct cache_entry *entry = directory_add_category(
            &work->intake->directory, work->lookup->app, &query->categories[0], work->generation);
        work->categories[ask->at] = entry;
        if (entry)
            work->lookup->found_categories[ask->at] = entry->value;
        else
            note_error(work->lookup, ERR_MEMORY);
    } else if (query->err != ERR_MISSING) {
        note_error(work->lookup, query->err);
    }
    arena_done(&query->arena);
    answered(work);
}

static void find_category(struct lookup_work *work, uint32_t i)
{
    struct lookup *lookup = work->lookup;
    struct str name = lookup->categories[i];
    struct cache_entry *entry = directory_category(&work->intake->directory, lookup->app, name);
    work->categories[i] = entry;
    if (entry) {
        lookup->found_categories[i] = entry->value;
        return;
    }
    struct category_ask *ask = &work->category_asks[i];
    *ask = (struct category_ask){
        .query = {.type = QUERY_CATEGORY, .owner = ask, .app = lookup->app, .name = name},
        .work = work,
        .at = i,
    };
    arena_init(&ask->query.arena, QUERY_BYTES_MAX);
    work->waiting++;
    intake_query(work->intake, &ask->query, category_found);
}

/* ---------------------------------------------------------------------------- templates ---- */

static void template_found(void *owner, enum err err, struct template_entry *entry)
{
    struct template_ask *ask = owner;
    ask->work->templates[ask->at] = entry;
    ask->work->lookup->found_templates[ask->at] = entry;
    if (err)
        note_error(ask->work->lookup, err);
    answered(ask->work);
}

static void find_template(struct lookup_work *work, uint32_t i)
{
    const struct template_ref *ref = &work->lookup->templates[i];
    work->template_asks[i] = (struct template_ask){.work = work, .at = i};
    work->waiting++;
    library_find(work->intake->library, work->lookup->app, ref->name, ref->version, template_found,
                 &work->template_asks[i]);
}

/* --------------------------------------------------------------------------- recipients ---- */

static void recipients_found(struct query *query)
{
    struct lookup_work *work = query->owner;
    struct lookup *lookup = work->lookup;
    if (query->err) {
        note_error(lookup, query->err);
        arena_done(&query->arena);
        answered(work);
        return;
    }
    for (uint32_t i = 0; i < query->user_id_count; i++) {
        uint32_t at = work->missing_at[i];
        struct cache_entry *entry =
            directory_add_recipient(&work->intake->directory, lookup->app, query->user_ids[i],
                                    &query->recipients[i], work->generation);
        work->recipients[at] = entry;
        if (entry)
            lookup->found_recipients[at] = entry->value;
        else
            note_error(lookup, ERR_MEMORY);
    }
    for (uint32_t i = 0; i < query->address_count; i++)
        lookup->suppressed[i] = query->suppressed[i];
    arena_done(&query->arena);
    answered(work);
}

static void find_recipients(struct lookup_work *work)
{
    struct lookup *lookup = work->lookup;
    struct str *missing = NULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < lookup->user_id_count; i++) {
        struct cache_entry *entry =
            directory_recipient(&work->intake->directory, lookup->app, lookup->user_ids[i]);
        work->recipients[i] = entry;
        if (entry) {
            lookup->found_recipients[i] = entry->value;
            continue;
        }
        if (!missing) {
            missing = arena_array(lookup->arena, struct str, lookup->user_id_count);
            work->missing_at = arena_array(lookup->arena, uint32_t, lookup->user_id_count);
        }
        if (!missing || !work->missing_at) {
            note_error(lookup, ERR_MEMORY);
            return;
        }
        work->missing_at[count] = i;
        missing[count++] = lookup->user_ids[i];
    }
    if (!count && !lookup->address_count)
        return;
    work->recipients_query = (struct query){
        .type = QUERY_RECIPIENTS,
        .owner = work,
        .app = lookup->app,
        .user_ids = missing,
        .user_id_count = count,
        .addresses = lookup->addresses,
        .address_count = lookup->address_count,
    };
    arena_init(&work->recipients_query.arena, QUERY_BYTES_MAX);
    work->waiting++;
    intake_query(work->intake, &work->recipients_query, recipients_found);
}

/* -------------------------------------------------------------------------------- all ---- */

static bool make_room(struct lookup *lookup, struct lookup_work *work)
{
    struct arena *arena = lookup->arena;
    lookup->found_categories = arena_array(arena, const struct category *, lookup->category_count);
    lookup->found_templates =
        arena_array(arena, const struct template_entry *, lookup->template_count);
    lookup->found_recipients = arena_array(arena, const struct recipient *, lookup->user_id_count);
    lookup->suppressed = arena_array(arena, bool, lookup->address_count);
    work->categories = arena_array(arena, struct cache_entry *, lookup->category_count);
    work->recipients = arena_array(arena, struct cache_entry *, lookup->user_id_count);
    work->templates = arena_array(arena, struct template_entry *, lookup->template_count);
    work->category_asks = arena_array(arena, struct category_ask, lookup->category_count);
    work->template_asks = arena_array(arena, struct template_ask, lookup->template_count);
    return !arena->failed;
}

void intake_lookup(struct intake *intake, struct lookup *lookup)
{
    struct lookup_work *work = arena_new(lookup->arena, struct lookup_work);
    lookup->err = OK;
    lookup->changed = false;
    lookup->work = NULL;
    if (!work || !make_room(lookup, work)) {
        lookup->err = ERR_MEMORY;
        lookup->done(lookup);
        return;
    }
    lookup->work = work;
    *work = (struct lookup_work){
        .intake = intake,
        .lookup = lookup,
        .generation = intake->directory.generation,
        .waiting = 1,
        .categories = work->categories,
        .recipients = work->recipients,
        .templates = work->templates,
        .category_asks = work->category_asks,
        .template_asks = work->template_asks,
    };
    for (uint32_t i = 0; i < lookup->category_count; i++)
        find_category(work, i);
    for (uint32_t i = 0; i < lookup->template_count; i++)
        find_template(work, i);
    find_recipients(work);
    answered(work);
}

void lookup_release(struct intake *intake, struct lookup *lookup)
{
    struct lookup_work *work = lookup->work;
    if (!work)
        return;
    for (uint32_t i = 0; i < lookup->category_count; i++)
        if (work->categories[i])
            cache_unpin(&intake->directory.categories, work->categories[i]);
    for (uint32_t i = 0; i < lookup->template_count; i++)
        library_unpin(intake->library, work->templates[i]);
    for (uint32_t i = 0; i < lookup->user_id_count; i++)
        if (work->recipients[i])
            cache_unpin(&intake->directory.recipients, work->recipients[i]);
    lookup->work = NULL;
}
