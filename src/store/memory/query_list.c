/* store/memory/query_list.c - reads of what is managed: apps, keys, recipients, templates, ... */
#include "store/memory/disk.h"
#include "store/rules.h"

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

/* -- lists by name ---------------------------------------------------------------------------- */

/* True if the list ends here: the page is full (and there is more), or memory is. */
static bool page_ends(struct query *query, const void *list)
{
    if (query->count == page_limit(query->limit))
        query->more = true;
    return query->more || !list;
}

static bool is_behind(const struct query *query, struct str name)
{
    return !query->cursor_set || str_cmp(name, query->cursor_name) > 0;
}

static void query_apps(const struct memory_disk *disk, struct query *query)
{
    query->apps = arena_array(&query->arena, struct app, page_limit(query->limit));
    for (size_t i = 0; i < disk->apps.count; i++) {
        const struct app *app = disk->apps.rows[i];
        if (!is_behind(query, app->name))
            continue;
        if (page_ends(query, query->apps))
            return;
        struct app *copy = &query->apps[query->count++];
        shape_copy(&app_shape, app, copy, &query->arena);
        query->next_name = copy->name;
    }
}

static void query_keys(const struct memory_disk *disk, struct query *query)
{
    query->keys = arena_array(&query->arena, struct key, page_limit(query->limit));
    for (size_t i = 0; i < disk->keys.count; i++) {
        const struct key *key = disk->keys.rows[i];
        if (key->app != query->app || !is_behind(query, key->app_key))
            continue;
        if (page_ends(query, query->keys))
            return;
        struct key *copy = &query->keys[query->count++];
        shape_copy(&key_shape, key, copy, &query->arena);
        query->next_name = copy->app_key;
    }
}

static bool add_category(struct query *query, const struct category *category)
{
    if (!is_behind(query, category->name))
        return true;
    if (page_ends(query, query->categories))
        return false;
    struct category *copy = &query->categories[query->count++];
    shape_copy(&category_shape, category, copy, &query->arena);
    query->next_name = copy->name;
    return true;
}

static void query_categories(const struct memory_disk *disk, struct query *query)
{
    const struct category built_in = category_default();
    bool added = disk_category(disk, query->app, CATEGORY_DEFAULT) != NULL;
    query->categories = arena_array(&query->arena, struct category, page_limit(query->limit));
    struct named_row from = {.app = query->app, .name = STR("")};
    for (size_t i = table_floor(&disk->categories, &from); i < disk->categories.count; i++) {
        const struct named_row *row = disk->categories.rows[i];
        if (row->app != query->app)
            break;
        if (!added && str_cmp(row->name, built_in.name) > 0) {
            added = true;
            if (!add_category(query, &built_in))
                return;
        }
        if (!add_category(query, row->value))
            return;
    }
    if (!added)
        add_category(query, &built_in);
}

static void query_templates(const struct memory_disk *disk, struct query *query)
{
    query->templates =
        arena_array(&query->arena, struct template_version, page_limit(query->limit));
    struct named_row from = {.app = query->app, .name = STR("")};
    for (size_t i = table_floor(&disk->templates, &from); i < disk->templates.count; i++) {
        const struct named_row *row = disk->templates.rows[i];
        if (row->app != query->app)
            return;
        const struct template_version *newest = find_template(disk, row->app, row->name, 0);
        if (row->value != newest || !is_behind(query, row->name))
            continue;
        if (page_ends(query, query->templates))
            return;
        struct template_version *copy = &query->templates[query->count++];
        shape_copy(&template_shape, newest, copy, &query->arena);
        query->next_name = copy->name;
    }
}

static void query_suppressions(const struct memory_disk *disk, struct query *query)
{
    query->suppressions = arena_array(&query->arena, struct suppression, page_limit(query->limit));
    struct suppression first = {.address = STR("")};
    struct suppression_row from = {.app = query->app, .suppression = &first};
    for (size_t i = table_floor(&disk->suppressions, &from); i < disk->suppressions.count; i++) {
        const struct suppression_row *row = disk->suppressions.rows[i];
        const struct suppression *suppression = row->suppression;
        if (row->app != query->app)
            return;
        if (!is_behind(query, suppression->address) &&
            !(str_eq(suppression->address, query->cursor_name) &&
              suppression->channel > query->cursor_ordinal))
            continue;
        if (page_ends(query, query->suppressions))
            return;
        struct suppression *copy = &query->suppressions[query->count++];
        shape_copy(&suppression_shape, suppression, copy, &query->arena);
        query->next_name = copy->address;
        query->next_ordinal = copy->channel;
    }
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
