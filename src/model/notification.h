/* model/notification.h - what was asked for, whom it goes to, and what became of it.
 *
 * A notification and its deliveries are facts: written once, at acceptance; with strategy `first`
 * some deliveries are added later, in the same manner. What happens afterwards is appended as
 * events; a delivery's state is its last event (or, before the first, what acceptance decided).
 */
#pragma once
#include "base/time.h"
#include "model/ids.h"
#include "model/names.h"

struct notification {
    int64_t id;
    uint32_t app;
    enum mode mode;
    enum priority priority;
    enum guarantee guarantee;
    enum strategy strategy;
    /* `first` only: the channels that have content, in order, for what is planned later, and
     * whether its rows take the user's attributes. */
    enum channel channels[CHANNEL_COUNT];
    uint32_t channel_count;
    bool wants_attributes;
    struct wall expires_at;   /* acceptance + ttl */
    struct str category;      /* name; never absent */
    struct str template_name; /* absent: the content stands in the request */
    uint32_t template_version;
    struct str partials; /* for inline content; see struct template_version */
    struct str collapse_key;
    struct str event_id;
    struct str traceparent;
    struct str request;      /* the JSON as it came: to, data, content */
    uint32_t delivery_count; /* so far */
};

struct delivery {
    uint32_t ordinal;
    int64_t user; /* its number; 0: a direct address */
    struct str user_id;
    enum kind kind;
    struct str device_id; /* of a user's device */
    struct str address;   /* token, endpoint, phone or e-mail; absent: no_address */
    struct str bundle_id;
    struct str p256dh, auth;
    bool sandbox;
    uint32_t to_index; /* the entry of `to` that it came from; its `data` lies over the common */
    struct str locale;
    struct str attributes; /* the user's, if the template uses them; else absent */
    enum state state;      /* queued, or suppressed with `reason`, at acceptance */
    struct str reason;
    struct wall made_at; /* ms == 0: at acceptance; else added then, and its first event says why */
};

/* A change of state, with the attempt that caused it if one did. */
struct event {
    struct delivery_key key;
    uint32_t seq; /* from 0, gapless; acceptance itself is not stored as an event */
    struct wall at;
    enum state state;
    uint32_t attempt;     /* 0: no attempt caused it */
    struct wall began_at; /* of the attempt; ms == 0 without one */
    struct wall due;      /* `queued`: when it is next due */
    struct str provider, code, reason, detail, message_id;
    struct str route; /* of the attempt: which rule chose the provider; absent without one */
};
