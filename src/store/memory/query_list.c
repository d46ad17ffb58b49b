/* store/memory/query_list.c - reads of what is managed: apps, keys, recipients, templates, ... */
#include "model/limits.h"
#include "store/memory/disk.h"
#include "store/rules.h"
#include <stdlib.h>

static void missing(struct query *query, const char *what)
{
    query->err = why_set(&query->why, ERR_MISSING, "no such %s", what);
}

/* -- one by name ------------------------------------------------------------------------------ */

static void query_app(const struct memory_disk *disk, struct query *query)
{
    struct app key = {.name = query->name};
    const struct app *app = table_find(&disk->apps, &key);
    query->apps = arena_new(&query->arena, struct app);
    if (!app)
        missing(query, "app");
    else if (query->apps)
        shape_copy(&app_shape, app, &query->apps[query->count++], &query->arena);
}

static void query_key(const struct memory_disk *disk, struct query *query)
{
    struct key wanted = {.app_key = query->name};
    const struct key *key = table_find(&disk->keys, &wanted);
    query->keys = arena_new(&query->arena, struct key);
    if (!key || (query->app && query->app != key->app))
        missing(query, "key");
    else if (query->keys)
        shape_copy(&key_shape, key, &query->keys[query->count++], &query->arena);
}

static void query_category(const struct memory_disk *disk, struct query *query)
{
    const struct category *category = disk_category(disk, query->app, query->name);
    const struct category built_in = category_default();
    if (!category && str_eq(query->name, CATEGORY_DEFAULT))
        category = &built_in;
    query->categories = arena_new(&query->arena, struct category);
    if (!category)
        missing(query, "category");
    else if (query->categories)
        shape_copy(&category_shape, category, &query->categories[query->count++], &query->arena);
}

/* The newest version of the name, or the one of that number. */
static const struct template_version *find_template(const struct memory_disk *disk, uint32_t app,
                                                    struct str name, uint32_t version)
{
    struct named_row key = {.app = app, .name = name, .version = version};
    const struct named_row *row;
    if (version) {
        row = table_find(&disk->templates, &key);
    } else {
        key.version = UINT32_MAX;
        size_t at = table_floor(&disk->templates, &key);
        row = at ? disk->templates.rows[at - 1] : NULL;
    }
    return row && row->app == app && str_eq(row->name, name) ? row->value : NULL;
}

static void query_template(const struct memory_disk *disk, struct query *query)
{
    const struct template_version *version =
        find_template(disk, query->app, query->name, query->version);
    query->templates = arena_new(&query->arena, struct template_version);
    if (!version)
        missing(query, "template");
    else if (query->templates)
        shape_copy(&template_shape, version, &query->templates[query->count++], &query->arena);
}

static void query_suppression(const struct memory_disk *disk, struct query *query)
{
    const struct suppression *suppression =
        disk_suppression(disk, query->app, query->suppression.channel, query->suppression.address);
    query->suppressions = arena_new(&query->arena, struct suppression);
    if (!suppression)
        missing(query, "suppression");
    else if (query->suppressions)
        shape_copy(&suppression_shape, suppression, &query->suppressions[query->count++],
                   &query->arena);
}

static void query_recipients(const struct memory_disk *disk, struct query *query)
{
    query->recipients = arena_array(&query->arena, struct recipient, query->user_id_count);
    query->suppressed = arena_array(&query->arena, bool, query->address_count);
    if (query->arena.failed)
        return;
    for (uint32_t i = 0; i < query->user_id_count; i++) {
        const struct user_row *user = disk_user(disk, query->app, query->user_ids[i]);
        if (user)
            memory_recipient(disk, user, &query->arena, true, &query->recipients[i]);
    }
    for (uint32_t i = 0; i < query->address_count; i++)
        query->suppressed[i] = disk_suppression(disk, query->app, query->addresses[i].channel,
                                                query->addresses[i].address) != NULL;
    query->count = query->user_id_count;
}

/* -- lists, newest first ---------------------------------------------------------------------- */

/* A row where a list has it. */
struct spot {
    struct wall at;
    struct str name;
    uint32_t ordinal;
    const void *row;
};

static int spot_compare(const void *one, const void *other)
{
    const struct spot *a = one, *b = other;
    if (a->at.ms != b->at.ms)
        return a->at.ms > b->at.ms ? -1 : 1;
    int names = str_cmp(b->name, a->name);
    if (names)
        return names;
    return a->ordinal == b->ordinal ? 0 : a->ordinal > b->ordinal ? -1 : 1;
}

/* What a list may hold: those behind the cursor, in order once all are in. */
struct spots {
    struct spot *list;
    uint32_t count;
};

static struct spots spots_of(const struct table *table)
{
    return (struct spots){memory_take((table->count + 1) * sizeof(struct spot)), 0};
}

static void add_spot(struct spots *spots, const struct query *query, struct spot spot)
{
    struct spot from = {{query->cursor_id}, query->cursor_name, query->cursor_ordinal, NULL};
    if (!query->cursor_set || spot_compare(&from, &spot) < 0)
        spots->list[spots->count++] = spot;
}

/* The rows of the page, PAGE_MAX at most; sets what the query says of its end. Frees the spots. */
static uint32_t take_page(struct spots *spots, struct query *query, const void *ret_rows[PAGE_MAX])
{
    uint32_t limit = page_limit(query->limit), count = 0;
    qsort(spots->list, spots->count, sizeof *spots->list, spot_compare);
    query->more = spots->count > limit;
    for (; count < spots->count && count < limit; count++) {
        const struct spot *spot = &spots->list[count];
        ret_rows[count] = spot->row;
        query->next_id = spot->at.ms;
        query->next_name = arena_copy(&query->arena, spot->name);
        query->next_ordinal = spot->ordinal;
    }
    free(spots->list);
    return count;
}

