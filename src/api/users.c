/* api/users.c - users and their preferences: /v1/users/{user_id}. */
#include "api/users.h"
#include "api/address.h"
#include "api/fields.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/views.h"
#include "model/check.h"

bool user_path_ok(struct call *call)
{
    if (name_ok(call->params[0]))
        return true;
    call_problem(call, PROBLEM_INVALID, "user_id " NAME_RULE);
    return false;
}

/* ------------------------------------------------------------------------------------- put ---- */

static void read_user(struct fields *fields, struct arena *arena, struct user *user)
{
    const struct json *attributes;
    if (fields_checked(fields, STR("email"), email_ok, EMAIL_RULE, &user->email))
        user->email = address_normal(arena, CHANNEL_EMAIL, user->email);
    (void)fields_checked(fields, STR("phone"), phone_ok, PHONE_RULE, &user->phone);
    (void)fields_checked(fields, STR("locale"), locale_ok,
                         "must be a language tag as BCP 47 has it, such as ko-KR", &user->locale);
    (void)fields_checked(fields, STR("timezone"), timezone_known,
                         "must be a time zone of tzdata, such as Asia/Seoul", &user->timezone);
    attributes = fields_typed(fields, STR("attributes"), JSON_OBJECT);
    if (attributes && attributes->raw.len > ATTRIBUTES_BYTES_MAX)
        fields_fault(fields, STR("attributes"), "must be at most %d bytes of JSON",
                     ATTRIBUTES_BYTES_MAX);
    else if (attributes)
        user->attributes = attributes->raw;
}

static void view_user(struct json_out *out, const struct user *user)
{
    json_open(out, '{');
    view_str(out, STR("user_id"), user->user_id);
    view_str(out, STR("email"), user->email);
    view_str(out, STR("phone"), user->phone);
    view_str(out, STR("locale"), user->locale);
    view_str(out, STR("timezone"), user->timezone);
    json_name(out, STR("attributes"));
    json_raw(out, user->attributes.len ? user->attributes : STR("{}"));
    view_wall(out, STR("created_at"), user->created_at);
    view_wall(out, STR("updated_at"), user->updated_at);
    json_close(out, '}');
}

static void user_put(struct job *job)
{
    struct call *call = job->owner;
    const struct change *change = &job->change;
    if (!call_done(job))
        return;
    if (change->result == CHANGE_MISSING) {
        call_not_found(call);
        return;
    }
    struct user user = change->user;
    user.user_id = change->name;
    user.created_at = change->created_at;
    user.updated_at = change->updated_at;
    struct json_out out = call_out(call);
    view_user(&out, &user);
    call_json(call, change->result == CHANGED_CREATED ? 201 : 200);
}

void users_put(struct call *call)
{
    struct fields fields;
    struct user user = {.user_id = call->params[0]};
    if (!user_path_ok(call))
        return;
    (void)fields_init(&fields, call->body, NULL, &call->faults);
    read_user(&fields, call->arena, &user);
    fields_done(&fields);
    if (call->faults.count) {
        call_invalid(call);
        return;
    }
    struct job *job = call_change(call, CHANGE_USER_PUT, user.user_id);
    if (!job)
        return;
    job->change.user = user;
    call_do(job, user_put);
}

/* ----------------------------------------------------------------------------- get, delete ---- */

struct query *user_query(struct call *call)
{
    struct query *query = call_query(call, QUERY_RECIPIENTS);
    if (!query)
        return NULL;
    query->user_ids = call->params;
    query->user_id_count = 1;
    return query;
}

static void user_ask(struct call *call, void (*done)(struct query *query))
{
    struct query *query = user_query(call);
    if (query)
        call_ask(query, done);
}

const struct recipient *user_came(struct query *query)
{
    if (!call_came(query))
        return NULL;
    if (query->recipients[0].user.number)
        return &query->recipients[0];
    call_not_found(query->owner);
    return NULL;
}

static void user_got(struct query *query)
{
    struct call *call = query->owner;
    const struct recipient *recipient = user_came(query);
    if (!recipient)
        return;
    struct json_out out = call_out(call);
    view_user(&out, &recipient->user);
    call_json(call, 200);
}

void users_get(struct call *call)
{
    user_ask(call, user_got);
}

