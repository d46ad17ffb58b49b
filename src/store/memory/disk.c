/* store/memory/disk.c - the durable state: its tables, orders and look-ups. */
#include "store/memory/disk.h"
#include "base/rng.h"
#include <stdlib.h>

#define SHAPE(name, type, ...)                                                                     \
    const struct shape name = {.size = sizeof(struct type),                                        \
                               .count = sizeof((size_t[]){__VA_ARGS__}) / sizeof(size_t),          \
                               .strs = {__VA_ARGS__}};
#define AT(type, member) offsetof(struct type, member)

SHAPE(notification_shape, notification, AT(notification, category), AT(notification, template_name),
      AT(notification, partials), AT(notification, collapse_key), AT(notification, event_id),
      AT(notification, traceparent), AT(notification, request))
SHAPE(delivery_shape, delivery, AT(delivery, user_id), AT(delivery, device_id),
      AT(delivery, address), AT(delivery, bundle_id), AT(delivery, p256dh), AT(delivery, auth),
      AT(delivery, locale), AT(delivery, attributes), AT(delivery, reason))
SHAPE(event_shape, event, AT(event, provider), AT(event, code), AT(event, reason),
      AT(event, detail), AT(event, message_id), AT(event, route))
SHAPE(app_shape, app, AT(app, name))
SHAPE(key_shape, key, AT(key, app_key), AT(key, app_name))
SHAPE(user_shape, user, AT(user, user_id), AT(user, email), AT(user, phone), AT(user, locale),
      AT(user, timezone), AT(user, attributes))
SHAPE(device_shape, device, AT(device, device_id), AT(device, token), AT(device, bundle_id),
      AT(device, p256dh), AT(device, auth), AT(device, invalid_reason))
SHAPE(category_shape, category, AT(category, name))
SHAPE(template_shape, template_version, AT(template_version, name), AT(template_version, source),
      AT(template_version, partials))
SHAPE(suppression_shape, suppression, AT(suppression, address), AT(suppression, reason))
SHAPE(steer_shape, steer, AT(steer, from), AT(steer, to), AT(steer, reason), AT(steer, by))

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))
/* Goes on to the next member of a key only if this one is equal. */
#define BY(order)                                                                                  \
    do {                                                                                           \
        int order_ = (order);                                                                      \
        if (order_)                                                                                \
            return order_;                                                                         \
    } while (0)

static int by_id(const void *left, const void *right)
{
    const struct notification_row *a = left, *b = right;
    return ORDER(a->notification->id, b->notification->id);
}

static int by_key(const void *left, const void *right)
{
    const struct work_row *a = left, *b = right;
    BY(ORDER(a->key.notification, b->key.notification));
    return ORDER(a->key.ordinal, b->key.ordinal);
}

static int by_due(const void *left, const void *right)
{
    const struct work_row *a = left, *b = right;
    BY(ORDER(a->lane, b->lane));
    BY(ORDER(a->app, b->app));
    BY(ORDER(a->due.ms, b->due.ms));
    return by_key(left, right);
}

static int by_mark(const void *left, const void *right)
{
    const struct follow_row *a = left, *b = right;
    BY(ORDER(a->notification, b->notification));
    BY(ORDER(a->to_index, b->to_index));
    return ORDER(a->channel, b->channel);
}

static int by_idem(const void *left, const void *right)
{
    const struct idem_row *a = left, *b = right;
    BY(ORDER(a->idem.app, b->idem.app));
    BY(ORDER(a->idem.mode, b->idem.mode));
    return memcmp(a->idem.key, b->idem.key, IDEM_KEY_SIZE);
}

static int by_app_name(const void *left, const void *right)
{
    const struct app *a = left, *b = right;
    return str_cmp(a->name, b->name);
}

static int by_app_number(const void *left, const void *right)
{
    const struct app *a = left, *b = right;
    return ORDER(a->number, b->number);
}

static int by_app_key(const void *left, const void *right)
{
    const struct key *a = left, *b = right;
    return str_cmp(a->app_key, b->app_key);
}

static int by_user_id(const void *left, const void *right)
{
    const struct user_row *a = left, *b = right;
    BY(ORDER(a->app, b->app));
    return str_cmp(a->user->user_id, b->user->user_id);
}

static int by_user_number(const void *left, const void *right)
{
    const struct user_row *a = left, *b = right;
    return ORDER(a->user->number, b->user->number);
}

static int by_device_id(const void *left, const void *right)
{
    const struct device_row *a = left, *b = right;
    return str_cmp(a->device->device_id, b->device->device_id);
}

static int by_token(const void *left, const void *right)
{
    const struct device_row *a = left, *b = right;
    BY(ORDER(a->app, b->app));
    return str_cmp(a->device->token, b->device->token);
}

static int by_name(const void *left, const void *right)
{
    const struct named_row *a = left, *b = right;
    BY(ORDER(a->app, b->app));
    BY(str_cmp(a->name, b->name));
    return ORDER(a->version, b->version);
}

