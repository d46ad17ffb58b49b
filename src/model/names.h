/* model/names.h - the closed vocabularies of the contract, and their spelling.
 *
 * Each is one table that feeds the enum, the parser and the documents. X(NAME, "spelling").
 */
#pragma once
#include "base/str.h"

#define CHANNELS(X)                                                                                \
    X(CHANNEL_PUSH, "push")                                                                        \
    X(CHANNEL_SMS, "sms")                                                                          \
    X(CHANNEL_EMAIL, "email")

/* A kind is what a lane and a route are made of: a channel's technical ways. */
#define KINDS(X)                                                                                   \
    X(KIND_IOS, "ios")                                                                             \
    X(KIND_ANDROID, "android")                                                                     \
    X(KIND_WEB, "web")                                                                             \
    X(KIND_SMS, "sms")                                                                             \
    X(KIND_EMAIL, "email")

#define PRIORITIES(X)                                                                              \
    X(PRIORITY_CRITICAL, "critical")                                                               \
    X(PRIORITY_HIGH, "high")                                                                       \
    X(PRIORITY_NORMAL, "normal")                                                                   \
    X(PRIORITY_LOW, "low")

#define GUARANTEES(X)                                                                              \
    X(GUARANTEE_AT_LEAST_ONCE, "at_least_once")                                                    \
    X(GUARANTEE_AT_MOST_ONCE, "at_most_once")

#define STRATEGIES(X)                                                                              \
    X(STRATEGY_ALL, "all")                                                                         \
    X(STRATEGY_FIRST, "first")

#define MODES(X)                                                                                   \
    X(MODE_LIVE, "live")                                                                           \
    X(MODE_TEST, "test")

/* X(NAME, "spelling", final): a delivery's states; `sent` is left only by a receipt. */
#define STATES(X)                                                                                  \
    X(STATE_SCHEDULED, "scheduled", 0)                                                             \
    X(STATE_QUEUED, "queued", 0)                                                                   \
    X(STATE_SENDING, "sending", 0)                                                                 \
    X(STATE_SENT, "sent", 1)                                                                       \
    X(STATE_DELIVERED, "delivered", 1)                                                             \
    X(STATE_OPENED, "opened", 1)                                                                   \
    X(STATE_CLICKED, "clicked", 1)                                                                 \
    X(STATE_FAILED, "failed", 1)                                                                   \
    X(STATE_DEAD, "dead", 1)                                                                       \
    X(STATE_SUPPRESSED, "suppressed", 1)                                                           \
    X(STATE_EXPIRED, "expired", 1)                                                                 \
    X(STATE_CANCELLED, "cancelled", 1)                                                             \
    X(STATE_UNKNOWN, "unknown", 1)

#define NAME_ENUM(name, spelling)               name,
#define NAME_ENUM_STATE(name, spelling, final_) name,

enum channel { CHANNELS(NAME_ENUM) CHANNEL_COUNT };
enum kind { KINDS(NAME_ENUM) KIND_COUNT };
enum priority { PRIORITIES(NAME_ENUM) PRIORITY_COUNT };
enum guarantee { GUARANTEES(NAME_ENUM) GUARANTEE_COUNT };
enum strategy { STRATEGIES(NAME_ENUM) STRATEGY_COUNT };
enum mode { MODES(NAME_ENUM) MODE_COUNT };
enum state { STATES(NAME_ENUM_STATE) STATE_COUNT };

struct str channel_name(enum channel channel);
struct str kind_name(enum kind kind);
struct str priority_name(enum priority priority);
struct str guarantee_name(enum guarantee guarantee);
struct str strategy_name(enum strategy strategy);
struct str mode_name(enum mode mode);
struct str state_name(enum state state);

bool channel_parse(struct str name, enum channel *ret);
bool kind_parse(struct str name, enum kind *ret);
bool priority_parse(struct str name, enum priority *ret);
bool guarantee_parse(struct str name, enum guarantee *ret);
bool strategy_parse(struct str name, enum strategy *ret);
bool mode_parse(struct str name, enum mode *ret);
bool state_parse(struct str name, enum state *ret);

enum channel kind_channel(enum kind kind);
/* No more attempts will be made; a receipt may still move `sent` on, a redrive `dead`. */
bool state_is_final(enum state state);

/* A lane is kind x priority; lanes are counted from 0. */
enum { LANE_COUNT = KIND_COUNT * PRIORITY_COUNT };
static inline unsigned lane_of(enum kind kind, enum priority priority)
{
    return (unsigned)kind * PRIORITY_COUNT + (unsigned)priority;
}
static inline enum kind lane_kind(unsigned lane)
{
    return (enum kind)(lane / PRIORITY_COUNT);
}
static inline enum priority lane_priority(unsigned lane)
{
    return (enum priority)(lane % PRIORITY_COUNT);
}