static void query_apps(const struct memory_disk *disk, struct query *query)
{
    const void *rows[PAGE_MAX];
    struct spots spots = spots_of(&disk->apps);
    for (size_t i = 0; i < disk->apps.count; i++) {
        const struct app *app = disk->apps.rows[i];
        add_spot(&spots, query, (struct spot){app->created_at, app->name, 0, app});
    }
    uint32_t count = take_page(&spots, query, rows);
    query->apps = arena_array(&query->arena, struct app, count + 1);
    for (; query->apps && query->count < count; query->count++)
        shape_copy(&app_shape, rows[query->count], &query->apps[query->count], &query->arena);
}

static void query_keys(const struct memory_disk *disk, struct query *query)
{
    const void *rows[PAGE_MAX];
    struct spots spots = spots_of(&disk->keys);
    for (size_t i = 0; i < disk->keys.count; i++) {
        const struct key *key = disk->keys.rows[i];
        if (key->app == query->app)
            add_spot(&spots, query, (struct spot){key->created_at, key->app_key, 0, key});
    }
    uint32_t count = take_page(&spots, query, rows);
    query->keys = arena_array(&query->arena, struct key, count + 1);
    for (; query->keys && query->count < count; query->count++)
        shape_copy(&key_shape, rows[query->count], &query->keys[query->count], &query->arena);
}

/* `default` comes last: every app has had it from the start, changed or not. */
static void query_categories(const struct memory_disk *disk, struct query *query)
{
    const void *rows[PAGE_MAX];
    struct spots spots = spots_of(&disk->categories);
    for (size_t i = 0; i < disk->categories.count; i++) {
        const struct named_row *row = disk->categories.rows[i];
        const struct category *category = row->value;
        if (row->app == query->app && !str_eq(row->name, CATEGORY_DEFAULT))
            add_spot(&spots, query, (struct spot){category->created_at, row->name, 0, category});
    }
    uint32_t count = take_page(&spots, query, rows);
    query->categories = arena_array(&query->arena, struct category, count + 1);
    for (; query->categories && query->count < count; query->count++)
        shape_copy(&category_shape, rows[query->count], &query->categories[query->count],
                   &query->arena);
    if (!query->categories || query->more)
        return;
    if (count == page_limit(query->limit)) {
        query->more = true;
        return;
    }
    const struct category built_in = category_default();
    const struct category *stored = disk_category(disk, query->app, CATEGORY_DEFAULT);
    shape_copy(&category_shape, stored ? stored : &built_in, &query->categories[query->count++],
               &query->arena);
}

/* By when the first version was made, so that a new version does not move a template. */
static void query_templates(const struct memory_disk *disk, struct query *query)
{
    const void *rows[PAGE_MAX];
    struct spots spots = spots_of(&disk->templates);
    for (size_t i = 0; i < disk->templates.count; i++) {
        const struct named_row *row = disk->templates.rows[i];
        const struct template_version *version = row->value;
        if (row->app == query->app && row->version == 1)
            add_spot(&spots, query,
                     (struct spot){version->created_at, row->name, 0,
                                   find_template(disk, row->app, row->name, 0)});
    }
    uint32_t count = take_page(&spots, query, rows);
    query->templates = arena_array(&query->arena, struct template_version, count + 1);
    for (; query->templates && query->count < count; query->count++)
        shape_copy(&template_shape, rows[query->count], &query->templates[query->count],
                   &query->arena);
}

static void query_suppressions(const struct memory_disk *disk, struct query *query)
{
    const void *rows[PAGE_MAX];
    struct spots spots = spots_of(&disk->suppressions);
    for (size_t i = 0; i < disk->suppressions.count; i++) {
        const struct suppression_row *row = disk->suppressions.rows[i];
        const struct suppression *suppression = row->suppression;
        if (row->app == query->app)
            add_spot(&spots, query,
                     (struct spot){suppression->created_at, suppression->address,
                                   suppression->channel, suppression});
    }
    uint32_t count = take_page(&spots, query, rows);
    query->suppressions = arena_array(&query->arena, struct suppression, count + 1);
    for (; query->suppressions && query->count < count; query->count++)
        shape_copy(&suppression_shape, rows[query->count], &query->suppressions[query->count],
                   &query->arena);
}

void memory_query_list(const struct memory_disk *disk, struct query *query)
{
    static void (*const handlers[])(const struct memory_disk *, struct query *) = {
        [QUERY_APP] = query_app,
        [QUERY_APPS] = query_apps,
        [QUERY_KEY] = query_key,
        [QUERY_KEYS] = query_keys,
        [QUERY_RECIPIENTS] = query_recipients,
        [QUERY_CATEGORY] = query_category,
        [QUERY_CATEGORIES] = query_categories,
        [QUERY_TEMPLATE] = query_template,
        [QUERY_TEMPLATES] = query_templates,
        [QUERY_SUPPRESSION] = query_suppression,
        [QUERY_SUPPRESSIONS] = query_suppressions,
    };
    must((unsigned)query->type < sizeof handlers / sizeof *handlers && handlers[query->type]);
    handlers[query->type](disk, query);
}