static int by_address(const void *left, const void *right)
{
    const struct suppression_row *a = left, *b = right;
    BY(ORDER(a->app, b->app));
    BY(str_cmp(a->suppression->address, b->suppression->address));
    return ORDER(a->suppression->channel, b->suppression->channel);
}

static int by_steer(const void *left, const void *right)
{
    const struct steer *a = left, *b = right;
    BY(ORDER(a->type, b->type));
    BY(ORDER(a->kind, b->kind));
    return str_cmp(a->from, b->from);
}

struct memory_disk *memory_disk_new(uint64_t seed)
{
    struct memory_disk *disk = memory_take(sizeof *disk);
    struct rng rng = rng_of(seed);
    disk->id_secret[0] = rng_next(&rng);
    disk->id_secret[1] = rng_next(&rng);
    disk->notifications.compare = by_id;
    disk->hand.compare = disk->dead.compare = by_key;
    disk->pending.compare = by_due;
    disk->follows.compare = by_mark;
    disk->idems.compare = by_idem;
    disk->apps.compare = by_app_name;
    disk->app_numbers.compare = by_app_number;
    disk->keys.compare = by_app_key;
    disk->users.compare = by_user_id;
    disk->user_numbers.compare = by_user_number;
    disk->tokens.compare = by_token;
    disk->categories.compare = disk->templates.compare = by_name;
    disk->suppressions.compare = by_address;
    disk->steers.compare = by_steer;
    return disk;
}

static void free_rows(struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->rows[i]);
    table_done(table);
}

static void free_named(struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        struct named_row *row = table->rows[i];
        free(row->value);
    }
    free_rows(table);
}

void memory_disk_free(struct memory_disk *disk)
{
    if (!disk)
        return;
    while (disk->notifications.count)
        disk_remove_notification(disk, disk->notifications.rows[disk->notifications.count - 1]);
    while (disk->users.count)
        disk_remove_user(disk, disk->users.rows[disk->users.count - 1]);
    for (size_t i = 0; i < disk->suppressions.count; i++) {
        struct suppression_row *row = disk->suppressions.rows[i];
        free(row->suppression);
    }
    free_rows(&disk->suppressions);
    free_named(&disk->categories);
    free_named(&disk->templates);
    free_rows(&disk->keys);
    free_rows(&disk->steers);
    free_rows(&disk->idems);
    free_rows(&disk->apps);
    struct table *empty[] = {&disk->follows, &disk->notifications, &disk->hand,
                             &disk->dead,    &disk->pending,       &disk->app_numbers,
                             &disk->users,   &disk->tokens,        &disk->user_numbers};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        table_done(empty[i]);
    free(disk);
}

struct notification_row *disk_notification(const struct memory_disk *disk, int64_t id)
{
    struct notification notification = {.id = id};
    struct notification_row key = {.notification = &notification};
    return table_find(&disk->notifications, &key);
}

struct delivery_row *disk_delivery(const struct memory_disk *disk, struct delivery_key key)
{
    struct notification_row *row = disk_notification(disk, key.notification);
    bool found = row && key.ordinal < row->notification->delivery_count;
    return found ? &row->deliveries[key.ordinal] : NULL;
}

struct app *disk_app(const struct memory_disk *disk, uint32_t number)
{
    struct app key = {.number = number};
    return table_find(&disk->app_numbers, &key);
}

struct user_row *disk_user(const struct memory_disk *disk, uint32_t app, struct str user_id)
{
    struct user user = {.user_id = user_id};
    struct user_row key = {.app = app, .user = &user};
    return table_find(&disk->users, &key);
}

struct user_row *disk_user_number(const struct memory_disk *disk, int64_t number)
{
    struct user user = {.number = number};
    struct user_row key = {.user = &user};
    return table_find(&disk->user_numbers, &key);
}

struct device_row *disk_device(const struct user_row *user, struct str device_id)
{
    struct device device = {.device_id = device_id};
    struct device_row key = {.device = &device};
    return table_find(&user->devices, &key);
}

struct suppression *disk_suppression(const struct memory_disk *disk, uint32_t app,
                                     enum channel channel, struct str address)
{
    struct suppression suppression = {.channel = channel, .address = address};
    struct suppression_row key = {.app = app, .suppression = &suppression};
    struct suppression_row *row = table_find(&disk->suppressions, &key);
    return row ? row->suppression : NULL;
}

const struct category *disk_category(const struct memory_disk *disk, uint32_t app, struct str name)
{
    struct named_row key = {.app = app, .name = name};
    struct named_row *row = table_find(&disk->categories, &key);
    return row ? row->value : NULL;
}

struct user_row *disk_add_user(struct memory_disk *disk, uint32_t app, const struct user *user)
{
    struct user_row *row = memory_take(sizeof *row);
    row->app = app;
    row->user = shape_clone(&user_shape, user);
    row->devices.compare = by_device_id;
    table_add(&disk->users, row);
    table_add(&disk->user_numbers, row);
    return row;
}

void memory_disk_notes(struct memory_disk *disk, const struct crash_notes *notes)
{
    disk->notes = notes;
}
