/* model/names.c - see names.h. */
#include "model/names.h"
#include "base/err.h"

#define NAME_STR(name, spelling)               STR_INIT(spelling),
#define NAME_STR_STATE(name, spelling, final_) STR_INIT(spelling),

/* Defines `<type>_name` and `<type>_parse` over a table. */
#define VOCABULARY(type, table, row, count)                                                        \
    static const struct str type##_names[] = {table(row)};                                         \
    struct str type##_name(enum type type)                                                         \
    {                                                                                              \
        must((unsigned)type < (count));                                                            \
        return type##_names[type];                                                                 \
    }                                                                                              \
    bool type##_parse(struct str name, enum type *ret)                                             \
    {                                                                                              \
        for (unsigned i = 0; i < (count); i++)                                                     \
            if (str_eq(name, type##_names[i])) {                                                   \
                *ret = (enum type)i;                                                               \
                return true;                                                                       \
            }                                                                                      \
        return false;                                                                              \
    }

VOCABULARY(channel, CHANNELS, NAME_STR, CHANNEL_COUNT)
VOCABULARY(kind, KINDS, NAME_STR, KIND_COUNT)
VOCABULARY(priority, PRIORITIES, NAME_STR, PRIORITY_COUNT)
VOCABULARY(guarantee, GUARANTEES, NAME_STR, GUARANTEE_COUNT)
VOCABULARY(strategy, STRATEGIES, NAME_STR, STRATEGY_COUNT)
VOCABULARY(mode, MODES, NAME_STR, MODE_COUNT)
VOCABULARY(state, STATES, NAME_STR_STATE, STATE_COUNT)

enum channel kind_channel(enum kind kind)
{
    static const enum channel channels[] = {
        [KIND_IOS] = CHANNEL_PUSH, [KIND_ANDROID] = CHANNEL_PUSH, [KIND_WEB] = CHANNEL_PUSH,
        [KIND_SMS] = CHANNEL_SMS,  [KIND_EMAIL] = CHANNEL_EMAIL,
    };
    must((unsigned)kind < KIND_COUNT);
    return channels[kind];
}

bool state_is_final(enum state state)
{
#define STATE_FINAL(name, spelling, final_) [name] = final_,
    static const bool finals[] = {STATES(STATE_FINAL)};
    must((unsigned)state < STATE_COUNT);
    return finals[state];
}