void users_delete(struct call *call)
{
    struct job *job = call_change(call, CHANGE_USER_DELETE, call->params[0]);
    if (job)
        call_do(job, call_deleted);
}

/* ----------------------------------------------------------------------------- preferences ---- */

static enum choice choice_of(struct fields *fields, enum channel channel)
{
    bool yes;
    if (!fields_bool(fields, channel_name(channel), &yes))
        return CHOICE_ABSENT;
    return yes ? CHOICE_YES : CHOICE_NO;
}

static void read_choices(const struct json *value, const struct spot *spot, struct faults *faults,
                         enum choice choices[CHANNEL_COUNT])
{
    struct fields fields;
    (void)fields_init(&fields, value, spot, faults);
    for (int channel = 0; channel < CHANNEL_COUNT; channel++)
        choices[channel] = choice_of(&fields, (enum channel)channel);
    fields_done(&fields);
}

static void read_categories(const struct json *list, const struct spot *spot, struct faults *faults,
                            struct preferences *ret)
{
    if (list->count > PREFERENCE_CATEGORIES_MAX) {
        spot_fault(spot, faults, "must have at most %d categories", PREFERENCE_CATEGORIES_MAX);
        return;
    }
    struct category_choice *choices =
        arena_array(faults->arena, struct category_choice, list->count);
    for (uint32_t i = 0; choices && i < list->count; i++) {
        struct spot item = {.up = spot, .name = list->names[i]};
        if (!name_ok(list->names[i]))
            spot_fault(&item, faults, NAME_RULE);
        choices[i].category = list->names[i];
        read_choices(&list->items[i], &item, faults, choices[i].channels);
    }
    ret->categories = choices;
    ret->category_count = list->count;
}

static void read_preferences(struct fields *fields, struct preferences *ret)
{
    struct spot channels = {.name = STR("channels")}, categories = {.name = STR("categories")};
    const struct json *value = fields_take(fields, channels.name);
    if (value)
        read_choices(value, &channels, fields->faults, ret->channels);
    value = fields_typed(fields, categories.name, JSON_OBJECT);
    if (value)
        read_categories(value, &categories, fields->faults, ret);
    fields_later(fields, STR("quiet_hours"));
}

static void view_choices(struct json_out *out, const enum choice choices[CHANNEL_COUNT])
{
    json_open(out, '{');
    for (int channel = 0; channel < CHANNEL_COUNT; channel++)
        if (choices[channel] != CHOICE_ABSENT)
            view_bool(out, channel_name((enum channel)channel), choices[channel] == CHOICE_YES);
    json_close(out, '}');
}

static void view_preferences(struct json_out *out, const struct preferences *preferences)
{
    json_open(out, '{');
    json_name(out, STR("channels"));
    view_choices(out, preferences->channels);
    json_name(out, STR("categories"));
    json_open(out, '{');
    for (uint32_t i = 0; i < preferences->category_count; i++) {
        json_name(out, preferences->categories[i].category);
        view_choices(out, preferences->categories[i].channels);
    }
    json_close(out, '}');
    view_str(out, STR("quiet_hours"), STR_NONE);
    json_close(out, '}');
}

static void preferences_done(struct job *job)
{
    struct call *call = job->owner;
    if (!call_done(job))
        return;
    if (job->change.result == CHANGE_MISSING) {
        call_not_found(call);
        return;
    }
    struct json_out out = call_out(call);
    view_preferences(&out, &job->change.preferences);
    call_json(call, 200); /* every user has some, if only the default */
}

void preferences_put(struct call *call)
{
    struct fields fields;
    struct preferences preferences = {0};
    (void)fields_init(&fields, call->body, NULL, &call->faults);
    read_preferences(&fields, &preferences);
    fields_done(&fields);
    if (call->faults.count) {
        call_invalid(call);
        return;
    }
    struct job *job = call_change(call, CHANGE_PREFERENCES_PUT, call->params[0]);
    if (!job)
        return;
    job->change.preferences = preferences;
    call_do(job, preferences_done);
}

static void preferences_got(struct query *query)
{
    struct call *call = query->owner;
    const struct recipient *recipient = user_came(query);
    if (!recipient)
        return;
    struct json_out out = call_out(call);
    view_preferences(&out, &recipient->preferences);
    call_json(call, 200);
}

void preferences_get(struct call *call)
{
    user_ask(call, preferences_got);
}
