/* api/settings.h - what a category and a notification both may state: channels, strategy,
 * priority, ttl, guarantee.
 */
#pragma once
#include "api/fields.h"
#include "model/recipient.h"

struct settings {
    enum channel channels[CHANNEL_COUNT];
    uint32_t channel_count; /* 0: not stated */
    bool has_strategy, has_priority, has_ttl, has_guarantee;
    enum strategy strategy;
    enum priority priority;
    struct span ttl;
    enum guarantee guarantee;
};

void settings_read(struct fields *fields, struct settings *ret);
/* What is stated goes over what the category says. */
void settings_over(const struct settings *settings, struct category *category);
