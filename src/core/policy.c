/* core/policy.c - see policy.h. */
#include "core/policy.h"

static enum choice choice_of(const struct preferences *preferences, struct str category,
                             enum channel channel)
{
    for (uint32_t i = 0; i < preferences->category_count; i++)
        if (str_eq(preferences->categories[i].category, category) &&
            preferences->categories[i].channels[channel] != CHOICE_ABSENT)
            return preferences->categories[i].channels[channel];
    return preferences->channels[channel];
}

struct str policy_ask(const struct policy_question *q)
{
    if (!q->has_address)
        return REASON_NO_ADDRESS;
    if (q->suppressed)
        return REASON_SUPPRESSION;
    if (q->invalid)
        return REASON_INVALID_TOKEN;
    if (!q->category->mandatory && q->preferences &&
        choice_of(q->preferences, q->category->name, q->channel) == CHOICE_NO)
        return REASON_OPTED_OUT;
    return STR_NONE;
}
