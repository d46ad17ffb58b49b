/* model/recipient.h - users, devices, preferences, categories, suppressions.
 *
 * Plain values; strings belong to whatever arena or record they were read into. An absent string
 * (at == NULL) is an absent member.
 */
#pragma once
#include "base/time.h"
#include "model/names.h"

struct user {
    int64_t number; /* the store's own, never used again: a user made anew gets another */
    struct str user_id;
    struct str email, phone, locale, timezone;
    struct str attributes; /* a JSON object as text, or absent */
    struct wall created_at, updated_at;
};

struct device {
    struct str device_id;
    enum kind kind;            /* ios, android or web */
    struct str token;          /* ios, android: the token; web: the endpoint */
    struct str bundle_id;      /* ios, android */
    bool sandbox;              /* ios: environment "sandbox" */
    struct str p256dh, auth;   /* web: base64url as given */
    struct wall registered_at; /* this token to this device: a later 410 than this retires it */
    struct wall last_seen_at;
    struct wall invalid_at; /* ms == 0: valid */
    struct str invalid_reason;
};

enum choice { CHOICE_ABSENT, CHOICE_NO, CHOICE_YES };

struct category_choice {
    struct str category;
    enum choice channels[CHANNEL_COUNT];
};

/* Opt-outs per channel, and per channel within a category; the more exact one wins. */
struct preferences {
    enum choice channels[CHANNEL_COUNT];
    const struct category_choice *categories;
    uint32_t category_count;
};

struct suppression {
    enum channel channel;
    struct str address;
    struct str reason; /* bounced, complained, stop, invalid, manual */
    struct wall created_at;
};

/* A user with all that planning needs. `user.number` is 0 if there is no such user. */
struct recipient {
    struct user user;
    const struct device *devices;
    uint32_t device_count;
    struct preferences preferences;
    bool email_suppressed, phone_suppressed;
};

struct category {
    struct str name;
    enum channel channels[CHANNEL_COUNT]; /* in order, `channel_count` of them */
    uint32_t channel_count;
    enum strategy strategy;
    enum priority priority;
    enum guarantee guarantee;
    bool mandatory;
    struct span ttl;
    struct wall created_at, updated_at;
};

#define CATEGORY_DEFAULT STR("default")
/* What `default` is until it is changed, and what absent members of a category mean. */
struct category category_default(void);

/* A reason that policy writes on a suppressed delivery. */
#define REASON_OPTED_OUT     STR("opted_out")
#define REASON_NO_ADDRESS    STR("no_address")
#define REASON_INVALID_TOKEN STR("invalid_token")
#define REASON_SUPPRESSION   STR("suppression_list")
