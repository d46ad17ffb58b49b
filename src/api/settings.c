/* api/settings.c - see settings.h. */
#include "api/settings.h"
#include "model/limits.h"

static bool listed(const struct settings *settings, enum channel channel)
{
    for (uint32_t i = 0; i < settings->channel_count; i++)
        if (settings->channels[i] == channel)
            return true;
    return false;
}

static void read_channels(struct fields *fields, struct settings *ret)
{
    const struct json *list = fields_typed(fields, STR("channels"), JSON_ARRAY);
    struct spot spot = {.up = fields->spot, .name = STR("channels")};
    if (list && !list->count)
        fields_fault(fields, STR("channels"), "must list at least one of %s", choice_channel.names);
    for (uint32_t i = 0; list && i < list->count; i++) {
        struct spot item = {.up = &spot, .index = i};
        enum channel channel;
        if (list->items[i].type != JSON_STRING || !channel_parse(list->items[i].text, &channel))
            spot_fault(&item, fields->faults, "must be one of %s", choice_channel.names);
        else if (listed(ret, channel))
            spot_fault(&item, fields->faults, "is listed twice");
        else
            ret->channels[ret->channel_count++] = channel;
    }
}

static void read_ttl(struct fields *fields, struct settings *ret)
{
    ret->has_ttl = fields_span(fields, STR("ttl"), &ret->ttl);
    if (ret->has_ttl && ret->ttl.us > span_s(TTL_DAYS_MAX * INT64_C(86400)).us)
        fields_fault(fields, STR("ttl"), "must be at most %d days", TTL_DAYS_MAX);
}

void settings_read(struct fields *fields, struct settings *ret)
{
    int value;
    *ret = (struct settings){0};
    read_channels(fields, ret);
    ret->has_priority = fields_choice(fields, STR("priority"), &choice_priority, &value);
    if (ret->has_priority)
        ret->priority = (enum priority)value;
    read_ttl(fields, ret);
    ret->has_strategy = fields_choice(fields, STR("strategy"), &choice_strategy, &value);
    if (ret->has_strategy)
        ret->strategy = (enum strategy)value;
    ret->has_guarantee = fields_choice(fields, STR("guarantee"), &choice_guarantee, &value);
    if (ret->has_guarantee)
        ret->guarantee = (enum guarantee)value;
}

void settings_over(const struct settings *settings, struct category *category)
{
    if (settings->channel_count) {
        memcpy(category->channels, settings->channels, sizeof category->channels);
        category->channel_count = settings->channel_count;
    }
    if (settings->has_strategy)
        category->strategy = settings->strategy;
    if (settings->has_priority)
        category->priority = settings->priority;
    if (settings->has_ttl)
        category->ttl = settings->ttl;
    if (settings->has_guarantee)
        category->guarantee = settings->guarantee;
}
