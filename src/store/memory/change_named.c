/* store/memory/change_named.c - management of apps, keys, categories, templates, suppressions. */
#include "store/memory/change.h"
#include <stdlib.h>

static void create_app(struct memory_disk *disk, struct change *op)
{
    struct app app = {.number = disk->last_app + 1, .name = op->name, .created_at = op->now};
    if (table_find(&disk->apps, &app)) {
        op->result = CHANGE_EXISTS;
        return;
    }
    disk->last_app++;
    struct app *row = shape_clone(&app_shape, &app);
    table_add(&disk->apps, row);
    table_add(&disk->app_numbers, row);
    op->result = CHANGED_CREATED;
    op->number = app.number;
    op->created_at = op->updated_at = op->now;
}

static void delete_app(struct memory_disk *disk, struct change *op)
{
    struct app *app = disk_app(disk, op->app);
    for (size_t i = disk->keys.count; i-- > 0;) {
        struct key *key = disk->keys.rows[i];
        if (key->app == op->app)
            free(table_take_at(&disk->keys, i));
    }
    must(table_take(&disk->apps, app) == app);
    must(table_take(&disk->app_numbers, app) == app);
    free(app);
    op->result = CHANGED_REPLACED;
}

static void create_key(struct memory_disk *disk, struct change *op)
{
    struct key key = op->key;
    if (table_find(&disk->keys, &key)) {
        op->result = CHANGE_EXISTS;
        return;
    }
    key.app = op->app;
    key.app_name = disk_app(disk, op->app)->name;
    key.created_at = op->now;
    table_add(&disk->keys, shape_clone(&key_shape, &key));
    op->result = CHANGED_CREATED;
    op->created_at = op->updated_at = op->now;
}

static void revoke_key(struct memory_disk *disk, struct change *op)
{
    struct key wanted = {.app_key = op->name};
    struct key *key = table_find(&disk->keys, &wanted);
    if (!key || key->app != op->app) {
        op->result = CHANGE_MISSING;
        return;
    }
    free(table_take(&disk->keys, key));
    op->result = CHANGED_REPLACED;
}

static void add_named(struct table *table, uint32_t app, struct str name, uint32_t version,
                      void *value)
{
    struct named_row *row = memory_take(sizeof *row);
    *row = (struct named_row){.app = app, .name = name, .version = version, .value = value};
    table_add(table, row);
}

static void put_category(struct memory_disk *disk, struct change *op)
{
    struct named_row wanted = {.app = op->app, .name = op->name};
    struct named_row *old = table_take(&disk->categories, &wanted);
    struct category category = op->category;
    category.name = op->name;
    category.created_at = old ? ((struct category *)old->value)->created_at : op->now;
    category.updated_at = op->now;
    struct category *fresh = shape_clone(&category_shape, &category);
    if (old) {
        free(old->value);
        free(old);
    }
    add_named(&disk->categories, op->app, fresh->name, 0, fresh);
    op->result = old ? CHANGED_REPLACED : CHANGED_CREATED;
    op->created_at = category.created_at;
    op->updated_at = category.updated_at;
}

static void delete_category(struct memory_disk *disk, struct change *op)
{
    struct named_row wanted = {.app = op->app, .name = op->name};
    struct named_row *row = table_take(&disk->categories, &wanted);
    op->result = row ? CHANGED_REPLACED : CHANGE_MISSING;
    if (!row)
        return;
    free(row->value);
    free(row);
}

static uint32_t last_version(const struct memory_disk *disk, uint32_t app, struct str name)
{
    struct named_row beyond = {.app = app, .name = name, .version = UINT32_MAX};
    size_t at = table_floor(&disk->templates, &beyond);
    const struct named_row *row = at ? disk->templates.rows[at - 1] : NULL;
    return row && row->app == app && str_eq(row->name, name) ? row->version : 0;
}

static void put_template(struct memory_disk *disk, struct change *op)
{
    struct template_version version = {
        .name = op->name,
        .version = last_version(disk, op->app, op->name) + 1,
        .source = op->template_put.source,
        .partials = op->template_put.partials,
        .created_at = op->now,
    };
    struct template_version *fresh = shape_clone(&template_shape, &version);
    add_named(&disk->templates, op->app, fresh->name, version.version, fresh);
    op->result = version.version == 1 ? CHANGED_CREATED : CHANGED_REPLACED;
    op->number = version.version;
    op->created_at = op->updated_at = op->now;
}

static struct suppression_row *take_suppression(struct memory_disk *disk, const struct change *op)
{
    struct suppression wanted = op->suppression;
    struct suppression_row key = {.app = op->app, .suppression = &wanted};
    return table_take(&disk->suppressions, &key);
}

static void put_suppression(struct memory_disk *disk, struct change *op)
{
    struct suppression_row *old = take_suppression(disk, op);
    struct suppression suppression = op->suppression;
    suppression.created_at = old ? old->suppression->created_at : op->now;
    disk_suppress(disk, op->app, &suppression);
    if (old) {
        free(old->suppression);
        free(old);
    }
    op->result = old ? CHANGED_REPLACED : CHANGED_CREATED;
    op->created_at = suppression.created_at;
    op->updated_at = op->now;
}

static void delete_suppression(struct memory_disk *disk, struct change *op)
{
    struct suppression_row *row = take_suppression(disk, op);
    op->result = row ? CHANGED_REPLACED : CHANGE_MISSING;
    if (!row)
        return;
    free(row->suppression);
    free(row);
}

void memory_change_named(struct memory_disk *disk, struct change *op)
{
    static void (*const handlers[])(struct memory_disk *, struct change *) = {
        [CHANGE_APP_CREATE] = create_app,
        [CHANGE_APP_DELETE] = delete_app,
        [CHANGE_KEY_CREATE] = create_key,
        [CHANGE_KEY_REVOKE] = revoke_key,
        [CHANGE_CATEGORY_PUT] = put_category,
        [CHANGE_CATEGORY_DELETE] = delete_category,
        [CHANGE_TEMPLATE_PUT] = put_template,
        [CHANGE_SUPPRESSION_PUT] = put_suppression,
        [CHANGE_SUPPRESSION_DELETE] = delete_suppression,
    };
    must((unsigned)op->type < sizeof handlers / sizeof *handlers && handlers[op->type]);
    handlers[op->type](disk, op);
}
