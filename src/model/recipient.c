/* model/recipient.c - see recipient.h. */
#include "model/recipient.h"

struct category category_default(void)
{
    return (struct category){
        .name = CATEGORY_DEFAULT,
        .channels = {CHANNEL_PUSH, CHANNEL_SMS, CHANNEL_EMAIL},
        .channel_count = CHANNEL_COUNT,
        .strategy = STRATEGY_ALL,
        .priority = PRIORITY_NORMAL,
        .guarantee = GUARANTEE_AT_LEAST_ONCE,
        .ttl = {INT64_C(86400000000)},
    };
}
